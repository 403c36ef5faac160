//! Programs whose reports are wrong: the host says what it saw, and that the action broke its contract.

use tipstaff::Ending;
use tipstaff_tests::{Ran, program};

use crate::ground::{Ground, cut_short};

/// Every report is replaced by what the host saw (`verdict`), and the reason has `clause`.
async fn is_a_lie(program: &[u8], verdict: &str, clause: &str) -> (Ground, Ran) {
    let ground = Ground::of(program).await;
    let ran = ground.run().await;
    found_out(&ground, &ran, verdict, clause);
    ground.holds(&ran).await;
    (ground, ran)
}

fn found_out(ground: &Ground, ran: &Ran, verdict: &str, clause: &str) {
    for id in &ground.ids {
        assert_eq!(ran.result(id), (verdict, "broke-contract"), "{ran:#?}");
        let outcome = ran.outcome(id);
        assert!(outcome.message.contains(clause), "{}", outcome.message);
        assert_eq!(outcome.evidence.get(), "{}");
    }
    assert!(
        ran.warnings.iter().any(|warning| warning.contains(clause)),
        "{ran:#?}"
    );
    assert_eq!(ran.summary.ending, Ending::Complete);
}

#[tokio::test]
async fn success_has_to_be_seen() {
    let program = program::CLAIMS_SUCCESS_WITHOUT_A_CALL;
    let (ground, _) = is_a_lie(program, "not-attempted", "it reported success").await;
    ground.nobody_was_touched();
}

#[tokio::test]
async fn a_simulation_knows_no_success() {
    let ground = Ground::of(program::CLAIMS_SUCCESS_IN_A_DRY_RUN).await;
    let ran = ground.simulate().await;
    found_out(
        &ground,
        &ran,
        "not-attempted",
        "a verdict that this mode does not have",
    );
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn what_left_cannot_be_denied() {
    let (ground, _) = is_a_lie(
        program::DENIES_WHAT_IT_DID,
        "in-doubt",
        "it reported that nothing was sent",
    )
    .await;
    for id in &ground.ids {
        assert_eq!(ground.revocations(id), 1);
    }
}

#[tokio::test]
async fn codes_are_those_of_the_manifest() {
    is_a_lie(
        program::REPORTS_UNDECLARED_CODE,
        "not-attempted",
        "the code `all-fine`",
    )
    .await;
}

#[tokio::test]
async fn messages_cannot_steer_a_terminal() {
    let (_, ran) = is_a_lie(
        program::MESSAGE_WITH_ESCAPE_CODES,
        "not-attempted",
        "control characters",
    )
    .await;
    let text = format!("{:?}", ran.outcomes);
    assert!(
        !text.contains("All is well") && !text.contains("u{1b}"),
        "{text}"
    );
}

#[tokio::test]
async fn evidence_is_an_object() {
    is_a_lie(
        program::EVIDENCE_NOT_JSON,
        "not-attempted",
        "its evidence is not a JSON object",
    )
    .await;
}

#[tokio::test]
async fn nobody_can_be_left_out() {
    let ground = Ground::of(program::FORGETS_ASSETS).await;
    let ran = ground.run().await;
    assert!(
        cut_short(&ran).contains("without reporting 3 of the assets"),
        "{ran:#?}"
    );
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("not-attempted", "cut-short"));
    }
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn what_was_not_taken_is_not_done() {
    let ground = Ground::of(program::LEAVES_ASSETS).await;
    let ran = ground.run().await;
    assert!(
        cut_short(&ran).contains("before it had taken all assets"),
        "{ran:#?}"
    );
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn the_first_report_is_the_last() {
    let ground = Ground::of(program::ANSWERS_TWICE).await;
    let ran = ground.run().await;
    let why = cut_short(&ran);
    let first = &ground.ids[0];
    assert!(
        why.contains(&format!("it reported asset `{first}`")),
        "{why}"
    );
    // The change was made, so it is not called anything less.
    let (verdict, _) = ran.result(first);
    assert!(["succeeded", "in-doubt"].contains(&verdict), "{ran:#?}");
    ground.holds(&ran).await;
}

#[tokio::test]
async fn nobody_else_can_be_reported() {
    let ground = Ground::of(program::ANSWERS_FOR_STRANGERS).await;
    let ran = ground.run().await;
    let why = cut_short(&ran);
    assert!(
        why.contains("it reported asset `somebody-else`, which it was not given"),
        "{why}"
    );
    ground.nobody_was_touched();
    ground.holds(&ran).await;
}

#[tokio::test]
async fn the_last_sentence_has_an_end() {
    let ground = Ground::of(program::SAYS_TOO_MUCH_AT_THE_END).await;
    let ran = ground.run().await;
    assert!(
        cut_short(&ran).contains("sentence that it ended with is too long"),
        "{ran:#?}"
    );
    ground.holds(&ran).await;
}
