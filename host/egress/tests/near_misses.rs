//! Ten thousand requests that are almost what was granted: whatever a server may make of one that leaves, it is what was
//! granted; and what was granted leaves.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::{ADA, Arrived, HOST, Proof, Run, Service, ordinary};
use tipstaff_egress::SendError;

const COUNT: usize = 10_000;

/// What is put into a path, where servers and proxies disagree about what it means.
const INSERTED: &[&str] = &[
    "%2f",
    "%2F",
    "%5c",
    "/./",
    "/../",
    "//",
    "/",
    ";x=1",
    ";",
    "%3b",
    "%00",
    "%2e",
    "%2e%2e",
    "..",
    ".",
    "%252f",
    "%252e%252e",
    "%c0%af",
    "%u002f",
    "%23",
    "%3f",
    "?x=1",
    "?$select=id",
    "?",
    "&",
    "%",
    "%zz",
    "+",
    "%20",
    ":",
    "@",
    "%40",
    "*",
    "'",
    "('",
    "')",
    "%0d%0a",
    "%0a",
    "~",
    "!",
    "%e2%80%ae",
    "%ef%bc%8f",
    ".json",
    "$batch",
    "$value",
    "microsoft.graph.",
];
const STRANGER: &str = "00000000-0000-4000-8000-000000000002";

#[derive(Clone, Debug)]
enum Change {
    Insert(prop::sample::Index, &'static str),
    Encode(prop::sample::Index),
    Raise(prop::sample::Index),
    Lower(prop::sample::Index),
    Drop(prop::sample::Index),
    Stranger,
    Authority(&'static str),
    Method(&'static str),
    Header(&'static str, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        8 => (place(), prop::sample::select(INSERTED)).prop_map(|(at, text)| Change::Insert(at, text)),
        3 => place().prop_map(Change::Encode),
        2 => place().prop_map(Change::Raise),
        1 => place().prop_map(Change::Lower),
        1 => place().prop_map(Change::Drop),
        1 => Just(Change::Stranger),
        2 => prop::sample::select(&[
            "evil.example", "service.example.", "SERVICE.example", "service.example@evil.example",
            "evil@service.example", "service.example.evil.example", "127.0.0.1", "0x7f000001", "[::1]", "xn--srvice-bva.example",
        ][..]).prop_map(Change::Authority),
        1 => prop::sample::select(&["post", "Post", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE", "GET", "POST"][..])
            .prop_map(Change::Method),
        2 => prop::sample::select(&[
            ("host", "evil.example"), ("x-http-method-override", "DELETE"), ("x-original-url", "/v1.0/users"),
            ("x-rewrite-url", "/v1.0/users"), ("x-forwarded-host", "evil.example"), ("transfer-encoding", "chunked"),
            ("content-length", "5"), ("connection", "x-secret"), ("te", "trailers"), ("expect", "100-continue"),
            ("upgrade", "h2c"), ("cookie", "a=b"), ("proxy-authorization", "Basic eA=="), ("forwarded", "host=evil"),
            ("client-request-id", "an-id"), ("accept", "application/json"),
        ][..]).prop_map(|(name, value)| Change::Header(name, value)),
    ]
}

fn case() -> impl Strategy<Value = (bool, Vec<Change>)> {
    (any::<bool>(), prop::collection::vec(change(), 1..4))
}

/// The request of a case; none where it cannot be written as one at all.
fn request(origin: &str, revokes: bool, changes: &[Change]) -> Option<Request<Bytes>> {
    let (mut path, mut method) = if revokes {
        (format!("/v1.0/users/{ADA}/revokeSignInSessions"), "POST")
    } else {
        (format!("/v1.0/users/{ADA}"), "GET")
    };
    let mut authority = origin.strip_prefix("https://").unwrap().to_owned();
    let port = authority.rsplit_once(':').unwrap().1.to_owned();
    let mut headers = Vec::new();
    for change in changes {
        let at = |index: &prop::sample::Index, path: &str| 1 + index.index(path.len() - 1);
        match change {
            Change::Insert(index, text) => path.insert_str(at(index, &path), text),
            Change::Encode(index) => {
                let at = at(index, &path);
                let byte = path.as_bytes()[at];
                path.replace_range(at..=at, &format!("%{byte:02x}"));
            }
            Change::Raise(index) => {
                let at = at(index, &path);
                let raised = path[at..=at].to_ascii_uppercase();
                path.replace_range(at..=at, &raised);
            }
            Change::Lower(index) => {
                let at = at(index, &path);
                let lowered = path[at..=at].to_ascii_lowercase();
                path.replace_range(at..=at, &lowered);
            }
            Change::Drop(index) => {
                let at = at(index, &path);
                path.remove(at);
            }
            Change::Stranger => path = path.replace(ADA, STRANGER),
            Change::Authority(other) => authority = format!("{other}:{port}"),
            Change::Method(other) => method = other,
            Change::Header(name, value) => headers.push((*name, *value)),
        }
    }
    let uri: Uri = format!("https://{authority}{path}").parse().ok()?;
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = uri;
    for (name, value) in headers {
        request.headers_mut().append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    Some(request)
}

/// Everything that some server could take `target` for: percent-encoding undone up to three times, backslashes and
/// full-width slashes taken for slashes, parameters dropped or kept, empty and dot segments removed or kept.
fn readings(target: &str) -> BTreeSet<String> {
    let path = target.split('?').next().unwrap();
    // Left encoded, a letter that is its own code names nothing (RFC 3986 section 2.3: the two are the same).
    let mut texts = BTreeSet::new();
    let mut text = path.to_owned();
    for _ in 0..3 {
        text = undone(&text);
        texts.insert(text.clone());
        texts.insert(text.replace(['\\', '\u{ff0f}'], "/"));
    }
    let mut all = BTreeSet::new();
    for text in texts {
        let without: Vec<&str> = text
            .split('/')
            .map(|segment| segment.split(';').next().unwrap())
            .collect();
        for segments in [text.split('/').collect(), without] {
            let mut tidied: Vec<&str> = Vec::new();
            for segment in &segments {
                match *segment {
                    "" | "." => {}
                    ".." => drop(tidied.pop()),
                    segment => tidied.push(segment),
                }
            }
            all.insert(segments.join("/"));
            all.insert(format!("/{}", tidied.join("/")));
        }
    }
    all
}

fn undone(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Holds what arrived against what was granted, by rules of this test's own.
fn is_granted(arrived: &Arrived, authority: &str) -> Result<(), String> {
    let granted = match arrived.method.as_str() {
        "GET" => format!("/v1.0/users/{ADA}"),
        "POST" => format!("/v1.0/users/{ADA}/revokeSignInSessions"),
        other => return Err(format!("method {other}")),
    };
    let seen = readings(&arrived.target);
    let fits = |reading: &String| match reading.split_once(&format!("/{}", &ADA[..8])) {
        // An id is the same in capitals; everything else is to the letter.
        Some(_) => *reading == granted,
        None => reading.eq_ignore_ascii_case(&granted) && reading.starts_with("/v1.0/users/"),
    };
    if let Some(reading) = seen.iter().find(|reading| !fits(reading)) {
        return Err(format!("{} can be read as {reading}", arrived.target));
    }
    let query = arrived
        .target
        .split_once('?')
        .map(|(_, query)| undone(query));
    if query.is_some_and(|query| arrived.method != "GET" || query != "$select=id") {
        return Err(format!("query of {}", arrived.target));
    }
    const USUAL: &[&str] = &[
        "accept",
        "accept-encoding",
        "client-request-id",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ];
    for (name, value) in &arrived.headers {
        let odd = !USUAL.contains(&name.as_str())
            || (name == "host" && value != authority)
            || (name == "content-length" && value != "0");
        if odd {
            return Err(format!("header {name}: {value:?}"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_near_miss_escapes() {
    for alpn in ["http/1.1", "h2"] {
        let service = Service::start(&[alpn], Proof::Good, ordinary).await;
        let run = Run::new(&service);
        let authority = format!("{HOST}:{}", service.address.port());
        let mut runner = TestRunner::deterministic();
        let strategy = case();
        let (mut sent, mut refused, mut unwritable) = (0, 0, 0);
        for _ in 0..COUNT / 2 {
            let (revokes, changes) = strategy.new_tree(&mut runner).unwrap().current();
            let Some(request) = request(&run.base, revokes, &changes) else {
                unwritable += 1;
                continue;
            };
            let before = service.arrived.lock().unwrap().len();
            match run.session.send(request).await {
                Ok(_) => {
                    sent += 1;
                    let arrived = service.arrived.lock().unwrap().last().cloned().unwrap();
                    let judged = is_granted(&arrived, &authority);
                    assert_eq!(judged, Ok(()), "{revokes} {changes:?} {arrived:?}");
                }
                Err(SendError::Refused(_)) => {
                    refused += 1;
                    let after = service.arrived.lock().unwrap().len();
                    assert_eq!(after, before, "{revokes} {changes:?}");
                }
                Err(error) => unreachable!("{error}: {revokes} {changes:?}"),
            }
        }
        // Most are refused, and some of them, like an id in capitals, are what was granted.
        assert!(refused > COUNT / 4, "{sent} {refused} {unwritable}");
        assert!(sent > 50, "{sent} {refused} {unwritable}");
    }
}

#[tokio::test]
async fn what_was_granted_is_not_refused() {
    let service = Service::start(&["h2"], Proof::Good, ordinary).await;
    let run = Run::new(&service);
    let mut runner = TestRunner::deterministic();
    let cases = (
        any::<u64>(),
        prop::sample::select(&["", "?$select=id", "?%24select=id"][..]),
        any::<bool>(),
    );
    for _ in 0..500 {
        let (capitals, query, with_header) = cases.new_tree(&mut runner).unwrap().current();
        let id: String = ADA
            .chars()
            .enumerate()
            .map(|(at, c)| {
                if capitals >> at & 1 == 1 {
                    c.to_ascii_uppercase()
                } else {
                    c
                }
            })
            .collect();
        let mut request = Request::get(format!("{}/v1.0/users/{id}{query}", run.base));
        if with_header {
            request = request.header("client-request-id", "11111111-2222-4333-8444-555555555555");
        }
        let sent = run.session.send(request.body(Bytes::new()).unwrap()).await;
        assert!(sent.is_ok(), "{id}{query}: {sent:?}");
    }
}
