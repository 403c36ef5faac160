//! Outcomes as files and streams: JSON Lines, one JSON document, CSV.
//!
//! Nothing here knows a terminal; tables for people are the command line's.

use std::io::{self, Write};

use serde_json::Value;
use tipstaff_asset::cell::CellWriter;

use super::ledger::{Ledger, LedgerError, RunRecord};
use super::outcome::{Outcome, time_text, verdict_text};

/// A form that outcomes are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// One outcome a line, each with the link that ties it to the lines before it.
    JsonLines,
    /// One document: `{"run":…,"plan":…,"counts":{…},"outcomes":[…]}`.
    Json,
    /// Columns `asset,verdict,code,message,object_id,http_status,request_id,attempts,at`. No cell can become a formula.
    Csv,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The outcomes could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// They could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes outcomes one by one as they become final, in a form that needs no end: JSON Lines or CSV.
pub enum Lines<W: Write> {
    /// JSON Lines.
    Json(W),
    /// CSV, whose header was written.
    Csv(Box<CellWriter<W>>),
}

/// The columns of a report in CSV. The first nine are fixed.
const COLUMNS: [&str; 9] = [
    "asset",
    "verdict",
    "code",
    "message",
    "object_id",
    "http_status",
    "request_id",
    "attempts",
    "at",
];

impl<W: Write> Lines<W> {
    /// Starts JSON Lines.
    pub fn json(out: W) -> Self {
        Self::Json(out)
    }

    /// Starts CSV, with its header.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn csv(out: W) -> io::Result<Self> {
        let mut cells = CellWriter::new(out);
        cells.row(COLUMNS)?;
        Ok(Self::Csv(Box::new(cells)))
    }

    /// Writes one outcome.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&mut self, outcome: &Outcome) -> io::Result<()> {
        match self {
            Self::Json(out) => {
                out.write_all(outcome.line().as_bytes())?;
                out.write_all(b"\n")
            }
            Self::Csv(cells) => {
                let evidence: Value =
                    serde_json::from_str(outcome.evidence.get()).unwrap_or_default();
                let seen = |member: &str| match evidence.get(member) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                };
                cells.row([
                    outcome.asset.as_str(),
                    verdict_text(outcome.verdict),
                    &outcome.code,
                    &outcome.message,
                    &seen("object_id"),
                    &seen("http_status"),
                    &seen("request_id"),
                    &seen("attempts"),
                    &time_text(outcome.at),
                ])
            }
        }
    }

    /// Hands on what is buffered.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Json(out) => out.flush(),
            Self::Csv(cells) => cells.flush(),
        }
    }
}

/// Writes a recorded run whole.
///
/// # Errors
///
/// The outcomes cannot be read, or the report not written.
pub fn write<W: Write>(
    ledger: &Ledger,
    run: &RunRecord,
    format: ReportFormat,
    mut out: W,
) -> Result<(), ReportError> {
    let outcomes = ledger.outcomes(run.id)?;
    match format {
        ReportFormat::JsonLines => write_lines(Lines::json(out), outcomes),
        ReportFormat::Csv => write_lines(Lines::csv(out)?, outcomes),
        ReportFormat::Json => {
            write!(
                out,
                "{{\"run\":\"{}\",\"plan\":\"{}\",\"counts\":{},\"outcomes\":[",
                run.id,
                run.plan_digest,
                serde_json::to_string(&run.counts).unwrap_or_default()
            )?;
            for (at, outcome) in outcomes.enumerate() {
                out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
                out.write_all(outcome?.line().as_bytes())?;
            }
            out.write_all(b"\n]}\n")?;
            Ok(out.flush()?)
        }
    }
}

fn write_lines<W: Write>(
    mut lines: Lines<W>,
    outcomes: impl Iterator<Item = Result<Outcome, LedgerError>>,
) -> Result<(), ReportError> {
    for outcome in outcomes {
        lines.write(&outcome?)?;
    }
    Ok(lines.flush()?)
}
