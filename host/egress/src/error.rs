//! Why a request has no answer: refused here, failed on the way, or answered with what the guest may not see.
//!
//! Each error knows whether the service may have received the request, because that decides between "failed" and
//! "in doubt".

use std::fmt;
use std::net::IpAddr;

use crate::network::AddressKind;
use crate::refusal::Refusal;
use crate::witness::SecretError;

/// Why [`crate::Session::send`] has no answer to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It broke a rule, and did not leave.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The host's name could not be resolved.
    #[error("the name `{host}` could not be resolved: {reason}")]
    DnsFailed {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The name resolves to addresses that may not be connected to.
    #[error("`{host}` is at {address}, {kind}, which this connection may not connect to")]
    AddressRefused {
        /// The name.
        host: String,
        /// The first of the addresses.
        address: IpAddr,
        /// What kind of address it is.
        kind: AddressKind,
    },
    /// No connection could be made.
    #[error("no connection to `{host}`: {reason}")]
    ConnectFailed {
        /// The name.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// The proxy did not let the request through.
    #[error("the proxy at {proxy} made no way to the service: {reason}")]
    Proxy {
        /// Its name and port.
        proxy: String,
        /// What it said.
        reason: String,
    },
    /// No trust could be established.
    #[error("no secure connection to `{host}`: {reason}")]
    Tls {
        /// The name.
        host: String,
        /// Why.
        reason: TlsFailure,
    },
    /// It took too long.
    #[error("`{host}` took longer than {seconds} s ({phase})")]
    TimedOut {
        /// The name.
        host: String,
        /// What took so long.
        phase: Phase,
        /// The limit that was reached.
        seconds: u64,
    },
    /// The connection broke, or what came was not HTTP.
    #[error("the connection to `{host}` was lost: {reason}")]
    Broken {
        /// The name.
        host: String,
        /// What happened.
        reason: String,
        /// The service may have received the request.
        may_have_left: bool,
    },
    /// The answer is larger than the limit.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    AnswerTooLarge {
        /// The name.
        host: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The answer holds what the guest may not see.
    #[error("the answer with status {status} was withheld: {reason}")]
    AnswerWithheld {
        /// Its status.
        status: u16,
        /// Why.
        reason: Withheld,
    },
    /// There is no secret to send.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// The session ended while the request was under way.
    #[error("the session was closed while the request was under way")]
    Closed {
        /// The service may have received the request.
        may_have_left: bool,
    },
}

impl SendError {
    /// Whether the service may have received the request.
    #[must_use]
    pub fn may_have_left(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::DnsFailed { .. }
            | Self::AddressRefused { .. }
            | Self::ConnectFailed { .. }
            | Self::Proxy { .. }
            | Self::Tls { .. }
            | Self::Secret(_) => false,
            Self::TimedOut { phase, .. } => phase.may_have_left(),
            Self::Broken { may_have_left, .. } | Self::Closed { may_have_left } => *may_have_left,
            Self::AnswerTooLarge { .. } | Self::AnswerWithheld { .. } => true,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::DnsFailed { .. } => {
                Some("check the connection's addresses and this machine's name servers")
            }
            Self::AddressRefused {
                kind: AddressKind::Never(_),
                ..
            } => Some("such addresses are never connected to; check what the name resolves to"),
            Self::AddressRefused { .. } => Some(
                "if the service is meant to be there, add `allow_private_network` to the connection",
            ),
            Self::ConnectFailed { .. } => {
                Some("check that the service is up and that firewalls let it be reached")
            }
            Self::Proxy { .. } => Some(
                "check `https_proxy`, `proxy_username` and `proxy_password`, and what the proxy lets through",
            ),
            Self::Tls { reason, .. } => reason.hint(),
            Self::TimedOut {
                phase: Phase::Connect | Phase::Tls,
                ..
            } => Some("check that firewalls and proxies let the service be reached"),
            Self::AnswerTooLarge { .. } => {
                Some("raise the limit of answers if they are really that large")
            }
            Self::Secret(error) => error.hint(),
            Self::TimedOut { .. }
            | Self::Broken { .. }
            | Self::AnswerWithheld { .. }
            | Self::Closed { .. } => None,
        }
    }
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Resolving the name and connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Waiting for the first byte of the answer, sending included.
    FirstByte,
    /// Receiving the body.
    Body,
}

impl Phase {
    fn may_have_left(self) -> bool {
        matches!(self, Self::FirstByte | Self::Body)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "the TLS handshake",
            Self::FirstByte => "waiting for the answer",
            Self::Body => "receiving the answer",
        })
    }
}

/// Why no trust could be established.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFailure {
    /// Nobody that is trusted vouches for the certificate.
    #[error("its certificate is from an issuer that is not trusted")]
    UnknownIssuer,
    /// The certificate is out of date.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("its certificate is not valid yet")]
    NotValidYet,
    /// The certificate is for somebody else.
    #[error("its certificate is for another name")]
    WrongName,
    /// Its key is none of those that the connection pins.
    #[error("its public key is none of those that the connection pins")]
    NotPinned,
    /// Anything else about the certificate.
    #[error("its certificate is not acceptable: {0}")]
    Certificate(String),
    /// The handshake itself failed.
    #[error("{0}")]
    Handshake(String),
}

impl TlsFailure {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownIssuer => {
                Some("add the issuer's certificate to the connection as `ca_file`")
            }
            Self::Expired | Self::NotValidYet => {
                Some("check this machine's clock, and the service's certificate")
            }
            Self::WrongName => Some("check the connection's addresses"),
            Self::NotPinned => Some(
                "somebody may stand in between; if the service has a new key, put it into `pin_sha256` after asking whoever runs it",
            ),
            Self::Certificate(_) => Some("ask whoever runs the service about its certificate"),
            Self::Handshake(_) => {
                Some("the service has to speak TLS 1.2 or 1.3; check for a proxy in between")
            }
        }
    }
}

/// Why an answer was kept from the guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Withheld {
    /// The body is compressed, though we asked for it plain.
    #[error("it is compressed")]
    Compressed,
    /// It holds a secret or token of the session in a form that cannot be replaced.
    #[error("it holds {what} in {place}{form}")]
    Reflected {
        /// What.
        what: String,
        /// `the body`, or a header.
        place: String,
        /// How: empty, or ` (base64)`.
        form: &'static str,
    },
    /// It holds something that looks like a token and was not declared.
    #[error("it holds something like a token that the manifest does not declare, in {place}")]
    Undeclared {
        /// `member `id_token``.
        place: String,
    },
    /// It can be read in two ways, so nobody can say what is in it.
    #[error("it can be read in two ways: {why}")]
    Ambiguous {
        /// Why.
        why: String,
    },
    /// It should hold a value that is to be sealed, and cannot be read.
    #[error("it cannot be read, and may hold a token: {why}")]
    Unreadable {
        /// Why.
        why: String,
    },
}
