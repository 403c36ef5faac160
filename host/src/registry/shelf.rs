//! The actions that this process has ready, and which of them starts for a name while the next one is being fetched.
//!
//! Fetching the code of a version that another process activated takes some milliseconds, and much longer if it has to
//! be compiled for this engine first. No start waits for it: until it is there, the version before it starts.

use std::collections::{HashMap, HashSet};

use tipstaff_sandbox::Action;

/// Actions that are kept ready at most, beside those that start for a name.
const MOST: usize = 32;

/// What is ready.
#[derive(Default)]
pub(crate) struct Shelf {
    /// By digest, with the turn in which it was last taken.
    ready: HashMap<String, (Action, u64)>,
    turn: u64,
    /// What starts for a name.
    current: HashMap<String, Action>,
    /// Digests that a task fetches now.
    coming: HashSet<String>,
    /// Digests that could not be fetched: whoever wants one is told why.
    failed: HashSet<String>,
}

/// What can start for a name.
pub(super) enum Take {
    /// What is wanted.
    Wanted(Action),
    /// What started before; the other is not there yet. Whether somebody has to fetch it.
    Earlier { action: Action, to_fetch: bool },
    /// Nothing.
    Nothing,
}

impl Shelf {
    /// The action with this digest, if it is ready.
    pub(crate) fn get(&mut self, digest: &str) -> Option<Action> {
        self.turn += 1;
        let (action, last) = self.ready.get_mut(digest)?;
        *last = self.turn;
        Some(action.clone())
    }

    /// Keeps an action ready, and lets go of the one that was not taken for longest.
    pub(crate) fn put(&mut self, action: Action) {
        self.turn += 1;
        self.failed.remove(action.digest());
        self.ready
            .insert(action.digest().to_owned(), (action, self.turn));
        if self.ready.len() > MOST {
            let oldest = self.ready.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(digest) = oldest.map(|(digest, _)| digest.clone()) {
                self.ready.remove(&digest);
            }
        }
    }

    /// What starts for `name`, for which `digest` is wanted.
    pub(super) fn take(&mut self, name: &str, digest: &str) -> Take {
        if let Some(current) = self.current.get(name)
            && current.digest() == digest
        {
            return Take::Wanted(current.clone());
        }
        if let Some(action) = self.get(digest) {
            self.current.insert(name.to_owned(), action.clone());
            return Take::Wanted(action);
        }
        match self.current.get(name) {
            Some(current) if !self.failed.contains(digest) => {
                let action = current.clone();
                let to_fetch = self.coming.insert(digest.to_owned());
                Take::Earlier { action, to_fetch }
            }
            _ => Take::Nothing,
        }
    }

    /// Notes how fetching ended.
    pub(super) fn fetched(&mut self, digest: &str, well: bool) {
        self.coming.remove(digest);
        if !well {
            self.failed.insert(digest.to_owned());
        }
    }
}
