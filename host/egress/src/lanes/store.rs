//! Where the accounts of lanes are kept: in the memory of this process, or where a layer above keeps them.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::lock;
use crate::pace::{Account, Counting, Terms};

/// Keeps accounts, so that others who draw on the same quota see them: other processes, and this one when it starts
/// again.
pub trait LaneStore: fmt::Debug + Send + Sync {
    /// The place of a lane's account. Whoever asks for the same name gets the same account.
    fn open(&self, lane: &LaneName) -> Arc<dyn LanePlace>;
}

/// The place of one account.
pub trait LanePlace: fmt::Debug + Send + Sync {
    /// Calls `change` once, with the account ([`Account::default`] where there is none yet) and the time that went by
    /// since it was last changed, and keeps what becomes of it. Nobody else, in no process, changes it meanwhile. It is
    /// called for every request, so it has to take microseconds.
    fn change(&self, change: &mut dyn FnMut(&mut Account, Duration));
}

/// A lane's name: other for other accounts, lanes and quotas. It may hold names of applications and tenants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LaneName(String);

impl LaneName {
    pub(super) fn of(account: &str, lane: &str, terms: &Terms) -> Self {
        let counting = match terms.counting {
            Counting::Always => "always",
            Counting::WhenTold => "when-told",
        };
        // An account may hold anything, so it comes last.
        Self(format!(
            "{lane} {} {} {counting} {account}",
            terms.quota.units,
            terms.quota.window.as_nanos()
        ))
    }

    /// The name as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keeps each account where it is asked for, for this process alone.
#[derive(Debug)]
pub(super) struct InMemory;

impl LaneStore for InMemory {
    fn open(&self, _lane: &LaneName) -> Arc<dyn LanePlace> {
        Arc::new(Kept(Mutex::new((Account::default(), Instant::now()))))
    }
}

#[derive(Debug)]
struct Kept(Mutex<(Account, Instant)>);

impl LanePlace for Kept {
    fn change(&self, change: &mut dyn FnMut(&mut Account, Duration)) {
        let mut kept = lock(&self.0);
        let (account, changed) = &mut *kept;
        let now = Instant::now();
        let passed = now.saturating_duration_since(*changed);
        *changed = now;
        change(account, passed);
    }
}
