//! Says whether a stand-in is in its place, or anywhere that is none.

use crate::declare::Held;
use crate::grant::Rule;
use crate::refusal::{Refusal, Spot};
use crate::standin::{StandIns, describe};

/// Whether `text` is the stand-in of one of `wanted`, whole, and may be used in this call.
pub(super) fn in_its_place(
    rule: &Rule,
    text: &str,
    wanted: &[&Held],
    stand_ins: &StandIns,
    place: Spot,
) -> Result<(), Refusal> {
    let one = stand_ins.get(text);
    if one.is_some_and(|one| wanted.contains(&&one.held) && one.is_good_in(&rule.id)) {
        return Ok(());
    }
    // The stand-in of something else, or with something around it, is named as such.
    no_stand_in(place.clone(), text.as_bytes(), stand_ins)?;
    let what: Vec<String> = wanted.iter().map(|held| describe(held)).collect();
    Err(Refusal::NotItsStandIn {
        place,
        what: what.join(" or "),
    })
}

pub(super) fn no_stand_in(place: Spot, text: &[u8], stand_ins: &StandIns) -> Result<(), Refusal> {
    match stand_ins.sighted(text) {
        Some((what, form)) => Err(Refusal::StandIn { place, what, form }),
        None => Ok(()),
    }
}
