//! What an action may send, and what leaves in its place.
//!
//! It knows no WebAssembly and no assets: it judges against a grant and a roster that the layers above lend it.
//!
//! ```text
//! http::Request ── Grant::admit ──▸ Admitted ── stand-ins ──▸ Sealed ── pace ──▸ client ──▸ answer ── seal ──▸ http::Response
//! ```
//!
//! Each arrow is the only maker of the type after it, so no way to a socket skips a check.

mod addresses;
mod admit;
mod answer;
mod audit;
mod check;
mod client;
mod connect;
mod cookies;
pub mod declare;
mod envelope;
mod error;
mod fault;
mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod grant;
mod json;
mod jwt;
mod lanes;
mod limits;
#[cfg(test)]
mod measure;
mod network;
mod pace;
mod pin;
mod proxy;
mod refusal;
mod release;
mod roster;
mod scan;
mod secret;
mod session;
mod standin;
mod swap;
mod target;
mod template;
#[cfg(any(test, fuzzing))]
mod testing;
mod tls;
mod wait;
mod witness;

pub use addresses::{Addresses, Origin, OriginError};
pub use audit::{CallRecord, End, PartRecord};
pub use client::{Client, ClientOptions, Timeouts};
pub use connect::{Resolve, SystemResolver};
pub use declare::Declaration;
pub use error::{Phase, SendError, TlsFailure, Withheld};
pub use fault::{DeclarationFault, DeclarationFaults, FaultPlace, Flaw, Section};
pub use grant::Grant;
pub use lanes::{LaneLimits, LaneName, LanePlace, LaneSet, LaneStore, Lanes, Urgency};
pub use limits::Limits;
pub use network::{AddressKind, NetworkPolicy};
pub use pace::{ACCOUNT_BYTES, Account, Quota};
pub use pin::{Pin, PinError};
pub use proxy::{Password, Proxy, ProxyAddress, ProxyAddressError};
pub use refusal::{Refusal, Spot};
pub use roster::{Owner, Roster, Seen};
pub use secret::Secret;
pub use session::{Mode, Session, SessionParts};
pub use tls::{Tls, TlsError, danger};
pub use witness::{Made, Making, SecretError, Secrets, WaitReason, Waiting, Witness, WitnessError};
