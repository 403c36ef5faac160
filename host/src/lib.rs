//! Runs enforcement actions as sandboxed WebAssembly components.
//!
//! ```text
//! plan ─▸ assets ─▸ sandbox ─▸ outcomes ─▸ ledger ─▸ report
//!                    │  ▲
//!          requests  ▼  │  answers
//!           egress: grant ▸ stand-ins ▸ pace ▸ pooled client ▸ audit
//! ```
//!
//! An embedder opens a [`Host`], loads an action, plans a run over a connection and a list of assets, and reads its
//! events. Nothing here prints, asks or exits. All of it is on this page, which runs as a test, against a tenant of
//! users on this machine:
//!
//! ```
//! use std::sync::Arc;
//! use tipstaff::{Assets, Connection, Host, Network, NetworkPolicy, RunEvent, Secret, SecretSource, Verdict};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use entra_emulator::{Emulator, Options, Tenant};
//! # use revoke_user_sessions_component::{COMPONENT, NAME};
//! # let folder = tempfile::tempdir()?;
//! # let tenant = Emulator::start(Tenant::sample(), Options::default()).await?;
//! // Once a process: the engine, the compiled code, the ledger, the quotas.
//! let host = Host::builder().state_dir(folder.path()).bundle(NAME, COMPONENT).open().await?;
//!
//! // A bundled action by its name, or a component by its path. It is compiled once on a machine.
//! let action = host.load("revoke-user-sessions").await?;
//! assert_eq!(action.manifest().title, "Microsoft Entra ID - Revoke Users Session");
//!
//! // Where to sign in, and as whom. A secret is read when a request needs it, and the action never holds it.
//! let connection = Connection::entra("corp")
//!     .tenant_id(tenant.tenant_id())
//!     .client_id(tenant.client_id())
//!     .client_secret(SecretSource::Given(Secret::new(tenant.client_secret())))
//! #     .addresses([("login", tenant.login_url()), ("graph", tenant.graph_url())])
//! #     .network(Network {
//! #         ca_pem: Some(tenant.ca_pem().to_owned()),
//! #         private: NetworkPolicy::private(),
//! #         ..Network::default()
//! #     })
//!     ;
//!
//! // A plan touches nothing. Its digest is over everything that will be done, so what was approved is what runs.
//! let list = "userPrincipalName\nada@contoso.example\nnobody@contoso.example\n";
//! let plan = host
//!     .plan(&action)
//!     .connection(Arc::new(connection))
//!     .assets(Assets::csv(list.as_bytes())?)
//!     .setting("batch_size", 20)
//!     .prepare()
//!     .await?;
//! assert_eq!(plan.census().assets, 2);
//!
//! // `plan.simulate()` would run it without changing anything: the host refuses every call that would.
//! let mut run = plan.approve().start().await?;
//! while let Some(event) = run.next().await {
//!     match event {
//!         RunEvent::Outcome(outcome) => println!("{}: {}", outcome.asset, outcome.message),
//!         RunEvent::Waiting { why, .. } => println!("waiting: {why}"),
//!         RunEvent::Warning { message, .. } => println!("warning: {message}"),
//!         _ => {}
//!     }
//! }
//! let summary = run.summary().ok_or("a run that told its end")?;
//! assert_eq!(summary.counts.get(Verdict::Succeeded), 1);
//! assert_eq!(summary.counts.get(Verdict::Failed), 1);
//! # Ok(())
//! # }
//! ```

mod access;
mod assets;
pub mod connection;
pub mod enforcement;
mod form;
mod host;
mod lanes;
pub mod registry;
mod schema;
mod state;
mod trust;

pub use access::AccessError;
pub use assets::{Assets, AssetsError};
pub use connection::{
    Certificate, Cloud, Config, ConfigError, Connection, Network, NetworkPolicy, Quota,
    SecretSource,
};
pub use enforcement::{
    Approved, CheckError, CheckReport, Control, Counts, Draft, DynamicValues, Ending, FetchError,
    Outcome, Plan, PlanError, RunEvent, RunId, Running, StatementError, Summary, Verdict,
};
pub use form::{FormField, FormPart, form, form_fields};
pub use host::{Builder, Host, HostError};
pub use registry::{ApprovalsFile, Asks, Claims, RegistryError, Standing};
pub use state::{StateError, StateFolder};
pub use tipstaff_asset as asset;
pub use tipstaff_dynamic as dynamic;
pub use tipstaff_egress::{Secret, Urgency, declare};
pub use tipstaff_sandbox::{Action, Finding, Inspection, Level, Limits, Log, Manifest};
pub use trust::{TrustError, TrustStore, Trusted};
