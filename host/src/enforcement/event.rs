//! What happens in a run, in the order in which it became true: all that anything above knows of it.

use std::time::Duration;

use tipstaff_sandbox::Finding;

use super::outcome::{Counts, Outcome, RunId};

/// One thing that happened. Outcomes are on disk before they are told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunEvent {
    /// The run is recorded, and begins.
    Started {
        /// Its name.
        run: RunId,
        /// How many assets will have an outcome.
        assets: u64,
    },
    /// An asset has its outcome.
    Outcome(Outcome),
    /// The run waits.
    Waiting {
        /// The quota that is used up or held.
        lane: String,
        /// For how much longer.
        left: Duration,
        /// Why.
        why: String,
    },
    /// Something that somebody should know and that is no outcome: a request that failed, a report that was a lie.
    Warning {
        /// One sentence.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// It is over. The last event.
    Finished(Summary),
}

/// How a run ended, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its name.
    pub run: RunId,
    /// How.
    pub ending: Ending,
    /// How many assets have which verdict. Their sum is the number of assets.
    pub counts: Counts,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every asset had its turn.
    Complete,
    /// The action saw that going on could not help.
    Stopped(String),
    /// A person or the system stopped it.
    Interrupted,
    /// The host ended it.
    CutShort(String),
}

impl Ending {
    /// The word for it in the ledger.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stopped(_) => "stopped",
            Self::Interrupted => "interrupted",
            Self::CutShort(_) => "cut-short",
        }
    }

    /// Why, where it was not complete.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Complete | Self::Interrupted => None,
            Self::Stopped(reason) | Self::CutShort(reason) => Some(reason),
        }
    }
}

/// What a check of a connection found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// In the order in which the action told them.
    pub findings: Vec<Finding>,
    /// Requests that failed or were refused on the way.
    pub troubles: Vec<(String, Option<String>)>,
}
