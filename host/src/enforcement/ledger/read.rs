//! Reads runs and outcomes back.

use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::value::RawValue;
use tipstaff_sandbox::Verdict;

use super::{Ledger, LedgerError, verdict_of_number};
use crate::enforcement::outcome::{Counts, Link, Outcome, RunId};

/// How a run stands, as far as the ledger knows. Whether a run that did not end is alive, its lock file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It has not ended: it is under way, or its process died.
    Unended,
    /// It ended.
    Ended {
        /// `complete`, `stopped`, `interrupted` or `cut-short`.
        ending: String,
        /// Why, where it was not complete.
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
}

/// A run as it is recorded.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// The run that it tries again.
    pub first: Option<RunId>,
    /// Whether it was a simulation.
    pub simulated: bool,
    /// The action's name.
    pub action: String,
    /// The action's version.
    pub version: String,
    /// The digest of the action's component.
    pub digest: String,
    /// The connection's name.
    pub connection: String,
    /// The plan, as JSON.
    pub plan: String,
    /// The plan's digest.
    pub plan_digest: String,
    /// How many assets it has, broken lines included.
    pub assets: u64,
    /// When it started.
    pub started: Timestamp,
    /// How it stands.
    pub state: RunState,
    /// How many assets have which verdict.
    pub counts: Counts,
    /// The same by code.
    pub by_code: Vec<(Verdict, String, u64)>,
}

/// Runs, the newest first.
pub type Runs = Vec<RunRecord>;

const COLUMNS: &str =
    "number, id, first, simulated, action, version, digest, connection, plan, plan_digest, assets,
    started, ended, ending, reason";

impl Ledger {
    /// The newest runs.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn runs(&self, most: usize) -> Result<Runs, LedgerError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                "select {COLUMNS} from run order by number desc limit ?"
            ))?;
            let rows = statement.query_map([i64::try_from(most).unwrap_or(i64::MAX)], record)?;
            let mut runs = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            for (number, run) in &mut runs {
                tally(connection, *number, run)?;
            }
            Ok(runs.into_iter().map(|(_, run)| run).collect())
        })
    }

    /// Runs that have not ended: those under way, and those whose process died.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn unended(&self) -> Result<Runs, LedgerError> {
        let connection = self.connect()?;
        let read = || {
            let mut statement = connection.prepare(&format!(
                "select {COLUMNS} from run where ended is null order by number"
            ))?;
            let rows = statement.query_map([], record)?;
            let mut runs = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            for (number, run) in &mut runs {
                tally(&connection, *number, run)?;
            }
            Ok(runs.into_iter().map(|(_, run)| run).collect())
        };
        read().map_err(|source| self.failed(source))
    }

    /// How many runs of the component with this digest began at or after a time, which is written as in the ledger.
    pub(crate) fn runs_since(&self, digest: &str, since: &str) -> Result<u64, LedgerError> {
        self.connect()?
            .query_row(
                "select count(*) from run where digest = ? and started >= ?",
                params![digest, since],
                |row| row.get::<_, i64>(0),
            )
            .map(|count| u64::try_from(count).unwrap_or_default())
            .map_err(|source| self.failed(source))
    }

    /// The run with this id, or the one whose id begins or ends with it. `last` is the newest.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoSuchRun`], [`LedgerError::Ambiguous`], or what SQLite says.
    pub fn run(&self, id: &str) -> Result<RunRecord, LedgerError> {
        let wanted = id.to_ascii_lowercase();
        let mut found = self.read(|connection| {
            if wanted == "last" {
                let mut statement = connection.prepare(&format!(
                    "select {COLUMNS} from run order by number desc limit 1"
                ))?;
                return statement
                    .query_map([], record)?
                    .collect::<rusqlite::Result<Vec<_>>>();
            }
            if wanted.len() < 4 || !wanted.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
                return Ok(Vec::new());
            }
            let mut statement = connection.prepare(&format!(
                "select {COLUMNS} from run where id = ?1 or id like ?1 || '%' or id like '%' || ?1 limit 50"
            ))?;
            statement.query_map([&wanted], record)?.collect()
        })?;
        if found.len() > 1 {
            return Err(LedgerError::Ambiguous(id.to_owned(), found.len()));
        }
        let (number, mut run) = found
            .pop()
            .ok_or_else(|| LedgerError::NoSuchRun(id.to_owned()))?;
        self.read(|connection| tally(connection, number, &mut run))?;
        Ok(run)
    }

    /// The last link of a run's chain: who keeps it elsewhere can tell later whether an export is what it was. None
    /// before the first outcome.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn last_link(&self, run: RunId) -> Result<Option<Link>, LedgerError> {
        self.read(|connection| {
            connection
                .query_row(
                    "select link from outcome where run = (select number from run where id = ?)
                        order by seq desc limit 1",
                    [run.to_string()],
                    |row| row.get(0).map(Link),
                )
                .optional()
        })
    }

    /// Which assets of a run have their outcome.
    pub(crate) fn settled(&self, run: RunId) -> Result<SettledAssets, LedgerError> {
        let (connection, number) = self.numbered(run)?;
        Ok(SettledAssets {
            ledger: self.clone(),
            connection,
            number,
        })
    }

    fn numbered(&self, run: RunId) -> Result<(Connection, i64), LedgerError> {
        let connection = self.connect()?;
        let number = connection
            .query_row(
                "select number from run where id = ?",
                [run.to_string()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.failed(source))?
            .ok_or_else(|| LedgerError::NoSuchRun(run.to_string()))?;
        Ok((connection, number))
    }

    /// The outcomes of a run, in the order in which they became final.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn outcomes(&self, run: RunId) -> Result<Outcomes, LedgerError> {
        let (connection, number) = self.numbered(run)?;
        Ok(Outcomes {
            ledger: self.clone(),
            connection,
            run,
            number,
            after: 0,
            page: Vec::new().into_iter(),
        })
    }
}

/// Which assets of a run have their outcome.
pub(crate) struct SettledAssets {
    ledger: Ledger,
    connection: Connection,
    number: i64,
}

impl SettledAssets {
    pub(crate) fn contains(&self, asset: &str) -> Result<bool, LedgerError> {
        self.connection
            .prepare_cached("select 1 from outcome where run = ? and asset = ?")
            .and_then(|mut statement| statement.exists(params![self.number, asset]))
            .map_err(|source| self.ledger.failed(source))
    }
}

/// The outcomes of a run, a page at a time.
pub struct Outcomes {
    ledger: Ledger,
    connection: Connection,
    run: RunId,
    number: i64,
    after: i64,
    page: std::vec::IntoIter<(i64, Outcome)>,
}

const PAGE: i64 = 2_000;

impl Outcomes {
    fn read_page(&self) -> rusqlite::Result<Vec<(i64, Outcome)>> {
        let mut statement = self.connection.prepare_cached(
            "select seq, asset, verdict, code, message, evidence, at, link from outcome where run = ? and seq > ?
                order by seq limit ?",
        )?;
        let rows = statement.query_map(params![self.number, self.after, PAGE], |row| {
            Ok((
                row.get(0)?,
                Outcome {
                    run: self.run,
                    asset: row.get(1)?,
                    verdict: verdict_of_number(row.get(2)?),
                    code: row.get(3)?,
                    message: row.get(4)?,
                    evidence: RawValue::from_string(row.get(5)?).unwrap_or_default(),
                    at: time(row, 6)?,
                    link: Link(row.get(7)?),
                },
            ))
        })?;
        rows.collect()
    }
}

impl Iterator for Outcomes {
    type Item = Result<Outcome, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 {
            match self.read_page() {
                Ok(page) => self.page = page.into_iter(),
                Err(source) => return Some(Err(self.ledger.failed(source))),
            }
        }
        let (seq, outcome) = self.page.next()?;
        self.after = seq;
        Some(Ok(outcome))
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<(i64, RunRecord)> {
    let id = |column: usize| {
        let text: Option<String> = row.get(column)?;
        text.map(|text| RunId::from_str(&text))
            .transpose()
            .map_err(|error| unreadable(column, error))
    };
    let state = match row.get::<_, Option<String>>(12)? {
        None => RunState::Unended,
        Some(_) => RunState::Ended {
            ending: row.get(13)?,
            reason: row.get(14)?,
            at: time(row, 12)?,
        },
    };
    let record = RunRecord {
        id: id(1)?.ok_or_else(|| unreadable(1, "a run without an id"))?,
        first: id(2)?,
        simulated: row.get(3)?,
        action: row.get(4)?,
        version: row.get(5)?,
        digest: row.get(6)?,
        connection: row.get(7)?,
        plan: row.get(8)?,
        plan_digest: row.get(9)?,
        assets: u64::try_from(row.get::<_, i64>(10)?).unwrap_or_default(),
        started: time(row, 11)?,
        state,
        counts: Counts::default(),
        by_code: Vec::new(),
    };
    Ok((row.get(0)?, record))
}

fn tally(connection: &Connection, number: i64, run: &mut RunRecord) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "select verdict, code, count from tally where run = ? order by verdict, count desc",
    )?;
    let rows = statement.query_map([number], |row| {
        Ok((
            verdict_of_number(row.get(0)?),
            row.get(1)?,
            u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
        ))
    })?;
    for row in rows {
        let (verdict, code, count): (Verdict, String, u64) = row?;
        run.counts.add(verdict, count);
        run.by_code.push((verdict, code, count));
    }
    Ok(())
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get::<_, String>(column)?
        .parse()
        .map_err(|error| unreadable(column, error))
}

fn unreadable(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}
