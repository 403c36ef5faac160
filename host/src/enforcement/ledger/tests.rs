//! The ledger by itself: versions, one outcome for each asset, and a chain that can be computed again.

#![expect(
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;
use tipstaff_sandbox::Verdict;

use super::{Ledger, LedgerError, MIGRATIONS, NewOutcome, NewRun, first_link, link};
use crate::enforcement::outcome::{Link, RunId};

fn ledger(folder: &Path) -> Ledger {
    Ledger::open(&folder.join("ledger.db")).unwrap()
}

fn new_run(id: RunId) -> NewRun<'static> {
    NewRun {
        id,
        first: None,
        simulated: false,
        action: "revoke-user-sessions",
        version: "1.0.0",
        digest: "d1",
        connection: "corp",
        plan: "{}",
        plan_digest: "p1",
        assets: 3,
        started: Timestamp::UNIX_EPOCH,
    }
}

fn outcome(asset: &str, verdict: Verdict) -> NewOutcome {
    NewOutcome {
        asset: asset.to_owned(),
        verdict,
        code: "done".to_owned(),
        message: "It is done.".to_owned(),
        evidence: None,
    }
}

fn links(ledger: &Ledger) -> Vec<Link> {
    let connection = ledger.connect().unwrap();
    let mut statement = connection
        .prepare("select link from outcome order by run, seq")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0).map(Link)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_newer_ledger_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Ledger::open(&path).unwrap());
    let newer = u32::try_from(MIGRATIONS.len() + 1).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "user_version", newer)
        .unwrap();
    let error = Ledger::open(&path).unwrap_err();
    assert!(matches!(
        &error,
        LedgerError::Newer { found, known, .. } if *found == newer as usize && *known == MIGRATIONS.len()
    ));
    assert!(error.hint().is_some());
    let version: u32 = connection
        .query_row("pragma user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, newer);
}

#[test]
fn opening_it_twice_migrates_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let id = RunId::new();
    drop(ledger(folder.path()).begin(&new_run(id)).unwrap());
    let again = ledger(folder.path());
    let runs = again.runs(10).unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs.first().map(|run| run.id), Some(id));
}

#[test]
fn an_asset_has_one_outcome_and_a_group_is_kept_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let id = RunId::new();
    let mut writer = ledger.begin(&new_run(id)).unwrap();
    let now = Timestamp::UNIX_EPOCH;
    writer
        .append(vec![outcome("a", Verdict::Succeeded)], now)
        .unwrap();
    let twice = vec![outcome("b", Verdict::Failed), outcome("a", Verdict::Failed)];
    assert!(writer.append(twice, now).is_err());
    assert!(writer.has("a").unwrap() && !writer.has("b").unwrap());
    // The writer goes on where it stood.
    writer
        .append(vec![outcome("b", Verdict::Skipped)], now)
        .unwrap();
    let kept: Vec<_> = ledger.outcomes(id).unwrap().map(Result::unwrap).collect();
    let kept: Vec<_> = kept.iter().map(|o| (o.asset.as_str(), o.verdict)).collect();
    assert_eq!(kept, [("a", Verdict::Succeeded), ("b", Verdict::Skipped)]);
    let counts = ledger.run(&id.to_string()).unwrap().counts;
    assert_eq!((counts.get(Verdict::Failed), counts.total()), (0, 2));
}

#[test]
fn the_same_asset_in_another_run_is_another_matter() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    for _ in 0..2 {
        let mut writer = ledger.begin(&new_run(RunId::new())).unwrap();
        let group = vec![outcome("a", Verdict::Succeeded)];
        writer.append(group, Timestamp::UNIX_EPOCH).unwrap();
    }
    assert_eq!(links(&ledger).len(), 2);
}

#[test]
fn the_chain_can_be_computed_from_the_lines_also_over_a_resumption() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let id = RunId::new();
    let mut writer = ledger.begin(&new_run(id)).unwrap();
    let group = vec![
        outcome("a", Verdict::Succeeded),
        outcome("b", Verdict::InDoubt),
    ];
    writer.append(group, Timestamp::UNIX_EPOCH).unwrap();
    drop(writer);
    let mut writer = ledger.go_on(id).unwrap();
    let group = vec![outcome("c", Verdict::Succeeded)];
    writer.append(group, Timestamp::UNIX_EPOCH).unwrap();

    let mut before = first_link(&id.to_string(), "p1");
    let mut computed = Vec::new();
    for outcome in ledger.outcomes(id).unwrap() {
        before = link(&before, &outcome.unwrap().sealed_text());
        computed.push(before);
    }
    assert_eq!(computed.len(), 3);
    assert_eq!(links(&ledger), computed);
}
