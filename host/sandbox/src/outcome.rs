//! What a guest reports, in the host's own types, and what the host makes of it.
//!
//! [`judge`] is pure: it knows the report, what the network's edge saw of the asset, and what the run allows. It does
//! not know where reports come from or go to.

use std::collections::HashSet;

use serde_json::value::RawValue;
use tipstaff_egress::{Mode, Owner, Seen};

use crate::manifest::{is_misleading, shown};

/// What happened to an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The effect was observed, or the service said that it happened.
    Succeeded,
    /// Nothing to do.
    Skipped,
    /// It did not happen.
    Failed,
    /// Sent, and nobody knows.
    InDoubt,
    /// Never sent.
    NotAttempted,
    /// Simulation: this would have been done.
    WouldEnforce,
}

/// A report as the guest wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The asset's id.
    pub(crate) asset: String,
    /// What it says happened.
    pub(crate) verdict: Verdict,
    /// Its code.
    pub(crate) code: String,
    /// Its sentence.
    pub(crate) message: String,
    /// Its evidence, as text.
    pub(crate) evidence: Option<String>,
}

/// A report that was accepted, or what the host says in its place. One for each asset that the guest reported.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Which asset.
    pub owner: Owner,
    /// Its id.
    pub asset: String,
    /// What happened, as far as the host lets it stand.
    pub verdict: Verdict,
    /// The guest's code, or `broke-contract`.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// A JSON object.
    pub evidence: Option<Box<RawValue>>,
    /// How the guest's report was wrong, if it was.
    pub lie: Option<Lie>,
}

/// The code of an outcome whose report the host did not accept.
pub const BROKE_CONTRACT: &str = "broke-contract";

/// How a report about an asset that the guest held was wrong. The asset gets an outcome that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    /// `succeeded`, and no changing call about it was answered with success.
    #[error("it reported success, and no call that changes the asset was answered with success")]
    NothingWitnessed,
    /// `would-enforce` outside a simulation, or `succeeded` inside one.
    #[error("it reported a verdict that this mode does not have")]
    WrongMode,
    /// A code that the manifest does not declare.
    #[error("it reported the code `{0}`, which its manifest does not declare")]
    UndeclaredCode(String),
    /// A message that is too long or has control characters.
    #[error("its message is too long, or has control characters")]
    BadMessage,
    /// Evidence that is no JSON object or too large.
    #[error("its evidence is not a JSON object of at most 8 KiB")]
    BadEvidence,
    /// `not-attempted` about an asset that a changing call was sent about.
    #[error("it reported that nothing was sent, and a call that changes the asset was")]
    WasSent,
}

const LONGEST_MESSAGE: usize = 2_000;
const LARGEST_EVIDENCE: usize = 8 * 1024;

/// Holds a report against what was seen. `seen` is proof that the guest held the asset and reports it for the first
/// time: the roster gives it once.
pub(crate) fn judge(
    report: Report,
    owner: Owner,
    seen: &Seen,
    mode: Mode,
    codes: &HashSet<String>,
) -> Settled {
    let evidence = report.evidence.map(|text| {
        if text.len() > LARGEST_EVIDENCE || !text.trim_start().starts_with('{') {
            return Err(Lie::BadEvidence);
        }
        RawValue::from_string(text).map_err(|_| Lie::BadEvidence)
    });
    let (evidence, bad_evidence) = match evidence {
        Some(Ok(raw)) => (Some(raw), None),
        Some(Err(lie)) => (None, Some(lie)),
        None => (None, None),
    };
    let lie = if !codes.contains(&report.code) {
        Some(Lie::UndeclaredCode(shown(&report.code)))
    } else if report.message.len() > LONGEST_MESSAGE || report.message.chars().any(is_misleading) {
        Some(Lie::BadMessage)
    } else {
        match (report.verdict, mode) {
            (Verdict::Succeeded, Mode::Enforce) if seen.changes_accepted == 0 => {
                Some(Lie::NothingWitnessed)
            }
            (Verdict::Succeeded, m) if m != Mode::Enforce => Some(Lie::WrongMode),
            (Verdict::WouldEnforce, Mode::Enforce) => Some(Lie::WrongMode),
            (Verdict::NotAttempted, _) if seen.changes_sent > 0 => Some(Lie::WasSent),
            _ => bad_evidence,
        }
    };
    let Some(lie) = lie else {
        return Settled {
            owner,
            asset: report.asset,
            verdict: report.verdict,
            code: report.code,
            message: report.message,
            evidence,
            lie: None,
        };
    };
    let (verdict, witnessed) = witnessed(seen);
    Settled {
        owner,
        asset: report.asset,
        verdict,
        code: BROKE_CONTRACT.to_owned(),
        message: format!("the action broke its contract: {lie}; {witnessed}"),
        evidence: None,
        lie: Some(lie),
    }
}

/// The verdict that the host can stand for by itself, and a clause that says what it rests on.
#[must_use]
pub fn witnessed(seen: &Seen) -> (Verdict, &'static str) {
    if seen.changes_sent == 0 {
        (
            Verdict::NotAttempted,
            "no call that changes the asset was sent",
        )
    } else if seen.changes_accepted > 0 {
        (
            Verdict::InDoubt,
            "a call that changes the asset was sent, and the service accepted it",
        )
    } else {
        (
            Verdict::InDoubt,
            "a call that changes the asset was sent, and no success was seen",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: Verdict) -> Report {
        Report {
            asset: "a".to_owned(),
            verdict,
            code: "done".to_owned(),
            message: "It is done.".to_owned(),
            evidence: Some("{}".to_owned()),
        }
    }

    fn judged(report: Report, seen: Seen, mode: Mode) -> Settled {
        judge(
            report,
            Owner(1),
            &seen,
            mode,
            &HashSet::from(["done".to_owned()]),
        )
    }

    fn seen(changes_sent: u32, changes_accepted: u32) -> Seen {
        Seen {
            changes_sent,
            changes_accepted,
            last_status: None,
        }
    }

    #[test]
    fn success_stands_only_if_it_was_seen() {
        assert_eq!(
            judged(report(Verdict::Succeeded), seen(1, 1), Mode::Enforce).lie,
            None
        );
        let settled = judged(report(Verdict::Succeeded), seen(1, 0), Mode::Enforce);
        assert_eq!(
            (settled.verdict, settled.lie),
            (Verdict::InDoubt, Some(Lie::NothingWitnessed))
        );
        let settled = judged(report(Verdict::Succeeded), seen(0, 0), Mode::Enforce);
        assert_eq!(
            (settled.verdict, settled.lie),
            (Verdict::NotAttempted, Some(Lie::NothingWitnessed))
        );
    }

    #[test]
    fn a_simulation_has_no_success_and_a_run_no_would_be() {
        assert_eq!(
            judged(report(Verdict::Succeeded), seen(0, 0), Mode::Simulate).lie,
            Some(Lie::WrongMode)
        );
        assert_eq!(
            judged(report(Verdict::WouldEnforce), seen(0, 0), Mode::Enforce).lie,
            Some(Lie::WrongMode)
        );
        assert_eq!(
            judged(report(Verdict::WouldEnforce), seen(0, 0), Mode::Simulate).lie,
            None
        );
    }

    #[test]
    fn what_was_sent_cannot_be_called_untouched() {
        let judged = judged(report(Verdict::NotAttempted), seen(1, 1), Mode::Enforce);
        assert_eq!(
            (judged.verdict, judged.lie),
            (Verdict::InDoubt, Some(Lie::WasSent))
        );
    }

    #[test]
    fn a_change_that_had_nothing_to_change_may_be_called_skipped() {
        let judged = judged(report(Verdict::Skipped), seen(1, 1), Mode::Enforce);
        assert_eq!(judged.lie, None);
    }

    #[test]
    fn codes_messages_and_evidence_are_held_to_the_contract() {
        let undeclared = Report {
            code: "sure".to_owned(),
            ..report(Verdict::Failed)
        };
        assert_eq!(
            judged(undeclared, seen(0, 0), Mode::Enforce).lie,
            Some(Lie::UndeclaredCode("sure".to_owned()))
        );
        let escape = Report {
            message: "\u{1b}[2J".to_owned(),
            ..report(Verdict::Failed)
        };
        assert_eq!(
            judged(escape, seen(0, 0), Mode::Enforce).lie,
            Some(Lie::BadMessage)
        );
        for evidence in ["", "[]", "{", "7", "{} x"] {
            let bad = Report {
                evidence: Some(evidence.to_owned()),
                ..report(Verdict::Failed)
            };
            assert_eq!(
                judged(bad, seen(0, 0), Mode::Enforce).lie,
                Some(Lie::BadEvidence),
                "{evidence}"
            );
        }
    }
}
