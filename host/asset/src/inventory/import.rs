//! Brings a list into the inventory, a batch at a time.
//!
//! An asset replaces the one of the same id. Batches that were stored stay stored if a later one fails or the process
//! ends, and doing the same import again brings the rest: what is there already counts as unchanged.
//!
//! What queries look up by is written in the same transaction as the assets that it is about.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::error::InventoryError;
use super::{Inventory, facets};
use crate::asset::Asset;
use crate::catalog::Catalog;
use crate::fault::Fault;
use crate::read::{Entry, ReadError};

/// The most assets of a transaction.
const BATCH_ASSETS: usize = 5_000;

/// The most bytes of a batch, so that long records do not fill the memory.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How many broken records a report has in full.
const MAX_BROKEN: usize = 20;

/// What became of a list. Counts add up to its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Assets that were not there before.
    pub added: u64,
    /// Assets that were there and are different now.
    pub updated: u64,
    /// Assets that were there just like this; also a second record of the list that says the same.
    pub unchanged: u64,
    /// Records that are no assets.
    pub broken: u64,
    /// The first 20 of those.
    pub first_broken: Vec<BrokenRecord>,
}

/// A record that is no asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRecord {
    /// The physical line, from 1.
    pub line: u64,
    /// Why it is none.
    pub reason: Fault,
}

/// Why an import ended before its list did. What was stored until then stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The list could not be read on.
    #[error("cannot import the whole list")]
    Read {
        /// Why.
        source: ReadError,
        /// What was stored until then.
        report: Box<ImportReport>,
    },

    /// The inventory could not be written to.
    #[error("cannot import the whole list")]
    Write {
        /// Why.
        source: InventoryError,
        /// What was stored until then.
        report: Box<ImportReport>,
    },
}

impl ImportError {
    /// What to do next, as a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { source, .. } => source.hint(),
            Self::Write { source, .. } => source.hint(),
        }
    }

    /// What was stored before it ended.
    #[must_use]
    pub fn report(&self) -> &ImportReport {
        match self {
            Self::Read { report, .. } | Self::Write { report, .. } => report,
        }
    }
}

impl Inventory {
    /// Stores every asset of `entries` under its id, in place of what was there. The last of several records with an
    /// id stays.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if the list or the inventory fails; it says what was stored until then.
    pub fn import(
        &mut self,
        entries: impl IntoIterator<Item = Result<Entry, ReadError>>,
    ) -> Result<ImportReport, ImportError> {
        let mut report = ImportReport::default();
        let mut batch = match self.catalog() {
            Ok(catalog) => Batch::new(catalog),
            Err(source) => {
                return Err(ImportError::Write {
                    source,
                    report: Box::new(report),
                });
            }
        };
        let mut unread = None;
        for entry in entries {
            let added = match entry {
                Ok(Entry::Asset { asset, .. }) => batch.add(&asset),
                Ok(Entry::Broken { line, reason }) => {
                    report.broken += 1;
                    if report.first_broken.len() < MAX_BROKEN {
                        report.first_broken.push(BrokenRecord { line, reason });
                    }
                    Ok(())
                }
                Err(error) => {
                    unread = Some(error);
                    break;
                }
            };
            let stored = added.and_then(|()| match batch.is_full() {
                true => batch.store(&mut self.connection, &mut report),
                false => Ok(()),
            });
            if let Err(source) = stored {
                return Err(ImportError::Write {
                    source,
                    report: Box::new(report),
                });
            }
        }
        if let Err(source) = batch.store(&mut self.connection, &mut report) {
            return Err(ImportError::Write {
                source,
                report: Box::new(report),
            });
        }
        match unread {
            Some(source) => Err(ImportError::Read {
                source,
                report: Box::new(report),
            }),
            None => Ok(report),
        }
    }
}

/// Assets that wait to be stored, so that the file is not locked while the list is read.
struct Batch {
    rows: Vec<Row>,
    bytes: usize,
    /// The fields of all assets until now.
    catalog: Catalog,
}

struct Row {
    id: String,
    kind: String,
    body: String,
    labels: Vec<String>,
}

impl Batch {
    fn new(catalog: Catalog) -> Self {
        Self {
            rows: Vec::new(),
            bytes: 0,
            catalog,
        }
    }

    fn add(&mut self, asset: &Asset) -> Result<(), InventoryError> {
        let id = asset.id.to_string();
        let body = serde_json::to_string(asset).map_err(|source| InventoryError::Unwritable {
            id: id.clone(),
            source,
        })?;
        self.bytes += id.len() + asset.kind.len() + body.len();
        self.catalog.learn(asset);
        self.rows.push(Row {
            id,
            kind: asset.kind.clone(),
            body,
            labels: asset.labels.clone(),
        });
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ASSETS || self.bytes >= BATCH_BYTES
    }

    /// Stores what there is, all of it or nothing, and counts it.
    fn store(
        &mut self,
        connection: &mut Connection,
        report: &mut ImportReport,
    ) -> Result<(), InventoryError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let counts = store(connection, &rows, &mut self.catalog)
            .map_err(InventoryError::database("write to"))?;
        report.added += counts.added;
        report.updated += counts.updated;
        report.unchanged += counts.unchanged;
        Ok(())
    }
}

fn store(
    connection: &mut Connection,
    rows: &[Row],
    catalog: &mut Catalog,
) -> rusqlite::Result<ImportReport> {
    let mut counts = ImportReport::default();
    if rows.is_empty() {
        return Ok(counts);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut find = transaction.prepare("SELECT seq, body = ?2 FROM assets WHERE id = ?1")?;
        let mut insert =
            transaction.prepare("INSERT INTO assets (id, kind, body) VALUES (?1, ?2, ?3)")?;
        let mut update =
            transaction.prepare("UPDATE assets SET kind = ?2, body = ?3 WHERE seq = ?1")?;
        for row in rows {
            let Row {
                id,
                kind,
                body,
                labels,
            } = row;
            let found: Option<(i64, bool)> = find
                .query_row([id, body], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match found {
                None => {
                    let seq = insert.insert([id, kind, body])?;
                    facets::add_labels(&transaction, seq, labels)?;
                    counts.added += 1;
                }
                Some((_, true)) => counts.unchanged += 1,
                Some((seq, false)) => {
                    update.execute(params![seq, kind, body])?;
                    facets::remove_labels(&transaction, seq)?;
                    facets::add_labels(&transaction, seq, labels)?;
                    counts.updated += 1;
                }
            }
        }
    }
    facets::add_fields(&transaction, catalog)?;
    transaction.commit()?;
    Ok(counts)
}
