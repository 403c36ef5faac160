//! Programs that take for ever: each clock of the host ends what the others do not see, and nobody else waits for it.

use std::time::{Duration, Instant};

use tipstaff::{Ending, Limits};
use tipstaff_tests::{Ran, program};

use crate::ground::{Ground, cut_short, small};

/// The run is cut short for `cause` within seconds, beside a run that behaves.
async fn is_ended(program: &[u8], limits: Limits, cause: &str) {
    let ground = Ground::with(program, limits).await;
    let running = ground.start(&ground.stranger).await;
    let (ran, ()) = tokio::join!(Ran::watch(running), ground.lives());
    let why = cut_short(&ran);
    assert!(why.contains(cause), "{why}");
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("not-attempted", "cut-short"), "{ran:#?}");
    }
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

/// On a loaded machine a program that computes gets little of the processor, and its idle time must not run out first.
fn busy() -> Limits {
    Limits {
        computing: Duration::from_millis(300),
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn computing_for_ever_ends_beside_a_run_that_goes_on() {
    is_ended(program::SPINS_IN_RUN, busy(), "it computed for 300ms").await;
}

#[tokio::test]
async fn computing_for_ever_leaves_room_on_one_thread_too() {
    is_ended(program::SPINS_IN_RUN, busy(), "it computed for 300ms").await;
}

#[tokio::test]
async fn sleeping_for_ever_ends() {
    is_ended(
        program::SLEEPS_FOR_EVER,
        small(),
        "it did nothing for 500ms",
    )
    .await;
}

#[tokio::test]
async fn not_reading_ends() {
    is_ended(program::NEVER_READS, small(), "it did nothing for 500ms").await;
}

#[tokio::test]
async fn whoever_waits_for_more_than_the_window_waits_in_vain() {
    let limits = Limits {
        window: 2,
        ..small()
    };
    is_ended(
        program::READS_ALL_BEFORE_REPORTING,
        limits,
        "it did nothing for 500ms",
    )
    .await;
}

#[tokio::test]
async fn within_the_window_all_may_be_read_first() {
    let ground = Ground::of(program::READS_ALL_BEFORE_REPORTING).await;
    let ran = ground.run().await;
    assert_eq!(ran.summary.ending, Ending::Complete);
    ground.holds(&ran).await;
}

#[tokio::test]
async fn a_run_has_an_end_even_if_the_action_is_busy() {
    let limits = Limits {
        run: Duration::from_millis(400),
        ..Limits::default()
    };
    is_ended(
        program::SLEEPS_FOR_EVER,
        limits,
        "the run took longer than 400ms",
    )
    .await;
}

#[tokio::test]
async fn describe_has_little_time() {
    let limits = Limits {
        describe: Duration::from_millis(300),
        ..Limits::default()
    };
    let ground = Ground::of(program::BEHAVES).await;
    let folder = ground.trial.folder().join("hasty");
    let host = tipstaff_tests::host(&folder, limits, None).await;
    let began = Instant::now();
    let text = host
        .load_bytes("spin", program::SPINS_IN_DESCRIBE)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("reached a limit") && text.contains("300ms"),
        "{text}"
    );
    // Compiling is in it, on a machine that may be busy.
    assert!(began.elapsed() < Duration::from_secs(30));
    ground.lives().await;
}

#[tokio::test]
async fn a_run_without_an_ending_is_a_breach() {
    let ground = Ground::with(program::ENDS_WITHOUT_ENDING, small()).await;
    let ran = ground.run().await;
    assert!(
        cut_short(&ran).contains("did not say how the run ended"),
        "{ran:#?}"
    );
    // What was reported and seen stands.
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("succeeded", "done"));
    }
    ground.holds(&ran).await;
}
