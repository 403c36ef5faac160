//! MSAL for Python, with requests for Graph.

use entra_emulator::{Cloud, Fault, FaultRule, Route, Settings, Throttling};
use serde_json::json;

use crate::stage::{NUMBERED, PEOPLE, REQUEST_ID, Stage};

const SCRIPT: &str = "msal_requests.py";

#[tokio::test]
async fn signs_in_with_a_secret_and_checks_the_token() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "by_secret").await;
    assert_eq!(seen["sources"], json!(["identity_provider", "cache"]));
    assert_eq!(seen["appid"], stage.emulator.client_id());
    assert_eq!(
        seen["roles"],
        json!(["User.RevokeSessions.All", "User.Read.All"])
    );
    assert_eq!(seen["expires_in"], 3599);
    assert_eq!(seen["wrong"]["error"], "invalid_client");
    assert_eq!(seen["wrong"]["error_codes"], json!([7_000_215]));
}

#[tokio::test]
async fn signs_in_with_a_certificate_old_way_and_new() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "by_certificate").await;
    assert_eq!(seen["now"], "2");
    assert_eq!(seen["before"], "2");
    assert_eq!(seen["unknown"]["error_codes"], json!([700_027]));
}

#[tokio::test]
async fn signs_in_with_an_outside_token() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "by_federation").await;
    assert_eq!(seen["appid"], stage.emulator.client_id());
}

#[tokio::test]
async fn looks_people_up_and_pages() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "people").await;
    assert_eq!(seen["listed"], PEOPLE);
    assert_eq!(seen["pages"], PEOPLE.div_ceil(7));
    let ada = stage.emulator.user("ada@contoso.example").unwrap();
    assert_eq!(seen["ada"], ada.id.to_string());
    assert_eq!(seen["of_one_mail"], 2);
    assert_eq!(seen["nobody"], json!([404, "Request_ResourceNotFound"]));
}

#[tokio::test]
async fn revokes() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "revoke").await;
    assert_eq!(
        seen,
        json!({"status": 200, "value": true, "request": REQUEST_ID, "units": "1"})
    );
    assert_eq!(stage.revocations("ada@contoso.example"), 1);
    let journal = stage.emulator.journal();
    let entry = journal
        .iter()
        .find(|entry| entry.client_request_id.as_deref() == Some(REQUEST_ID));
    assert_eq!(
        entry.map(|entry| (entry.method.as_str(), entry.status)),
        Some(("POST", 200))
    );
}

#[tokio::test]
async fn revokes_in_the_other_clouds() {
    for cloud in [Cloud::UsGov, Cloud::UsGovDod, Cloud::China] {
        let stage = Stage::of(cloud, Settings::default()).await;
        let seen = stage.python(SCRIPT, "revoke").await;
        assert_eq!(
            (&seen["status"], &seen["value"]),
            (&200.into(), &true.into())
        );
        assert_eq!(stage.revocations("ada@contoso.example"), 1, "{cloud:?}");
    }
}

#[tokio::test]
async fn batches_and_asks_refused_parts_again() {
    let stage = Stage::with(Settings {
        throttle: Throttling::Quota {
            writes: 12,
            seconds: 12.0,
        },
        ..Settings::default()
    })
    .await;
    stage.emulator.stop_clock();
    let seen = stage.python(SCRIPT, "batch").await;
    assert_eq!(seen["open"], 0, "{seen}");
    // Twelve of twenty pass at once; who waits as long as the service says is not refused again.
    assert_eq!(seen["refused"], 8, "{seen}");
    assert_eq!(seen["rounds"], 2, "{seen}");
    for number in 1..=NUMBERED {
        let name = format!("user{number:06}@contoso.example");
        assert_eq!(stage.revocations(&name), 1, "{name}");
    }
}

#[tokio::test]
async fn waits_when_it_is_throttled() {
    let stage = Stage::new().await;
    let rule = FaultRule::new(Fault::too_many(1)).on(Route::Revoke);
    stage.emulator.faults().add(rule.times(2));
    let seen = stage.python(SCRIPT, "throttled").await;
    assert_eq!(seen, json!({"status": 200, "tries": 3}));
    assert_eq!(stage.answered("/revokeSignInSessions", 429), 2);
    assert_eq!(stage.revocations("grace@contoso.example"), 1);
}

#[tokio::test]
async fn a_persons_refresh_token_dies_with_the_revoke() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "delegated").await;
    assert_eq!(seen["name"], "mia@contoso.example");
    assert_eq!(seen["alive"], true);
    assert_eq!(seen["access_token_lives_on"], "mia@contoso.example");
    assert_eq!(seen["dead"]["error"], "invalid_grant");
    assert_eq!(seen["dead"]["error_codes"], json!([50_173]));
    assert_eq!(seen["dead"]["suberror"], "bad_token");
    assert_eq!(seen["wrong"]["error_codes"], json!([50_126]));
    assert_eq!(seen["second_factor"]["error_codes"], json!([50_076]));
    assert_eq!(seen["second_factor"]["suberror"], "basic_action");
}

#[tokio::test]
async fn answers_a_challenge() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "challenged").await;
    assert_eq!(seen["long_lived"], true);
    assert_eq!(seen["refused"], json!([401, "insufficient_claims"]));
    assert_eq!(seen["asked_for"], json!(["nbf"]));
    assert_eq!(seen["stubborn"], true);
    assert_eq!(seen["accepted"], 200);
}
