//! The contract's bindings, one module a published version. Nothing else names generated types.
//!
//! From 1.0.0 on, each version stays here with its own frozen WIT folder, and converts to the domain types of
//! `manifest`, `outcome` and `run`, which do not move with the contract.

pub(crate) mod v0_1;
