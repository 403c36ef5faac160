//! E8: batches.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{Got, Trial};

pub(crate) fn revoke(id: &str, user: &str) -> Value {
    json!({
        "id": id,
        "method": "POST",
        "url": format!("/users/{user}/revokeSignInSessions"),
        "headers": {"Content-Type": "application/json"},
        "body": {},
    })
}

pub(crate) async fn send(trial: &Trial, token: &str, requests: &[Value]) -> Got {
    trial
        .graph("POST", "/v1.0/$batch")
        .bearer(token)
        .json(&json!({ "requests": requests }))
        .send()
        .await
}

pub(crate) fn statuses(got: &Got) -> BTreeMap<String, u64> {
    got.json()["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            (
                part["id"].as_str().unwrap().to_owned(),
                part["status"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn e8_parts_are_answered_each_by_itself() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let parts = [
        revoke("1", "ada@contoso.example"),
        json!({"id": "2", "method": "GET", "url": "users/grace@contoso.example?$select=id,userType"}),
        revoke("3", "nobody@contoso.example"),
        json!({"id": "4", "method": "GET", "url": "/nothing"}),
    ];
    let got = send(&trial, &token, &parts).await;
    assert_eq!(got.status, 200);
    assert_eq!(
        statuses(&got).into_values().collect::<Vec<_>>(),
        [200, 200, 404, 400]
    );
    let body = got.json();
    let part = |id: &str| {
        body["responses"]
            .as_array()
            .unwrap()
            .iter()
            .find(|part| part["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(
        part("1"),
        json!({"id": "1", "status": 200, "headers": {
            "Cache-Control": "no-cache", "x-ms-resource-unit": "1", "OData-Version": "4.0",
            "Content-Type": "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
        }, "body": {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean", "value": true}})
    );
    assert_eq!(part("2")["body"]["userType"], "Member");
    assert_eq!(
        part("3")["body"]["error"]["code"],
        "Request_ResourceNotFound"
    );
    assert_eq!(part("3")["headers"]["Cache-Control"], "no-cache");
    assert_eq!(
        trial
            .emulator
            .user("ada@contoso.example")
            .unwrap()
            .revocations,
        1
    );
    let entry = trial.emulator.journal().pop().unwrap();
    assert_eq!(
        entry
            .parts
            .iter()
            .map(|part| part.status)
            .collect::<Vec<_>>(),
        [200, 200, 404, 400]
    );
}

#[tokio::test]
async fn e8_malformed_batches_get_the_recorded_bodies() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    for text in [
        "{",
        "{}",
        r#"{"requests":[]}"#,
        r#"{"requests":[{"id":"1"}]}"#,
    ] {
        let got = trial
            .graph("POST", "/v1.0/$batch")
            .bearer(&token)
            .raw(text)
            .send()
            .await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (400, "BadRequest"),
            "{text}"
        );
        assert_eq!(
            got.json()["error"]["message"],
            "Invalid batch payload format."
        );
    }
    let got = send(&trial, &token, &[revoke("1", "x"), revoke("1", "y")]).await;
    assert_eq!(
        got.json()["error"]["message"],
        "Request Id 1 has to be unique in a batch."
    );
    let many: Vec<Value> = (0..21).map(|id| revoke(&id.to_string(), "x")).collect();
    let got = send(&trial, &token, &many).await;
    assert_eq!(
        (got.status, got.json()["error"]["message"].as_str()),
        (
            400,
            Some("Number of requests inside batch exceeds the limit.")
        )
    );
    assert_eq!(send(&trial, &token, &many[..20]).await.status, 200);
    let got = trial
        .graph("POST", "/v1.0/$batch")
        .json(&json!({"requests": [revoke("1", "x")]}))
        .send()
        .await;
    assert_eq!(got.status, 401);
}

#[tokio::test]
async fn e8_what_depends_on_a_failed_part_is_not_done() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let mut after = revoke("2", "ada@contoso.example");
    after["dependsOn"] = json!(["1"]);
    let got = send(
        &trial,
        &token,
        &[revoke("1", "nobody@contoso.example"), after.clone()],
    )
    .await;
    assert_eq!(statuses(&got)["2"], 424);
    assert_eq!(
        trial
            .emulator
            .user("ada@contoso.example")
            .unwrap()
            .revocations,
        0
    );
    let got = send(
        &trial,
        &token,
        &[revoke("1", "grace@contoso.example"), after],
    )
    .await;
    assert_eq!(statuses(&got)["2"], 200);
}

#[tokio::test]
async fn e8_parts_come_in_another_order_than_they_were_asked() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let parts: Vec<Value> = (0..20)
        .map(|id| revoke(&id.to_string(), "ada@contoso.example"))
        .collect();
    let order = |got: &Got| -> Vec<String> {
        got.json()["responses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let asked: Vec<String> = (0..20).map(|id: u32| id.to_string()).collect();
    assert_ne!(order(&send(&trial, &token, &parts).await), asked);
    trial.emulator.change(|settings| settings.shuffle = false);
    assert_eq!(order(&send(&trial, &token, &parts).await), asked);
}

/// As reported of SDKs that do not cut it off (msgraph-sdk-javascript, February 2023; msgraph-sdk-python, December 2024).
#[tokio::test]
async fn e8_parts_with_the_version_or_the_host_are_refused() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let part = |id: &str, url: &str| json!({"id": id, "method": "GET", "url": url});
    let parts = [
        part("v1.0", "/v1.0/users/ada@contoso.example"),
        part(
            "https:",
            "https://graph.microsoft.com/v1.0/users/ada@contoso.example",
        ),
    ];
    let got = send(&trial, &token, &parts).await.json();
    for part in got["responses"].as_array().unwrap() {
        assert_eq!(part["status"], 400);
        assert_eq!(
            part["body"]["error"]["message"],
            format!(
                "Resource not found for the segment '{}'.",
                part["id"].as_str().unwrap()
            )
        );
    }
}
