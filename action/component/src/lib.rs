//! The first action as a component, and the one that lists users, for programs that carry them. Their code is in the
//! package `revoke-user-sessions`.

/// What the first action is called.
pub const NAME: &str = "revoke-user-sessions";

/// The first action.
pub static COMPONENT: &[u8] = include_bytes!(concat!(
    env!("OUT_DIR"),
    "/carried_revoke_user_sessions.wasm"
));

/// Lists the users of a tenant. It is no action on assets: a host fills its inventory with it.
pub static LIST_USERS: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/carried_list_entra_users.wasm"));
