//! The assets of one run, on disk: read once, hashed on the way, and fed from here however often the run is resumed.
//!
//! What must be unique over a million assets (ids, the same person twice) is kept here and not in memory. It is a
//! working file: the ledger is the record. A lock file beside it says whether the run's process is alive.

mod feed;
mod lens;
mod old;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tipstaff_asset::Entry;
use tipstaff_egress::Owner;
use tipstaff_sandbox::Verdict;

use super::added::Added;
use super::ledger::{MigrationError, migrate};
use super::outcome::{RunId, host_code, verdict_text};
use super::routes::{Route, Routes};
use crate::state::make_private_file;

pub(crate) use feed::{Fed, Feed, Which, marked};
pub(crate) use lens::Lens;
pub(crate) use old::Old;

const MIGRATIONS: &[&str] = &[
    "
    create table asset (
        ordinal integer primary key,
        id text not null unique,
        identities text not null,
        verdict text,
        code text,
        message text
    ) strict;
    create table name (name text primary key, ordinal integer not null) strict, without rowid;
    create table sent (ordinal integer primary key, at integer not null) strict;
",
    "
    alter table asset add column added_for text;
",
    // Of assets that do not have the connection and the settings of the run.
    "
    create table route (ordinal integer primary key, connection text, settings text, mark text) strict;
",
];

/// Why the assets of a run could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("the assets of the run in `{path}`: {reason}")]
pub struct SpoolError {
    /// The file.
    pub path: PathBuf,
    /// What went wrong with it.
    pub reason: String,
}

impl SpoolError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some("is the disk full, or the state folder not writable?")
    }
}

/// What reading a list of assets found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Assets and broken lines: what will have an outcome.
    pub assets: u64,
    /// Of these, assets that go to the action.
    pub to_enforce: u64,
    /// Lines that are no asset.
    pub broken: u64,
    /// Assets that are the same person as another.
    pub duplicates: u64,
    /// Assets without an identity on the connection, or of another kind.
    pub unsuited: u64,
    /// Lines whose id stood on an earlier line. They have no outcome of their own.
    pub repeated: u64,
    /// The first few of those ids.
    pub repeated_ids: Vec<String>,
    /// Assets that nobody listed and settings added; they count among the others, and are reported apart.
    pub added: Vec<AddedAsset>,
    /// Assets for which a field fell back to its static value.
    pub fallen_back: u64,
    /// Why, and for how many assets.
    pub fallbacks: BTreeMap<String, u64>,
    /// How many assets go to other connections than the run's, by their names.
    pub routed: BTreeMap<String, u64>,
    /// The SHA-256 over all of it, in order.
    pub digest: String,
}

/// An asset that a setting added to a run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AddedAsset {
    /// Its id in the run.
    pub id: String,
    /// The setting.
    pub setting: String,
}

/// A file of assets that belongs to one run and is locked by this process.
pub(crate) struct Spool {
    path: PathBuf,
    keep: bool,
    _lock: File,
}

impl Spool {
    /// Locks the run and makes an empty file for its assets.
    pub(crate) fn create(folder: &Path, run: RunId) -> Result<Self, SpoolError> {
        let path = folder.join(format!("{run}.db"));
        let failed = failed(&path);
        make_private_file(&path).map_err(|error| failed(&error))?;
        let lock = lock(&path).map_err(|error| failed(&error))?;
        Ok(Self {
            path,
            keep: false,
            _lock: lock,
        })
    }

    /// Locks a run that did not end, for going on with it.
    pub(crate) fn reopen(folder: &Path, run: RunId) -> Result<Self, SpoolError> {
        let path = folder.join(format!("{run}.db"));
        let failed = failed(&path);
        if !path.exists() {
            return Err(failed(&"it is not there any more"));
        }
        let lock = lock(&path).map_err(|error| failed(&error))?;
        let mut connection = Connection::open(&path).map_err(|error| failed(&error))?;
        up_to_date(&mut connection, &path)?;
        Ok(Self {
            path,
            keep: true,
            _lock: lock,
        })
    }

    /// Whether a process holds this run now.
    pub(crate) fn is_alive(folder: &Path, run: RunId) -> bool {
        let path = folder.join(format!("{run}.db"));
        path.exists() && lock(&path).is_err()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// From now on the file outlives this value: the run started.
    pub(crate) fn keep(&mut self) {
        self.keep = true;
    }

    /// Removes the file at once: nobody can need it any more.
    pub(crate) fn discard(&mut self) {
        self.keep = true;
        self.remove();
    }

    fn remove(&self) {
        for ending in ["db", "db-wal", "db-shm", "lock"] {
            // What is not there need not be removed, and what cannot be removed harms nobody.
            let _ = fs::remove_file(self.path.with_extension(ending));
        }
    }

    /// Reads all assets into the file.
    pub(crate) fn fill<E>(
        &self,
        lens: &Lens<'_>,
        added: Vec<Added>,
        routes: &mut Routes,
        entries: impl Iterator<Item = Result<Entry, E>>,
    ) -> Result<Census, FillError<E>> {
        let failed = |error: rusqlite::Error| FillError::Spool(failed(&self.path)(&error));
        let mut connection = Connection::open(&self.path).map_err(failed)?;
        // Until it is full the file is worth nothing, so nothing has to survive.
        let quick = || {
            connection.pragma_update(None, "journal_mode", "off")?;
            connection.pragma_update(None, "synchronous", "off")?;
            connection.pragma_update(None, "cache_size", -2_048)
        };
        quick().map_err(failed)?;
        up_to_date(&mut connection, &self.path).map_err(FillError::Spool)?;
        let mut census = Census::default();
        let mut digest = Sha256::new();
        {
            let transaction = connection.transaction().map_err(failed)?;
            for Added { setting, asset } in added {
                census.added.push(AddedAsset {
                    id: asset.id.to_string(),
                    setting: setting.clone(),
                });
                let entry = Entry::Asset { line: 0, asset };
                add(
                    &transaction,
                    lens,
                    entry,
                    (None, Some(&setting)),
                    &mut census,
                    &mut digest,
                )
                .map_err(failed)?;
            }
            for entry in entries {
                let entry = entry.map_err(FillError::Source)?;
                let route = match &entry {
                    Entry::Asset { asset, .. } => routes.of(asset).map_err(FillError::Spool)?,
                    Entry::Broken { .. } => None,
                };
                add(
                    &transaction,
                    lens,
                    entry,
                    (route, None),
                    &mut census,
                    &mut digest,
                )
                .map_err(failed)?;
            }
            transaction.commit().map_err(failed)?;
        }
        census.fallbacks = routes.reasons();
        connection
            .pragma_update(None, "journal_mode", "wal")
            .map_err(failed)?;
        census.digest = hexadecimal(&digest.finalize());
        Ok(census)
    }

    /// Opens the file for feeding a run. `resumed` brings back when assets were sent in the try before.
    pub(crate) fn feed(&self, resumed: bool, which: Which) -> Result<Feed, SpoolError> {
        Ok(Feed {
            connection: self.connect()?,
            path: self.path.clone(),
            after: 0,
            resumed,
            which,
        })
    }

    /// Opens the file for what a run asks and tells while it is under way.
    pub(crate) fn desk(&self) -> Result<Desk, SpoolError> {
        Ok(Desk {
            connection: self.connect()?,
            path: self.path.clone(),
        })
    }

    fn connect(&self) -> Result<Connection, SpoolError> {
        let open = || {
            let connection = Connection::open(&self.path)?;
            connection.busy_timeout(Duration::from_secs(20))?;
            connection.pragma_update(None, "synchronous", "normal")?;
            connection.pragma_update(None, "cache_size", -512)?;
            // Whoever closes it last need not wait for the disk: nobody opens the file again unless the run is resumed.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            Ok(connection)
        };
        open().map_err(|error: rusqlite::Error| failed(&self.path)(&error))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.keep {
            self.remove();
        }
    }
}

/// Why a spool could not be filled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FillError<E> {
    #[error("{0}")]
    Source(E),
    #[error(transparent)]
    Spool(SpoolError),
}

fn failed(path: &Path) -> impl Fn(&dyn std::fmt::Display) -> SpoolError + use<> {
    let path = path.to_owned();
    move |reason| SpoolError {
        path: path.clone(),
        reason: reason.to_string(),
    }
}

/// Brings a file of an earlier Tipstaff to this one's tables.
fn up_to_date(connection: &mut Connection, path: &Path) -> Result<(), SpoolError> {
    migrate(connection, MIGRATIONS).map_err(|error| match error {
        MigrationError::Newer(version) => {
            failed(path)(&format!("it has the unknown version {version}"))
        }
        MigrationError::Sqlite(error) => failed(path)(&error),
    })
}

fn lock(path: &Path) -> Result<File, String> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.with_extension("lock"))
        .map_err(|error| error.to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err("another process is working on this run".to_owned())
        }
        Err(fs::TryLockError::Error(error)) => Err(error.to_string()),
    }
}

fn add(
    connection: &Connection,
    lens: &Lens<'_>,
    entry: Entry,
    (route, added_for): (Option<Route>, Option<&str>),
    census: &mut Census,
    digest: &mut Sha256,
) -> rusqlite::Result<()> {
    let route = route.unwrap_or_default();
    let there = lens.on(route.connection.as_deref());
    let lens = &there;
    let (id, identities, refusal) = match entry {
        Entry::Broken { line, reason } => {
            let reason = format!("line {line} is no asset: {reason}");
            (
                format!("line:{line}"),
                Vec::new(),
                Some((Verdict::Failed, host_code::NOT_AN_ASSET, reason)),
            )
        }
        Entry::Asset { asset, .. } => {
            let identities = lens.identities(&asset);
            let refusal = if let Some(why) = &route.refusal {
                Some((Verdict::Failed, host_code::DYNAMIC_VALUES, why.clone()))
            } else if !lens.manifest.asset_kinds.contains(&asset.kind) {
                let kinds = lens.manifest.asset_kinds.join(", ");
                let message = format!(
                    "the asset is a {}; the action works with: {kinds}",
                    asset.kind
                );
                Some((Verdict::Failed, host_code::WRONG_KIND, message))
            } else if identities.is_empty() {
                let message = format!(
                    "nothing is known of this asset by which `{}` could name it on connection `{}`",
                    lens.adapter, lens.connection
                );
                Some((Verdict::Failed, host_code::NO_IDENTITY, message))
            } else {
                None
            };
            (asset.id.as_str().to_owned(), identities, refusal)
        }
    };
    let text = serde_json::to_string(&identities).unwrap_or_default();
    let own = [&route.connection, &route.settings].map(|part| part.as_deref().unwrap_or_default());
    for part in [id.as_str(), &text].into_iter().chain(own) {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let ordinal = {
        let mut insert = connection.prepare_cached(
            "insert into asset (id, identities, verdict, code, message, added_for)
                values (?, ?, ?, ?, ?, ?) on conflict (id) do nothing",
        )?;
        let (verdict, code, message) = match &refusal {
            Some((verdict, code, message)) => {
                (Some(verdict_text(*verdict)), Some(*code), Some(message))
            }
            None => (None, None, None),
        };
        if insert.execute(params![id, text, verdict, code, message, added_for])? == 0 {
            census.repeated += 1;
            if census.repeated_ids.len() < 5 {
                census.repeated_ids.push(id);
            }
            return Ok(());
        }
        connection.last_insert_rowid()
    };
    census.assets += 1;
    note_route(connection, ordinal, &route, refusal.is_some(), census)?;
    match refusal {
        Some((_, host_code::NOT_AN_ASSET, _)) => census.broken += 1,
        Some((_, host_code::DYNAMIC_VALUES, _)) => {}
        Some(_) => census.unsuited += 1,
        None => match same_as(
            connection,
            lens,
            route.connection.as_deref(),
            &identities,
            ordinal,
        )? {
            Some(other) => {
                census.duplicates += 1;
                let message =
                    format!("asset `{other}` of this run is the same, and has the outcome");
                connection
                    .prepare_cached(
                        "update asset set verdict = ?, code = ?, message = ? where ordinal = ?",
                    )?
                    .execute(params![
                        verdict_text(Verdict::Skipped),
                        host_code::DUPLICATE,
                        message,
                        ordinal
                    ])?;
            }
            None => census.to_enforce += 1,
        },
    }
    Ok(())
}

/// Keeps what is an asset's own, and counts it.
fn note_route(
    connection: &Connection,
    ordinal: i64,
    route: &Route,
    refused: bool,
    census: &mut Census,
) -> rusqlite::Result<()> {
    census.fallen_back += u64::from(route.fell_back);
    if let Some(name) = route.connection.as_deref().filter(|_| !refused) {
        *census.routed.entry(name.to_owned()).or_default() += 1;
    }
    if route.connection.is_none() && route.settings.is_none() && route.mark.is_none() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "insert into route (ordinal, connection, settings, mark) values (?, ?, ?, ?)",
        )?
        .execute(params![
            ordinal,
            route.connection.as_deref(),
            route.settings.as_deref(),
            route.mark
        ])?;
    Ok(())
}

/// A name as it is unique on its connection: the same name in two tenants is two people.
fn name_on(route: Option<&str>, name: &str) -> String {
    match route {
        None => name.to_owned(),
        Some(route) => format!("{route}\n{name}"),
    }
}

/// Takes the name by which each identity would be changed. The asset is a duplicate if others have all of them.
///
/// Only the first such field counts: two assets that share a lesser name and differ in the first are not called one
/// on the inventory's word alone. The action finds that out from the service (`subjects.claim`), and whether a name
/// that assets are only looked up by is one person's.
fn same_as(
    connection: &Connection,
    lens: &Lens<'_>,
    route: Option<&str>,
    identities: &[Map<String, Value>],
    ordinal: i64,
) -> rusqlite::Result<Option<String>> {
    let mut other = None;
    let mut own = identities.is_empty();
    for identity in identities {
        let Some(name) = lens.unique_name(identity) else {
            own = true;
            continue;
        };
        match take_name(connection, &name_on(route, name), ordinal)? {
            None => own = true,
            Some(id) => other = Some(id),
        }
    }
    Ok(if own { None } else { other })
}

/// Gives the id of the asset that has the name, unless it is this one's from now on.
fn take_name(
    connection: &Connection,
    name: &str,
    ordinal: i64,
) -> rusqlite::Result<Option<String>> {
    let name = fold(name);
    let taken = connection
        .prepare_cached("insert into name (name, ordinal) values (?, ?) on conflict do nothing")?
        .execute(params![name, ordinal])?;
    if taken == 1 {
        return Ok(None);
    }
    connection
        .prepare_cached(
            "select asset.id from name join asset using (ordinal) where name.name = ? and ordinal <> ?",
        )?
        .query_row(params![name, ordinal], |row| row.get(0))
        .optional()
}

/// Names are the same without regard to case, as the services that use them have it.
fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string has no error.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Answers and records what comes up while a run is under way.
pub(crate) struct Desk {
    connection: Connection,
    path: PathBuf,
}

impl Desk {
    /// Runs `work` in one transaction.
    pub(crate) fn at_once<T>(
        &mut self,
        work: impl FnOnce(&Entries<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, SpoolError> {
        let run = || {
            let transaction = self
                .connection
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let result = work(&Entries {
                connection: &transaction,
            })?;
            transaction.commit()?;
            Ok(result)
        };
        run().map_err(|error: rusqlite::Error| failed(&self.path)(&error))
    }

    /// When a changing call about the asset may first have left.
    pub(crate) fn sent_at(&self, id: &str) -> Result<Option<Timestamp>, SpoolError> {
        self.connection
            .prepare_cached("select sent.at from sent join asset using (ordinal) where id = ?")
            .and_then(|mut s| s.query_row([id], |row| row.get::<_, i64>(0)).optional())
            .map(|at| at.and_then(|seconds| Timestamp::from_second(seconds).ok()))
            .map_err(|error| failed(&self.path)(&error))
    }
}

/// A transaction of a [`Desk`].
pub(crate) struct Entries<'a> {
    connection: &'a Connection,
}

impl Entries<'_> {
    /// A call that changes these assets is about to leave.
    pub(crate) fn sent(&self, owners: &[Owner], now: Timestamp) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(
            "insert into sent (ordinal, at) values (?, ?) on conflict do nothing",
        )?;
        for owner in owners {
            insert.execute(params![ordinal(*owner), now.as_second()])?;
        }
        Ok(())
    }

    /// Gives the id of the other asset that has the name, or takes it for this one.
    pub(crate) fn claim(&self, owner: Owner, name: &str) -> rusqlite::Result<Option<String>> {
        let ordinal = ordinal(owner);
        let route: Option<String> = self
            .connection
            .prepare_cached("select connection from route where ordinal = ?")?
            .query_row([ordinal], |row| row.get(0))
            .optional()?
            .flatten();
        take_name(self.connection, &name_on(route.as_deref(), name), ordinal)
    }
}

fn ordinal(owner: Owner) -> i64 {
    i64::try_from(owner.0).unwrap_or(i64::MAX)
}
