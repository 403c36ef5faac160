//! What is looked at after a revoke, and what is said of it: the cut-off time, applications, the test account.

use std::time::Duration;

use entra_emulator::{App, Fault, FaultRule, Route, Tenant, User};
use serde_json::Value;
use tipstaff::{Assets, Connection, Draft, PlanError, Secret, SecretSource};
use tipstaff_tests::{Ran, Trial};

const ADA: &str = "ada@contoso.example";
const TEST: &str = "test@contoso.example";

async fn carry_out(draft: Draft) -> Ran {
    let plan = draft.prepare().await.unwrap();
    Ran::watch(plan.approve().start().await.unwrap()).await
}

fn evidence(ran: &Ran, asset: &str) -> Value {
    serde_json::from_str(ran.outcome(asset).evidence.get()).unwrap()
}

#[tokio::test]
async fn what_was_revoked_is_read_back() {
    let trial = Trial::new(Tenant::builder().user(User::member(ADA)).build()).await;
    // A cut-off time has whole seconds, and that of somebody new is their first.
    trial.emulator.advance_clock(Duration::from_secs(60));
    let draft = trial.draft(Assets::users([ADA])).setting("verify", true);
    let ran = carry_out(draft).await;
    assert_eq!(ran.result(ADA), ("succeeded", "verified"), "{ran:#?}");
    let seen = evidence(&ran, ADA);
    assert!(
        seen["cutoff_after"].as_str() > seen["cutoff_before"].as_str(),
        "{seen}"
    );
    assert!(
        seen["exposure"].is_string() && seen["request_id"].is_string(),
        "{seen}"
    );
    assert_eq!(seen["action_digest"], trial.action.digest());
}

#[tokio::test]
async fn a_revoke_without_effect_is_not_called_verified() {
    let trial = Trial::new(Tenant::builder().user(User::member(ADA)).build()).await;
    trial
        .emulator
        .faults()
        .add(FaultRule::new(Fault::NoEffect).on(Route::Revoke));
    let draft = trial
        .draft(Assets::users([ADA]))
        .setting("verify", true)
        .setting("max_seconds", 1);
    let ran = carry_out(draft).await;
    assert_eq!(ran.result(ADA), ("succeeded", "unconfirmed"), "{ran:#?}");
}

/// The connection of a trial, with the test account in it.
fn with_canary(trial: &Trial) -> Connection {
    let token = trial.emulator.issue_refresh_token(TEST).unwrap();
    trial.connection().field("canary_user", TEST).secret(
        "canary_refresh_token",
        SecretSource::Given(Secret::new(token)),
    )
}

fn with_test_account() -> Tenant {
    Tenant::builder()
        .user(User::member(ADA))
        .user(User::member(TEST))
        .build()
}

#[tokio::test]
async fn the_test_account_tells_how_long_a_revoke_takes() {
    let trial = Trial::new(with_test_account()).await;
    trial
        .emulator
        .change(|settings| settings.revoke_propagation_ms = 400);
    let draft = trial
        .draft(Assets::users([ADA]))
        .connection(with_canary(&trial))
        .setting("canary", true);
    let plan = draft.prepare().await.unwrap();
    let added = &plan.census().added;
    assert_eq!(
        (added.len(), added[0].setting.as_str(), plan.census().assets),
        (1, "canary", 2)
    );
    let id = added[0].id.clone();
    assert_eq!(id, format!("canary:{TEST}"));
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    ran.agrees_in_number(2);
    assert_eq!(ran.result(&id), ("succeeded", "canary-cut"), "{ran:#?}");
    assert_eq!(ran.result(ADA), ("succeeded", "revoked"), "{ran:#?}");
    let seen = evidence(&ran, &id);
    assert!(
        seen["canary"]["refused_after_ms"].as_u64() >= Some(300),
        "{seen}"
    );
    let told = format!("{ran:?}");
    assert!(
        !told.contains(&trial.emulator.client_secret()) && !told.contains("1.AEmu"),
        "{told}"
    );

    // Its token is used up: the next run says so, and leaves it alone. A second try does not take it along.
    let again = trial
        .host
        .again(
            &ran.summary.run.to_string(),
            &[tipstaff::Verdict::Succeeded],
        )
        .await
        .unwrap();
    let plan = again
        .connection(with_canary(&trial))
        .prepare()
        .await
        .unwrap();
    assert_eq!(plan.census().assets, 2, "what was added is added again");
    let only = trial
        .host
        .again(&ran.summary.run.to_string(), &[tipstaff::Verdict::Failed])
        .await
        .unwrap();
    assert!(matches!(
        only.connection(with_canary(&trial)).prepare().await,
        Err(PlanError::Empty(_))
    ));
}

#[tokio::test]
async fn a_simulation_tries_the_test_account_and_leaves_it_alone() {
    let trial = Trial::new(with_test_account()).await;
    let draft = trial
        .draft(Assets::users([ADA]))
        .connection(with_canary(&trial))
        .setting("canary", true);
    let ran = Ran::watch(draft.prepare().await.unwrap().simulate().await.unwrap()).await;
    ran.agrees_in_number(2);
    assert!(
        ran.outcomes.iter().all(|o| o.code == "would-revoke"),
        "{ran:#?}"
    );
    assert!(
        trial
            .emulator
            .state()
            .users
            .iter()
            .all(|user| user.revocations == 0)
    );
}

#[tokio::test]
async fn a_canary_that_the_connection_does_not_describe_is_refused() {
    let trial = Trial::new(with_test_account()).await;
    for connection in [
        trial.connection(),
        trial.connection().field("canary_user", TEST),
    ] {
        let draft = trial
            .draft(Assets::users([ADA]))
            .connection(connection)
            .setting("canary", true);
        let refused = draft.prepare().await.unwrap_err();
        assert!(
            matches!(refused, PlanError::CannotAdd { .. }),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("`canary_"), "{refused}");
    }
    assert!(trial.emulator.journal().is_empty());
}

#[tokio::test]
async fn where_entra_is_the_single_sign_on_applications_are_listed_if_they_may_be_read() {
    let ada = || {
        User::member(ADA)
            .with_assigned_app("Salesforce")
            .with_assigned_app("Jira")
    };
    for (roles, says) in [
        (
            vec![
                "User.RevokeSessions.All",
                "User.Read.All",
                "Directory.Read.All",
            ],
            "reaches Jira, Salesforce",
        ),
        (
            vec!["User.RevokeSessions.All", "User.Read.All"],
            "is not known, because the application may not read it",
        ),
    ] {
        let tenant = Tenant::builder()
            .app(App::default().roles(roles))
            .user(ada())
            .build();
        let trial = Trial::new(tenant).await;
        let draft = trial
            .draft(Assets::users([ADA]))
            .connection(trial.connection().field("sso_provider", "true"));
        let ran = carry_out(draft).await;
        assert_eq!(ran.result(ADA), ("succeeded", "revoked"), "{ran:#?}");
        let message = &ran.outcome(ADA).message;
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn an_incident_is_served_before_a_schedule() {
    let trial = Trial::new(Tenant::builder().seed_users(3).build()).await;
    let users: Vec<String> = trial
        .emulator
        .state()
        .users
        .iter()
        .map(|user| user.id.to_string())
        .collect();
    let draft = trial
        .draft(Assets::users(&users))
        .setting("priority", "high");
    let ran = carry_out(draft).await;
    ran.agrees_with(&trial.emulator, 3);
    assert!(ran.outcomes.iter().all(|o| o.code == "revoked"), "{ran:#?}");
}
