//! Feeds assets from the spool, a page at a time, to the action or, where they were settled when the list was read, to the
//! ledger.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tipstaff_egress::Owner;
use tipstaff_sandbox::HandOver;

use super::{Lens, SpoolError, failed};
use crate::enforcement::ledger::NewOutcome;
use crate::enforcement::outcome::verdict_of;

/// Assets in their order, a page at a time.
pub(crate) struct Feed {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) after: i64,
    pub(super) resumed: bool,
    pub(super) which: Which,
}

/// Which assets are fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// Those of the run's connection.
    Main,
    /// Those of another one.
    On(String),
}

/// One asset of a page.
pub(crate) enum Fed {
    /// It goes to the action. The text is for its evidence: see `Route::mark`.
    Asset(HandOver, Option<String>),
    /// It was settled when the list was read.
    Settled(NewOutcome),
}

impl Fed {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Asset(asset, _) => &asset.id,
            Self::Settled(outcome) => &outcome.asset,
        }
    }
}

const PAGE: i64 = 256;

impl Feed {
    /// The next page; an empty one is the end.
    pub(crate) fn page(&mut self, lens: &Lens<'_>) -> Result<Vec<Fed>, SpoolError> {
        let read = || -> rusqlite::Result<Vec<(i64, Fed)>> {
            let mut statement = self.connection.prepare_cached(
                "select asset.ordinal, id, identities, verdict, code, message, sent.at, added_for,
                        route.settings, route.mark
                    from asset left join sent on ?3 and sent.ordinal = asset.ordinal
                        left join route on route.ordinal = asset.ordinal
                    where asset.ordinal > ?1 and (?4 or route.connection is ?5)
                    order by asset.ordinal limit ?2",
            )?;
            let (all, on) = match &self.which {
                Which::All => (true, None),
                Which::Main => (false, None),
                Which::On(name) => (false, Some(name)),
            };
            let wanted = params![self.after, PAGE, self.resumed, all, on];
            let rows = statement.query_map(wanted, |row| {
                let ordinal: i64 = row.get(0)?;
                let id: String = row.get(1)?;
                let verdict: Option<String> = row.get(3)?;
                let mark: Option<String> = row.get(9)?;
                if let Some(verdict) = verdict.as_deref().and_then(verdict_of) {
                    let (code, message) = (row.get(4)?, row.get(5)?);
                    let outcome = NewOutcome {
                        asset: id,
                        verdict,
                        code,
                        message,
                        evidence: marked(None, mark.as_deref()),
                    };
                    return Ok((ordinal, Fed::Settled(outcome)));
                }
                let identities: Vec<Map<String, Value>> =
                    serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default();
                let names = identities
                    .iter()
                    .flat_map(|identity| lens.names(identity))
                    .map(|(field, name)| (field.to_owned(), name.to_owned()))
                    .collect();
                let asset = HandOver {
                    owner: Owner(ordinal.unsigned_abs()),
                    id,
                    identities: identities
                        .iter()
                        .filter_map(|i| serde_json::to_string(i).ok())
                        .collect(),
                    names,
                    settings: row.get(8)?,
                    sent_before: row.get::<_, Option<i64>>(6)?.map(i64::unsigned_abs),
                    added_for: row.get(7)?,
                };
                Ok((ordinal, Fed::Asset(asset, mark)))
            })?;
            rows.collect()
        };
        let page = read().map_err(|error| failed(&self.path)(&error))?;
        if let Some((last, _)) = page.last() {
            self.after = *last;
        }
        Ok(page.into_iter().map(|(_, fed)| fed).collect())
    }
}

/// Evidence with the members of a mark before its own.
pub(crate) fn marked(evidence: Option<Box<RawValue>>, mark: Option<&str>) -> Option<Box<RawValue>> {
    let Some(mark) = mark else {
        return evidence;
    };
    let text = match evidence.as_deref().map(RawValue::get).map(str::trim) {
        None | Some("{}") => format!("{{{mark}}}"),
        Some(seen) => format!("{{{mark},{}", seen.strip_prefix('{').unwrap_or("}")),
    };
    // What is no object stays as it is.
    RawValue::from_string(text).ok().or(evidence)
}
