//! Whether an exported run is what its ledger wrote: needs the export, and neither a state folder nor a host.
//!
//! Each line carries the link of a chain that begins with the run's id and its plan's digest. A line that was changed,
//! added, left out or moved breaks it. The chain alone does not tell a whole export from one that was made up from the
//! first line on, or cut at its end: for that, compare the last link with one that was kept elsewhere when the run ended.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, BufRead, Read};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::ledger::{first_link, link};
use super::outcome::{Counts, Link, unsealed, verdict_of};

/// What is known of a run from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The digest of its plan. A JSON document names its own.
    pub plan: Option<String>,
    /// The last link.
    pub last: Option<Link>,
}

/// An export whose chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The run's id.
    pub run: String,
    /// The digest of the plan that the chain begins with; none where it was not known, so that the first line is taken
    /// on its word.
    pub plan: Option<String>,
    /// How many outcomes have which verdict.
    pub counts: Counts,
    /// The last link.
    pub last: Link,
    /// The last link is the one that was known.
    pub ends_as_known: bool,
}

/// Why an export is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// It cannot be read.
    #[error("line {line} cannot be read: {source}")]
    Io {
        /// The line, from 1.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no outcome with a link.
    #[error("line {line} is no outcome of an export with links")]
    NotAnOutcome {
        /// The line, from 1.
        line: u64,
    },
    /// A line does not follow from the one before.
    #[error(
        "line {line} does not follow from what stands before it: something was changed, added, left out or moved"
    )]
    Broken {
        /// The line, from 1.
        line: u64,
    },
    /// The first line does not follow from the run and its plan.
    #[error(
        "the first outcome does not follow from run `{run}` and plan `{plan}`: outcomes are missing before it, or the plan is another"
    )]
    OtherBeginning {
        /// The run.
        run: String,
        /// The plan's digest.
        plan: String,
    },
    /// A line is of another run.
    #[error("line {line} is of another run")]
    OtherRun {
        /// The line, from 1.
        line: u64,
    },
    /// An asset has two outcomes.
    #[error("line {line} is a second outcome of asset `{asset}`")]
    Twice {
        /// The line, from 1.
        line: u64,
        /// The asset.
        asset: String,
    },
    /// The document's counts are not those of its outcomes.
    #[error("the counts of the document are not those of its outcomes")]
    Counts,
    /// It ends with another link than the one that was known.
    #[error(
        "it ends with link {found}, not with {known}: outcomes are missing at its end, or all of it is another"
    )]
    OtherEnd {
        /// What it ends with.
        found: Link,
        /// What was known.
        known: Link,
    },
    /// There are no outcomes.
    #[error("it has no outcomes")]
    Empty,
}

impl ProofError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAnOutcome { .. } | Self::Empty => Some(
                "verify what `tipstaff runs export ID` printed (JSON Lines, or one document with `--format json`), as it was",
            ),
            Self::Io { .. } => None,
            _ => Some("do not rely on this file: export the run again from its ledger"),
        }
    }
}

/// The longest line: an outcome's texts are bounded far below.
const LONGEST_LINE: u64 = 1 << 20;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    run: Cow<'a, str>,
    #[serde(borrow)]
    plan: Cow<'a, str>,
    counts: serde_json::Value,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    run: Cow<'a, str>,
    #[serde(borrow)]
    asset: Cow<'a, str>,
    #[serde(borrow)]
    verdict: Cow<'a, str>,
}

/// Reads an export, JSON Lines or the JSON document, and follows its chain. Memory grows by some bytes for each asset.
///
/// # Errors
///
/// The first thing that does not hold.
pub fn verify(mut export: impl BufRead, known: &Known) -> Result<Proof, ProofError> {
    let mut chain = Chain {
        plan: known.plan.clone(),
        run: None,
        stated: None,
        last: None,
        counts: Counts::default(),
        seen: HashSet::new(),
    };
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let mut bounded = export.by_ref().take(LONGEST_LINE);
        let read = bounded.read_line(&mut text);
        if read.map_err(|source| ProofError::Io { line, source })? == 0 {
            break;
        }
        match text.trim_end_matches(['\n', '\r']) {
            "" | "]}" => {}
            begin if line == 1 && begin.ends_with(r#""outcomes":["#) => chain.begin(begin)?,
            outcome => chain.follow(outcome.strip_suffix(',').unwrap_or(outcome), line)?,
        }
    }
    chain.end(known)
}

struct Chain {
    plan: Option<String>,
    run: Option<String>,
    stated: Option<serde_json::Value>,
    last: Option<Link>,
    counts: Counts,
    seen: HashSet<[u8; 16]>,
}

impl Chain {
    fn begin(&mut self, text: &str) -> Result<(), ProofError> {
        let whole = format!("{text}]}}");
        let head: Head<'_> =
            serde_json::from_str(&whole).map_err(|_| ProofError::NotAnOutcome { line: 1 })?;
        self.plan.get_or_insert_with(|| head.plan.into_owned());
        self.run = Some(head.run.into_owned());
        self.stated = Some(head.counts);
        Ok(())
    }

    fn follow(&mut self, text: &str, number: u64) -> Result<(), ProofError> {
        let no_outcome = || ProofError::NotAnOutcome { line: number };
        let (sealed, stated) = unsealed(text).ok_or_else(no_outcome)?;
        let line: Line<'_> = serde_json::from_str(&sealed).map_err(|_| no_outcome())?;
        let verdict = verdict_of(&line.verdict).ok_or_else(no_outcome)?;
        let run = self.run.get_or_insert_with(|| line.run.to_string());
        if *run != line.run {
            return Err(ProofError::OtherRun { line: number });
        }
        match (self.last, &self.plan) {
            (Some(before), _) if link(&before, &sealed) != stated => {
                return Err(ProofError::Broken { line: number });
            }
            (None, Some(plan)) if link(&first_link(run, plan), &sealed) != stated => {
                return Err(ProofError::OtherBeginning {
                    run: run.clone(),
                    plan: plan.clone(),
                });
            }
            _ => self.last = Some(stated),
        }
        let mut short = [0; 16];
        let digest = Sha256::digest(line.asset.as_bytes());
        short.copy_from_slice(digest.get(..16).unwrap_or(&[0; 16]));
        if !self.seen.insert(short) {
            return Err(ProofError::Twice {
                line: number,
                asset: line.asset.into_owned(),
            });
        }
        self.counts.add(verdict, 1);
        Ok(())
    }

    fn end(self, known: &Known) -> Result<Proof, ProofError> {
        let (Some(run), Some(last)) = (self.run, self.last) else {
            return Err(ProofError::Empty);
        };
        let found = serde_json::to_value(self.counts).unwrap_or_default();
        if self.stated.is_some_and(|stated| stated != found) {
            return Err(ProofError::Counts);
        }
        if let Some(known) = known.last
            && known != last
        {
            return Err(ProofError::OtherEnd { found: last, known });
        }
        Ok(Proof {
            run,
            plan: self.plan,
            counts: self.counts,
            last,
            ends_as_known: known.last.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
