//! The trust store: authorities that every connection trusts beside the public ones, as certificates in the state folder.
//!
//! A connection's own `ca_file` is for that connection alone; what stands here is for all. Each entry is a file in PEM
//! format, `trust/NAME.pem`, and is read anew each time, so that what is removed is trusted no longer.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use tipstaff_egress::{Tls, TlsError};

use crate::state::StateFolder;

/// The largest file of certificates, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 64;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The authorities in a state folder.
#[derive(Clone, Debug)]
pub struct TrustStore {
    folder: PathBuf,
}

/// Authorities that were added together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// What they are called.
    pub name: String,
    /// The SHA-256 of each certificate, in hexadecimal digits.
    pub fingerprints: Vec<String>,
}

/// Why the trust store was not changed or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The file to add cannot be read, or the store not written.
    #[error("`{path}` cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The name is none.
    #[error("`{name}` cannot be the name of an authority")]
    Name {
        /// The name.
        name: String,
    },
    /// There are no certificates in it, or some that cannot be used.
    #[error("`{path}` has no certificates that can be used: {reason}")]
    NoCertificates {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Other certificates have the name.
    #[error("other certificates are trusted as `{name}` already")]
    Taken {
        /// The name.
        name: String,
    },
    /// There is none of this name.
    #[error("no authority `{name}` was added")]
    Unknown {
        /// The name.
        name: String,
    },
}

impl TrustError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Name { .. } => Some(
                "name the file with letters, digits, `-`, `_` and `.`: the authority has its name"
                    .to_owned(),
            ),
            Self::NoCertificates { .. } => Some(
                "it has to hold certificates in PEM format: `openssl x509 -in FILE -outform PEM` makes that of others"
                    .to_owned(),
            ),
            Self::Taken { name } => Some(format!(
                "`tipstaff trust remove {name}`, or give the file another name"
            )),
            Self::Unknown { .. } => {
                Some("`tipstaff trust list` lists those that were added".to_owned())
            }
        }
    }
}

impl StateFolder {
    /// The authorities that every connection trusts.
    #[must_use]
    pub fn trust(&self) -> TrustStore {
        TrustStore::of(self.root())
    }
}

impl TrustStore {
    /// The store of the state folder at `root`, which need not be there.
    #[must_use]
    pub fn of(root: &Path) -> Self {
        Self {
            folder: root.join("trust"),
        }
    }

    /// Trusts the certificates of a file from now on. They are called as the file is, without its ending.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if the file has none that can be used, or if others have the name.
    pub fn add(&self, file: &Path) -> Result<Trusted, TrustError> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = checked(&name)?;
        let text = read(file)?;
        let unusable = |reason: String| TrustError::NoCertificates {
            path: file.to_owned(),
            reason,
        };
        Tls::public()
            .with_ca_pem(text.as_bytes())
            .map_err(|error: TlsError| unusable(error.to_string()))?;
        // Only the certificates: a private key beside them does not belong here.
        let certificates: Vec<&str> = blocks(&text).collect();
        if certificates.is_empty() {
            return Err(unusable("there are none".to_owned()));
        }
        let text = certificates.join("\n") + "\n";
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(old) if old == text => return trusted(name, &text).map_err(unusable),
            Ok(_) => {
                return Err(TrustError::Taken {
                    name: name.to_owned(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(TrustError::Io { path, source }),
        }
        let added = trusted(name, &text).map_err(unusable)?;
        self.write(&path, &text)
            .map_err(|source| TrustError::Io { path, source })?;
        Ok(added)
    }

    /// What was added, by name.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if the store cannot be read.
    pub fn list(&self) -> Result<Vec<Trusted>, TrustError> {
        self.entries()?
            .into_iter()
            .map(|(name, path)| {
                let text = read(&path)?;
                trusted(&name, &text).map_err(|reason| TrustError::NoCertificates { path, reason })
            })
            .collect()
    }

    /// Trusts these no longer.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if there are none of this name, or if the store cannot be written to.
    pub fn remove(&self, name: &str) -> Result<(), TrustError> {
        let path = self.path(checked(name)?);
        fs::remove_file(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => TrustError::Unknown {
                name: name.to_owned(),
            },
            _ => TrustError::Io { path, source },
        })
    }

    /// All of them in PEM format; `None` if there are none.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if the store cannot be read.
    pub fn pem(&self) -> Result<Option<String>, TrustError> {
        let texts: Vec<String> = self
            .entries()?
            .iter()
            .map(|(_, path)| read(path))
            .collect::<Result<_, _>>()?;
        Ok((!texts.is_empty()).then(|| texts.concat()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    fn entries(&self) -> Result<Vec<(String, PathBuf)>, TrustError> {
        let failed = |source| TrustError::Io {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if let (Some(name), Some("pem")) = (
                path.file_stem().and_then(|name| name.to_str()),
                path.extension().and_then(|ending| ending.to_str()),
            ) {
                found.push((name.to_owned(), path.clone()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// In one step, for its owner alone: who can write here decides whom every connection believes.
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        crate::state::make_private(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn checked(name: &str) -> Result<&str, TrustError> {
    let fits = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    fits.then_some(name).ok_or_else(|| TrustError::Name {
        name: name.chars().take(MAX_NAME_BYTES).collect(),
    })
}

fn read(path: &Path) -> Result<String, TrustError> {
    let failed = |source| TrustError::Io {
        path: path.to_owned(),
        source,
    };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MAX_BYTES as u64 {
        return Err(TrustError::NoCertificates {
            path: path.to_owned(),
            reason: format!("it is larger than {} KiB", MAX_BYTES / 1024),
        });
    }
    fs::read_to_string(path).map_err(failed)
}

/// The certificates of a file, each with its first and last line.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(BEGIN).filter_map(|(start, _)| {
        let rest = text.get(start..)?;
        rest.get(..rest.find(END)? + END.len())
    })
}

fn trusted(name: &str, text: &str) -> Result<Trusted, String> {
    let fingerprints = blocks(text)
        .map(|block| {
            let body = block.trim_start_matches(BEGIN).trim_end_matches(END);
            let body: String = body.split_whitespace().collect();
            let der = BASE64_STANDARD
                .decode(body)
                .map_err(|error| error.to_string())?;
            let digest = Sha256::digest(der);
            Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .collect::<Result<_, String>>()?;
    Ok(Trusted {
        name: name.to_owned(),
        fingerprints,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use super::*;

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.self_signed(&key).unwrap().pem() + &key.serialize_pem()
    }

    #[test]
    fn authorities_are_added_listed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = TrustStore::of(folder.path());
        assert_eq!(store.list().unwrap(), []);
        assert_eq!(store.pem().unwrap(), None);
        let file = folder.path().join("corp-root.crt");
        fs::write(&file, authority()).unwrap();
        let added = store.add(&file).unwrap();
        assert_eq!(
            (added.name.as_str(), added.fingerprints.len()),
            ("corp-root", 1)
        );
        assert_eq!(store.add(&file).unwrap(), added);
        assert_eq!(store.list().unwrap(), [added]);
        let pem = store.pem().unwrap().unwrap();
        assert!(pem.starts_with(BEGIN) && !pem.contains("PRIVATE"), "{pem}");
        fs::write(&file, authority()).unwrap();
        assert!(matches!(store.add(&file), Err(TrustError::Taken { .. })));
        store.remove("corp-root").unwrap();
        assert_eq!(store.pem().unwrap(), None);
        assert!(matches!(
            store.remove("corp-root"),
            Err(TrustError::Unknown { .. })
        ));
    }

    #[test]
    fn what_is_no_authority_is_refused_and_no_name_leads_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let store = TrustStore::of(folder.path());
        let file = folder.path().join("x.pem");
        for text in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            fs::write(&file, text).unwrap();
            assert!(
                matches!(store.add(&file), Err(TrustError::NoCertificates { .. })),
                "{text}"
            );
        }
        assert!(matches!(store.remove("../x"), Err(TrustError::Name { .. })));
        assert!(matches!(
            store.add(&folder.path().join("none.pem")),
            Err(TrustError::Io { .. })
        ));
    }
}
