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
#[error("state folder `{path}` cannot be used: {source}")]
pub struct StateError {
    /// The folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl StateError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "name a folder that you can write with `--state DIR`; nothing was sent"
    }
}

impl StateFolder {
    /// Makes the folder if it is not there, and proves that it can be written.
    ///
    /// # Errors
    ///
    /// It cannot.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError {
            path: root.to_owned(),
            source,
        };
        for folder in [
            root.to_owned(),
            root.join("spool"),
            root.join("audit"),
            root.join("actions"),
        ] {
            make_private(&folder).map_err(failed)?;
        }
        tempfile::NamedTempFile::new_in(root).map_err(failed)?;
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

    pub(crate) fn code(&self) -> PathBuf {
        self.root.join("code")
    }

    pub(crate) fn actions(&self) -> PathBuf {
        self.root.join("actions")
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
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
