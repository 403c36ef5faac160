//! MSAL for Node, with Microsoft's Graph client for JavaScript.

use entra_emulator::{Fault, FaultRule, Route};
use serde_json::json;

use crate::stage::{PEOPLE, Stage};

const SCRIPT: &str = "graph_client.mjs";

#[tokio::test]
async fn signs_in_with_a_secret_and_a_certificate() {
    let stage = Stage::new().await;
    let seen = stage.node(SCRIPT, "signIn").await;
    // `appidacr`: how the client proved who it is.
    assert_eq!(seen["secret"], "1");
    assert_eq!(seen["certificate"], "2");
    assert_eq!(seen["wrong"], json!([true, "invalid_client", 7_000_215]));
}

#[tokio::test]
async fn looks_people_up_and_pages() {
    let stage = Stage::new().await;
    let seen = stage.node(SCRIPT, "people").await;
    assert_eq!(
        seen,
        json!({
            "seen": PEOPLE,
            "guest": "Guest",
            "ofOneMail": 2,
            "nobody": [true, 404, "Request_ResourceNotFound", "string"],
        })
    );
}

#[tokio::test]
async fn waits_when_it_is_throttled() {
    let stage = Stage::new().await;
    let rule = FaultRule::new(Fault::too_many(1)).on(Route::Revoke);
    stage.emulator.faults().add(rule.times(2));
    let seen = stage.node(SCRIPT, "revoke").await;
    assert_eq!(seen, json!({"value": true}));
    assert_eq!(stage.answered("/revokeSignInSessions", 429), 2);
    assert_eq!(stage.revocations("grace@contoso.example"), 1);
}

#[tokio::test]
async fn batches() {
    let stage = Stage::new().await;
    let seen = stage.node(SCRIPT, "batch").await;
    assert_eq!(
        seen,
        json!({"1": [200, true], "2": [404, null], "3": [200, true]})
    );
    assert_eq!(stage.revocations("ada@contoso.example"), 1);
    assert_eq!(stage.revocations("grace@contoso.example"), 1);
}
