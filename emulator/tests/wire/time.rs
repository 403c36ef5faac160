//! E7, E15: what a revoke does and does not, and when; the clock.

use std::time::Duration;

use entra_emulator::{Tenant, User};

use crate::client::{Got, Trial};

const ADA: &str = "ada@contoso.example";

async fn redeem(trial: &Trial, token: &str) -> Got {
    trial
        .token_with(&[("grant_type", "refresh_token"), ("refresh_token", token)])
        .await
}

async fn revoke(trial: &Trial, token: &str, name: &str) -> Got {
    trial
        .graph("POST", &format!("/v1.0/users/{name}/revokeSignInSessions"))
        .bearer(token)
        .send()
        .await
}

async fn cut_off(trial: &Trial, token: &str) -> String {
    let path = format!("/v1.0/users/{ADA}?$select=signInSessionsValidFromDateTime");
    let got = trial.graph("GET", &path).bearer(token).send().await;
    got.json()["signInSessionsValidFromDateTime"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn e7_reads_lag_behind_by_the_replication_delay() {
    let trial = Trial::sample().await;
    trial.emulator.stop_clock();
    let token = trial.token().await;
    let before = cut_off(&trial, &token).await;
    trial
        .emulator
        .change(|settings| settings.replication_delay_ms = 5_000);
    trial.emulator.advance_clock(Duration::from_secs(60));
    revoke(&trial, &token, ADA).await;
    trial.emulator.advance_clock(Duration::from_millis(4_999));
    assert_eq!(cut_off(&trial, &token).await, before);
    trial.emulator.advance_clock(Duration::from_millis(1));
    assert_ne!(cut_off(&trial, &token).await, before);
}

#[tokio::test]
async fn e7_who_is_there_at_the_start_is_not_new_and_who_is_added_is() {
    let trial = Trial::sample().await;
    trial.emulator.stop_clock();
    let (start, day) = (trial.emulator.now(), jiff::SignedDuration::from_hours(24));
    let since = |name: &str| {
        let user = trial.emulator.user(name).unwrap();
        trial
            .emulator
            .now()
            .duration_since(user.sign_in_sessions_valid_from)
    };
    assert!(since(ADA) >= day);
    trial.emulator.put_user(User::member("new@contoso.example"));
    assert_eq!(since("new@contoso.example").as_secs(), 0);
    trial.emulator.reset();
    assert!(trial.emulator.now() >= start && since(ADA) >= day);
}

#[tokio::test]
async fn e7_refresh_tokens_die_and_access_tokens_live_on() {
    let tenant = Tenant::builder()
        .user(User::member(ADA).with_password("pw"))
        .build();
    let trial = Trial::of(tenant).await;
    trial.emulator.stop_clock();
    trial
        .emulator
        .change(|settings| settings.revoke_propagation_ms = 10_000);
    let got = trial
        .token_with(&[
            ("grant_type", "password"),
            ("username", ADA),
            ("password", "pw"),
            (
                "scope",
                "https://graph.microsoft.com/User.Read offline_access openid",
            ),
        ])
        .await;
    let body = got.json();
    assert_eq!(body["scope"], "https://graph.microsoft.com/User.Read");
    assert!(body["id_token"].is_string());
    let access = body["access_token"].as_str().unwrap();
    let refresh = body["refresh_token"].as_str().unwrap();
    let by_hand = trial.emulator.issue_refresh_token(ADA).unwrap();
    assert_eq!(redeem(&trial, refresh).await.status, 200);

    let app = trial.token().await;
    assert_eq!(revoke(&trial, &app, ADA).await.status, 200);
    // Until the cut has spread, both are good; what is renewed meanwhile is as old as the sign-in.
    let renewed = redeem(&trial, refresh).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    trial.emulator.advance_clock(Duration::from_secs(10));
    for dead in [refresh, &renewed, &by_hand] {
        let got = redeem(&trial, dead).await;
        assert_eq!((got.status, got.aadsts()), (400, 50_173));
        let body = got.json();
        assert_eq!(
            (&body["error"], &body["suberror"]),
            (&"invalid_grant".into(), &"bad_token".into())
        );
        assert!(
            body["error_description"]
                .as_str()
                .unwrap()
                .contains("TokensValidFrom date")
        );
    }
    assert_eq!(
        trial
            .graph("GET", "/v1.0/me")
            .bearer(access)
            .send()
            .await
            .status,
        200
    );
    // The account is as it was: a new sign-in works at once.
    let fresh = trial.emulator.issue_refresh_token(ADA).unwrap();
    assert_eq!(redeem(&trial, &fresh).await.status, 200);
}

#[tokio::test]
async fn e7_a_guest_answers_like_everybody_and_nothing_happens() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let guest = "tim_partner.example%23EXT%23@contoso.onmicrosoft.com";
    let before = trial
        .emulator
        .user("tim_partner.example#EXT#@contoso.onmicrosoft.com")
        .unwrap();
    let got = revoke(&trial, &token, guest).await;
    assert_eq!((got.status, &got.json()["value"]), (200, &true.into()));
    let after = trial
        .emulator
        .user("tim_partner.example#EXT#@contoso.onmicrosoft.com")
        .unwrap();
    assert_eq!((after.revocations, after.without_effect), (0, 1));
    assert_eq!(
        after.sign_in_sessions_valid_from,
        before.sign_in_sessions_valid_from
    );
}

#[tokio::test]
async fn e7_disabled_people_are_cut_and_deleted_ones_are_not_found() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    assert_eq!(
        revoke(&trial, &token, "edsger@contoso.example")
            .await
            .status,
        200
    );
    assert_eq!(
        trial
            .emulator
            .user("edsger@contoso.example")
            .unwrap()
            .revocations,
        1
    );
    assert!(trial.emulator.delete_user(ADA));
    assert_eq!(revoke(&trial, &token, ADA).await.status, 404);
}

#[tokio::test]
async fn e7_a_new_account_is_not_found_before_it_has_replicated() {
    let trial = Trial::sample().await;
    trial.emulator.stop_clock();
    let token = trial.token().await;
    let soon = trial
        .emulator
        .now()
        .checked_add(jiff::SignedDuration::from_secs(5))
        .unwrap();
    trial
        .emulator
        .put_user(User::member("new@contoso.example").appearing_at(soon));
    assert_eq!(
        revoke(&trial, &token, "new@contoso.example").await.status,
        404
    );
    trial.emulator.advance_clock(Duration::from_secs(5));
    assert_eq!(
        revoke(&trial, &token, "new@contoso.example").await.status,
        200
    );
}

#[tokio::test]
async fn e15_two_emulators_of_one_tenant_are_the_same() {
    let shown = async || {
        let trial = Trial::of(Tenant::builder().seed_users(5).build()).await;
        let token = trial.token().await;
        trial
            .graph("GET", "/v1.0/users?$select=id,userPrincipalName")
            .bearer(&token)
            .send()
            .await
            .text()
            .to_owned()
    };
    assert_eq!(shown().await, shown().await);
}
