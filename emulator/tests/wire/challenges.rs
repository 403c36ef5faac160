//! E10: continuous access evaluation.

use base64::Engine as _;
use entra_emulator::{Tenant, User};

use crate::client::{Got, Trial, claims};

const ADA: &str = "ada@contoso.example";
const CAPABLE: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

/// The claims of a challenge, as the client has to send them back.
fn challenge(got: &Got) -> String {
    assert_eq!(
        (got.status, got.code().as_str()),
        (401, "InvalidAuthenticationToken")
    );
    let header = got.header("www-authenticate").unwrap();
    assert!(
        header.contains(r#"error="insufficient_claims""#),
        "{header}"
    );
    let claims = header
        .split("claims=\"")
        .nth(1)
        .unwrap()
        .trim_end_matches('"');
    String::from_utf8(
        base64::engine::general_purpose::STANDARD
            .decode(claims)
            .unwrap(),
    )
    .unwrap()
}

#[tokio::test]
async fn e10_a_flagged_application_gets_on_only_with_the_challenges_claims() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let ask = async |token: &str| {
        trial
            .graph("GET", &format!("/v1.0/users/{ADA}"))
            .bearer(token)
            .send()
            .await
    };
    assert_eq!(ask(&token).await.status, 200);
    assert_eq!(
        trial
            .admin(
                "POST",
                "/challenges",
                &format!(r#"{{"who":"{}"}}"#, trial.emulator.client_id())
            )
            .await
            .status,
        200
    );
    let asked_for = challenge(&ask(&token).await);
    // A client that ignores the claims goes round in circles.
    for _ in 0..3 {
        challenge(&ask(&trial.token().await).await);
    }
    let got = trial
        .token_with(&[
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("claims", &asked_for),
        ])
        .await;
    let fresh = got.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(ask(&fresh).await.status, 200);
    challenge(&ask(&token).await);
}

#[tokio::test]
async fn e10_a_capable_client_loses_its_access_token_with_the_revoke() {
    let trial = Trial::of(
        Tenant::builder()
            .user(User::member(ADA).with_password("pw"))
            .build(),
    )
    .await;
    let sign_in = async |capabilities: Option<&str>| {
        let mut pairs = vec![
            ("grant_type", "password"),
            ("username", ADA),
            ("password", "pw"),
            ("scope", "https://graph.microsoft.com/User.Read"),
        ];
        pairs.extend(capabilities.map(|claims| ("claims", claims)));
        let body = trial.token_with(&pairs).await.json();
        (
            body["access_token"].as_str().unwrap().to_owned(),
            body["expires_in"].as_u64().unwrap(),
        )
    };
    let (plain, hour) = sign_in(None).await;
    let (capable, day) = sign_in(Some(CAPABLE)).await;
    assert_eq!((hour, day), (3_599, 86_399));
    assert_eq!(claims(&capable)["xms_cc"][0], "CP1");
    let app = trial.token().await;
    trial
        .graph("POST", &format!("/v1.0/users/{ADA}/revokeSignInSessions"))
        .bearer(&app)
        .send()
        .await;
    let me = async |token: &str| trial.graph("GET", "/v1.0/me").bearer(token).send().await;
    assert_eq!(me(&plain).await.status, 200);
    challenge(&me(&capable).await);
    let (again, _) = sign_in(Some(CAPABLE)).await;
    assert_eq!(me(&again).await.status, 200);
}

#[tokio::test]
async fn e10_a_batch_is_challenged_as_a_whole() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    assert!(trial.emulator.challenge(&trial.emulator.client_id()));
    let got = crate::batch::send(&trial, &token, &[crate::batch::revoke("1", ADA)]).await;
    challenge(&got);
    assert_eq!(trial.emulator.user(ADA).unwrap().revocations, 0);
}
