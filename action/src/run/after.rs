//! What follows once a user's sessions were revoked: what it reaches, whether the cut-off time moved, what is said.
//!
//! Nothing here can take a success back: the service said that it revoked. What cannot be seen is said to be unseen.

use super::state::{Now, Run, Wish};
use crate::codes::Code;
use crate::graph::{Seen, Step, What};
use crate::manifest::RESOURCE_UNITS;
use crate::service::{LogLevel, Mode, Verdict};
use crate::target::Target;
use crate::wording;
use std::time::Duration;

/// Waits between reads of the cut-off time, in seconds: reads of the directory lag behind its writes, as a rule by less
/// ("eventual consistency" of Microsoft Entra ID).
const READ_WAITS: [u64; 5] = [2, 4, 8, 16, 30];
/// Tries to read which applications a user reaches, which nobody waits for.
const REACH_TRIES: u32 = 3;

impl Run {
    /// The service said that it revoked.
    pub(super) fn accepted(&mut self, mut target: Target, now: Now) {
        self.revoked = true;
        if target.guest {
            let message = wording::guest(&target, true);
            return self.end(target, Verdict::Skipped, Code::NoEffectGuest, message);
        }
        target.accept(now.unix);
        if let Some(canary) = target.canary.as_mut() {
            canary.cut(now.monotonic);
            return if self.stop.is_some() {
                self.end_stopped(target);
            } else {
                self.canaries.push((now.monotonic, Box::new(target)));
            };
        }
        self.onward(target);
    }

    /// The next step for a user whose sessions were revoked or, in a simulation, would be; or the end.
    pub(super) fn onward(&mut self, mut target: Target) {
        let blind = self.blind || target.blind;
        let verify = target.settings.verify;
        let after = target.after.get_or_insert_default();
        if self.reaches && after.reach.is_none() && target.canary.is_none() {
            if !self.reach_denied && !blind {
                return self.queue(Step::Reach, target);
            }
            after.reach = Some(Err(NOT_ALLOWED));
        }
        if verify && after.accepted.is_some() && after.reads == 0 {
            if !blind && !target.basic {
                return self.queue(Step::ReadBack, target);
            }
            after.unread = Some("the application may not read users (User.Read.All)");
        }
        self.end_seen(target);
    }

    /// Takes in what came of a step after the revoke. Gives the user back if it is to wait for another try.
    pub(super) fn followed(
        &mut self,
        step: Step,
        mut target: Target,
        seen: Seen,
        generation: u32,
        now: Now,
    ) -> Option<(Duration, Target)> {
        if let What::Unauthorized(claims) = seen.what {
            self.unauthorized(step, target, claims, generation);
            return None;
        }
        let throttled = seen.what == What::Throttled;
        let before = target.cut_off_before().cloned();
        let tries = target.tries;
        let after = target.after.get_or_insert_default();
        let reading = step == Step::ReadBack;
        after.reads += u32::from(reading);
        let (done, unseen) = match seen.what {
            What::Reached(reach) => {
                after.reach = Some(Ok(*reach));
                (true, None)
            }
            What::Found(user) => match user.cut_off {
                Some(cut_off) => {
                    after.read(cut_off, before.as_ref());
                    after.unread = None;
                    (after.moved, None)
                }
                None => (true, Some("the service did not tell the cut-off time")),
            },
            What::Forbidden => {
                if !reading && !self.reach_denied {
                    self.reach_denied = true;
                    let note = "the application may not read which applications users reach (403); grant \
                                Directory.Read.All to have them listed";
                    self.wishes.push(Wish::Log(LogLevel::Warn, note.into()));
                }
                (true, Some(NOT_ALLOWED))
            }
            What::Missing => (true, Some("the tenant does not have the user any more")),
            What::Held => (true, Some("the host did not let the request leave")),
            What::Unreadable(why) => (false, Some(why)),
            What::Throttled => (false, Some("the service refused for lack of quota")),
            What::Fault { passing: true } | What::Conflict | What::NotRun => {
                (false, Some("the service failed"))
            }
            What::Lost(_) => (false, Some("no answer came")),
            What::Unreachable { lasting, .. } => (lasting, Some("the service cannot be reached")),
            _ => (true, Some("the service refused")),
        };
        match unseen {
            Some(why) if reading => after.unread = Some(why),
            Some(why) => after.reach = Some(Err(why)),
            None => {}
        }
        let wait = if reading {
            let at = usize::try_from(after.reads - 1).unwrap_or(usize::MAX);
            READ_WAITS.get(at).copied()
        } else {
            (tries < REACH_TRIES).then_some(1)
        };
        let wait = wait.map(|seconds| seen.asked_wait.unwrap_or(Duration::from_secs(seconds)));
        if throttled && let Some(wait) = wait {
            self.paused_until = self.paused_until.max(now.monotonic + wait);
            self.wishes.push(Wish::Hold(RESOURCE_UNITS, wait));
        }
        let first_sent = target.first_sent.unwrap_or(now.monotonic);
        let deadline = first_sent + target.settings.max_time;
        match wait {
            Some(wait) if !done && self.stop.is_none() && now.monotonic + wait <= deadline => {
                Some((wait, target))
            }
            _ => {
                self.onward(target);
                None
            }
        }
    }

    /// Ends with what is known a user whose sessions were revoked.
    pub(super) fn end_accepted(&mut self, mut target: Target) {
        if let Some(after) = target.after.as_mut()
            && target.settings.verify
            && after.reads == 0
            && after.unread.is_none()
        {
            after.unread = Some("the run was stopped before");
        }
        self.end_seen(target);
    }

    fn end_seen(&mut self, target: Target) {
        if target.canary.is_some() {
            return self.end_canary(target);
        }
        if self.mode == Mode::Simulate {
            let message = wording::would_revoke(&target);
            return self.end(target, Verdict::WouldEnforce, Code::WouldRevoke, message);
        }
        let moved = target.after.as_ref().is_some_and(|after| after.moved);
        let code = match (target.settings.verify, moved) {
            (false, _) => Code::Revoked,
            (true, true) => Code::Verified,
            (true, false) => Code::Unconfirmed,
        };
        let message = wording::revoked(&target);
        self.end(target, Verdict::Succeeded, code, message);
    }
}

/// What a 403 to a read comes to.
const NOT_ALLOWED: &str = "the application may not read it";
