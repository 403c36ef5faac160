//! Finds the assets of a query.
//!
//! SQL decides what it can decide by its tables; of what remains only the parts that the query looks at are read, one
//! asset at a time, in the order of first import.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jiff::Timestamp;
use rusqlite::{params_from_iter, types::ValueRef};

use super::Inventory;
use super::error::InventoryError;
use crate::asset::Asset;
use crate::catalog::Catalog;
use crate::query::{Query, QueryError, Terms};

/// How many assets wait at most for whoever takes them one by one.
const AHEAD: usize = 256;

/// Why a query cannot be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryFailure {
    /// The inventory cannot be used.
    #[error(transparent)]
    Inventory(#[from] InventoryError),

    /// The query is wrong.
    #[error(transparent)]
    Wrong(#[from] QueryError),
}

/// An asset that was found.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    /// Its id.
    pub id: &'a str,
    /// The asset as one line of JSON, as it was imported.
    pub json: &'a str,
}

impl Match<'_> {
    /// The asset itself.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Damaged`] if somebody else wrote to the file.
    pub fn asset(&self) -> Result<Asset, InventoryError> {
        serde_json::from_str(self.json).map_err(|source| InventoryError::Damaged {
            id: self.id.to_owned(),
            source,
        })
    }
}

impl Inventory {
    /// Reads a query: with the saved queries and the fields that are here. In an empty inventory every field is taken.
    ///
    /// # Errors
    ///
    /// [`QueryFailure`] if it is wrong, or if the file cannot be read.
    pub fn query(&self, text: &str, now: Timestamp) -> Result<Query, QueryFailure> {
        let saved = self.saved_queries()?;
        let catalog = self.catalog_if_filled()?;
        let terms = Terms {
            now,
            saved: &saved,
            catalog: catalog.as_ref(),
        };
        Ok(Query::read(text, terms)?)
    }

    /// The fields, unless there are no assets that could have any.
    pub(super) fn catalog_if_filled(&self) -> Result<Option<Catalog>, InventoryError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM assets)";
        let is_filled: bool = self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(InventoryError::database("read"))?;
        is_filled.then(|| self.catalog()).transpose()
    }

    /// Visits the assets that `query` finds, until `visit` breaks. Nothing else can write to the inventory meanwhile.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read, or has something that is no asset.
    pub fn find(
        &self,
        query: &Query,
        mut visit: impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<(), InventoryError> {
        let narrowing = query.narrowing();
        let condition = narrowing.map_or("1", |narrowing| &narrowing.condition);
        let is_exact = narrowing.is_some_and(|narrowing| narrowing.is_exact);
        let values = narrowing.map_or(&[][..], |narrowing| &narrowing.values);
        let failed = InventoryError::database("search");
        let sql = format!("SELECT id, body FROM assets WHERE {condition} ORDER BY seq");
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            let id = text(row.get_ref(0).map_err(&failed)?);
            let json = text(row.get_ref(1).map_err(&failed)?);
            if !is_exact {
                let wanted = query.wanted();
                if !wanted.may_be_in(json) {
                    continue;
                }
                let part = wanted
                    .read(json)
                    .map_err(|source| InventoryError::Damaged {
                        id: id.to_owned(),
                        source,
                    })?;
                if !query.matches(&part) {
                    continue;
                }
            }
            if visit(Match { id, json }).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// How many assets `query` finds.
    ///
    /// # Errors
    ///
    /// As [`Inventory::find`].
    pub fn count_matches(&self, query: &Query) -> Result<u64, InventoryError> {
        if let Some(narrowing) = query.narrowing().filter(|narrowing| narrowing.is_exact) {
            let sql = format!("SELECT count(*) FROM assets WHERE {}", narrowing.condition);
            let count: i64 = self
                .connection
                .query_row(&sql, params_from_iter(&narrowing.values), |row| row.get(0))
                .map_err(InventoryError::database("search"))?;
            return Ok(count.unsigned_abs());
        }
        let mut count = 0;
        self.find(query, |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// The assets that `query` finds, one after the other, for whoever cannot borrow the inventory. They are read on a
    /// thread of their own, a few ahead; it ends when the iterator is dropped.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the thread cannot be started; the items have it as [`Inventory::find`] does.
    pub fn into_matches(self, query: Query) -> Result<Matches, InventoryError> {
        let (sender, found) = sync_channel(AHEAD);
        thread::Builder::new()
            .name("inventory".to_owned())
            .spawn(move || send_all(&self, &query, &sender))
            .map_err(InventoryError::Thread)?;
        Ok(Matches { found })
    }
}

fn send_all(
    inventory: &Inventory,
    query: &Query,
    sender: &SyncSender<Result<Asset, InventoryError>>,
) {
    let ended = inventory.find(query, |found| match sender.send(found.asset()) {
        Ok(()) => ControlFlow::Continue(()),
        // Nobody takes them any more.
        Err(_) => ControlFlow::Break(()),
    });
    if let Err(error) = ended {
        let _ = sender.send(Err(error));
    }
}

/// What is no text reads as an empty one, which is no asset.
fn text(value: ValueRef<'_>) -> &str {
    value.as_str().unwrap_or_default()
}

/// See [`Inventory::into_matches`].
#[derive(Debug)]
pub struct Matches {
    found: Receiver<Result<Asset, InventoryError>>,
}

impl Iterator for Matches {
    type Item = Result<Asset, InventoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.found.recv().ok()
    }
}
