//! A run that is stopped on its way: everybody has one outcome, and the report says where it stopped.

use std::time::Duration;

use tipstaff::{Assets, Ending, RunEvent, Verdict};
use tipstaff_tests::{Ran, Trial};

use crate::{ids, members};

const USERS: usize = 300;

/// Runs in small steps, and lets `stop` do its work at the first outcome.
async fn stopped(stop: impl Fn(&tipstaff::Control)) -> (Trial, Ran) {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    trial.emulator.set_latency(Duration::from_millis(20));
    let draft = trial.draft(Assets::users(&users)).setting("batch_size", 5);
    let plan = draft
        .setting("batches_in_flight", 2)
        .prepare()
        .await
        .unwrap();
    let running = plan.approve().start().await.unwrap();
    let control = running.control();
    let ran = Ran::watch_and(running, |event| {
        if matches!(event, RunEvent::Outcome(_)) {
            stop(&control);
        }
    })
    .await;
    ran.agrees_with(&trial.emulator, USERS);
    assert_eq!(ran.summary.ending, Ending::Interrupted, "{:?}", ran.summary);
    (trial, ran)
}

#[tokio::test]
async fn a_run_that_is_finished_early_finishes_what_it_began() {
    let (trial, ran) = stopped(tipstaff::Control::finish).await;
    let counts = ran.summary.counts;
    assert!(counts.get(Verdict::NotAttempted) > 0, "{counts:?}");
    assert!(counts.get(Verdict::Succeeded) > 0, "{counts:?}");
    assert_eq!(counts.get(Verdict::InDoubt), 0, "{counts:?}");
    assert_eq!(
        counts.get(Verdict::Succeeded),
        trial.emulator.state().revocations
    );
}

#[tokio::test]
async fn a_run_that_is_aborted_says_what_nobody_knows() {
    let (trial, ran) = stopped(tipstaff::Control::abort).await;
    let counts = ran.summary.counts;
    assert!(counts.get(Verdict::NotAttempted) > 0, "{counts:?}");
    let done = trial.emulator.state().revocations;
    let said = counts.get(Verdict::Succeeded) + counts.get(Verdict::InDoubt);
    assert!(
        done <= said,
        "{done} were revoked, and {said} are said to be or may be"
    );
    // The run is over for good, and the next one takes up what is left.
    let left = trial
        .host
        .again(
            &ran.summary.run.to_string(),
            &[Verdict::NotAttempted, Verdict::InDoubt],
        )
        .await;
    let plan = left
        .unwrap()
        .connection(trial.connection())
        .prepare()
        .await
        .unwrap();
    let rest = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(rest.summary.ending, Ending::Complete);
    assert_eq!(
        rest.count(Verdict::Succeeded, "revoked") as u64,
        USERS as u64 - counts.get(Verdict::Succeeded)
    );
    assert!(
        trial
            .emulator
            .state()
            .users
            .iter()
            .all(|user| user.revocations > 0)
    );
}

#[tokio::test]
async fn who_stops_what_is_done_stops_nothing() {
    let tenant = members(1);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let plan = trial.draft(Assets::users(&users)).prepare().await.unwrap();
    let running = plan.approve().start().await.unwrap();
    let control = running.control();
    let ran = Ran::watch_and(running, |event| {
        if matches!(event, RunEvent::Outcome(_)) {
            control.finish();
        }
    })
    .await;
    assert_eq!(ran.summary.ending, Ending::Complete);
    ran.agrees_with(&trial.emulator, 1);
}
