//! Microsoft Graph on the wire: the requests about users, and what their answers say.
//!
//! Pure: makes and reads bytes. What follows from an answer is decided in [`crate::run`].

mod answer;
mod ask;
mod find;
mod reach;
mod user;

pub(crate) use answer::{Batched, Seen, What, read_batch, read_plain};
pub(crate) use ask::{Question, batch, plain};
pub(crate) use find::Find;
pub(crate) use reach::Reach;
pub(crate) use user::{CutOff, User};

/// What is asked about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Who it is.
    LookUp,
    /// To revoke its sessions.
    Revoke,
    /// From when on its sessions count.
    ReadBack,
    /// Which applications it reaches.
    Reach,
}

impl Step {
    /// Every step, what finishes a user first.
    pub(crate) const ALL: [Self; 4] = [Self::Revoke, Self::ReadBack, Self::Reach, Self::LookUp];

    /// Whether it may change something.
    pub(crate) fn changes(self) -> bool {
        self == Self::Revoke
    }
}
