//! 20,000 users in batches: the component in the host beside its native twin, in one process, in turns.
//!
//! The host does more than the twin: it judges every part of every batch, notes what is about to change, and writes an
//! audit and a ledger. All of that is in its time.

use std::sync::Arc;
use std::time::Instant;

use revoke_user_sessions::service::{Ending, Verdict};
use revoke_user_sessions_component::NAME;
use tipstaff::{Action, Assets, Host};
use tipstaff_tests::twin::Twin;

use crate::table::{median, print};
use crate::tenant::{Tenant, folder, user};
use crate::{Failed, host, row};

const USERS: usize = 20_000;

/// Latency of the service in milliseconds, requests in flight, rounds.
const SETTINGS: [(u64, u64, usize); 5] =
    [(0, 4, 5), (0, 16, 7), (0, 64, 5), (20, 16, 5), (20, 64, 5)];

pub(crate) fn measure() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut rows = vec![row![
        "latency",
        "in flight",
        "host, from the plan",
        "host, from the start",
        "twin",
        "ratio from the plan",
        "ratio from the start",
        "processor time, host / twin",
    ]];
    for (latency, in_flight, rounds) in SETTINGS {
        let tenant = Tenant::start(USERS, latency)?;
        let rounds = runtime.block_on(compare(&tenant, in_flight, rounds))?;
        rows.push(summary(latency, in_flight, &rounds));
    }
    print(
        "20,000 users in batches of 20 (medians; goal from the start: 1.3 without latency, 1.05 with 20 ms)",
        &rows,
    );
    Ok(())
}

/// Seconds of one round.
struct Round {
    planned: f64,
    started: f64,
    twin: f64,
    host_processor: f64,
    twin_processor: f64,
}

fn summary(latency: u64, in_flight: u64, rounds: &[Round]) -> Vec<String> {
    let of = |what: fn(&Round) -> f64| median(rounds.iter().map(what).collect());
    let seconds = |value: f64| format!("{value:.3} s");
    row![
        format!("{latency} ms"),
        in_flight,
        seconds(of(|r| r.planned)),
        seconds(of(|r| r.started)),
        seconds(of(|r| r.twin)),
        format!("{:.2}", of(|r| r.planned / r.twin)),
        format!("{:.2}", of(|r| r.started / r.twin)),
        format!(
            "{} / {}",
            seconds(of(|r| r.host_processor)),
            seconds(of(|r| r.twin_processor))
        ),
    ]
}

async fn compare(tenant: &Tenant, in_flight: u64, rounds: usize) -> Result<Vec<Round>, Failed> {
    let state = folder()?;
    let host = host::open(state.path()).await?;
    let action = host.load(NAME).await?;
    let twin = Twin::new(tenant.place().clone())?;
    let mut measured = Vec::new();
    // The first round warms up both and the tenant.
    for round in 0..=rounds {
        let before = processor_seconds();
        let (planned, started) = in_host(tenant, &host, &action, in_flight).await?;
        let between = processor_seconds();
        let time = in_twin(&twin, in_flight).await?;
        if round > 0 {
            measured.push(Round {
                planned,
                started,
                twin: time,
                host_processor: between - before,
                twin_processor: processor_seconds() - between,
            });
        }
    }
    Ok(measured)
}

async fn in_host(
    tenant: &Tenant,
    host: &Host,
    action: &Action,
    in_flight: u64,
) -> Result<(f64, f64), Failed> {
    let users: Vec<String> = (1..=USERS).map(user).collect();
    let planned = Instant::now();
    let plan = host
        .plan(action)
        .connection(Arc::new(host::connection(tenant.place())))
        .assets(Assets::users(users))
        .setting("batches_in_flight", in_flight)
        .prepare()
        .await?;
    let started = Instant::now();
    let running = plan.approve().start().await?;
    host::all_good(running, USERS).await?;
    Ok((
        planned.elapsed().as_secs_f64(),
        started.elapsed().as_secs_f64(),
    ))
}

async fn in_twin(twin: &Twin, in_flight: u64) -> Result<f64, Failed> {
    let users: Vec<String> = (1..=USERS).map(user).collect();
    let settings = format!(r#"{{"batches_in_flight":{in_flight}}}"#);
    let began = Instant::now();
    let (ending, outcomes) = twin.run(&settings, users.into_iter()).await;
    let time = began.elapsed().as_secs_f64();
    let good = outcomes
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Succeeded)
        .count();
    if good == USERS && ending == Ending::Complete {
        Ok(time)
    } else {
        Err(format!("the twin: {good} of {USERS} users, {ending:?}").into())
    }
}

/// The processor time of this process, user and system (proc_pid_stat(5), fields 14 and 15, in hundredths of a second
/// on Linux). 0 where the system does not say.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name in parentheses that may hold anything.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
