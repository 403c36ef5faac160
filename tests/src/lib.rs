//! What the suites share: a trial is a tenant on loopback, a host with a state folder of its own, and an action.
//!
//! A trial is set up as a user would do it: with a connection, a list of assets and settings. Nothing here is mocked.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has to stop"
)]

use std::path::Path;
use std::sync::Arc;

use entra_emulator::{Emulator, Options, Tenant};
use tipstaff::{
    Action, Assets, Connection, Draft, Host, Limits, Network, NetworkPolicy, Outcome, RunEvent,
    Running, Secret, SecretSource, Summary,
};

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
        let folder = tempfile::tempdir().expect("a folder");
        let host = host(&folder.path().join("state"), limits).await;
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
        let secret = Secret::new(self.emulator.client_secret());
        Connection::entra("corp")
            .tenant_id(self.emulator.tenant_id())
            .client_id(self.emulator.client_id())
            .client_secret(SecretSource::Given(secret))
            .addresses([
                ("login", self.emulator.login_url()),
                ("graph", self.emulator.graph_url()),
            ])
            .network(Network {
                ca_pem: Some(self.emulator.ca_pem().to_owned()),
                private: NetworkPolicy::private(),
                ..Network::default()
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

/// A host with its state in `folder`.
pub async fn host(folder: &Path, limits: Limits) -> Host {
    let builder = Host::builder()
        .state_dir(folder)
        .code_dir(Path::new(env!("OUT_DIR")).join("code"))
        .limits(limits);
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
    pub async fn watch(mut running: Running) -> Self {
        let (mut outcomes, mut warnings) = (Vec::new(), Vec::new());
        while let Some(event) = running.next().await {
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
