//! A yes is to a component, for what it asks for.

use tipstaff::registry::{ApprovalsFile, FileEntry, Yes};
use tipstaff::{Action, Claims, Host, HostError, RegistryError, Standing};
use tipstaff_tests::program;

use crate::{Asks, Does, NAME, component, host, version};

async fn load(host: &Host, component: &[u8]) -> Action {
    host.load_bytes("several", component).await.unwrap()
}

/// How a component stands that nobody said yes to: what it asks for more, and what less.
async fn compared(host: &Host, component: &[u8]) -> (usize, usize) {
    match host.standing(&load(host, component).await).await.unwrap() {
        Standing::NotApproved(Some(before)) => {
            (before.difference.more.len(), before.difference.less.len())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_yes_is_for_one_component_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let first = host(folder.path()).await;
    let action = load(&first, &version("1.0.0")).await;
    assert_eq!(
        first.standing(&action).await.unwrap(),
        Standing::NotApproved(None)
    );
    let approval = first.approve(&action, Claims::NotBelieved).await.unwrap();
    assert_eq!(
        (approval.name.as_str(), approval.version.as_str()),
        (NAME, "1.0.0")
    );
    assert_eq!(approval.digest, action.digest());
    assert_eq!(*approval.asks, first.asks(&action));
    // Saying it again changes nothing.
    let again = first.approve(&action, Claims::NotBelieved).await.unwrap();
    assert_eq!(again, approval);

    let second = host(folder.path()).await;
    let action = load(&second, &version("1.0.0")).await;
    let Standing::Approved { at, how } = second.standing(&action).await.unwrap() else {
        panic!("another process does not know of it");
    };
    assert_eq!((at, how), (approval.at, Yes::Said));
}

#[tokio::test]
async fn a_component_that_changed_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    let action = load(&host, &version("1.0.0")).await;
    host.approve(&action, Claims::NotBelieved).await.unwrap();
    // One call more: a line for what it sends, and one each for being repeatable and carrying the token.
    let more = component("1.1.0", Asks::More, Does::Well);
    assert_eq!(compared(&host, &more).await, (3, 0));
    let less = component("1.1.0", Asks::Less, Does::Well);
    assert_eq!(compared(&host, &less).await, (0, 1));
    // The same version and the same asks, and other code.
    let same = component("1.0.0", Asks::Same, Does::Trap);
    assert_eq!(compared(&host, &same).await, (0, 0));
}

#[tokio::test]
async fn what_only_the_action_says_needs_a_yes_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    let action = load(&host, &component("1.0.0", Asks::Claim, Does::Well)).await;
    let refused = host.approve(&action, Claims::NotBelieved).await;
    let Err(RegistryError::Claims { calls, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        calls,
        ["POST {graph}/v1.0/users/*/getMemberGroups, which it says only reads"]
    );
    assert!(!host.standing(&action).await.unwrap().is_approved());
    host.approve(&action, Claims::Believed).await.unwrap();
    assert!(host.standing(&action).await.unwrap().is_approved());
}

#[tokio::test]
async fn an_upgrade_that_adds_such_a_call_asks_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    let action = load(&host, &version("1.0.0")).await;
    host.approve(&action, Claims::NotBelieved).await.unwrap();
    let claim = component("1.1.0", Asks::Claim, Does::Well);
    assert!(compared(&host, &claim).await.0 > 0);
}

#[tokio::test]
async fn what_the_program_carries_is_approved_by_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::builder()
        .state_dir(folder.path())
        .code_dir(tipstaff_tests::code_dir())
        .bundle("program", program::BEHAVES)
        .open()
        .await
        .unwrap();
    let action = host.action("program").await.unwrap();
    assert_eq!(host.standing(&action).await.unwrap(), Standing::Carried);
    // Another component of the same name is compared with it.
    let other = host.load_bytes("x", program::ANSWERS_TWICE).await.unwrap();
    let Standing::NotApproved(Some(before)) = host.standing(&other).await.unwrap() else {
        panic!("it was not compared");
    };
    assert_eq!(before.digest, action.digest());
    assert!(!before.difference.is_more());
}

#[tokio::test]
async fn a_file_approves_for_a_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.toml");
    let first = host(&folder.path().join("one")).await;
    let action = load(&first, &version("1.0.0")).await;
    let entry = FileEntry {
        action: NAME.to_owned(),
        version: "1.0.0".to_owned(),
        digest: action.digest().to_owned(),
        asks: first.asks(&action),
    };
    assert!(ApprovalsFile::add(&path, &entry).unwrap());

    let second = Host::builder()
        .state_dir(folder.path().join("two"))
        .code_dir(tipstaff_tests::code_dir())
        .approvals(ApprovalsFile::read(&path).unwrap())
        .open()
        .await
        .unwrap();
    let action = load(&second, &version("1.0.0")).await;
    assert_eq!(
        second.standing(&action).await.unwrap(),
        Standing::InFile(path)
    );
    assert_eq!(compared(&second, &version("1.0.1")).await, (0, 0));
    // What is activated on the file's word starts from then on, also where the file is not at hand.
    second
        .install_bytes("several", &version("1.0.0"))
        .await
        .unwrap();
    second.activate(NAME, "1.0.0", None).await.unwrap();
    let third = host(&folder.path().join("two")).await;
    assert_eq!(third.action(NAME).await.unwrap().digest(), entry.digest);
}

#[tokio::test]
async fn an_entry_that_approves_less_than_the_component_asks_for_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.toml");
    let first = host(&folder.path().join("one")).await;
    let action = load(&first, &version("1.0.0")).await;
    let asks = first.asks(&action);
    let narrower = asks.lines().skip(1).map(str::to_owned);
    let entry = FileEntry {
        action: NAME.to_owned(),
        version: "1.0.0".to_owned(),
        digest: action.digest().to_owned(),
        asks: tipstaff::Asks::of_lines(narrower),
    };
    ApprovalsFile::add(&path, &entry).unwrap();
    let second = Host::builder()
        .state_dir(folder.path().join("two"))
        .code_dir(tipstaff_tests::code_dir())
        .approvals(ApprovalsFile::read(&path).unwrap())
        .open()
        .await
        .unwrap();
    let action = load(&second, &version("1.0.0")).await;
    let refused = second.standing(&action).await;
    assert!(
        matches!(refused, Err(RegistryError::Fickle { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn nothing_starts_by_name_that_is_not_approved() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    let installation = host
        .install_bytes("several", &version("1.0.0"))
        .await
        .unwrap();
    assert!(!installation.is_active && !installation.standing.is_approved());
    let by_name = host.action(NAME).await;
    assert!(
        matches!(&by_name, Err(HostError::Registry(RegistryError::NoneActive { known, .. })) if *known == ["1.0.0"]),
        "{by_name:?}"
    );
    let by_version = host.action("several@1.0.0").await;
    assert!(
        matches!(
            by_version,
            Err(HostError::Registry(RegistryError::NotApproved { .. }))
        ),
        "{by_version:?}"
    );
    // The first version that is approved starts by its name at once.
    host.approve(&installation.action, Claims::NotBelieved)
        .await
        .unwrap();
    let action = host.action(NAME).await.unwrap();
    assert_eq!(action.digest(), installation.action.digest());
}
