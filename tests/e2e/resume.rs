//! A host that is killed in the middle: the run goes on where it stopped, and nobody has two outcomes.

use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tipstaff::{Assets, Ending, Limits, PlanError, RunEvent, Verdict};
use tipstaff_tests::{Ran, Trial};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{ids, members};

const USERS: usize = 300;
/// What tells [`child`] that it is one.
const TASK: &str = "TIPSTAFF_TEST_TASK";

/// Not a test: the process that is killed. Does the run that it is told of, and tells of every outcome in a line.
#[tokio::test]
#[ignore = "another test starts it as a process of its own"]
async fn child() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let task: Value = serde_json::from_str(&task).unwrap();
    let users = task["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user.as_str().unwrap());
    let host = tipstaff_tests::host(
        Path::new(task["state"].as_str().unwrap()),
        Limits::default(),
        None,
    )
    .await;
    let action = host
        .load_bytes("revoke", revoke_user_sessions_component::COMPONENT)
        .await
        .unwrap();
    let plan = host
        .plan(&action)
        .connection(tipstaff_tests::connection(&task["way"]))
        .assets(Assets::users(users))
        .setting("batch_size", 5)
        .setting("batches_in_flight", 4)
        .prepare()
        .await
        .unwrap();
    eprintln!("run {}", plan.run_id());
    let running = plan.approve().start().await.unwrap();
    Ran::watch_and(running, |event| {
        if let RunEvent::Outcome(outcome) = event {
            eprintln!("outcome {}", outcome.asset);
        }
    })
    .await;
}

/// Starts the child, and gives it with its run when it has told of so many outcomes.
async fn child_after(
    outcomes: usize,
    trial: &Trial,
    users: &[String],
) -> (Child, String, Vec<String>) {
    let task = json!({ "state": trial.host.state().root(), "way": trial.way(), "users": users });
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["resume::child", "--exact", "--ignored", "--nocapture"])
        .env(TASK, task.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut run, mut told) = (String::new(), Vec::new());
    while told.len() < outcomes {
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("the child ended too early");
        if let Some(id) = line.strip_prefix("run ") {
            run = id.to_owned();
        } else if let Some(asset) = line.strip_prefix("outcome ") {
            told.push(asset.to_owned());
        }
    }
    (child, run, told)
}

#[tokio::test]
async fn a_run_whose_host_was_killed_goes_on_where_it_stopped() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    trial.emulator.set_latency(Duration::from_millis(50));
    let (mut child, run, told) = child_after(25, &trial, &users).await;
    let id = run.parse().unwrap();

    // As long as it lives nobody else can take its run.
    assert!(trial.host.is_under_way(id));
    let early = trial
        .host
        .resume(&run, trial.connection())
        .await
        .unwrap_err();
    assert!(
        early
            .to_string()
            .contains("another process is working on this run"),
        "{early}"
    );
    child.kill().await.unwrap();
    assert!(!trial.host.is_under_way(id));
    trial.emulator.set_latency(Duration::ZERO);

    // Another connection is not what was planned.
    let other = trial
        .connection()
        .client_id("99999999-7777-8888-9999-000000000000");
    let refused = trial.host.resume(&run, other).await.unwrap_err();
    assert!(
        matches!(refused, PlanError::NotResumable { .. }),
        "{refused}"
    );

    let resumption = trial.host.resume(&run, trial.connection()).await.unwrap();
    let settled = usize::try_from(resumption.settled()).unwrap();
    assert!(
        (told.len()..USERS).contains(&settled),
        "{settled} were settled"
    );
    assert!(!resumption.is_simulation());
    let rest = Ran::watch(resumption.start().await.unwrap()).await;
    assert_eq!(rest.summary.ending, Ending::Complete);
    assert_eq!(rest.outcomes.len(), USERS - settled);
    assert_eq!(
        rest.summary.counts.get(Verdict::Succeeded),
        USERS as u64,
        "{:?}",
        rest.summary
    );

    // What was told before it was killed is on disk, and everybody is there once.
    let all: Vec<_> = trial
        .host
        .ledger()
        .outcomes(id)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(all.len(), USERS);
    let assets: HashSet<&str> = all.iter().map(|outcome| outcome.asset.as_str()).collect();
    assert_eq!(assets.len(), USERS);
    let first: HashSet<&str> = all[..settled]
        .iter()
        .map(|outcome| outcome.asset.as_str())
        .collect();
    assert!(told.iter().all(|asset| first.contains(asset.as_str())));
    assert!(
        all.iter().all(|outcome| outcome.code == "revoked"),
        "{:?}",
        rest.summary
    );
    for user in trial.emulator.state().users {
        // Once, or twice if nobody saw the answer before the end.
        assert!((1..=2).contains(&user.revocations), "{user:?}");
    }

    let over = trial
        .host
        .resume(&run, trial.connection())
        .await
        .unwrap_err();
    assert!(matches!(over, PlanError::NotResumable { .. }), "{over}");
    assert!(over.hint().unwrap().contains("--only failed,not-attempted"));
}
