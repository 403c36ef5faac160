//! The certificate that a connection signs in with, and its key: where they are, and what is in them.
//!
//! The certificate can be read at any time if it is not encrypted; the key only when an assertion is to be signed. Keys
//! are zeroed when they are dropped.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use sha2::{Digest as _, Sha256};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::{Zeroize as _, Zeroizing};

use super::secret::{SecretSource, SourceError};

/// A certificate and where it and its key are.
#[derive(Debug)]
pub enum Certificate {
    /// A certificate and its key, apart, both in PEM.
    Pem {
        /// The file of the certificate; the first one in it counts.
        cert_file: PathBuf,
        /// Where the key is: PKCS #8 or PKCS #1, not encrypted.
        key: SecretSource,
    },
    /// The same from an embedding program.
    Given {
        /// The certificate, in PEM.
        certificate: String,
        /// Where the key is.
        key: SecretSource,
    },
    /// A PKCS #12 file (PFX) that holds both.
    Pfx {
        /// The file.
        pfx_file: PathBuf,
        /// Where its password is; without one it is empty.
        password: Option<SecretSource>,
    },
}

/// Why a certificate or its key cannot be used. Never what is in a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// There is no certificate in it.
    #[error("{place} holds no certificate: {reason}")]
    NoCertificate {
        /// Where it should be.
        place: String,
        /// What was found.
        reason: String,
    },
    /// The source of the key, or of the password, failed.
    #[error("its {what}: {source}")]
    Source {
        /// `key` or `password`.
        what: &'static str,
        /// Why.
        source: SourceError,
    },
    /// The key cannot be read.
    #[error("its key ({place}) cannot be read: {reason}")]
    BadKey {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The PKCS #12 file cannot be opened.
    #[error("`{path}` cannot be opened: {reason}")]
    Pfx {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key belongs to another certificate.
    #[error("its key ({place}) belongs to another certificate")]
    WrongKey {
        /// Where the key is.
        place: String,
    },
    /// It is for another kind of key.
    #[error("it is not for an RSA key, and Microsoft Entra ID takes no others")]
    NotRsa,
}

impl CertificateError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the path, and that this user may read the file",
            Self::NoCertificate { .. } => {
                "`cert_file` has to hold a certificate in PEM format (`-----BEGIN CERTIFICATE-----`)"
            }
            Self::Source { .. } => "check where the connection takes it from",
            Self::BadKey { .. } => {
                "a key has to be in PEM format and not encrypted: `openssl pkey -in KEY -out PLAIN`; or use a PFX file \
                 with a password"
            }
            Self::Pfx { .. } => {
                "check its password; `openssl pkcs12 -info -in FILE` shows what is in it"
            }
            Self::WrongKey { .. } => "name the key that the certificate was made with",
            Self::NotRsa => {
                "make a certificate with an RSA key of 2048 bits or more, and upload it to the application"
            }
        }
    }
}

/// Days before its end from which somebody should know of it.
const SOON: i64 = 30;

/// Where a certificate is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is good for so many days more.
    Good(i64),
    /// It ends in so many days.
    EndsSoon(i64, Timestamp),
    /// It has ended.
    Ended(Timestamp),
    /// It has not begun.
    Early(Timestamp),
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = |at: &Timestamp| at.strftime("%Y-%m-%d").to_string();
        match self {
            Self::Good(days) => write!(f, "The certificate is good for {days} days more."),
            Self::EndsSoon(days, end) => write!(
                f,
                "The certificate ends in {days} days, on {}: make a new one and upload it to the application before.",
                day(end)
            ),
            Self::Ended(end) => write!(
                f,
                "The certificate ended on {}: make a new one and upload it to the application.",
                day(end)
            ),
            Self::Early(begin) => write!(
                f,
                "The certificate is not good before {}: check this machine's clock.",
                day(begin)
            ),
        }
    }
}

/// What everybody may know of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Public {
    der: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// A certificate with its key.
pub(crate) struct Pair {
    pub(crate) public: Public,
    pub(crate) key: rsa::PrivateKey,
}

impl Certificate {
    /// Where it and its key are, for a person: never what is in them.
    #[must_use]
    pub fn describe(&self) -> String {
        let key_in = |key: &SecretSource| format!("its key in {}", key.describe());
        match self {
            Self::Pem { cert_file, key } => {
                format!("file `{}`, {}", cert_file.display(), key_in(key))
            }
            Self::Given { key, .. } => {
                format!("given by the embedding program, {}", key_in(key))
            }
            Self::Pfx { pfx_file, password } => match password {
                Some(password) => format!(
                    "file `{}`, its password in {}",
                    pfx_file.display(),
                    password.describe()
                ),
                None => format!("file `{}`, without a password", pfx_file.display()),
            },
        }
    }

    /// Whether it can be seen without reading a secret that it cannot be used.
    ///
    /// # Errors
    ///
    /// What is missing or wrong.
    pub fn is_there(&self) -> Result<(), CertificateError> {
        let key = match self {
            Self::Pem { key, .. } | Self::Given { key, .. } => Some(("key", key)),
            Self::Pfx { password, .. } => password.as_ref().map(|source| ("password", source)),
        };
        if let Some((what, source)) = key {
            let missing = |source| CertificateError::Source { what, source };
            source.is_there().map_err(missing)?;
        }
        match self.public()? {
            Some(public) => public.rsa_key().map(drop),
            None => match self {
                Self::Pfx { pfx_file, .. } => std::fs::metadata(pfx_file)
                    .map(drop)
                    .map_err(|error| unreadable(pfx_file, &error)),
                Self::Pem { .. } | Self::Given { .. } => Ok(()),
            },
        }
    }

    /// The certificate without its key; `None` where it is encrypted together with it.
    pub(crate) fn public(&self) -> Result<Option<Public>, CertificateError> {
        match self {
            Self::Pem { cert_file, .. } => {
                let pem =
                    std::fs::read(cert_file).map_err(|error| unreadable(cert_file, &error))?;
                Public::of_pem(&pem, &format!("`{}`", cert_file.display())).map(Some)
            }
            Self::Given { certificate, .. } => {
                Public::of_pem(certificate.as_bytes(), "what the embedding program gave").map(Some)
            }
            Self::Pfx { .. } => Ok(None),
        }
    }

    /// How long it is good for, as far as can be seen without reading a secret.
    pub(crate) fn standing(&self, now: Timestamp) -> Option<Standing> {
        let public = self.public().ok().flatten()?;
        Some(public.standing(now))
    }

    /// The same, and whether it can be used at all: reads the certificate and the key.
    pub(crate) async fn examine(&self, now: Timestamp) -> Result<Standing, CertificateError> {
        Ok(self.open().await?.public.standing(now))
    }

    /// Whether a secret file is named, which others should not be able to find out.
    pub(crate) fn secret_sources(&self) -> impl Iterator<Item = &SecretSource> {
        match self {
            Self::Pem { key, .. } | Self::Given { key, .. } => Some(key),
            Self::Pfx { password, .. } => password.as_ref(),
        }
        .into_iter()
    }

    /// Reads the certificate and the key.
    pub(crate) async fn open(&self) -> Result<Pair, CertificateError> {
        let source = |what| move |source| CertificateError::Source { what, source };
        let (public, key, place) = match self {
            Self::Pem { key, .. } | Self::Given { key, .. } => {
                let public = self.public()?.ok_or(CertificateError::NotRsa)?;
                public.rsa_key()?;
                let place = key.describe();
                let text = key.read().await.map_err(source("key"))?;
                (public, private_key(text.expose(), &place)?, place)
            }
            Self::Pfx { pfx_file, password } => {
                let bytes = tokio::fs::read(pfx_file)
                    .await
                    .map_err(|error| unreadable(pfx_file, &error))?;
                let password = match password {
                    Some(password) => Some(password.read().await.map_err(source("password"))?),
                    None => None,
                };
                let path = pfx_file.clone();
                // Deriving a key from a password is slow on purpose.
                let opened = tokio::task::spawn_blocking(move || {
                    open_pfx(
                        &path,
                        &bytes,
                        password.as_ref().map_or("", |one| one.expose()),
                    )
                });
                let (public, key) = opened.await.map_err(|error| CertificateError::Pfx {
                    path: pfx_file.clone(),
                    reason: error.to_string(),
                })??;
                (public, key, format!("in `{}`", pfx_file.display()))
            }
        };
        if public.rsa_key()? != key.to_public_key() {
            return Err(CertificateError::WrongKey { place });
        }
        Ok(Pair { public, key })
    }
}

impl Public {
    fn of_pem(pem: &[u8], place: &str) -> Result<Self, CertificateError> {
        let none = |reason: String| CertificateError::NoCertificate {
            place: place.to_owned(),
            reason,
        };
        let found = Pem::iter_from_buffer(pem)
            .flatten()
            .find(|block| block.label == "CERTIFICATE")
            .ok_or_else(|| none("there is no `BEGIN CERTIFICATE` in it".to_owned()))?;
        Self::of_der(&found.contents, place)
    }

    fn of_der(der: &[u8], place: &str) -> Result<Self, CertificateError> {
        let none = |reason: &str| CertificateError::NoCertificate {
            place: place.to_owned(),
            reason: reason.to_owned(),
        };
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| none("it is no X.509"))?;
        let validity = certificate.validity();
        let time = |seconds: i64| {
            Timestamp::from_second(seconds).map_err(|_| none("its dates cannot be read"))
        };
        Ok(Self {
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
            der: der.to_vec(),
        })
    }

    fn standing(&self, now: Timestamp) -> Standing {
        let days = self.not_after.duration_since(now).as_hours() / 24;
        if now > self.not_after {
            Standing::Ended(self.not_after)
        } else if now < self.not_before {
            Standing::Early(self.not_before)
        } else if days < SOON {
            Standing::EndsSoon(days, self.not_after)
        } else {
            Standing::Good(days)
        }
    }

    fn rsa_key(&self) -> Result<rsa::PublicKey, CertificateError> {
        let (_, certificate) =
            X509Certificate::from_der(&self.der).map_err(|_| CertificateError::NotRsa)?;
        rsa::PublicKey::from_public_key_der(certificate.public_key().raw)
            .map_err(|_| CertificateError::NotRsa)
    }

    /// SHA-256 of the certificate.
    pub(crate) fn thumbprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }
}

/// Reads a key in PEM, whatever else stands in the text.
fn private_key(text: &str, place: &str) -> Result<rsa::PrivateKey, CertificateError> {
    let bad = |reason| CertificateError::BadKey {
        place: place.to_owned(),
        reason,
    };
    if let Some(block) = block(text, "PRIVATE KEY") {
        return rsa::PrivateKey::from_pkcs8_pem(block)
            .map_err(|_| bad("it is no RSA key in PKCS #8 format"));
    }
    if let Some(block) = block(text, "RSA PRIVATE KEY") {
        if block.contains("ENCRYPTED") {
            return Err(bad("it is encrypted"));
        }
        return rsa::PrivateKey::from_pkcs1_pem(block)
            .map_err(|_| bad("it is no RSA key in PKCS #1 format"));
    }
    Err(bad(if block(text, "ENCRYPTED PRIVATE KEY").is_some() {
        "it is encrypted"
    } else {
        "there is no `BEGIN PRIVATE KEY` in it"
    }))
}

/// The block of a PEM text that has this label, from its first line to its last.
fn block<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let from = text.find(&begin)?;
    let length = text[from..].find(&end)? + end.len();
    Some(&text[from..from + length])
}

fn open_pfx(
    path: &Path,
    bytes: &[u8],
    password: &str,
) -> Result<(Public, rsa::PrivateKey), CertificateError> {
    let failed = |reason: &str| CertificateError::Pfx {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let open = |policy| {
        KeyStore::from_pkcs12(bytes, password, policy).map_err(|error| failed(&error.to_string()))
    };
    // A key and its certificate are told to belong together by an identifier, which some programs leave out.
    let linked = open(Pkcs12ImportPolicy::Strict)?;
    let loose;
    let (der, mut key) = match linked.private_key_chain() {
        Some((_, chain)) => (
            chain.certs().first().map(|one| one.as_der().to_vec()),
            Zeroizing::new(chain.key().as_der().to_vec()),
        ),
        None => {
            loose = open(Pkcs12ImportPolicy::Relaxed)?;
            let certificate = loose.entries().find_map(|(_, entry)| match entry {
                KeyStoreEntry::Certificate(one) => Some(one.as_der().to_vec()),
                _ => None,
            });
            let key = loose.private_key_chain().map(|(_, chain)| chain.key());
            let key = key.ok_or_else(|| failed("there is no private key in it"))?;
            (certificate, Zeroizing::new(key.as_der().to_vec()))
        }
    };
    let der = der.ok_or_else(|| failed("there is no certificate in it"))?;
    let public = Public::of_der(&der, &format!("`{}`", path.display()))?;
    let private = rsa::PrivateKey::from_pkcs8_der(&key).map_err(|_| CertificateError::NotRsa);
    key.zeroize();
    Ok((public, private?))
}

fn unreadable(path: &Path, error: &std::io::Error) -> CertificateError {
    CertificateError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
