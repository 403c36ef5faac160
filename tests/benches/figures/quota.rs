//! How much of a quota is used, and how much is wasted: 300 writes in 15 seconds, a tenth of Microsoft's at the same rate.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use revoke_user_sessions_component::NAME;
use serde::Deserialize;
use tipstaff::{Assets, Connection, Quota};

use crate::table::print;
use crate::tenant::{Tenant, folder, user};
use crate::{Failed, host, row};

const WRITES: u32 = 300;
const SECONDS: u64 = 15;

/// How a host knows of the quota, in how many processes it works, and users of all together.
const TRIALS: [(&str, bool, usize, usize); 3] = [
    ("published", true, 1, 3_000),
    ("published", true, 8, 1_200),
    ("learnt from answers", false, 1, 3_000),
];

pub(crate) fn measure() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut rows = vec![row![
        "the quota is",
        "hosts",
        "users",
        "time",
        "best possible",
        "ratio",
        "refused",
    ]];
    for (known, is_published, hosts, users) in TRIALS {
        let trial = runtime.block_on(try_out(is_published, hosts, users))?;
        // What there is at once, and then so many a second.
        let rate = f64::from(WRITES) / SECONDS as f64;
        let best = (users as f64 - f64::from(WRITES)) / rate;
        rows.push(row![
            known,
            hosts,
            users,
            format!("{:.1} s", trial.seconds),
            format!("{best:.1} s"),
            format!("{:.3}", trial.seconds / best),
            format!(
                "{} of {} ({:.2} %)",
                trial.refused,
                trial.sent,
                100.0 * trial.refused as f64 / trial.sent as f64
            ),
        ]);
    }
    print(
        &format!(
            "{WRITES} writes in {SECONDS} s (goal: ratio 1.05, refused below 0.5 %; a fiftieth of the quota is in reserve)"
        ),
        &rows,
    );
    Ok(())
}

struct Trial {
    seconds: f64,
    /// Requests, each part of a batch for itself.
    sent: usize,
    refused: usize,
}

async fn try_out(is_published: bool, hosts: usize, users: usize) -> Result<Trial, Failed> {
    let quota = format!("{WRITES}/{SECONDS}");
    let tenant = Tenant::start_with(users, &["--quota", &quota])?;
    let state = folder()?;
    let mut all = Vec::new();
    for _ in 0..hosts {
        // Each opens the state folder for itself, as a process would.
        let host = host::open(state.path()).await?;
        let action = host.load(NAME).await?;
        all.push((host, action));
    }
    let connection = || Arc::new(connection(&tenant, is_published));
    let ids: Vec<String> = (1..=users).map(user).collect();
    let began = Instant::now();
    let runs = all
        .iter()
        .zip(ids.chunks(users / hosts))
        .map(|((host, action), ids)| {
            let draft = host.plan(action).connection(connection());
            let draft = draft.assets(Assets::users(ids.to_vec()));
            async move {
                let running = draft.prepare().await?.approve().start().await?;
                host::all_good(running, ids.len()).await
            }
        });
    futures::future::try_join_all(runs).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (sent, refused) = count(&state.path().join("audit"))?;
    Ok(Trial {
        seconds,
        sent,
        refused,
    })
}

fn connection(tenant: &Tenant, is_published: bool) -> Connection {
    let connection = host::connection(tenant.place());
    if !is_published {
        // An address of one's own publishes nothing.
        return connection;
    }
    let lanes = BTreeMap::from([
        ("writes".to_owned(), (WRITES, Duration::from_secs(SECONDS))),
        (
            "resource-units".to_owned(),
            (8_000, Duration::from_secs(10)),
        ),
    ]);
    connection.quota(Quota::Set(lanes))
}

/// A line of an audit, or a part in one.
#[derive(Deserialize)]
struct Call {
    status: Option<u16>,
    #[serde(default)]
    parts: Vec<Call>,
}

/// Requests that were answered, and those that were answered with 429, by the audits.
fn count(audits: &Path) -> Result<(usize, usize), Failed> {
    let (mut sent, mut refused) = (0, 0);
    for audit in std::fs::read_dir(audits)? {
        for line in std::fs::read_to_string(audit?.path())?.lines() {
            let call: Call = serde_json::from_str(line)?;
            let calls = if call.parts.is_empty() {
                vec![call]
            } else {
                call.parts
            };
            for status in calls.iter().filter_map(|call| call.status) {
                sent += 1;
                refused += usize::from(status == 429);
            }
        }
    }
    Ok((sent, refused))
}
