//! One quota for all who draw on it: runs in several processes, and the urgent before the bulk.

use std::process::Stdio;
use std::time::{Duration, Instant};

use entra_emulator::{Tenant, Throttling};
use serde_json::{Value, json};
use tipstaff::{Assets, Connection, Ending, Limits, Quota, Urgency, Verdict};
use tipstaff_tests::{Ran, Trial};
use tokio::process::{Child, Command};

use crate::{ids, members};

/// What tells [`child`] that it is one.
const TASK: &str = "TIPSTAFF_TEST_QUOTA_TASK";

/// 100 writes in five seconds, twenty a second, two of them in reserve.
const WRITES: u32 = 100;
const SECONDS: u64 = 5;

/// Not a test: another process that runs on the same state folder until it is killed or done.
#[tokio::test]
#[ignore = "another test starts it as a process of its own"]
async fn child() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let task: Value = serde_json::from_str(&task).unwrap();
    let state = std::path::Path::new(task["state"].as_str().unwrap());
    let users = std::fs::read_to_string(task["users"].as_str().unwrap()).unwrap();
    let host = tipstaff_tests::host(state, Limits::default(), None).await;
    let component = revoke_user_sessions_component::COMPONENT;
    let action = host.load_bytes("revoke", component).await.unwrap();
    let draft = host.plan(&action).assets(Assets::users(users.lines()));
    let draft = draft.connection(limited(tipstaff_tests::connection(&task["way"])));
    let plan = draft.prepare().await.unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.summary.ending, Ending::Complete);
}

/// The connection with the emulator's quota.
fn limited(connection: Connection) -> Connection {
    let lanes = [
        ("writes".to_owned(), (WRITES, Duration::from_secs(SECONDS))),
        (
            "resource-units".to_owned(),
            (8_000, Duration::from_secs(10)),
        ),
    ];
    connection.quota(Quota::Set(lanes.into()))
}

fn start(trial: &Trial, users: &[String]) -> Child {
    // Too long for an argument.
    let list = trial.folder().join(format!("{}.txt", users[0]));
    std::fs::write(&list, users.join("\n")).unwrap();
    let task = json!({ "state": trial.host.state().root(), "way": trial.way(), "users": list });
    Command::new(std::env::current_exe().unwrap())
        .args(["quota::child", "--exact", "--ignored", "--nocapture"])
        .env(TASK, task.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn trial(users: usize) -> (Trial, Vec<String>) {
    let tenant: Tenant = members(users);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    trial.emulator.change(|settings| {
        settings.throttle = Throttling::Quota {
            writes: WRITES,
            seconds: SECONDS as f64,
        };
    });
    (trial, users)
}

/// Waits until so many were revoked.
async fn revoked(trial: &Trial, count: u64) {
    let reached = async {
        while trial.emulator.state().revocations < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached)
        .await
        .expect("the other process does its work");
}

fn refused(trial: &Trial) -> usize {
    let entries = trial.emulator.journal();
    let parts = entries.iter().flat_map(|entry| &entry.parts);
    parts.filter(|part| part.status == 429).count()
        + entries.iter().filter(|entry| entry.status == 429).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_ask_for_more_than_one_quota() {
    let (trial, users) = trial(240).await;
    let (one, other) = users.split_at(120);
    let began = Instant::now();
    let (mut first, mut second) = (start(&trial, one), start(&trial, other));
    let (first, second) = tokio::join!(first.wait(), second.wait());
    let took = began.elapsed();
    assert!(first.unwrap().success() && second.unwrap().success());
    assert_eq!(trial.emulator.state().revocations, 240);
    assert_eq!(refused(&trial), 0);
    // 98 leave at once, the others at twenty a second.
    assert!(took > Duration::from_secs(7), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_is_cut_off_at_once_while_another_process_uses_the_quota_up() {
    let (trial, users) = trial(10_000).await;
    let (one, bulk) = users.split_first().unwrap();
    let mut child = start(&trial, bulk);
    // The burst is over, and the bulk waits for each unit.
    revoked(&trial, u64::from(WRITES) + 20).await;
    let draft = trial.draft(Assets::users([one])).urgency(Urgency::Urgent);
    let plan = draft
        .connection(limited(trial.connection()))
        .prepare()
        .await
        .unwrap();
    let began = Instant::now();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    let took = began.elapsed();
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), 1, "{ran:#?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(
        child.try_wait().unwrap().is_none(),
        "the bulk is still under way"
    );
    assert_eq!(refused(&trial), 0);
    child.kill().await.unwrap();
    // What the bulk used is remembered when its process is gone: the next run gets no fresh quota.
    let before = trial.emulator.state().revocations;
    let plan = trial
        .draft(Assets::users(&bulk[9_000..9_060]))
        .connection(limited(trial.connection()))
        .prepare()
        .await
        .unwrap();
    let began = Instant::now();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), 60, "{ran:#?}");
    assert_eq!(trial.emulator.state().revocations - before, 60);
    assert!(
        began.elapsed() > Duration::from_millis(1_500),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(refused(&trial), 0);
}
