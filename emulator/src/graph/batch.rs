//! JSON batches: up to twenty requests in one, each judged, charged and answered by itself.
//!
//! Source: "Combine multiple HTTP requests using JSON batching"; the bodies of 400 were recorded in February 2026, but for
//! that of more than twenty parts, which is as reported in 2019.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Context, Request, answers, fault, operation_of, perform};
use crate::exchange::{Answer, Delivery, Reply};
use crate::faults::{Fault, Place};
use crate::journal::JournalPart;
use crate::throttle::Priority;
use crate::wire;

/// The most parts.
const MOST_PARTS: usize = 20;
const MALFORMED: &str = "Invalid batch payload format.";

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    requests: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    headers: Option<HashMap<Cow<'a, str>, Cow<'a, str>>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    depends_on: Option<Vec<String>>,
}

impl Part<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?;
        headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }

    fn depends_on(&self) -> &[String] {
        self.depends_on.as_deref().unwrap_or_default()
    }
}

/// What one part came to.
struct Outcome {
    answer: Answer,
    fault: Option<Fault>,
}

/// Answers a batch. `whole` is a fault that hits it as a whole.
pub(crate) fn answer(context: &Context<'_>, request: &Request<'_>, whole: Option<&Fault>) -> Reply {
    let batch: Batch<'_> = match serde_json::from_slice(request.body) {
        Ok(batch) => batch,
        Err(_) => return answers::bad_request(MALFORMED, &context.stamp).into(),
    };
    if let Err(message) = check(&batch.requests) {
        return answers::bad_request(&message, &context.stamp).into();
    }
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(batch.requests.len());
    for part in &batch.requests {
        // What a part depends on comes before it in every allowed shape.
        let failed = part.depends_on().iter().any(|id| {
            let at = batch
                .requests
                .iter()
                .position(|other| other.id.eq_ignore_ascii_case(id));
            at.and_then(|at| outcomes.get(at))
                .is_none_or(|outcome| outcome.answer.status >= 400)
        });
        outcomes.push(if failed {
            failed_dependency(context)
        } else {
            one(context, request, part)
        });
    }
    compose(context, &batch.requests, outcomes, whole)
}

/// The rules on a batch as a whole. The error is the message of the 400.
fn check(parts: &[Part<'_>]) -> Result<(), String> {
    if parts.is_empty() {
        return Err(MALFORMED.to_owned());
    }
    if parts.len() > MOST_PARTS {
        return Err("Number of requests inside batch exceeds the limit.".to_owned());
    }
    for (at, part) in parts.iter().enumerate() {
        if part.id.is_empty() || part.method.is_empty() || part.url.is_empty() {
            return Err(MALFORMED.to_owned());
        }
        if parts[..at]
            .iter()
            .any(|other| other.id.eq_ignore_ascii_case(&part.id))
        {
            return Err(format!(
                "Request Id {} has to be unique in a batch.",
                part.id
            ));
        }
        if part.body.is_some() && part.header("content-type").is_none() {
            return Err(format!(
                "Write request id : {} does not contain Content-Type header or body.",
                part.id
            ));
        }
    }
    check_dependencies(parts)
}

/// Only three shapes: none; each on the one before; all that depend, on the same one. The wording is approximate.
fn check_dependencies(parts: &[Part<'_>]) -> Result<(), String> {
    let dependent: Vec<(usize, &[String])> = parts
        .iter()
        .enumerate()
        .map(|(at, part)| (at, part.depends_on()))
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    let Some((_, first)) = dependent.first() else {
        return Ok(());
    };
    let position = |id: &String| {
        parts
            .iter()
            .position(|part| part.id.eq_ignore_ascii_case(id))
    };
    let comes_before = dependent
        .iter()
        .all(|(at, ids)| ids.iter().all(|id| position(id).is_some_and(|on| on < *at)));
    let serial = dependent.len() + 1 == parts.len()
        && dependent
            .iter()
            .all(|(at, ids)| ids.len() == 1 && position(&ids[0]).is_some_and(|on| on + 1 == *at));
    let same = dependent
        .iter()
        .all(|(_, ids)| ids.len() == 1 && ids[0].eq_ignore_ascii_case(&first[0]));
    if comes_before && (serial || same) {
        Ok(())
    } else {
        Err("Invalid dependsOn: requests have to be parallel, serial, or all depend on the same request.".to_owned())
    }
}

fn failed_dependency(context: &Context<'_>) -> Outcome {
    let answer = answers::error(
        424,
        "FailedDependency",
        "Dependent request failed. The request was not executed.",
        &context.stamp,
    );
    Outcome {
        answer,
        fault: None,
    }
}

fn one(context: &Context<'_>, outer: &Request<'_>, part: &Part<'_>) -> Outcome {
    let method = match part.method.as_ref() {
        // The common ones without a copy.
        "POST" => Method::POST,
        "GET" => Method::GET,
        other => {
            Method::from_bytes(other.to_ascii_uppercase().as_bytes()).unwrap_or(Method::OPTIONS)
        }
    };
    let url = part.url.strip_prefix('/').unwrap_or(&part.url);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let request = Request {
        method: &method,
        path,
        query,
        body: part.body.map_or(&[][..], |body| body.get().as_bytes()),
        eventual: part
            .header("consistencylevel")
            .is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
        bare: part.header("accept").is_some_and(super::is_bare),
        priority: part
            .header("x-ms-throttle-priority")
            .map_or(outer.priority, |value| Priority::from_header(Some(value))),
        place: Place::Part,
    };
    let operation = operation_of(context.world, context.version, &request);
    let fault = operation.as_ref().ok().and_then(|operation| {
        fault::take(context.world, operation, &request, Some(context.caller.oid))
    });
    let answer = match &fault {
        Some(fault) => fault::strike(context, &request, &operation, fault),
        None => perform(context, &request, &operation, true),
    };
    Outcome { answer, fault }
}

/// Puts the answers together, in the order that the settings want, with what faults do to the whole.
fn compose(
    context: &Context<'_>,
    parts: &[Part<'_>],
    outcomes: Vec<Outcome>,
    whole: Option<&Fault>,
) -> Reply {
    let mut reply = Reply {
        parts: Vec::with_capacity(parts.len()),
        ..Reply::default()
    };
    for (part, outcome) in parts.iter().zip(&outcomes) {
        let missing = matches!(
            outcome.fault,
            Some(Fault::Missing { .. } | Fault::Reset { .. })
        );
        reply.parts.push(JournalPart {
            id: part.id.as_ref().to_owned(),
            method: part.method.as_ref().to_owned(),
            url: part.url.as_ref().to_owned(),
            status: if missing { 0 } else { outcome.answer.status },
        });
        if let Some(fault) = &outcome.fault {
            reply.fault = Some(fault.kind());
            let (delivery, delay) = fault::delivery(fault);
            if reply.delivery == Delivery::Whole {
                reply.delivery = delivery;
            }
            reply.extra_delay = reply.extra_delay.max(delay).min(Duration::from_secs(600));
        }
    }
    // Which answer goes under which id.
    let mut under: Vec<usize> = (0..parts.len()).collect();
    for (at, outcome) in outcomes.iter().enumerate() {
        if matches!(outcome.fault, Some(Fault::WrongUser)) {
            under.swap(at, (at + 1) % parts.len());
        }
    }
    let reversed = matches!(whole, Some(Fault::Shuffle))
        || outcomes
            .iter()
            .any(|outcome| matches!(outcome.fault, Some(Fault::Shuffle)));
    let order = order_of(
        parts.len(),
        context.world.settings().shuffle,
        context.world.journal.counts().0,
        reversed,
    );
    let mut body = Vec::with_capacity(64 + parts.len() * 420);
    body.extend_from_slice(b"{\"responses\":[");
    let mut first = true;
    let mut write = |id: &str, answer: &Answer| {
        if !std::mem::take(&mut first) {
            body.push(b',');
        }
        push_part(&mut body, id, answer);
    };
    for at in order {
        let (id, outcome) = (&parts[at].id, &outcomes[under[at]]);
        match &outcomes[at].fault {
            Some(Fault::Missing { .. }) => {}
            Some(Fault::Duplicate { status }) => {
                write(id, &outcome.answer);
                if *status == outcome.answer.status {
                    write(id, &outcome.answer);
                } else {
                    let cloud = context.asked.cloud;
                    write(
                        id,
                        &answers::of_status(*status, None, None, None, cloud, &context.stamp),
                    );
                }
            }
            Some(Fault::Stranger) => {
                write(id, &outcome.answer);
                let stranger =
                    answers::boolean(context.asked.cloud, context.version.as_str(), true, false);
                write(&format!("{id}-stranger"), &stranger);
            }
            _ => write(id, &outcome.answer),
        }
    }
    body.extend_from_slice(b"]}");
    reply.answer = Answer::new(200)
        .header("Cache-Control", "no-cache")
        .header("OData-Version", "4.0")
        .body(body);
    reply
        .answer
        .headers
        .push(("Content-Type", "application/json".into()));
    reply
}

/// In which order parts are answered. `seed` makes it another one each time, and the same one in each run.
fn order_of(parts: usize, shuffle: bool, seed: u64, reversed: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..parts).collect();
    if reversed {
        order.reverse();
    } else if shuffle {
        // Fisher and Yates, with a linear congruential generator (Knuth's constants).
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        for at in (1..parts).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let other = usize::try_from(state >> 33).unwrap_or(0) % (at + 1);
            order.swap(at, other);
        }
    }
    order
}

fn push_part(body: &mut Vec<u8>, id: &str, answer: &Answer) {
    body.extend_from_slice(b"{\"id\":");
    wire::push_json_string(body, id);
    body.extend_from_slice(b",\"status\":");
    wire::push_number(body, u64::from(answer.status));
    body.extend_from_slice(b",\"headers\":{");
    let mut is_json = false;
    for (at, (name, value)) in answer.headers.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.push(b'"');
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"\":");
        wire::push_json_string(body, value);
        is_json |=
            name.eq_ignore_ascii_case("content-type") && value.starts_with("application/json");
    }
    body.push(b'}');
    if !answer.body.is_empty() {
        body.extend_from_slice(b",\"body\":");
        if is_json {
            body.extend_from_slice(&answer.body);
        } else {
            // Anything else travels as base64.
            wire::push_json_string(body, &wire::base64(&answer.body));
        }
    }
    body.push(b'}');
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        let batch: Batch<'_> = serde_json::from_str(text).unwrap();
        check(&batch.requests)
    }

    fn depending(shape: &[&[&str]]) -> Result<(), String> {
        let parts: Vec<String> = shape
            .iter()
            .enumerate()
            .map(|(at, on)| {
                format!(r#"{{"id":"{at}","method":"GET","url":"/me","dependsOn":{on:?}}}"#)
            })
            .collect();
        checked(&format!(r#"{{"requests":[{}]}}"#, parts.join(",")))
    }

    #[test]
    fn three_shapes_of_dependency_are_allowed() {
        assert!(depending(&[&[], &[], &[]]).is_ok());
        assert!(depending(&[&[], &["0"], &["1"]]).is_ok());
        assert!(depending(&[&[], &["0"], &["0"]]).is_ok());
        assert!(depending(&[&[], &[], &["1"]]).is_ok());
        assert!(depending(&[&[], &["0"], &["1"], &["0"]]).is_err());
        assert!(depending(&[&[], &["0"], &["0", "1"]]).is_err());
        assert!(depending(&[&["1"], &[]]).is_err());
        assert!(depending(&[&[], &["9"]]).is_err());
    }

    #[test]
    fn ids_are_unique_without_regard_to_case() {
        let text = r#"{"requests":[{"id":"a","method":"GET","url":"/me"},{"id":"A","method":"GET","url":"/me"}]}"#;
        assert_eq!(
            checked(text),
            Err("Request Id A has to be unique in a batch.".to_owned())
        );
    }

    #[test]
    fn a_body_needs_a_content_type() {
        let with = |headers: &str| {
            checked(&format!(
                r#"{{"requests":[{{"id":"1","method":"POST","url":"/x","headers":{headers},"body":{{}}}}]}}"#
            ))
        };
        assert!(with(r#"{"content-TYPE":"application/json"}"#).is_ok());
        assert!(with("{}").is_err());
    }

    proptest! {
        #[test]
        fn every_order_has_each_part_once(parts in 0usize..21, seed in any::<u64>(), shuffle in any::<bool>(), reversed in any::<bool>()) {
            let mut order = order_of(parts, shuffle, seed, reversed);
            order.sort_unstable();
            prop_assert_eq!(order, (0..parts).collect::<Vec<_>>());
        }
    }
}
