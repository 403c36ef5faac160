//! Programs that end before their time: the run is cut short, with the cause, and whoever was not reported is accounted
//! for.

use tipstaff::{HostError, Limits};
use tipstaff_tests::program;

use crate::ground::{Ground, cut_short, small};

/// The run is cut short for `cause`, nobody is touched, and the host lives.
async fn is_cut_short(program: &[u8], limits: Limits, cause: &str) {
    let ground = Ground::with(program, limits).await;
    let ran = ground.run().await;
    let why = cut_short(&ran);
    assert!(why.contains(cause), "{why}");
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("not-attempted", "cut-short"), "{ran:#?}");
        let message = &ran.outcome(id).message;
        assert!(message.contains(cause), "{message}");
    }
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn a_crash_is_told_with_its_last_words() {
    is_cut_short(
        program::TRAPS_IN_RUN,
        Limits::default(),
        "it goes no further",
    )
    .await;
}

#[tokio::test]
async fn the_process_is_not_the_actions_to_end() {
    is_cut_short(program::EXITS, Limits::default(), "the action crashed").await;
}

#[tokio::test]
async fn memory_ends_where_the_limit_is() {
    is_cut_short(program::GROWS_MEMORY, small(), "memory allocation").await;
}

#[tokio::test]
async fn the_stack_ends_the_action_and_not_the_host() {
    is_cut_short(
        program::RECURSES_FOR_EVER,
        Limits::default(),
        "the action crashed",
    )
    .await;
}

#[tokio::test]
async fn handles_end_where_the_limit_is() {
    is_cut_short(
        program::LEAKS_HANDLES,
        Limits::default(),
        "the action crashed",
    )
    .await;
}

#[tokio::test]
async fn a_name_that_no_answer_taught_cannot_be_claimed() {
    is_cut_short(
        program::CLAIMS_A_FOREIGN_NAME,
        Limits::default(),
        "claimed a name",
    )
    .await;
}

#[tokio::test]
async fn a_crash_in_describe_keeps_the_action_out() {
    let ground = Ground::of(program::BEHAVES).await;
    let error = ground
        .trial
        .host
        .load_bytes("trap", program::TRAPS_IN_DESCRIBE)
        .await
        .unwrap_err();
    assert!(matches!(error, HostError::Load { .. }));
    let text = error.to_string();
    assert!(
        text.contains("describe") && text.contains("it will not say"),
        "{text}"
    );
    assert!(error.hint().is_some());
    ground.lives().await;
}
