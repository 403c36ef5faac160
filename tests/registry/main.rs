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
use tipstaff_tests::program;

/// What a version asks for, compared with the others.
#[derive(Clone, Copy)]
enum Asks {
    Same = b's' as isize,
    More = b'm' as isize,
    Less = b'l' as isize,
    /// More, and only its word for it that it changes nothing.
    Claim = b'c' as isize,
}

/// What a version does.
#[derive(Clone, Copy)]
enum Does {
    Well = b'w' as isize,
    Trap = b't' as isize,
    Lie = b'l' as isize,
}

/// The name of the action that there are several versions of.
const NAME: &str = "several";

/// A version of the action: a component of its own, with a digest of its own.
fn component(version: &str, asks: Asks, does: Does) -> Vec<u8> {
    let mut bytes = program::IS_SEVERAL_VERSIONS.to_vec();
    let mark = b"mark:1.0.0           sw";
    let mut found = bytes
        .windows(mark.len())
        .enumerate()
        .filter(|(_, window)| window == mark)
        .map(|(at, _)| at);
    let at = found.next().unwrap();
    assert_eq!(found.next(), None, "the mark stands once");
    let new = format!(
        "mark:{version:<16}{}{}",
        char::from(asks as u8),
        char::from(does as u8)
    );
    bytes[at..at + mark.len()].copy_from_slice(new.as_bytes());
    bytes
}

/// A version that behaves, and asks for what the others ask for.
fn version(version: &str) -> Vec<u8> {
    component(version, Asks::Same, Does::Well)
}

/// A host with its state in `folder`, as another process would open it.
async fn host(folder: &Path) -> Host {
    tipstaff_tests::host(folder, Limits::default(), None).await
}
