//! Why the inventory could not be opened, read or written.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the inventory could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// What is kept under an id is no asset: somebody else wrote to the file.
    #[error("what the inventory has under `{id}` is no asset")]
    Damaged {
        /// The id.
        id: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },

    /// SQLite could not do it.
    #[error("cannot {doing} the inventory")]
    Database {
        /// A verb: `read`.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },

    /// A newer Tipstaff wrote it, and this one would lose what it does not know.
    #[error("`{path}` has inventory format {found}, and this version knows up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },

    /// It is some other file.
    #[error("`{path}` is no inventory")]
    NotAnInventory {
        /// The file.
        path: PathBuf,
    },

    /// The system has no thread for reading it.
    #[error("cannot start a thread that reads the inventory")]
    Thread(#[source] io::Error),

    /// An asset could not be written as JSON.
    #[error("cannot write down the asset `{id}`")]
    Unwritable {
        /// Its id.
        id: String,
        /// Why.
        source: serde_json::Error,
    },

    /// The file could not be opened or made.
    #[error("cannot open `{path}`")]
    Unopened {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl InventoryError {
    pub(super) fn database(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Database { doing, source }
    }

    /// What to do next, as a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        let code = match self {
            Self::Database { source, .. } => source.sqlite_error_code(),
            Self::Newer { .. } => return "Use the newer Tipstaff, or another state folder.",
            Self::NotAnInventory { .. } => {
                return "Move the file away, or use another state folder.";
            }
            Self::Unopened { .. } => {
                return "Check that the state folder exists and can be written to.";
            }
            Self::Thread(_) => return "Try again when the machine has less to do.",
            Self::Damaged { .. } | Self::Unwritable { .. } => return "Import the asset again.",
        };
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "Another Tipstaff is writing to the inventory; try again when it is done."
            }
            Some(ErrorCode::DiskFull) => {
                "Make room on the disk of the state folder; what was stored before is kept."
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                "Check that the state folder can be written to."
            }
            _ => {
                "Check the disk of the state folder; a new inventory can be made by importing the lists again."
            }
        }
    }
}
