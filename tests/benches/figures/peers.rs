//! What others revoke in a second beside what this does, at 30 ms latency and without a quota, at one tenant in one run.
//!
//! The peers are clients that `make conformance-clients` installs, unchanged, each with the settings that suit it best.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use revoke_user_sessions_component::NAME;
use serde::Deserialize;
use serde_json::json;
use tipstaff::Assets;

use crate::table::{median, print};
use crate::tenant::{Tenant, folder, user};
use crate::{Failed, host, row};

/// Users of the tenant, all of whom the host revokes in a round.
const USERS: usize = 20_000;
const LATENCY_MS: u64 = 30;
const ROUNDS: usize = 3;
/// Requests that the host has under way at once: batches of twenty.
const IN_FLIGHT: u64 = 64;

/// A peer: its name, what the script calls it, users in a round, requests at once. Each round takes it some seconds.
const PEERS: [(&str, &str, usize, usize); 4] = [
    ("MSAL and requests, a plain loop", "loop", 200, 1),
    ("the same, 16 threads", "loop", 2_000, 16),
    ("msgraph-sdk, one at a time", "sdk", 200, 1),
    ("msgraph-sdk, 64 at a time", "sdk", 2_000, 64),
];

/// What a peer tells of itself.
#[derive(Deserialize)]
struct Told {
    revoked: usize,
    seconds: f64,
}

pub(crate) fn measure() -> Result<(), Failed> {
    let python = python()?;
    let tenant = Tenant::start(USERS, LATENCY_MS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); PEERS.len() + 1];
    let state = folder()?;
    // The first round of the host compiles the action, and warms up the tenant.
    runtime.block_on(ours(&tenant, state.path()))?;
    for _ in 0..ROUNDS {
        rates[0].push(runtime.block_on(ours(&tenant, state.path()))?);
        for (at, (_, script, users, at_once)) in PEERS.into_iter().enumerate() {
            rates[at + 1].push(peer(&python, &tenant, script, users, at_once)?);
        }
    }
    let rates: Vec<f64> = rates.into_iter().map(median).collect();
    let best = rates[1..].iter().copied().fold(0.0, f64::max);
    let mut rows = vec![row!["who", "users a second", "ours over it"]];
    let names = ["tipstaff, 64 batches at a time"]
        .into_iter()
        .chain(PEERS.map(|(name, ..)| name));
    for (name, rate) in names.zip(&rates) {
        rows.push(row![
            name,
            format!("{rate:.0}"),
            format!("{:.1}", rates[0] / rate)
        ]);
    }
    print(
        &format!(
            "Revocations a second, {LATENCY_MS} ms latency (medians of {ROUNDS}; goal: 40 times the best of the others; now {:.1})",
            rates[0] / best
        ),
        &rows,
    );
    Ok(())
}

/// From the plan to the end, with look-ups, audit and ledger.
async fn ours(tenant: &Tenant, state: &Path) -> Result<f64, Failed> {
    let host = host::open(state).await?;
    let action = host.load(NAME).await?;
    let users: Vec<String> = (1..=USERS).map(user).collect();
    let began = Instant::now();
    let plan = host
        .plan(&action)
        .connection(Arc::new(host::connection(tenant.place())))
        .assets(Assets::users(users))
        .setting("batches_in_flight", IN_FLIGHT)
        .prepare()
        .await?;
    host::all_good(plan.approve().start().await?, USERS).await?;
    Ok(USERS as f64 / began.elapsed().as_secs_f64())
}

fn peer(
    python: &Path,
    tenant: &Tenant,
    script: &str,
    users: usize,
    at_once: usize,
) -> Result<f64, Failed> {
    let place = tenant.place();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let port = place.login_url.rsplit(':').next().unwrap_or_default();
    let told = json!({
        "tenant_id": place.tenant_id,
        "client_id": place.client_id,
        "client_secret": place.client_secret,
    });
    let output = Command::new(python)
        .env_clear()
        // Maps Microsoft's names to the tenant, in that process only.
        .env("PYTHONPATH", tests.join("conformance/clients/loopback"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env(
            "EMULATED_HOSTS",
            "login.microsoftonline.com,graph.microsoft.com",
        )
        .env("EMULATED_PORT", port)
        .env("TENANT", told.to_string())
        .env("SSL_CERT_FILE", &place.ca_file)
        .env("REQUESTS_CA_BUNDLE", &place.ca_file)
        .arg(tests.join("benches/peers/peers.py"))
        .args([script, "1", &users.to_string(), &at_once.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let told: Told = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("`peers.py {script}` ended with {}: {error}", output.status))?;
    if told.revoked != users {
        return Err(format!("{} of {users} users: `peers.py {script}`", told.revoked).into());
    }
    Ok(users as f64 / told.seconds)
}

/// Where `make conformance-clients` puts them.
fn python() -> Result<PathBuf, Failed> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("conformance");
    let python = target.join("python/bin/python");
    if python.exists() {
        Ok(python)
    } else {
        Err(format!(
            "`{}` is not there: run `make bench-peers`",
            python.display()
        )
        .into())
    }
}
