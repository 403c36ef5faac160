//! Compiled code on disk, so that a component is compiled once on a machine.
//!
//! A file is named by the component's digest and the engine's fingerprint, and starts with a keyed hash over both and
//! the code. The key lives beside the files, readable by their owner alone. So a file that another program wrote, that
//! was torn, or that belongs to another engine is compiled anew instead of loaded: loading machine code is running it.
//!
//! Two hosts at once are safe: files are written under a name of their own and moved into place, and whoever comes
//! second replaces the first's file by an equal one.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wasmtime::component::Component;

use crate::engine::Engine;

const MAC_LENGTH: usize = 32;
/// Milliseconds as eight bytes, the lowest first.
const TIME_LENGTH: usize = 8;
/// What stands in a file, so that one of another form is not taken for it.
const FORM: &[u8] = b"tipstaff code, 2: milliseconds, code";
/// The block of SHA-256, for which HMAC takes a key as it is (RFC 2104 section 2).
const KEY_LENGTH: usize = 64;

/// A folder of compiled code that only its owner may write.
#[derive(Clone)]
pub struct Cache {
    folder: PathBuf,
    key: [u8; KEY_LENGTH],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Why a folder cannot hold compiled code.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It could not be made, read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could put code there that this host would run.
    #[error("`{0}` can be written by others than its owner")]
    Open(PathBuf),
}

impl Cache {
    /// Opens `folder`, and makes it and its key if they are not there.
    ///
    /// # Errors
    ///
    /// [`CacheError`], which names the file.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| CacheError::Io { path, source }
        };
        make_private_folder(folder).map_err(at(folder))?;
        if is_open_to_others(folder).map_err(at(folder))? {
            return Err(CacheError::Open(folder.to_owned()));
        }
        let path = folder.join("key");
        let key = match read_key(&path) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_key(folder, &path).map_err(at(&path))?;
                read_key(&path).map_err(at(&path))?
            }
            Err(source) => return Err(CacheError::Io { path, source }),
        };
        if is_open_to_others(&path).map_err(at(&path))? {
            return Err(CacheError::Open(path));
        }
        Ok(Self {
            folder: folder.to_owned(),
            key,
        })
    }

    /// The code of the component with this digest and how long it took to compile, if it was compiled by this engine and
    /// nobody touched it since.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<(Component, Duration)> {
        let stored = fs::read(self.path(engine, digest)).ok()?;
        let (mac, timed) = stored.split_at_checked(MAC_LENGTH)?;
        self.keyed(engine, digest, timed).verify_slice(mac).ok()?;
        let (time, code) = timed.split_first_chunk::<TIME_LENGTH>()?;
        let component = deserialize(engine, code)?;
        Some((component, Duration::from_millis(u64::from_le_bytes(*time))))
    }

    /// Keeps the code of a component. A failure costs time at the next start and nothing else, so it is only logged.
    pub(crate) fn store(
        &self,
        engine: &Engine,
        digest: &str,
        component: &Component,
        took: Duration,
    ) {
        let kept = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|code| {
                let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                let timed = [&took.to_le_bytes()[..], &code].concat();
                let mac = self.keyed(engine, digest, &timed).finalize().into_bytes();
                let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
                file.write_all(&mac)?;
                file.write_all(&timed)?;
                file.persist(self.path(engine, digest))?;
                Ok(())
            });
        if let Err(error) = kept {
            tracing::warn!(folder = %self.folder.display(), %error, "compiled code could not be kept");
        }
    }

    fn path(&self, engine: &Engine, digest: &str) -> PathBuf {
        self.folder
            .join(format!("{digest}-{}.code", engine.fingerprint()))
    }

    fn keyed(&self, engine: &Engine, digest: &str, timed: &[u8]) -> Hmac<Sha256> {
        // The key has a fixed length, for which there is no error.
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        let fingerprint = engine.fingerprint();
        for part in [FORM, digest.as_bytes(), fingerprint.as_bytes(), timed] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }
}

#[expect(
    unsafe_code,
    reason = "loading compiled code has no safe form; what makes it sound stands below"
)]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: `deserialize` demands bytes that `Component::serialize` of this version of wasmtime made. The only caller
    // has just verified a keyed hash over a text of fixed form that they end, made by `Cache::store` of exactly such bytes for an engine with the
    // same fingerprint, with a key that only this user can read, in a folder that only this user can write. `code` is a
    // private copy in memory, so nobody can change it between check and use.
    unsafe { Component::deserialize(engine.wasmtime(), code) }.ok()
}

fn read_key(path: &Path) -> io::Result<[u8; KEY_LENGTH]> {
    let mut key = [0; KEY_LENGTH];
    let mut file = fs::File::open(path)?;
    file.read_exact(&mut key)?;
    Ok(key)
}

/// Of two hosts that make the key at once, the first wins and both read what it wrote.
fn make_key(folder: &Path, path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_LENGTH];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&key)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(path)?.mode() & 0o022 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const DIGEST: &str = "0123";

    fn component(engine: &Engine) -> Component {
        Component::new(engine.wasmtime(), b"\0asm\x0d\0\x01\0").unwrap()
    }

    #[test]
    fn code_comes_back_until_somebody_touches_it() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::new(1).unwrap();
        let cache = Cache::open(&folder.path().join("code")).unwrap();
        assert!(cache.load(&engine, DIGEST).is_none());
        let took = Duration::from_millis(1_234);
        cache.store(&engine, DIGEST, &component(&engine), took);
        assert_eq!(cache.load(&engine, DIGEST).unwrap().1, took);
        let again = Cache::open(&folder.path().join("code")).unwrap();
        assert!(again.load(&engine, DIGEST).is_some(), "the key is kept");

        let path = cache.path(&engine, DIGEST);
        let good = fs::read(&path).unwrap();
        for at in [0, MAC_LENGTH, MAC_LENGTH + TIME_LENGTH, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(cache.load(&engine, DIGEST).is_none(), "byte {at}");
        }
        fs::write(&path, &good[..good.len() / 2]).unwrap();
        assert!(cache.load(&engine, DIGEST).is_none(), "torn");
        fs::write(cache.path(&engine, "4567"), &good).unwrap();
        assert!(
            cache.load(&engine, "4567").is_none(),
            "another component's code"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(
            Cache::open(folder.path()),
            Err(CacheError::Open(_))
        ));
    }
}
