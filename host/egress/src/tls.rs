//! Whom a connection trusts: TLS 1.2 and 1.3 by rustls and ring, Mozilla's roots and the connection's own.
//!
//! It makes settings; the handshake is done in [`crate::connect`].

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::error::TlsFailure;
use crate::pin::{Pin, Pinned};

/// Whom to trust. The default is the public roots.
#[derive(Clone, Debug)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    pins: Vec<Pin>,
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

impl Default for Tls {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            pins: Vec::new(),
            verify: true,
        }
    }
}

impl Tls {
    /// Trusts the public roots: Mozilla's list, as it was when this was built.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// Trusts the certificates of this PEM text too.
    ///
    /// # Errors
    ///
    /// It holds none, or one that cannot be used.
    pub fn with_ca_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let before = self.roots.len();
        for (at, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let bad = |reason: String| TlsError::BadCertificate {
                number: at + 1,
                reason,
            };
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|error| bad(error.to_string()))?;
            self.roots.push(certificate);
        }
        if self.roots.len() == before {
            Err(TlsError::NoCertificate)
        } else {
            Ok(self)
        }
    }

    /// Trusts a certificate that is there in DER already, as one from the trust store.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    pub fn with_ca_der(mut self, der: Vec<u8>) -> Result<Self, TlsError> {
        let certificate = CertificateDer::from(der);
        let added = RootCertStore::empty().add(certificate.clone());
        added.map_err(|error| TlsError::BadCertificate {
            number: 1,
            reason: error.to_string(),
        })?;
        self.roots.push(certificate);
        Ok(self)
    }

    /// Demands that a service has one of these keys, beside all else that is checked. None demands nothing.
    #[must_use]
    pub fn with_pins(mut self, pins: impl IntoIterator<Item = Pin>) -> Self {
        self.pins.extend(pins);
        self
    }

    /// Whether certificates are checked.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.verify
    }

    pub(crate) fn config(&self) -> Result<ClientConfig, TlsError> {
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let setup = |error: rustls::Error| TlsError::Setup(error.to_string());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(setup)?;
        let verifier: Arc<dyn ServerCertVerifier> = if self.verify {
            let mut roots = RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            };
            roots.add_parsable_certificates(self.roots.iter().cloned());
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| TlsError::Setup(error.to_string()))?
        } else {
            danger::anybody(provider)
        };
        let verifier = if self.pins.is_empty() {
            verifier
        } else {
            Arc::new(Pinned {
                inner: verifier,
                pins: self.pins.clone(),
            })
        };
        // "Dangerous" is any verifier that is handed over ready made; which one it is was decided above.
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl From<&rustls::Error> for TlsFailure {
    fn from(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(reason) = error else {
            return Self::Handshake(error.to_string());
        };
        match reason {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotValidYet
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            // No other verifier of ours says this.
            CertificateError::ApplicationVerificationFailure => Self::NotPinned,
            other => Self::Certificate(other.to_string()),
        }
    }
}

/// What weakens a connection: search for it to find every use.
pub mod danger {
    use std::fmt;
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    use super::Tls;

    /// Trusts whoever answers, for a connection whose operator set `verify_ssl = false`. Host names are not checked
    /// either, so anybody in between can read and change everything, tokens included.
    #[must_use]
    pub fn trust_anybody(mut tls: Tls) -> Tls {
        tls.verify = false;
        tls
    }

    pub(super) fn anybody(provider: Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
        Arc::new(Anybody { provider })
    }

    /// Accepts every certificate. The handshake still proves that the peer has the certificate's key.
    struct Anybody {
        provider: Arc<CryptoProvider>,
    }

    impl fmt::Debug for Anybody {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Anybody")
        }
    }

    impl ServerCertVerifier for Anybody {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                cert,
                dss,
                &self.provider.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                cert,
                dss,
                &self.provider.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider
                .signature_verification_algorithms
                .supported_schemes()
        }
    }
}
