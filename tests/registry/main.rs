//! Which components may run, and which version starts: approvals, upgrades while runs are under way, and state folders
//! and files that were tampered with.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

mod approvals;
mod bad_input;
mod stream;
mod trial;
mod versions;

use std::path::Path;

use tipstaff::{Host, Limits};
use tipstaff_tests::versions::{Asks, Does, NAME, component, version};

/// A host with its state in `folder`, as another process would open it.
async fn host(folder: &Path) -> Host {
    tipstaff_tests::host(folder, Limits::default(), None).await
}
