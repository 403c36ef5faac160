//! CLI for Microsoft 365, the only one of the packaged programs that revokes from a command line.

use entra_emulator::{Fault, FaultRule, Route};
use serde_json::json;

use crate::stage::{PEOPLE, Stage};

const SCRIPT: &str = "cli_m365.mjs";

#[tokio::test]
async fn signs_in_with_a_secret_and_revokes() {
    let stage = Stage::new().await;
    let seen = stage.node(SCRIPT, "secret").await;
    let ada = stage.emulator.user("ada@contoso.example").unwrap();
    assert_eq!(seen["ada"], ada.id.to_string());
    assert_eq!(seen["guests"], 2);
    assert_eq!(seen["everybody"], PEOPLE);
    assert_eq!(ada.revocations, 1);
    assert_eq!(
        seen["nobody"],
        json!([
            1,
            "Error: Resource 'nobody@contoso.example' does not exist or one of its queried reference-property objects are not present."
        ])
    );
}

#[tokio::test]
async fn signs_in_with_a_certificate_waits_and_batches() {
    let stage = Stage::new().await;
    let rule = FaultRule::new(Fault::too_many(1)).on(Route::Revoke);
    stage.emulator.faults().add(rule.times(1));
    let seen = stage.node(SCRIPT, "certificate").await;
    assert_eq!(
        seen,
        json!({"as": "certificate", "parts": {"1": 200, "2": 404}})
    );
    assert_eq!(stage.answered("/revokeSignInSessions", 429), 1);
    assert_eq!(stage.revocations("grace@contoso.example"), 1);
    assert_eq!(stage.revocations("ada@contoso.example"), 1);
}
