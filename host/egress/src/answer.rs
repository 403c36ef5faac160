//! Reads an answer for what the host has to know: how it ended, whom it was about, what it taught, who asked to wait.
//!
//! What the guest gets to see of it is decided in [`crate::release`].

use std::borrow::Cow;
use std::time::SystemTime;

use http::StatusCode;
use http::header::{HeaderMap, RETRY_AFTER};

use crate::admit::{Admitted, Subject};
use crate::declare::{Effect, Learnt};
use crate::grant::{Grant, NamingRule, Rule};
use crate::json::{Document, JsonFault, Kind, Value};
use crate::pace::News;
use crate::roster::{Roster, fold};
use crate::wait::retry_after;

/// A body, as far as it can be read.
pub(crate) enum Reading<'a> {
    Json(Document<'a>),
    /// Nothing that anybody would read as JSON.
    Text,
    /// JSON that others may read in another way.
    Ambiguous(JsonFault),
}

impl<'a> Reading<'a> {
    pub(crate) fn of(body: &'a [u8]) -> Self {
        match Document::parse(body) {
            Ok(document) => Self::Json(document),
            Err(fault) if fault.is_ambiguous() => Self::Ambiguous(fault),
            Err(_) => Self::Text,
        }
    }

    pub(crate) fn document(&self) -> Option<&Document<'a>> {
        match self {
            Self::Json(document) => Some(document),
            Self::Text | Self::Ambiguous(_) => None,
        }
    }
}

/// One part of the answer to an envelope.
#[derive(Clone, Copy)]
pub(crate) struct PartAnswer<'d, 'a> {
    pub(crate) id: Value<'d, 'a>,
    /// The place of the part that it answers. `None` if nobody asked.
    pub(crate) part: Option<usize>,
    pub(crate) status: Option<Value<'d, 'a>>,
    pub(crate) headers: Option<Value<'d, 'a>>,
    pub(crate) body: Option<Value<'d, 'a>>,
}

impl PartAnswer<'_, '_> {
    pub(crate) fn code(&self) -> Option<u16> {
        let status = self.status.filter(|status| status.kind() == Kind::Number)?;
        status
            .raw()
            .parse()
            .ok()
            .filter(|code| (100..600).contains(code))
    }
}

/// The parts of an answer to an envelope. `None` if it is none, as when the envelope itself was refused. An id that is
/// there twice is left out altogether: nobody can say which of the two is the answer.
pub(crate) fn parts<'d, 'a>(
    admitted: &Admitted,
    document: &'d Document<'a>,
) -> Option<Vec<PartAnswer<'d, 'a>>> {
    if admitted.parts.is_empty() {
        return None;
    }
    let responses = document
        .root()
        .get("responses")
        .filter(|list| list.kind() == Kind::Array)?;
    let mut found: Vec<(String, PartAnswer<'d, 'a>)> = Vec::with_capacity(admitted.parts.len());
    for response in responses.items() {
        let mut answer = (None, None, None, None);
        for (name, value) in response.members() {
            match name.string().as_deref() {
                Some("id") => answer.0 = Some(value),
                Some("status") => answer.1 = Some(value),
                Some("headers") => answer.2 = Some(value),
                Some("body") => answer.3 = Some(value),
                _ => {}
            }
        }
        let (Some(id), status, headers, body) = answer else {
            continue;
        };
        let Some(text) = id.string() else { continue };
        let text = text.to_ascii_lowercase();
        let part = admitted
            .parts
            .iter()
            .position(|part| part.id.eq_ignore_ascii_case(&text));
        found.push((
            text,
            PartAnswer {
                id,
                part,
                status,
                headers,
                body,
            },
        ));
    }
    let mut ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    ids.sort_unstable();
    let twice: Vec<String> = ids
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0].to_owned())
        .collect();
    Some(
        found
            .into_iter()
            .filter(|(id, _)| !twice.contains(id))
            .map(|(_, answer)| answer)
            .collect(),
    )
}

/// What an answer says to the host.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The statuses of the parts, by their places in the request.
    pub(crate) parts: Vec<Option<u16>>,
    /// Places of lanes, and what is new of them.
    pub(crate) lanes: Vec<(usize, News)>,
    /// Neither it nor one of its parts asked to wait or was too much for the service.
    pub(crate) good: bool,
}

/// Takes down what an answer says: in the roster who was answered what, and what it taught.
pub(crate) fn take_down(
    grant: &Grant,
    admitted: &Admitted,
    status: StatusCode,
    headers: &HeaderMap,
    document: Option<&Document<'_>>,
    roster: &Roster,
    now: SystemTime,
) -> Findings {
    let mut findings = Findings {
        parts: vec![None; admitted.parts.len()],
        lanes: Vec::new(),
        good: !is_busy(status.as_u16()),
    };
    let costs = admitted.costs(grant);
    let head = |name: &str| Some(Cow::Borrowed(headers.get(name)?.to_str().ok()?));
    findings.listen(grant, &costs, status.as_u16(), &head, now);
    if admitted.parts.is_empty() {
        if let Some(subject) = &admitted.subject {
            let rule = grant.rule(admitted.rule);
            roster.answered(
                subject.owner,
                status.as_u16(),
                admitted.effect == Effect::Changes,
            );
            if status == StatusCode::OK {
                learn(rule, subject, document.map(Document::root), roster);
            }
        }
        return findings;
    }
    // Some services say 200 of the whole, whatever became of the parts; a part counts by its own status only.
    let Some(answers) = document
        .and_then(|document| parts(admitted, document))
        .filter(|_| status.is_success())
    else {
        return findings;
    };
    for answer in answers {
        let (Some(at), Some(code)) = (answer.part, answer.code()) else {
            continue;
        };
        let part = &admitted.parts[at];
        let rule = grant.rule(part.rule);
        findings.parts[at] = Some(code);
        findings.good &= !is_busy(code);
        let head = |name: &str| header(answer.headers?, name);
        findings.listen(grant, &rule.costs, code, &head, now);
        if let Some(subject) = &part.subject {
            roster.answered(subject.owner, code, part.effect == Effect::Changes);
            if code == 200 {
                learn(rule, subject, answer.body, roster);
            }
        }
    }
    findings
}

impl Findings {
    /// Takes down what an answer, or a part of one, says of the lanes of `costs`.
    fn listen<'a>(
        &mut self,
        grant: &Grant,
        costs: &[(usize, u32)],
        status: u16,
        header: &dyn Fn(&str) -> Option<Cow<'a, str>>,
        now: SystemTime,
    ) {
        let refused = status == StatusCode::TOO_MANY_REQUESTS.as_u16();
        let wait = if is_busy(status) {
            header(RETRY_AFTER.as_str()).and_then(|value| retry_after(&value, now))
        } else {
            None
        };
        for (lane, _) in costs {
            let told_in = grant.lanes()[*lane].used_header.as_deref();
            let used = told_in.and_then(|name| share(&header(name)?));
            if !refused && wait.is_none() && used.is_none() {
                continue;
            }
            let at = self.lanes.iter().position(|(known, _)| known == lane);
            let at = at.unwrap_or_else(|| {
                self.lanes.push((*lane, News::default()));
                self.lanes.len() - 1
            });
            let news = &mut self.lanes[at].1;
            news.refused |= refused;
            news.wait = news.wait.max(wait);
            news.used = [news.used, used].into_iter().flatten().reduce(f64::max);
        }
    }
}

/// A told share of a quota: a decimal number, as in the samples of "Microsoft Graph throttling guidance" (`0.9`).
fn share(value: &str) -> Option<f64> {
    let value = value.trim();
    let is_decimal = value.len() <= 16 && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    value.parse().ok().filter(|_| is_decimal)
}

/// "Microsoft Graph throttling guidance": 429, and 503 where it says how long.
fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// A header of a part, whatever the case of its name.
fn header<'a>(headers: Value<'_, 'a>, name: &str) -> Option<Cow<'a, str>> {
    let found = headers.members().find(|(key, _)| {
        key.string()
            .is_some_and(|key| key.eq_ignore_ascii_case(name))
    });
    found.and_then(|(_, value)| value.string())
}

/// Learns further names of a subject from the one match in an answer, if it echoes the name that was asked for. Two
/// held assets can have that name; the answer is about both.
fn learn(rule: &Rule, subject: &Subject, body: Option<Value<'_, '_>>, roster: &Roster) {
    let (Some(body), Some(about)) = (body, rule.subject()) else {
        return;
    };
    let found = match about.naming {
        NamingRule::Filter(_) => {
            let Some(list) = body.get("value").filter(|list| list.kind() == Kind::Array) else {
                return;
            };
            // A page that is not the last does not show that there is only one.
            if body.get("@odata.nextLink").is_some() {
                return;
            }
            let mut items = list.items();
            match (items.next(), items.next()) {
                (Some(only), None) => only,
                _ => return,
            }
        }
        NamingRule::Segment(_) | NamingRule::JsonMember(_) => body,
    };
    // A filter asks for a literal, of which the name may be the end: `smtp:ada@contoso.com`.
    let asked = match &about.naming {
        NamingRule::Filter(form) => fold(&form.literal(&subject.name)),
        NamingRule::Segment(_) | NamingRule::JsonMember(_) => fold(&subject.name),
    };
    for Learnt {
        json_member,
        echoes,
    } in &about.learns
    {
        let Some(echo) = found.get(echoes) else {
            continue;
        };
        let same = |value: Value<'_, '_>| value.string().is_some_and(|text| fold(&text) == asked);
        if !same(echo) && !echo.items().any(same) {
            continue;
        }
        if let Some(name) = found.get(json_member).and_then(Value::string) {
            for owner in roster.holders(&subject.name) {
                roster.learn(owner, &name);
            }
        }
    }
}
