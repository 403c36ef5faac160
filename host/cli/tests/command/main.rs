//! The command as a person or a script runs it: a process of its own, with files, an environment and an exit code,
//! against a tenant on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

mod actions;
mod place;
mod queries;
mod secrets;

// Shared with the suites in tests/ by its path: building those here would build all of their programs.
#[path = "../../../../tests/src/needles.rs"]
pub mod needles;
