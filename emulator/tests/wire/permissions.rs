//! E6: who may do what, and which tokens are good.

use std::time::Duration;

use entra_emulator::{App, Tenant, User};
use serde_json::json;

use crate::client::Trial;

const TARGET: &str = "ada@contoso.example";

fn tenant(roles: &[&str]) -> Tenant {
    let app = App {
        public: false,
        ..App::default()
    }
    .roles(roles.iter().copied())
    .scopes(["User.Read", "User.RevokeSessions.All"]);
    Tenant::builder()
        .app(app)
        .user(User::member(TARGET))
        .user(
            User::member("admin@contoso.example")
                .with_password("pw")
                .with_directory_role("User Administrator"),
        )
        .user(User::member("bob@contoso.example").with_password("pw"))
        .build()
}

#[tokio::test]
async fn e6_each_permission_opens_what_the_list_says_and_no_more() {
    let cases: [(&[&str], [u16; 5]); 9] = [
        // revoke, one user (basic), one user (cut-off time), delta, getByIds
        (&["User.RevokeSessions.All"], [200, 403, 403, 403, 403]),
        (&["User.ReadWrite.All"], [200, 200, 200, 200, 403]),
        (&["Directory.ReadWrite.All"], [200, 200, 200, 200, 200]),
        (&["User.ReadBasic.All"], [403, 200, 403, 403, 403]),
        (&["User.Read.All"], [403, 200, 200, 200, 403]),
        (&["Directory.Read.All"], [403, 200, 200, 200, 200]),
        (&["AgentIdUser.ReadWrite.All"], [403, 403, 403, 403, 403]),
        (&["User.ReadWrite"], [403, 403, 403, 403, 403]),
        (&[], [403, 403, 403, 403, 403]),
    ];
    for (roles, expected) in cases {
        let trial = Trial::of(tenant(roles)).await;
        // A token is given to an application without any role.
        let token = trial.token().await;
        let got = [
            trial.graph(
                "POST",
                &format!("/v1.0/users/{TARGET}/revokeSignInSessions"),
            ),
            trial.graph("GET", &format!("/v1.0/users/{TARGET}?$select=id,mail")),
            trial.graph(
                "GET",
                &format!("/v1.0/users/{TARGET}?$select=id,signInSessionsValidFromDateTime"),
            ),
            trial.graph("GET", "/v1.0/users/delta"),
            trial
                .graph("POST", "/v1.0/directoryObjects/getByIds")
                .json(&json!({"ids": [], "types": ["user"]})),
        ];
        let mut statuses = [0; 5];
        for (status, ask) in statuses.iter_mut().zip(got) {
            *status = ask.bearer(&token).send().await.status;
        }
        assert_eq!(statuses, expected, "{roles:?}");
    }
}

#[tokio::test]
async fn e6_agents_can_be_revoked_with_the_agents_permission() {
    let trial = Trial::of(tenant(&["AgentIdUser.ReadWrite.All"])).await;
    let token = trial.token().await;
    trial
        .admin(
            "POST",
            "/seed",
            r#"{"userPrincipalName":"agent@contoso.example","agent":true}"#,
        )
        .await;
    let got = trial
        .graph(
            "POST",
            "/v1.0/users/agent@contoso.example/revokeSignInSessions",
        )
        .bearer(&token)
        .send()
        .await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn e6_a_person_needs_a_directory_role_to_revoke_others() {
    let trial = Trial::of(tenant(&[])).await;
    for (name, others) in [("admin@contoso.example", 200), ("bob@contoso.example", 403)] {
        let got = trial
            .token_with(&[
                ("grant_type", "password"),
                ("username", name),
                ("password", "pw"),
                (
                    "scope",
                    "https://graph.microsoft.com/User.RevokeSessions.All",
                ),
            ])
            .await;
        assert_eq!(got.status, 200, "{got:?}");
        let token = got.json()["access_token"].as_str().unwrap().to_owned();
        let got = trial
            .graph(
                "POST",
                &format!("/v1.0/users/{TARGET}/revokeSignInSessions"),
            )
            .bearer(&token)
            .send()
            .await;
        assert_eq!(got.status, others, "{name}");
        let got = trial
            .graph("POST", "/v1.0/me/revokeSignInSessions")
            .bearer(&token)
            .send()
            .await;
        assert_eq!(got.status, 200, "{name}");
        assert_eq!(trial.emulator.user(name).unwrap().revocations, 1);
    }
}

#[tokio::test]
async fn e6_a_refusal_has_the_recorded_body_and_headers() {
    let trial = Trial::of(tenant(&[])).await;
    let token = trial.token().await;
    let got = trial
        .graph(
            "POST",
            &format!("/v1.0/users/{TARGET}/revokeSignInSessions"),
        )
        .bearer(&token)
        .send()
        .await;
    assert_eq!(got.status, 403);
    assert_eq!(
        got.json()["error"]["message"],
        "Insufficient privileges to complete the operation."
    );
    assert_eq!(got.header("cache-control"), Some("no-cache"));
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.header("x-ms-resource-unit"), Some("1"));
    assert_eq!(trial.emulator.user(TARGET).unwrap().revocations, 0);
}

#[tokio::test]
async fn e6_bad_tokens_are_told_apart() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let (signed, _) = token.rsplit_once('.').unwrap();
    let message = async |authorization: Option<String>| {
        let ask = trial.graph("GET", &format!("/v1.0/users/{TARGET}"));
        let ask = match authorization {
            Some(value) => ask.header("authorization", value),
            None => ask,
        };
        let got = ask.send().await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (401, "InvalidAuthenticationToken")
        );
        assert_eq!(
            got.header("www-authenticate"),
            Some(
                r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000""#
            )
        );
        assert!(
            got.header("cache-control").is_none() && got.header("x-ms-resource-unit").is_none()
        );
        got.json()["error"]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message(None).await, "Access token is empty.");
    assert_eq!(
        message(Some("Bearer ".to_owned())).await,
        "Access token is empty."
    );
    assert!(
        message(Some("Bearer nonsense".to_owned()))
            .await
            .starts_with("IDX14100: JWT is not well formed, there are no dots (.).\n")
    );
    assert!(
        message(Some("Bearer a.b.c".to_owned()))
            .await
            .starts_with("CompactToken parsing failed")
    );
    assert!(
        message(Some(format!("Bearer {signed}.AAAA")))
            .await
            .contains("Signature")
    );
    trial.emulator.advance_clock(Duration::from_secs(3600));
    assert_eq!(
        message(Some(format!("Bearer {token}"))).await,
        "Lifetime validation failed, the token is expired."
    );
}
