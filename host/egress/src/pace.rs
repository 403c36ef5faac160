//! A quota as an account of units, with holds, a careful start after them, and what answers tell of it.
//!
//! Pure: there is no clock here. Whoever keeps an account says how much time went by since it was last touched, and
//! whoever has to wait is told how long and waits elsewhere. So an account means the same to every process that reads
//! it, whatever its clock says.

use std::time::Duration;

use crate::witness::WaitReason;

mod line;
mod record;

use line::Line;
pub use record::ACCOUNT_BYTES;

/// The longest that anybody can hold a lane.
pub(crate) const LONGEST_HOLD: Duration = Duration::from_secs(600);

/// So many units in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Units that may leave at once, and in each window; at least one.
    pub units: u32,
    /// How long it takes until all of them are there again.
    pub window: Duration,
}

/// What a lane is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    pub(crate) quota: Quota,
    pub(crate) counting: Counting,
}

/// From when on a quota is kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Counting {
    /// From the first request.
    Always,
    /// From the first answer that tells of a quota. Until then only holds stop the lane.
    WhenTold,
}

/// What was used of a quota, and what stands in the way of using more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// Units that left and are not back yet. More than the quota: somebody else uses it too.
    used: f64,
    /// The size of a quota that answers told of ([`Counting::WhenTold`]).
    learnt: Option<f64>,
    /// How long nothing was told of the quota.
    silent: Duration,
    /// The share of the quota's rate that is used: less after a refusal, because others draw on it whom nobody here
    /// knows.
    speed: f64,
    /// How long the lane is still held. Zero: not.
    hold: Duration,
    /// Counts holds, so that an answer to a request from before one is not taken for a sign of recovery.
    era: u64,
    /// Units of requests that are not answered yet. Before the service took one it cannot come back: what leaves when
    /// all is there arrives later, and would be counted as back too early by as much as it was on its way.
    flying: f64,
    /// Since the last request left or was answered.
    quiet: Duration,
    ramp: Option<Ramp>,
    line: Line,
}

/// After a hold, one request passes; each good answer lets two more through, until it is clear that all is well.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ramp {
    allowance: u32,
    good: u32,
    /// Since the last request passed, or the last answer came.
    idle: Duration,
}

/// Good answers after which a ramp ends.
const RAMP_ENDS: u32 = 16;
/// An answer that did not come for so long never will: its process died, or the service does not answer. One more
/// request passes.
const ANSWER_LOST: Duration = Duration::from_secs(5);
/// A lane on which nothing left or came for so long has nothing under way: what is written down of that is from
/// processes that died.
const ALL_LANDED: Duration = Duration::from_secs(60);
/// A ramp that nobody went on with for so long is over.
const RAMP_FORGOTTEN: Duration = Duration::from_secs(60);
/// The slowest that refusals make a lane.
const SLOWEST: f64 = 0.1;
/// What a refusal leaves of the speed. Those who share a quota without knowing of each other come to equal parts so.
const SLOWED: f64 = 0.8;
/// The share of a quota that is left alone by all but the urgent: 60 of 3,000 writes, which are back in three seconds.
const RESERVE: f64 = 0.02;
/// Quotas below this have no reserve: it would be a large part of them.
const HAS_RESERVE: f64 = 50.0;
/// How far a told share may be from the true one: services tell two digits (inferred).
const ROUNDING: f64 = 0.005;
/// The smallest part of the published quota that is taken for the whole one when an answer first tells of it: then
/// nobody knows how much of it others had used.
const SMALLEST: f64 = 0.05;
/// What is less than this is nothing: sums of fractions are not exact.
const NOTHING: f64 = 1e-6;

/// Units are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) units: u32,
    /// May use the reserve, and stands in no line.
    pub(crate) urgent: bool,
    /// Whose place in the line it is: one number for each queue that somebody waits in.
    pub(crate) who: u64,
}

/// That units were taken.
#[derive(Clone, Copy, Debug)]
#[must_use = "the account waits for the answer"]
pub(crate) struct Ticket {
    era: u64,
    ramp: bool,
    /// There is a quota that is counted by.
    counted: bool,
    /// Units that were taken.
    paid: f64,
}

/// Why units could not be taken, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// `None`: when an answer comes, or after a moment.
    pub(crate) after: Option<Duration>,
    pub(crate) why: WaitReason,
}

/// What an answer says of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct News {
    /// The service took the request.
    pub(crate) good: bool,
    /// It refused it, or a part of it, for lack of quota.
    pub(crate) refused: bool,
    /// How long it asked to wait.
    pub(crate) wait: Option<Duration>,
    /// The share of the quota that is used, as it told.
    pub(crate) used: Option<f64>,
}

impl Terms {
    fn rate(&self) -> f64 {
        // A window of nothing would be no limit; a declaration cannot have one.
        self.units() / self.window().as_secs_f64()
    }

    fn units(&self) -> f64 {
        f64::from(self.quota.units.max(1))
    }

    fn window(&self) -> Duration {
        self.quota.window.max(Duration::from_millis(1))
    }
}

impl Default for Account {
    /// Nothing was used yet.
    fn default() -> Self {
        Self {
            used: 0.0,
            learnt: None,
            silent: Duration::ZERO,
            speed: 1.0,
            hold: Duration::ZERO,
            era: 0,
            flying: 0.0,
            quiet: Duration::ZERO,
            ramp: None,
            line: Line::default(),
        }
    }
}

impl Account {
    /// Lets time go by.
    pub(crate) fn pass(&mut self, terms: &Terms, passed: Duration) {
        self.quiet = self.quiet.saturating_add(passed);
        if self.quiet > ALL_LANDED {
            self.flying = 0.0;
        }
        let least = self.flying.min(self.used);
        self.used = (self.used - terms.rate() * self.quicken(terms, passed)).max(least);
        self.silent = self.silent.saturating_add(passed);
        if self.silent > terms.window() {
            self.learnt = None;
        }
        self.line.age(passed);
        let mut rest = passed;
        if !self.hold.is_zero() {
            let held = self.hold.min(rest);
            self.hold -= held;
            rest -= held;
            if !self.hold.is_zero() {
                return;
            }
            self.ramp = Some(Ramp {
                allowance: 1,
                good: 0,
                idle: Duration::ZERO,
            });
        }
        if let Some(ramp) = &mut self.ramp {
            ramp.idle = ramp.idle.saturating_add(rest);
            if ramp.idle >= RAMP_FORGOTTEN {
                self.ramp = None;
            } else if ramp.idle >= ANSWER_LOST && ramp.allowance == 0 {
                ramp.allowance = 1;
            }
        }
    }

    /// Brings the speed back to the whole in the course of a window, and gives the seconds at full speed that bring
    /// back as many units.
    fn quicken(&mut self, terms: &Terms, passed: Duration) -> f64 {
        let (seconds, window) = (passed.as_secs_f64(), terms.window().as_secs_f64());
        let rising = seconds.min((1.0 - self.speed) * window);
        let seconds = seconds - rising + rising * (self.speed + rising / window / 2.0);
        self.speed = (self.speed + passed.as_secs_f64() / window).min(1.0);
        seconds
    }

    /// Takes units, at most all that there can be, or says how long to wait.
    pub(crate) fn take(&mut self, terms: &Terms, ask: Ask) -> Result<Ticket, Wait> {
        if !self.hold.is_zero() {
            return Err(Wait {
                after: Some(self.hold),
                why: WaitReason::Hold,
            });
        }
        if self.ramp.is_some_and(|ramp| ramp.allowance == 0) {
            return Err(Wait {
                after: None,
                why: WaitReason::Ramp,
            });
        }
        // What was paid for already needs no quota and no turn.
        let paid = match ask.units {
            0 => 0.0,
            _ => self.use_up(terms, ask)?,
        };
        if let Some(ramp) = &mut self.ramp {
            ramp.allowance -= 1;
            ramp.idle = Duration::ZERO;
        }
        Ok(Ticket {
            era: self.era,
            ramp: self.ramp.is_some(),
            counted: self.size(terms).is_some(),
            paid,
        })
    }

    fn use_up(&mut self, terms: &Terms, ask: Ask) -> Result<f64, Wait> {
        let units = f64::from(ask.units);
        let Some(size) = self.size(terms) else {
            // As much as could be asked of a quota that nobody told of: more would not say how large it is.
            self.used = (self.used + units).min(terms.units());
            return Ok(units);
        };
        let floor = if ask.urgent { 0.0 } else { reserve(size) };
        // Nothing could ever take more than there can be.
        let wanted = units.min(size - floor);
        let before = match ask.urgent {
            true => None,
            false => self.line.before(ask.who),
        };
        let missing = self.used + before.unwrap_or(0.0) + wanted + floor - size;
        if before.is_none() && missing <= NOTHING {
            self.line.leave(ask.who);
            self.used += wanted;
            self.flying += wanted;
            self.quiet = Duration::ZERO;
            return Ok(wanted);
        }
        if !ask.urgent {
            self.line.join(ask.who, wanted);
        }
        let seconds = missing.max(0.0) / (terms.rate() * self.speed);
        let after = Duration::try_from_secs_f64(seconds).unwrap_or(terms.window());
        Err(Wait {
            // A nanosecond more than computed, so that whoever waits that long does not come too early; and whoever
            // stands behind others gives them the time to go.
            after: Some(match before {
                None => after + Duration::from_nanos(1),
                Some(_) => after + Duration::from_millis(5),
            }),
            why: WaitReason::Quota,
        })
    }

    /// The units that there can be. `None`: nobody knows of a limit.
    fn size(&self, terms: &Terms) -> Option<f64> {
        match terms.counting {
            Counting::Always => Some(terms.units()),
            Counting::WhenTold => self.learnt,
        }
    }

    /// The share that is used, by this account's own count.
    pub(crate) fn share(&self, terms: &Terms) -> f64 {
        self.used / self.size(terms).unwrap_or(terms.units())
    }

    /// Whoever waited does so no longer, and took nothing.
    pub(crate) fn leave(&mut self, who: u64) {
        self.line.leave(who);
    }

    /// Whether the ticket was taken before the latest hold, so that a new one is needed (of no units).
    pub(crate) fn is_stale(&self, ticket: Ticket) -> bool {
        ticket.era != self.era
    }

    /// Stops the lane for `wait`, at most ten minutes. A shorter hold does not end a longer one.
    pub(crate) fn hold(&mut self, wait: Duration) {
        self.hold = self.hold.max(wait.min(LONGEST_HOLD));
        self.era = self.era.wrapping_add(1);
        self.ramp = None;
    }

    /// Takes a ticket back: nothing left.
    pub(crate) fn unsent(&mut self, ticket: Ticket) {
        self.used = (self.used - ticket.paid).max(0.0);
        self.given_up(ticket);
    }

    /// Takes a ticket back whose answer nobody waits for any more.
    pub(crate) fn given_up(&mut self, ticket: Ticket) {
        self.land(ticket);
        self.step_back(ticket);
    }

    fn land(&mut self, ticket: Ticket) {
        if ticket.counted {
            self.flying = (self.flying - ticket.paid).max(0.0);
            self.quiet = Duration::ZERO;
        }
    }

    /// Takes a ticket back, without what was paid for it.
    pub(crate) fn step_back(&mut self, ticket: Ticket) {
        if ticket.ramp
            && !self.is_stale(ticket)
            && let Some(ramp) = &mut self.ramp
        {
            ramp.allowance += 1;
        }
    }

    /// Takes a ticket back with the answer, to what left `ago`.
    pub(crate) fn answered(&mut self, terms: &Terms, ticket: Ticket, news: News, ago: Duration) {
        self.land(ticket);
        let is_stale = self.is_stale(ticket);
        if ticket.ramp
            && !is_stale
            && let Some(ramp) = &mut self.ramp
        {
            ramp.idle = Duration::ZERO;
            if news.good {
                ramp.good += 1;
                ramp.allowance += 2;
            } else {
                ramp.allowance += 1;
            }
            if ramp.good >= RAMP_ENDS {
                self.ramp = None;
            }
        }
        match news.used {
            Some(share) => self.told(terms, share, ago),
            None if news.good && ticket.counted => self.not_told(terms, ticket.paid),
            None => {}
        }
        if news.refused
            && let Some(size) = self.size(terms)
        {
            // The service's count is what counts. Those that were on their way together were refused for one reason.
            self.used = self.used.max(size);
            if !is_stale {
                self.speed = (self.speed * SLOWED).max(SLOWEST);
                self.era = self.era.wrapping_add(1);
            }
        }
        if let Some(wait) = news.wait {
            self.hold(wait);
        }
    }

    /// The service told which share of the quota was used when it took what left `ago`. Its count is right where it is
    /// higher: it knows of others who draw on the quota, and of what was used before this account was opened.
    fn told(&mut self, terms: &Terms, share: f64, ago: Duration) {
        if !(share > 0.0 && share.is_finite()) {
            return;
        }
        self.silent = Duration::ZERO;
        let size = match terms.counting {
            Counting::Always => terms.units(),
            Counting::WhenTold => {
                let (least, most) = (terms.units() * SMALLEST, terms.units());
                let used = self.used;
                *self
                    .learnt
                    .get_or_insert_with(|| (used / share.min(1.0)).clamp(least, most))
            }
        };
        // Some of it came back since. When it was counted on the way is not known, so all of the way is given.
        let back = terms.rate() * self.speed * ago.as_secs_f64();
        let used = (share - ROUNDING).min(1.0) * size - back;
        self.used = self.used.max(used);
        if share > 1.0 + ROUNDING {
            self.speed = self.speed.min(1.0 / share).max(SLOWEST);
        }
    }

    /// A good answer told nothing of a quota that was told of before: so there is enough of it. What it cost is given
    /// back, and the quota is taken for larger if by this account's count it should have been told of.
    fn not_told(&mut self, terms: &Terms, units: f64) {
        if terms.counting == Counting::WhenTold
            && let Some(size) = &mut self.learnt
        {
            if self.used > 0.8 * *size {
                *size = (*size * 1.05).min(terms.units());
            }
            self.used = (self.used - units).max(0.0);
        }
    }

    /// Nothing would be lost by forgetting this account.
    pub(crate) fn is_rested(&self) -> bool {
        self.used <= NOTHING
            && self.speed >= 1.0
            && self.learnt.is_none()
            && self.hold.is_zero()
            && self.ramp.is_none()
    }
}

impl Ticket {
    /// The same, after [`Account::step_back`]: a start after a hold does not wait for its answer any more.
    pub(crate) fn stepped_back(self) -> Self {
        Self {
            ramp: false,
            ..self
        }
    }

    /// The same, for what was paid with `earlier`.
    pub(crate) fn paid_with(self, earlier: Self) -> Self {
        Self {
            counted: earlier.counted,
            paid: earlier.paid,
            ..self
        }
    }

    /// Whether an answer that is good and says nothing more would change anything.
    pub(crate) fn waits_for_the_answer(self) -> bool {
        self.ramp || self.counted
    }
}

fn reserve(size: f64) -> f64 {
    if size < HAS_RESERVE {
        0.0
    } else {
        (size * RESERVE).floor()
    }
}

#[cfg(test)]
mod tests;
