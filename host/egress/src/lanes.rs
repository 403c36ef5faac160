//! The lanes of a process: one account for all sessions of one application in one tenant, and a queue before each.
//!
//! Who has what is in [`crate::pace`]; this waits, first come first served, and the urgent before all others. Where an
//! account is kept, and who else sees it, is for a [`LaneStore`] to say.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::declare::Lane as Declared;
use crate::pace::{Account, Ask, Counting, News, Quota, Terms, Ticket, Wait};
use crate::witness::Waiting;

mod store;

use store::InMemory;
pub use store::{LaneName, LanePlace, LaneStore};

/// How much of the published quotas a run may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LaneLimits {
    /// What the manifest says that the service publishes.
    #[default]
    Published,
    /// As fast as the service answers, until its answers tell of a quota.
    Unlimited,
    /// An operator's own quotas for some lanes, and what is published for the others.
    Set(BTreeMap<String, Quota>),
}

/// Who goes first where a quota is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// In its turn, and leaving the reserve alone.
    #[default]
    Ordinary,
    /// Before all that is ordinary, from the reserve too. Only a hold stops it.
    Urgent,
}

/// All lanes of a process.
#[derive(Debug)]
pub struct Lanes {
    store: Arc<dyn LaneStore>,
    shared: Mutex<HashMap<Key, Arc<Lane>>>,
}

/// Lanes with another quota are other lanes, so that one action cannot stretch or starve those of another by declaring
/// the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    account: String,
    lane: String,
    terms: Terms,
}

/// Accounts that are kept in mind before those that nobody drew on for long are forgotten.
const MANY: usize = 1024;

/// Whoever waits for a quota asks again so often, to keep its place in the line.
const IN_LINE: Duration = Duration::from_millis(250);
/// Whoever waits for an answer, which another process may get, looks so often.
const FOR_AN_ANSWER: Duration = Duration::from_millis(20);

/// The lanes that one grant's calls draw on. Cheap to clone.
#[derive(Clone)]
pub struct LaneSet {
    lanes: Arc<[Entry]>,
    urgency: Urgency,
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
    terms: Terms,
    place: Arc<dyn LanePlace>,
    /// The number of the queue of ordinary requests in the line of all processes.
    who: u64,
    ordinary: tokio::sync::Mutex<()>,
    urgent: tokio::sync::Mutex<()>,
    changed: Notify,
}

/// Leave to send, from all lanes that a call costs.
#[must_use = "dropping it gives it back"]
pub(crate) struct Passage {
    set: LaneSet,
    /// The places of the lanes, and what was taken of each.
    tickets: Vec<(usize, Ticket)>,
    left: bool,
}

impl Default for Lanes {
    fn default() -> Self {
        Self::new()
    }
}

impl Lanes {
    /// No lanes yet, and none that another process sees.
    #[must_use]
    pub fn new() -> Self {
        Self::kept_in(Arc::new(InMemory))
    }

    /// Lanes whose accounts are kept in `store`.
    #[must_use]
    pub fn kept_in(store: Arc<dyn LaneStore>) -> Self {
        Self {
            store,
            shared: Mutex::default(),
        }
    }

    /// The lanes of `declared` for `account` (the upper layer's key for what the service counts together: one
    /// application in one tenant). The same account and quota give the same lanes.
    #[must_use]
    pub fn open(
        &self,
        account: &str,
        declared: &[Declared],
        limits: &LaneLimits,
        urgency: Urgency,
    ) -> LaneSet {
        let mut shared = lock(&self.shared);
        if shared.len() > MANY {
            shared.retain(|_, lane| {
                Arc::strong_count(lane) > 1 || !lane.with(|account, _| account.is_rested())
            });
        }
        let terms: Vec<Terms> = declared.iter().map(|lane| limits.of(lane)).collect();
        let rate =
            |at: usize| f64::from(terms[at].quota.units) / terms[at].quota.window.as_secs_f64();
        let mut order: Vec<usize> = (0..declared.len()).collect();
        // The id decides between equals, so that all sets agree on the order and none waits in a circle.
        order.sort_by(|&a, &b| {
            rate(a)
                .total_cmp(&rate(b))
                .then_with(|| declared[a].id.cmp(&declared[b].id))
        });
        let lanes = declared
            .iter()
            .zip(&terms)
            .enumerate()
            .map(|(at, (lane, terms))| {
                let key = Key {
                    account: account.to_owned(),
                    lane: lane.id.clone(),
                    terms: *terms,
                };
                let lane = shared
                    .entry(key)
                    .or_insert_with_key(|key| Arc::new(Lane::open(&*self.store, key)));
                Entry {
                    id: declared[at].id.clone(),
                    rank: order.iter().position(|&other| other == at).unwrap_or(at),
                    lane: Arc::clone(lane),
                    told: Mutex::new(None),
                }
            });
        LaneSet {
            lanes: lanes.collect(),
            urgency,
        }
    }
}

impl LaneLimits {
    fn of(&self, lane: &Declared) -> Terms {
        let published = Quota {
            units: lane.units,
            window: lane.window,
        };
        let (quota, counting) = match self {
            Self::Published => (published, Counting::Always),
            Self::Unlimited => (published, Counting::WhenTold),
            Self::Set(own) => (
                own.get(&lane.id).copied().unwrap_or(published),
                Counting::Always,
            ),
        };
        Terms { quota, counting }
    }
}

impl LaneSet {
    /// Stops a lane for `wait`, at most ten minutes. False if there is no such lane.
    pub fn hold(&self, lane: &str, wait: Duration) -> bool {
        let entry = self.lanes.iter().find(|entry| entry.id == lane);
        if let Some(entry) = entry {
            entry.lane.with(|account, _| account.hold(wait));
            entry.lane.changed.notify_waiters();
        }
        entry.is_some()
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
            left: false,
        };
        let mut any_waited = false;
        for (at, units) in costs {
            let (ticket, waited) = self.take(at, units, tell).await;
            passage.tickets.push((at, ticket));
            any_waited |= waited;
        }
        if any_waited {
            passage.renew(tell).await;
        }
        passage
    }

    /// The ticket, and whether it was waited for.
    async fn take(&self, at: usize, units: u32, tell: &(dyn Fn(Waiting) + Sync)) -> (Ticket, bool) {
        let entry = &self.lanes[at];
        let lane = &*entry.lane;
        let urgent = self.urgency == Urgency::Urgent;
        let queue = if urgent { &lane.urgent } else { &lane.ordinary };
        let (turn, mut waited) = match queue.try_lock() {
            Ok(turn) => (turn, false),
            Err(_) => (queue.lock().await, true),
        };
        let ask = Ask {
            units,
            urgent,
            who: lane.who,
        };
        let mut standing = Standing {
            lane,
            in_line: false,
        };
        let ticket = loop {
            // Created before the look, so that a change between the look and the wait is not missed.
            let changed = lane.changed.notified();
            let wait = match lane.with(|account, terms| account.take(terms, ask)) {
                Ok(ticket) => break ticket,
                Err(wait) => wait,
            };
            waited = true;
            standing.in_line = !urgent;
            entry.tell(wait, tell);
            // A change of the clock, or of what another process knows, is noticed with the next look.
            let nap = wait.after.map_or(FOR_AN_ANSWER, |after| after.min(IN_LINE));
            tokio::select! {
                () = tokio::time::sleep(nap) => {}
                () = changed => {}
            }
        };
        standing.in_line = false;
        drop(turn);
        (ticket, waited)
    }
}

/// Whoever gives up waiting leaves the line.
struct Standing<'a> {
    lane: &'a Lane,
    in_line: bool,
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        if self.in_line {
            self.lane.with(|account, _| account.leave(self.lane.who));
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
    fn tell(&self, wait: Wait, tell: &(dyn Fn(Waiting) + Sync)) {
        let now = Instant::now();
        let mut told = lock(&self.told);
        if told.is_none_or(|last| now.duration_since(last) >= Duration::from_secs(1)) {
            *told = Some(now);
            drop(told);
            tell(Waiting {
                lane: self.id.clone(),
                until: wait.after.unwrap_or_default(),
                why: wait.why,
            });
        }
    }
}

impl Lane {
    fn open(store: &dyn LaneStore, key: &Key) -> Self {
        Self {
            terms: key.terms,
            place: store.open(&LaneName::of(&key.account, &key.lane, &key.terms)),
            // Nothing is nobody's number.
            who: RandomState::new().build_hasher().finish().max(1),
            ordinary: tokio::sync::Mutex::new(()),
            urgent: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        }
    }

    /// Acts on the account as it is now, with nobody between.
    fn with<T>(&self, mut act: impl FnMut(&mut Account, &Terms) -> T) -> T {
        let mut result = None;
        self.place.change(&mut |account, passed| {
            account.pass(&self.terms, passed);
            result = Some(act(account, &self.terms));
        });
        // A place that does not call has no account.
        result.unwrap_or_else(|| act(&mut Account::default(), &self.terms))
    }
}

impl Passage {
    /// Waits until no lane is held that was open when the ticket was taken. What was paid stays paid. All leave is given
    /// back and asked for anew in the same order, so that no two requests wait for what the other has.
    pub(crate) async fn renew(&mut self, tell: &(dyn Fn(Waiting) + Sync)) {
        while self.is_stale() {
            for (at, ticket) in &mut self.tickets {
                let lane = &self.set.lanes[*at].lane;
                lane.with(|account, _| account.step_back(*ticket));
                lane.changed.notify_waiters();
                *ticket = ticket.stepped_back();
            }
            let set = self.set.clone();
            for (at, ticket) in &mut self.tickets {
                let anew = set.take(*at, 0, tell).await.0;
                *ticket = anew.paid_with(*ticket);
            }
        }
    }

    /// A lane was held since the tickets were taken.
    pub(crate) fn is_stale(&self) -> bool {
        self.tickets.iter().any(|(at, ticket)| {
            self.set.lanes[*at]
                .lane
                .with(|account, _| account.is_stale(*ticket))
        })
    }

    /// The request leaves: what was paid is not given back any more.
    pub(crate) fn leaves(&mut self) {
        self.left = true;
    }

    /// It certainly did not leave after all.
    pub(crate) fn stayed(&mut self) {
        self.left = false;
    }

    /// Notes what the answer to what left `ago` says of each lane, by position.
    pub(crate) fn answered(mut self, good: bool, news: &[(usize, News)], ago: Duration) {
        let fullest = self.fullest(news);
        for (at, ticket) in std::mem::take(&mut self.tickets) {
            let told = news.iter().find(|(lane, _)| *lane == at);
            let mut news = told.map(|(_, news)| *news).unwrap_or_default();
            news.good = good;
            if fullest != Some(at) {
                news.used = None;
            }
            let is_news = news.refused || news.wait.is_some() || news.used.is_some();
            if is_news || ticket.waits_for_the_answer() {
                let lane = &self.set.lanes[at].lane;
                lane.with(|account, terms| {
                    account.answered(terms, ticket, news, ago);
                });
                lane.changed.notify_waiters();
            }
        }
    }

    /// Which lane a told share is about, where several are told in one header: the service means the fullest of its
    /// quotas, so it is the fullest by our own count, and the scarcest of equals.
    fn fullest(&self, news: &[(usize, News)]) -> Option<usize> {
        let told = news
            .iter()
            .filter(|(at, news)| news.used.is_some() && *at < self.set.lanes.len());
        let share = |at: usize| {
            let lane = &self.set.lanes[at].lane;
            lane.with(|account, terms| account.share(terms))
        };
        let mut lanes: Vec<usize> = told.map(|(at, _)| *at).collect();
        if let [only] = lanes[..] {
            return Some(only);
        }
        lanes.sort_by_key(|at| std::cmp::Reverse(self.set.lanes[*at].rank));
        lanes
            .into_iter()
            .map(|at| (at, share(at)))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(at, _)| at)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        for (at, ticket) in std::mem::take(&mut self.tickets) {
            let lane = &self.set.lanes[at].lane;
            if !self.left {
                lane.with(|account, _| account.unsent(ticket));
            } else if ticket.waits_for_the_answer() {
                // It was given up, and nobody knows what the service made of it.
                lane.with(|account, _| account.given_up(ticket));
            }
            lane.changed.notify_waiters();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole after every statement, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
