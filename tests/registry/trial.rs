//! A version on trial takes itself back.

use tipstaff::{Assets, Claims, HostError, Limits, RegistryError, Verdict};
use tipstaff_tests::{Ran, Trial, program};

use crate::{Asks, Does, NAME, component, version};

async fn put(trial: &Trial, component: &[u8]) {
    let installation = trial
        .host
        .install_bytes("several", component)
        .await
        .unwrap();
    let approved = trial
        .host
        .approve(&installation.action, Claims::NotBelieved)
        .await;
    approved.unwrap();
}

/// Runs what is active on one user.
async fn run(trial: &Trial) -> Ran {
    let action = trial.host.action(NAME).await.unwrap();
    let users = crate::stream::ids(trial);
    let plan = trial
        .host
        .plan(&action)
        .connection(trial.connection())
        .assets(Assets::users(&users[..1]))
        .prepare()
        .await
        .unwrap();
    Ran::watch(plan.approve().start().await.unwrap()).await
}

async fn starts(trial: &Trial) -> String {
    let action = trial.host.action(NAME).await.unwrap();
    action.manifest().version.clone()
}

async fn ground() -> Trial {
    let trial = Trial::of(program::BEHAVES, crate::stream::tenant(1)).await;
    put(&trial, &version("1.0.0")).await;
    trial
}

#[tokio::test]
async fn a_version_that_crashes_is_rolled_back_and_says_so() {
    let trial = ground().await;
    put(&trial, &component("1.1.0", Asks::Same, Does::Trap)).await;
    trial.host.activate(NAME, "1.1.0", Some(5)).await.unwrap();
    let ran = run(&trial).await;
    let told = ran
        .warnings
        .iter()
        .find(|w| w.contains("was on trial"))
        .unwrap();
    assert!(
        told.starts_with("several@1.1.0 was on trial and was rolled back: the action crashed"),
        "{told}"
    );
    assert!(told.contains("several@1.0.0 (sha-256 "), "{told}");
    assert_eq!(starts(&trial).await, "1.0.0");
    // Every process sees it, and why.
    let other = tipstaff_tests::host(trial.host.state().root(), Limits::default(), None).await;
    let listed = other.actions().await.unwrap();
    let step = listed
        .iter()
        .find_map(|listed| listed.rolled_back.clone())
        .unwrap();
    assert!(step.why.unwrap().contains("crashed"));
    let ran = run(&trial).await;
    assert_eq!(ran.summary.counts.get(Verdict::Succeeded), 1);
}

#[tokio::test]
async fn a_version_that_lies_is_rolled_back() {
    let trial = ground().await;
    put(&trial, &component("1.1.0", Asks::Same, Does::Lie)).await;
    trial.host.activate(NAME, "1.1.0", Some(1)).await.unwrap();
    let ran = run(&trial).await;
    assert!(
        ran.warnings
            .iter()
            .any(|w| w.contains("rolled back: it said something untrue")),
        "{ran:?}"
    );
    assert_eq!(starts(&trial).await, "1.0.0");
}

#[tokio::test]
async fn a_version_that_is_not_on_trial_stays() {
    let trial = ground().await;
    put(&trial, &component("1.1.0", Asks::Same, Does::Trap)).await;
    trial.host.activate(NAME, "1.1.0", None).await.unwrap();
    let ran = run(&trial).await;
    assert!(
        !ran.warnings.iter().any(|w| w.contains("rolled back")),
        "{ran:?}"
    );
    assert_eq!(starts(&trial).await, "1.1.0");
}

#[tokio::test]
async fn a_trial_ends_with_its_runs() {
    let trial = ground().await;
    put(&trial, &component("1.1.0", Asks::Same, Does::Trap)).await;
    trial.host.activate(NAME, "1.1.0", Some(1)).await.unwrap();
    let action = trial.host.action(NAME).await.unwrap();
    // One run that ends well, because there is nothing that it could do.
    let nothing = r#"{"id":"a","type":"device","adapters":[]}"#;
    let plan = trial
        .host
        .plan(&action)
        .connection(trial.connection())
        .assets(Assets::reader(nothing.as_bytes(), None).unwrap())
        .prepare()
        .await
        .unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.summary.ending, tipstaff::Ending::Complete, "{ran:?}");
    run(&trial).await;
    assert_eq!(starts(&trial).await, "1.1.0");
}

#[tokio::test]
async fn where_nothing_was_before_nothing_is_active_afterwards() {
    let trial = Trial::of(program::BEHAVES, crate::stream::tenant(1)).await;
    let crashes = component("1.0.0", Asks::Same, Does::Trap);
    trial.host.install_bytes("several", &crashes).await.unwrap();
    let action = trial.host.load("several@1.0.0").await.unwrap();
    // A file approves it: a yes in the state folder would make the first version active, and not on trial.
    let path = trial.folder().join("approvals.toml");
    let entry = tipstaff::registry::FileEntry {
        action: NAME.to_owned(),
        version: "1.0.0".to_owned(),
        digest: action.digest().to_owned(),
        asks: trial.host.asks(&action),
    };
    tipstaff::ApprovalsFile::add(&path, &entry).unwrap();
    let by_file = tipstaff::Host::builder()
        .state_dir(trial.host.state().root())
        .code_dir(tipstaff_tests::code_dir())
        .approvals(tipstaff::ApprovalsFile::read(&path).unwrap())
        .open()
        .await
        .unwrap();
    by_file.activate(NAME, "1.0.0", Some(3)).await.unwrap();
    let ran = run(&trial).await;
    assert!(
        ran.warnings
            .iter()
            .any(|w| w.contains("no version of several is active now")),
        "{ran:?}"
    );
    let none = trial.host.action(NAME).await;
    assert!(
        matches!(
            none,
            Err(HostError::Registry(RegistryError::NoneActive { .. }))
        ),
        "{none:?}"
    );
}
