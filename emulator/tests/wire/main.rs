//! The emulator over real TLS, with a client that knows nothing of its insides. Each test is named for the row of the
//! checklist (E1 to E16) that it shows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod applications;
mod assertions;
mod batch;
mod challenges;
mod client;
mod clouds;
mod command;
mod conformance;
mod faults;
mod graph_basics;
mod people;
mod permissions;
mod signin;
mod throttling;
mod time;
mod tokens;
mod urls;
