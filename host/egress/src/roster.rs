//! Who may be touched at this moment: the owners that are out with the guest, and their names.
//!
//! It does not know what an owner is. No clock, no channel, no store: the upper layer hands owners over and settles
//! them, egress asks who a name belongs to and notes what was sent about them.
//!
//! A name that several held owners share belongs to the one that was handed over (or learnt it) first; when that one is
//! settled it passes to the next. So a change is never counted for two owners, and an action that wants both reported
//! has to act twice or to find out that they are one (`subjects.claim`).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The upper layer's number for what a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Owner(pub u64);

/// What was seen of an owner between [`Roster::hand_over`] and [`Roster::settle`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Calls that change something about it and may have left.
    pub changes_sent: u32,
    /// Those of them that were answered with 2xx.
    pub changes_accepted: u32,
    /// The status of the last answer to any call about it.
    pub last_status: Option<u16>,
}

/// The owners that a session may touch. Shared by the session and by the layer that hands over.
#[derive(Debug, Default)]
pub struct Roster {
    state: Mutex<State>,
    drain: tokio::sync::watch::Sender<bool>,
}

/// The fields that names come from are told apart by a bit each.
const MOST_FIELDS: usize = 63;
/// The bit of names that an answer taught: they are good for any call.
const LEARNT: u64 = 1 << MOST_FIELDS;
/// Names that one owner can learn; more are ignored, so that answers cannot fill the memory.
const MOST_LEARNT: usize = 16;
/// Longer names are not learnt, in bytes.
const LONGEST_NAME: usize = 512;

#[derive(Debug, Default)]
struct State {
    fields: Vec<String>,
    owners: HashMap<Owner, Held>,
    /// Folded name to the owners that have it, first come first.
    names: HashMap<String, Vec<(Owner, u64)>>,
    draining: bool,
}

#[derive(Debug, Default)]
struct Held {
    names: Vec<String>,
    learnt: usize,
    seen: Seen,
}

/// Why a change may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoChange {
    NotHeld,
    Draining,
}

impl Roster {
    /// A roster with nobody on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `owner` is out with the guest from now on, under these names: pairs of the field that the name is the
    /// value of and the name. A call may name an owner only by the fields that its subject declares. An owner that is
    /// held already gets the further names.
    pub fn hand_over<F, N>(&self, owner: Owner, names: impl IntoIterator<Item = (F, N)>)
    where
        F: AsRef<str>,
        N: AsRef<str>,
    {
        let mut state = self.lock();
        state.owners.entry(owner).or_default();
        for (field, name) in names {
            // A name from a field that no bit is left for belongs to nobody, so calls that use it are refused.
            if let Some(bit) = state.bit_or_new(field.as_ref()) {
                state.add(owner, fold(name.as_ref()), bit);
            }
        }
    }

    /// Ends what the guest may do to `owner`, and gives what was seen. `None` if it is not held.
    pub fn settle(&self, owner: Owner) -> Option<Seen> {
        let mut state = self.lock();
        let held = state.owners.remove(&owner)?;
        for name in held.names {
            if let Some(owners) = state.names.get_mut(&name) {
                owners.retain(|(other, _)| *other != owner);
                if owners.is_empty() {
                    state.names.remove(&name);
                }
            }
        }
        Some(held.seen)
    }

    /// The held owner that has `name`, whatever field it is from.
    #[must_use]
    pub fn owner_of(&self, name: &str) -> Option<Owner> {
        self.lock().find(&fold(name), u64::MAX)
    }

    /// The held owner that has `name` as the value of one of `fields`, or learnt it from an answer.
    #[must_use]
    pub fn owner_by(&self, fields: &[String], name: &str) -> Option<Owner> {
        let state = self.lock();
        state.find(&fold(name), state.mask(fields))
    }

    /// Notes that an answer taught `name` of `owner`. False if the owner is not held (any more), has learnt as many
    /// names as it may, or the name is empty or too long.
    pub fn learn(&self, owner: Owner, name: &str) -> bool {
        if name.is_empty() || name.len() > LONGEST_NAME {
            return false;
        }
        let mut state = self.lock();
        let name = fold(name);
        match state.owners.get_mut(&owner) {
            Some(held) if held.names.contains(&name) => {}
            Some(held) if held.learnt < MOST_LEARNT => held.learnt += 1,
            _ => return false,
        }
        state.add(owner, name, LEARNT);
        true
    }

    /// The names of a held owner, folded, in the order in which they became known. Empty if it is not held.
    #[must_use]
    pub fn names_of(&self, owner: Owner) -> Vec<String> {
        self.lock()
            .owners
            .get(&owner)
            .map(|held| held.names.clone())
            .unwrap_or_default()
    }

    /// From now on, calls that change something about an owner that had no such call yet are refused.
    pub fn drain(&self) {
        self.lock().draining = true;
        self.drain.send_replace(true);
    }

    /// Every owner that has the name: an answer about it teaches all of them.
    pub(crate) fn holders(&self, name: &str) -> Vec<Owner> {
        let state = self.lock();
        let owners = state.names.get(&fold(name)).into_iter().flatten();
        owners.map(|(owner, _)| *owner).collect()
    }

    /// Returns when [`Roster::drain`] was called.
    pub(crate) async fn draining(&self) {
        let mut drain = self.drain.subscribe();
        // The sender lives as long as the roster that is waited for.
        let _ = drain.wait_for(|draining| *draining).await;
    }

    /// How many owners are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lock().owners.len()
    }

    /// What was seen of a held owner so far.
    #[must_use]
    pub fn seen(&self, owner: Owner) -> Option<Seen> {
        self.lock().owners.get(&owner).map(|held| held.seen)
    }

    /// Whether a change of `owner` could begin now.
    pub(crate) fn may_change(&self, owner: Owner) -> Result<(), NoChange> {
        self.lock().may_change(owner)
    }

    /// Counts a changing call for each of `owners`, all or none: between this and the answer it may have left.
    /// Gives the first owner that stands in the way.
    pub(crate) fn begin_changes(&self, owners: &[Owner]) -> Result<(), (Owner, NoChange)> {
        let mut state = self.lock();
        for owner in owners {
            state
                .may_change(*owner)
                .map_err(|reason| (*owner, reason))?;
        }
        for owner in owners {
            if let Some(held) = state.owners.get_mut(owner) {
                held.seen.changes_sent = held.seen.changes_sent.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Takes back [`Roster::begin_changes`] for calls that certainly did not leave.
    pub(crate) fn take_back(&self, owners: &[Owner]) {
        let mut state = self.lock();
        for owner in owners {
            if let Some(held) = state.owners.get_mut(owner) {
                held.seen.changes_sent = held.seen.changes_sent.saturating_sub(1);
            }
        }
    }

    /// Notes the answer to one call about `owner`.
    pub(crate) fn answered(&self, owner: Owner, status: u16, changes: bool) {
        let mut state = self.lock();
        if let Some(held) = state.owners.get_mut(&owner) {
            held.seen.last_status = Some(status);
            if changes && (200..300).contains(&status) {
                held.seen.changes_accepted = held.seen.changes_accepted.saturating_add(1);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing below can leave the state half done, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bit_or_new(&mut self, field: &str) -> Option<u64> {
        let at = match self.fields.iter().position(|known| known == field) {
            Some(at) => at,
            None if self.fields.len() < MOST_FIELDS => {
                self.fields.push(field.to_owned());
                self.fields.len() - 1
            }
            None => return None,
        };
        Some(1 << at)
    }

    fn mask(&self, fields: &[String]) -> u64 {
        let known = self
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| fields.contains(field));
        known.fold(LEARNT, |mask, (at, _)| mask | 1 << at)
    }

    /// The first owner that was handed over with the name, else the first of whom it was learnt: what an answer says
    /// of one asset must not take a request away from another.
    fn find(&self, folded: &str, mask: u64) -> Option<Owner> {
        let owners = self.names.get(folded)?;
        let by = |mask: u64| owners.iter().find(move |(_, bits)| bits & mask != 0);
        let found = by(mask & !LEARNT).or_else(|| by(mask & LEARNT));
        found.map(|(owner, _)| *owner)
    }

    fn add(&mut self, owner: Owner, name: String, bit: u64) {
        if name.is_empty() {
            return;
        }
        let owners = self.names.entry(name.clone()).or_default();
        if let Some((_, bits)) = owners.iter_mut().find(|(other, _)| *other == owner) {
            *bits |= bit;
            return;
        }
        owners.push((owner, bit));
        if let Some(held) = self.owners.get_mut(&owner) {
            held.names.push(name);
        }
    }

    fn may_change(&self, owner: Owner) -> Result<(), NoChange> {
        match self.owners.get(&owner) {
            None => Err(NoChange::NotHeld),
            Some(held) if self.draining && held.seen.changes_sent == 0 => Err(NoChange::Draining),
            Some(_) => Ok(()),
        }
    }
}

/// Names are compared without regard to case (`wit/manifest.wit`, `subject.fields`).
pub(crate) fn fold(name: &str) -> String {
    if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        name.to_lowercase()
    }
}

#[cfg(test)]
mod tests;
