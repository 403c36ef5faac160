//! What Microsoft Graph's answers say, one finding for each user that was asked about.
//!
//! Decisions rest on the HTTP status and on `error.code`; texts change without notice ("Microsoft Graph error
//! responses and resource types"). Nothing of a body is kept but identifiers and codes.

use super::{Reach, Step, User, user};
use crate::backoff;
use crate::dates::parse_http_date;
use crate::json::Loose;
use crate::names::Name;
use crate::service::{Answer, SendFailure};
use crate::sign_in::challenge;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;
use std::{fmt, rc::Rc, time::Duration};

/// What one answer, or one part of one, says about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What it comes to.
    pub what: What,
    /// The HTTP status, of the part if there is one.
    pub status: Option<u16>,
    /// Graph's name for the answer.
    pub request_id: Option<Rc<str>>,
    /// When Graph answered, by its own clock.
    pub date: Option<Rc<str>>,
    /// `error.code`.
    pub error_code: Option<String>,
    /// How long it asked to wait.
    pub asked_wait: Option<Duration>,
}

impl Seen {
    fn blank() -> Self {
        Self {
            what: What::Rejected,
            status: None,
            request_id: None,
            date: None,
            error_code: None,
            asked_wait: None,
        }
    }
}

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Another change to the user is under way: 409.
    Conflict,
    /// Not allowed: 403.
    Forbidden,
    /// An error of the service, which may have come after the effect. `passing` if another try may go better.
    Fault {
        /// Another try may go better.
        passing: bool,
    },
    /// The user.
    Found(Box<User>),
    /// The host did not let the request leave.
    Held,
    /// No answer to what may have left.
    Lost(String),
    /// The name is malformed: 400.
    Malformed,
    /// No such user: 404.
    Missing,
    /// The batch was given up before this part ran: 424.
    NotRun,
    /// What the user reaches.
    Reached(Box<Reach>),
    /// Refused for another reason.
    Rejected,
    /// 2xx to a revoke.
    Revoked,
    /// 2xx to a revoke, and its `value` is `false`.
    SaidFalse,
    /// More than one user has the name.
    Several,
    /// No quota: 429.
    Throttled,
    /// No token, or one that does not do: 401; with what is demanded of the next.
    Unauthorized(Option<String>),
    /// There was no connection. `lasting` if another try cannot help.
    Unreachable {
        /// What went wrong.
        why: String,
        /// Another try cannot help.
        lasting: bool,
    },
    /// An answer of success that cannot be one.
    Unreadable(&'static str),
}

/// What a batch came to.
#[derive(Debug)]
pub(crate) enum Batched {
    /// A finding for each name, in their order.
    Parts(Vec<Seen>),
    /// The service, or something in between, does not take batches; nothing ran.
    Unsupported(u16),
}

/// Reads the answer to a request about one user.
pub(crate) fn read_plain(
    step: Step,
    name: &Name,
    result: &Result<Answer, SendFailure>,
    now_unix: u64,
) -> Seen {
    match result {
        Ok(answer) => {
            let heads = Heads::of(answer);
            judge(
                answer.status,
                &heads,
                &Seen::blank(),
                &answer.body,
                now_unix,
                || read(step, name, &answer.body),
            )
        }
        Err(failure) => unanswered(failure),
    }
}

/// Reads the answer to a batch about `names`.
pub(crate) fn read_batch(
    step: Step,
    names: &[&Name],
    result: &Result<Answer, SendFailure>,
    now_unix: u64,
) -> Batched {
    let answer = match result {
        Ok(answer) => answer,
        Err(failure) => return Batched::Parts(vec![unanswered(failure); names.len()]),
    };
    let heads = Heads::of(answer);
    match answer.status {
        200 => {
            let mut outer = Seen {
                status: Some(200),
                ..Seen::blank()
            };
            heads.add_to(&mut outer);
            Batched::Parts(parts(step, names, &answer.body, &outer, now_unix))
        }
        400 | 404 | 405 | 411 | 413 | 414 | 415 | 501 => Batched::Unsupported(answer.status),
        status => {
            // A failure of the whole is a failure of every part. Any other success than 200 says nothing of them.
            let seen = judge(
                status,
                &heads,
                &Seen::blank(),
                &answer.body,
                now_unix,
                || What::Unreadable("the answer is not one to a batch"),
            );
            Batched::Parts(vec![seen; names.len()])
        }
    }
}

fn parts(step: Step, names: &[&Name], body: &[u8], outer: &Seen, now_unix: u64) -> Vec<Seen> {
    let blank = |why| Seen {
        what: What::Unreadable(why),
        ..outer.clone()
    };
    let Ok(answers) = serde_json::from_slice::<Responses<'_>>(body) else {
        return vec![blank("the answer is not one to a batch"); names.len()];
    };
    let mut found: Vec<Option<Seen>> = vec![None; names.len()];
    for part in &answers.responses {
        let index = part
            .id
            .text()
            .and_then(|id| id.parse::<usize>().ok())
            .and_then(|id| id.checked_sub(1));
        // An answer to a question that was not asked says nothing about anybody.
        let Some((slot, name)) = index.and_then(|at| Some((found.get_mut(at)?, names.get(at)?)))
        else {
            continue;
        };
        let body = part.body.map_or("", RawValue::get);
        let body = body.as_bytes();
        let seen = judge(part.status, &part.headers, outer, body, now_unix, || {
            read(step, name, body)
        });
        *slot = Some(match slot.take() {
            Some(before) if before.what != seen.what => {
                blank("there are two answers that contradict each other")
            }
            _ => seen,
        });
    }
    // "Combine multiple HTTP requests using JSON batching" promises an answer for each; a missing one is asked again.
    found
        .into_iter()
        .map(|seen| seen.unwrap_or_else(|| blank("the part about this user is missing")))
        .collect()
}

fn unanswered(failure: &SendFailure) -> Seen {
    let what = match failure {
        SendFailure::Refused => What::Held,
        SendFailure::Unreachable { why, lasting } => What::Unreachable {
            why: why.clone(),
            lasting: *lasting,
        },
        SendFailure::Lost { why } => What::Lost(why.clone()),
    };
    Seen {
        what,
        ..Seen::blank()
    }
}

/// What an answer of success says.
fn read(step: Step, name: &Name, body: &[u8]) -> What {
    match step {
        Step::LookUp | Step::ReadBack => read_user(name, body),
        Step::Revoke => read_revoked(body),
        Step::Reach => Reach::read(name.as_str(), body).map_or(
            What::Unreadable("the answer is not a list of the user's applications"),
            |reach| What::Reached(Box::new(reach)),
        ),
    }
}

/// The table of statuses. `heads` are the headers of the answer or part; `outer` is what the batch around it said.
fn judge(
    status: u16,
    heads: &Heads<'_>,
    outer: &Seen,
    body: &[u8],
    now_unix: u64,
    success: impl FnOnce() -> What,
) -> Seen {
    let mut seen = Seen {
        status: Some(status),
        ..outer.clone()
    };
    heads.add_to(&mut seen);
    seen.asked_wait = heads
        .retry_after
        .text()
        .and_then(|text| backoff::retry_after(text, now_unix));
    if (200..300).contains(&status) {
        seen.what = success();
        return seen;
    }
    let explained = explain(body, &mut seen);
    let claims = heads.www_authenticate.text().and_then(challenge);
    seen.what = match status {
        401 => What::Unauthorized(claims),
        // "Continuous access evaluation": a policy may demand more of the token with this status too.
        403 if claims.is_some() => What::Unauthorized(claims),
        403 => What::Forbidden,
        400 if seen.error_code.as_deref() == Some("Request_BadRequest") => What::Malformed,
        // Without Graph's own words it is the page of something in between, which knows of no users.
        404 if explained => What::Missing,
        409 => What::Conflict,
        424 => What::NotRun,
        429 | 509 => What::Throttled,
        408 | 500 | 502 | 503 | 504 => What::Fault { passing: true },
        500.. => What::Fault { passing: false },
        _ => What::Rejected,
    };
    seen
}

/// Takes identifiers and the code out of Graph's error object; says whether there is one.
fn explain(body: &[u8], seen: &mut Seen) -> bool {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        error: Members<'a>,
    }
    #[derive(Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        code: Loose<'a>,
        #[serde(borrow, default, rename = "innerError", alias = "innererror")]
        inner: Option<Inner<'a>>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow, default, rename = "request-id")]
        request_id: Loose<'a>,
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(body) else {
        return false;
    };
    if let Some(id) = envelope
        .error
        .inner
        .as_ref()
        .and_then(|inner| inner.request_id.text())
        .filter(|id| is_plain(id))
    {
        seen.request_id = Some(id.into());
    }
    seen.error_code = envelope
        .error
        .code
        .text()
        .filter(|code| is_plain(code))
        .map(str::to_owned);
    envelope.error.code.text().is_some()
}

/// Whether a stranger's text may go into evidence: short, and of the letters that identifiers and codes are made of.
fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn read_user(asked: &Name, body: &[u8]) -> What {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        value: Vec<user::Members<'a>>,
        #[serde(borrow, default, rename = "@odata.nextLink")]
        next: Loose<'a>,
    }
    let members = if asked.fits_path() {
        serde_json::from_slice::<user::Members<'_>>(body).ok()
    } else {
        match serde_json::from_slice::<List<'_>>(body) {
            Ok(list) if list.value.len() > 1 => return What::Several,
            // A page that is not the last does not show how many there are.
            Ok(list) if list.next != Loose::Null => {
                return What::Unreadable("the answer shows only some of those who have the name");
            }
            Ok(list) if list.value.is_empty() => return What::Missing,
            Ok(mut list) => list.value.pop(),
            Err(_) => None,
        }
    };
    let Some(members) = members else {
        return What::Unreadable("the answer is not a user");
    };
    members.about(asked).map_or(
        What::Unreadable("the answer is not about the user who was asked for"),
        |user| What::Found(Box::new(user)),
    )
}

/// A9: any 2xx, and if there is a body it does not say otherwise. Documents once promised 204, and the service answers
/// 200 with `true` ("Known issues with Microsoft Graph").
fn read_revoked(body: &[u8]) -> What {
    if body.iter().all(u8::is_ascii_whitespace) {
        return What::Revoked;
    }
    match serde_json::from_slice::<Said>(body) {
        Ok(
            Said {
                value: Some(Loose::Flag(true)),
                ..
            }
            | Said {
                value: None,
                others: false,
            },
        ) => What::Revoked,
        Ok(Said {
            value: Some(Loose::Flag(false)),
            ..
        }) => What::SaidFalse,
        Ok(_) | Err(_) => What::Unreadable("the answer is not one to a revoke"),
    }
}

/// The answer to a revoke: `value`, and whether there was anything but annotations beside it.
struct Said {
    value: Option<Loose<'static>>,
    others: bool,
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Said;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Said, A::Error> {
                let mut said = Said {
                    value: None,
                    others: false,
                };
                while let Some(key) = object.next_key::<Loose<'de>>()? {
                    match key.text() {
                        Some("value") if said.value.is_some() => {
                            return Err(de::Error::duplicate_field("value"));
                        }
                        Some("value") => {
                            said.value = Some(match object.next_value::<Loose<'de>>()? {
                                Loose::Flag(flag) => Loose::Flag(flag),
                                _ => Loose::Other,
                            });
                        }
                        key => {
                            said.others |= !key.is_some_and(|key| key.starts_with('@'));
                            object.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(said)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[derive(Deserialize)]
struct Responses<'a> {
    #[serde(borrow)]
    responses: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    status: u16,
    #[serde(borrow, default)]
    headers: Heads<'a>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// The headers that are looked at. The case of names varies, within a batch too.
#[derive(Default)]
struct Heads<'a> {
    request_id: Loose<'a>,
    retry_after: Loose<'a>,
    www_authenticate: Loose<'a>,
    date: Loose<'a>,
}

impl<'a> Heads<'a> {
    fn of(answer: &'a Answer) -> Self {
        let mut heads = Self::default();
        for (name, value) in &answer.headers {
            if let Some(slot) = heads.slot(name) {
                *slot = Loose::Text(value.as_str().into());
            }
        }
        heads
    }

    fn slot(&mut self, name: &str) -> Option<&mut Loose<'a>> {
        Some(match name {
            _ if name.eq_ignore_ascii_case("request-id") => &mut self.request_id,
            _ if name.eq_ignore_ascii_case("retry-after") => &mut self.retry_after,
            _ if name.eq_ignore_ascii_case("www-authenticate") => &mut self.www_authenticate,
            _ if name.eq_ignore_ascii_case("date") => &mut self.date,
            _ => return None,
        })
    }

    fn add_to(&self, seen: &mut Seen) {
        if let Some(id) = self.request_id.text().filter(|id| is_plain(id)) {
            seen.request_id = Some(id.into());
        }
        if let Some(date) = self
            .date
            .text()
            .filter(|date| parse_http_date(date).is_some())
        {
            seen.date = Some(date.into());
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Heads<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Heads<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_unit<E>(self) -> Result<Heads<'de>, E> {
                Ok(Heads::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Heads<'de>, A::Error> {
                let mut heads = Heads::default();
                while let Some(key) = object.next_key::<Loose<'de>>()? {
                    match key.text().and_then(|name| heads.slot(name)) {
                        Some(slot) => *slot = object.next_value()?,
                        None => drop(object.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(heads)
            }
        }
        deserializer.deserialize_any(Object)
    }
}
