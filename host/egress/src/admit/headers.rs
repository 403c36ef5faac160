//! Judges the headers of a request, and what they say of its body.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use super::places::{in_its_place, no_stand_in};
use super::{Swap, SwapPlace};
use crate::check::has_no_body;
use crate::declare::{Carried, Held, Place};
use crate::grant::Rule;
use crate::refusal::{Refusal, Spot};
use crate::standin::StandIns;

pub(super) fn admit_headers(
    rule: &Rule,
    head: &Parts,
    stand_ins: &StandIns,
    swaps: &mut Vec<Swap>,
) -> Result<HeaderMap, Refusal> {
    let mut admitted = HeaderMap::with_capacity(head.headers.len() + 4);
    for name in head.headers.keys() {
        let place = || Spot::Header(name.as_str().to_owned());
        let mut values = head.headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Refusal::Header {
                place: place(),
                why: "is there twice",
            });
        };
        // RFC 9110 section 5.5: what else there is, is obsolete and read in different ways.
        let visible = |b: &u8| matches!(b, b' ' | b'\t' | 0x21..=0x7e);
        if !value.as_bytes().iter().all(visible) {
            return Err(Refusal::Header {
                place: place(),
                why: "has characters that a header cannot have",
            });
        }
        // The host's own, whatever the guest's library put there.
        if matches!(*name, header::CONTENT_LENGTH | header::USER_AGENT) {
            no_stand_in(place(), value.as_bytes(), stand_ins)?;
            continue;
        }
        if let Some((place_of_swap, wanted)) = carried_in_header(rule, name) {
            let text = match place_of_swap {
                SwapPlace::Bearer => value
                    .as_bytes()
                    .strip_prefix(b"Bearer ")
                    .unwrap_or_default(),
                _ => value.as_bytes(),
            };
            let text = std::str::from_utf8(text).unwrap_or_default();
            if text.is_empty() {
                no_stand_in(place(), value.as_bytes(), stand_ins)?;
            }
            in_its_place(rule, text, &wanted, stand_ins, place())?;
            swaps.push(Swap {
                place: place_of_swap,
                text: text.to_owned(),
            });
            continue;
        }
        let declared = matches!(*name, header::ACCEPT | header::CONTENT_TYPE)
            || rule.request_headers.contains(name);
        no_stand_in(place(), value.as_bytes(), stand_ins)?;
        if !declared {
            return Err(Refusal::Header {
                place: place(),
                why: "was not declared",
            });
        }
        admitted.insert(name, value.clone());
    }
    Ok(admitted)
}

/// What a header carries, if it does.
fn carried_in_header<'r>(rule: &'r Rule, name: &HeaderName) -> Option<(SwapPlace, Vec<&'r Held>)> {
    let here = |carried: &&Carried| match &carried.place {
        Place::Header(header) => header == name.as_str(),
        Place::Bearer => *name == header::AUTHORIZATION,
        Place::FormField(_) | Place::JsonMember(_) => false,
    };
    let mut carried = rule.carries.iter().filter(here).peekable();
    let place = match carried.peek()?.place {
        Place::Bearer => SwapPlace::Bearer,
        _ => SwapPlace::Header(name.clone()),
    };
    Some((place, carried.map(|carried| &carried.what).collect()))
}

pub(super) enum BodyKind {
    Empty,
    Form,
    Json,
}

pub(super) fn body_kind(
    rule: &Rule,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<BodyKind, Refusal> {
    let declared = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = declared
        .map(kind_of_content)
        .transpose()
        .map_err(|why| Refusal::Header {
            place: Spot::Header("content-type".to_owned()),
            why,
        })?;
    if body.is_empty() {
        return Ok(BodyKind::Empty);
    }
    if has_no_body(&rule.method) {
        return Err(Refusal::Body {
            place: Spot::Body,
            why: format!("may not be there, as this is a {}", rule.method),
        });
    }
    kind.ok_or_else(|| Refusal::Body {
        place: Spot::Body,
        why: "has no content type".to_owned(),
    })
}

/// JSON or a form, in UTF-8. A server chooses its parser by this, so nothing else is let through.
fn kind_of_content(value: &[u8]) -> Result<BodyKind, &'static str> {
    let mut parts = value.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let kind = match parts.next().unwrap_or_default() {
        essence if essence.eq_ignore_ascii_case(b"application/json") => BodyKind::Json,
        essence if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") => {
            BodyKind::Form
        }
        _ => return Err("is neither JSON nor a form"),
    };
    let mut parameters = 0;
    for parameter in parts {
        parameters += 1;
        let utf8 = [&b"charset=utf-8"[..], b"charset=\"utf-8\""]
            .iter()
            .any(|known| parameter.eq_ignore_ascii_case(known));
        if !utf8 || parameters > 1 {
            return Err("has a parameter other than `charset=utf-8`");
        }
    }
    Ok(kind)
}
