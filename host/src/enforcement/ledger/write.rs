//! Writes runs and outcomes, in groups, and gives back what is on disk.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::value::RawValue;
use tipstaff_sandbox::Verdict;

use super::{Ledger, LedgerError, first_link, link, verdict_number};
use crate::enforcement::outcome::{Link, Outcome, RunId, time_text};

/// What is known of an asset, on its way to the ledger.
#[derive(Clone, Debug)]
pub struct NewOutcome {
    /// The asset's id.
    pub asset: String,
    /// What happened.
    pub verdict: Verdict,
    /// A stable code.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What was seen.
    pub evidence: Option<Box<RawValue>>,
}

/// What is written of a run when it starts.
pub(crate) struct NewRun<'a> {
    pub(crate) id: RunId,
    pub(crate) first: Option<RunId>,
    pub(crate) simulated: bool,
    pub(crate) action: &'a str,
    pub(crate) version: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) connection: &'a str,
    pub(crate) plan: &'a str,
    pub(crate) plan_digest: &'a str,
    pub(crate) assets: u64,
    pub(crate) started: Timestamp,
}

/// Writes the outcomes of one run. There is one writer a run: the run's lock file sees to that.
pub(crate) struct Writer {
    ledger: Ledger,
    connection: Connection,
    run: RunId,
    number: i64,
    next: i64,
    link: Link,
}

impl Ledger {
    /// Records that a run starts, and opens its writer.
    pub(crate) fn begin(&self, run: &NewRun<'_>) -> Result<Writer, LedgerError> {
        let connection = self.connect()?;
        connection
            .execute(
                "insert into run (id, first, simulated, action, version, digest, connection, plan, plan_digest, assets,
                    started) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    run.id.to_string(),
                    run.first.map(|first| first.to_string()),
                    run.simulated,
                    run.action,
                    run.version,
                    run.digest,
                    run.connection,
                    run.plan,
                    run.plan_digest,
                    i64::try_from(run.assets).unwrap_or(i64::MAX),
                    time_text(run.started)
                ],
            )
            .map_err(|source| self.failed(source))?;
        let number = connection.last_insert_rowid();
        Ok(Writer {
            ledger: self.clone(),
            connection,
            run: run.id,
            number,
            next: 1,
            link: first_link(&run.id.to_string(), run.plan_digest),
        })
    }

    /// Opens the writer of a run that did not end, where its last outcome stands.
    pub(crate) fn go_on(&self, run: RunId) -> Result<Writer, LedgerError> {
        let connection = self.connect()?;
        let found = || {
            let (number, plan_digest): (i64, String) = connection.query_row(
                "select number, plan_digest from run where id = ?",
                [run.to_string()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let last: Option<(i64, [u8; 32])> =
                rusqlite::OptionalExtension::optional(connection.query_row(
                    "select seq, link from outcome where run = ? order by seq desc limit 1",
                    [number],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                ))?;
            connection.execute(
                "update run set ended = null, ending = null, reason = null where number = ?",
                [number],
            )?;
            let (seq, link) = match last {
                Some((seq, link)) => (seq, Link(link)),
                None => (0, first_link(&run.to_string(), &plan_digest)),
            };
            Ok((number, seq + 1, link))
        };
        let (number, next, link) = found().map_err(|source| match source {
            rusqlite::Error::QueryReturnedNoRows => LedgerError::NoSuchRun(run.to_string()),
            source => self.failed(source),
        })?;
        Ok(Writer {
            ledger: self.clone(),
            connection,
            run,
            number,
            next,
            link,
        })
    }
}

impl Writer {
    /// Writes a group in one transaction. When it returns, they are on disk.
    ///
    /// # Errors
    ///
    /// Nothing of the group was kept. An asset that has an outcome already is such an error: each has one.
    pub(crate) fn append(
        &mut self,
        group: Vec<NewOutcome>,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, LedgerError> {
        self.try_append(group, now)
            .map_err(|source| self.ledger.failed(source))
    }

    fn try_append(
        &mut self,
        group: Vec<NewOutcome>,
        now: Timestamp,
    ) -> rusqlite::Result<Vec<Outcome>> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let (mut next, mut link_before) = (self.next, self.link);
        let mut written = Vec::with_capacity(group.len());
        let mut tally = std::collections::BTreeMap::<(i64, String), i64>::new();
        {
            let mut insert = transaction.prepare_cached(
                "insert into outcome (run, seq, asset, verdict, code, message, evidence, at, link)
                    values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            let at = time_text(now);
            for new in group {
                let mut outcome = Outcome {
                    run: self.run,
                    asset: new.asset,
                    verdict: new.verdict,
                    code: new.code,
                    message: new.message,
                    evidence: new.evidence.unwrap_or_else(nothing_seen),
                    at: now,
                    link: link_before,
                };
                outcome.link = link(&link_before, &outcome.sealed_text());
                insert.execute(params![
                    self.number,
                    next,
                    outcome.asset,
                    verdict_number(outcome.verdict),
                    outcome.code,
                    outcome.message,
                    outcome.evidence.get(),
                    at,
                    outcome.link.0
                ])?;
                *tally
                    .entry((verdict_number(outcome.verdict), outcome.code.clone()))
                    .or_default() += 1;
                next += 1;
                link_before = outcome.link;
                written.push(outcome);
            }
            let mut count = transaction.prepare_cached(
                "insert into tally (run, verdict, code, count) values (?, ?, ?, ?)
                    on conflict do update set count = count + excluded.count",
            )?;
            for ((verdict, code), more) in tally {
                count.execute(params![self.number, verdict, code, more])?;
            }
        }
        transaction.commit()?;
        (self.next, self.link) = (next, link_before);
        Ok(written)
    }

    /// Records how the run ended.
    pub(crate) fn end(
        &mut self,
        ending: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "update run set ended = ?, ending = ?, reason = ? where number = ?",
                params![time_text(now), ending, reason, self.number],
            )
            .map(|_| ())
            .map_err(|source| self.ledger.failed(source))
    }

    /// Whether the asset has its outcome.
    pub(crate) fn has(&self, asset: &str) -> Result<bool, LedgerError> {
        self.connection
            .prepare_cached("select 1 from outcome where run = ? and asset = ?")
            .and_then(|mut statement| statement.exists(params![self.number, asset]))
            .map_err(|source| self.ledger.failed(source))
    }
}

fn nothing_seen() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}
