//! What upgrades cost a stream of starts: another host on the same state folder takes a hundred steps, forwards and
//! backwards, while this one plans one run after the other.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tipstaff::{Assets, Claims, Connection, Host, Secret, SecretSource};
use tipstaff_tests::versions::{NAME, version};

use crate::table::{median, millis, print};
use crate::{Failed, row, tenant};

const VERSIONS: usize = 8;
const STEPS: usize = 100;
/// Starts without upgrades, to compare with.
const STARTS: usize = 1_000;

/// How long each start took.
#[derive(Default)]
struct Times {
    /// Until it was known which action, and it was there.
    asked: Vec<f64>,
    /// Until the run was planned, down to the last asset.
    planned: Vec<f64>,
}

pub(crate) fn measure() -> Result<(), Failed> {
    let folder = tenant::folder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(folder.path()))
}

async fn run(folder: &Path) -> Result<(), Failed> {
    let open = || Host::builder().state_dir(folder.join("state")).open();
    let (host, other) = (open().await?, open().await?);
    let mut installed = Vec::new();
    for at in 0..VERSIONS {
        let began = Instant::now();
        let new = other
            .install_bytes("several", &version(&number(at)))
            .await?;
        installed.push(millis(began.elapsed()));
        other.approve(&new.action, Claims::NotBelieved).await?;
    }
    let mut alone = Times::default();
    for _ in 0..STARTS {
        start(&host, &mut alone).await?;
    }
    let done = Arc::new(AtomicBool::new(false));
    let upgrader = tokio::spawn(upgrade(other, Arc::clone(&done)));
    let mut under_upgrades = Times::default();
    while !done.load(Ordering::SeqCst) {
        start(&host, &mut under_upgrades).await?;
    }
    let steps = upgrader.await??;
    let count = under_upgrades.asked.len();
    print(
        &format!("{STEPS} upgrades and steps back, made by another host, under {count} starts"),
        &[
            row!["what", "median", "99 of 100", "longest"],
            times("ask for the action, nothing is upgraded", alone.asked),
            times("ask for the action, under upgrades", under_upgrades.asked),
            times("plan one user too, nothing is upgraded", alone.planned),
            times("plan one user too, under upgrades", under_upgrades.planned),
            times("install and compile a version", installed),
            times("activate, or go back", steps),
        ],
    );
    Ok(())
}

fn number(at: usize) -> String {
    format!("1.{at}.0")
}

/// One start, as an embedding program makes it, without the run.
async fn start(host: &Host, times: &mut Times) -> Result<(), Failed> {
    let connection = Connection::entra("corp")
        .tenant_id("11111111-2222-3333-4444-555555555555")
        .client_id("66666666-7777-8888-9999-000000000000")
        .client_secret(SecretSource::Given(Secret::new("unused".to_owned())))
        .addresses([
            ("login", "https://login.example"),
            ("graph", "https://graph.example"),
        ]);
    let began = Instant::now();
    let action = host.action(NAME).await?;
    times.asked.push(millis(began.elapsed()));
    host.plan(&action)
        .connection(Arc::new(connection))
        .assets(Assets::users([tenant::user(1)]))
        .prepare()
        .await?;
    times.planned.push(millis(began.elapsed()));
    Ok(())
}

/// Takes the steps, with some starts between them. Gives how long each took.
async fn upgrade(host: Host, done: Arc<AtomicBool>) -> Result<Vec<f64>, tipstaff::HostError> {
    let mut steps = Vec::new();
    for step in 1..=STEPS {
        let began = Instant::now();
        if step % 3 == 0 {
            host.rollback(NAME).await?;
        } else {
            host.activate(NAME, &number(step * 5 % VERSIONS), None)
                .await?;
        }
        steps.push(millis(began.elapsed()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    done.store(true, Ordering::SeqCst);
    Ok(steps)
}

fn times(what: &str, mut times: Vec<f64>) -> Vec<String> {
    times.sort_by(f64::total_cmp);
    let longest = times.last().copied().unwrap_or_default();
    let most = times
        .get(times.len() * 99 / 100)
        .copied()
        .unwrap_or_default();
    let ms = |value: f64| format!("{value:.3} ms");
    row![what, ms(median(times)), ms(most), ms(longest)]
}
