//! E5: the exact success and failure answers; the latency; the journal; the admin side.

use std::time::{Duration, Instant};

use crate::client::Trial;

const ADA: &str = "a0000000-0000-4000-8000-000000000001";

#[tokio::test]
async fn e5_a_revoke_answers_as_recorded_and_moves_the_cut_off() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let before = trial.emulator.user(ADA).unwrap();
    trial.emulator.advance_clock(Duration::from_secs(10));
    for http2 in [false, true] {
        let ask = trial
            .graph("POST", &format!("/v1.0/users/{ADA}/revokeSignInSessions"))
            .bearer(&token)
            .header("client-request-id", "my-own-id");
        let got = if http2 { ask.http2() } else { ask }.send().await;
        assert_eq!(got.status, 200);
        assert_eq!(
            got.text(),
            r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean","value":true}"#
        );
        for (name, value) in [
            ("cache-control", "no-cache"),
            (
                "content-type",
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
            ),
            ("location", "https://graph.microsoft.com"),
            ("strict-transport-security", "max-age=31536000"),
            ("client-request-id", "my-own-id"),
            ("x-ms-resource-unit", "1"),
            ("odata-version", "4.0"),
        ] {
            assert_eq!(got.header(name), Some(value), "{name}");
        }
        assert!(
            got.header("request-id").is_some()
                && got.header("date").is_some()
                && got.header("x-ms-ags-diagnostic").is_some()
        );
    }
    let after = trial.emulator.user("ada@contoso.example").unwrap();
    assert_eq!(after.revocations, 2);
    assert!(after.sign_in_sessions_valid_from > before.sign_in_sessions_valid_from);

    let got = trial
        .graph(
            "GET",
            &format!("/v1.0/users/{ADA}?$select=id,signInSessionsValidFromDateTime"),
        )
        .bearer(&token)
        .send()
        .await;
    let expected = after
        .sign_in_sessions_valid_from
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    assert_eq!(
        got.text(),
        format!(
            r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users(id,signInSessionsValidFromDateTime)/$entity","id":"{ADA}","signInSessionsValidFromDateTime":"{expected}"}}"#
        )
    );
}

#[tokio::test]
async fn e5_without_metadata_only_the_value_is_there() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let path = format!("/v1.0/users/{ADA}/revokeSignInSessions");
    let got = trial
        .graph("POST", &path)
        .bearer(&token)
        .header("accept", "application/json;odata.metadata=none")
        .send()
        .await;
    assert_eq!(got.text(), r#"{"value":true}"#);
}

#[tokio::test]
async fn answers_take_as_long_as_the_latency_says() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    trial.emulator.set_latency(Duration::from_millis(120));
    let began = Instant::now();
    trial
        .graph("GET", &format!("/v1.0/users/{ADA}"))
        .bearer(&token)
        .send()
        .await;
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn e15_the_journal_knows_the_requests_and_no_secret() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    trial
        .graph("GET", &format!("/v1.0/users/{ADA}?$select=id"))
        .bearer(&token)
        .header("client-request-id", "mine")
        .send()
        .await;
    let journal = trial.emulator.journal();
    let shown: Vec<_> = journal
        .iter()
        .map(|entry| (entry.method.as_str(), entry.path.as_str(), entry.status))
        .collect();
    let token_path = format!("/{}/oauth2/v2.0/token", trial.emulator.tenant_id());
    let user_path = format!("/v1.0/users/{ADA}?$select=id");
    assert_eq!(
        shown,
        [
            ("POST", token_path.as_str(), 200),
            ("GET", user_path.as_str(), 200)
        ]
    );
    assert_eq!(journal[1].client_request_id.as_deref(), Some("mine"));
    let all = trial.admin("GET", "/journal", "").await;
    assert!(!all.text().contains(&token) && !all.text().contains(&trial.emulator.client_secret()));
}

#[tokio::test]
async fn e15_the_admin_side_seeds_changes_and_resets() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let got = trial.admin("POST", "/seed", "{\"count\":3}").await;
    assert_eq!(got.json()["added"], 3);
    let revoke = "/v1.0/users/user000002@contoso.example/revokeSignInSessions";
    assert_eq!(
        trial
            .graph("POST", revoke)
            .bearer(&token)
            .send()
            .await
            .status,
        200
    );
    assert_eq!(
        trial
            .admin("GET", "/users/user000002@contoso.example", "")
            .await
            .json()["revocations"],
        1
    );
    assert_eq!(
        trial.admin("GET", "/state", "").await.json()["revocations"],
        1
    );
    assert_eq!(
        trial
            .admin("PATCH", "/settings", "{\"latency_ms\":7}")
            .await
            .json()["latency_ms"],
        7
    );
    assert_eq!(
        trial
            .admin("PATCH", "/settings", "{\"latency\":7}")
            .await
            .status,
        400
    );
    assert_eq!(
        trial
            .admin(
                "POST",
                "/clock",
                "{\"stop\":true,\"now\":\"2026-11-23T08:00:00Z\"}"
            )
            .await
            .status,
        200
    );
    assert_eq!(
        trial.admin("GET", "/clock", "").await.json()["now"],
        "2026-11-23T08:00:00Z"
    );
    assert_eq!(
        trial
            .admin("DELETE", "/users/user000001@contoso.example", "")
            .await
            .status,
        200
    );
    assert_eq!(trial.emulator.living_users(), 14);
    assert_eq!(trial.admin("POST", "/reset", "").await.status, 200);
    assert_eq!(trial.emulator.living_users(), 12);
    assert_eq!(trial.emulator.settings().latency_ms, 0);
}
