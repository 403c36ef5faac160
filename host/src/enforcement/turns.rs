//! The turns of a run: one instance of the action for each connection that assets go to, one after the other.
//!
//! ```text
//! spool ─ feeder thread ─▸ action ─▸ collector ─▸ ledger thread
//! ```
//!
//! A run has one turn, unless dynamic values send assets to other connections than the run's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::value::RawValue;
use tipstaff_egress::{Mode, Roster};
use tipstaff_sandbox::{Action, End, HandOver, Run, Settled};
use tokio::sync::mpsc;

use super::desk::Clerk;
use super::event::RunEvent;
use super::ledger::{Ledger, LedgerError, NewOutcome};
use super::outcome::RunId;
use super::plan::Plan;
use super::run::{Control, GROUPS, joined};
use super::spool::{Fed, Lens, SpoolError, Which, marked};
use super::witness::Notes;
use crate::access::Access;

/// What the turns of a run share.
pub(super) struct Turns<'a> {
    pub(super) plan: &'a Plan,
    pub(super) mode: Mode,
    pub(super) control: &'a Control,
    pub(super) events: &'a mpsc::Sender<Vec<RunEvent>>,
    pub(super) notes: &'a Arc<Notes>,
    pub(super) clerk: Clerk,
    pub(super) to_ledger: mpsc::Sender<Vec<NewOutcome>>,
}

/// How the turns went.
pub(super) struct Acted {
    pub(super) end: End,
    /// Whether all assets could be read.
    pub(super) fed: Result<(), FeedError>,
    /// How often the action said something untrue.
    pub(super) lies: u64,
}

impl Turns<'_> {
    /// Runs the action on each connection that assets go to. What one connection cannot do another may; what the host
    /// ends is ended for all.
    pub(super) async fn take_all(self) -> Acted {
        let plan = self.plan;
        let (mut stopped, mut lies) = (None, 0);
        let main = std::iter::once((&plan.access, Which::Main));
        let others = plan
            .others
            .iter()
            .map(|access| (access, Which::On(access.connection.name().to_owned())));
        for (access, which) in main.chain(others) {
            if which != Which::Main && self.control.finish.is_cancelled() {
                break;
            }
            let mut acted = self.take(access, which).await;
            lies += acted.lies;
            acted.lies = lies;
            match acted.end {
                _ if acted.fed.is_err() => return acted,
                End::Complete => {}
                End::Stopped(why) if plan.others.is_empty() => stopped = Some(why),
                End::Stopped(why) => {
                    let name = access.connection.name();
                    stopped.get_or_insert_with(|| format!("on connection `{name}`: {why}"));
                }
                End::Cut(_) => return acted,
            }
        }
        Acted {
            end: stopped.map_or(End::Complete, End::Stopped),
            fed: Ok(()),
            lies,
        }
    }

    /// Runs the action on the assets of one connection.
    async fn take(&self, access: &Access, which: Which) -> Acted {
        let plan = self.plan;
        let (to_action, assets) = mpsc::channel(GROUPS);
        let marks = Arc::new(Marks::default());
        let feeder = Feeder {
            action: plan.action.clone(),
            connection: access.connection.name().to_owned(),
            to_action,
            to_ledger: self.to_ledger.clone(),
            ledger: plan.resumed.then(|| plan.host.inner.ledger.clone()),
            run: plan.id,
            marks: Arc::clone(&marks),
        };
        let feed = plan.spool.feed(plan.resumed, which);
        let feeder = tokio::task::spawn_blocking(move || feeder.feed_all(feed));

        let (outcomes, reports) = mpsc::channel(GROUPS);
        let to_ledger = self.to_ledger.clone();
        let digest = plan.action.digest().to_owned();
        let events = self.events.clone();
        let collector = tokio::spawn(collect(reports, to_ledger, events, digest, marks));
        let roster = Arc::new(Roster::new());
        let notes = Arc::clone(self.notes);
        let session = access.session(
            &plan.host,
            (self.mode, plan.urgency),
            Arc::clone(&roster),
            notes,
        );
        let began = Instant::now();
        let end = plan
            .action
            .run(Run {
                mode: self.mode,
                settings: plan.settings.clone(),
                connection: Arc::clone(&access.view),
                session,
                roster,
                claims: Arc::new(self.clerk.clone()),
                log: Arc::clone(&plan.host.inner.log),
                limits: plan.host.inner.limits.clone(),
                assets,
                outcomes,
                finish: self.control.finish.clone(),
                abort: self.control.abort.clone(),
            })
            .await;
        tracing::debug!(took_us = began.elapsed().as_micros(), "the action ended");
        let fed = joined(feeder.await);
        let lies = joined(collector.await);
        Acted { end, fed, lies }
    }
}

/// What the outcomes of assets that are under way have to carry: as many as the host hands over at most.
#[derive(Debug, Default)]
struct Marks(Mutex<HashMap<String, String>>);

impl Marks {
    fn put(&self, asset: &str, mark: Option<String>) {
        if let Some(mark) = mark {
            self.marks().insert(asset.to_owned(), mark);
        }
    }

    fn take(&self, asset: &str) -> Option<String> {
        self.marks().remove(asset)
    }

    fn marks(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the spool and hands assets to the action, those that need none of it to the ledger.
struct Feeder {
    action: Action,
    connection: String,
    to_action: mpsc::Sender<Vec<HandOver>>,
    to_ledger: mpsc::Sender<Vec<NewOutcome>>,
    /// In a resumed run, what tells which assets have their outcome.
    ledger: Option<Ledger>,
    run: RunId,
    marks: Arc<Marks>,
}

impl Feeder {
    fn feed_all(self, feed: Result<super::spool::Feed, SpoolError>) -> Result<(), FeedError> {
        let lens = Lens::new(self.action.manifest(), &self.connection);
        let mut feed = feed?;
        let before = self
            .ledger
            .map(|ledger| ledger.settled(self.run))
            .transpose()?;
        loop {
            let page = feed.page(&lens)?;
            if page.is_empty() {
                return Ok(());
            }
            let (mut assets, mut settled) = (Vec::new(), Vec::new());
            for fed in page {
                if let Some(before) = &before
                    && before.contains(fed.id())?
                {
                    continue;
                }
                match fed {
                    Fed::Asset(asset, mark) => {
                        self.marks.put(&asset.id, mark);
                        assets.push(asset);
                    }
                    Fed::Settled(outcome) => settled.push(outcome),
                }
            }
            let kept = settled.is_empty() || self.to_ledger.blocking_send(settled).is_ok();
            let handed = assets.is_empty() || self.to_action.blocking_send(assets).is_ok();
            if !kept || !handed {
                // The run ended; what is left gets its outcome when the books are closed.
                return Ok(());
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FeedError {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Passes reports on to the ledger, and tells of lies. Gives how many there were.
async fn collect(
    mut reports: mpsc::Receiver<Vec<Settled>>,
    to_ledger: mpsc::Sender<Vec<NewOutcome>>,
    events: mpsc::Sender<Vec<RunEvent>>,
    action: String,
    marks: Arc<Marks>,
) -> u64 {
    let mut told = 0;
    while let Some(group) = reports.recv().await {
        for settled in group.iter().filter(|settled| settled.lie.is_some()) {
            told += 1;
            if told <= 5 {
                let message = format!("asset `{}`: {}", settled.asset, settled.message);
                let hint = Some(
                    "this is the action's fault: do not trust it, and tell its author".to_owned(),
                );
                drop(events.try_send(vec![RunEvent::Warning { message, hint }]));
            }
        }
        let outcomes = group
            .into_iter()
            .map(|settled| NewOutcome {
                evidence: marked(
                    settled.evidence.and_then(|seen| signed(&seen, &action)),
                    marks.take(&settled.asset).as_deref(),
                ),
                asset: settled.asset,
                verdict: settled.verdict,
                code: settled.code,
                message: settled.message,
            })
            .collect();
        if to_ledger.send(outcomes).await.is_err() {
            break;
        }
    }
    told
}

/// Evidence, and which component saw it: a report can be read without the run that it is of.
fn signed(evidence: &RawValue, action: &str) -> Option<Box<RawValue>> {
    let members = evidence.get().trim().strip_prefix('{')?.trim_start();
    let comma = if members.starts_with('}') { "" } else { "," };
    RawValue::from_string(format!("{{\"action_digest\":\"{action}\"{comma}{members}")).ok()
}
