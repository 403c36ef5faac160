//! Faults that whoever tests asks for: which requests they hit, and what they do to them.
//!
//! This decides; [`crate::server`] and [`crate::graph`] carry it out. A rule counts the requests that it fits, so that a
//! fault hits the same request each time a test runs.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

/// The most rules at once.
const MOST_RULES: usize = 10_000;

/// What rules can say, for `--help` and for `GET /` of the admin side.
pub(crate) const RULES: &str = "\
A fault rule: {\"fault\":{\"kind\":\"status\",\"status\":429,\"retry_after\":2},\"route\":\"revoke\",\"nth\":2,\"count\":1}

Conditions, all of which have to hold:
route    token, login, revoke, user, users, batch, other
user     object id or principal name
place    single, part (of a batch)
nth      from the nth request that fits; every: each so manyeth; count: at most so many times

Kinds, with their fields; those that take `applied` can have their effect all the same:
status           status, retry_after (number or text), code, message, applied
aadsts           code: an error of the token endpoint
reset            applied: the connection breaks before the answer; cut-body: in its middle
slow, stall      ms: the answer later; half of its body later
overloaded       503 to this request and to all that follow on its connection
truncated-json, no-content, empty-body, huge (bytes), html (status), redirect (location)
value-false, no-effect   the answer of a service that did nothing
missing (applied), duplicate (status), stranger, wrong-user, shuffle   in batches
";

/// What kind of request a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Any sign-in request for a token.
    Token,
    /// The sign-in pages, discovery, keys.
    Login,
    /// `revokeSignInSessions`, alone or as a part.
    Revoke,
    /// One user, alone or as a part.
    User,
    /// Lists of users, counts, delta.
    Users,
    /// A batch as a whole.
    Batch,
    /// Everything else of Graph.
    Other,
}

/// Whether a rule is about requests of their own or about parts of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A request of its own.
    Single,
    /// A part of a batch.
    Part,
}

/// `Retry-After` of an injected answer: its text, as it is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// Whole seconds.
    Seconds(u64),
    /// Any text: `2.128`, a date, nonsense. `+N` becomes the HTTP date N seconds from now.
    Text(String),
}

impl RetryAfter {
    /// What the header says.
    pub(crate) fn text(&self, now: Moment) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Text(text) => match text.strip_prefix('+').map(str::parse::<i64>) {
                Some(Ok(seconds)) => now.plus_ms(seconds.saturating_mul(1000)).http_date(),
                Some(Err(_)) | None => text.clone(),
            },
        }
    }
}

/// What happens to a request that a rule hits. `applied` says whether the request takes effect all the same: an answer
/// that is lost after the work was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// An error answer with the status's usual body.
    Status {
        /// The status, 300 to 599.
        status: u16,
        /// `Retry-After`, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<RetryAfter>,
        /// `error.code` in place of the usual one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// `error.message` in place of the usual one; an empty one is what some 500s have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Whether the request takes effect all the same.
        #[serde(default)]
        applied: bool,
    },
    /// An error of the token endpoint, by its AADSTS number.
    Aadsts {
        /// The number: 7000222.
        code: u32,
    },
    /// The connection breaks (TCP reset) before an answer.
    Reset {
        /// Whether the request takes effect all the same.
        #[serde(default)]
        applied: bool,
    },
    /// The connection breaks in the middle of the answer's body; the request takes effect.
    CutBody,
    /// The answer comes later by so many milliseconds.
    Slow {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// Head and half of the body come at once, the rest later by so many milliseconds.
    Stall {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// The JSON ends in the middle, in an otherwise complete answer; the request takes effect.
    TruncatedJson,
    /// 204 without a body; the request takes effect.
    NoContent,
    /// 200 without a body; the request takes effect.
    EmptyBody,
    /// `"value":false`; the request has no effect.
    ValueFalse,
    /// The answer of success; the request has no effect.
    NoEffect,
    /// A page of HTML, as proxies give it; the request has no effect.
    Html {
        /// The status, 200 by default.
        #[serde(default = "ok")]
        status: u16,
    },
    /// A redirect; the request has no effect.
    Redirect {
        /// The target.
        location: String,
    },
    /// In a batch: the part is not answered.
    Missing {
        /// Whether the part takes effect all the same.
        #[serde(default)]
        applied: bool,
    },
    /// In a batch: the part is answered twice, the second time with this status.
    Duplicate {
        /// The second answer's status, 200 by default.
        #[serde(default = "ok")]
        status: u16,
    },
    /// In a batch: a part that nobody asked for is answered too, with success.
    Stranger,
    /// In a batch: this part's answer and the next one's change places. For a look-up of a user of its own: another
    /// user's answer.
    WrongUser,
    /// In a batch: the parts are answered in reverse order.
    Shuffle,
    /// 503 without `Retry-After`, to this request and to whatever comes on its connection from now on: a node that is
    /// overloaded, from which a client gets away with a new connection ("Microsoft Graph error responses", 503).
    Overloaded,
    /// The answer has so many bytes of blanks before its JSON.
    Huge {
        /// Bytes, at most 64 MiB.
        bytes: u32,
    },
}

const fn ok() -> u16 {
    200
}

impl Fault {
    /// The fault's name in JSON.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Aadsts { .. } => "aadsts",
            Self::Reset { .. } => "reset",
            Self::CutBody => "cut-body",
            Self::Slow { .. } => "slow",
            Self::Stall { .. } => "stall",
            Self::TruncatedJson => "truncated-json",
            Self::NoContent => "no-content",
            Self::EmptyBody => "empty-body",
            Self::ValueFalse => "value-false",
            Self::NoEffect => "no-effect",
            Self::Html { .. } => "html",
            Self::Redirect { .. } => "redirect",
            Self::Missing { .. } => "missing",
            Self::Duplicate { .. } => "duplicate",
            Self::Stranger => "stranger",
            Self::WrongUser => "wrong-user",
            Self::Shuffle => "shuffle",
            Self::Overloaded => "overloaded",
            Self::Huge { .. } => "huge",
        }
    }

    /// Whether the request takes effect although the fault hits it.
    pub(crate) fn lets_effect_happen(&self) -> bool {
        match self {
            Self::Status { applied, .. } | Self::Reset { applied } | Self::Missing { applied } => {
                *applied
            }
            Self::Aadsts { .. }
            | Self::ValueFalse
            | Self::NoEffect
            | Self::Html { .. }
            | Self::Overloaded
            | Self::Redirect { .. } => false,
            Self::CutBody
            | Self::Slow { .. }
            | Self::Stall { .. }
            | Self::TruncatedJson
            | Self::NoContent
            | Self::EmptyBody
            | Self::Duplicate { .. }
            | Self::Stranger
            | Self::WrongUser
            | Self::Shuffle
            | Self::Huge { .. } => true,
        }
    }

    /// A shorthand for an error status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            retry_after: None,
            code: None,
            message: None,
            applied: false,
        }
    }

    /// A shorthand for 429 with `Retry-After` in seconds.
    #[must_use]
    pub fn too_many(retry_after_s: u64) -> Self {
        Self::Status {
            status: 429,
            retry_after: Some(RetryAfter::Seconds(retry_after_s)),
            code: None,
            message: None,
            applied: false,
        }
    }
}

/// A rule: which requests are hit, and by what. Every condition that is set has to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FaultRule {
    /// What it does.
    pub fault: Fault,
    /// The kind of request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The person that it is about, by object id or principal name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Alone, or a part of a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Only from the nth request that fits, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only every so manyeth request that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// At most so many times; for ever where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl FaultRule {
    /// A rule that hits every request, until conditions are set.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            route: None,
            user: None,
            place: None,
            nth: None,
            every: None,
            count: None,
        }
    }

    /// Only requests of this kind.
    #[must_use]
    pub fn on(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// Only requests about this person (object id or principal name).
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Only parts of batches, or only requests of their own.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Only from the nth request that fits, from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Only every so manyeth request that fits.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.every = Some(every);
        self
    }

    /// At most so many times.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

/// A request, as rules see it.
pub(crate) struct Hit<'a> {
    pub(crate) route: Route,
    pub(crate) place: Place,
    /// Whether the request is about the person of this name.
    pub(crate) is_about: &'a dyn Fn(&str) -> bool,
}

/// A rule, and what it has seen.
#[derive(Debug)]
struct Standing {
    number: u64,
    rule: FaultRule,
    fitted: u64,
    fired: u64,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Standing>>,
    /// The number of rules, so that requests without any pay nothing.
    in_force: AtomicUsize,
    numbers: AtomicU64,
}

impl Faults {
    /// Adds a rule, and gives its number. Earlier rules go first; the first that fires is the one. Beyond 10,000 rules
    /// the oldest one goes.
    pub fn add(&self, rule: FaultRule) -> u64 {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let mut rules = self.lock();
        if rules.len() >= MOST_RULES {
            rules.remove(0);
        }
        rules.push(Standing {
            number,
            rule,
            fitted: 0,
            fired: 0,
        });
        self.in_force.store(rules.len(), Ordering::Release);
        number
    }

    /// Removes all rules.
    pub fn clear(&self) {
        let mut rules = self.lock();
        rules.clear();
        self.in_force.store(0, Ordering::Release);
    }

    /// Removes one rule. False if there is none of this number.
    pub fn remove(&self, number: u64) -> bool {
        let mut rules = self.lock();
        let before = rules.len();
        rules.retain(|standing| standing.number != number);
        self.in_force.store(rules.len(), Ordering::Release);
        rules.len() < before
    }

    /// The rules in force: number, rule, and how often it fired.
    #[must_use]
    pub fn list(&self) -> Vec<(u64, FaultRule, u64)> {
        self.lock()
            .iter()
            .map(|standing| (standing.number, standing.rule.clone(), standing.fired))
            .collect()
    }

    /// The fault that hits this request, if any. Counts.
    pub(crate) fn take(&self, hit: &Hit<'_>) -> Option<Fault> {
        if self.in_force.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.lock()
            .iter_mut()
            .find_map(|standing| standing.take(hit))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Standing>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn take(&mut self, hit: &Hit<'_>) -> Option<Fault> {
        let rule = &self.rule;
        let fits = rule.route.is_none_or(|route| route == hit.route)
            && rule.place.is_none_or(|place| place == hit.place)
            && rule.user.as_deref().is_none_or(|user| (hit.is_about)(user));
        if !fits {
            return None;
        }
        self.fitted += 1;
        let since = self.fitted.checked_sub(rule.nth.unwrap_or(1).max(1))?;
        if !since.is_multiple_of(rule.every.unwrap_or(1).max(1))
            || rule.count.is_some_and(|count| self.fired >= count)
        {
            return None;
        }
        self.fired += 1;
        Some(rule.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(rule: FaultRule, times: usize) -> Vec<bool> {
        let faults = Faults::default();
        faults.add(rule);
        let hit = Hit {
            route: Route::Revoke,
            place: Place::Part,
            is_about: &|user| user == "ada",
        };
        (0..times).map(|_| faults.take(&hit).is_some()).collect()
    }

    #[test]
    fn rules_count_the_requests_that_fit() {
        let rule = || FaultRule::new(Fault::Stranger);
        assert_eq!(
            fires(rule().nth(2).times(1), 4),
            [false, true, false, false]
        );
        assert_eq!(fires(rule().every(2), 4), [true, false, true, false]);
        assert_eq!(
            fires(rule().nth(2).every(2).times(2), 8),
            [false, true, false, true, false, false, false, false]
        );
        assert_eq!(
            fires(rule().user("ada").on(Route::Revoke).place(Place::Part), 1),
            [true]
        );
        assert_eq!(fires(rule().user("bob"), 1), [false]);
        assert_eq!(fires(rule().on(Route::User), 1), [false]);
        assert_eq!(fires(rule().place(Place::Single), 1), [false]);
    }

    /// One of each kind.
    fn every_kind() -> Vec<Fault> {
        let kinds = vec![
            Fault::status(500),
            Fault::Aadsts { code: 7_000_222 },
            Fault::Reset { applied: true },
            Fault::CutBody,
            Fault::Slow { ms: 1 },
            Fault::Stall { ms: 1 },
            Fault::TruncatedJson,
            Fault::NoContent,
            Fault::EmptyBody,
            Fault::ValueFalse,
            Fault::NoEffect,
            Fault::Html { status: 200 },
            Fault::Redirect {
                location: "/".into(),
            },
            Fault::Missing { applied: true },
            Fault::Duplicate { status: 200 },
            Fault::Stranger,
            Fault::WrongUser,
            Fault::Shuffle,
            Fault::Huge { bytes: 1 },
            Fault::Overloaded,
        ];
        // Fails to compile when a kind is added, so that it is added above too.
        for kind in &kinds {
            match kind {
                Fault::Status { .. } | Fault::Aadsts { .. } | Fault::Reset { .. } => {}
                Fault::CutBody | Fault::Slow { .. } | Fault::Stall { .. } => {}
                Fault::TruncatedJson | Fault::NoContent | Fault::EmptyBody => {}
                Fault::ValueFalse | Fault::NoEffect | Fault::Html { .. } => {}
                Fault::Redirect { .. } | Fault::Missing { .. } | Fault::Duplicate { .. } => {}
                Fault::Stranger | Fault::WrongUser | Fault::Shuffle | Fault::Huge { .. } => {}
                Fault::Overloaded => {}
            }
        }
        kinds
    }

    #[test]
    fn every_kind_is_described_and_comes_back_from_json() {
        let page = include_str!("../../docs/emulator.md");
        for fault in every_kind() {
            let kind = fault.kind();
            let is_word = |text: &str| {
                text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'))
                    .any(|word| word == kind)
            };
            assert!(is_word(RULES), "`{kind}` is not in the help");
            assert!(
                page.contains(&format!("`{kind}`")),
                "`{kind}` is not in docs/emulator.md"
            );
            let rule = FaultRule::new(fault);
            let text = serde_json::to_string(&rule).unwrap_or_default();
            assert!(text.contains(&format!("\"kind\":\"{kind}\"")), "{text}");
            assert_eq!(serde_json::from_str(&text).ok(), Some(rule));
        }
    }

    #[test]
    fn rules_are_read_from_json() {
        let text = r#"{"fault":{"kind":"status","status":429,"retry_after":"2.128"},"route":"revoke","nth":2}"#;
        let rule: Option<FaultRule> = serde_json::from_str(text).ok();
        let expected = FaultRule::new(Fault::Status {
            status: 429,
            retry_after: Some(RetryAfter::Text("2.128".into())),
            code: None,
            message: None,
            applied: false,
        });
        assert_eq!(rule, Some(expected.on(Route::Revoke).nth(2)));
        assert!(
            serde_json::from_str::<FaultRule>(r#"{"fault":{"kind":"reset"},"rout":"revoke"}"#)
                .is_err()
        );
        let fault: Option<Fault> = serde_json::from_str(r#"{"kind":"html"}"#).ok();
        assert_eq!(fault, Some(Fault::Html { status: 200 }));
    }

    #[test]
    fn a_removed_rule_is_gone() {
        let faults = Faults::default();
        let number = faults.add(FaultRule::new(Fault::CutBody));
        assert!(faults.remove(number) && !faults.remove(number));
        assert!(faults.list().is_empty());
    }
}
