//! Versions of one action for tests: the program `is_several_versions` with something else in place of its mark.

use crate::program;

/// The name of the action.
pub const NAME: &str = "several";

/// What a version asks for, compared with the others.
#[derive(Clone, Copy)]
pub enum Asks {
    /// The same.
    Same = b's' as isize,
    /// A call more.
    More = b'm' as isize,
    /// A field less.
    Less = b'l' as isize,
    /// More, and only its word for it that it changes nothing.
    Claim = b'c' as isize,
}

/// What a version does.
#[derive(Clone, Copy)]
pub enum Does {
    /// What it should.
    Well = b'w' as isize,
    /// It crashes.
    Trap = b't' as isize,
    /// It says that it did, and did not.
    Lie = b'l' as isize,
}

/// A version: a component of its own, with a digest of its own.
///
/// # Panics
///
/// The program's mark is not where the compiler is expected to put it.
#[must_use]
pub fn component(version: &str, asks: Asks, does: Does) -> Vec<u8> {
    let mut bytes = program::IS_SEVERAL_VERSIONS.to_vec();
    let mark = b"mark:1.0.0           sw";
    let mut found = bytes
        .windows(mark.len())
        .enumerate()
        .filter(|(_, window)| window == mark)
        .map(|(at, _)| at);
    let at = found.next().expect("the mark");
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
#[must_use]
pub fn version(version: &str) -> Vec<u8> {
    component(version, Asks::Same, Does::Well)
}
