//! The emulator over real TLS, with a client that knows nothing of its insides. Each test is named for what it shows; the
//! modules are named for the rows of the checklist that they cover.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod batch;
mod client;
mod graph_basics;
mod tokens;
