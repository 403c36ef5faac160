//! Exports as a ledger writes them, and everything that can be done to one.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use jiff::Timestamp;
use proptest::prelude::*;
use tipstaff_sandbox::Verdict;

use super::{Known, Proof, ProofError, verify};
use crate::enforcement::ledger::{Ledger, NewOutcome, NewRun};
use crate::enforcement::outcome::{Link, RunId};
use crate::enforcement::report::{ReportFormat, write};

const PLAN: &str = "6f6d0c9a";

/// An export of so many outcomes in this form, and its last link.
fn export(count: usize, format: ReportFormat) -> (String, Link) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
    let id = RunId::new();
    let run = NewRun {
        id,
        first: None,
        simulated: false,
        action: "a",
        version: "1.0.0",
        digest: "d",
        connection: "c",
        plan: "{}",
        plan_digest: PLAN,
        assets: count as u64,
        started: Timestamp::UNIX_EPOCH,
    };
    let mut writer = ledger.begin(&run).unwrap();
    let outcome = |at| NewOutcome {
        asset: format!("asset \"{at}\""),
        verdict: if at % 3 == 0 {
            Verdict::Failed
        } else {
            Verdict::Succeeded
        },
        code: "done".to_owned(),
        message: "Done, \u{2028} \\ and written down.".to_owned(),
        evidence: None,
    };
    let group = (0..count).map(outcome).collect();
    writer.append(group, Timestamp::UNIX_EPOCH).unwrap();
    writer.end("complete", None, Timestamp::UNIX_EPOCH).unwrap();
    let mut text = Vec::new();
    write(&ledger, &ledger.run("last").unwrap(), format, &mut text).unwrap();
    let last = ledger.last_link(id).unwrap().unwrap();
    (String::from_utf8(text).unwrap(), last)
}

fn known(last: Option<Link>) -> Known {
    Known {
        plan: Some(PLAN.to_owned()),
        last,
    }
}

fn check(text: &str, known: &Known) -> Result<Proof, ProofError> {
    verify(text.as_bytes(), known)
}

#[test]
fn what_a_ledger_wrote_is_believed_in_both_forms() {
    let (lines, last) = export(5, ReportFormat::JsonLines);
    let proof = check(&lines, &known(Some(last))).unwrap();
    assert_eq!((proof.last, proof.ends_as_known), (last, true));
    assert_eq!(proof.counts.get(Verdict::Failed), 2);
    let unknown = check(&lines, &Known::default()).unwrap();
    assert_eq!((unknown.plan, unknown.ends_as_known), (None, false));

    let (document, last) = export(5, ReportFormat::Json);
    let proof = check(&document, &Known::default()).unwrap();
    assert_eq!(proof.plan.as_deref(), Some(PLAN));
    assert_eq!(proof.last, last);
    assert_eq!(proof.counts.total(), 5);
}

#[test]
fn what_was_cut_is_seen_by_what_was_kept_elsewhere() {
    let (lines, last) = export(4, ReportFormat::JsonLines);
    let (head, tail) = lines.split_once('\n').unwrap();
    let other = check(tail, &known(None)).unwrap_err();
    assert!(
        matches!(other, ProofError::OtherBeginning { .. }),
        "{other}"
    );
    let shorter = lines.trim_end().rsplit_once('\n').unwrap().0;
    assert!(check(shorter, &known(None)).is_ok(), "nothing in it tells");
    let other = check(shorter, &known(Some(last))).unwrap_err();
    assert!(matches!(other, ProofError::OtherEnd { .. }), "{other}");
    let twice = format!("{lines}{head}\n");
    assert!(check(&twice, &known(None)).is_err());

    let (document, _) = export(4, ReportFormat::Json);
    let counts = document.replacen("\"failed\":2", "\"failed\":1", 1);
    assert_ne!(counts, document);
    let other = check(&counts, &Known::default()).unwrap_err();
    assert!(matches!(other, ProofError::Counts), "{other}");
}

#[test]
fn what_is_no_export_is_not_believed() {
    for text in [
        "",
        "\n",
        "{}\n",
        "asset,verdict\n",
        "\u{0}",
        "{\"run\":1}\n",
    ] {
        let error = check(text, &Known::default()).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
    }
    let (lines, _) = export(1, ReportFormat::JsonLines);
    let (other, _) = export(1, ReportFormat::JsonLines);
    let error = check(&format!("{lines}{other}"), &Known::default()).unwrap_err();
    assert!(matches!(error, ProofError::OtherRun { line: 2 }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_goes_unseen(at in 0usize..6, byte in any::<prop::sample::Index>(), bit in 0u8..7) {
        let (lines, last) = export(6, ReportFormat::JsonLines);
        let mut rows: Vec<&str> = lines.lines().collect();
        let row = rows[at].to_owned();
        let changed: String = {
            let mut bytes = row.clone().into_bytes();
            let place = byte.index(bytes.len());
            bytes[place] ^= 1 << bit;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        rows[at] = &changed;
        prop_assert!(check(&rows.join("\n"), &known(Some(last))).is_err(), "changed");
        rows.remove(at);
        prop_assert!(check(&rows.join("\n"), &known(Some(last))).is_err(), "left out");
        rows.insert((at + 1) % rows.len(), &row);
        prop_assert!(check(&rows.join("\n"), &known(Some(last))).is_err(), "moved");
    }
}
