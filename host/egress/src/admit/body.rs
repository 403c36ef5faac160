//! Judges forms and JSON bodies, and finds the stand-ins that they carry.

use bytes::Bytes;

use super::places::{in_its_place, no_stand_in};
use super::{Swap, SwapPlace};
use crate::declare::{Carried, Held, Place};
use crate::grant::Rule;
use crate::json::{Document, Pointer};
use crate::refusal::{Refusal, Spot};
use crate::standin::StandIns;
use crate::target::percent_decode;

pub(super) fn admit_form(
    rule: &Rule,
    body: &Bytes,
    stand_ins: &StandIns,
    swaps: &mut Vec<Swap>,
) -> Result<Vec<(String, String)>, Refusal> {
    let bad = |why: &str| Refusal::Body {
        place: Spot::Body,
        why: why.to_owned(),
    };
    let text = std::str::from_utf8(body).map_err(|_| bad("is not UTF-8"))?;
    // WHATWG URL, "application/x-www-form-urlencoded": what a serializer leaves as it is, and what many others do.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~*+%!$'(),/:@?&=".contains(&b);
    if !text.bytes().all(plain) {
        return Err(bad("has characters that have to be percent-encoded"));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut swapped = Vec::new();
    for pair in text.split('&') {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| bad("has a field without `=`"))?;
        let name = percent_decode(name, true)
            .ok_or_else(|| bad("has a name that cannot be decoded"))?
            .into_owned();
        let value = percent_decode(value, true)
            .ok_or_else(|| bad("has a value that cannot be decoded"))?
            .into_owned();
        no_stand_in(Spot::Body, name.as_bytes(), stand_ins)?;
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(bad("has a field twice"));
        }
        if pairs.len() >= 256 {
            return Err(bad("has more than 256 fields"));
        }
        let here = |carried: &&Carried| matches!(&carried.place, Place::FormField(field) if *field == name);
        let wanted: Vec<&Held> = rule
            .carries
            .iter()
            .filter(here)
            .map(|carried| &carried.what)
            .collect();
        if wanted.is_empty() {
            no_stand_in(Spot::FormField(name.clone()), value.as_bytes(), stand_ins)?;
        } else {
            in_its_place(
                rule,
                &value,
                &wanted,
                stand_ins,
                Spot::FormField(name.clone()),
            )?;
            swaps.push(Swap {
                place: SwapPlace::Form(pairs.len()),
                text: value.clone(),
            });
            swapped.push(pairs.len());
        }
        pairs.push((name, value));
    }
    // Two fields together could be what neither is alone; their order is the guest's.
    let rest: Vec<&str> = pairs
        .iter()
        .enumerate()
        .filter(|(at, _)| !swapped.contains(at))
        .map(|(_, (_, v))| v.as_str())
        .collect();
    no_stand_in(Spot::Body, rest.concat().as_bytes(), stand_ins)?;
    Ok(pairs)
}

/// Finds the stand-ins that a JSON body carries, and makes sure that there are no others in it.
pub(super) fn admit_members(
    rule: &Rule,
    document: &Document<'_>,
    stand_ins: &StandIns,
    swaps: &mut Vec<Swap>,
) -> Result<(), Refusal> {
    let mut places = Vec::new();
    for carried in &rule.carries {
        let Place::JsonMember(text) = &carried.place else {
            continue;
        };
        let Some(pointer) = Pointer::parse(text) else {
            continue;
        };
        let Some(value) = document.root().follow(&pointer) else {
            continue;
        };
        if places.contains(&value.place()) {
            continue;
        }
        let place = Spot::JsonMember(text.clone());
        let same =
            |other: &&Carried| matches!(&other.place, Place::JsonMember(other) if other == text);
        let wanted: Vec<&Held> = rule
            .carries
            .iter()
            .filter(same)
            .map(|carried| &carried.what)
            .collect();
        let string = value.string().unwrap_or_default();
        in_its_place(rule, &string, &wanted, stand_ins, place)?;
        places.push(value.place());
        swaps.push(Swap {
            place: SwapPlace::Json(pointer),
            text: string.into_owned(),
        });
    }
    if places.is_empty() {
        // As it came: escapes are looked through there too.
        return no_stand_in(Spot::Body, document.root().raw().as_bytes(), stand_ins);
    }
    let blanks: Vec<(usize, &str)> = places.iter().map(|place| (*place, "")).collect();
    let mut rest = Vec::new();
    document.write(&mut rest, &blanks);
    no_stand_in(Spot::Body, &rest, stand_ins)
}
