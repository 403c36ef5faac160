//! The state of one instance: what stands behind its imports, and how much it may use.
//!
//! A guest that is only described has nothing behind them: [`Behind::nothing`].

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tipstaff_egress::{Owner, Roster, Session};
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::engine::{Engine, TICK};
use crate::http::Hooks;
use crate::limits::Limits;
use crate::manifest::is_misleading;
use crate::outcome::Report;
use crate::run::{Claims, Log};

/// What a guest can learn of a connection: everything that is no secret.
#[derive(Clone, Debug, Default)]
pub struct ConnectionView {
    /// What the operator calls it.
    pub name: String,
    /// Fields that are no secrets, as text.
    pub fields: BTreeMap<String, String>,
    /// The address of each endpoint of the manifest, without a slash at its end.
    pub endpoints: BTreeMap<String, String>,
}

/// What stands behind an instance's imports.
#[derive(Clone)]
pub(crate) struct Behind {
    pub(crate) real: Option<Real>,
    pub(crate) log: Arc<LogGate>,
    pub(crate) activity: Arc<Activity>,
}

#[derive(Clone)]
pub(crate) struct Real {
    pub(crate) connection: Arc<ConnectionView>,
    pub(crate) session: Arc<Session>,
    pub(crate) roster: Arc<Roster>,
    pub(crate) claims: Arc<dyn Claims>,
    pub(crate) held: Arc<HeldAssets>,
}

impl Behind {
    pub(crate) fn nothing(log: Arc<dyn Log>, limits: &Limits) -> Self {
        Self {
            real: None,
            log: Arc::new(LogGate::new(log, limits)),
            activity: Arc::default(),
        }
    }

    pub(crate) fn connection(&self) -> Option<&ConnectionView> {
        self.real.as_ref().map(|real| &*real.connection)
    }

    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        self.real.as_ref().map(|real| Arc::clone(&real.session))
    }

    /// Answers `subjects.claim`. A claim counts only for an asset that is held, and a name that the host learnt too.
    pub(crate) async fn claim(
        &self,
        claims: Vec<(String, String)>,
    ) -> wasmtime::Result<Vec<Option<String>>> {
        let Some(real) = &self.real else {
            return Ok(vec![None; claims.len()]);
        };
        let mut owners = Vec::with_capacity(claims.len());
        for (asset, name) in claims {
            let owner = real
                .held
                .owner(&asset)
                .filter(|owner| real.roster.names_of(*owner).contains(&name.to_lowercase()));
            let Some(owner) = owner else {
                return Err(wasmtime::Error::msg(
                    "it claimed a name for an asset that it does not hold, or that no answer taught",
                ));
            };
            owners.push((owner, name));
        }
        real.claims
            .claim(owners)
            .await
            .map_err(wasmtime::Error::msg)
    }
}

/// The ids of the assets that the guest holds. Bounded by [`Limits::window`].
#[derive(Default)]
pub(crate) struct HeldAssets {
    ids: std::sync::Mutex<std::collections::HashMap<String, Owner>>,
}

impl HeldAssets {
    fn lock(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Owner>> {
        self.ids
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn hand_over(&self, id: &str, owner: Owner) {
        self.lock().insert(id.to_owned(), owner);
    }

    pub(crate) fn owner(&self, id: &str) -> Option<Owner> {
        self.lock().get(id).copied()
    }

    pub(crate) fn take(&self, report: &Report) -> Option<Owner> {
        self.lock().remove(&report.asset)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

/// When an instance last did something that others can see, and how long it has computed since.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    last_millis: AtomicU64,
    ticks: AtomicU32,
    under_way: AtomicU32,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            last_millis: AtomicU64::new(0),
            ticks: AtomicU32::new(0),
            under_way: AtomicU32::new(0),
        }
    }
}

impl Activity {
    /// An asset was taken, a request sent or answered, an outcome reported.
    pub(crate) fn progress(&self) {
        self.last_millis.store(
            u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        self.ticks.store(0, Ordering::Relaxed);
    }

    /// Counts a request until the guard is dropped.
    pub(crate) fn request(self: &Arc<Self>) -> UnderWay {
        self.progress();
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    pub(crate) fn idle_for(&self) -> Duration {
        if self.under_way.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        self.start.elapsed().saturating_sub(Duration::from_millis(
            self.last_millis.load(Ordering::Relaxed),
        ))
    }

    fn tick(&self) -> Duration {
        TICK * (self.ticks.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

pub(crate) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
        self.0.progress();
    }
}

/// Passes on log lines, made harmless, until there were too many.
pub(crate) struct LogGate {
    log: Arc<dyn Log>,
    left: AtomicU32,
    last_error: std::sync::Mutex<Option<String>>,
}

const LONGEST_LINE: usize = 4_096;

/// What Rust's standard library says after the reason of a panic, and is none.
const NOTE: &str = "note: run with `RUST_BACKTRACE=";

impl LogGate {
    pub(crate) fn new(log: Arc<dyn Log>, limits: &Limits) -> Self {
        Self {
            log,
            left: AtomicU32::new(limits.log_lines),
            last_error: std::sync::Mutex::default(),
        }
    }

    pub(crate) fn line(&self, level: tracing::Level, message: &str) {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        let Ok(left) = left else { return };
        let end = message
            .char_indices()
            .map(|(at, _)| at)
            .take_while(|at| *at <= LONGEST_LINE)
            .last()
            .unwrap_or(0);
        let cut = if message.len() > LONGEST_LINE {
            message.get(..end).unwrap_or_default()
        } else {
            message
        };
        let line: String = cut
            .chars()
            .map(|c| if is_misleading(c) { ' ' } else { c })
            .collect();
        self.log.line(level, line.trim_end());
        if left == 1 {
            self.log.line(
                tracing::Level::WARN,
                "the action logs too much: what follows is dropped",
            );
        }
    }

    /// What came out of standard error last: a guest that panics says why there.
    fn standard_error(&self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.line(tracing::Level::ERROR, line);
            if line.starts_with(NOTE) {
                continue;
            }
            let line: String = line
                .chars()
                .take(300)
                .map(|c| if is_misleading(c) { ' ' } else { c })
                .collect();
            *self
                .last_error
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(line);
        }
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}

/// A guest's standard error, as toolchains' standard libraries write panics to it.
struct StandardError(Arc<LogGate>);

impl wasmtime_wasi::cli::IsTerminal for StandardError {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl wasmtime_wasi::cli::StdoutStream for StandardError {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(LineWriter {
            gate: Arc::clone(&self.0),
            pending: Vec::new(),
        })
    }
}

struct LineWriter {
    gate: Arc<LogGate>,
    pending: Vec<u8>,
}

impl AsyncWrite for LineWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.pending.extend_from_slice(bytes);
        let whole = match self.pending.iter().rposition(|b| *b == b'\n') {
            Some(at) => at + 1,
            None if self.pending.len() > LONGEST_LINE => self.pending.len(),
            None => return Poll::Ready(Ok(bytes.len())),
        };
        let lines: Vec<u8> = self.pending.drain(..whole).collect();
        self.gate.standard_error(&String::from_utf8_lossy(&lines));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What an instance may still grow by, all its memories and tables together.
struct Budget {
    memory: usize,
    table_entries: usize,
}

/// A growth that does not fit fails inside the guest, which can cope with it or trap.
fn take(left: &mut usize, current: usize, desired: usize) -> bool {
    match left.checked_sub(desired.saturating_sub(current)) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

impl ResourceLimiter for Budget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(take(&mut self.memory, current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(take(&mut self.table_entries, current, desired))
    }

    fn instances(&self) -> usize {
        256
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        8
    }
}

/// What a `Store` holds.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    pub(crate) behind: Behind,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    budget: Budget,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// A cause that ends a guest from inside the engine.
#[derive(Debug, thiserror::Error)]
#[error("it computed for {0:?} without doing anything")]
pub(crate) struct ComputedTooLong(pub(crate) Duration);

/// A store for one instance, with every bound set.
pub(crate) fn store(engine: &Engine, behind: Behind, limits: &Limits) -> Store<State> {
    let mut wasi = WasiCtx::builder();
    wasi.stderr(StandardError(Arc::clone(&behind.log)))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(64 * 1024);
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits.fields);
    let (hooks, activity) = (Hooks::new(&behind), Arc::clone(&behind.activity));
    let state = State {
        table,
        behind,
        wasi: wasi.build(),
        http,
        hooks,
        budget: Budget {
            memory: limits.memory,
            table_entries: limits.table_entries,
        },
    };
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| &mut state.budget);
    store.set_hostcall_fuel(limits.copied);
    let most = limits.computing;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if activity.tick() > most {
            return Err(wasmtime::Error::new(ComputedTooLong(most)));
        }
        Ok(UpdateDeadline::Yield(1))
    });
    store
}
