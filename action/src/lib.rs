//! Revokes the sign-in sessions of Microsoft Entra ID users: an action for Tipstaff.
//!
//! ```text
//! assets ─▸ names ─▸ look-up batches ─▸ claims ─▸ revoke batches ─▸ outcomes
//! ```
//!
//! The logic is a plain library over the traits of [`service`], so that it runs natively in tests and benches. The
//! module `component` puts the contract's imports and exports around it when the target is WebAssembly.

mod aadsts;
mod backoff;
mod base64;
mod canary;
mod chance;
mod check;
mod codes;
#[cfg(target_family = "wasm")]
mod component;
mod dates;
mod graph;
mod identity;
mod json;
pub mod list;
mod manifest;
mod names;
mod run;
pub mod service;
mod settings;
mod sign_in;
mod target;
mod wording;

pub use check::check;
pub use codes::Code;
pub use manifest::{
    AssetField, Call, Effect, Endpoint, Found, Held, Lane, Manifest, Naming, Place, Shape, Subject,
    manifest,
};
pub use run::run;
pub use settings::{BadSettings, Guests, Priority, Settings};
