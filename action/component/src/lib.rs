//! The first action as a component, for programs that carry it. Its code is in the package `revoke-user-sessions`.

/// What it is called.
pub const NAME: &str = "revoke-user-sessions";

/// The component.
pub static COMPONENT: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/revoke_user_sessions.wasm"));
