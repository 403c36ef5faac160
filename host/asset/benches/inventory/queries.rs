//! Queries beside SQL that somebody wrote by hand: over the inventory's own table, with SQLite's JSON functions, and
//! over a table that was made for this very question.

use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use tipstaff_asset::Inventory;

use crate::Failed;

const ROUNDS: usize = 3;

/// A question in three forms, each of which counts.
struct Question {
    name: &'static str,
    query: &'static str,
    /// Over `assets` of the inventory.
    json: &'static str,
    /// Over `flat`, one row an entity.
    flat: &'static str,
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "a date",
        query: r#""specific_data.data.last_seen" < date("2026-02-01")"#,
        json: "SELECT count(*) FROM assets WHERE EXISTS (
            SELECT 1 FROM json_each(body, '$.adapters') WHERE value ->> '$.data.last_seen' < '2026-02-01')",
        flat: "SELECT count(DISTINCT asset) FROM flat WHERE last_seen < '2026-02-01'",
    },
    Question {
        name: "a pattern",
        query: r#""specific_data.data.mail" == regex("7@eu\.contoso\.com$", "i")"#,
        json: "SELECT count(*) FROM assets WHERE EXISTS (
            SELECT 1 FROM json_each(body, '$.adapters') WHERE value ->> '$.data.mail' LIKE '%7@eu.contoso.com')",
        flat: "SELECT count(DISTINCT asset) FROM flat WHERE mail LIKE '%7@eu.contoso.com'",
    },
    Question {
        name: "one entity",
        query: r#""specific_data" == match([plugin_name in ['azure_ad_adapter'] and "data.user_type" == "Guest" and "data.last_seen" < date("2026-02-01")])"#,
        json: "SELECT count(*) FROM assets WHERE EXISTS (
            SELECT 1 FROM json_each(body, '$.adapters')
            WHERE value ->> '$.adapter' = 'azure_ad_adapter' AND value ->> '$.data.user_type' = 'Guest'
                AND value ->> '$.data.last_seen' < '2026-02-01')",
        flat: "SELECT count(DISTINCT asset) FROM flat
            WHERE adapter = 'azure_ad_adapter' AND user_type = 'Guest' AND last_seen < '2026-02-01'",
    },
    Question {
        name: "all three",
        query: r#""specific_data.data.last_seen" < date("2026-02-01") and "specific_data.data.mail" == regex("7@eu\.contoso\.com$", "i") and "specific_data" == match([plugin_name in ['azure_ad_adapter'] and "data.user_type" == "Guest" and "data.last_seen" < date("2026-02-01")])"#,
        json: "SELECT count(*) FROM assets WHERE EXISTS (
            SELECT 1 FROM json_each(body, '$.adapters') WHERE value ->> '$.data.last_seen' < '2026-02-01')
            AND EXISTS (
            SELECT 1 FROM json_each(body, '$.adapters') WHERE value ->> '$.data.mail' LIKE '%7@eu.contoso.com')
            AND EXISTS (
            SELECT 1 FROM json_each(body, '$.adapters')
            WHERE value ->> '$.adapter' = 'azure_ad_adapter' AND value ->> '$.data.user_type' = 'Guest'
                AND value ->> '$.data.last_seen' < '2026-02-01')",
        flat: "SELECT count(DISTINCT asset) FROM flat
            WHERE asset IN (SELECT asset FROM flat WHERE last_seen < '2026-02-01')
                AND asset IN (SELECT asset FROM flat WHERE mail LIKE '%7@eu.contoso.com')
                AND adapter = 'azure_ad_adapter' AND user_type = 'Guest' AND last_seen < '2026-02-01'",
    },
    Question {
        name: "one name",
        query: r#""specific_data.data.username" == "user4711@eu.contoso.com""#,
        json: "SELECT count(*) FROM assets WHERE EXISTS (
            SELECT 1 FROM json_each(body, '$.adapters') WHERE value ->> '$.data.username' = 'user4711@eu.contoso.com')",
        flat: "SELECT count(DISTINCT asset) FROM flat WHERE username = 'user4711@eu.contoso.com'",
    },
    Question {
        name: "a label, without another",
        query: r#""labels" == "offboarding" and not ("labels" in ["vip"])"#,
        json: "SELECT count(*) FROM assets WHERE EXISTS (
            SELECT 1 FROM json_each(body, '$.labels') WHERE value = 'offboarding')
            AND NOT EXISTS (SELECT 1 FROM json_each(body, '$.labels') WHERE value = 'vip')",
        flat: "SELECT count(DISTINCT asset) FROM labels WHERE label = 'offboarding'
            AND asset NOT IN (SELECT asset FROM labels WHERE label = 'vip')",
    },
];

pub(crate) fn measure(path: &Path, flat: &Path) -> Result<(), Failed> {
    let inventory = Inventory::open(path)?;
    let by_hand = Connection::open(path)?;
    by_hand.execute_batch("PRAGMA cache_size = -16384;")?;
    let flat = flatten(path, flat)?;
    println!("\nQueries over {} assets (counting)\n", inventory.count()?);
    println!("| what | found | query | by hand, JSON | ratio | by hand, a table for it | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for question in QUESTIONS {
        let query = inventory.query(question.query, "2026-11-23T08:00:00Z".parse()?)?;
        let count = |connection: &Connection, sql: &str| -> Result<u64, Failed> {
            let count: i64 = connection.query_row(sql, [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        let (mut ours, mut json, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = 0;
        for _ in 0..ROUNDS {
            found = timed(&mut ours, || Ok(inventory.count_matches(&query)?))?;
            let others = [
                timed(&mut json, || count(&by_hand, question.json))?,
                timed(&mut plain, || count(&flat, question.flat))?,
            ];
            if others != [found, found] {
                return Err(
                    format!("{}: {found} are found, by hand {others:?}", question.name).into(),
                );
            }
        }
        let (ours, json, plain) = (median(ours), median(json), median(plain));
        println!(
            "| {} | {found} | {ours:.0} ms | {json:.0} ms | {:.2} | {plain:.0} ms | {:.2} |",
            question.name,
            ours / json,
            ours / plain
        );
    }
    Ok(())
}

/// The fields that the questions are about, as columns.
fn flatten(path: &Path, flat: &Path) -> Result<Connection, Failed> {
    let connection = Connection::open(flat)?;
    connection.execute_batch(
        "PRAGMA cache_size = -16384; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE flat (
             seq INTEGER PRIMARY KEY, asset INTEGER, adapter TEXT, username TEXT, mail TEXT, user_type TEXT, last_seen TEXT
         ) STRICT;
         CREATE TABLE labels (label TEXT, asset INTEGER, PRIMARY KEY (label, asset)) STRICT, WITHOUT ROWID;",
    )?;
    connection.execute("ATTACH ? AS inventory", [path.to_string_lossy()])?;
    connection.execute_batch(
        "INSERT INTO flat (asset, adapter, username, mail, user_type, last_seen)
             SELECT seq, value ->> '$.adapter', value ->> '$.data.username', value ->> '$.data.mail',
                 value ->> '$.data.user_type', value ->> '$.data.last_seen'
             FROM inventory.assets, json_each(body, '$.adapters');
         INSERT INTO labels SELECT value, seq FROM inventory.assets, json_each(body, '$.labels');",
    )?;
    Ok(connection)
}

fn timed<T>(times: &mut Vec<f64>, work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    let start = Instant::now();
    let result = work()?;
    times.push(start.elapsed().as_secs_f64() * 1_000.0);
    Ok(result)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
