//! Versions side by side: which one starts, and what it takes to change that.

use std::time::{Duration, Instant};

use tipstaff::registry::{Origin, Target};
use tipstaff::{Assets, Claims, Host, HostError, RegistryError};
use tipstaff_tests::{Ran, Trial, program};

use crate::{Asks, Does, NAME, component, host, version};

/// Installs and approves it.
async fn put(host: &Host, component: &[u8]) -> String {
    let installation = host.install_bytes("several", component).await.unwrap();
    host.approve(&installation.action, Claims::Believed)
        .await
        .unwrap();
    installation.action.digest().to_owned()
}

async fn starts(host: &Host) -> String {
    host.action(NAME).await.unwrap().manifest().version.clone()
}

#[tokio::test]
async fn versions_change_forwards_and_backwards() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    for number in ["1.0.0", "1.1.0", "1.2.0"] {
        put(&host, &version(number)).await;
    }
    // The first one started by itself, the others wait.
    assert_eq!(starts(&host).await, "1.0.0");
    for number in ["1.1.0", "1.2.0"] {
        let activation = host.activate(NAME, number, None).await.unwrap();
        assert!(!activation.was_active);
        assert_eq!(starts(&host).await, number);
    }
    assert!(host.activate(NAME, "1.2.0", None).await.unwrap().was_active);
    host.rollback(NAME).await.unwrap();
    assert_eq!(starts(&host).await, "1.1.0");
    host.rollback(NAME).await.unwrap();
    assert_eq!(starts(&host).await, "1.0.0");
    let refused = host.rollback(NAME).await;
    assert!(
        matches!(
            refused,
            Err(HostError::Registry(RegistryError::NothingBefore { .. }))
        ),
        "{refused:?}"
    );
    // Every version can be had by its number, whatever is active.
    let action = host.action("several@1.2.0").await.unwrap();
    assert_eq!(action.manifest().version, "1.2.0");
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_for_a_yes() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    put(&host, &version("1.0.0")).await;
    let more = component("2.0.0", Asks::More, Does::Well);
    let installation = host.install_bytes("several", &more).await.unwrap();
    let refused = host.activate(NAME, "2.0.0", None).await;
    let Err(HostError::Registry(RegistryError::NotApproved {
        before: Some(before),
        ..
    })) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(before.version, "1.0.0");
    assert!(
        before
            .difference
            .more
            .iter()
            .any(|line| line.contains("DELETE"))
    );
    assert_eq!(starts(&host).await, "1.0.0");
    host.approve(&installation.action, Claims::NotBelieved)
        .await
        .unwrap();
    // A yes is no upgrade.
    assert_eq!(starts(&host).await, "1.0.0");
    host.activate(NAME, "2.0.0", None).await.unwrap();
    assert_eq!(starts(&host).await, "2.0.0");
}

#[tokio::test]
async fn an_upgrade_that_asks_for_no_more_needs_none() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    put(&host, &version("1.0.0")).await;
    for (number, asks) in [("1.1.0", Asks::Same), ("1.2.0", Asks::Less)] {
        let new = component(number, asks, Does::Well);
        host.install_bytes("several", &new).await.unwrap();
        host.activate(NAME, number, None).await.unwrap();
        assert_eq!(starts(&host).await, number);
    }
    // Compared with what asked for less, the first one would ask for more; it was approved itself.
    host.activate(NAME, "1.0.0", None).await.unwrap();
    assert_eq!(starts(&host).await, "1.0.0");
}

#[tokio::test]
async fn a_version_is_one_component() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    put(&host, &version("1.0.0")).await;
    let again = host
        .install_bytes("several", &version("1.0.0"))
        .await
        .unwrap();
    assert!(again.was_there && again.is_active);
    let other = component("1.0.0", Asks::Less, Does::Well);
    let refused = host.install_bytes("several", &other).await;
    assert!(
        matches!(
            refused,
            Err(HostError::Registry(RegistryError::VersionTaken { .. }))
        ),
        "{refused:?}"
    );
    let unknown = host.activate(NAME, "9.9.9", None).await;
    assert!(
        matches!(&unknown, Err(HostError::Registry(RegistryError::NoSuchVersion { known, .. })) if *known == ["1.0.0"]),
        "{unknown:?}"
    );
    let nobody = host.activate("nobody", "1.0.0", None).await;
    assert!(
        matches!(nobody, Err(HostError::NoSuchAction { .. })),
        "{nobody:?}"
    );
}

#[tokio::test]
async fn an_installed_version_can_replace_what_the_program_carries_and_give_way_again() {
    let folder = tempfile::tempdir().unwrap();
    let carried = version("1.0.0").leak();
    let open = || {
        Host::builder()
            .state_dir(folder.path())
            .code_dir(tipstaff_tests::code_dir())
            .bundle(NAME, carried)
            .open()
    };
    let host = open().await.unwrap();
    let taken = host
        .install_bytes("x", &component("1.0.0", Asks::Less, Does::Well))
        .await;
    assert!(
        matches!(
            taken,
            Err(HostError::Registry(RegistryError::VersionTaken { .. }))
        ),
        "{taken:?}"
    );
    // What it carries is there already.
    let same = host.install_bytes("x", carried).await.unwrap();
    assert!(same.was_there && same.is_active && same.standing.is_approved());
    assert_eq!(host.actions().await.unwrap().len(), 1);
    host.install_bytes("x", &version("1.1.0")).await.unwrap();
    assert_eq!(starts(&host).await, "1.0.0");
    host.activate(NAME, "1.1.0", None).await.unwrap();
    assert_eq!(starts(&host).await, "1.1.0");
    assert_eq!(starts(&open().await.unwrap()).await, "1.1.0");
    let step = host.rollback(NAME).await.unwrap();
    assert_eq!(step.to, Some(Target::Carried));
    assert_eq!(starts(&host).await, "1.0.0");
    host.activate(NAME, "1.1.0", None).await.unwrap();
    host.activate(NAME, "1.0.0", None).await.unwrap();
    assert_eq!(starts(&host).await, "1.0.0");
    host.rollback(NAME).await.unwrap();
    assert_eq!(starts(&host).await, "1.1.0");
}

#[tokio::test]
async fn what_runs_finishes_on_the_version_that_it_began_with() {
    let trial = Trial::of(program::BEHAVES, crate::stream::tenant(40)).await;
    let host = &trial.host;
    let old = put(host, &version("1.0.0")).await;
    let new = put(host, &version("1.1.0")).await;
    let users = crate::stream::ids(&trial);
    let plan = |action, users: &[String]| {
        host.plan(action)
            .connection(trial.connection())
            .assets(Assets::users(users))
            .prepare()
    };
    let action = host.action(NAME).await.unwrap();
    let first = plan(&action, &users[..20]).await.unwrap();
    let mut running = first.approve().start().await.unwrap();
    assert!(running.next().await.is_some());
    let under_way = |listed: &[tipstaff::registry::Listed], digest: &str| {
        let of_digest = listed.iter().find(|listed| listed.digest == *digest);
        of_digest.map(|listed| listed.under_way)
    };
    assert_eq!(under_way(&host.actions().await.unwrap(), &old), Some(1));
    host.activate(NAME, "1.1.0", None).await.unwrap();
    let action = host.action(NAME).await.unwrap();
    let second = plan(&action, &users[20..]).await.unwrap();
    let (first, second) = tokio::join!(
        Ran::watch(running),
        Ran::watch(second.approve().start().await.unwrap())
    );
    for (ran, digest) in [(first, &old), (second, &new)] {
        assert_eq!(ran.summary.counts.total(), 20);
        let record = host.ledger().run(&ran.summary.run.to_string()).unwrap();
        assert_eq!(record.digest, *digest);
        assert_eq!(host.action_of(&record).await.unwrap().digest(), *digest);
        let audit = host
            .state()
            .audit()
            .join(format!("{}.jsonl", ran.summary.run));
        let audit = std::fs::read_to_string(audit).unwrap();
        assert!(audit.lines().count() > 20);
        assert!(audit.lines().all(|line| line.contains(digest.as_str())));
    }
    assert_eq!(under_way(&host.actions().await.unwrap(), &old), Some(0));
}

#[tokio::test]
async fn everything_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    put(&host, &version("1.0.0")).await;
    let more = component("2.0.0", Asks::More, Does::Well);
    host.install_bytes("several", &more).await.unwrap();
    let listed = host.actions().await.unwrap();
    let seen: Vec<_> = listed
        .iter()
        .map(|l| (l.version.as_str(), l.origin, l.is_active, l.is_approved))
        .collect();
    let there = Origin::StateFolder;
    assert_eq!(
        seen,
        [("1.0.0", there, true, true), ("2.0.0", there, false, false)]
    );
    assert_eq!(listed[0].title, "A program for tests");
}

/// What tells [`another_process`] that it is one: a state folder and a version.
const TASK: &str = "TIPSTAFF_TEST_ACTIVATE";

/// Not a test: a process that activates the version that it is told of.
#[tokio::test]
#[ignore = "another test starts it as a process of its own"]
async fn another_process() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let (version, folder) = task.split_once(' ').unwrap();
    let host = host(std::path::Path::new(folder)).await;
    host.activate(NAME, version, None).await.unwrap();
}

#[tokio::test]
async fn what_another_process_activates_starts_here_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    put(&host, &version("1.0.0")).await;
    assert_eq!(starts(&host).await, "1.0.0");
    // This process has not loaded the other version.
    let other = crate::host(folder.path()).await;
    put(&other, &version("1.1.0")).await;
    drop(other);
    let done = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["versions::another_process", "--exact", "--ignored"])
        .env(TASK, format!("1.1.0 {}", folder.path().display()))
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let deadline = Instant::now() + Duration::from_secs(1);
    while starts(&host).await != "1.1.0" {
        assert!(Instant::now() < deadline, "it did not arrive");
        tokio::task::yield_now().await;
    }
}
