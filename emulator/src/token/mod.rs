//! The sign-in service: tokens and the documents that describe them.
//!
//! [`endpoint`] answers token requests, [`client`] checks who asks, [`grants`] remembers what was handed out, [`errors`]
//! words the refusals, [`jwt`] signs and checks tokens, [`discovery`] publishes keys and addresses.

pub(crate) mod challenge;
pub(crate) mod client;
pub(crate) mod discovery;
pub(crate) mod endpoint;
pub(crate) mod errors;
pub(crate) mod grants;
pub(crate) mod jwt;
pub(crate) mod keys;
pub(crate) mod mint;
pub(crate) mod person;
