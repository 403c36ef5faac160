//! What cannot go on stops with one clear sentence, before anything is sent that should not be.

use std::net::Ipv4Addr;

use entra_emulator::{App, Emulator, Tenant};
use tipstaff::{Assets, Connection, Ending, Network, Secret, SecretSource, Verdict};
use tipstaff_tests::{Ran, Trial};

use crate::{ids, members};

const USERS: usize = 30;

async fn run(trial: &Trial, connection: Connection, assets: &[String]) -> Ran {
    let draft = trial.host.plan(&trial.action).connection(connection);
    let plan = draft.assets(Assets::users(assets)).prepare().await.unwrap();
    Ran::watch(plan.approve().start().await.unwrap()).await
}

fn reason(ran: &Ran) -> &str {
    match &ran.summary.ending {
        Ending::Stopped(why) => why,
        other => panic!("the run did not stop by itself: {other:?}"),
    }
}

/// Nobody was reached, and everybody's outcome says why.
fn nobody_was_reached(trial: &Trial, ran: &Ran) {
    ran.agrees_with(&trial.emulator, USERS);
    assert_eq!(
        ran.count(Verdict::NotAttempted, "stopped"),
        USERS,
        "{ran:#?}"
    );
    let why = reason(ran);
    assert!(
        ran.outcomes
            .iter()
            .all(|outcome| outcome.message.contains(why)),
        "{ran:#?}"
    );
    assert_eq!(trial.emulator.state().revocations, 0);
    assert!(graph_requests(&trial.emulator) == 0);
}

fn graph_requests(emulator: &Emulator) -> usize {
    let journal = emulator.journal();
    journal
        .iter()
        .filter(|entry| entry.path.starts_with("/v1.0"))
        .count()
}

#[tokio::test]
async fn a_missing_permission_stops_at_the_first_refusal() {
    let app = App::default().roles(["User.Read.All"]);
    let tenant = Tenant::builder().app(app).seed_users(100).build();
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let draft = trial.draft(Assets::users(&users)).setting("batch_size", 10);
    let plan = draft
        .setting("batches_in_flight", 1)
        .prepare()
        .await
        .unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    ran.agrees_with(&trial.emulator, 100);
    let why = reason(&ran);
    assert!(
        why.contains("User.RevokeSessions.All") && why.contains("consent"),
        "{why}"
    );
    let denied = ran.count(Verdict::Failed, "denied");
    assert!((1..=20).contains(&denied), "{denied} were denied");
    assert_eq!(ran.count(Verdict::NotAttempted, "stopped"), 100 - denied);
    assert_eq!(trial.emulator.state().revocations, 0);
}

#[tokio::test]
async fn a_wrong_secret_is_called_that() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let wrong = SecretSource::Given(Secret::new("An0ther~Secret".to_owned()));
    let ran = run(&trial, trial.connection().client_secret(wrong), &users).await;
    nobody_was_reached(&trial, &ran);
    assert!(reason(&ran).contains("secret"), "{ran:#?}");
    assert!(!format!("{ran:?}").contains("An0ther"), "{ran:#?}");
}

#[tokio::test]
async fn an_unknown_tenant_is_called_that() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let connection = trial
        .connection()
        .tenant_id("99999999-2222-3333-4444-555555555555");
    let ran = run(&trial, connection, &users).await;
    nobody_was_reached(&trial, &ran);
    assert!(reason(&ran).contains("tenant"), "{ran:#?}");
}

#[tokio::test]
async fn whoever_cannot_prove_who_they_are_gets_no_secret() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let network = Network {
        ca_pem: None,
        ..trial.connection().how_to_connect().clone()
    };
    let ran = run(&trial, trial.connection().network(network), &users).await;
    nobody_was_reached(&trial, &ran);
    assert!(reason(&ran).contains("certificate"), "{ran:#?}");
    assert!(
        ran.warnings
            .iter()
            .any(|warning| warning.contains("no secure connection")),
        "{ran:#?}"
    );
    // Not one request was read by the server, the one with the secret least of all.
    assert_eq!(trial.emulator.journal().len(), 0);
}

#[tokio::test]
async fn verification_can_be_turned_off_and_the_plan_says_so() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let network = Network {
        ca_pem: None,
        verify_ssl: false,
        ..trial.connection().how_to_connect().clone()
    };
    let draft = trial
        .host
        .plan(&trial.action)
        .connection(trial.connection().network(network));
    let plan = draft.assets(Assets::users(&users)).prepare().await.unwrap();
    assert!(
        plan.warnings()
            .iter()
            .any(|w| w.contains("verify_ssl = false")),
        "{:?}",
        plan.warnings()
    );
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), USERS, "{ran:#?}");
}

#[tokio::test]
async fn loopback_is_out_of_reach_unless_it_is_allowed() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let network = Network {
        private: tipstaff::NetworkPolicy::public(),
        ..trial.connection().how_to_connect().clone()
    };
    let ran = run(&trial, trial.connection().network(network), &users).await;
    nobody_was_reached(&trial, &ran);
    assert!(
        ran.warnings
            .iter()
            .any(|warning| warning.contains("may not connect to")),
        "{ran:#?}"
    );
    assert_eq!(trial.emulator.journal().len(), 0);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_called_that() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = format!("https://localhost:{}", socket.local_addr().unwrap().port());
    drop(socket);
    let connection = trial.connection().addresses([
        ("login", nobody.as_str()),
        ("graph", trial.emulator.graph_url()),
    ]);
    let ran = run(&trial, connection, &users).await;
    nobody_was_reached(&trial, &ran);
    assert!(
        ran.warnings
            .iter()
            .any(|warning| warning.contains("no connection to `localhost")),
        "{ran:#?}"
    );
}
