//! Identifiers of requests and the jitter of waits, from one seed of the host's.
//!
//! Not for secrets: whoever sees a few numbers can tell the next.

use std::{cell::Cell, fmt::Write, time::Duration};

/// A small generator (splitmix64), so that a request costs no call to the host for its identifier.
#[derive(Debug)]
pub(crate) struct Chance(Cell<u64>);

impl Chance {
    /// Starts from `seed`.
    #[must_use]
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A GUID, version 4 (RFC 9562 section 5.4).
    #[must_use]
    pub(crate) fn guid(&self) -> String {
        let (high, low) = (self.next(), self.next());
        let mut out = String::with_capacity(36);
        let written = write!(
            out,
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        );
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        out
    }

    /// Between three quarters of `wait` and all of it, so that those who were refused together do not come back
    /// together.
    #[must_use]
    pub(crate) fn jittered(&self, wait: Duration) -> Duration {
        let part = u32::try_from(self.next() % 256).unwrap_or(0);
        wait * (768 + part) / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::is_guid;

    #[test]
    fn guids_have_the_shape_and_differ() {
        let chance = Chance::new(7);
        let (one, two) = (chance.guid(), chance.guid());
        assert!(is_guid(&one) && is_guid(&two), "{one} {two}");
        assert_ne!(one, two);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }

    #[test]
    fn jitter_stays_in_its_bounds() {
        let chance = Chance::new(1);
        let wait = Duration::from_secs(4);
        for _ in 0..1_000 {
            let jittered = chance.jittered(wait);
            assert!(jittered >= wait * 3 / 4 && jittered < wait, "{jittered:?}");
        }
    }
}
