//! The connections to a service.
use std::time::Duration;

use crate::network::NetworkPolicy;
use crate::tls::{Tls, TlsError};

/// How a connection reaches its services.
#[derive(Debug, Default)]
pub struct ClientOptions {
    /// Which addresses may be connected to.
    pub network: NetworkPolicy,
    /// Whom to trust.
    pub tls: Tls,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// The most connections at once.
    pub sockets: Option<usize>,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving the name and connecting.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From sending to the first byte of the answer.
    pub first_byte: Duration,
    /// The body, from the first byte to the last.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            first_byte: Duration::from_secs(100),
            body: Duration::from_secs(100),
        }
    }
}

/// The connections of one stored connection: never shared between two, because what is behind them differs.
#[derive(Debug)]
pub struct Client {
    _options: ClientOptions,
}

impl Client {
    /// A client without open connections.
    ///
    /// # Errors
    ///
    /// The certificates cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self, TlsError> {
        Ok(Self { _options: options })
    }
}
