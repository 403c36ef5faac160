//! What is seen of a user after the revoke.
//!
//! Pure: the reads are [`crate::run`]'s.

use crate::graph::{CutOff, Reach};

/// What is seen of a user whose sessions the service said to have revoked, or would be asked to revoke.
#[derive(Debug, Default)]
pub(crate) struct After {
    /// None in a simulation.
    pub accepted: Option<Accepted>,
    /// The cut-off time that was read last.
    pub cut_off: Option<CutOff>,
    /// It is past the revoke.
    pub moved: bool,
    /// How often it was read.
    pub reads: u32,
    /// Why it could not be read.
    pub unread: Option<&'static str>,
    /// The applications that the user reaches, if that was asked, or why they are not known.
    pub reach: Option<Result<Reach, &'static str>>,
}

/// When the service said that it revoked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    /// By this machine's clock, in seconds since 1970.
    pub unix: u64,
    /// By the service's own, if it said.
    pub server: Option<u64>,
}

/// How far the cut-off time may be before the answer to the revoke: answers are dated in whole seconds, and after the
/// work was done.
const TOLERANCE_MILLIS: u64 = 2_000;
/// A cut-off time so long after the answer is none that the revoke set.
const BELIEVED_AHEAD_MILLIS: u64 = 300_000;

impl After {
    /// Takes in a cut-off time that was read. It has moved if it is later than `before`; where that is not known, if it
    /// is not before the answer to the revoke by the service's clock ("user resource type",
    /// signInSessionsValidFromDateTime).
    pub(crate) fn read(&mut self, read: CutOff, before: Option<&CutOff>) {
        let server = self.accepted.and_then(|accepted| accepted.server);
        let server = server.map(|seconds| seconds.saturating_mul(1_000));
        let moved = match before {
            Some(before) => read.millis > before.millis,
            None => server.is_some_and(|at| read.millis.saturating_add(TOLERANCE_MILLIS) >= at),
        };
        let ahead = server.is_some_and(|at| read.millis > at.saturating_add(BELIEVED_AHEAD_MILLIS));
        self.moved = moved && !ahead;
        self.cut_off = Some(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a17_a_cut_off_time_has_moved_if_it_is_later_or_not_before_the_answer() {
        let at = |millis| CutOff {
            text: "x".into(),
            millis,
        };
        let moved = |before: Option<u64>, read: u64, server: Option<u64>| {
            let mut after = After {
                accepted: Some(Accepted { unix: 0, server }),
                ..After::default()
            };
            let before = before.map(at);
            after.read(at(read), before.as_ref());
            after.moved
        };
        assert!(moved(Some(1_000), 1_001, None));
        assert!(!moved(Some(1_000), 1_000, None));
        assert!(!moved(None, 1_000, None), "nothing to compare it with");
        assert!(moved(None, 99_000, Some(100)));
        assert!(
            !moved(Some(99_000), 99_000, Some(100)),
            "what was there before shows nothing"
        );
        assert!(!moved(None, 97_999, Some(100)));
        assert!(!moved(Some(1), 500_000, Some(100)), "of the future");
    }
}
