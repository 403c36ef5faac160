//! Runs an action's component with nothing but what it was granted.
//!
//! ```text
//! bytes ─ inspect ─▸ compile or cache ─▸ describe ─▸ Action ─ run ─▸ reports, judged ─▸ End
//!                                                      │  ▲
//!                                            requests  ▼  │  answers
//!                                              tipstaff_egress::Session
//! ```
//!
//! This crate and no other names wasmtime. It knows assets as ids, names and opaque owners, and neither where they come
//! from nor where their outcomes go.

mod action;
mod cache;
mod contract;
mod engine;
mod http;
mod inspect;
mod limits;
mod manifest;
mod outcome;
mod run;
mod store;

pub use action::{Action, Binary, LoadError};
pub use cache::{Cache, CacheError};
pub use engine::Engine;
pub use inspect::{Inspection, NotAnAction, inspect};
pub use limits::{ComponentLimits, Limits};
pub use manifest::{AddsAsset, AssetField, Manifest, ManifestFault, OutcomeCode};
pub use outcome::{BROKE_CONTRACT, Lie, Settled, Verdict, witnessed};
pub use run::{Breach, Claims, Cut, End, Finding, HandOver, Level, Log, Run};
pub use store::ConnectionView;
