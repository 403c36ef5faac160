//! Going on with a run whose process died, and trying some of its assets again.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use tipstaff_asset::Entry;
use tipstaff_egress::{Mode, Urgency};

use super::ledger::RunState;
use super::outcome::{Verdict, verdict_text};
use super::plan::{Draft, Plan, PlanError, accesses, by_settings};
use super::run::{self, Running};
use super::spool::{Census, Old, Spool};
use crate::access::Access;
use crate::assets::Assets;
use crate::connection::Connection;
use crate::host::Host;

impl Host {
    /// Plans to go on with a run whose process died, from where it stopped, with the same action, settings and assets.
    ///
    /// # Errors
    ///
    /// It ended, is under way, or the connection is not what it was.
    pub async fn resume(
        &self,
        run: &str,
        connection: impl Into<Arc<Connection>>,
    ) -> Result<Resumption, PlanError> {
        self.resume_with(run, connection, []).await
    }

    /// The same for a run whose dynamic values sent assets to other connections too.
    ///
    /// # Errors
    ///
    /// It ended, is under way, or a connection is not what it was.
    pub async fn resume_with(
        &self,
        run: &str,
        connection: impl Into<Arc<Connection>>,
        others: impl IntoIterator<Item = Connection>,
    ) -> Result<Resumption, PlanError> {
        let record = self.inner.ledger.run(run)?;
        let refused = |reason: String, hint: Option<String>| PlanError::NotResumable {
            run: record.id,
            reason,
            hint,
        };
        if let RunState::Ended { ending, .. } = &record.state {
            return Err(refused(
                format!("it ended ({ending}), and every asset has its outcome"),
                Some(format!(
                    "a second try: `tipstaff runs resume {} --only failed,not-attempted`",
                    record.id
                )),
            ));
        }
        let spool = Spool::reopen(&self.inner.state.spool(), record.id)?;
        let action = self.load_kept(&record.action, &record.digest).await?;
        let access = Access::new(connection.into(), action.manifest())?;
        let planned: Value = serde_json::from_str(&record.plan).unwrap_or_default();
        let was = planned.get("connections").and_then(Value::as_array);
        let was = was.map(Vec::as_slice).unwrap_or_default();
        let names: Vec<String> = was
            .iter()
            .filter_map(|other| Some(other.get("name")?.as_str()?.to_owned()))
            .collect();
        let given: Vec<_> = others.into_iter().map(Arc::new).collect();
        let others = accesses(names.iter(), &given, &action)?;
        let pairs = was
            .iter()
            .zip(&others)
            .chain(planned.get("connection").zip(Some(&access)));
        let mut changed = pairs.filter(|(was, now)| **was != now.describe());
        if let Some((_, changed)) = changed.next() {
            return Err(refused(
                format!(
                    "connection `{}` is not what it was when the run was planned",
                    changed.connection.name()
                ),
                Some("put it back as it was, or plan a new run".to_owned()),
            ));
        }
        drop(changed);
        let form = &action.manifest().settings_schema;
        let settings = planned.get("settings").and_then(Value::as_object);
        let urgency = settings.map_or(Urgency::Ordinary, |settings| by_settings(form, settings));
        let plan = Plan {
            id: record.id,
            urgency,
            first: record.first,
            host: self.clone(),
            action,
            access,
            others,
            notes: Vec::new(),
            settings: planned
                .get("settings")
                .cloned()
                .unwrap_or_default()
                .to_string(),
            spool,
            census: Census {
                assets: record.assets,
                to_enforce: record.assets,
                added: planned
                    .pointer("/assets/added")
                    .and_then(|added| serde_json::from_value(added.clone()).ok())
                    .unwrap_or_default(),
                ..Census::default()
            },
            text: record.plan,
            digest: record.plan_digest,
            resumed: true,
            settled: record.counts,
        };
        let mode = if record.simulated {
            Mode::Simulate
        } else {
            Mode::Enforce
        };
        Ok(Resumption {
            plan,
            mode,
            settled: record.counts.total(),
        })
    }

    /// Drafts a second try of those assets of a run that have one of `verdicts`: a run of its own, which names the
    /// first.
    ///
    /// # Errors
    ///
    /// There is no such run, or its assets are gone.
    pub async fn again(&self, run: &str, verdicts: &[Verdict]) -> Result<Draft, PlanError> {
        let record = self.inner.ledger.run(run)?;
        let action = self.load_kept(&record.action, &record.digest).await?;
        let wanted = self.inner.ledger.outcomes(record.id)?.filter(|outcome| {
            outcome
                .as_ref()
                .map_or(true, |o| verdicts.contains(&o.verdict))
        });
        let (mut assets, mut added_again) = (Vec::new(), HashSet::new());
        let old = Old::open(&self.inner.state.spool(), record.id)?;
        for outcome in wanted {
            // Lines that were no asset have none to try again.
            let id = outcome?.asset;
            match old.asset(&id, action.manifest(), &record.connection)? {
                Some((asset, None)) => assets.push(asset),
                // A setting added it, and will again.
                Some((_, Some(setting))) => drop(added_again.insert(setting)),
                None => {}
            }
        }
        let entries = assets
            .into_iter()
            .zip(1..)
            .map(|(asset, line)| Ok(Entry::Asset { line, asset }));
        let mut draft = self.plan(&action).assets(Assets {
            entries: Box::new(entries),
            from: format!("run {} (those that are {})", record.id, words(verdicts)),
        });
        let planned: Value = serde_json::from_str(&record.plan).unwrap_or_default();
        if let Some(settings) = planned.get("settings").and_then(Value::as_object) {
            draft.settings = settings.clone();
            for adds in &action.manifest().adds {
                if !added_again.contains(&adds.setting) {
                    draft.settings.insert(adds.setting.clone(), false.into());
                }
            }
        }
        draft.first = Some(record.id);
        Ok(draft)
    }
}

fn words(verdicts: &[Verdict]) -> String {
    verdicts
        .iter()
        .map(|v| verdict_text(*v))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A run that can be gone on with.
#[derive(Debug)]
pub struct Resumption {
    plan: Plan,
    mode: Mode,
    settled: u64,
}

impl Resumption {
    /// The run as it was planned.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many assets have their outcome already.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Whether it was a simulation.
    #[must_use]
    pub fn is_simulation(&self) -> bool {
        self.mode == Mode::Simulate
    }

    /// Goes on with it.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn start(self) -> Result<Running, PlanError> {
        run::start(self.plan, self.mode).await
    }
}
