//! Brings what a service says of its users into the inventory: those that are new, that changed, and that are gone.
//!
//! Only the entities of one connection are touched; what other adapters know, labels, and fields that the service did
//! not speak of stay. Whoever reads the service is not known here: it gives changes, and at the end a link that says
//! where the next fetch goes on. The link is kept when everything before it was, so that a fetch that broke off is
//! done again from where it began, which changes nothing that it had done.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::{Map, Value};

use super::error::InventoryError;
use super::{Inventory, facets};
use crate::asset::{AdapterData, Asset, AssetId};
use crate::catalog::Catalog;
use crate::query::Wanted;

/// What is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The adapter: `azure_ad_adapter`.
    pub adapter: String,
    /// The name of the connection.
    pub connection: String,
    /// Whose users they are, whatever the connection is called.
    pub account: String,
}

/// What a service says of one identity.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is gone.
    Gone {
        /// Its id in the service.
        identity: String,
    },
    /// It is there. Fields that are `null` have no value any more; those that are missing did not change.
    There {
        /// Its id in the service.
        identity: String,
        /// Its fields.
        data: Map<String, Value>,
    },
}

/// What became of the inventory. Counts are of assets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchReport {
    /// Assets that were not there before.
    pub added: u64,
    /// Assets that are different now.
    pub updated: u64,
    /// Assets that are as they were.
    pub unchanged: u64,
    /// Assets of which nothing is known any more, and which are gone.
    pub removed: u64,
}

impl Inventory {
    /// Begins to fetch. Looks once at all assets, to know which has which identity.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read, or has something that is no asset.
    pub fn fetch(&mut self, origin: Origin) -> Result<Fetching<'_>, InventoryError> {
        let catalog = self.catalog()?;
        let failed = InventoryError::database("read");
        self.connection
            .execute_batch(
                "DROP TABLE IF EXISTS temp.known;
                 CREATE TEMP TABLE known (
                     identity TEXT NOT NULL PRIMARY KEY, asset INTEGER NOT NULL, seen INTEGER NOT NULL
                 ) STRICT, WITHOUT ROWID;",
            )
            .map_err(&failed)?;
        know(&mut self.connection, &origin)?;
        let link = self
            .connection
            .query_row(
                "SELECT link FROM fetches WHERE adapter = ?1 AND connection = ?2 AND account = ?3",
                params![origin.adapter, origin.connection, origin.account],
                |row| row.get(0),
            )
            .optional()
            .map_err(&failed)?;
        Ok(Fetching {
            connection: &mut self.connection,
            origin,
            link,
            is_whole: false,
            catalog,
            report: FetchReport::default(),
        })
    }
}

/// Fills `known`.
fn know(connection: &mut Connection, origin: &Origin) -> Result<(), InventoryError> {
    let failed = InventoryError::database("read");
    let wanted = Wanted::identities();
    let transaction = connection.transaction().map_err(&failed)?;
    {
        let mut insert = transaction
            .prepare("INSERT OR IGNORE INTO temp.known (identity, asset, seen) VALUES (?1, ?2, 0)")
            .map_err(&failed)?;
        let mut select = transaction
            .prepare("SELECT seq, id, body FROM assets ORDER BY seq")
            .map_err(&failed)?;
        let mut rows = select.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            let seq: i64 = row.get(0).map_err(&failed)?;
            let body = row.get_ref(2).map_err(&failed)?;
            let asset = wanted
                .read(body.as_str().unwrap_or_default())
                .map_err(|source| InventoryError::Damaged {
                    id: row.get(1).unwrap_or_default(),
                    source,
                })?;
            for entity in asset.adapters.iter().filter(|entity| origin.has(entity)) {
                if let Some(identity) = identity(entity) {
                    insert.execute(params![identity, seq]).map_err(&failed)?;
                }
            }
        }
    }
    transaction.commit().map_err(&failed)
}

impl Origin {
    /// Whether an entity came from here. One that was imported without a connection may have.
    fn has(&self, entity: &AdapterData) -> bool {
        let connection = entity.connection.as_deref();
        entity.adapter == self.adapter && connection.is_none_or(|name| name == self.connection)
    }
}

fn identity(entity: &AdapterData) -> Option<&str> {
    let id = entity.data.get("id").and_then(Value::as_str);
    id.filter(|id| !id.is_empty())
}

/// A fetch that is under way.
#[derive(Debug)]
pub struct Fetching<'a> {
    connection: &'a mut Connection,
    origin: Origin,
    link: Option<String>,
    is_whole: bool,
    catalog: Catalog,
    report: FetchReport,
}

impl Fetching<'_> {
    /// Where the last fetch ended; `None` if there was none of this account.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// From now on everybody is told: who is not is gone.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be written to.
    pub fn anew(&mut self) -> Result<(), InventoryError> {
        self.is_whole = true;
        let failed = InventoryError::database("write to");
        let forgotten = self
            .connection
            .execute("UPDATE temp.known SET seen = 0", []);
        forgotten.map(|_| ()).map_err(failed)
    }

    /// Takes some changes, all or none of them.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be written to, or has something that is no asset.
    pub fn apply(&mut self, changes: Vec<Change>) -> Result<(), InventoryError> {
        let failed = InventoryError::database("write to");
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        let mut writer = Writer {
            transaction: &transaction,
            origin: &self.origin,
            catalog: &mut self.catalog,
            report: self.report,
        };
        for change in changes {
            match change {
                Change::There { identity, data } => writer.there(&identity, data)?,
                Change::Gone { identity } => writer.gone(&identity)?,
            }
        }
        let report = writer.report;
        facets::add_fields(&transaction, &mut self.catalog).map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        self.report = report;
        Ok(())
    }

    /// Ends the fetch: who was not told of is gone, if all were to be, and the next fetch begins at `link`.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be written to, or has something that is no asset.
    pub fn finish(mut self, link: &str) -> Result<FetchReport, InventoryError> {
        let failed = InventoryError::database("write to");
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        let mut writer = Writer {
            transaction: &transaction,
            origin: &self.origin,
            catalog: &mut self.catalog,
            report: self.report,
        };
        let mut gone = match self.is_whole {
            true => unseen(&transaction).map_err(&failed)?,
            false => Vec::new(),
        };
        while !gone.is_empty() {
            for identity in &gone {
                writer.gone(identity)?;
            }
            gone = unseen(&transaction).map_err(&failed)?;
        }
        let report = writer.report;
        transaction
            .execute(
                "INSERT OR REPLACE INTO fetches (adapter, connection, account, link) VALUES (?1, ?2, ?3, ?4)",
                params![
                    self.origin.adapter,
                    self.origin.connection,
                    self.origin.account,
                    link
                ],
            )
            .map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        Ok(report)
    }
}

/// Some of those that nobody told of.
fn unseen(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
    transaction
        .prepare_cached("SELECT identity FROM temp.known WHERE seen = 0 LIMIT 5000")?
        .query_map([], |row| row.get(0))?
        .collect()
}

struct Writer<'t, 'c> {
    transaction: &'t Transaction<'c>,
    origin: &'t Origin,
    catalog: &'t mut Catalog,
    report: FetchReport,
}

impl Writer<'_, '_> {
    fn there(&mut self, identity: &str, data: Map<String, Value>) -> Result<(), InventoryError> {
        let found = match self.known(identity)? {
            Some(seq) => self.asset(seq)?.map(|asset| (seq, asset)),
            None => self.of_id(identity)?,
        };
        let Some((seq, mut asset)) = found else {
            let Ok(id) = AssetId::new(identity) else {
                return Ok(());
            };
            let mut entity = self.entity();
            merge(&mut entity.data, data);
            let asset = Asset::new(id, vec![entity]);
            let seq = self.add(&asset)?;
            self.report.added += 1;
            return self.see(identity, seq);
        };
        let before = asset.clone();
        let origin = self.origin;
        let place = asset.adapters.iter().position(|entity| {
            origin.has(entity) && self::identity(entity).is_some_and(|id| id == identity)
        });
        let entity = match place.and_then(|place| asset.adapters.get_mut(place)) {
            Some(entity) => entity,
            None => {
                asset.adapters.push(self.entity());
                let last = asset.adapters.len() - 1;
                let Some(entity) = asset.adapters.get_mut(last) else {
                    return Ok(());
                };
                entity
            }
        };
        entity.connection = Some(origin.connection.clone());
        merge(&mut entity.data, data);
        if asset == before {
            self.report.unchanged += 1;
        } else {
            self.update(seq, &asset)?;
            self.report.updated += 1;
        }
        self.see(identity, seq)
    }

    fn gone(&mut self, identity: &str) -> Result<(), InventoryError> {
        let failed = InventoryError::database("write to");
        let Some(seq) = self.known(identity)? else {
            return Ok(());
        };
        self.transaction
            .execute("DELETE FROM temp.known WHERE identity = ?1", [identity])
            .map_err(&failed)?;
        let Some(mut asset) = self.asset(seq)? else {
            return Ok(());
        };
        asset.adapters.retain(|entity| {
            !(self.origin.has(entity) && self::identity(entity).is_some_and(|id| id == identity))
        });
        if asset.adapters.is_empty() {
            facets::remove_labels(self.transaction, seq).map_err(&failed)?;
            self.transaction
                .execute("DELETE FROM assets WHERE seq = ?1", [seq])
                .map_err(&failed)?;
            self.report.removed += 1;
        } else {
            self.update(seq, &asset)?;
            self.report.updated += 1;
        }
        Ok(())
    }

    fn entity(&self) -> AdapterData {
        AdapterData {
            adapter: self.origin.adapter.clone(),
            connection: Some(self.origin.connection.clone()),
            data: Map::new(),
            other: Map::new(),
        }
    }

    fn known(&self, identity: &str) -> Result<Option<i64>, InventoryError> {
        self.transaction
            .prepare_cached("SELECT asset FROM temp.known WHERE identity = ?1")
            .and_then(|mut select| select.query_row([identity], |row| row.get(0)).optional())
            .map_err(InventoryError::database("read"))
    }

    fn see(&self, identity: &str, seq: i64) -> Result<(), InventoryError> {
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO temp.known (identity, asset, seen) VALUES (?1, ?2, 1)",
            )
            .and_then(|mut insert| insert.execute(params![identity, seq]))
            .map(|_| ())
            .map_err(InventoryError::database("write to"))
    }

    fn asset(&self, seq: i64) -> Result<Option<Asset>, InventoryError> {
        let row: Option<(String, String)> = self
            .transaction
            .prepare_cached("SELECT id, body FROM assets WHERE seq = ?1")
            .and_then(|mut select| {
                let row = select.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)));
                row.optional()
            })
            .map_err(InventoryError::database("read"))?;
        row.map(|(id, body)| {
            serde_json::from_str(&body).map_err(|source| InventoryError::Damaged { id, source })
        })
        .transpose()
    }

    /// The asset whose own id is the identity: a list may have named people by it.
    fn of_id(&self, identity: &str) -> Result<Option<(i64, Asset)>, InventoryError> {
        let seq: Option<i64> = self
            .transaction
            .prepare_cached("SELECT seq FROM assets WHERE id = ?1")
            .and_then(|mut select| select.query_row([identity], |row| row.get(0)).optional())
            .map_err(InventoryError::database("read"))?;
        match seq {
            Some(seq) => Ok(self.asset(seq)?.map(|asset| (seq, asset))),
            None => Ok(None),
        }
    }

    fn add(&mut self, asset: &Asset) -> Result<i64, InventoryError> {
        self.catalog.learn(asset);
        let body = body(asset)?;
        self.transaction
            .prepare_cached("INSERT INTO assets (id, kind, body) VALUES (?1, ?2, ?3)")
            .and_then(|mut insert| insert.insert(params![asset.id.as_str(), asset.kind, body]))
            .map_err(InventoryError::database("write to"))
    }

    fn update(&mut self, seq: i64, asset: &Asset) -> Result<(), InventoryError> {
        self.catalog.learn(asset);
        let body = body(asset)?;
        self.transaction
            .prepare_cached("UPDATE assets SET body = ?2 WHERE seq = ?1")
            .and_then(|mut update| update.execute(params![seq, body]))
            .map(|_| ())
            .map_err(InventoryError::database("write to"))
    }
}

fn body(asset: &Asset) -> Result<String, InventoryError> {
    serde_json::to_string(asset).map_err(|source| InventoryError::Unwritable {
        id: asset.id.to_string(),
        source,
    })
}

fn merge(into: &mut Map<String, Value>, data: Map<String, Value>) {
    for (field, value) in data {
        if value.is_null() {
            into.remove(&field);
        } else {
            into.insert(field, value);
        }
    }
}
