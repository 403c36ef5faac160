//! E9: quotas.

use std::time::Duration;

use entra_emulator::{Options, Settings, Tenant, Throttling};
use serde_json::Value;

use crate::batch::{revoke, send, statuses};
use crate::client::Trial;

async fn trial(throttle: Throttling) -> Trial {
    let options = Options {
        settings: Settings {
            throttle,
            ..Settings::default()
        },
        ..Options::default()
    };
    let trial = Trial::with(Tenant::builder().seed_users(60).build(), options).await;
    trial.emulator.stop_clock();
    trial
}

#[tokio::test]
async fn e9_parts_beyond_the_quota_are_refused_one_by_one() {
    let trial = trial(Throttling::Quota {
        writes: 30,
        seconds: 15.0,
    })
    .await;
    let token = trial.token().await;
    let parts: Vec<Value> = (1..=20)
        .map(|id: u32| revoke(&id.to_string(), &format!("user{id:06}@contoso.example")))
        .collect();
    let first = send(&trial, &token, &parts).await;
    assert!(statuses(&first).values().all(|status| *status == 200));
    let second = send(&trial, &token, &parts).await;
    let refused = statuses(&second)
        .values()
        .filter(|status| **status == 429)
        .count();
    assert_eq!((second.status, refused), (200, 10));
    let body = second.json();
    let mut refused: Vec<&Value> = body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["status"] == 429)
        .collect();
    let wait = |part: &Value| part["headers"]["Retry-After"].as_str().unwrap().to_owned();
    refused.sort_by_key(|part| wait(part));
    // Two a second: by then there is room for this one, and for all before it.
    let waits: Vec<String> = refused.iter().copied().map(wait).collect();
    assert_eq!(waits, ["1", "1", "2", "2", "3", "3", "4", "4", "5", "5"]);
    let part = refused[0];
    assert_eq!(
        part["headers"]["x-ms-throttle-information"],
        "WriteLimitExceeded"
    );
    assert_eq!(
        part["headers"]["x-ms-throttle-scope"],
        format!(
            "Tenant_Application/Write/{}/{}",
            trial.emulator.client_id(),
            trial.emulator.tenant_id()
        )
    );
    assert_eq!(part["body"]["error"]["code"], "TooManyRequests");
    let passed = body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["status"] == 200);
    assert!(
        passed
            .clone()
            .any(|part| part["headers"]["x-ms-throttle-limit-percentage"].is_string())
    );
    assert_eq!(trial.emulator.state().revocations, 30);
    trial.emulator.advance_clock(Duration::from_secs(5));
    let third = send(&trial, &token, &parts[..10]).await;
    assert!(statuses(&third).values().all(|status| *status == 200));
}

#[tokio::test]
async fn e9_a_refused_request_tells_when_to_come_back_and_early_ones_count() {
    let trial = trial(Throttling::Quota {
        writes: 1,
        seconds: 2.0,
    })
    .await;
    let token = trial.token().await;
    let path = "/v1.0/users/user000001@contoso.example/revokeSignInSessions";
    assert_eq!(
        trial.graph("POST", path).bearer(&token).send().await.status,
        200
    );
    let first = trial.graph("POST", path).bearer(&token).send().await;
    assert_eq!(
        (first.status, first.header("retry-after")),
        (429, Some("2"))
    );
    assert_eq!(first.header("x-ms-throttle-limit-percentage"), Some("1.00"));
    assert_eq!(first.json()["error"]["innerError"]["code"], "429");
    trial.emulator.advance_clock(Duration::from_millis(600));
    let early = trial.graph("POST", path).bearer(&token).send().await;
    assert!(early.header("retry-after").unwrap().parse::<u32>().unwrap() > 2);
    trial.emulator.advance_clock(Duration::from_secs(4));
    assert_eq!(
        trial.graph("POST", path).bearer(&token).send().await.status,
        200
    );
    // Reading has a bucket of its own.
    let read = trial
        .graph("GET", "/v1.0/users/user000001@contoso.example")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(read.status, 200);
}

#[tokio::test]
async fn e9_reads_are_charged_by_their_cost_and_reports_by_number() {
    // A medium tenant has 5,000 units in ten seconds; a thousandth of that is five.
    let trial = trial(Throttling::Scaled(0.001)).await;
    let token = trial.token().await;
    let list = "/v1.0/users?$top=50";
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(trial.graph("GET", list).bearer(&token).send().await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn e9_there_is_no_quota_unless_it_is_asked_for() {
    let trial = trial(Throttling::Off).await;
    let token = trial.token().await;
    let parts: Vec<Value> = (1..=20)
        .map(|id: u32| revoke(&id.to_string(), "user000001@contoso.example"))
        .collect();
    for _ in 0..200 {
        assert!(
            statuses(&send(&trial, &token, &parts).await)
                .values()
                .all(|status| *status == 200)
        );
    }
    assert_eq!(
        trial
            .emulator
            .user("user000001@contoso.example")
            .unwrap()
            .revocations,
        4000
    );
}
