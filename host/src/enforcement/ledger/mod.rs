//! The durable record of runs and their outcomes: one SQLite file in the state folder.
//!
//! # Locking
//! Write-ahead logging: readers never wait, writers of several processes take turns for the length of a transaction
//! (milliseconds) and give up after [`PATIENCE`] with an error that ends the run, because an outcome that cannot be
//! written must not be shown.
//!
//! # Durability
//! A transaction is on disk (`synchronous = FULL`) before its outcomes are shown to anybody. The write-ahead log stays
//! when the last connection closes: folding it into the file then would make every short run wait twice more for the
//! disk. It is folded in whenever it has reached a megabyte, so a copy of a ledger is `ledger.db` with `ledger.db-wal`.
//!
//! # Compatibility
//! [`MIGRATIONS`] only grows. A later release adds tables and columns with defaults, and changes the meaning of none.
//! A file that a newer release wrote is refused, naming both versions: writing it could drop what this release does not
//! know.
//!
//! # Proof
//! Each outcome carries a link: the SHA-256 of the link before it and of its own line as it is exported. Whoever has the
//! lines can compute the last link again.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use sha2::{Digest, Sha256};
use tipstaff_sandbox::Verdict;

pub use read::{Outcomes, RunRecord, RunState, Runs};
pub use write::NewOutcome;
pub(crate) use write::{NewRun, Writer};

use super::outcome::{Link, VERDICTS};

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(20);

/// Every table, in the order in which they came to be. Never edit one that was released: add the next.
const MIGRATIONS: &[&str] = &["
    create table run (
        number integer primary key,
        id text not null unique,
        first text,
        simulated integer not null,
        action text not null,
        version text not null,
        digest text not null,
        connection text not null,
        plan text not null,
        plan_digest text not null,
        assets integer not null,
        started text not null,
        ended text,
        ending text,
        reason text
    ) strict;
    create table outcome (
        run integer not null references run (number),
        seq integer not null,
        asset text not null,
        verdict integer not null,
        code text not null,
        message text not null,
        evidence text not null,
        at text not null,
        link blob not null,
        primary key (run, seq)
    ) strict, without rowid;
    create unique index outcome_of_asset on outcome (run, asset);
    create table tally (
        run integer not null references run (number),
        verdict integer not null,
        code text not null,
        count integer not null,
        primary key (run, verdict, code)
    ) strict, without rowid;
"];

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// It was written by a newer release.
    #[error("ledger `{path}` has version {found}, and this tipstaff knows versions up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The newest that is known.
        known: usize,
    },
    /// No run has this id.
    #[error("no run `{0}`")]
    NoSuchRun(String),
    /// Several runs begin like this.
    #[error("`{0}` could be any of {1} runs")]
    Ambiguous(String, usize),
    /// The file could not be made.
    #[error("ledger `{path}` cannot be opened: {reason}")]
    Unopened {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It could not be read or written.
    #[error("ledger `{path}`: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Newer { .. } => {
                Some("use the newer tipstaff, or another state folder (`--state DIR`)")
            }
            Self::NoSuchRun(_) | Self::Ambiguous(..) => Some("`tipstaff runs list` shows all runs"),
            Self::Sqlite { .. } | Self::Unopened { .. } => Some(
                "is the disk full, or the state folder not writable? nothing is sent while outcomes cannot be kept",
            ),
        }
    }
}

/// Pages of 4 KiB after which the write-ahead log is folded into the file.
const FOLD_AFTER: u32 = 250;

/// The record of all runs in a state folder. Cheap to clone. Writers and long readings open connections of their own.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
    /// For short readings; that it stays open spares the others from making the log's files anew.
    shared: Arc<Mutex<Connection>>,
}

impl Ledger {
    /// Opens the ledger at `path`, and makes or migrates it.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Newer`], or what SQLite says.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        crate::state::make_private_file(path).map_err(|error| LedgerError::Unopened {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let failed = |source| LedgerError::Sqlite {
            path: path.to_owned(),
            source,
        };
        let mut connection = connect(path).map_err(failed)?;
        migrate(&mut connection, MIGRATIONS).map_err(|error| match error {
            MigrationError::Newer(found) => LedgerError::Newer {
                path: path.to_owned(),
                found,
                known: MIGRATIONS.len(),
            },
            MigrationError::Sqlite(source) => failed(source),
        })?;
        Ok(Self {
            path: path.to_owned(),
            shared: Arc::new(Mutex::new(connection)),
        })
    }

    /// A connection for a user that keeps it.
    pub(crate) fn connect(&self) -> Result<Connection, LedgerError> {
        connect(&self.path).map_err(|source| self.failed(source))
    }

    /// Reads something short.
    fn read<T>(
        &self,
        reading: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        // Readings leave nothing behind that a panic could spoil.
        let connection = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        reading(&connection).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::Sqlite {
            path: self.path.clone(),
            source,
        }
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", FOLD_AFTER)?;
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

pub(crate) enum MigrationError {
    Newer(usize),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrationError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Brings a database to the last of `migrations`, counted by `user_version`, in one exclusive transaction.
pub(crate) fn migrate(
    connection: &mut Connection,
    migrations: &[&str],
) -> Result<(), MigrationError> {
    let version = |c: &Connection| {
        c.query_row("pragma user_version", [], |row| {
            row.get::<_, u32>(0).map(|v| v as usize)
        })
    };
    let found = version(connection)?;
    if found == migrations.len() {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    // Another process may have migrated while this one waited for the lock.
    let found = version(&transaction)?;
    let Some(missing) = migrations.get(found..) else {
        return Err(MigrationError::Newer(found));
    };
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(
        None,
        "user_version",
        u32::try_from(migrations.len()).unwrap_or(u32::MAX),
    )?;
    transaction.commit()?;
    Ok(())
}

/// The link of an outcome: what came before, and its line without the link.
pub(crate) fn link(before: &Link, line: &str) -> Link {
    chained(&before.0, line.as_bytes())
}

/// The link before the first outcome of a run.
pub(crate) fn first_link(run: &str, plan_digest: &str) -> Link {
    chained(run.as_bytes(), plan_digest.as_bytes())
}

fn chained(before: &[u8], then: &[u8]) -> Link {
    let digest = Sha256::new().chain_update(before).chain_update(then);
    Link(digest.finalize().into())
}

fn verdict_number(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Succeeded => 0,
        Verdict::Skipped => 1,
        Verdict::Failed => 2,
        Verdict::InDoubt => 3,
        Verdict::NotAttempted => 4,
        Verdict::WouldEnforce => 5,
    }
}

fn verdict_of_number(number: i64) -> Verdict {
    // A number that this release does not know is a verdict of a newer one, and `open` has refused those.
    VERDICTS
        .into_iter()
        .find(|v| verdict_number(*v) == number)
        .unwrap_or(Verdict::InDoubt)
}
