//! A hundred upgrades and steps back, made by another process, under a stream of runs: no outcome is lost or doubled,
//! every run is that of one version, and no start waits for an upgrade.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use entra_emulator::Tenant;
use tipstaff::{Assets, Claims, Ending, Host, Verdict};
use tipstaff_tests::{Ran, Trial, program};
use tokio::sync::watch;

use crate::{NAME, host, version};

/// Versions that take turns.
const VERSIONS: usize = 8;
/// Upgrades and steps back.
const STEPS: usize = 100;
/// Runs at a time.
const STREAMS: usize = 3;

pub(crate) fn tenant(users: usize) -> Tenant {
    Tenant::builder().seed_users(users).build()
}

pub(crate) fn ids(trial: &Trial) -> Vec<String> {
    let users = trial.emulator.state().users;
    users.iter().map(|user| user.id.to_string()).collect()
}

fn number(at: usize) -> String {
    format!("1.{at}.0")
}

/// Takes a step each time that so many runs have begun; every third is a step back. Gives what was active at the end.
async fn upgrade(host: Host, mut begun: watch::Receiver<usize>, every: usize) -> String {
    for step in 1..=STEPS {
        // The stream may have ended with its last runs.
        let _ = begun.wait_for(|begun| *begun >= step * every).await;
        if step % 3 == 0 {
            host.rollback(NAME).await.unwrap();
        } else {
            let next = number(step * 5 % VERSIONS);
            host.activate(NAME, &next, None).await.unwrap();
        }
    }
    let listed = host.actions().await.unwrap();
    let active = listed.iter().find(|listed| listed.is_active).unwrap();
    active.digest.clone()
}

/// What the stream saw.
#[derive(Default)]
struct Seen {
    outcomes: HashSet<String>,
    digests: HashMap<String, usize>,
    longest: Duration,
}

impl Seen {
    fn add(&mut self, ran: &Ran, digest: &str, took: Duration) {
        for outcome in &ran.outcomes {
            assert_eq!(
                (outcome.verdict, outcome.code.as_str()),
                (Verdict::Succeeded, "done"),
                "{outcome:?}"
            );
            assert!(
                self.outcomes.insert(outcome.asset.clone()),
                "`{}` has two outcomes",
                outcome.asset
            );
        }
        *self.digests.entry(digest.to_owned()).or_default() += 1;
        self.longest = self.longest.max(took);
    }
}

/// Runs one group of users after the other, each with what is active.
async fn stream(
    trial: Arc<Trial>,
    groups: Arc<Vec<Vec<String>>>,
    next: Arc<AtomicUsize>,
    begun: watch::Sender<usize>,
) -> Seen {
    let mut seen = Seen::default();
    loop {
        let turn = next.fetch_add(1, Ordering::SeqCst);
        let Some(users) = groups.get(turn) else {
            return seen;
        };
        let began = Instant::now();
        let action = trial.host.action(NAME).await.unwrap();
        let took = began.elapsed();
        let plan = trial
            .host
            .plan(&action)
            .connection(trial.connection())
            .assets(Assets::users(users))
            .prepare()
            .await
            .unwrap();
        let running = plan.approve().start().await.unwrap();
        begun.send_modify(|begun| *begun += 1);
        let ran = Ran::watch(running).await;
        assert_eq!(ran.summary.ending, Ending::Complete);
        let record = trial
            .host
            .ledger()
            .run(&ran.summary.run.to_string())
            .unwrap();
        assert_eq!(record.digest, action.digest());
        seen.add(&ran, action.digest(), took);
    }
}

async fn upgrades_under_a_stream(users: usize, group: usize) {
    let trial = Arc::new(Trial::of(program::BEHAVES, tenant(users)).await);
    let other = host(trial.host.state().root()).await;
    for at in 0..VERSIONS {
        let new = other
            .install_bytes("several", &version(&number(at)))
            .await
            .unwrap();
        other
            .approve(&new.action, Claims::NotBelieved)
            .await
            .unwrap();
    }
    let groups: Vec<Vec<String>> = ids(&trial).chunks(group).map(<[String]>::to_vec).collect();
    let every = groups.len() / (STEPS + 1);
    assert!(every > 0, "too few runs for so many steps");
    let (groups, next) = (Arc::new(groups), Arc::new(AtomicUsize::new(0)));
    let (begun, listener) = watch::channel(0);
    let upgrader = tokio::spawn(upgrade(other, listener, every));
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| {
            tokio::spawn(stream(
                Arc::clone(&trial),
                Arc::clone(&groups),
                Arc::clone(&next),
                begun.clone(),
            ))
        })
        .collect();
    drop(begun);
    let mut all = Seen::default();
    for stream in streams {
        let seen = stream.await.unwrap();
        let before = all.outcomes.len() + seen.outcomes.len();
        all.outcomes.extend(seen.outcomes);
        assert_eq!(all.outcomes.len(), before, "an asset has two outcomes");
        for (digest, runs) in seen.digests {
            *all.digests.entry(digest).or_default() += runs;
        }
        all.longest = all.longest.max(seen.longest);
    }
    let active = upgrader.await.unwrap();
    assert_eq!(all.outcomes.len(), users, "outcomes were lost");
    let touched = trial.emulator.state().users;
    assert!(touched.iter().all(|user| user.revocations == 1));
    assert!(all.digests.len() > 1, "{:?}", all.digests);
    // Within a second of the last step this process starts what that made active; meanwhile it starts what was before.
    let deadline = Instant::now() + Duration::from_secs(1);
    while trial.host.action(NAME).await.unwrap().digest() != active {
        assert!(Instant::now() < deadline, "the last step did not arrive");
        tokio::task::yield_now().await;
    }
    println!(
        "{STEPS} steps, {} runs, {users} assets, {} versions; the longest wait for an action was {:?}",
        groups.len(),
        all.digests.len(),
        all.longest
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_upgrades_lose_and_double_nothing() {
    upgrades_under_a_stream(1_010, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: `make test-long`"]
async fn a_hundred_upgrades_under_a_hundred_thousand_assets_lose_and_double_nothing() {
    upgrades_under_a_stream(100_000, 50).await;
}
