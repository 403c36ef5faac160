//! Microsoft Graph on the wire: the requests about users, and what their answers say.
//!
//! Pure: makes and reads bytes. What follows from an answer is decided in [`crate::run`].

mod answer;
mod ask;
mod user;

pub(crate) use answer::{Batched, Seen, What, read_batch, read_plain};
pub(crate) use ask::{batch, plain};
pub(crate) use user::User;

/// What is asked about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Who it is.
    LookUp,
    /// To revoke its sessions.
    Revoke,
}
