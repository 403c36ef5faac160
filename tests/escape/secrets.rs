//! Programs that try to carry the secret out: its stand-in stops the request anywhere but in its place, and is worth
//! nothing outside the run.

use tipstaff::Ending;
use tipstaff_tests::{needles, program};

use crate::ground::Ground;

/// The request with the stand-in is refused, and a warning names the `place`.
async fn is_kept(program: &[u8], place: &str) {
    let ground = Ground::of(program).await;
    let ran = ground.run().await;
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("failed", "not-done"), "{ran:#?}");
        let message = &ran.outcome(id).message;
        assert!(message.contains("HttpRequestDenied"), "{message}");
    }
    let told = ran
        .warnings
        .iter()
        .any(|w| w.contains(place) && w.contains("stand-in"));
    assert!(told, "{ran:#?}");
    assert_eq!(ran.summary.ending, Ending::Complete);
    // The sign-in of the run itself, and nothing else.
    let asked = ground.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].ends_with("/oauth2/v2.0/token"), "{asked:?}");
    ground.holds(&ran).await;
}

#[tokio::test]
async fn not_by_the_path() {
    is_kept(program::PUTS_SECRET_IN_PATH, "the path").await;
}

#[tokio::test]
async fn not_by_the_query() {
    is_kept(program::PUTS_SECRET_IN_QUERY, "the query").await;
}

#[tokio::test]
async fn not_in_another_encoding() {
    is_kept(program::PUTS_SECRET_IN_HEX, "the query").await;
}

#[tokio::test]
async fn not_by_a_header() {
    is_kept(program::PUTS_SECRET_IN_HEADER, "header `client-request-id`").await;
}

#[tokio::test]
async fn not_by_another_field_of_a_form() {
    is_kept(program::PUTS_SECRET_IN_BODY, "form field `client_id`").await;
}

#[tokio::test]
async fn not_by_a_part_of_a_batch() {
    is_kept(program::PUTS_SECRET_IN_BATCH, "the body").await;
}

#[tokio::test]
async fn what_a_program_can_tell_is_a_stand_in() {
    let ground = Ground::of(program::PUTS_SECRET_IN_MESSAGE).await;
    let ran = ground.run().await;
    for id in &ground.ids {
        let message = &ran.outcome(id).message;
        let secret = message.split(' ').next().unwrap();
        let is_stand_in = secret.len() == 32 && secret.bytes().all(|b| b.is_ascii_alphanumeric());
        assert!(is_stand_in, "{message}");
    }
    let told = format!("{ran:?} {:?}", ground.log.all());
    assert!(!told.contains(crate::ground::SECRET), "{told}");
    ground.lives().await;
}

#[tokio::test]
async fn the_memory_of_a_program_holds_no_secret_and_no_token() {
    let ground = Ground::of(program::SEARCHES_ITS_MEMORY).await;
    let mut texts: Vec<Vec<u8>> = needles::of(crate::ground::SECRET)
        .into_iter()
        .map(|needle| needle.bytes)
        .collect();
    // What it does hold: that shows that the search finds what is there.
    texts.push(b"client_secret".to_vec());
    let turned: Vec<String> = texts
        .iter()
        .map(|text| {
            text.iter()
                .map(|byte| format!("{:02x}", byte ^ 0x5a))
                .collect()
        })
        .collect();
    let ran = ground.run_at(&turned.join(",")).await;
    let expected = format!("done; texts: {}; tokens: 0", texts.len());
    for id in &ground.ids {
        assert_eq!(ran.outcome(id).message, expected);
    }
    ground.holds(&ran).await;
}
