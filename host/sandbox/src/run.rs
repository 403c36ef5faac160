//! One run of an action: an instance, a stream of assets into it, a stream of judged reports out of it, and an end.
//!
//! Both streams are bounded: the next asset waits until reports came back, and reports wait until they are taken.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::task::AtomicWaker;
use tipstaff_egress::{Mode, Owner, Roster, Session};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, PollSender, WaitForCancellationFutureOwned};
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Destination, FutureConsumer, Source, StreamConsumer, StreamProducer, StreamReader,
    StreamResult, VecBuffer,
};

use crate::action::Action;
use crate::contract::v0_1;
use crate::limits::Limits;
use crate::manifest::shown;
use crate::outcome::{Report, Settled, judge};
use crate::store::{Behind, ComputedTooLong, ConnectionView, HeldAssets, LogGate, Real, store};

/// An asset on its way into a guest.
#[derive(Clone, Debug)]
pub struct HandOver {
    /// The host's number for it.
    pub owner: Owner,
    /// Its id in this run.
    pub id: String,
    /// JSON objects with the fields that the manifest asked for.
    pub identities: Vec<String>,
    /// Its naming fields ([`crate::Manifest::naming_fields`]) and their values.
    pub names: Vec<(String, String)>,
    /// Settings that hold for it alone.
    pub settings: Option<String>,
    /// When it may have been sent in an earlier try, in seconds since 1970.
    pub sent_before: Option<u64>,
    /// The setting for which the host added it.
    pub added_for: Option<String>,
}

/// Knows which names the assets of a run have.
pub trait Claims: Send + Sync {
    /// Gives for each claim the id of the other asset that has the name, or takes the name for this one.
    fn claim(
        &self,
        claims: Vec<(Owner, String)>,
    ) -> BoxFuture<'_, Result<Vec<Option<String>>, String>>;
}

/// Takes what an action logs.
pub trait Log: Send + Sync {
    /// One line without control characters.
    fn line(&self, level: tracing::Level, message: &str);
}

/// Everything that a run is given. What it must not use is not here.
pub struct Run {
    /// Do it, or do everything but that.
    pub mode: Mode,
    /// A JSON object, valid by the manifest's schema.
    pub settings: String,
    /// What the guest can learn of the connection.
    pub connection: Arc<ConnectionView>,
    /// Its way to the network. The run closes it at its end.
    pub session: Arc<Session>,
    /// The roster that the session judges against.
    pub roster: Arc<Roster>,
    /// Which names are taken.
    pub claims: Arc<dyn Claims>,
    /// Where its notes go.
    pub log: Arc<dyn Log>,
    /// What it may use.
    pub limits: Limits,
    /// Assets, in groups; the end of the channel is the end of the assets.
    pub assets: mpsc::Receiver<Vec<HandOver>>,
    /// Reports, in groups, judged.
    pub outcomes: mpsc::Sender<Vec<Settled>>,
    /// Cancelled: no new assets, what is held is finished.
    pub finish: CancellationToken,
    /// Cancelled: the run ends now.
    pub abort: CancellationToken,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The guest worked on everything that it was given.
    Complete,
    /// The guest saw that going on could not help, and says why.
    Stopped(String),
    /// The host ended it.
    Cut(Cut),
}

/// Why the host ended a run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Cut {
    /// Somebody asked for it.
    #[error("it was stopped at once, as asked")]
    Aborted,
    /// The guest trapped.
    #[error("the action crashed ({what}){}", said.as_ref().map(|s| format!("; the last it said was `{s}`")).unwrap_or_default())]
    Trap {
        /// The engine's word for it.
        what: String,
        /// The last line of its standard error.
        said: Option<String>,
    },
    /// It used more time, or did nothing for longer, than it may.
    #[error("the action reached a limit: {0}")]
    Limit(String),
    /// It broke the contract in a way that no outcome can be trusted after.
    #[error("the action broke its contract: {0}")]
    Breach(Breach),
}

/// How a guest broke the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// A report about an asset that it does not hold.
    #[error("it reported asset `{0}`, which it was not given or had already reported")]
    NotHeld(String),
    /// The outcomes ended, and some were missing.
    #[error("it ended without reporting {0} of the assets that it held")]
    Forgot(usize),
    /// Not all assets were taken, and it says that it is complete.
    #[error("it ended before it had taken all assets, and gave no reason")]
    LeftAssets,
    /// No ending came.
    #[error("it did not say how the run ended")]
    NoEnding,
    /// Its ending is not a text for a person.
    #[error("the sentence that it ended with is too long")]
    BadEnding,
}

/// One thing that `check` found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub level: Level,
    /// kebab-case.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Works.
    Good,
    /// Works, and somebody should know.
    Warning,
    /// Does not work.
    Bad,
}

impl Action {
    /// Runs the action. Every report is on `run.outcomes` before this returns; assets that got none were not settled.
    pub async fn run(&self, run: Run) -> End {
        let held = Arc::new(HeldAssets::default());
        let session = Arc::clone(&run.session);
        let behind = Behind {
            real: Some(Real {
                connection: run.connection,
                session: Arc::clone(&session),
                roster: Arc::clone(&run.roster),
                claims: run.claims,
                held: Arc::clone(&held),
            }),
            log: Arc::new(LogGate::new(run.log, &run.limits)),
            activity: Arc::default(),
        };
        let (activity, log) = (Arc::clone(&behind.activity), Arc::clone(&behind.log));
        let room = Arc::new(AtomicWaker::new());
        let fed = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let feed = Feed {
            assets: run.assets,
            pending: VecDeque::new(),
            behind: behind.clone(),
            held: Arc::clone(&held),
            roster: Arc::clone(&run.roster),
            window: run.limits.window,
            room: Arc::clone(&room),
            fed: Arc::clone(&fed),
            finish: Box::pin(run.finish.clone().cancelled_owned()),
        };
        let drained = Arc::clone(&run.roster);
        let (ended, end) = oneshot::channel();
        let collect = Collect {
            outcomes: PollSender::new(run.outcomes),
            behind: behind.clone(),
            held: Arc::clone(&held),
            roster: run.roster,
            mode: run.mode,
            codes: Arc::clone(&self.codes),
            room,
            session: Arc::clone(&session),
            _ended: ended,
        };
        let work = async {
            let began = Instant::now();
            let mut store = store(&self.engine, behind, &run.limits);
            let instance = self.pre.instantiate_async(&mut store).await?;
            tracing::debug!(took_us = began.elapsed().as_micros(), "an instance started");
            let mode = match run.mode {
                Mode::Enforce => v0_1::WitMode::Enforce,
                _ => v0_1::WitMode::Simulate,
            };
            let (settings, patience) = (run.settings, run.limits.ending);
            store
                .run_concurrent(async move |accessor| {
                    let (assets, connection) =
                        accessor.with(|mut access| -> wasmtime::Result<_> {
                            let assets = StreamReader::new(&mut access, feed)?;
                            let connection = access.get().table.push(v0_1::Connection)?;
                            Ok((assets, connection))
                        })?;
                    let guest = instance.tipstaff_action_enforcement();
                    let (outcomes, ending) = guest
                        .call_run(accessor, mode, settings, connection, assets)
                        .await?;
                    let (told, ending_told) = oneshot::channel();
                    accessor.with(|mut access| -> wasmtime::Result<()> {
                        outcomes.pipe(&mut access, collect)?;
                        ending.pipe(&mut access, TakeEnding(Some(told)))
                    })?;
                    // An error here is the end of the stream: its consumer is dropped with it.
                    let _ = end.await;
                    Ok(tokio::time::timeout(patience, ending_told)
                        .await
                        .ok()
                        .and_then(Result::ok))
                })
                .await?
        };
        let idle = run.limits.idle;
        let watch = async {
            loop {
                let left = idle.saturating_sub(activity.idle_for());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.max(Duration::from_millis(10))).await;
            }
        };
        // The feed may be gone by now: a small list is handed over whole at once.
        let (finish, roster) = (run.finish.clone(), drained);
        let drain = async {
            finish.cancelled().await;
            roster.drain();
            std::future::pending::<std::convert::Infallible>().await
        };
        let ended = tokio::select! {
            biased;
            never = drain => match never {},
            () = run.abort.cancelled() => Err(Cut::Aborted),
            result = work => result.map_err(|error| cause(&error, &log)),
            () = tokio::time::sleep(run.limits.run) => {
                Err(Cut::Limit(format!("the run took longer than {:?}", run.limits.run)))
            }
            () = watch => Err(Cut::Limit(format!("it did nothing for {idle:?}"))),
        };
        session.close();
        let complete = fed.load(std::sync::atomic::Ordering::Acquire) || run.finish.is_cancelled();
        match ended {
            Err(cut) => End::Cut(cut),
            Ok(_) if held.len() > 0 => End::Cut(Cut::Breach(Breach::Forgot(held.len()))),
            Ok(None) => End::Cut(Cut::Breach(Breach::NoEnding)),
            Ok(Some(v0_1::Ending::Complete)) if complete => End::Complete,
            Ok(Some(v0_1::Ending::Complete)) => End::Cut(Cut::Breach(Breach::LeftAssets)),
            Ok(Some(v0_1::Ending::Stopped(why))) if why.len() <= 2_000 => End::Stopped(
                why.chars()
                    .map(|c| {
                        if crate::manifest::is_misleading(c) {
                            ' '
                        } else {
                            c
                        }
                    })
                    .collect(),
            ),
            Ok(Some(v0_1::Ending::Stopped(_))) => End::Cut(Cut::Breach(Breach::BadEnding)),
        }
    }

    /// Asks the action to prove that the connection works.
    ///
    /// # Errors
    ///
    /// Why the host ended it.
    pub async fn check(
        &self,
        connection: Arc<ConnectionView>,
        session: Arc<Session>,
        log: Arc<dyn Log>,
        limits: &Limits,
    ) -> Result<Vec<Finding>, Cut> {
        let behind = Behind {
            real: Some(Real {
                connection,
                session: Arc::clone(&session),
                roster: Arc::default(),
                claims: Arc::new(NoClaims),
                held: Arc::default(),
            }),
            log: Arc::new(LogGate::new(log, limits)),
            activity: Arc::default(),
        };
        let log = Arc::clone(&behind.log);
        let work = async {
            let mut store = store(&self.engine, behind, limits);
            let instance = self.pre.instantiate_async(&mut store).await?;
            store
                .run_concurrent(async move |accessor| {
                    let connection =
                        accessor.with(|mut access| access.get().table.push(v0_1::Connection))?;
                    instance
                        .tipstaff_action_enforcement()
                        .call_check(accessor, connection)
                        .await
                })
                .await?
        };
        let most = limits.describe * 12;
        let found = match tokio::time::timeout(most, work).await {
            Ok(result) => result.map_err(|error| cause(&error, &log)),
            Err(_) => Err(Cut::Limit(format!("the check took longer than {most:?}"))),
        };
        session.close();
        Ok(found?
            .into_iter()
            .take(256)
            .map(Finding::from)
            .map(harmless)
            .collect())
    }
}

fn harmless(finding: Finding) -> Finding {
    let message = finding.message.chars().take(2_000);
    Finding {
        level: finding.level,
        code: shown(&finding.code),
        message: message
            .map(|c| {
                if crate::manifest::is_misleading(c) {
                    ' '
                } else {
                    c
                }
            })
            .collect(),
    }
}

struct NoClaims;

impl Claims for NoClaims {
    fn claim(&self, _: Vec<(Owner, String)>) -> BoxFuture<'_, Result<Vec<Option<String>>, String>> {
        Box::pin(async { Err("a check holds no assets".to_owned()) })
    }
}

/// Tells traps, limits and breaches apart.
pub(crate) fn cause(error: &wasmtime::Error, log: &LogGate) -> Cut {
    if let Some(breach) = error.downcast_ref::<Breach>() {
        return Cut::Breach(breach.clone());
    }
    if let Some(computed) = error.downcast_ref::<ComputedTooLong>() {
        return Cut::Limit(computed.to_string());
    }
    let what = match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        // What stands above the cause says where in the guest it happened, over many lines.
        None => shown(&error.root_cause().to_string()),
    };
    Cut::Trap {
        what,
        said: log.last_error(),
    }
}

/// Feeds assets, as far as the window has room.
struct Feed {
    assets: mpsc::Receiver<Vec<HandOver>>,
    pending: VecDeque<HandOver>,
    behind: Behind,
    held: Arc<HeldAssets>,
    roster: Arc<Roster>,
    window: usize,
    room: Arc<AtomicWaker>,
    fed: Arc<std::sync::atomic::AtomicBool>,
    finish: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<D: 'static> StreamProducer<D> for Feed {
    type Item = v0_1::Asset;
    type Buffer = VecBuffer<v0_1::Asset>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        let later = if finish {
            Poll::Ready(Ok(StreamResult::Cancelled))
        } else {
            Poll::Pending
        };
        if this.finish.as_mut().poll(cx).is_ready() {
            this.roster.drain();
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        while this.pending.is_empty() {
            match this.assets.poll_recv(cx) {
                Poll::Ready(Some(group)) => this.pending.extend(group),
                Poll::Ready(None) => {
                    this.fed.store(true, std::sync::atomic::Ordering::Release);
                    return Poll::Ready(Ok(StreamResult::Dropped));
                }
                Poll::Pending => return later,
            }
        }
        this.room.register(cx.waker());
        let room = this.window.saturating_sub(this.held.len());
        if room == 0 {
            return later;
        }
        let wanted = destination.remaining(&mut store).unwrap_or(this.window);
        let count = wanted.min(room).min(this.pending.len());
        if count == 0 {
            // A read of length zero asks whether something is there, and it is.
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut group = Vec::with_capacity(count);
        for asset in this.pending.drain(..count) {
            this.roster.hand_over(
                asset.owner,
                asset.names.iter().map(|(field, name)| (field, name)),
            );
            this.held.hand_over(&asset.id, asset.owner);
            group.push(v0_1::Asset::from(asset));
        }
        this.behind.activity.progress();
        destination.set_buffer(group.into());
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

/// Takes reports, judges them, and hands them on as fast as they are taken.
struct Collect {
    outcomes: PollSender<Vec<Settled>>,
    behind: Behind,
    held: Arc<HeldAssets>,
    roster: Arc<Roster>,
    mode: Mode,
    codes: Arc<HashSet<String>>,
    room: Arc<AtomicWaker>,
    session: Arc<Session>,
    _ended: oneshot::Sender<()>,
}

/// The run is over when its outcomes end (`wit/world.wit`, `enforcement.run`): nothing leaves while the host still waits
/// for the ending.
impl Drop for Collect {
    fn drop(&mut self) {
        self.session.close();
    }
}

/// Reports that are lifted out of the guest at one time.
const REPORTS: usize = 256;

impl<D: 'static> StreamConsumer<D> for Collect {
    type Item = v0_1::Outcome;

    fn poll_consume(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<D>,
        mut source: Source<'_, Self::Item>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        match this.outcomes.poll_reserve(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => {
                return Poll::Ready(Err(wasmtime::Error::msg("nobody takes the outcomes")));
            }
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
        }
        let mut reports = Vec::with_capacity(source.remaining(&mut store).min(REPORTS));
        if reports.capacity() == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        source.read(&mut store, &mut reports)?;
        let mut settled = Vec::with_capacity(reports.len());
        for report in reports {
            let report = Report::from(report);
            let owner = this.held.take(&report);
            let Some((owner, seen)) =
                owner.and_then(|owner| Some((owner, this.roster.settle(owner)?)))
            else {
                return Poll::Ready(Err(wasmtime::Error::new(Breach::NotHeld(shown(
                    &report.asset,
                )))));
            };
            settled.push(judge(report, owner, &seen, this.mode, &this.codes));
        }
        this.behind.activity.progress();
        this.room.wake();
        if this.outcomes.send_item(settled).is_err() {
            return Poll::Ready(Err(wasmtime::Error::msg("nobody takes the outcomes")));
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

struct TakeEnding(Option<oneshot::Sender<v0_1::Ending>>);

impl<D: 'static> FutureConsumer<D> for TakeEnding {
    type Item = v0_1::Ending;

    fn poll_consume(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<D>,
        mut source: Source<'_, Self::Item>,
        _: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut ending = None;
        source.read(store, &mut ending)?;
        if let (Some(ending), Some(told)) = (ending, self.get_mut().0.take()) {
            // The run may have ended already; then nobody waits for this.
            let _ = told.send(ending);
        }
        Poll::Ready(Ok(()))
    }
}
