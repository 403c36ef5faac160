//! The queries that were saved.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::Inventory;
use super::error::InventoryError;
use super::search::QueryFailure;
use crate::query::{InvalidName, Query, SavedQuery, checked_name};

/// Why a query was not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// Its name cannot be one.
    #[error(transparent)]
    Name(#[from] InvalidName),

    /// It is wrong, or the inventory cannot be used.
    #[error(transparent)]
    Query(#[from] QueryFailure),

    /// Another query has this name for its id.
    #[error("`{name}` is the id of the saved query `{other}`")]
    Taken {
        /// The name.
        name: String,
        /// The other query.
        other: String,
    },
}

impl Inventory {
    /// All saved queries, by name.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read.
    pub fn saved_queries(&self) -> Result<Vec<SavedQuery>, InventoryError> {
        read_all(&self.connection).map_err(InventoryError::database("read"))
    }

    /// Saves `text` under `name`, in place of what that was; its id stays.
    ///
    /// # Errors
    ///
    /// [`SaveError`] if the name or the query is wrong. What was there before stays.
    pub fn save_query(
        &mut self,
        name: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<SavedQuery, SaveError> {
        checked_name(name)?;
        let mut saved = self.saved_queries().map_err(QueryFailure::from)?;
        if let Some(other) = saved.iter().find(|query| query.id == name) {
            return Err(SaveError::Taken {
                name: name.to_owned(),
                other: other.name.clone(),
            });
        }
        let known = saved.iter().position(|query| query.name == name);
        let id = match known {
            Some(at) => saved.swap_remove(at).id,
            None => self.new_id().map_err(QueryFailure::from)?,
        };
        let query = SavedQuery {
            id,
            name: name.to_owned(),
            text: text.to_owned(),
        };
        saved.push(query.clone());
        let catalog = self.catalog_if_filled().map_err(QueryFailure::from)?;
        let terms = crate::query::Terms {
            now,
            saved: &saved,
            catalog: catalog.as_ref(),
        };
        Query::read_saved(&query, terms).map_err(QueryFailure::from)?;
        self.connection
            .execute(
                "INSERT INTO queries (id, name, text) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET text = excluded.text",
                [&query.id, &query.name, &query.text],
            )
            .map_err(InventoryError::database("write to"))
            .map_err(QueryFailure::from)?;
        Ok(query)
    }

    /// The query of this id or name.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read.
    pub fn saved_query(&self, reference: &str) -> Result<Option<SavedQuery>, InventoryError> {
        self.connection
            .query_row(
                "SELECT id, name, text FROM queries WHERE id = ?1 OR name = ?1 ORDER BY id <> ?1",
                [reference],
                of_row,
            )
            .optional()
            .map_err(InventoryError::database("read"))
    }

    /// 24 digits, as the product's ids have.
    fn new_id(&self) -> Result<String, InventoryError> {
        self.connection
            .query_row("SELECT lower(hex(randomblob(12)))", [], |row| row.get(0))
            .map_err(InventoryError::database("read"))
    }
}

fn read_all(connection: &Connection) -> rusqlite::Result<Vec<SavedQuery>> {
    connection
        .prepare("SELECT id, name, text FROM queries ORDER BY name")?
        .query_map([], of_row)?
        .collect()
}

fn of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<SavedQuery> {
    Ok(SavedQuery {
        id: row.get(0)?,
        name: row.get(1)?,
        text: row.get(2)?,
    })
}
