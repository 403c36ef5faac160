//! One run's way to the network: everything that an action sends passes here, and nothing else does.
//!
//! It puts the steps in their order; what each of them decides is elsewhere. A request is judged, waits for its lanes,
//! is judged again where time may have changed something, is noted, gets its secrets and leaves.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::admit::{Admitted, Circumstances, held_subject, in_part};
use crate::answer::{Reading, take_down};
use crate::audit::{CallRecord, End, PartRecord};
use crate::client::Client;
use crate::cookies::Jars;
use crate::declare::{Effect, Held};
use crate::error::SendError;
use crate::grant::Grant;
use crate::lanes::{LaneSet, Passage};
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::release::release;
use crate::roster::{NoChange, Owner, Roster};
use crate::standin::{NoRandom, StandIns};
use crate::swap::{Kept, seal};
use crate::witness::{SecretError, Secrets, Witness};

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything that was granted.
    Enforce,
    /// Everything that was granted but changes.
    Simulate,
    /// Everything that was granted but changes.
    Check,
    /// Nothing.
    Describe,
}

/// What a session is made of.
pub struct SessionParts {
    /// What may be asked for.
    pub grant: Arc<Grant>,
    /// How much of it.
    pub mode: Mode,
    /// Who may be touched.
    pub roster: Arc<Roster>,
    /// How to reach the services.
    pub client: Arc<Client>,
    /// What the calls draw on: `lanes.open(account, grant.lanes(), &limits, urgency)`, and nothing else.
    pub lanes: LaneSet,
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// Who keeps notes.
    pub witness: Arc<dyn Witness>,
    /// How much.
    pub limits: Limits,
}

/// One run's way to the network. Shared by its requests; [`Session::close`] ends it for all.
pub struct Session {
    parts: SessionParts,
    stand_ins: StandIns,
    jars: Jars,
    in_flight: Semaphore,
    closed: tokio::sync::watch::Sender<bool>,
    requests: AtomicU64,
    waiting: AtomicUsize,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
}

impl Session {
    /// Opens a session.
    #[must_use]
    pub fn new(parts: SessionParts) -> Self {
        let in_flight = Semaphore::new(parts.limits.in_flight.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            parts,
            stand_ins: StandIns::default(),
            jars: Jars::default(),
            in_flight,
            closed: tokio::sync::watch::Sender::new(false),
            requests: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            bytes_out: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
        }
    }

    /// The stand-in of a secret field: 32 random letters and digits, the same each time. `None` if the connection has no
    /// such secret, no call carries it or a code made from it, or the session is closed.
    pub fn stand_in(&self, field: &str) -> Option<String> {
        // Of what leaves only as a code the stand-in has no place to leave from; it says that the secret is there.
        let uses = |held: &Held| matches!(held, Held::Secret(name) | Held::OneTimeCode(name) if name == field);
        let rules = self.parts.grant.rules().iter();
        let carried = rules
            .flat_map(|rule| &rule.carries)
            .any(|carried| uses(&carried.what));
        let known = carried && !self.is_closed() && self.parts.secrets.has(field);
        if known {
            self.stand_ins.of_field(field).ok()
        } else {
            None
        }
    }

    /// A stand-in for a signed assertion, for one request of the call `call`.
    ///
    /// # Errors
    ///
    /// Why there is none: the call carries none, or nothing behind this connection makes one.
    pub fn assertion(&self, call: &str) -> Result<String, SecretError> {
        self.once(Held::Assertion, call)
    }

    /// A stand-in for a one-time code of a secret field, for one request of the call `call`.
    ///
    /// # Errors
    ///
    /// Why there is none: the call carries none, or nothing behind this connection makes one.
    pub fn one_time_code(&self, field: &str, call: &str) -> Result<String, SecretError> {
        self.once(Held::OneTimeCode(field.to_owned()), call)
    }

    /// Sends a request and gives the answer that the guest may see. Dropping the future gives the request up; it is
    /// recorded all the same.
    ///
    /// # Errors
    ///
    /// Why there is no answer, see [`SendError`].
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        let mut trace = Trace::new(self, &request);
        let mut closed = self.closed.subscribe();
        let result = tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(trace.closed()),
            result = self.pass(request, &mut trace) => result,
        };
        trace.end(match &result {
            Ok(_) => End::Answered,
            Err(SendError::Refused(refusal)) => End::Refused {
                rule: refusal.rule(),
                why: refusal.to_string(),
                hint: refusal.hint(),
            },
            Err(SendError::AnswerWithheld { reason, .. }) => End::Withheld {
                why: reason.to_string(),
            },
            Err(SendError::Closed { may_have_left }) => End::GivenUp {
                may_have_left: *may_have_left,
            },
            Err(error) => End::Failed {
                why: error.to_string(),
                hint: error.hint(),
                may_have_left: error.may_have_left(),
            },
        });
        result
    }

    /// Ends the session: what is under way is given up, what is sealed is forgotten, and nothing leaves from now on.
    pub fn close(&self) {
        self.closed.send_replace(true);
        self.stand_ins.clear();
        self.jars.clear();
    }

    /// The action asks to stop a lane for `wait`, at most ten minutes. False if there is no such lane.
    pub fn hold(&self, lane: &str, wait: Duration) -> bool {
        !self.is_closed() && self.parts.lanes.hold(lane, wait)
    }

    async fn pass(
        &self,
        request: Request<Bytes>,
        trace: &mut Trace<'_>,
    ) -> Result<Response<Bytes>, SendError> {
        let SessionParts {
            grant,
            mode,
            roster,
            client,
            lanes,
            secrets,
            witness,
            limits,
        } = &self.parts;
        if self.requests.fetch_add(1, Ordering::Relaxed) >= limits.requests {
            return Err(Refusal::Limit {
                limit: "requests",
                most: limits.requests,
            }
            .into());
        }
        let _waiting = self.wait_in_line()?;
        let by = Circumstances {
            mode: *mode,
            roster,
            stand_ins: &self.stand_ins,
            limits,
        };
        let admitted = grant.admit(request, by)?;
        let rule = grant.rule(admitted.rule);
        trace.admitted(grant, &admitted);

        let asked = Instant::now();
        let tell = |waiting| witness.waiting(waiting);
        let (mut passage, _turn) = tokio::select! {
            ready = self.ready(lanes, admitted.costs(grant), &tell) => ready?,
            // What would begin something new need not wait for its turn to hear that it may not.
            refusal = self.drained(&admitted, &rule.id) => return Err(refusal.into()),
        };
        trace.record.waited = asked.elapsed();

        self.still_held(&admitted)?;
        let sealed = seal(
            &admitted,
            rule.method.clone(),
            &rule.id,
            &self.stand_ins,
            &**secrets,
        )
        .await?;
        let origin = grant.origin(rule);
        let path = admitted.uri.path();
        let sealed = sealed.with_cookies(rule.cookie_jar.as_ref().and_then(|jar| {
            let now = std::time::SystemTime::now();
            self.jars.header(jar, origin, path, now)
        }));
        let size = sealed.outgoing().body.len() as u64;
        let before = self.bytes_out.fetch_add(size, Ordering::Relaxed);
        if before.saturating_add(size) > limits.bytes_out {
            return Err(Refusal::Limit {
                limit: "bytes sent",
                most: limits.bytes_out,
            }
            .into());
        }
        trace.record.bytes_out = size;
        let room = limits
            .bytes_in
            .saturating_sub(self.bytes_in.load(Ordering::Relaxed));
        if room == 0 {
            return Err(Refusal::Limit {
                limit: "bytes received",
                most: limits.bytes_in,
            }
            .into());
        }
        let changed = admitted.changed();
        if !changed.is_empty() {
            roster
                .begin_changes(&changed)
                .map_err(|(_, why)| no_change(&rule.id, why))?;
            trace.begun = changed;
            let noted = witness.about_to_change(&trace.begun).await;
            noted.map_err(|error| Refusal::NotNoted { why: error.0 })?;
        }

        let left = Instant::now();
        trace.left_at = Some(left);
        let most = limits
            .answer_body
            .min(usize::try_from(room).unwrap_or(usize::MAX));
        passage.leaves();
        let exchange = match client.send(origin, &sealed, most, &trace.left).await {
            Ok(exchange) => exchange,
            Err(error) => {
                if !error.may_have_left() {
                    passage.stayed();
                }
                return Err(error);
            }
        };
        trace.record.took = left.elapsed();
        trace.left_at = None;
        self.bytes_in
            .fetch_add(exchange.body.len() as u64, Ordering::Relaxed);

        let reading = Reading::of(&exchange.body);
        let head = &exchange.head;
        let now = std::time::SystemTime::now();
        let findings = take_down(
            grant,
            &admitted,
            head.status,
            &head.headers,
            reading.document(),
            roster,
            now,
        );
        passage.answered(findings.good, &findings.lanes, trace.record.took);
        if let Some(jar) = &rule.cookie_jar {
            self.jars.keep(jar, origin, path, &head.headers, now);
        }
        trace.answered(&exchange, &findings.parts, sealed.kept());
        let released = release(
            grant,
            &admitted,
            &exchange,
            &reading,
            sealed.kept(),
            &self.stand_ins,
            &self.jars,
        );
        released.map_err(|reason| SendError::AnswerWithheld {
            status: head.status.as_u16(),
            reason,
        })
    }

    /// Takes what a request costs and a place among those under way. Lanes that were held while it waited for the place
    /// are waited for again, without the place.
    async fn ready(
        &self,
        lanes: &LaneSet,
        costs: Vec<(usize, u32)>,
        tell: &(dyn Fn(crate::witness::Waiting) + Sync),
    ) -> Result<(Passage, SemaphorePermit<'_>), SendError> {
        let mut passage = lanes.charge(costs, tell).await;
        loop {
            if let Ok(place) = self.in_flight.try_acquire() {
                return Ok((passage, place));
            }
            let place = self.in_flight.acquire().await;
            let place = place.map_err(|_| SendError::Closed {
                may_have_left: false,
            })?;
            if !passage.is_stale() {
                return Ok((passage, place));
            }
            drop(place);
            passage.renew(tell).await;
        }
    }

    /// Returns when the run is to stop, if the request would begin a change then.
    async fn drained(&self, admitted: &Admitted, call: &str) -> Refusal {
        self.parts.roster.draining().await;
        for owner in admitted.changed() {
            if let Err(why) = self.parts.roster.may_change(owner) {
                return no_change(call, why);
            }
        }
        std::future::pending().await
    }

    /// While a request waited, its subject may have been reported, or the run may have begun to stop.
    fn still_held(&self, admitted: &Admitted) -> Result<(), Refusal> {
        let alone = admitted
            .subject
            .iter()
            .map(|subject| (admitted.rule, subject, None));
        let parts = admitted.parts.iter();
        let parts = parts
            .filter_map(|part| Some((part.rule, part.subject.as_ref()?, Some(part.id.as_str()))));
        for (rule, subject, part) in alone.chain(parts) {
            let rule = self.parts.grant.rule(rule);
            let again = held_subject(rule, Ok(subject.name.clone()), &self.parts.roster, part)?;
            // Two had the name, and the one whose it was is gone.
            if again.owner != subject.owner {
                return Err(Refusal::NotHeld {
                    call: rule.id.clone(),
                    part: in_part(part),
                });
            }
        }
        Ok(())
    }

    fn once(&self, held: Held, call: &str) -> Result<String, SecretError> {
        let what = crate::standin::describe(&held);
        let source = |reason: String| SecretError::Source {
            field: what.clone(),
            reason,
        };
        if self.is_closed() {
            return Err(source("the session is closed".to_owned()));
        }
        let rule = self.parts.grant.rules().iter().find(|rule| rule.id == call);
        if !rule.is_some_and(|rule| rule.carries.iter().any(|carried| carried.what == held)) {
            return Err(SecretError::Missing { field: what });
        }
        self.parts.secrets.supports(&held)?;
        let made = self
            .stand_ins
            .once(held, call)
            .map_err(|NoRandom| source(NoRandom.to_string()))?;
        made.ok_or_else(|| source("too many of them were asked for and not used".to_owned()))
    }

    fn wait_in_line(&self) -> Result<Waiting<'_>, Refusal> {
        let most = self.parts.limits.waiting;
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(Refusal::Limit {
                limit: "requests that wait",
                most: most as u64,
            });
        }
        Ok(waiting)
    }

    fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("mode", &self.parts.mode)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// Counts a request among those that wait or are on their way, until it is over.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn no_change(call: &str, why: NoChange) -> Refusal {
    let (call, part) = (call.to_owned(), String::new());
    match why {
        NoChange::NotHeld => Refusal::NotHeld { call, part },
        NoChange::Draining => Refusal::Draining { call, part },
    }
}

/// The record of one request, which is handed in however the request ends.
struct Trace<'a> {
    session: &'a Session,
    record: CallRecord,
    /// The first byte may have left.
    left: AtomicBool,
    left_at: Option<Instant>,
    /// Owners whose change was counted.
    begun: Vec<Owner>,
    ended: bool,
}

impl<'a> Trace<'a> {
    fn new(session: &'a Session, request: &Request<Bytes>) -> Self {
        let uri = request.uri();
        let clean = |text: &str| {
            if session.stand_ins.sighted(text.as_bytes()).is_some() {
                "…".to_owned()
            } else {
                line(text)
            }
        };
        let record = CallRecord {
            at: Timestamp::now(),
            method: clean(request.method().as_str()),
            // What stands before an `@` could be anything.
            host: clean(uri.authority().map_or("", |authority| {
                authority.as_str().rsplit('@').next().unwrap_or_default()
            })),
            path: clean(uri.path()),
            call: None,
            template: None,
            effect: None,
            owner: None,
            parts: Vec::new(),
            end: End::GivenUp {
                may_have_left: false,
            },
            status: None,
            bytes_out: request.body().len() as u64,
            bytes_in: 0,
            waited: Duration::ZERO,
            took: Duration::ZERO,
            remote: None,
            request_id: None,
        };
        Self {
            session,
            record,
            left: AtomicBool::new(false),
            left_at: None,
            begun: Vec::new(),
            ended: false,
        }
    }

    fn admitted(&mut self, grant: &Grant, admitted: &Admitted) {
        let rule = grant.rule(admitted.rule);
        self.record.call = Some(rule.id.clone());
        self.record.template = Some(rule.template.clone());
        self.record.effect = Some(admitted.effect);
        self.record.owner = admitted.subject.as_ref().map(|subject| subject.owner);
        self.record.parts = admitted
            .parts
            .iter()
            .map(|part| PartRecord {
                id: part.id.clone(),
                call: grant.rule(part.rule).id.clone(),
                owner: part.subject.as_ref().map(|subject| subject.owner),
                status: None,
            })
            .collect();
    }

    fn answered(
        &mut self,
        exchange: &crate::client::Exchange,
        parts: &[Option<u16>],
        kept: &[Kept],
    ) {
        self.record.status = Some(exchange.head.status.as_u16());
        self.record.bytes_in = exchange.body.len() as u64;
        self.record.remote = Some(exchange.remote);
        let id = ["request-id", "x-ms-request-id", "x-request-id"]
            .iter()
            .find_map(|name| exchange.head.headers.get(*name));
        self.record.request_id = id
            .and_then(|id| id.to_str().ok())
            .filter(|id| is_request_id(id) && !kept.iter().any(|kept| shares(kept.expose(), id)))
            .map(str::to_owned);
        for (record, status) in self.record.parts.iter_mut().zip(parts) {
            record.status = *status;
        }
    }

    fn closed(&self) -> SendError {
        match self.left.load(Ordering::Acquire) {
            true => SendError::Closed {
                may_have_left: true,
            },
            false => Refusal::Closed.into(),
        }
    }

    fn end(&mut self, end: End) {
        self.ended = true;
        self.record.end = end;
        if let Some(left) = self.left_at {
            self.record.took = left.elapsed();
        }
        // What certainly did not leave is no change that was sent.
        if !self.left.load(Ordering::Acquire) {
            self.session.parts.roster.take_back(&self.begun);
        }
        self.session.parts.witness.called(&self.record);
    }
}

impl Drop for Trace<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let may_have_left = self.left.load(Ordering::Acquire);
            self.end(End::GivenUp { may_have_left });
        }
    }
}

/// What a guest wrote, fit for a line of text.
fn line(text: &str) -> String {
    text.chars()
        .take(512)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// A service's name for a request: letters, digits and what joins them, so that it cannot carry much else.
fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

/// Whether one of the two is part of the other: a service can give a secret back under any name.
fn shares(one: &str, two: &str) -> bool {
    one.contains(two) || two.contains(one)
}

/// Effects are ordered so that the strongest of several is the largest.
const _: () = assert!(
    (Effect::Reads as u8) < Effect::SignsIn as u8
        && (Effect::SignsIn as u8) < Effect::Changes as u8
);
