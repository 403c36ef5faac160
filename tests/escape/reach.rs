//! Programs that reach for what they were not given: people, paths, hosts, changes in a dry run, time after the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tipstaff::Ending;
use tipstaff_tests::{Ran, program};
use tokio::net::TcpListener;

use crate::ground::Ground;

/// The attempt is refused, and a warning with `clause` says why; the tenant never hears of it.
async fn is_refused(program: &[u8], clause: &str) -> Ground {
    let ground = Ground::of(program).await;
    let ran = ground.run().await;
    refused(&ground, &ran, clause).await;
    ground
}

async fn refused(ground: &Ground, ran: &Ran, clause: &str) {
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("failed", "not-done"), "{ran:#?}");
        let message = &ran.outcome(id).message;
        assert!(message.contains("HttpRequestDenied"), "{message}");
    }
    assert!(
        ran.warnings.iter().any(|warning| warning.contains(clause)),
        "{ran:#?}"
    );
    assert_eq!(ran.summary.ending, Ending::Complete);
    ground.nobody_was_touched();
    ground.holds(ran).await;
}

/// Listens, and counts who comes.
async fn decoy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (format!("https://localhost:{port}"), visits)
}

#[tokio::test]
async fn a_stranger_cannot_be_touched() {
    is_refused(program::TOUCHES_A_STRANGER, "somebody who is no asset").await;
}

#[tokio::test]
async fn a_stranger_cannot_hide_in_a_batch() {
    is_refused(
        program::TOUCHES_A_STRANGER_IN_A_BATCH,
        "somebody who is no asset",
    )
    .await;
}

#[tokio::test]
async fn what_was_reported_is_out_of_reach() {
    let ground = Ground::of(program::TOUCHES_A_SETTLED_ASSET).await;
    let ran = ground.run().await;
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("skipped", "done"), "{ran:#?}");
    }
    assert!(
        ran.warnings
            .iter()
            .any(|w| w.contains("somebody who is no asset")),
        "{ran:#?}"
    );
    let log = ground.log.all();
    assert_eq!(
        log.iter()
            .filter(|line| line.contains("did not come through: ErrorCode::HttpRequestDenied"))
            .count(),
        3,
        "{log:?}"
    );
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn only_declared_paths_can_be_called() {
    let ground = is_refused(
        program::CALLS_AN_UNDECLARED_PATH,
        "no declared call fits GET",
    )
    .await;
    assert!(!ground.asked().iter().any(|line| line.contains("messages")));
}

#[tokio::test]
async fn only_declared_methods_can_be_used() {
    let ground = is_refused(
        program::CALLS_AN_UNDECLARED_METHOD,
        "no declared call fits DELETE",
    )
    .await;
    assert!(!ground.asked().iter().any(|line| line.starts_with("DELETE")));
}

#[tokio::test]
async fn dots_lead_nowhere() {
    let ground = is_refused(program::CLIMBS_OUT_OF_ITS_PATH, "the path").await;
    assert!(
        !ground
            .asked()
            .iter()
            .any(|line| line.contains("..") || line.contains("beta"))
    );
}

#[tokio::test]
async fn only_declared_hosts_can_be_called() {
    let (decoy, visits) = decoy().await;
    let ground = Ground::of(program::CALLS_ANOTHER_HOST).await;
    let ran = ground.run_at(&decoy).await;
    refused(&ground, &ran, "no declared call fits POST").await;
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_header_names_no_other_host() {
    let (decoy, visits) = decoy().await;
    let ground = Ground::of(program::CALLS_ANOTHER_HOST_BY_ITS_HEADER).await;
    let ran = ground.run_at(&decoy).await;
    refused(&ground, &ran, "header `x-forwarded-host`").await;
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

async fn stays_dry(program: &[u8]) {
    let ground = Ground::of(program).await;
    let ran = ground.simulate().await;
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("would-enforce", "done"), "{ran:#?}");
    }
    assert!(
        ran.warnings
            .iter()
            .any(|w| w.contains("refused in a simulation")),
        "{ran:#?}"
    );
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn a_dry_run_stays_dry() {
    stays_dry(program::WETS_A_DRY_RUN).await;
}

#[tokio::test]
async fn a_dry_run_stays_dry_in_batches() {
    stays_dry(program::WETS_A_DRY_RUN_IN_A_BATCH).await;
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let ground = Ground::of(program::CHANGES_IN_CHECK).await;
    let host = &ground.trial.host;
    let report = host
        .check(&ground.trial.action, ground.trial.connection())
        .await
        .unwrap();
    assert_eq!(report.findings.len(), 1);
    let found = &report.findings[0].message;
    assert!(found.contains("HttpRequestDenied"), "{found}");
    let troubles = &report.troubles;
    assert!(
        troubles
            .iter()
            .any(|(what, _)| what.contains("refused in a check")),
        "{troubles:?}"
    );
    ground.nobody_was_touched();
    ground.lives().await;
}

#[tokio::test]
async fn nothing_leaves_after_the_end() {
    let ground = Ground::of(program::SENDS_AFTER_THE_END).await;
    let ran = ground.run().await;
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("succeeded", "done"), "{ran:#?}");
    }
    assert_eq!(ran.summary.ending, Ending::Complete, "{ran:#?}");
    // The one that the run needed, and at most one that was under way when the host heard of the end.
    let sign_ins = ground
        .asked()
        .iter()
        .filter(|line| line.contains("/token"))
        .count();
    assert!((1..=2).contains(&sign_ins), "{sign_ins} sign-ins");
    ground.holds(&ran).await;
}

#[tokio::test]
async fn there_is_nothing_around_a_program() {
    let ground = Ground::of(program::READS_ENVIRONMENT).await;
    let ran = ground.run().await;
    for id in &ground.ids {
        assert_eq!(ran.outcome(id).message, "[0, 0, 0, 0]");
    }
    ground.holds(&ran).await;
}
