//! The key of a state folder, and the seals that it makes: proof that a text was written by this state folder's host.
//!
//! Whoever can read the key can seal: it protects against files that were edited by hand, copied from elsewhere or
//! written by another user, not against the state folder's owner.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The block of SHA-256, for which HMAC takes a key as it is (RFC 2104 section 2).
const LENGTH: usize = 64;

/// A key that only the owner of the state folder can read.
pub(super) struct Key(Zeroizing<[u8; LENGTH]>);

impl Key {
    /// Reads the key.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; LENGTH]);
        File::open(path)?.read_exact(key.as_mut())?;
        Ok(Self(key))
    }

    /// Makes a key. `path` must not be there.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut key = Zeroizing::new([0; LENGTH]);
        getrandom::fill(key.as_mut()).map_err(io::Error::other)?;
        // Temporary files are readable by their owner alone.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(key.as_ref())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(folder)?;
        Ok(Self(key))
    }

    /// The seal of `parts`, in hexadecimal digits.
    pub(super) fn seal(&self, parts: &[&str]) -> String {
        let seal = self.keyed(parts).finalize().into_bytes();
        seal.iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                // Writing to a string has no error.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    /// Whether `seal` is that of `parts`.
    pub(super) fn sealed(&self, parts: &[&str], seal: &str) -> bool {
        bytes(seal).is_some_and(|seal| self.keyed(parts).verify_slice(&seal).is_ok())
    }

    fn keyed(&self, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&(*self.0).into());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

/// A rename is on disk when its folder is. Not every system can open a folder.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(_) if cfg!(not(unix)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    if !hexadecimal.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..hexadecimal.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hexadecimal.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_its_text_and_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = Key::make(&path).unwrap();
        let seal = key.seal(&["a", "bc"]);
        assert!(Key::read(&path).unwrap().sealed(&["a", "bc"], &seal));
        // Parts are not run together.
        assert!(!key.sealed(&["ab", "c"], &seal));
        assert!(!key.sealed(&["a", "bd"], &seal));
        for broken in ["", "zz", "é", seal.get(2..).unwrap()] {
            assert!(!key.sealed(&["a", "bc"], broken), "{broken}");
        }
        let other = Key::make(&folder.path().join("other")).unwrap();
        assert!(!other.sealed(&["a", "bc"], &seal));
        assert!(Key::make(&path).is_err(), "a key is never replaced");
    }
}
