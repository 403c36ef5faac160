//! What the suites share: a trial is a tenant on loopback, a host with a state folder of its own, and an action.
//!
//! A trial is set up as a user would do it: with a connection, a list of assets and settings. Nothing here is mocked.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has to stop"
)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entra_emulator::{Emulator, Options, Tenant};
use serde_json::{Value, json};
use tipstaff::{
    Action, Assets, Connection, Draft, Host, Limits, Log, Network, NetworkPolicy, Outcome,
    RunEvent, Running, Secret, SecretSource, Summary, Verdict,
};

pub mod needles;
pub mod twin;
pub mod versions;

/// Components for tests, one behaviour each: see `tests/programs`.
pub mod program {
    include!(concat!(env!("OUT_DIR"), "/programs.rs"));
}

/// A tenant, a host, and an action to try.
pub struct Trial {
    /// The tenant.
    pub emulator: Emulator,
    /// The host.
    pub host: Host,
    /// The action.
    pub action: Action,
    folder: tempfile::TempDir,
}

impl Trial {
    /// The first action, with a tenant of these users.
    pub async fn new(tenant: Tenant) -> Self {
        Self::of(revoke_user_sessions_component::COMPONENT, tenant).await
    }

    /// Another component.
    pub async fn of(component: &[u8], tenant: Tenant) -> Self {
        Self::with(component, tenant, Limits::default()).await
    }

    /// Another component, with bounds of its own.
    pub async fn with(component: &[u8], tenant: Tenant, limits: Limits) -> Self {
        Self::logged(component, tenant, limits, None).await
    }

    /// The same, and what actions log goes to `log`.
    pub async fn logged(
        component: &[u8],
        tenant: Tenant,
        limits: Limits,
        log: Option<Arc<dyn Log>>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = host(&folder.path().join("state"), limits, log).await;
        let action = host
            .load_bytes("trial", component)
            .await
            .expect("an action");
        let emulator = Emulator::start(tenant, Options::default())
            .await
            .expect("an emulator");
        Self {
            emulator,
            host,
            action,
            folder,
        }
    }

    /// A folder that goes with the trial.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The connection to the tenant, as an operator would describe it.
    #[must_use]
    pub fn connection(&self) -> Connection {
        connection(&self.way())
    }

    /// What another process needs for the same connection.
    #[must_use]
    pub fn way(&self) -> Value {
        json!({
            "tenant": self.emulator.tenant_id(),
            "client": self.emulator.client_id(),
            "secret": self.emulator.client_secret(),
            "login": self.emulator.login_url(),
            "graph": self.emulator.graph_url(),
            "authority": self.emulator.ca_pem(),
        })
    }

    /// A plan of these assets in the making.
    #[must_use]
    pub fn draft(&self, assets: Assets) -> Draft {
        self.host
            .plan(&self.action)
            .connection(Arc::new(self.connection()))
            .assets(assets)
    }

    /// Runs these assets to the end.
    pub async fn run(&self, assets: Assets) -> Ran {
        let plan = self.draft(assets).prepare().await.expect("a plan");
        Ran::watch(plan.approve().start().await.expect("a run")).await
    }

    /// Simulates these assets to the end.
    pub async fn simulate(&self, assets: Assets) -> Ran {
        let plan = self.draft(assets).prepare().await.expect("a plan");
        Ran::watch(plan.simulate().await.expect("a run")).await
    }
}

/// The connection of [`Trial::way`].
#[must_use]
pub fn connection(way: &Value) -> Connection {
    connection_named("corp", way)
}

/// The same under another name.
#[must_use]
pub fn connection_named(name: &str, way: &Value) -> Connection {
    let text = |member: &str| way[member].as_str().expect("a text").to_owned();
    Connection::entra(name)
        .tenant_id(text("tenant"))
        .client_id(text("client"))
        .client_secret(SecretSource::Given(Secret::new(text("secret"))))
        .addresses([("login", text("login")), ("graph", text("graph"))])
        .network(Network {
            ca_pem: Some(text("authority")),
            private: NetworkPolicy::private(),
            ..Network::default()
        })
}

/// Where the hosts of all tests keep compiled code, so that each program is compiled once.
#[must_use]
pub fn code_dir() -> PathBuf {
    Path::new(env!("OUT_DIR")).join("code")
}

/// A host with its state in `folder`.
pub async fn host(folder: &Path, limits: Limits, log: Option<Arc<dyn Log>>) -> Host {
    let mut builder = Host::builder()
        .state_dir(folder)
        .code_dir(code_dir())
        .limits(limits);
    if let Some(log) = log {
        builder = builder.log(log);
    }
    builder.open().await.expect("a host")
}

/// Everything that a run told.
#[derive(Debug)]
pub struct Ran {
    /// The outcomes, in their order.
    pub outcomes: Vec<Outcome>,
    /// The warnings.
    pub warnings: Vec<String>,
    /// The end.
    pub summary: Summary,
}

impl Ran {
    /// Listens to a run until its end.
    pub async fn watch(running: Running) -> Self {
        Self::watch_and(running, |_| {}).await
    }

    /// The same, and `does` something about each event.
    pub async fn watch_and(mut running: Running, mut does: impl FnMut(&RunEvent)) -> Self {
        let (mut outcomes, mut warnings) = (Vec::new(), Vec::new());
        while let Some(event) = running.next().await {
            does(&event);
            match event {
                RunEvent::Outcome(outcome) => outcomes.push(outcome),
                RunEvent::Warning { message, .. } => warnings.push(message),
                _ => {}
            }
        }
        let summary = running.summary().cloned().expect("an end");
        Self {
            outcomes,
            warnings,
            summary,
        }
    }

    /// The outcome of an asset; there is exactly one.
    #[must_use]
    pub fn outcome(&self, asset: &str) -> &Outcome {
        let mut found = self.outcomes.iter().filter(|o| o.asset == asset);
        let outcome = found.next().expect("an outcome");
        assert!(found.next().is_none(), "`{asset}` has two outcomes");
        outcome
    }

    /// How many outcomes have this verdict and code.
    #[must_use]
    pub fn count(&self, verdict: Verdict, code: &str) -> usize {
        let fits = |o: &&Outcome| o.verdict == verdict && o.code == code;
        self.outcomes.iter().filter(fits).count()
    }

    /// Holds everything that was told against what happened: so many assets have one outcome each, the counts are
    /// theirs, nobody is called revoked who was not, and nobody who was is said to be untouched.
    pub fn agrees_with(&self, emulator: &Emulator, assets: usize) {
        self.agrees_in_number(assets);
        for outcome in &self.outcomes {
            let user = emulator.user(&outcome.asset);
            let revoked = user.is_some_and(|user| user.revocations > 0);
            match outcome.verdict {
                // What happened to the person is in another asset's outcome.
                Verdict::Skipped if outcome.code == "duplicate" => {}
                Verdict::Succeeded => assert!(revoked, "{outcome:?}"),
                Verdict::InDoubt => {}
                _ => assert!(!revoked, "{outcome:?}"),
            }
        }
    }

    /// Holds what was told against itself: so many assets have one outcome each, and the counts are theirs.
    pub fn agrees_in_number(&self, assets: usize) {
        let ids: HashSet<&str> = self.outcomes.iter().map(|o| o.asset.as_str()).collect();
        assert_eq!(ids.len(), self.outcomes.len(), "an asset has two outcomes");
        assert_eq!(self.outcomes.len(), assets);
        assert_eq!(self.summary.counts.total(), assets as u64);
        for (verdict, count) in self.summary.counts.iter() {
            let told = self
                .outcomes
                .iter()
                .filter(|o| o.verdict == verdict)
                .count();
            assert_eq!(told as u64, count, "{verdict:?}");
        }
    }

    /// The verdict and the code of an asset, as the report has them.
    #[must_use]
    pub fn result(&self, asset: &str) -> (&'static str, &str) {
        let outcome = self.outcome(asset);
        (
            tipstaff::enforcement::verdict_text(outcome.verdict),
            &outcome.code,
        )
    }
}
