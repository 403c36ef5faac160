//! A quota as a token bucket, with holds and a careful start after them.
//!
//! Pure: the time is a parameter, and whoever has to wait is told so and waits elsewhere.

use std::time::{Duration, Instant};

use crate::witness::WaitReason;

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

/// What is left of a quota.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// `None` for a lane without a limit: only holds stop it.
    quota: Option<Quota>,
    level: f64,
    refilled: Instant,
    held_until: Option<Instant>,
    /// Counts holds, so that an answer to a request from before one is not taken for a sign of recovery.
    era: u64,
    ramp: Option<Ramp>,
}

/// After a hold, one request passes; each good answer lets two more through, until it is clear that all is well.
#[derive(Debug)]
struct Ramp {
    allowance: u32,
    good: u32,
}

/// Good answers after which a ramp ends.
const RAMP_ENDS: u32 = 16;

/// That units were taken. Given back with the answer.
#[derive(Debug)]
#[must_use = "the bucket waits for the answer while it starts again"]
pub(crate) struct Ticket {
    era: u64,
}

/// Why units could not be taken, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// `None`: until an answer comes.
    pub(crate) until: Option<Instant>,
    pub(crate) why: WaitReason,
}

/// What an answer says of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The service took the request.
    Good,
    /// Nobody knows, or the service was busy.
    None,
}

impl Bucket {
    pub(crate) fn new(quota: Option<Quota>, now: Instant) -> Self {
        let quota = quota.map(|quota| Quota {
            units: quota.units.max(1),
            window: quota.window,
        });
        let level = quota.map_or(0.0, |quota| f64::from(quota.units));
        Self {
            quota,
            level,
            refilled: now,
            held_until: None,
            era: 0,
            ramp: None,
        }
    }

    /// Takes `units`, at most the whole bucket, or says how long to wait. A lane passes one request at a time to here,
    /// so that the first that waits is the first to go.
    pub(crate) fn take(&mut self, units: u32, now: Instant) -> Result<Ticket, Wait> {
        if let Some(until) = self.held_until {
            if now < until {
                return Err(Wait {
                    until: Some(until),
                    why: WaitReason::Hold,
                });
            }
            self.held_until = None;
            self.ramp = Some(Ramp {
                allowance: 1,
                good: 0,
            });
        }
        if self.ramp.as_ref().is_some_and(|ramp| ramp.allowance == 0) {
            return Err(Wait {
                until: None,
                why: WaitReason::Ramp,
            });
        }
        if let Some(quota) = self.quota {
            self.refill(quota, now);
            // Nothing could ever take more than a full bucket.
            let wanted = f64::from(units.min(quota.units));
            if self.level < wanted {
                let seconds = (wanted - self.level) / per_second(quota);
                // A nanosecond more than computed, so that whoever waits that long does not come too early.
                let missing = Duration::try_from_secs_f64(seconds).unwrap_or(quota.window)
                    + Duration::from_nanos(1);
                return Err(Wait {
                    until: Some(now + missing),
                    why: WaitReason::Quota,
                });
            }
            self.level -= wanted;
        }
        if let Some(ramp) = &mut self.ramp {
            ramp.allowance -= 1;
        }
        Ok(Ticket { era: self.era })
    }

    /// Whether the ticket was taken before the latest hold, so that a new one is needed (of no units).
    pub(crate) fn is_stale(&self, ticket: &Ticket) -> bool {
        ticket.era != self.era
    }

    /// Stops the lane for `wait` from `now`, at most ten minutes. A shorter hold does not end a longer one.
    pub(crate) fn hold(&mut self, wait: Duration, now: Instant) {
        let until = now + wait.min(LONGEST_HOLD);
        if self.held_until.is_none_or(|held| held < until) {
            self.held_until = Some(until);
        }
        self.era += 1;
        self.ramp = None;
    }

    /// Takes a ticket back.
    pub(crate) fn answered(&mut self, ticket: Ticket, sign: Sign) {
        if self.is_stale(&ticket) {
            return;
        }
        let Some(ramp) = &mut self.ramp else { return };
        match sign {
            Sign::Good => {
                ramp.good += 1;
                ramp.allowance += 2;
            }
            Sign::None => ramp.allowance += 1,
        }
        if ramp.good >= RAMP_ENDS {
            self.ramp = None;
        }
    }

    /// Nothing would be lost by forgetting this bucket.
    pub(crate) fn is_rested(&mut self, now: Instant) -> bool {
        if let Some(quota) = self.quota {
            self.refill(quota, now);
            if self.level < f64::from(quota.units) {
                return false;
            }
        }
        self.held_until.is_none_or(|until| until <= now) && self.ramp.is_none()
    }

    fn refill(&mut self, quota: Quota, now: Instant) {
        let passed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.level = (self.level + passed * per_second(quota)).min(f64::from(quota.units));
        self.refilled = self.refilled.max(now);
    }
}

fn per_second(quota: Quota) -> f64 {
    // A window of nothing would be no limit; a declaration cannot have one.
    f64::from(quota.units) / quota.window.as_secs_f64().max(1e-3)
}

#[cfg(test)]
mod tests;
