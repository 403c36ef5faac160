//! The lanes of a process: one bucket for all sessions of one account, and a queue before each.
//!
//! Who has what is in [`crate::pace`]; this waits, first come first served. Other processes are not seen: they are
//! noticed by the answers that ask to wait.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::declare::Lane as Declared;
use crate::pace::{Bucket, Quota, Sign, Ticket, Wait};
use crate::witness::Waiting;

/// How much of the published quotas a run may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LaneLimits {
    /// What the manifest says that the service publishes.
    #[default]
    Published,
    /// As fast as the service answers; only holds stop a lane.
    Unlimited,
    /// An operator's own quotas for some lanes, and what is published for the others.
    Set(BTreeMap<String, Quota>),
}

/// All lanes of a process.
#[derive(Debug, Default)]
pub struct Lanes {
    shared: Mutex<HashMap<Key, Arc<Lane>>>,
}

/// Lanes with another quota are other lanes, so that one action cannot stretch or starve those of another by declaring
/// the same name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    account: String,
    lane: String,
    quota: Option<Quota>,
}

/// Buckets that are kept in mind before those that are full again are forgotten.
const MANY: usize = 1024;

/// The lanes that one grant's calls draw on. Cheap to clone.
#[derive(Clone)]
pub struct LaneSet {
    lanes: Arc<[Entry]>,
}

struct Entry {
    id: String,
    /// Scarcer lanes are waited for first, so that nobody takes much of a plenty and then waits for little.
    rank: usize,
    lane: Arc<Lane>,
    told: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Lane {
    bucket: Mutex<Bucket>,
    queue: tokio::sync::Mutex<()>,
    changed: Notify,
}

/// Leave to send, from all lanes that a call costs.
#[must_use = "dropping it gives it back as unanswered"]
pub(crate) struct Passage {
    set: LaneSet,
    tickets: Vec<(usize, Ticket)>,
}

impl Lanes {
    /// No lanes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The lanes of `declared` for `account` (the upper layer's key for what the service counts together: one
    /// application in one tenant). The same account and quota give the same buckets.
    #[must_use]
    pub fn open(&self, account: &str, declared: &[Declared], limits: &LaneLimits) -> LaneSet {
        let now = Instant::now().into_std();
        let mut shared = lock(&self.shared);
        if shared.len() > MANY {
            shared.retain(|_, lane| {
                Arc::strong_count(lane) > 1 || !lock(&lane.bucket).is_rested(now)
            });
        }
        let quotas: Vec<Option<Quota>> = declared.iter().map(|lane| limits.of(lane)).collect();
        let rate = |at: usize| {
            quotas[at].map_or(f64::INFINITY, |q| {
                f64::from(q.units) / q.window.as_secs_f64()
            })
        };
        let mut order: Vec<usize> = (0..declared.len()).collect();
        // The id decides between equals, so that all sets agree on the order and none waits in a circle.
        order.sort_by(|&a, &b| {
            rate(a)
                .total_cmp(&rate(b))
                .then_with(|| declared[a].id.cmp(&declared[b].id))
        });
        let lanes = declared
            .iter()
            .zip(&quotas)
            .enumerate()
            .map(|(at, (lane, quota))| Entry {
                id: lane.id.clone(),
                rank: order.iter().position(|&other| other == at).unwrap_or(at),
                lane: Arc::clone(
                    shared
                        .entry(Key {
                            account: account.to_owned(),
                            lane: lane.id.clone(),
                            quota: *quota,
                        })
                        .or_insert_with(|| Arc::new(Lane::new(*quota, now))),
                ),
                told: Mutex::new(None),
            });
        LaneSet {
            lanes: lanes.collect(),
        }
    }
}

impl LaneLimits {
    fn of(&self, lane: &Declared) -> Option<Quota> {
        let published = Quota {
            units: lane.units,
            window: lane.window,
        };
        match self {
            Self::Published => Some(published),
            Self::Unlimited => None,
            Self::Set(own) => Some(own.get(&lane.id).copied().unwrap_or(published)),
        }
    }
}

impl LaneSet {
    /// Stops a lane for `wait`, at most ten minutes. False if there is no such lane.
    pub fn hold(&self, lane: &str, wait: Duration) -> bool {
        match self.position(lane) {
            Some(at) => {
                self.hold_at(at, wait);
                true
            }
            None => false,
        }
    }

    pub(crate) fn position(&self, lane: &str) -> Option<usize> {
        self.lanes.iter().position(|entry| entry.id == lane)
    }

    pub(crate) fn hold_at(&self, at: usize, wait: Duration) {
        if let Some(entry) = self.lanes.get(at) {
            lock(&entry.lane.bucket).hold(wait, Instant::now().into_std());
            entry.lane.changed.notify_waiters();
        }
    }

    /// Takes units of lanes (by position), waiting in their queues. `tell` hears of waits, at most once a second a lane.
    pub(crate) async fn charge(
        &self,
        mut costs: Vec<(usize, u32)>,
        tell: &(dyn Fn(Waiting) + Sync),
    ) -> Passage {
        costs.retain(|(at, _)| *at < self.lanes.len());
        costs.sort_by_key(|(at, _)| self.lanes[*at].rank);
        let mut passage = Passage {
            set: self.clone(),
            tickets: Vec::with_capacity(costs.len()),
        };
        for (at, units) in costs {
            let ticket = self.take(at, units, tell).await;
            passage.tickets.push((at, ticket));
        }
        // While it waited for one lane, another may have been held; what was paid stays paid. All leave is given back
        // and asked for anew in the same order, so that no two requests wait for what the other has.
        while passage.is_stale() {
            let lanes: Vec<usize> = passage.tickets.iter().map(|(at, _)| *at).collect();
            passage.give_back();
            for at in lanes {
                let ticket = self.take(at, 0, tell).await;
                passage.tickets.push((at, ticket));
            }
        }
        passage
    }

    async fn take(&self, at: usize, units: u32, tell: &(dyn Fn(Waiting) + Sync)) -> Ticket {
        let entry = &self.lanes[at];
        let _turn = entry.lane.queue.lock().await;
        loop {
            // Created before the look, so that a change between the look and the wait is not missed.
            let changed = entry.lane.changed.notified();
            let now = Instant::now();
            let wait = match lock(&entry.lane.bucket).take(units, now.into_std()) {
                Ok(ticket) => return ticket,
                Err(wait) => wait,
            };
            entry.tell(wait, now, tell);
            match wait.until {
                Some(until) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(Instant::from_std(until)) => {}
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }
}

impl fmt::Debug for LaneSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.lanes.iter().map(|entry| &entry.id))
            .finish()
    }
}

impl Entry {
    fn tell(&self, wait: Wait, now: Instant, tell: &(dyn Fn(Waiting) + Sync)) {
        let mut told = lock(&self.told);
        if told.is_none_or(|last| now.duration_since(last) >= Duration::from_secs(1)) {
            *told = Some(now);
            drop(told);
            let until = wait.until.map_or(Duration::ZERO, |until| {
                until.saturating_duration_since(now.into_std())
            });
            tell(Waiting {
                lane: self.id.clone(),
                until,
                why: wait.why,
            });
        }
    }
}

impl Lane {
    fn new(quota: Option<Quota>, now: std::time::Instant) -> Self {
        Self {
            bucket: Mutex::new(Bucket::new(quota, now)),
            queue: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        }
    }

    fn answered(&self, ticket: Ticket, sign: Sign) {
        lock(&self.bucket).answered(ticket, sign);
        self.changed.notify_waiters();
    }
}

impl Passage {
    /// Notes the answer: good for the lanes that did not ask to wait.
    pub(crate) fn answered(mut self, sign: Sign) {
        for (at, ticket) in self.tickets.drain(..) {
            self.set.lanes[at].lane.answered(ticket, sign);
        }
    }

    fn is_stale(&self) -> bool {
        self.tickets
            .iter()
            .any(|(at, ticket)| lock(&self.set.lanes[*at].lane.bucket).is_stale(ticket))
    }

    fn give_back(&mut self) {
        for (at, ticket) in self.tickets.drain(..) {
            self.set.lanes[at].lane.answered(ticket, Sign::None);
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole after every statement, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
