//! E11: injected faults, alone and in batches.

use std::time::{Duration, Instant};

use entra_emulator::{Fault, FaultRule, Place, RetryAfter, Route};
use serde_json::Value;

use crate::batch::{revoke, send, statuses};
use crate::client::{Got, Trial};

const ADA: &str = "ada@contoso.example";
const GRACE: &str = "grace@contoso.example";

fn status(status: u16, retry_after: Option<RetryAfter>, applied: bool) -> Fault {
    let fault = serde_json::json!({"kind": "status", "status": status, "applied": applied, "retry_after": retry_after});
    serde_json::from_value(fault).unwrap()
}

async fn revoke_once(
    trial: &Trial,
    token: &str,
) -> Result<Got, Box<dyn std::error::Error + Send + Sync>> {
    let path = format!("/v1.0/users/{ADA}/revokeSignInSessions");
    trial.graph("POST", &path).bearer(token).try_send().await
}

/// What one fault makes of one revoke: the answer, and how many revokes happened.
async fn struck(fault: Fault) -> (Result<Got, Box<dyn std::error::Error + Send + Sync>>, u64) {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    trial
        .emulator
        .faults()
        .add(FaultRule::new(fault).on(Route::Revoke).user(ADA).times(1));
    let got = revoke_once(&trial, &token).await;
    let revocations = trial.emulator.user(ADA).unwrap().revocations;
    assert_eq!(
        trial.emulator.faults().list()[0].2,
        1,
        "the rule did not fire"
    );
    // The fault is over; the next one is as always.
    assert_eq!(revoke_once(&trial, &token).await.unwrap().status, 200);
    (got, revocations)
}

#[tokio::test]
async fn e11_every_status_can_be_asked_for() {
    for number in [409, 429, 500, 502, 503, 504, 507, 509] {
        let (got, revocations) = struck(Fault::status(number)).await;
        let got = got.unwrap();
        assert_eq!((got.status, revocations), (number, 0));
        assert!(got.header("retry-after").is_none() && got.header("request-id").is_some());
        assert!(got.json()["error"]["message"].is_string());
    }
    let (got, _) = struck(Fault::status(500)).await;
    assert_eq!(got.unwrap().json()["error"]["message"], "");
}

#[tokio::test]
async fn e11_retry_after_comes_in_every_form() {
    for (form, expected) in [
        (RetryAfter::Seconds(7), "7"),
        (RetryAfter::Text("2.128".into()), "2.128"),
        (
            RetryAfter::Text("Wed, 25 Feb 2026 21:22:35 GMT".into()),
            "Wed, 25 Feb 2026 21:22:35 GMT",
        ),
        (RetryAfter::Text("soon".into()), "soon"),
    ] {
        let (got, _) = struck(status(429, Some(form), false)).await;
        assert_eq!(got.unwrap().header("retry-after"), Some(expected));
    }
    let (got, _) = struck(status(503, Some(RetryAfter::Text("+60".into())), false)).await;
    assert!(
        got.unwrap()
            .header("retry-after")
            .unwrap()
            .ends_with(" GMT")
    );
}

#[tokio::test]
async fn e11_an_answer_can_be_lost_after_the_work_was_done() {
    let (got, revocations) = struck(status(504, None, true)).await;
    assert_eq!((got.unwrap().status, revocations), (504, 1));
    let (got, revocations) = struck(Fault::Reset { applied: true }).await;
    assert!(got.is_err());
    assert_eq!(revocations, 1);
    let (got, revocations) = struck(Fault::CutBody).await;
    assert!(got.is_err());
    assert_eq!(revocations, 1);
}

#[tokio::test]
async fn e11_a_connection_can_break_before_anything_happens() {
    let (got, revocations) = struck(Fault::Reset { applied: false }).await;
    assert!(got.is_err());
    assert_eq!(revocations, 0);
}

#[tokio::test]
async fn e11_success_has_many_faces_and_some_are_lies() {
    let (got, revocations) = struck(Fault::NoContent).await;
    let got = got.unwrap();
    assert_eq!((got.status, got.body.len(), revocations), (204, 0, 1));
    let (got, revocations) = struck(Fault::EmptyBody).await;
    let got = got.unwrap();
    assert_eq!((got.status, got.body.len(), revocations), (200, 0, 1));
    let (got, revocations) = struck(Fault::ValueFalse).await;
    assert_eq!(
        (&got.unwrap().json()["value"], revocations),
        (&false.into(), 0)
    );
    let (got, revocations) = struck(Fault::NoEffect).await;
    assert_eq!(
        (&got.unwrap().json()["value"], revocations),
        (&true.into(), 0)
    );
    let (got, revocations) = struck(Fault::Html { status: 200 }).await;
    let got = got.unwrap();
    assert_eq!(
        (got.status, got.header("content-type"), revocations),
        (200, Some("text/html; charset=utf-8"), 0)
    );
    assert!(got.text().contains("Emulator"));
    let (got, _) = struck(Fault::TruncatedJson).await;
    assert!(serde_json::from_slice::<Value>(&got.unwrap().body).is_err());
    let (got, _) = struck(Fault::Huge { bytes: 100_000 }).await;
    assert!(got.unwrap().body.len() > 100_000);
    let (got, revocations) = struck(Fault::Redirect {
        location: "https://evil.example/".into(),
    })
    .await;
    let got = got.unwrap();
    assert_eq!(
        (got.status, got.header("location"), revocations),
        (302, Some("https://evil.example/"), 0)
    );
}

#[tokio::test]
async fn e11_answers_can_be_slow_as_a_whole_or_in_the_middle() {
    for fault in [Fault::Slow { ms: 150 }, Fault::Stall { ms: 150 }] {
        let trial = Trial::sample().await;
        let token = trial.token().await;
        trial
            .emulator
            .faults()
            .add(FaultRule::new(fault).on(Route::Revoke));
        let began = Instant::now();
        assert_eq!(
            revoke_once(&trial, &token).await.unwrap().json()["value"],
            true
        );
        assert!(began.elapsed() >= Duration::from_millis(150));
    }
}

#[tokio::test]
async fn e11_another_users_answer() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    trial
        .emulator
        .faults()
        .add(FaultRule::new(Fault::WrongUser).on(Route::User));
    let got = trial
        .graph("GET", &format!("/v1.0/users/{ADA}"))
        .bearer(&token)
        .send()
        .await;
    assert_ne!(got.json()["userPrincipalName"], ADA);
}

/// What a fault on the first of two parts makes of a batch.
async fn struck_part(fault: Fault) -> (Trial, Got) {
    let trial = Trial::sample().await;
    trial.emulator.change(|settings| settings.shuffle = false);
    let token = trial.token().await;
    trial
        .emulator
        .faults()
        .add(FaultRule::new(fault).user(ADA).place(Place::Part).times(1));
    let got = send(&trial, &token, &[revoke("1", ADA), revoke("2", GRACE)]).await;
    (trial, got)
}

fn ids(got: &Got) -> Vec<String> {
    let body = got.json();
    body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn e11_faults_hit_single_parts_of_a_batch() {
    let (trial, got) = struck_part(status(429, Some(RetryAfter::Seconds(3)), false)).await;
    assert_eq!(statuses(&got).into_values().collect::<Vec<_>>(), [429, 200]);
    assert_eq!(got.json()["responses"][0]["headers"]["Retry-After"], "3");
    assert_eq!(
        (
            trial.emulator.user(ADA).unwrap().revocations,
            trial.emulator.user(GRACE).unwrap().revocations
        ),
        (0, 1)
    );
    for (applied, revocations) in [(false, 0), (true, 1)] {
        let (trial, got) = struck_part(Fault::Missing { applied }).await;
        assert_eq!(ids(&got), ["2"]);
        assert_eq!(trial.emulator.user(ADA).unwrap().revocations, revocations);
    }
    let (_, got) = struck_part(Fault::Duplicate { status: 500 }).await;
    assert_eq!(ids(&got), ["1", "1", "2"]);
    let (_, got) = struck_part(Fault::Stranger).await;
    assert_eq!(ids(&got), ["1", "1-stranger", "2"]);
    let (_, got) = struck_part(Fault::Shuffle).await;
    assert_eq!(ids(&got), ["2", "1"]);
    let (_, got) = struck_part(Fault::Html { status: 200 }).await;
    assert!(got.json()["responses"][0]["body"].is_string());
    let (_, got) = struck_part(Fault::NoContent).await;
    assert_eq!(
        (
            got.json()["responses"][0]["status"].as_u64(),
            got.json()["responses"][0].get("body")
        ),
        (Some(204), None)
    );
}

#[tokio::test]
async fn e11_answers_of_two_parts_can_change_places() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    trial
        .emulator
        .faults()
        .add(FaultRule::new(Fault::WrongUser).user(ADA));
    let got = send(
        &trial,
        &token,
        &[revoke("1", ADA), revoke("2", "nobody@contoso.example")],
    )
    .await;
    assert_eq!(statuses(&got).into_values().collect::<Vec<_>>(), [404, 200]);
    assert_eq!(trial.emulator.user(ADA).unwrap().revocations, 1);
}

#[tokio::test]
async fn e11_a_batch_can_fail_as_a_whole() {
    for (fault, status, revocations) in [
        (Fault::status(503), 503, 0),
        (status(504, None, true), 504, 1),
        (Fault::status(424), 424, 0),
        (Fault::Html { status: 502 }, 502, 0),
    ] {
        let trial = Trial::sample().await;
        let token = trial.token().await;
        trial
            .emulator
            .faults()
            .add(FaultRule::new(fault).on(Route::Batch).times(1));
        let got = send(&trial, &token, &[revoke("1", ADA)]).await;
        assert_eq!(
            (got.status, trial.emulator.user(ADA).unwrap().revocations),
            (status, revocations)
        );
    }
}

#[tokio::test]
async fn e11_the_token_endpoint_fails_as_it_is_told() {
    let trial = Trial::sample().await;
    let faults = trial.emulator.faults();
    faults.add(
        FaultRule::new(Fault::Aadsts { code: 7_000_222 })
            .on(Route::Token)
            .times(1),
    );
    faults.add(
        FaultRule::new(status(429, Some(RetryAfter::Seconds(9)), false))
            .on(Route::Token)
            .times(1),
    );
    faults.add(
        FaultRule::new(Fault::Html { status: 503 })
            .on(Route::Token)
            .times(1),
    );
    let first = trial.app_token().await;
    assert_eq!((first.status, first.aadsts()), (401, 7_000_222));
    let second = trial.app_token().await;
    assert_eq!(
        (second.status, second.aadsts(), second.header("retry-after")),
        (429, 90_055, Some("9"))
    );
    assert_eq!(trial.app_token().await.status, 503);
    assert_eq!(trial.app_token().await.status, 200);
}

#[tokio::test]
async fn e11_the_admin_side_takes_the_same_rules() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let rule = r#"{"fault":{"kind":"status","status":503},"route":"revoke","nth":2,"count":1}"#;
    assert_eq!(
        trial.admin("POST", "/faults", rule).await.json()["numbers"],
        serde_json::json!([1])
    );
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(revoke_once(&trial, &token).await.unwrap().status);
    }
    assert_eq!(statuses, [200, 503, 200]);
    assert_eq!(
        trial.admin("GET", "/faults", "").await.json()[0]["fired"],
        1
    );
    assert_eq!(
        trial
            .emulator
            .journal()
            .iter()
            .filter(|entry| entry.fault.as_deref() == Some("status"))
            .count(),
        1
    );
    assert_eq!(trial.admin("DELETE", "/faults", "").await.status, 200);
    assert!(trial.emulator.faults().list().is_empty());
    assert_eq!(
        trial
            .admin("POST", "/faults", r#"{"fault":{"kind":"unheard-of"}}"#)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn e11_an_overloaded_node_is_left_with_a_new_connection() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let rule = FaultRule::new(Fault::Overloaded).on(Route::Revoke).times(1);
    trial.emulator.faults().add(rule);
    let path = format!("/v1.0/users/{ADA}/revokeSignInSessions");
    let revoke = || trial.graph("POST", &path).bearer(&token);
    let got = trial.send_all([revoke(), revoke(), revoke()]).await;
    for got in &got {
        assert_eq!(
            (got.status, got.code().as_str(), got.header("retry-after")),
            (503, "serviceNotAvailable", None)
        );
    }
    assert_eq!(trial.emulator.user(ADA).unwrap().revocations, 0);
    assert_eq!(trial.send_all([revoke()]).await[0].status, 200);
}

#[tokio::test]
async fn e11_the_token_endpoint_has_the_faults_of_any_endpoint() {
    let trial = Trial::sample().await;
    let once = |fault| {
        trial
            .emulator
            .faults()
            .add(FaultRule::new(fault).on(Route::Token).times(1))
    };
    once(Fault::Huge { bytes: 100_000 });
    let got = trial.app_token().await;
    assert!(got.body.len() > 100_000 && got.json()["access_token"].is_string());
    once(status(429, Some(RetryAfter::Text("+60".into())), false));
    let got = trial.app_token().await;
    assert!(got.header("retry-after").unwrap().ends_with(" GMT"));
    once(Fault::TruncatedJson);
    let got = trial.app_token().await;
    assert!(serde_json::from_slice::<Value>(&got.body).is_err());
    once(Fault::EmptyBody);
    assert!(trial.app_token().await.body.is_empty());
}
