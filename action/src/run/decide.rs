//! What follows from an answer about a user: an outcome, the next step, another try, or the end of the run.
//!
//! The rules: what was seen decides the verdict; a revoke that may have happened is never called failed, and one that
//! was not accepted is never called revoked; every way back to a queue is bounded.

use super::flight::Landing;
use super::state::{Now, Run, Wave, Wish};
use crate::backoff;
use crate::chance::Chance;
use crate::codes::Code;
use crate::graph::{Batched, Seen, Step, User, What};
use crate::manifest::{RESOURCE_UNITS, WRITES};
use crate::names::{Name, is_external_name};
use crate::service::{LogLevel, Mode, Verdict};
use crate::settings::Guests;
use crate::sign_in::{NoToken, Token};
use crate::target::Target;
use crate::wording;
use std::{rc::Rc, time::Duration};

/// An answer that makes no sense seldom makes more at the fourth time.
const UNREADABLE_TRIES: u32 = 3;
/// Tokens that a run may see refused before their end, whatever the answers in between.
const REFUSED_TOKENS: u32 = 16;
/// How long a token that still does is kept when the next one could not be had.
const RENEWAL_PAUSE: Duration = Duration::from_secs(60);

impl Run {
    /// Takes in what came of a task.
    pub(super) fn land(&mut self, landing: Landing, now: Now, chance: &Chance) {
        match landing {
            Landing::SignedIn(result) => self.signed_in(result, now.monotonic),
            Landing::Redeemed {
                target,
                sent,
                redeemed,
            } => self.redeemed(target, sent, redeemed, now.monotonic),
            Landing::Asked {
                step,
                targets,
                batched,
                taken,
                generation,
            } => {
                let flying = &mut self.in_flight[step as usize];
                *flying = flying.saturating_sub(1);
                match batched {
                    Batched::Unsupported(status) => self.without_batches(step, targets, status),
                    Batched::Parts(parts) => {
                        if targets.len() > 1 && parts.iter().all(|seen| seen.what == What::Held) {
                            // One user in it may be the cause; alone, each has the answer that is its own.
                            for mut target in targets {
                                target.attempts = target.attempts.saturating_sub(1);
                                target.tries = target.tries.saturating_sub(1);
                                if self.stop.is_some() {
                                    self.end_stopped(target);
                                } else {
                                    self.alone.push_back((step, target));
                                }
                            }
                            return;
                        }
                        self.parts(step, targets, parts, taken, generation, now, chance);
                    }
                }
            }
        }
    }

    fn signed_in(&mut self, result: Result<Token, NoToken>, now: Duration) {
        self.signing_in = false;
        let usable = self
            .token
            .as_ref()
            .is_some_and(|token| token.is_usable(now));
        match result {
            Ok(token) if token.is_usable(now) => self.token = Some(Rc::new(token)),
            Ok(_) => self.stop(
                "The sign-in service gives tokens that end at once: check this machine's clock."
                    .into(),
            ),
            Err(refusal) if refusal.transient && usable => {
                self.wishes.push(Wish::Log(
                    LogLevel::Warn,
                    format!("the token could not be renewed: {}", refusal.message),
                ));
                self.renew_not_before = now + RENEWAL_PAUSE;
            }
            Err(refusal) => self.stop(refusal.message),
        }
    }

    fn without_batches(&mut self, step: Step, mut targets: Vec<Target>, status: u16) {
        if !self.plain {
            self.plain = true;
            let note = format!(
                "batches are answered with HTTP {status}; going on with one request for each user"
            );
            self.wishes.push(Wish::Log(LogLevel::Warn, note));
        }
        for target in &mut targets {
            // The batch as a whole was refused: it was no try of any user's.
            target.tries = target.tries.saturating_sub(1);
        }
        self.requeue(step, targets);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one landing, taken apart by its only caller"
    )]
    fn parts(
        &mut self,
        step: Step,
        targets: Vec<Target>,
        parts: Vec<Seen>,
        taken: Vec<Option<String>>,
        generation: u32,
        now: Now,
        chance: &Chance,
    ) {
        let mut wave = Wave {
            due: now.monotonic,
            step,
            targets: Vec::new(),
        };
        let mut taken = taken.into_iter();
        for (mut target, mut seen) in targets.into_iter().zip(parts) {
            let other = taken.next().flatten();
            if seen.status.is_some() {
                self.answered_at = Some(now.monotonic);
            }
            if matches!(step, Step::ReadBack | Step::Reach) {
                if let Some((wait, target)) = self.followed(step, target, seen, generation, now) {
                    wave.due = wave.due.max(now.monotonic + wait);
                    wave.targets.push(target);
                }
                continue;
            }
            // An empty list tells nothing of anybody, so it does not stand in the place of an earlier 404.
            let nobody = seen.what == What::Missing && seen.status == Some(200);
            if !(nobody && target.status().is_some()) {
                target.note(&mut seen);
            }
            target.sent |=
                step == Step::Revoke && !matches!(seen.what, What::Held | What::Unreachable { .. });
            match seen.what {
                What::Found(user) => self.found(target, *user, other),
                What::Revoked => self.accepted(target, now),
                What::SaidFalse => {
                    let message =
                        wording::refused(&target, "answered with `false` to the revoke about");
                    self.end_without(target, Code::RefusedByService, message);
                }
                What::Missing => self.missing(step, target),
                What::Several => {
                    let message = wording::ambiguous(&target);
                    self.end_without(target, Code::Ambiguous, message);
                }
                What::Malformed => {
                    let message = wording::malformed(&target);
                    self.end_without(target, Code::InvalidId, message);
                }
                What::Rejected => {
                    let message = wording::refused(&target, "refused the request about");
                    self.end_without(target, Code::RefusedByService, message);
                }
                What::Forbidden if step == Step::LookUp && target.looked_otherwise => {
                    self.not_found(target);
                }
                What::Forbidden if step == Step::LookUp && self.may_read_names(&target) => {
                    target.tries = target.tries.saturating_sub(1);
                    target.basic = true;
                    self.requeue(step, vec![target]);
                }
                What::Forbidden if step == Step::LookUp => self.unreadable_users(target),
                What::Forbidden => {
                    let message = wording::denied(&target);
                    self.end_without(target, Code::Denied, message);
                    let reason = wording::denial(self.token.as_deref());
                    self.stop(reason);
                }
                What::Unauthorized(claims) => self.unauthorized(step, target, claims, generation),
                What::Held => {
                    // When the host stops a run it closes the input and lets nothing new begin; the same request was
                    // let through before.
                    let draining = self.input_ended && self.revoked && step == Step::Revoke;
                    let code = if draining {
                        Code::Stopped
                    } else {
                        Code::RefusedByHost
                    };
                    let (verdict, message) = (target.undone(), wording::held(&target));
                    self.end(target, verdict, code, message);
                }
                what => {
                    let asked = seen.asked_wait;
                    if let Some((wait, target)) =
                        self.again(step, target, &what, asked, now.monotonic, chance)
                    {
                        wave.due = wave.due.max(now.monotonic + wait);
                        wave.targets.push(target);
                    }
                }
            }
        }
        if wave.targets.is_empty() {
            return;
        }
        if self.stop.is_some() {
            self.requeue(step, wave.targets);
        } else {
            self.waves.push(wave);
        }
    }

    /// Nobody has the name; as something else than it was taken for, somebody may.
    fn missing(&mut self, step: Step, mut target: Target) {
        let otherwise = target.name.otherwise();
        match otherwise.filter(|_| step == Step::LookUp && !target.blind) {
            Some(name) => {
                target.name = name;
                target.looked_otherwise = true;
                self.queue(Step::LookUp, target);
            }
            None => self.not_found(target),
        }
    }

    /// Whatever was sent before: who is not there has no sessions.
    fn not_found(&mut self, target: Target) {
        let message = wording::not_found(&target);
        self.end(target, Verdict::Failed, Code::NotFound, message);
    }

    /// The user is known: is there anything to do?
    fn found(&mut self, mut target: Target, user: User, other: Option<String>) {
        self.seen_user = true;
        // Where only names may be read, the inventory's word on guests is all that there is.
        target.guest = user.is_guest() || target.basic && target.guest;
        let object_id = user.object_id.clone();
        // From here on by object id: a principal name may be somebody else's tomorrow.
        target.name = Name::ObjectId(object_id.clone());
        target.user = Some(user);
        if let Some(other) = other {
            let message = wording::duplicate(&target, &other);
            return self.end(target, Verdict::Skipped, Code::Duplicate, message);
        }
        if target
            .group
            .as_ref()
            .is_some_and(|group| group.borrow_mut().takes(&object_id))
        {
            let message = wording::repeated(&target);
            return self.end(target, Verdict::Succeeded, Code::Duplicate, message);
        }
        self.revoke(target);
    }

    /// Whether a look-up that was not allowed may be asked for names only: User.ReadBasic.All allows that.
    fn may_read_names(&mut self, target: &Target) -> bool {
        let untried = !target.basic && (self.basic || !self.seen_user && !self.blind);
        if untried && !self.basic {
            self.basic = true;
            let note = "the application may not read all of a user (403): from now on it asks for names only, so guests may \
                        not be told apart; grant User.Read.All to have them checked";
            self.wishes.push(Wish::Log(LogLevel::Warn, note.into()));
        }
        untried
    }

    /// Users cannot be looked up, or this one cannot: revoke all the same, and say what was not checked.
    fn unreadable_users(&mut self, target: Target) {
        if !self.seen_user && !self.blind {
            self.blind = true;
            let note = "the application may not read users (403): sessions are revoked without a look-up, so guests and \
                        duplicates are not told apart; grant User.Read.All to have them checked";
            self.wishes.push(Wish::Log(LogLevel::Warn, note.into()));
            let waiting: Vec<Target> = self.queues.of(Step::LookUp).drain(..).collect();
            for target in waiting {
                self.go_blind(target);
            }
        }
        self.go_blind(target);
    }

    pub(super) fn go_blind(&mut self, mut target: Target) {
        target.blind = true;
        if !target.name.fits_path() {
            let message = wording::not_resolvable(&target);
            return self.end_without(target, Code::RefusedByService, message);
        }
        if let Name::Principal(name) = &target.name {
            target.guest |= is_external_name(name);
        }
        self.revoke(target);
    }

    pub(super) fn revoke(&mut self, mut target: Target) {
        if target.guest {
            let verdict = match (target.settings.guests, self.mode) {
                (Guests::Fail, _) => Some(Verdict::Failed),
                (Guests::Skip, _) | (Guests::Attempt, Mode::Simulate) => Some(Verdict::Skipped),
                (Guests::Attempt, Mode::Enforce) => None,
            };
            if let Some(verdict) = verdict {
                let message = wording::guest(&target, false);
                return self.end(target, verdict, Code::NoEffectGuest, message);
            }
        }
        if self.stop.is_some() {
            return self.end_stopped(target);
        }
        if target
            .canary
            .as_ref()
            .is_some_and(|canary| !canary.is_proven())
        {
            // What it measures by has to work before it is cut.
            return self.canaries.push((Duration::ZERO, Box::new(target)));
        }
        if self.mode == Mode::Simulate {
            target.after.get_or_insert_default();
            return self.onward(target);
        }
        target.attempts = 0;
        self.queue(Step::Revoke, target);
    }

    /// Ends without success; as in doubt where an earlier try may have had its effect.
    fn end_without(&mut self, target: Target, code: Code, message: String) {
        let verdict = if target.doubt {
            Verdict::InDoubt
        } else {
            Verdict::Failed
        };
        self.end(target, verdict, code, message);
    }

    /// A14: a 401 has the token dropped and one new try made. A second one about the same user ends the run: the new
    /// token was refused as well.
    pub(super) fn unauthorized(
        &mut self,
        step: Step,
        mut target: Target,
        claims: Option<String>,
        generation: u32,
    ) {
        if target
            .refused_token
            .is_some_and(|refused| refused < generation)
            || self.refusals >= REFUSED_TOKENS
        {
            self.stop(wording::token_refused());
            return self.end_stopped(target);
        }
        target.refused_token = Some(generation);
        target.tries = target.tries.saturating_sub(1);
        if self
            .token
            .as_ref()
            .is_some_and(|token| token.generation == generation)
        {
            self.token = None;
            self.claims = claims;
            self.refusals += 1;
        }
        self.requeue(step, vec![target]);
    }

    /// Another try, and how long to wait before it; or the end of the work on this user.
    fn again(
        &mut self,
        step: Step,
        mut target: Target,
        what: &What,
        asked: Option<Duration>,
        now: Duration,
        chance: &Chance,
    ) -> Option<(Duration, Target)> {
        let revoking = step == Step::Revoke;
        target.doubt |= revoking
            && matches!(
                what,
                What::Fault { .. } | What::Lost(_) | What::Unreadable(_)
            );
        let tries = match what {
            What::Fault { passing: false } | What::Unreachable { lasting: true, .. } => 1,
            What::Unreadable(_) => target.settings.max_tries.min(UNREADABLE_TRIES),
            _ => target.settings.max_tries,
        };
        let wait = asked.unwrap_or_else(|| chance.jittered(backoff::exponential(target.tries)));
        if *what == What::Throttled {
            // The quota is everybody's: all wait, in this run and in those beside it.
            self.paused_until = self.paused_until.max(now + wait);
            let lane = if revoking { WRITES } else { RESOURCE_UNITS };
            self.wishes.push(Wish::Hold(lane, wait));
        }
        if self.stop.is_some() {
            self.end_stopped(target);
            return None;
        }
        let first_sent = target.first_sent.unwrap_or(now);
        if target.tries < tries && now + wait <= first_sent + target.settings.max_time {
            return Some((wait, target));
        }
        let message = wording::given_up(&target, what, revoking);
        let code = match what {
            What::Throttled => Code::Throttled,
            What::Conflict => Code::Conflict,
            What::Lost(_) => Code::NoAnswer,
            What::Unreadable(_) => Code::UnreadableAnswer,
            What::Unreachable { .. } => Code::Unreachable,
            _ => Code::ServiceError,
        };
        let verdict = match what {
            What::Unreachable { .. } => target.undone(),
            _ if target.doubt => Verdict::InDoubt,
            _ => Verdict::Failed,
        };
        self.end(target, verdict, code, message);
        if let What::Unreachable { why, lasting } = what
            && (*lasting || self.answered_at.is_none_or(|at| at < first_sent))
        {
            self.stop(format!("Microsoft Graph cannot be reached: {why}."));
        }
        None
    }
}
