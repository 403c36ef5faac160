//! The canary: a test account whose refresh token is tried before and after its revoke, until it is refused.
//!
//! What a service says of a revoke is one thing, what the revoke does another; this measures the second. Pure: told what
//! came of each try and when. The tries themselves are [`crate::sign_in`]'s.

use serde::Serialize;
use std::time::Duration;

/// The setting for which the host adds the test account to the assets.
pub(crate) const CANARY: &str = "canary";
/// The connection's field that has its refresh token.
pub(crate) const REFRESH_TOKEN: &str = "canary_refresh_token";

/// Waits between tries in seconds; the last holds for all further ones. Five minutes have fewer tries than the service
/// takes for a loop (AADSTS50196).
const WAITS: [u64; 6] = [1, 2, 4, 8, 15, 30];

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// The token was taken.
    Works,
    /// It was refused because the user's sessions were revoked.
    Revoked,
    /// It was refused, or not answered, for another reason.
    Unknown(String),
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The token works: revoke.
    Revoke,
    /// Try again at this time.
    Try(Duration),
    /// Nothing: it is known, or cannot be.
    Over,
}

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The token was refused.
    Cut,
    /// It still worked at the last try.
    Alive,
    /// Nothing, and why.
    Unmeasured(String),
}

/// A test account on its way.
#[derive(Debug, Default)]
pub(crate) struct Canary {
    proven: bool,
    tries: u32,
    /// When the service said that it revoked.
    cut_at: Option<Duration>,
    /// When the last try left that the token worked at.
    worked_at: Option<Duration>,
    /// When the first answer came that refused it.
    refused_at: Option<Duration>,
    finding: Option<Finding>,
}

/// For evidence.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// Milliseconds from the answer to the revoke until the token was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_after_ms: Option<u64>,
    /// Milliseconds from the answer to the revoke until a try that the token still worked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    worked_after_ms: Option<u64>,
    tries: u32,
}

impl Canary {
    /// Whether its token worked before the revoke.
    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Notes that the service said that it revoked.
    pub(crate) fn cut(&mut self, now: Duration) {
        self.cut_at = Some(now);
        self.tries = 0;
    }

    /// What was found out, if anything was.
    pub(crate) fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    /// Takes in what came of a try that left at `sent`. No try begins after `deadline`.
    pub(crate) fn take(
        &mut self,
        redeemed: Redeemed,
        sent: Duration,
        now: Duration,
        deadline: Duration,
    ) -> Next {
        self.tries += 1;
        let Some(_) = self.cut_at else {
            self.proven = redeemed == Redeemed::Works;
            self.finding = match redeemed {
                Redeemed::Works => return Next::Revoke,
                Redeemed::Revoked => Some(Finding::Unmeasured(
                    "its refresh token is refused already, as it is after every run that cuts it: sign it in again and \
                     store the new token"
                        .to_owned(),
                )),
                Redeemed::Unknown(why) => Some(Finding::Unmeasured(why)),
            };
            return Next::Over;
        };
        self.finding = Some(match redeemed {
            Redeemed::Revoked => {
                self.refused_at = Some(now);
                self.finding = Some(Finding::Cut);
                return Next::Over;
            }
            Redeemed::Works => {
                self.worked_at = Some(sent);
                Finding::Alive
            }
            Redeemed::Unknown(why) => Finding::Unmeasured(why),
        });
        let at = usize::try_from(self.tries - 1).unwrap_or(usize::MAX);
        let wait = WAITS.get(at).or(WAITS.last()).copied().unwrap_or(1);
        let due = now + Duration::from_secs(wait);
        if due > deadline {
            Next::Over
        } else {
            Next::Try(due)
        }
    }

    /// How long after the revoke the token was refused, and how long after it still worked.
    pub(crate) fn delays(&self) -> (Option<Duration>, Option<Duration>) {
        let since = |at: Option<Duration>| Some(at?.saturating_sub(self.cut_at?));
        (since(self.refused_at), since(self.worked_at))
    }

    /// For evidence.
    pub(crate) fn evidence(&self) -> Measured {
        let (refused, worked) = self.delays();
        let millis = |delay: Duration| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Measured {
            refused_after_ms: refused.map(millis),
            worked_after_ms: worked.map(millis),
            tries: self.tries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn take(canary: &mut Canary, redeemed: Redeemed, at: u32) -> Next {
        canary.take(redeemed, SECOND * at, SECOND * (at + 1), SECOND * 100)
    }

    #[test]
    fn the_delay_is_between_two_tries() {
        let mut canary = Canary::default();
        assert_eq!(take(&mut canary, Redeemed::Works, 1), Next::Revoke);
        assert!(canary.is_proven());
        canary.cut(SECOND * 3);
        assert_eq!(take(&mut canary, Redeemed::Works, 3), Next::Try(SECOND * 5));
        assert_eq!(
            take(&mut canary, Redeemed::Unknown("x".into()), 5),
            Next::Try(SECOND * 8)
        );
        assert_eq!(take(&mut canary, Redeemed::Revoked, 8), Next::Over);
        assert_eq!(canary.finding(), Some(&Finding::Cut));
        assert_eq!(canary.delays(), (Some(SECOND * 6), Some(Duration::ZERO)));
    }

    #[test]
    fn tries_end_at_the_deadline_with_what_was_seen_last() {
        for (redeemed, finding) in [
            (Redeemed::Works, Finding::Alive),
            (
                Redeemed::Unknown("x".into()),
                Finding::Unmeasured("x".into()),
            ),
        ] {
            let mut canary = Canary::default();
            take(&mut canary, Redeemed::Works, 0);
            canary.cut(SECOND);
            let (mut at, mut tries) = (SECOND, 0);
            while let Next::Try(due) = canary.take(redeemed.clone(), at, at, SECOND * 600) {
                assert!(due > at && due <= SECOND * 600);
                (at, tries) = (due, tries + 1);
            }
            assert_eq!(canary.finding(), Some(&finding));
            assert!((20..30).contains(&tries), "{tries}");
        }
    }

    #[test]
    fn a_token_that_does_not_work_beforehand_measures_nothing() {
        for redeemed in [Redeemed::Revoked, Redeemed::Unknown("no".into())] {
            let mut canary = Canary::default();
            assert_eq!(take(&mut canary, redeemed, 1), Next::Over);
            assert!(!canary.is_proven());
            assert!(matches!(canary.finding(), Some(Finding::Unmeasured(_))));
        }
    }
}
