//! From a plan to outcomes on disk.
//!
//! ```text
//! plan ─▸ spool ─▸ run ─▸ ledger ─▸ event ─▸ report
//!                   │ desk (what is sent, which names are taken)
//!                   └ witness (audit, waits, troubles)
//! ```

mod added;
mod again;
mod check;
mod desk;
mod event;
mod fetch;
pub mod ledger;
mod outcome;
pub(crate) mod plan;
pub mod proof;
pub mod report;
mod routes;
mod run;
mod spool;
mod turns;
mod witness;

pub use again::Resumption;
pub use check::CheckError;
pub use event::{CheckReport, Ending, RunEvent, Summary};
pub use fetch::FetchError;
pub use outcome::{
    Counts, Link, NoLink, Outcome, RunId, VERDICTS, Verdict, host_code, time_text, verdict_of,
    verdict_text,
};
pub use plan::{Approved, Draft, Plan, PlanError};
pub use routes::{DynamicValues, StatementError};
pub use run::{Control, Running};
pub use spool::{AddedAsset, Census};

use crate::host::Host;

impl Host {
    /// Whether a process is working on a run at this moment. A run that did not end and is not worked on was cut off
    /// with its process, and can be resumed.
    #[must_use]
    pub fn is_under_way(&self, run: RunId) -> bool {
        spool::Spool::is_alive(&self.inner.state.spool(), run)
    }
}
