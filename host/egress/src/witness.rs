//! What the layer above gives to a session: somebody who keeps notes, and a source of secrets.
//!
//! Only traits and the words that they speak; nothing here decides.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::audit::CallRecord;
use crate::declare::Held;
use crate::roster::Owner;
use crate::secret::Secret;

/// Keeps the notes of a session.
pub trait Witness: Send + Sync {
    /// A request that changes something about `owners` is about to leave. It leaves only after this returned `Ok`, so
    /// whoever has to know after a crash what may have been sent writes it to disk here.
    ///
    /// # Errors
    ///
    /// The note could not be written; the request is refused.
    fn about_to_change<'a>(
        &'a self,
        owners: &'a [Owner],
    ) -> BoxFuture<'a, Result<(), WitnessError>>;

    /// A call is over: it was answered, failed, was refused or was given up by the guest. Once for each request.
    fn called(&self, record: &CallRecord);

    /// A request waits for a lane. Not more than once a second for each lane.
    fn waiting(&self, waiting: Waiting);
}

/// Why a note could not be written, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WitnessError(pub String);

/// A request waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The id of the lane.
    pub lane: String,
    /// How long from now, as far as can be told.
    pub until: Duration,
    /// Why.
    pub why: WaitReason,
}

/// Why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The lane's quota is used up for now.
    Quota,
    /// The service, or the action, asked to wait.
    Hold,
    /// The lane is starting again after a hold, and waits for the first answers.
    Ramp,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quota => "the quota is used up for now",
            Self::Hold => "the service asked to wait",
            Self::Ramp => "starting again after a wait",
        })
    }
}

/// Where the secrets of a connection come from.
pub trait Secrets: Send + Sync {
    /// Whether the connection has this secret field. Must not ask the source.
    fn has(&self, field: &str) -> bool;

    /// The value of a secret field. Asked for only when a request that carries it was admitted and is about to leave.
    ///
    /// # Errors
    ///
    /// The source has no value, or cannot be asked.
    fn reveal<'a>(&'a self, field: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>>;

    /// Whether the connection can make values of this kind. Must not ask the source.
    ///
    /// # Errors
    ///
    /// Why it cannot. By default it has secret fields and makes nothing.
    fn supports(&self, held: &Held) -> Result<(), SecretError> {
        match held {
            Held::Secret(field) if !self.has(field) => Err(SecretError::Missing {
                field: field.clone(),
            }),
            Held::Secret(_) | Held::Sealed(_) => Ok(()),
            Held::Assertion => Err(SecretError::NotSupported {
                what: "a signed client assertion".to_owned(),
            }),
            Held::OneTimeCode(field) => Err(SecretError::NotSupported {
                what: format!("a one-time code of `{field}`"),
            }),
        }
    }

    /// Makes a value for one request. Asked for only when that request was admitted and is about to leave.
    ///
    /// # Errors
    ///
    /// By default [`SecretError::NotSupported`].
    fn make<'a>(&'a self, making: Making<'a>) -> BoxFuture<'a, Result<Made, SecretError>> {
        let what = match making {
            Making::Assertion { .. } => "a signed client assertion".to_owned(),
            Making::OneTimeCode { field } => format!("a one-time code of `{field}`"),
        };
        Box::pin(std::future::ready(Err(SecretError::NotSupported { what })))
    }
}

/// A value that was made for one request.
pub struct Made {
    /// The value.
    pub value: Secret,
    /// Dropped when the request is over, whatever became of it: what has to be held so long, such as the turn of an
    /// account whose one-time codes are taken in their order.
    pub until_over: Option<Box<dyn Any + Send + Sync>>,
}

impl From<Secret> for Made {
    fn from(value: Secret) -> Self {
        Self {
            value,
            until_over: None,
        }
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made(..)")
    }
}

/// What is to be made from a secret that does not leave itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making<'a> {
    /// A client assertion (RFC 7523): one that is signed for this audience, the address of the call without its query,
    /// or one that an outside issuer signed.
    Assertion {
        /// `https://login.microsoftonline.com/…/oauth2/v2.0/token`.
        audience: &'a str,
    },
    /// A time-based one-time code (RFC 6238).
    OneTimeCode {
        /// The secret field that it is computed from.
        field: &'a str,
    },
}

/// Why there is no secret. Holds no part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The connection has no such field, or the manifest does not use it so.
    #[error("the connection has no secret `{field}`")]
    Missing {
        /// The field.
        field: String,
    },
    /// Nothing behind this connection makes such values.
    #[error("this connection has nothing to make {what} from")]
    NotSupported {
        /// What was wanted.
        what: String,
    },
    /// The source of the secret failed.
    #[error("the source of `{field}` failed: {reason}")]
    Source {
        /// The field.
        field: String,
        /// What the source said, without any part of a secret.
        reason: String,
    },
    /// The value cannot stand where it has to: a header that would break, or nothing at all.
    #[error("the value of `{field}` cannot be sent: {reason}")]
    Unusable {
        /// The field.
        field: String,
        /// Why.
        reason: &'static str,
    },
}

impl SecretError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some("add the field to the connection"),
            Self::NotSupported { .. } => {
                Some("add to the connection what it is made from, or another credential")
            }
            Self::Source { .. } => Some(
                "check where the connection takes the secret from (`env`, `file`, `keyring`, `command`)",
            ),
            Self::Unusable { .. } => {
                Some("check the secret for line breaks and blanks at its ends")
            }
        }
    }
}
