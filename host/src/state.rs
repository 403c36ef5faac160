//! The state folder: where everything that outlives a run is, readable by its owner alone.

use std::io;
use std::path::{Path, PathBuf};

/// A folder that this process may write.
#[derive(Clone, Debug)]
pub struct StateFolder {
    root: PathBuf,
}

/// The state folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It cannot be made or written.
    #[error("state folder `{path}` cannot be used: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It belongs to somebody else, who could approve there what this user then runs.
    #[error("state folder `{path}` belongs to user {owner}, and this is user {me}")]
    Anothers {
        /// The folder.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
        /// The number of who runs this.
        me: u32,
    },
    /// Others could write there what this user then runs.
    #[error("state folder `{0}` can be written by others than its owner")]
    Open(PathBuf),
}

impl StateError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Io { .. } => {
                "name a folder that you can write with `--state DIR`; nothing was sent".to_owned()
            }
            Self::Anothers { .. } => {
                "users do not share a state folder: name one of your own with `--state DIR`; nothing was sent"
                    .to_owned()
            }
            Self::Open(path) => format!(
                "it holds what you approved: `chmod go-w {}`; nothing was sent",
                path.display()
            ),
        }
    }
}

impl StateFolder {
    /// Makes the folder if it is not there, and proves that it can be written.
    ///
    /// # Errors
    ///
    /// It cannot.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Io {
            path: root.to_owned(),
            source,
        };
        for folder in [
            root.to_owned(),
            root.join("spool"),
            root.join("audit"),
            root.join("actions"),
            root.join("one-time-codes"),
        ] {
            make_private(&folder).map_err(failed)?;
        }
        let mine = tempfile::NamedTempFile::new_in(root).map_err(failed)?;
        let me = owner(&mine.as_file().metadata().map_err(failed)?);
        let owner = owner(&std::fs::metadata(root).map_err(failed)?);
        if owner != me {
            let path = root.to_owned();
            return Err(StateError::Anothers { path, owner, me });
        }
        if is_open_to_others(root).map_err(failed)? {
            return Err(StateError::Open(root.to_owned()));
        }
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ledger's file.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger.db")
    }

    /// The inventory's file.
    #[must_use]
    pub fn inventory(&self) -> PathBuf {
        self.root.join("inventory.db")
    }

    /// The folder of the audits, one file a run.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit")
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    pub(crate) fn lanes(&self) -> PathBuf {
        self.root.join("lanes")
    }

    pub(crate) fn code(&self) -> PathBuf {
        self.root.join("code")
    }

    pub(crate) fn registry(&self) -> PathBuf {
        self.root.join("registry")
    }

    pub(crate) fn one_time_codes(&self) -> PathBuf {
        self.root.join("one-time-codes")
    }

    pub(crate) fn actions(&self) -> PathBuf {
        self.root.join("actions")
    }
}

/// The number of the user whom a file belongs to; the same for all where there is no such number.
#[cfg(unix)]
fn owner(file: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(file)
}

#[cfg(not(unix))]
fn owner(_: &std::fs::Metadata) -> u32 {
    0
}

/// Whether others than the owner may write it.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata(path)?.mode() & 0o022 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_open_to_others(path: &Path) -> io::Result<bool> {
    std::fs::metadata(path).map(|_| false)
}

/// Makes a folder that only its owner can read, and those above it, if they are not there.
#[cfg(unix)]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Makes an empty file that only its owner can read, if there is none. SQLite gives the files beside it the same mode.
#[cfg(unix)]
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::File::options();
    options.create(true).append(true).mode(0o600).open(path)?;
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(path)?;
    Ok(())
}

/// Opens a file to read and write that only its owner can read; made if it is not there.
pub(crate) fn open_private(path: &Path) -> io::Result<std::fs::File> {
    let mut options = std::fs::File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("state");
        StateFolder::open(&root).unwrap();
        for mode in [0o770, 0o707, 0o722] {
            std::fs::set_permissions(&root, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = StateFolder::open(&root).unwrap_err();
            assert!(matches!(error, StateError::Open(_)), "{mode:o}: {error}");
            assert!(error.hint().contains("chmod go-w"));
        }
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
        StateFolder::open(&root).unwrap();
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // Only a superuser can give a folder away; elsewhere there is nothing to try.
        if std::os::unix::fs::chown(folder.path(), Some(65_534), None).is_ok() {
            let error = StateFolder::open(folder.path()).unwrap_err();
            assert!(
                matches!(error, StateError::Anothers { owner: 65_534, .. }),
                "{error}"
            );
        }
    }
}
