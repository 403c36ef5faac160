//! What passes in an envelope, and what does not.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;

use crate::admit::{Admitted, Body};
use crate::roster::Owner;
use crate::testing::{ADA, BOB, Bench, EVE, batch};

fn json(admitted: &Admitted) -> &[u8] {
    match &admitted.body {
        Body::Json(out) => out,
        Body::Empty | Body::Form(_) => &[],
    }
}

fn rule(bench: &Bench, parts: &str) -> &'static str {
    bench.rule_against(batch(format!("{{\"requests\":[{parts}]}}")))
}

#[test]
fn each_part_is_judged_as_the_call_that_it_is() {
    let bench = Bench::new();
    let body = format!(
        r#"{{ "requests": [
            {{"url":"/users/{ADA}/revokeSignInSessions","id":"1","method":"POST","headers":{{"Content-Type":"application/json"}},"body":{{ }}}},
            {{"id":"2","method":"GET","url":"users/bob%23ext%23%40contoso.com?$select=id"}},
            {{"id":"3","method":"POST","url":"/tags","headers":{{"content-type":"application/json; charset=utf-8"}},"body":{{"user":{{"id":"{BOB}"}}}}}}
        ] }}"#
    );
    let admitted = bench.admit(batch(body)).unwrap();
    let owners: Vec<_> = admitted
        .parts
        .iter()
        .map(|part| part.subject.as_ref().unwrap().owner)
        .collect();
    assert_eq!(owners, [Owner(1), Owner(2), Owner(2)]);
    assert_eq!(admitted.changed(), [Owner(1), Owner(2)]);
    let out = json(&admitted);
    let expected = format!(
        r#"{{"requests":[{{"id":"1","method":"POST","url":"/users/{ADA}/revokeSignInSessions","headers":{{"Content-Type":"application/json"}},"body":{{}}}},{{"id":"2","method":"GET","url":"users/bob%23ext%23%40contoso.com?$select=id"}},{{"id":"3","method":"POST","url":"/tags","headers":{{"content-type":"application/json; charset=utf-8"}},"body":{{"user":{{"id":"{BOB}"}}}}}}]}}"#
    );
    assert_eq!(std::str::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_part_that_no_listed_call_fits_stops_the_envelope() {
    let bench = Bench::new();
    let good = format!(r#"{{"id":"1","method":"POST","url":"/users/{ADA}/revokeSignInSessions"}}"#);
    assert_eq!(rule(&bench, &good), "");
    for (method, url, expected) in [
        (
            "POST",
            format!("/users/{EVE}/revokeSignInSessions"),
            "not-held",
        ),
        ("DELETE", format!("/users/{ADA}"), "not-granted"),
        ("get", format!("/users/{ADA}"), "not-granted"),
        ("POST", "/$batch".to_owned(), "not-granted"),
        ("GET", format!("/v1.0/users/{ADA}"), "not-granted"),
        ("GET", format!("//users/{ADA}"), "path"),
        ("GET", format!("/../beta/users/{ADA}"), "path"),
        ("GET", format!("/users/{ADA}/"), "path"),
        (
            "GET",
            format!("https://graph.microsoft.com/v1.0/users/{ADA}"),
            "path",
        ),
        ("GET", format!("/users/{ADA}#x"), "path"),
        ("GET", format!("/users/{ADA}?$select=id&$select=x"), "query"),
        ("GET", format!("/users/{ADA}?x=1"), "query"),
        ("GET", format!("/users/%2e%2e/{ADA}"), "path"),
        ("GET", String::new(), "path"),
    ] {
        let part = format!(r#"{good},{{"id":"2","method":"{method}","url":"{url}"}}"#);
        assert_eq!(rule(&bench, &part), expected, "{method} {url}");
    }
}

#[test]
fn what_an_envelope_may_not_have_is_refused() {
    let bench = Bench::new();
    let start = format!(r#""id":"1","method":"POST","url":"/users/{ADA}/revokeSignInSessions""#);
    for (part, expected) in [
        (format!("{{{start},\"dependsOn\":[\"0\"]}}"), "envelope"),
        (format!("{{{start},\"atomicityGroup\":\"a\"}}"), "envelope"),
        (format!("{{{start},\"Body\":{{}}}}"), "envelope"),
        (format!("{{{start},\"id\":\"2\"}}"), "body"),
        (format!("{{{start},\"body\":{{}}}}"), "envelope"),
        (
            format!(
                "{{{start},\"headers\":{{\"content-type\":\"application/json\"}},\"body\":\"e30=\"}}"
            ),
            "envelope",
        ),
        (
            format!("{{{start},\"headers\":{{\"content-type\":\"text/plain\"}},\"body\":{{}}}}"),
            "header",
        ),
        (
            format!("{{{start},\"headers\":{{\"Authorization\":\"Bearer x\"}}}}"),
            "header",
        ),
        (
            format!("{{{start},\"headers\":{{\"Prefer\":\"respond-async\"}}}}"),
            "header",
        ),
        (
            format!("{{{start},\"headers\":{{\"accept\":\"a\",\"Accept\":\"b\"}}}}"),
            "header",
        ),
        (
            format!("{{{start},\"headers\":{{\"accept\":\"a\\r\\nb: c\"}}}}"),
            "header",
        ),
        (
            format!("{{{start},\"headers\":{{\"accept\":1}}}}"),
            "header",
        ),
        (format!("{{{start},\"headers\":[]}}"), "header"),
        (format!("{{{start}}},{{{start}}}"), "envelope"),
        (
            format!(
                r#"{{"id":"a",{}}},{{"id":"A",{}}}"#,
                &start[9..],
                &start[9..]
            ),
            "envelope",
        ),
        (format!(r#"{{{}}}"#, &start[9..]), "envelope"),
        (format!(r#"{{"id":1,{}}}"#, &start[9..]), "envelope"),
        (
            format!(r#"{{"id":"","method":"GET","url":"/users/{ADA}"}}"#),
            "envelope",
        ),
        (
            format!(
                r#"{{"id":"1","method":"GET","url":"/users/{ADA}","headers":{{"content-type":"application/json"}},"body":{{}}}}"#
            ),
            "envelope",
        ),
        (
            r#"{"id":"1","method":"POST","url":"/tags"}"#.to_owned(),
            "subject",
        ),
        ("[]".to_owned(), "envelope"),
        (String::new(), "envelope"),
    ] {
        assert_eq!(rule(&bench, &part), expected, "{part}");
    }
    for body in [
        "{}",
        "[]",
        "{\"requests\":{}}",
        "{\"requests\":[],\"x\":1}",
        "{\"x\":[]}",
        "{\"requests\":[{}",
    ] {
        let rule = bench.rule_against(batch(body));
        assert!(matches!(rule, "envelope" | "body"), "{body}: {rule}");
    }
    assert_eq!(bench.rule_against(batch("")), "envelope");
}

#[test]
fn there_are_no_more_parts_than_declared() {
    let bench = Bench::new();
    let parts = |count: usize| {
        let part = |n: usize| format!(r#"{{"id":"{n}","method":"GET","url":"/users/{ADA}"}}"#);
        (0..count).map(part).collect::<Vec<_>>().join(",")
    };
    assert_eq!(rule(&bench, &parts(20)), "");
    assert_eq!(rule(&bench, &parts(21)), "envelope");
}

proptest! {
    /// Whatever is put anywhere in a part: what leaves holds only parts about who is held, and is read the same by
    /// another reader.
    #[test]
    fn what_leaves_is_what_was_judged(
        url in "(/users/|users/|/)(ada@contoso\\.com|[a-z%./]{0,6})(/revokeSignInSessions|\\?\\$select=[a-z&=]{0,4}|)",
        method in "GET|POST|[A-Z]{1,4}",
        extra in "(,\"(body|headers|dependsOn|url|\\\\u0075rl)\":(\\{\\}|\\[\\]|\"x\"))?",
    ) {
        let bench = Bench::new();
        let body = format!("{{\"requests\":[{{\"id\":\"1\",\"method\":\"{method}\",\"url\":\"{url}\"{extra}}}]}}");
        if let Ok(admitted) = bench.admit(batch(body)) {
            let out = json(&admitted);
            let read: serde_json::Value = serde_json::from_slice(out).unwrap();
            let part = &read["requests"][0];
            prop_assert_eq!(part["url"].as_str().unwrap(), url.as_str());
            prop_assert!(url.contains("ada@contoso.com"));
            prop_assert!(part.get("dependsOn").is_none());
            prop_assert_eq!(admitted.parts[0].subject.as_ref().unwrap().owner, Owner(1));
        }
    }
}
