//! The action that the command carries with it.

/// Its name.
pub(crate) const NAME: &str = "revoke-user-sessions";

/// Its component, built beside this crate (`build.rs`).
pub(crate) static COMPONENT: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/revoke-user-sessions.wasm"));
