//! Why a request did not leave: one variant for each rule, so that a test can name it.
//!
//! The guest is told that its request was denied; the operator reads these. None of them quotes a query's values, a
//! header's value, a body or a stand-in.

use std::fmt;

use crate::roster::Owner;

/// The rule that a request broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A stand-in is where the manifest bound none, in some encoding.
    #[error("{place} holds the stand-in of {what}{form}, which may not leave there")]
    StandIn {
        /// Where.
        place: Spot,
        /// What it stands for.
        what: String,
        /// How it was hidden: empty, or ` (base64)`.
        form: &'static str,
    },
    /// A place that carries a secret has something else in it.
    #[error("{place} carries {what} and nothing else, and holds something else")]
    NotItsStandIn {
        /// Where.
        place: Spot,
        /// What belongs there.
        what: String,
    },
    /// The address is not `https`, has user information, or is no full address.
    #[error("the address {why}")]
    Address {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The path can be read in two ways.
    #[error("{place} {why}")]
    Path {
        /// Where.
        place: Spot,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The query can be read in two ways, or has a parameter that was not declared.
    #[error("{place} {why}")]
    Query {
        /// Where.
        place: Spot,
        /// What is wrong with it.
        why: String,
    },
    /// A header that was not declared, or that is given twice.
    #[error("{place} {why}")]
    Header {
        /// Which.
        place: Spot,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The body is of another kind than its content type says, or can be read in two ways.
    #[error("{place} {why}")]
    Body {
        /// Where.
        place: Spot,
        /// What is wrong with it.
        why: String,
    },
    /// No call of the manifest fits the request.
    #[error("no declared call fits {method} {target}")]
    NotGranted {
        /// The method that was asked for.
        method: String,
        /// Host and path, or a part of an envelope.
        target: String,
    },
    /// The mode forbids the effect.
    #[error("call `{call}` {effect}, which is refused in a {mode}")]
    Mode {
        /// The call.
        call: String,
        /// `changes something`.
        effect: &'static str,
        /// `simulation`.
        mode: &'static str,
    },
    /// The call names nobody that the action holds.
    #[error(
        "call `{call}`{part} is about somebody who is no asset that the action holds at this moment"
    )]
    NotHeld {
        /// The call.
        call: String,
        /// Empty, or ` (part `1`)`.
        part: String,
    },
    /// The run is to stop, and this would begin something new.
    #[error("call `{call}`{part} would begin a change, and the run is to stop")]
    Draining {
        /// The call.
        call: String,
        /// Empty, or ` (part `1`)`.
        part: String,
    },
    /// The call does not name its subject in the way that was declared.
    #[error("call `{call}`{part} does not name its subject as declared: {why}")]
    Subject {
        /// The call.
        call: String,
        /// Empty, or ` (part `1`)`.
        part: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The envelope is not what its format says.
    #[error("{place} {why}")]
    Envelope {
        /// Where.
        place: Spot,
        /// What is wrong with it.
        why: String,
    },
    /// A limit of the session is reached.
    #[error("the limit of {limit} is reached ({most})")]
    Limit {
        /// Which.
        limit: &'static str,
        /// How many.
        most: u64,
    },
    /// What has to be written down before the request leaves could not be written.
    #[error("the change could not be noted before it was sent: {why}")]
    NotNoted {
        /// Why.
        why: String,
    },
    /// The session is over.
    #[error("the session is closed")]
    Closed,
}

impl Refusal {
    /// The rule's stable name, for the audit.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::StandIn { .. } => "stand-in",
            Self::NotItsStandIn { .. } => "not-its-stand-in",
            Self::Address { .. } => "address",
            Self::Path { .. } => "path",
            Self::Query { .. } => "query",
            Self::Header { .. } => "header",
            Self::Body { .. } => "body",
            Self::NotGranted { .. } => "not-granted",
            Self::Mode { .. } => "mode",
            Self::NotHeld { .. } => "not-held",
            Self::Draining { .. } => "draining",
            Self::Subject { .. } => "subject",
            Self::Envelope { .. } => "envelope",
            Self::Limit { .. } => "limit",
            Self::NotNoted { .. } => "not-noted",
            Self::Closed => "closed",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::StandIn { .. } | Self::NotItsStandIn { .. } => {
                "the action tried to move a secret; do not run it again before its author explained this"
            }
            Self::NotGranted { .. } | Self::Query { .. } | Self::Header { .. } => {
                "the action's manifest has to declare this, and the manifest has to be approved again"
            }
            Self::NotHeld { .. } => {
                "the action may act on assets that it was given and has not reported yet"
            }
            Self::Mode { .. } => "run it without `--simulate` to let it change something",
            Self::Limit { .. } => "raise the action's limits if the work is really that large",
            Self::NotNoted { .. } => {
                "check that the state folder can be written to and the disk has room"
            }
            Self::Address { .. }
            | Self::Path { .. }
            | Self::Body { .. }
            | Self::Draining { .. }
            | Self::Subject { .. }
            | Self::Envelope { .. }
            | Self::Closed => return None,
        })
    }
}

/// A place in a request, as far as it may be named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spot {
    /// The whole request line.
    Path,
    /// The query.
    Query,
    /// This header.
    Header(String),
    /// The body.
    Body,
    /// A field of a form.
    FormField(String),
    /// A member of a JSON body, as a JSON Pointer.
    JsonMember(String),
    /// Something of a part of an envelope: the part's id and what.
    Part(String, &'static str),
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("the path"),
            Self::Query => f.write_str("the query"),
            Self::Header(name) => write!(f, "header `{}`", shown(name)),
            Self::Body => f.write_str("the body"),
            Self::FormField(name) => write!(f, "form field `{}`", shown(name)),
            Self::JsonMember(pointer) => write!(f, "member `{}` of the body", shown(pointer)),
            Self::Part(id, what) => write!(f, "part `{}`: {what}", shown(id)),
        }
    }
}

/// What a guest wrote, fit for a line of text: at most 80 characters, and no control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(80)
        .map(|c| {
            if c.is_control() || c == '`' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    short
}

/// An owner has no name here; this is how messages speak of one.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
