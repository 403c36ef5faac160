//! What a run knows and what it does next.
//!
//! Pure: no clock, stream or request inside; `now` is a parameter, and what it wants done it puts into
//! [`Run::wishes`] or hands out as a [`Task`]. What an answer means is in [`super::decide`].

use crate::canary::CANARY;
use crate::codes::Code;
use crate::graph::Step;
use crate::identity::Identity;
use crate::service::{Asset, Ending, LogLevel, Mode, Outcome, Verdict};
use crate::settings::Settings;
use crate::sign_in::Token;
use crate::target::{Group, Last, Target};
use crate::wording;
use std::{collections::VecDeque, rc::Rc, time::Duration};

/// The most assets that are held at once, whatever the host hands over.
const HELD: usize = 8_192;

/// The most bytes of a message, by the contract.
const MESSAGE_BYTES: usize = 2_000;

/// The time, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) monotonic: Duration,
    /// Seconds since 1970.
    pub(super) unix: u64,
}

/// Something for the loop to start.
#[derive(Debug)]
pub(super) enum Task {
    SignIn {
        claims: Option<String>,
        generation: u32,
    },
    Ask {
        step: Step,
        targets: Vec<Target>,
        token: Rc<Token>,
    },
    /// Try the refresh token of the test account.
    Redeem(Box<Target>),
}

/// Something for the loop to tell the host.
#[derive(Debug)]
pub(super) enum Wish {
    Hold(&'static str, Duration),
    Log(LogLevel, String),
}

/// Users that wait together for another try of one step.
#[derive(Debug)]
pub(super) struct Wave {
    pub(super) due: Duration,
    pub(super) step: Step,
    pub(super) targets: Vec<Target>,
}

/// Users by the step that is next for them.
#[derive(Debug, Default)]
pub(super) struct Queues([VecDeque<Target>; Step::ALL.len()]);

impl Queues {
    pub(super) fn of(&mut self, step: Step) -> &mut VecDeque<Target> {
        &mut self.0[step as usize]
    }

    fn waiting(&self, step: Step) -> usize {
        self.0[step as usize].len()
    }

    fn total(&self) -> usize {
        self.0.iter().map(VecDeque::len).sum()
    }

    fn drain(&mut self) -> impl Iterator<Item = Target> {
        self.0.iter_mut().flat_map(|queue| queue.drain(..))
    }
}

/// The state of a run.
pub(super) struct Run {
    pub(super) mode: Mode,
    settings: Rc<Settings>,
    /// What follows for whom.
    pub(super) queues: Queues,
    /// Test accounts whose refresh token is to be tried, or waits to be.
    pub(super) canaries: Vec<(Duration, Box<Target>)>,
    /// To be asked about one by one, because the host refused a batch with them in it.
    pub(super) alone: VecDeque<(Step, Target)>,
    pub(super) waves: Vec<Wave>,
    /// Requests, by their step.
    pub(super) in_flight: [usize; Step::ALL.len()],
    pub(super) token: Option<Rc<Token>>,
    pub(super) signing_in: bool,
    /// What the next token must hold.
    pub(super) claims: Option<String>,
    pub(super) generation: u32,
    /// Tokens that were refused before they ended.
    pub(super) refusals: u32,
    /// After a renewal that failed, the token in hand does for so long.
    pub(super) renew_not_before: Duration,
    /// The service asked everybody to wait.
    pub(super) paused_until: Duration,
    /// Users cannot be looked up.
    pub(super) blind: bool,
    /// Only their names may be read.
    pub(super) basic: bool,
    /// A user was looked up.
    pub(super) seen_user: bool,
    /// Tell which applications users reach.
    pub(super) reaches: bool,
    /// Which they are may not be asked.
    pub(super) reach_denied: bool,
    /// A revoke was accepted.
    pub(super) revoked: bool,
    /// Batches are not taken.
    pub(super) plain: bool,
    /// When the service last answered.
    pub(super) answered_at: Option<Duration>,
    /// Why the run stops.
    pub(super) stop: Option<Rc<str>>,
    pub(super) input_ended: bool,
    /// Assets without an outcome.
    held: usize,
    /// Outcomes to write.
    pub(super) outcomes: Vec<Outcome>,
    pub(super) wishes: Vec<Wish>,
    closed: bool,
}

impl Run {
    /// A run at its start. With a `hindrance` it ends before it begins, with an outcome for every asset.
    pub(super) fn new(
        mode: Mode,
        settings: Settings,
        reaches: bool,
        hindrance: Option<String>,
    ) -> Self {
        Self {
            mode,
            settings: Rc::new(settings),
            queues: Queues::default(),
            canaries: Vec::new(),
            alone: VecDeque::new(),
            waves: Vec::new(),
            in_flight: [0; Step::ALL.len()],
            token: None,
            signing_in: false,
            claims: None,
            generation: 0,
            refusals: 0,
            renew_not_before: Duration::ZERO,
            paused_until: Duration::ZERO,
            blind: false,
            basic: false,
            seen_user: false,
            reaches,
            reach_denied: false,
            revoked: false,
            plain: false,
            answered_at: None,
            stop: hindrance.map(Rc::from),
            input_ended: false,
            held: 0,
            outcomes: Vec::new(),
            wishes: Vec::new(),
            closed: false,
        }
    }

    /// Takes an asset in: what cannot be named has its outcome at once.
    pub(super) fn take(&mut self, asset: Asset) {
        self.held += 1;
        let id: Rc<str> = Rc::from(asset.id);
        let settings = match asset.settings.as_deref().map(Settings::parse) {
            None => Rc::clone(&self.settings),
            Some(Ok(settings)) => Rc::new(settings),
            Some(Err(error)) => {
                let message = format!("Nothing was sent, because {error}.");
                return self.refuse(&id, Code::RefusedByHost, Verdict::NotAttempted, message);
            }
        };
        if asset.identities.is_empty() {
            let message =
                "The host handed this asset over without an identity, so nothing was sent."
                    .to_owned();
            return self.refuse(&id, Code::NoIdentity, Verdict::Failed, message);
        }
        let group = (asset.identities.len() > 1).then(|| Group::of(asset.identities.len()));
        for json in &asset.identities {
            match Identity::parse(json) {
                Ok(identity) => {
                    let target = Target {
                        asset: Rc::clone(&id),
                        group: group.clone(),
                        settings: Rc::clone(&settings),
                        name: identity.name,
                        guest: identity.guest == Some(true),
                        sent_before: asset.sent_before,
                        user: None,
                        blind: false,
                        basic: false,
                        looked_otherwise: false,
                        attempts: 0,
                        tries: 0,
                        first_sent: None,
                        sent: false,
                        doubt: asset.sent_before.is_some(),
                        refused_token: None,
                        last: Last::default(),
                        after: None,
                        canary: asset
                            .added_for
                            .as_deref()
                            .is_some_and(|setting| setting == CANARY)
                            .then(Box::default),
                    };
                    self.admit(target);
                }
                Err(unusable) => {
                    let outcome = Outcome {
                        asset: String::from(&*id),
                        verdict: Verdict::Failed,
                        code: unusable.code.as_str(),
                        message: unusable.message,
                        evidence: None,
                    };
                    let outcome = match &group {
                        Some(group) => group.borrow_mut().add(outcome, None),
                        None => Some(outcome),
                    };
                    self.put(outcome);
                }
            }
        }
    }

    fn admit(&mut self, target: Target) {
        if self.stop.is_some() {
            self.end_stopped(target);
        } else if self.blind {
            self.go_blind(target);
        } else {
            self.queues.of(Step::LookUp).push_back(target);
        }
    }

    fn refuse(&mut self, id: &Rc<str>, code: Code, verdict: Verdict, message: String) {
        let outcome = Outcome {
            asset: String::from(&**id),
            verdict,
            code: code.as_str(),
            message,
            evidence: None,
        };
        self.put(Some(outcome));
    }

    /// Ends the work on a user.
    pub(super) fn end(&mut self, target: Target, verdict: Verdict, code: Code, message: String) {
        let outcome = target.end(verdict, code, message);
        self.put(outcome);
    }

    /// Ends the work on a user whose turn did not come, or whose sessions were revoked and not yet looked at again.
    pub(super) fn end_stopped(&mut self, target: Target) {
        if target.accepted().is_some() {
            return self.end_accepted(target);
        }
        let reason = self.stop.clone().unwrap_or_default();
        let verdict = target.undone();
        let message = wording::stopped(&target, &reason);
        self.end(target, verdict, Code::Stopped, message);
    }

    pub(super) fn put(&mut self, outcome: Option<Outcome>) {
        let Some(mut outcome) = outcome else { return };
        if outcome.message.len() > MESSAGE_BYTES {
            let mut end = MESSAGE_BYTES;
            while !outcome.message.is_char_boundary(end) {
                end -= 1;
            }
            outcome.message.truncate(end);
        }
        self.held = self.held.saturating_sub(1);
        if !self.closed {
            self.outcomes.push(outcome);
        }
    }

    /// Begins nothing any more: what waits is reported as not attempted, what is under way may end.
    pub(super) fn stop(&mut self, reason: String) {
        if self.stop.is_none() {
            self.wishes.push(Wish::Log(
                LogLevel::Warn,
                format!("the run stops: {reason}"),
            ));
            self.stop = Some(Rc::from(reason));
        }
        let waiting: Vec<Target> = (self.queues.drain())
            .chain(self.canaries.drain(..).map(|(_, target)| *target))
            .chain(self.alone.drain(..).map(|(_, target)| target))
            .chain(self.waves.drain(..).flat_map(|wave| wave.targets))
            .collect();
        for target in waiting {
            self.end_stopped(target);
        }
    }

    /// Nobody takes outcomes any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.outcomes.clear();
        self.stop("The host takes no more outcomes.".to_owned());
    }

    /// Whether more assets are of use, while at most `unwritten` outcomes wait.
    pub(super) fn wants_assets(&self, unwritten: usize) -> bool {
        let enough = self.settings.batch_size * self.settings.batches_in_flight;
        self.queues.total() < enough.max(HELD / 8)
            && self.held < HELD
            && self.outcomes.len() < unwritten
    }

    /// What to start next. With `partial` also what does not fill a batch: nothing more is at hand to fill it with.
    pub(super) fn next_task(&mut self, now: Duration, partial: bool) -> Option<Task> {
        if self.stop.is_some() {
            return None;
        }
        if let Some(at) = self.canaries.iter().position(|(due, _)| *due <= now) {
            return Some(Task::Redeem(self.canaries.swap_remove(at).1));
        }
        if !self.has_work() {
            return None;
        }
        let usable = self
            .token
            .as_ref()
            .is_some_and(|token| token.is_usable(now));
        let renew = self
            .token
            .as_ref()
            .is_some_and(|token| token.renew_at <= now)
            && self.renew_not_before <= now;
        if !self.signing_in && (!usable || renew) {
            self.signing_in = true;
            self.generation += 1;
            return Some(Task::SignIn {
                claims: self.claims.take(),
                generation: self.generation,
            });
        }
        let flying: usize = self.in_flight.iter().sum();
        if !usable || now < self.paused_until || flying >= self.settings.batches_in_flight {
            return None;
        }
        let token = Rc::clone(self.token.as_ref()?);
        if let Some((step, target)) = self.alone.pop_front() {
            return Some(self.ask(step, vec![target], token, now));
        }
        let size = if self.plain {
            1
        } else {
            self.settings.batch_size
        };
        let step = self.next_step(size, flying, partial)?;
        let queue = self.queues.of(step);
        let targets = queue.drain(..size.min(queue.len())).collect();
        Some(self.ask(step, targets, token, now))
    }

    /// What was begun is finished before more is begun. A part-filled batch waits for look-ups that are about to fill
    /// it, but not while there is plenty of room for another request.
    fn next_step(&self, size: usize, flying: usize, partial: bool) -> Option<Step> {
        let room = self.in_flight[Step::LookUp as usize] == 0
            || flying * 2 < self.settings.batches_in_flight;
        let may_part = |step: Step| partial && (room || step == Step::LookUp);
        Step::ALL.into_iter().find(|step| {
            let waiting = self.queues.waiting(*step);
            waiting >= size || (waiting > 0 && may_part(*step))
        })
    }

    fn has_work(&self) -> bool {
        self.queues.total() > 0 || !self.alone.is_empty()
    }

    fn ask(
        &mut self,
        step: Step,
        mut targets: Vec<Target>,
        token: Rc<Token>,
        now: Duration,
    ) -> Task {
        for target in &mut targets {
            target.basic |= self.basic && step == Step::LookUp;
            // Evidence tells of the last that was asked about the sessions, not of what was looked at afterwards.
            target.attempts += u32::from(matches!(step, Step::LookUp | Step::Revoke));
            target.tries += 1;
            target.first_sent.get_or_insert(now);
        }
        self.in_flight[step as usize] += 1;
        Task::Ask {
            step,
            targets,
            token,
        }
    }

    /// When something that waits is due.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let waves = self.waves.iter().map(|wave| wave.due);
        let canaries = self.canaries.iter().map(|(due, _)| *due);
        let paused = self.has_work() && self.paused_until > Duration::ZERO;
        let pause = paused.then_some(self.paused_until);
        waves.chain(canaries).chain(pause).min()
    }

    /// Brings back what is due, before what has not been tried.
    pub(super) fn wake(&mut self, now: Duration) {
        if self.paused_until <= now {
            self.paused_until = Duration::ZERO;
        }
        let (due, waiting) = std::mem::take(&mut self.waves)
            .into_iter()
            .partition(|wave| wave.due <= now);
        self.waves = waiting;
        let due: Vec<Wave> = due;
        for wave in due {
            self.requeue(wave.step, wave.targets);
        }
    }

    /// Puts users at the front of their queue, in their order.
    pub(super) fn requeue(&mut self, step: Step, targets: Vec<Target>) {
        if self.stop.is_some() {
            for target in targets {
                self.end_stopped(target);
            }
            return;
        }
        let queue = self.queues.of(step);
        for target in targets.into_iter().rev() {
            queue.push_front(target);
        }
    }

    /// Puts a user at the end of the queue of a new step.
    pub(super) fn queue(&mut self, step: Step, mut target: Target) {
        if self.stop.is_some() {
            return self.end_stopped(target);
        }
        // Another question is asked from here on, and its tries are counted.
        target.tries = 0;
        self.queues.of(step).push_back(target);
    }

    /// Whether nothing is left to do or to write.
    pub(super) fn is_done(&self) -> bool {
        !self.has_work()
            && self.canaries.is_empty()
            && self.waves.is_empty()
            && self.outcomes.is_empty()
    }

    /// How the run ended.
    pub(super) fn ending(self) -> Ending {
        self.stop.map_or(Ending::Complete, |reason| {
            Ending::Stopped(String::from(&*reason))
        })
    }
}
