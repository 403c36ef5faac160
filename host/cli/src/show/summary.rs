//! What came of a run, and what remains for a person to do.

use std::fmt::Write;

use tipstaff::enforcement::ledger::{RunRecord, RunState};
use tipstaff::enforcement::{VERDICTS, host_code, verdict_text};
use tipstaff::{Manifest, Verdict};

use super::outcomes::{needs_somebody, style};
use crate::printer::Paint;
use crate::text::{assets, duration, harmless, number, padded, width, wrapped};

/// What a code means: the manifest's word, else the host's.
pub(crate) fn meaning<'m>(manifest: Option<&'m Manifest>, code: &str) -> Option<&'m str> {
    let declared = manifest.and_then(|manifest| {
        let entry = manifest
            .outcome_codes
            .iter()
            .find(|entry| entry.code == code);
        entry.map(|entry| entry.meaning.as_str())
    });
    declared.or_else(|| host_meaning(code))
}

fn host_meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        host_code::NOT_AN_ASSET => {
            "The line or element of the list is no asset. The message says why; mend the list and run those lines again."
        }
        host_code::DUPLICATE => {
            "Another asset of this run is the same one. What happened to it is in that asset's outcome."
        }
        host_code::NO_IDENTITY => {
            "The inventory has no identity of this asset on the connection that the action can work with. Import it with \
             an object id or a principal name."
        }
        host_code::WRONG_KIND => "The action does not work with assets of this kind.",
        host_code::INTERRUPTED => {
            "The run was stopped before the asset had its turn, or before the answer about it came: then it is in doubt. \
             Run those again."
        }
        host_code::STOPPED => {
            "The action ended the run and says why. Do what it says, then run those again."
        }
        host_code::CUT_SHORT => {
            "The host ended the run: a limit, a crash or a breach of the contract. If it happens again, tell the action's \
             author."
        }
        host_code::BROKE_CONTRACT => {
            "What the action reported is not what the host saw, so the host's own word stands. Do not trust this action, \
             and tell its author."
        }
        _ => return None,
    })
}

/// How a run stands, in a word.
pub(crate) fn state(run: &RunRecord, is_under_way: bool) -> &str {
    match (&run.state, is_under_way) {
        (RunState::Ended { ending, .. }, _) => ending,
        (RunState::Unended, true) => "running",
        (RunState::Unended, false) => "interrupted (its process died)",
    }
}

/// Counts by verdict, and below each by code.
pub(crate) fn counts(run: &RunRecord, paint: Paint) -> String {
    let mut text = String::new();
    for verdict in VERDICTS {
        let count = run.counts.get(verdict);
        if count == 0 {
            continue;
        }
        let codes: Vec<String> = run
            .by_code
            .iter()
            .filter(|(of, _, _)| *of == verdict)
            .map(|(_, code, count)| format!("{code} {}", number(*count)))
            .collect();
        let room = VERDICTS.map(|v| width(verdict_text(v))).into_iter().max();
        let word = padded(verdict_text(verdict), room.unwrap_or_default());
        // Writing to a string has no error.
        let _ = writeln!(
            text,
            "  {}  {:>9}  {}",
            paint.paint(style(verdict), &word),
            number(count),
            codes.join(", ")
        );
    }
    text
}

/// What is left to do, by code; nothing if there is nothing.
pub(crate) fn remains(
    run: &RunRecord,
    manifest: Option<&Manifest>,
    columns: usize,
    paint: Paint,
) -> String {
    let mut text = String::new();
    for (verdict, code, count) in &run.by_code {
        let concerns_somebody = needs_somebody(*verdict) || *verdict == Verdict::Skipped;
        let (true, Some(meaning)) = (concerns_somebody, meaning(manifest, code)) else {
            continue;
        };
        if text.is_empty() {
            let _ = writeln!(text, "{}", paint.heading("What remains for a person"));
        }
        let _ = writeln!(
            text,
            "  {code} ({}), {}",
            verdict_text(*verdict),
            assets(*count)
        );
        text.push_str(&wrapped(&harmless(meaning), 6, columns));
    }
    text
}

/// `Run 0193… is complete: 12 assets in 1.2 s`, and why it is not.
pub(crate) fn headline(run: &RunRecord, is_under_way: bool) -> String {
    let what = if run.simulated { "Simulation" } else { "Run" };
    let mut text = format!(
        "{what} {}: {}, {}",
        run.id,
        state(run, is_under_way),
        assets(run.assets)
    );
    if let RunState::Ended { at, reason, .. } = &run.state {
        let spent = at.duration_since(run.started).unsigned_abs();
        let _ = write!(text, " in {}", duration(spent));
        if let Some(reason) = reason {
            let _ = write!(text, "\n  {}", harmless(reason));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]
mod tests {
    use tipstaff::{Counts, RunId};

    use super::*;

    fn record() -> RunRecord {
        let by_code = vec![
            (Verdict::Succeeded, "revoked".to_owned(), 4_900),
            (Verdict::Skipped, "duplicate".to_owned(), 7),
            (Verdict::Failed, "not-found".to_owned(), 60),
            (Verdict::Failed, "not-an-asset".to_owned(), 3),
            (Verdict::NotAttempted, "interrupted".to_owned(), 1),
        ];
        let mut counts = Counts::default();
        for (verdict, _, count) in &by_code {
            counts.add(*verdict, *count);
        }
        RunRecord {
            id: "0192f0c4-0000-7000-8000-000000000000"
                .parse::<RunId>()
                .unwrap(),
            first: None,
            simulated: false,
            action: "revoke-user-sessions".to_owned(),
            version: "0.1.0".to_owned(),
            digest: "0".repeat(64),
            connection: "corp".to_owned(),
            plan: "{}".to_owned(),
            plan_digest: "1".repeat(64),
            assets: counts.total(),
            started: "2026-11-23T08:00:00Z".parse().unwrap(),
            state: RunState::Ended {
                ending: "interrupted".to_owned(),
                reason: None,
                at: "2026-11-23T08:02:05.5Z".parse().unwrap(),
            },
            counts,
            by_code,
        }
    }

    #[test]
    fn a_summary_counts_and_says_what_remains() {
        let run = record();
        let text = headline(&run, false)
            + &counts(&run, Paint::plain())
            + &remains(&run, None, 80, Paint::plain());
        insta::assert_snapshot!(text, @r"
        Run 0192f0c4-0000-7000-8000-000000000000: interrupted, 4,971 assets in 2 min 5 s
          succeeded          4,900  revoked 4,900
          skipped                7  duplicate 7
          failed                63  not-found 60, not-an-asset 3
          not-attempted          1  interrupted 1
        What remains for a person
          duplicate (skipped), 7 assets
              Another asset of this run is the same one. What happened to it is in that
              asset's outcome.
          not-an-asset (failed), 3 assets
              The line or element of the list is no asset. The message says why; mend
              the list and run those lines again.
          interrupted (not-attempted), 1 asset
              The run was stopped before the asset had its turn, or before the answer
              about it came: then it is in doubt. Run those again.
        ");
    }

    #[test]
    fn a_run_without_an_end_runs_or_died() {
        let run = RunRecord {
            state: RunState::Unended,
            ..record()
        };
        assert_eq!(state(&run, true), "running");
        assert_eq!(state(&run, false), "interrupted (its process died)");
        assert!(!headline(&run, true).contains(" in "));
    }

    #[test]
    fn every_code_of_the_host_has_a_meaning() {
        for code in [
            host_code::NOT_AN_ASSET,
            host_code::DUPLICATE,
            host_code::NO_IDENTITY,
            host_code::WRONG_KIND,
            host_code::INTERRUPTED,
            host_code::STOPPED,
            host_code::CUT_SHORT,
            host_code::BROKE_CONTRACT,
        ] {
            assert!(meaning(None, code).is_some(), "{code}");
        }
        assert_eq!(meaning(None, "unheard-of"), None);
    }
}
