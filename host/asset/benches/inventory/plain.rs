//! The same lines in a table of a program that knows nothing of assets.

use std::io::BufRead;
use std::path::Path;

use rusqlite::Connection;

use crate::{Failed, people};

/// Stores the list line by line, with the durability that the inventory has, in transactions of the same size.
pub(crate) fn import(path: &Path, assets: u64) -> Result<(), Failed> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
         CREATE TABLE lines (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;",
    )?;
    let mut lines = people::list(assets).lines();
    loop {
        let transaction = connection.transaction()?;
        let mut count = 0;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO lines (id, body) VALUES (?1 ->> '$.id', ?1)
                 ON CONFLICT DO UPDATE SET body = excluded.body",
            )?;
            for line in lines.by_ref().take(5_000) {
                insert.execute([line?])?;
                count += 1;
            }
        }
        transaction.commit()?;
        if count == 0 {
            return Ok(());
        }
    }
}
