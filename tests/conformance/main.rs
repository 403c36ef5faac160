//! The emulator, held against clients that others wrote: unmodified, over TLS, under Microsoft's own host names.
//!
//! Each client is a small script in `clients/` that does what its makers' documentation shows, and reports what it saw;
//! the test compares that with what the emulator knows. The clients are pinned and installed by `make conformance-clients`.
//! `clients/loopback` maps Microsoft's names to the emulator inside a client's process; nothing outside it changes, and
//! nothing else can be reached from there.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

mod cli_m365;
mod graph_client;
mod graph_sdk;
mod msal_requests;
mod sign_in_pages;
mod stage;
