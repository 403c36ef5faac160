//! A run under way: assets from the spool into the action, its reports into the ledger, and what is on disk to whoever
//! listens.
//!
//! ```text
//! spool ─ feeder thread ─▸ action ─▸ reports ─▸ ledger thread ─▸ events
//! ```
//!
//! Every arrow is a bounded channel: a listener that is slow slows the run, and costs no memory. An outcome that cannot
//! be written ends the run.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tipstaff_egress::Mode;
use tipstaff_sandbox::{Cut, End, HandOver, Verdict};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use super::desk::Clerk;
use super::event::{Ending, RunEvent, Summary};
use super::ledger::{LedgerError, NewOutcome, NewRun, Writer};
use super::outcome::{Counts, RunId, host_code};
use super::plan::{Plan, PlanError};
use super::spool::{Desk, Fed, Lens, SpoolError, Which, marked};
use super::turns::{Acted, Turns};

use super::witness::{Audit, Notes, Tell};
use crate::host::HostError;

/// Groups of assets or outcomes that wait between two stages.
pub(super) const GROUPS: usize = 2;

/// Outcomes that are written in one transaction at most.
const MOST_AT_ONCE: usize = 512;

/// A run that was started. Dropping it does not stop it; see [`Control`].
pub struct Running {
    id: RunId,
    events: mpsc::Receiver<Vec<RunEvent>>,
    ready: VecDeque<RunEvent>,
    control: Control,
    summary: Option<Summary>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Stops a run from anywhere. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Control {
    pub(super) finish: CancellationToken,
    pub(super) abort: CancellationToken,
}

impl Control {
    /// No asset begins any more; what is under way is finished, and the rest is reported as not attempted.
    pub fn finish(&self) {
        self.finish.cancel();
    }

    /// The run ends now. What was sent and not answered is in doubt.
    pub fn abort(&self) {
        self.finish.cancel();
        self.abort.cancel();
    }
}

impl Running {
    /// The run's name.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.id
    }

    /// What stops it.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The next thing that happened. None after [`RunEvent::Finished`].
    pub async fn next(&mut self) -> Option<RunEvent> {
        while self.ready.is_empty() {
            self.ready.extend(self.events.recv().await?);
        }
        let event = self.ready.pop_front();
        if let Some(RunEvent::Finished(summary)) = &event {
            self.summary = Some(summary.clone());
        }
        event
    }

    /// Waits for the end, and passes over everything else.
    pub async fn finished(mut self) -> Option<Summary> {
        while self.next().await.is_some() {}
        self.summary
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }
}

pub(super) async fn start(plan: Plan, mode: Mode) -> Result<Running, PlanError> {
    let (events, receiver) = mpsc::channel(GROUPS * 4);
    let control = Control {
        finish: CancellationToken::new(),
        abort: CancellationToken::new(),
    };
    let running = Running {
        id: plan.id,
        events: receiver,
        ready: VecDeque::new(),
        control: control.clone(),
        summary: None,
    };
    let stage = Stage::prepare(plan, mode, control, events)?;
    tokio::spawn(stage.play());
    Ok(running)
}

/// Everything that a run needs, opened; from here on nothing is missing that could have been known before.
struct Stage {
    plan: Plan,
    mode: Mode,
    control: Control,
    events: mpsc::Sender<Vec<RunEvent>>,
    writer: Writer,
    notes: Arc<Notes>,
    clerk: Clerk,
    untold: Untold,
}

/// Warnings that the listener had no room for when they came up.
type Untold = Arc<Mutex<Vec<RunEvent>>>;

/// Tells notes without waiting, because the network must not wait for a listener. Warnings that find no room are told
/// before the end; how a wait went is stale by then.
fn teller(events: mpsc::Sender<Vec<RunEvent>>, untold: Untold) -> Tell {
    Arc::new(move |event| {
        if let Err(TrySendError::Full(events)) = events.try_send(vec![event]) {
            let warnings = events
                .into_iter()
                .filter(|event| matches!(event, RunEvent::Warning { .. }));
            untold
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(warnings);
        }
    })
}

impl Stage {
    fn prepare(
        mut plan: Plan,
        mode: Mode,
        control: Control,
        events: mpsc::Sender<Vec<RunEvent>>,
    ) -> Result<Self, PlanError> {
        let unwritable = |path: &std::path::Path, error: std::io::Error| {
            PlanError::Spool(SpoolError {
                path: path.to_owned(),
                reason: error.to_string(),
            })
        };
        let state = &plan.host.inner.state;
        let audit_path = state.audit().join(format!("{}.jsonl", plan.id));
        let audit = Audit::open(&audit_path, &plan.id.to_string(), plan.action.digest())
            .map_err(|error| unwritable(&audit_path, error))?;
        let clerk = Clerk::start(plan.spool.desk()?)
            .map_err(|error| unwritable(plan.spool.path(), error))?;
        let ledger = &plan.host.inner.ledger;
        let writer = if plan.resumed {
            ledger.go_on(plan.id)?
        } else {
            ledger.begin(&NewRun {
                id: plan.id,
                first: plan.first,
                simulated: mode != Mode::Enforce,
                action: &plan.action.manifest().name,
                version: &plan.action.manifest().version,
                digest: plan.action.digest(),
                connection: plan.access.connection.name(),
                plan: &plan.text,
                plan_digest: &plan.digest,
                assets: plan.census.assets,
                started: Timestamp::now(),
            })?
        };
        plan.spool.keep();
        let untold = Arc::new(Mutex::new(Vec::new()));
        let tell = teller(events.clone(), Arc::clone(&untold));
        let notes = Notes::new(audit, (mode == Mode::Enforce).then(|| clerk.clone()), tell);
        Ok(Self {
            plan,
            mode,
            control,
            events,
            writer,
            notes: Arc::new(notes),
            clerk,
            untold,
        })
    }

    async fn play(self) {
        let Self {
            mut plan,
            mode,
            control,
            events,
            writer,
            notes,
            clerk,
            untold,
        } = self;
        let started = RunEvent::Started {
            run: plan.id,
            assets: plan.census.assets,
        };
        if events.send(vec![started]).await.is_err() {
            tracing::debug!(run = %plan.id, "nobody listens to this run");
        }
        let (to_ledger, from_stages) = mpsc::channel(GROUPS);
        let scribe = Scribe {
            writer,
            events: events.clone(),
            abort: control.abort.clone(),
            counts: plan.settled,
        };
        let scribe = tokio::task::spawn_blocking(move || scribe.write_all(from_stages));

        let turns = Turns {
            plan: &plan,
            mode,
            control: &control,
            events: &events,
            notes: &notes,
            clerk,
            to_ledger,
        };
        let Acted { end, fed, lies } = turns.take_all().await;
        let began = Instant::now();
        let written = joined(scribe.await);
        tracing::debug!(
            took_us = began.elapsed().as_micros(),
            "the last outcomes written"
        );
        let interrupted = control.finish.is_cancelled();
        if let Some(fault) = fault(&end, lies) {
            let judged = plan.host.judge_trial(&plan.action, &fault).await;
            if let Some(warning) = verdict_of_trial(judged) {
                untold
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(warning);
            }
        }
        let close = move || {
            let ending = match (end, fed) {
                (_, Err(error)) => Ending::CutShort(error.to_string()),
                (End::Complete, _) if interrupted => Ending::Interrupted,
                (End::Complete, _) => Ending::Complete,
                (End::Stopped(why), _) => Ending::Stopped(why),
                (End::Cut(_), _) if interrupted => Ending::Interrupted,
                (End::Cut(cut), _) => Ending::CutShort(cut.to_string()),
            };
            let simulated = mode != Mode::Enforce;
            let untold =
                std::mem::take(&mut *untold.lock().unwrap_or_else(PoisonError::into_inner));
            // A listener that went away does not need to hear of anything.
            drop(events.blocking_send(untold));
            finish(&mut plan, written, ending, simulated, &events)
        };
        let began = Instant::now();
        joined(tokio::task::spawn_blocking(close).await);
        tracing::debug!(took_us = began.elapsed().as_micros(), "the books closed");
    }
}

/// What the action did that no version on trial may do. Limits are none of it: a long list can meet them.
fn fault(end: &End, lies: u64) -> Option<String> {
    match end {
        End::Cut(cut @ (Cut::Trap { .. } | Cut::Breach(_))) => Some(cut.to_string()),
        _ if lies == 1 => Some("it said something untrue of an asset".to_owned()),
        _ if lies > 1 => Some(format!("it said something untrue of {lies} assets")),
        _ => None,
    }
}

fn verdict_of_trial(judged: Result<Option<String>, HostError>) -> Option<RunEvent> {
    let (message, hint) = match judged {
        Ok(message) => (
            message?,
            "runs that are under way finish on the version that they began with",
        ),
        Err(error) => (
            format!("the version may be on trial, and could not be judged: {error}"),
            "`tipstaff actions rollback NAME` takes it back",
        ),
    };
    let hint = Some(hint.to_owned());
    Some(RunEvent::Warning { message, hint })
}

/// A thread that panicked is a bug, and goes on being one here.
pub(super) fn joined<T>(result: Result<T, tokio::task::JoinError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Gives every asset without an outcome the one that can be stood for, and closes the books.
fn finish(
    plan: &mut Plan,
    written: Result<Scribe, Unwritten>,
    ending: Ending,
    simulated: bool,
    events: &mpsc::Sender<Vec<RunEvent>>,
) {
    let (ending, counts) = match written {
        Err(Unwritten { why, counts }) => (Ending::CutShort(why), counts),
        Ok(mut scribe) => match close_books(plan, &mut scribe, ending) {
            Ok(ending) => {
                if simulated {
                    plan.spool.discard();
                }
                (ending, scribe.counts)
            }
            Err(error) => (Ending::CutShort(error), scribe.counts),
        },
    };
    // A listener that went away does not need to hear of the end.
    drop(events.blocking_send(vec![RunEvent::Finished(Summary {
        run: plan.id,
        ending,
        counts,
    })]));
}

fn close_books(plan: &Plan, scribe: &mut Scribe, mut ending: Ending) -> Result<Ending, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let counts = &scribe.counts;
    let all_have_one = counts.total() == plan.census.assets;
    let none_was_cut_off =
        counts.get(Verdict::NotAttempted) == 0 && counts.get(Verdict::InDoubt) == 0;
    if ending == Ending::Interrupted && all_have_one && none_was_cut_off {
        // Somebody wanted to stop it when there was nothing left to stop.
        ending = Ending::Complete;
    }
    if !all_have_one {
        settle_the_rest(plan, scribe, &ending)?;
    }
    scribe
        .writer
        .end(ending.word(), ending.reason(), Timestamp::now())
        .map_err(|e| text(&e))?;
    Ok(ending)
}

fn settle_the_rest(plan: &Plan, scribe: &mut Scribe, ending: &Ending) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let desk = plan.spool.desk().map_err(|e| text(&e))?;
    let lens = Lens::new(plan.action.manifest(), plan.access.connection.name());
    let mut feed = plan.spool.feed(false, Which::All).map_err(|e| text(&e))?;
    loop {
        let page = feed.page(&lens).map_err(|e| text(&e))?;
        if page.is_empty() {
            return Ok(());
        }
        let mut rest = Vec::new();
        for fed in page {
            if !scribe.writer.has(fed.id()).map_err(|e| text(&e))? {
                rest.push(match fed {
                    Fed::Settled(outcome) => outcome,
                    Fed::Asset(asset, mark) => {
                        let mut outcome = unsettled(&desk, asset, ending).map_err(|e| text(&e))?;
                        outcome.evidence = marked(None, mark.as_deref());
                        outcome
                    }
                });
            }
        }
        scribe.write(rest).map_err(|e| text(&e))?;
    }
}

/// The outcome of an asset that the action did not report.
fn unsettled(desk: &Desk, asset: HandOver, ending: &Ending) -> Result<NewOutcome, SpoolError> {
    let (code, why) = match ending {
        Ending::Complete => (
            host_code::CUT_SHORT,
            "the action never reported it".to_owned(),
        ),
        Ending::Stopped(why) => (host_code::STOPPED, format!("the action stopped: {why}")),
        Ending::Interrupted => (
            host_code::INTERRUPTED,
            "the run was stopped before its turn came".to_owned(),
        ),
        Ending::CutShort(why) => (
            host_code::CUT_SHORT,
            format!("the run was cut short: {why}"),
        ),
    };
    let (verdict, message) = match desk.sent_at(&asset.id)? {
        None => (
            Verdict::NotAttempted,
            format!("nothing was sent about it; {why}"),
        ),
        Some(at) => (
            Verdict::InDoubt,
            format!(
                "a change was sent at {} and its answer not seen; {why}",
                super::outcome::time_text(at)
            ),
        ),
    };
    Ok(NewOutcome {
        asset: asset.id,
        verdict,
        code: code.to_owned(),
        message,
        evidence: None,
    })
}

/// The ledger failed after so many outcomes.
struct Unwritten {
    why: String,
    counts: Counts,
}

/// Writes outcomes, and tells of them when they are on disk.
struct Scribe {
    writer: Writer,
    events: mpsc::Sender<Vec<RunEvent>>,
    abort: CancellationToken,
    counts: Counts,
}

impl Scribe {
    fn write_all(mut self, mut groups: mpsc::Receiver<Vec<NewOutcome>>) -> Result<Self, Unwritten> {
        while let Some(mut group) = groups.blocking_recv() {
            while group.len() < MOST_AT_ONCE {
                let Ok(more) = groups.try_recv() else { break };
                group.extend(more);
            }
            if let Err(error) = self.write(group) {
                self.abort.cancel();
                return Err(Unwritten {
                    why: error.to_string(),
                    counts: self.counts,
                });
            }
        }
        Ok(self)
    }

    fn write(&mut self, group: Vec<NewOutcome>) -> Result<(), LedgerError> {
        if group.is_empty() {
            return Ok(());
        }
        let written = self.writer.append(group, Timestamp::now())?;
        for outcome in &written {
            self.counts.add(outcome.verdict, 1);
        }
        // A run goes on when its listener went away: the ledger is the record.
        drop(
            self.events
                .blocking_send(written.into_iter().map(RunEvent::Outcome).collect()),
        );
        Ok(())
    }
}
