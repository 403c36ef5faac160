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
//! events. Nothing here prints, asks or exits.

mod access;
mod assets;
pub mod connection;
pub mod enforcement;
mod host;
mod schema;
mod state;

pub use access::AccessError;
pub use assets::Assets;
pub use connection::{
    Cloud, Config, ConfigError, Connection, Network, NetworkPolicy, Quota, SecretSource,
};
pub use enforcement::{
    Approved, CheckError, CheckReport, Control, Counts, Draft, Ending, Outcome, Plan, PlanError,
    RunEvent, RunId, Running, Summary, Verdict,
};
pub use host::{Builder, Host, HostError};
pub use state::{StateError, StateFolder};
pub use tipstaff_asset as asset;
pub use tipstaff_egress::{Secret, declare};
pub use tipstaff_sandbox::{Action, Finding, Inspection, Level, Limits, Log, Manifest};
