//! The host in a process of its own: `host PLACE.json STATE LIST enforce|simulate`. It prints what it used as JSON.
//!
//! It is what an embedder writes, without the command line around it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use revoke_user_sessions_component::{COMPONENT, NAME};
use serde::{Deserialize, Serialize};
use tipstaff::{
    Assets, Connection, Host, Network, NetworkPolicy, Running, Secret, SecretSource, Summary,
    Verdict,
};
use tipstaff_tests::twin::Place;

use crate::Failed;
use crate::phases::Phases;
use crate::table::millis;

/// The first argument of the process that is a host.
pub(crate) const ROLE: &str = "host";

/// What a run in a process of its own took.
#[derive(Deserialize, Serialize)]
pub(crate) struct Used {
    /// From the start of `main` to the end, in milliseconds, step by step.
    pub(crate) steps: Vec<(String, f64)>,
    /// What the host traced of it, in milliseconds.
    pub(crate) traced: Vec<(String, f64)>,
    /// The most memory that was resident, in KiB. 0 where the system does not say.
    pub(crate) peak_kib: u64,
    /// Assets that were revoked, or would be.
    pub(crate) good: u64,
}

/// The connection to a tenant, as an operator would describe it.
pub(crate) fn connection(place: &Place) -> Connection {
    Connection::entra("corp")
        .tenant_id(&place.tenant_id)
        .client_id(&place.client_id)
        .client_secret(SecretSource::Given(Secret::new(
            place.client_secret.clone(),
        )))
        .addresses([("login", &place.login_url), ("graph", &place.graph_url)])
        .network(Network {
            ca_file: Some(place.ca_file.clone()),
            private: NetworkPolicy::private(),
            ..Network::default()
        })
}

/// A host that carries the first action.
pub(crate) async fn open(state: &Path) -> Result<Host, Failed> {
    let builder = Host::builder().state_dir(state).bundle(NAME, COMPONENT);
    Ok(builder.open().await?)
}

/// The end of a run in which every asset was revoked, or would be.
pub(crate) async fn all_good(running: Running, users: usize) -> Result<Summary, Failed> {
    let summary = running.finished().await.ok_or("the run told no end")?;
    let good = good(&summary);
    if good == users as u64 {
        Ok(summary)
    } else {
        Err(format!("{good} of {users} users: {:?}", summary.ending).into())
    }
}

fn good(summary: &Summary) -> u64 {
    summary.counts.get(Verdict::Succeeded) + summary.counts.get(Verdict::WouldEnforce)
}

/// Runs this program as a host.
pub(crate) fn run(place: &Path, state: &Path, list: &Path, simulate: bool) -> Result<Used, Failed> {
    let output = Command::new(std::env::current_exe()?)
        .arg(ROLE)
        .args([place, state, list])
        .arg(if simulate { "simulate" } else { "enforce" })
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the host ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The process that is a host.
pub(crate) fn play(arguments: &[String]) -> Result<(), Failed> {
    let [_, place, state, list, mode] = arguments else {
        return Err("a host needs a place, a state folder, a list and a mode".into());
    };
    let phases = Phases::listen()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut steps = Steps::default();
    let place: Place = serde_json::from_str(&std::fs::read_to_string(place)?)?;
    let summary = runtime.block_on(async {
        let host = open(Path::new(state)).await?;
        steps.done("open the state folder and the ledger");
        let action = host.load(NAME).await?;
        steps.done("start the engine and load the action");
        let draft = host
            .plan(&action)
            .connection(Arc::new(connection(&place)))
            .assets(Assets::file(Path::new(list))?);
        let plan = draft.prepare().await?;
        steps.done("plan: TLS settings, grant, assets to the spool");
        let running = if mode == "simulate" {
            plan.simulate().await?
        } else {
            plan.approve().start().await?
        };
        steps.done("record the run");
        let summary = running.finished().await.ok_or("the run told no end")?;
        steps.done("run: instance, requests, outcomes to the ledger");
        Ok::<_, Failed>(summary)
    })?;
    drop(runtime);
    steps.done("end");
    let traced = phases.take().into_iter();
    let used = Used {
        steps: steps.times,
        traced: traced
            .map(|(what, us)| (what, us as f64 / 1_000.0))
            .collect(),
        peak_kib: peak_kib().unwrap_or(0),
        good: good(&summary),
    };
    println!("{}", serde_json::to_string(&used)?);
    Ok(())
}

struct Steps {
    last: Instant,
    times: Vec<(String, f64)>,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            last: Instant::now(),
            times: Vec::new(),
        }
    }
}

impl Steps {
    fn done(&mut self, what: &str) {
        self.times
            .push((what.to_owned(), millis(self.last.elapsed())));
        self.last = Instant::now();
    }
}

/// `VmHWM` (proc_pid_status(5)): the most that was ever resident of this process.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
