//! How the inventory's tables came to be: a list that only grows, counted by `user_version`.
//!
//! A step that was released is never edited: files in the field have taken it. An older Tipstaff refuses a newer file,
//! because it would drop what it does not know.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::error::InventoryError;
use super::facets;
use crate::asset::Asset;
use crate::catalog::Catalog;

/// Tells our files from other SQLite databases ("PRAGMA application_id", SQLite documentation): `Tips` in ASCII.
const APPLICATION_ID: i64 = 0x5469_7073;

/// One step: tables, and what is to be filled into them from what is there.
#[derive(Clone, Copy)]
struct Step {
    tables: &'static str,
    fill: fn(&Transaction<'_>) -> rusqlite::Result<()>,
}

const MIGRATIONS: &[Step] = &[
    // 1: `body` is the asset as one line of JSON, its id included; `seq` is the order of first import.
    Step {
        tables: "CREATE TABLE assets (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            body TEXT NOT NULL
        ) STRICT;",
        fill: |_| Ok(()),
    },
    // 2: what queries need beside the assets. `labels` has those of each asset by its `seq`; `fields` every field that
    // an asset had, `kinds` being the bits of `Kinds`; `queries` those that were saved.
    Step {
        tables: "CREATE TABLE labels (
            label TEXT NOT NULL,
            asset INTEGER NOT NULL,
            PRIMARY KEY (label, asset)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX labels_of_asset ON labels (asset);
        CREATE TABLE fields (
            adapter TEXT NOT NULL,
            field TEXT NOT NULL,
            kinds INTEGER NOT NULL,
            PRIMARY KEY (adapter, field)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE queries (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;",
        fill: derive_facets,
    },
    // 3: where the next fetch of a connection goes on. `account` is whose users they are: with another one everything
    // is fetched anew.
    Step {
        tables: "CREATE TABLE fetches (
            adapter TEXT NOT NULL,
            connection TEXT NOT NULL,
            account TEXT NOT NULL,
            link TEXT NOT NULL,
            PRIMARY KEY (adapter, connection)
        ) STRICT, WITHOUT ROWID;",
        fill: |_| Ok(()),
    },
];

/// Fills `labels` and `fields` from the assets. What is no asset is left to whoever reads it, to report.
fn derive_facets(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut catalog = Catalog::default();
    let mut statement = transaction.prepare("SELECT seq, body FROM assets ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let Ok(asset) = serde_json::from_str::<Asset>(row.get_ref(1)?.as_str()?) else {
            continue;
        };
        facets::add_labels(transaction, seq, &asset.labels)?;
        catalog.learn(&asset);
    }
    facets::add_fields(transaction, &mut catalog)
}

/// Brings the file to the newest format, in one step or not at all.
pub(super) fn apply(connection: &mut Connection, path: &Path) -> Result<(), InventoryError> {
    apply_list(connection, path, MIGRATIONS)
}

fn apply_list(
    connection: &mut Connection,
    path: &Path,
    list: &[Step],
) -> Result<(), InventoryError> {
    let failed = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => InventoryError::NotAnInventory {
            path: path.to_owned(),
        },
        _ => InventoryError::Database {
            doing: "open",
            source,
        },
    };
    let known = list.len() as i64;
    if version(connection, path, known).map_err(failed)?? == known {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .map_err(failed)?;
    // Asked again: somebody else may have done it while we waited for the lock.
    let found = version(&transaction, path, known).map_err(failed)??;
    for step in list.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step.tables).map_err(failed)?;
        (step.fill)(&transaction).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(failed)?;
    transaction
        .pragma_update(None, "user_version", known)
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// The format that the file has: 0 for an empty one. The inner error is that it is not ours to touch.
fn version(
    connection: &Connection,
    path: &Path,
    known: i64,
) -> rusqlite::Result<Result<i64, InventoryError>> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (found, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let path = || path.to_owned();
    Ok(if found == 0 && application == 0 && tables == 0 {
        Ok(0)
    } else if application != APPLICATION_ID || found < 1 {
        Err(InventoryError::NotAnInventory { path: path() })
    } else if found > known {
        Err(InventoryError::Newer {
            path: path(),
            found,
            known,
        })
    } else {
        Ok(found)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use super::*;

    const BODY: &str = concat!(
        r#"{"id":"a","type":"user","labels":["vip","vip"],"adapters":"#,
        r#"[{"adapter":"x_adapter","data":{"manager":{"mail":"m"}}}]}"#
    );

    fn step(tables: &'static str) -> Step {
        Step {
            tables,
            fill: |_| Ok(()),
        }
    }

    #[test]
    fn every_format_is_brought_to_the_newest_and_then_left_alone() {
        let next = step("ALTER TABLE assets ADD COLUMN seen INTEGER;");
        let longer: Vec<Step> = MIGRATIONS.iter().copied().chain([next]).collect();
        let path = Path::new("inventory");
        for from in 0..=longer.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            if from > 0 {
                apply_list(&mut connection, path, &longer[..from]).unwrap();
                for (id, body) in [("a", BODY), ("odd", "{}")] {
                    connection
                        .execute(
                            "INSERT INTO assets (id, kind, body) VALUES (?, 'user', ?)",
                            [id, body],
                        )
                        .unwrap();
                }
            }
            for _ in 0..2 {
                apply_list(&mut connection, path, &longer).unwrap();
            }
            let count =
                |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
            assert_eq!(
                count("SELECT count(*) FROM assets WHERE seen IS NULL"),
                if from > 0 { 2 } else { 0 }
            );
            // Only what was stored before there were tables for it is derived here.
            let derived = i64::from(from == 1);
            assert_eq!(
                count("SELECT count(*) FROM labels WHERE label = 'vip'"),
                derived
            );
            assert_eq!(
                count("SELECT count(*) FROM fields WHERE field = 'manager.mail' AND kinds = 1"),
                derived
            );
            assert_eq!(count("SELECT count(*) FROM queries"), 0);
        }
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("inventory");
        assert!(
            apply_list(
                &mut connection,
                path,
                &[step("CREATE TABLE a (x);"), step("CREATE TABLE;")]
            )
            .is_err()
        );
        assert_eq!(version(&connection, path, 2).unwrap().unwrap(), 0);
    }

    #[test]
    fn a_newer_format_is_refused_with_both_numbers() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("inventory");
        apply(&mut connection, path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = apply(&mut connection, path).unwrap_err().to_string();
        assert!(
            error.contains("99") && error.contains(&MIGRATIONS.len().to_string()),
            "{error}"
        );
    }
}
