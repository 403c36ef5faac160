//! What the inventory keeps beside the assets, so that queries need not read all of them: labels and field names.

use rusqlite::{Connection, Transaction};

use super::Inventory;
use super::error::InventoryError;
use crate::catalog::{Catalog, Kinds};

impl Inventory {
    /// The fields that assets had.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] if the file cannot be read.
    pub fn catalog(&self) -> Result<Catalog, InventoryError> {
        read_fields(&self.connection).map_err(InventoryError::database("read"))
    }
}

fn read_fields(connection: &Connection) -> rusqlite::Result<Catalog> {
    let mut catalog = Catalog::default();
    let mut statement = connection.prepare("SELECT adapter, field, kinds FROM fields")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (adapter, field) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let kinds = u8::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        catalog.known(adapter, field, Kinds::from_bits(kinds));
    }
    Ok(catalog)
}

pub(super) fn add_labels(
    transaction: &Transaction<'_>,
    seq: i64,
    labels: &[String],
) -> rusqlite::Result<()> {
    if labels.is_empty() {
        return Ok(());
    }
    let mut insert = transaction
        .prepare_cached("INSERT OR IGNORE INTO labels (label, asset) VALUES (?1, ?2)")?;
    for label in labels {
        insert.execute(rusqlite::params![label, seq])?;
    }
    Ok(())
}

pub(super) fn remove_labels(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM labels WHERE asset = ?1")?
        .execute([seq])?;
    Ok(())
}

/// Writes down what `catalog` learnt since this was done last.
pub(super) fn add_fields(
    transaction: &Transaction<'_>,
    catalog: &mut Catalog,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO fields (adapter, field, kinds) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET kinds = kinds | excluded.kinds",
    )?;
    for (adapter, field, kinds) in catalog.take_news() {
        insert.execute(rusqlite::params![adapter, field, kinds.bits()])?;
    }
    Ok(())
}
