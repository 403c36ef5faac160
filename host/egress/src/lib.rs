//! What an action may send, and what leaves in its place.
pub mod declare;
mod secret;
pub use secret::Secret;
