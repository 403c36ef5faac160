//! Microsoft's Graph SDK for Python, with azure-identity.

use entra_emulator::{Fault, FaultRule, Route};
use serde_json::json;

use crate::stage::{PEOPLE, Stage};

const SCRIPT: &str = "graph_sdk.py";

#[tokio::test]
async fn signs_in_with_a_secret_and_revokes() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "by_secret").await;
    assert_eq!(
        seen,
        json!({"guest": "Guest", "value": true, "moved": true})
    );
    assert_eq!(stage.revocations("ada@contoso.example"), 1);
}

#[tokio::test]
async fn signs_in_with_a_certificate() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "by_certificate").await;
    assert_eq!(
        seen,
        json!({"name": "Ada Lovelace", "principal_name": "ada@contoso.example"})
    );
}

#[tokio::test]
async fn pages_through_everybody() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "pages").await;
    assert_eq!(seen, json!({"seen": PEOPLE, "count": PEOPLE}));
}

#[tokio::test]
async fn batches() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "batch").await;
    assert_eq!(seen, json!({"statuses": [200, 200, 404]}));
    assert_eq!(stage.revocations("ada@contoso.example"), 1);
    assert_eq!(stage.revocations("grace@contoso.example"), 1);
}

#[tokio::test]
async fn waits_when_it_is_throttled() {
    let stage = Stage::new().await;
    let rule = FaultRule::new(Fault::too_many(1)).on(Route::Revoke);
    stage.emulator.faults().add(rule.times(2));
    let seen = stage.python(SCRIPT, "throttled").await;
    assert_eq!(seen, json!({"value": true}));
    assert_eq!(stage.answered("/revokeSignInSessions", 429), 2);
    assert_eq!(stage.revocations("grace@contoso.example"), 1);
}

#[tokio::test]
async fn tells_errors_apart() {
    let stage = Stage::new().await;
    let seen = stage.python(SCRIPT, "errors").await;
    assert_eq!(seen["status"], 404);
    assert_eq!(seen["code"], "Request_ResourceNotFound");
    assert_eq!(
        seen["message"],
        "Resource 'nobody@contoso.example' does not exist or one of its queried reference-property objects are not present."
    );
    assert_eq!(seen["has_request_id"], true);
    assert_eq!(seen["has_date"], true);
    assert_eq!(seen["refused"], "AADSTS7000215");
}
