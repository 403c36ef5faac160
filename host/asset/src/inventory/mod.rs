//! The inventory: a SQLite file with the assets that were imported, each under its id.
//!
//! It keeps assets whole and gives them back as they came, and the queries that were saved. Which assets a run is about
//! is decided elsewhere.
//!
//! Two processes may have it open: each write is a short transaction, and who comes second waits. The file is for its
//! owner alone (mode 0600), because it lists who can sign in.

mod error;
mod facets;
mod fetch;
mod import;
mod migrations;
mod nearest;
mod queries;
mod search;

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Statement};

use crate::asset::Asset;

pub use error::InventoryError;
pub use fetch::{Change, FetchReport, Fetching, Origin};
pub use import::{BrokenRecord, ImportError, ImportReport};
pub use queries::SaveError;
pub use search::{Match, Matches, QueryFailure};

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The assets that were imported.
#[derive(Debug)]
pub struct Inventory {
    connection: Connection,
}

impl Inventory {
    /// Opens the inventory at `path`, and makes it if there is none. Its folder has to exist.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be opened, is something else, or was written by a newer Tipstaff.
    pub fn open(path: &Path) -> Result<Self, InventoryError> {
        let unopened = |source| InventoryError::Unopened {
            path: path.to_owned(),
            source,
        };
        make_private(path).map_err(unopened)?;
        // Without SQLITE_OPEN_URI a name such as `file:x?mode=memory` is a name.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection =
            Connection::open_with_flags(path, flags).map_err(InventoryError::database("open"))?;
        connection
            .busy_timeout(PATIENCE)
            .map_err(InventoryError::database("open"))?;
        migrations::apply(&mut connection, path)?;
        connection
            .execute_batch("PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;")
            .map_err(InventoryError::database("open"))?;
        Ok(Self { connection })
    }

    /// How many assets there are.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read.
    pub fn count(&self) -> Result<u64, InventoryError> {
        let count: i64 = self
            .connection
            .query_row("SELECT count(*) FROM assets", [], |row| row.get(0))
            .map_err(InventoryError::database("count"))?;
        Ok(count.unsigned_abs())
    }

    /// The asset of that id, if there is one.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read, or what it has is no asset.
    pub fn get(&self, id: &str) -> Result<Option<Asset>, InventoryError> {
        let mut by_id = self.by_id()?;
        find(&mut by_id, id)
    }

    /// The assets of `ids`, in that order, one at a time. An id that is not there is [`Selected::Unknown`].
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read; the iterator's items have it too.
    pub fn select<I>(&self, ids: I) -> Result<Select<'_, I::IntoIter>, InventoryError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Ok(Select {
            by_id: self.by_id()?,
            ids: ids.into_iter(),
        })
    }

    /// Ids of assets that somebody may have meant by `text`, at most `limit`: those that have it as the value of a
    /// field come first (a principal name given for an id), then those whose ids are spelt alike. Looks at every
    /// asset, so it is for messages about a few unknown ids.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read.
    pub fn nearest(&self, text: &str, limit: usize) -> Result<Vec<String>, InventoryError> {
        nearest::nearest(&self.connection, text.trim(), limit)
            .map_err(InventoryError::database("search"))
    }

    fn by_id(&self) -> Result<Statement<'_>, InventoryError> {
        self.connection
            .prepare("SELECT body FROM assets WHERE id = ?1")
            .map_err(InventoryError::database("read"))
    }
}

/// What the inventory has under an id.
#[derive(Clone, Debug, PartialEq)]
pub enum Selected {
    /// This.
    Asset(Asset),
    /// Nothing.
    Unknown {
        /// The id, as it was given.
        id: String,
    },
}

/// See [`Inventory::select`].
#[derive(Debug)]
pub struct Select<'a, I> {
    by_id: Statement<'a>,
    ids: I,
}

impl<I> Iterator for Select<'_, I>
where
    I: Iterator,
    I::Item: AsRef<str>,
{
    type Item = Result<Selected, InventoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let id = self.ids.next()?;
        let id = id.as_ref();
        Some(find(&mut self.by_id, id).map(|found| match found {
            Some(asset) => Selected::Asset(asset),
            None => Selected::Unknown { id: id.to_owned() },
        }))
    }
}

fn find(by_id: &mut Statement<'_>, id: &str) -> Result<Option<Asset>, InventoryError> {
    let body: Option<String> = by_id
        .query_row([id.trim()], |row| row.get(0))
        .optional()
        .map_err(InventoryError::database("read"))?;
    body.map(|body| {
        serde_json::from_str(&body).map_err(|source| InventoryError::Damaged {
            id: id.to_owned(),
            source,
        })
    })
    .transpose()
}

/// Makes the file if there is none, and takes it from everybody but its owner. SQLite gives its journal the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        let mut permissions = file.metadata()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            file.set_permissions(permissions)?;
        }
    }
    #[cfg(not(unix))]
    options.open(path)?;
    Ok(())
}

#[cfg(test)]
mod tests;
