//! Programs that use too much: of the log, of the ledger, of the network.

use tipstaff::{Ending, Limits};
use tipstaff_tests::program;

use crate::ground::{Ground, cut_short};

#[tokio::test]
async fn the_log_takes_so_much_and_no_more() {
    let limits = Limits {
        log_lines: 50,
        ..Limits::default()
    };
    let ground = Ground::with(program::FLOODS_THE_LOG, limits).await;
    let ran = ground.run().await;
    let lines = ground.log.all();
    assert_eq!(lines.len(), 51);
    assert_eq!(
        lines[50],
        "the action logs too much: what follows is dropped"
    );
    assert!(lines.iter().all(|line| line.len() <= 4_096));
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("succeeded", "done"), "{ran:#?}");
    }
    ground.holds(&ran).await;
}

#[tokio::test]
async fn a_message_is_short() {
    let ground = Ground::of(program::HUGE_OUTCOMES).await;
    let ran = ground.run().await;
    for id in &ground.ids {
        assert_eq!(
            ran.result(id),
            ("not-attempted", "broke-contract"),
            "{ran:#?}"
        );
        assert!(ran.outcome(id).message.contains("its message is too long"));
    }
    assert_eq!(ran.summary.ending, Ending::Complete);
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn what_is_copied_is_bounded() {
    let limits = Limits {
        copied: 1 << 20,
        ..Limits::default()
    };
    let ground = Ground::with(program::HUGE_OUTCOMES, limits).await;
    let ran = ground.run().await;
    assert!(cut_short(&ran).contains("the action crashed"), "{ran:#?}");
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn a_thousand_requests_at_once_take_their_turn() {
    let ground = Ground::of(program::OPENS_A_THOUSAND_REQUESTS).await;
    let running = ground.start(&ground.stranger).await;
    let (ran, ()) = tokio::join!(tipstaff_tests::Ran::watch(running), ground.lives());
    for id in &ground.ids {
        assert_eq!(ran.outcome(id).message, "1000 answers.", "{ran:#?}");
    }
    ground.holds(&ran).await;
}

#[tokio::test]
async fn a_manifest_that_nobody_can_read_is_refused() {
    let ground = Ground::of(program::BEHAVES).await;
    let host = &ground.trial.host;
    let error = host
        .load_bytes("many", program::DECLARES_TOO_MANY_CALLS)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("its `describe` failed") || text.contains("its manifest is refused"),
        "{text}"
    );
    // What is refused is not repeated at length.
    assert!(text.len() < 10_000, "{} letters", text.len());
    ground.lives().await;
}
