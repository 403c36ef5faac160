//! What is admitted and what is refused, and by which rule.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::declare::Held;
use crate::target::percent_decode;
use crate::testing::{ADA, BOB, Bench, EVE, batch, form, get, post, with_body};

const GRAPH: &str = "https://graph.microsoft.com/v1.0";

fn json(admitted: &Admitted) -> &[u8] {
    match &admitted.body {
        Body::Json(out) => out,
        Body::Empty | Body::Form(_) => &[],
    }
}

fn revoke(name: &str) -> Request<Bytes> {
    post(&format!("{GRAPH}/users/{name}/revokeSignInSessions"))
}

#[test]
fn what_was_declared_is_admitted() {
    let bench = Bench::new();
    for request in [
        revoke(ADA),
        revoke("ADA@CONTOSO.COM"),
        revoke("ada%40contoso.com"),
        revoke("bob%23EXT%23@contoso.com"),
        post(&format!(
            "https://graph.microsoft.com:443/v1.0/users/{ADA}/revokeSignInSessions"
        )),
        get(&format!("{GRAPH}/users/{ADA}?$select=id,userType")),
        get(&format!("{GRAPH}/users/{ADA}?%24select=id%2CuserType")),
        get(&format!(
            "{GRAPH}/users?$filter=mail+eq+'ada@contoso.com'&$top=2"
        )),
        get(&format!(
            "{GRAPH}/users?$filter=mail%20eq%20%27ada%40contoso.com%27"
        )),
        with_body(
            &format!("{GRAPH}/users/{ADA}/revokeSignInSessions"),
            "application/json; charset=UTF-8",
            "{ }",
        ),
        form("client_id=a&grant_type=client_credentials"),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(bench.rule_against(request), "", "{shown}");
    }
}

#[test]
fn near_misses_of_a_path_are_refused() {
    let bench = Bench::new();
    let near = [
        format!("{GRAPH}/users/{ADA}/revokeSignInSessions/"),
        format!("{GRAPH}//users/{ADA}/revokeSignInSessions"),
        format!("{GRAPH}/users//revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}/revokesigninsessions"),
        format!("{GRAPH}/Users/{ADA}/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}/revokeSignInSession%73"),
        format!("{GRAPH}/users/{ADA};a=b/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%3Ba=b/revokeSignInSessions"),
        format!("{GRAPH}/users/./revokeSignInSessions"),
        format!("{GRAPH}/users/../revokeSignInSessions"),
        format!("{GRAPH}/users/%2e%2E/revokeSignInSessions"),
        format!("{GRAPH}/users/%252e%252e/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%2f..%2f{BOB}/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%5c{BOB}/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%252f{BOB}/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%00/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%0d%0a/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%ff/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%c0%af/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%EF%BC%8F/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%4/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}%zz/revokeSignInSessions"),
        format!("{GRAPH}/users/é/revokeSignInSessions"),
        format!("{GRAPH}/users/a{{b}}/revokeSignInSessions"),
        format!("{GRAPH}/users/{ADA}/revokeSignInSessions/x"),
        format!("{GRAPH}/x/../users/{ADA}/revokeSignInSessions"),
        format!("https://graph.microsoft.com/beta/users/{ADA}/revokeSignInSessions"),
        format!("https://graph.microsoft.com/v1.0/v1.0/users/{ADA}/revokeSignInSessions"),
        format!(
            "{GRAPH}/users/{ADA}/revokeSignInSessions{}",
            "/x".repeat(40)
        ),
    ];
    for url in near {
        let rule = bench.rule_against(post(&url));
        assert!(matches!(rule, "path" | "not-granted"), "{url}: {rule}");
    }
}

#[test]
fn near_misses_of_an_origin_are_refused() {
    let bench = Bench::new();
    for (origin, rule) in [
        ("http://graph.microsoft.com", "address"),
        ("https://graph.microsoft.com@evil.example", "address"),
        ("https://a:b@graph.microsoft.com", "address"),
        ("https://graph.microsoft.com:444", "not-granted"),
        ("https://graph.microsoft.com.", "not-granted"),
        ("https://GRAPH.microsoft.com", "not-granted"),
        ("https://graph.microsoft.com:0443", "not-granted"),
        ("https://graph.microsoft.com.evil.example", "not-granted"),
        ("https://login.microsoftonline.com", "not-granted"),
        ("https://13.107.42.14", "not-granted"),
    ] {
        let url = format!("{origin}/v1.0/users/{ADA}/revokeSignInSessions");
        assert_eq!(bench.rule_against(post(&url)), rule, "{url}");
    }
    assert_eq!(bench.rule_against(get("/v1.0/users")), "address");
}

#[test]
fn other_methods_are_refused() {
    let bench = Bench::new();
    for method in [
        "GET", "PUT", "post", "Post", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "POSTX",
    ] {
        let mut request = revoke(ADA);
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(bench.rule_against(request), "not-granted", "{method}");
    }
}

#[test]
fn queries_that_were_not_declared_or_mean_two_things_are_refused() {
    let bench = Bench::new();
    for query in [
        "$expand=x",
        "$select=id&$select=mail",
        "$select=id&%24select=mail",
        "$select=id;x=1",
        "$select=id&",
        "&$select=id",
        "$select",
        "$Select=id",
        "$select=%zz",
        "$select=%ff",
        "$select=%0a",
        "",
    ] {
        assert_eq!(
            bench.rule_against(get(&format!("{GRAPH}/users/{ADA}?{query}"))),
            "query",
            "{query}"
        );
    }
    assert_eq!(
        bench.rule_against(post(&format!(
            "{GRAPH}/users/{ADA}/revokeSignInSessions?a=b"
        ))),
        "query"
    );
}

#[test]
fn a_filter_names_one_subject_in_one_form() {
    let bench = Bench::new();
    bench.roster.hand_over(
        Owner(3),
        [
            ("username", "o'hara@contoso.com"),
            ("id", "a+b"),
            ("id", "a b"),
        ],
    );
    let judge = |filter: &str| bench.rule_against(get(&format!("{GRAPH}/users?$filter={filter}")));
    assert_eq!(judge("mail%20eq%20'o''hara@contoso.com'"), "");
    assert_eq!(judge("mail%20eq%20'a%2Bb'"), "");
    for filter in [
        "mail%20eq%20'o'hara@contoso.com'",
        "mail%20eq%20'ada@contoso.com'%20or%20mail%20eq%20'x'",
        "mail%20eq%20'x'%20or%20mail%20eq%20'ada@contoso.com'",
        "mail%20ne%20'ada@contoso.com'",
        "mail%20%20eq%20'ada@contoso.com'",
        "startswith(mail,'ada')",
        "mail%20eq%20'a+b'",
        "",
    ] {
        assert_eq!(judge(filter), "subject", "{filter}");
    }
    assert_eq!(judge("mail%20eq%20'eve@contoso.com'"), "not-held");
    assert_eq!(judge("mail%20eq%20''"), "not-held");
    assert_eq!(
        bench.rule_against(get(&format!("{GRAPH}/users?$top=1"))),
        "subject"
    );
}

#[test]
fn only_declared_headers_leave() {
    let bench = Bench::new();
    let with = |name: &str, value: &str| {
        let mut request = revoke(ADA);
        request.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
        request
    };
    for name in [
        "host",
        "cookie",
        "connection",
        "transfer-encoding",
        "te",
        "expect",
        "upgrade",
        "x-original-url",
        "x-http-method-override",
        "x-forwarded-for",
        "accept-encoding",
        "prefer",
        "x-api-key",
        "proxy-authorization",
    ] {
        assert_eq!(bench.rule_against(with(name, "x")), "header", "{name}");
    }
    assert_eq!(bench.rule_against(with("client-request-id", "x")), "");
    assert_eq!(bench.rule_against(with("accept", "x")), "");
    let mut twice = with("client-request-id", "x");
    twice
        .headers_mut()
        .append("client-request-id", "y".parse().unwrap());
    assert_eq!(bench.rule_against(twice), "header");
    let mut bytes = revoke(ADA);
    bytes.headers_mut().insert(
        "client-request-id",
        HeaderValue::from_bytes(b"a\xff").unwrap(),
    );
    assert_eq!(bench.rule_against(bytes), "header");
    let admitted = bench.admit(with("user-agent", "guest")).unwrap();
    assert!(admitted.headers.is_empty());
}

#[test]
fn bodies_are_json_or_forms_and_what_they_say_they_are() {
    let bench = Bench::new();
    let url = format!("{GRAPH}/users/{ADA}/revokeSignInSessions");
    for (kind, body, rule) in [
        ("application/json", "{\"a\":1,\"a\":2}", "body"),
        ("application/json", "{\"a\":1} x", "body"),
        ("application/json", "\u{feff}{}", "body"),
        ("application/json", "a=b", "body"),
        ("text/plain", "{}", "header"),
        ("application/json; charset=utf-16", "{}", "header"),
        (
            "application/json; charset=utf-8; charset=utf-8",
            "{}",
            "header",
        ),
        ("application/json, text/plain", "{}", "header"),
        ("multipart/form-data; boundary=x", "--x", "header"),
        ("application/x-www-form-urlencoded", "a=b&a=c", "body"),
        ("application/x-www-form-urlencoded", "a=b&&c=d", "body"),
        ("application/x-www-form-urlencoded", "a", "body"),
        ("application/x-www-form-urlencoded", "a=b;c=d", "body"),
        ("application/x-www-form-urlencoded", "a=%ff", "body"),
        ("application/x-www-form-urlencoded", "a=é", "body"),
        ("application/x-www-form-urlencoded", "a=b", ""),
        ("application/json", "[1]", ""),
    ] {
        assert_eq!(
            bench.rule_against(with_body(&url, kind, body)),
            rule,
            "{kind}: {body}"
        );
    }
    let bare = Request::post(&url).body(Bytes::from_static(b"{}")).unwrap();
    assert_eq!(bench.rule_against(bare), "body");
    let mut get = with_body(&format!("{GRAPH}/users/{ADA}"), "application/json", "{}");
    *get.method_mut() = http::Method::GET;
    assert_eq!(bench.rule_against(get), "body");
}

#[test]
fn a_json_body_leaves_as_it_was_read() {
    let bench = Bench::new();
    let body = format!("{{ \"user\" : {{ \"\\u0069d\":\"{ADA}\" }} }}");
    let admitted = bench
        .admit(with_body(
            &format!("{GRAPH}/tags"),
            "application/json",
            body,
        ))
        .unwrap();
    let out = json(&admitted);
    assert_eq!(
        std::str::from_utf8(out).unwrap(),
        format!("{{\"user\":{{\"id\":\"{ADA}\"}}}}")
    );
    assert_eq!(
        admitted.subject,
        Some(Subject {
            owner: Owner(1),
            name: ADA.to_owned()
        })
    );
}

#[test]
fn only_who_is_held_can_be_touched() {
    let bench = Bench::new();
    assert_eq!(bench.rule_against(revoke(EVE)), "not-held");
    assert_eq!(
        bench.rule_against(get(&format!("{GRAPH}/users/{EVE}"))),
        "not-held"
    );
    bench.roster.settle(Owner(1)).unwrap();
    assert_eq!(bench.rule_against(revoke(ADA)), "not-held");
    assert_eq!(bench.rule_against(revoke(BOB)), "");
    bench.roster.drain();
    assert_eq!(bench.rule_against(revoke(BOB)), "draining");
    assert_eq!(bench.rule_against(get(&format!("{GRAPH}/users/{BOB}"))), "");
}

#[test]
fn a_name_from_a_field_that_the_call_does_not_use_is_nobodys() {
    let bench = Bench::new();
    bench
        .roster
        .hand_over(Owner(1), [("mail", "eve@contoso.com")]);
    assert_eq!(bench.rule_against(revoke("eve@contoso.com")), "not-held");
}

#[test]
fn nothing_is_changed_in_a_simulation_and_nothing_is_sent_in_a_description() {
    let mut bench = Bench::new();
    for mode in [Mode::Simulate, Mode::Check] {
        bench.mode = mode;
        assert_eq!(bench.rule_against(revoke(ADA)), "mode");
        let part = format!(
            r#"{{"requests":[{{"id":"1","method":"POST","url":"/users/{ADA}/revokeSignInSessions"}}]}}"#
        );
        assert_eq!(bench.rule_against(batch(part)), "mode");
        assert_eq!(bench.rule_against(get(&format!("{GRAPH}/users/{ADA}"))), "");
        assert_eq!(bench.rule_against(form("a=b")), "");
    }
    bench.mode = Mode::Describe;
    assert_eq!(bench.rule_against(form("a=b")), "mode");
    assert_eq!(
        bench.rule_against(get(&format!("{GRAPH}/users/{ADA}"))),
        "mode"
    );
}

#[test]
fn a_stand_in_passes_in_its_place_and_nowhere_else() {
    let bench = Bench::new();
    let secret = bench.stand_ins.of_field("client_secret").unwrap();
    let token = bench.token();
    let encoded = STANDARD.encode(format!("id:{secret}"));
    assert_eq!(
        bench.rule_against(form(format!("client_id=x&client_secret={secret}"))),
        ""
    );
    let bearer = |value: String| {
        let mut request = revoke(ADA);
        request
            .headers_mut()
            .insert("authorization", value.parse().unwrap());
        request
    };
    assert_eq!(bench.rule_against(bearer(format!("Bearer {token}"))), "");
    let url = format!("{GRAPH}/users/{ADA}/revokeSignInSessions");
    for request in [
        form(format!("client_id={secret}")),
        form(format!("client_secret={secret}x")),
        form(format!("client_secret=x{secret}")),
        form(format!("client_secret={token}")),
        form(format!("{secret}=x")),
        form(format!("client_id={encoded}")),
        form(format!("client_id={}&x={}", &secret[..16], &secret[16..])),
        form(format!("client_assertion={secret}")),
        bearer(format!("Bearer {secret}")),
        bearer(format!("Basic {encoded}")),
        bearer(format!("Bearer {token}{token}")),
        revoke(&secret),
        post(&format!(
            "{GRAPH}/users/{ADA}/revokeSignInSessions?{secret}=1"
        )),
        get(&format!("{GRAPH}/users/{ADA}?$select={secret}")),
        post(&format!("https://{}.example/x", secret.to_lowercase())),
        with_body(
            &url,
            "application/json",
            format!("{{\"a\":[\"{secret}\"]}}"),
        ),
        with_body(&url, "application/json", format!("{{\"{token}\":1}}")),
        with_body(
            &url,
            "application/json",
            format!("[\"\\u00{:02x}{}\"]", secret.as_bytes()[0], &secret[1..]),
        ),
        batch(format!(
            r#"{{"requests":[{{"id":"1","method":"GET","url":"/users/{ADA}?$select={secret}"}}]}}"#
        )),
        batch(format!(
            r#"{{"requests":[{{"id":"{secret}","method":"GET","url":"/users/{ADA}"}}]}}"#
        )),
    ] {
        let shown = format!("{request:?}");
        // A host name has no capitals, so what was a stand-in is none any more; it is not granted either.
        let refusal = bench.admit(request).err().unwrap();
        assert!(
            matches!(refusal.rule(), "stand-in" | "not-granted"),
            "{shown}: {refusal}"
        );
        assert!(!refusal.to_string().contains(&secret) && !refusal.to_string().contains(&token));
    }
}

#[test]
fn a_place_that_carries_a_secret_takes_nothing_else() {
    let bench = Bench::new();
    for value in [
        "Bearer eyJ.forged.token",
        "Basic eDp5",
        "Bearer ",
        "bearer x",
    ] {
        let mut request = revoke(ADA);
        request
            .headers_mut()
            .insert("authorization", value.parse().unwrap());
        assert_eq!(bench.rule_against(request), "not-its-stand-in", "{value}");
    }
    assert_eq!(
        bench.rule_against(form("client_secret=mine")),
        "not-its-stand-in"
    );
    assert_eq!(
        bench.rule_against(form("client_secret=")),
        "not-its-stand-in"
    );
    let json = with_body(
        "https://login.microsoftonline.com/log-in",
        "application/json",
        r#"{"auth":{"password":7}}"#,
    );
    assert_eq!(bench.rule_against(json), "not-its-stand-in");
}

#[test]
fn what_is_for_one_call_once_is_for_that_call_once() {
    let bench = Bench::new();
    let text = bench
        .stand_ins
        .once(Held::Assertion, "sign-in")
        .unwrap()
        .unwrap();
    let request = || form(format!("client_assertion={text}"));
    assert_eq!(bench.rule_against(request()), "");
    assert!(bench.stand_ins.get(&text).unwrap().take());
    assert_eq!(bench.rule_against(request()), "stand-in");
    let other = bench
        .stand_ins
        .once(Held::Assertion, "other")
        .unwrap()
        .unwrap();
    assert_eq!(
        bench.rule_against(form(format!("client_assertion={other}"))),
        "stand-in"
    );
}

#[test]
fn what_is_too_large_is_refused() {
    let mut bench = Bench::new();
    bench.limits.request_body = 8;
    bench.limits.target = 200;
    bench.limits.headers = 2;
    assert_eq!(bench.rule_against(form("a=1234567")), "limit");
    assert_eq!(bench.rule_against(revoke(&"x".repeat(200))), "limit");
    let mut request = revoke(ADA);
    for name in ["accept", "client-request-id", "content-type"] {
        request
            .headers_mut()
            .insert(name, "application/json".parse().unwrap());
    }
    assert_eq!(bench.rule_against(request), "limit");
}

#[test]
fn costs_of_parts_add_up() {
    let bench = Bench::new();
    let part = |id: u32| {
        format!(r#"{{"id":"{id}","method":"POST","url":"users/{ADA}/revokeSignInSessions"}}"#)
    };
    let body = format!(r#"{{"requests":[{},{}]}}"#, part(1), part(2));
    let admitted = bench.admit(batch(body)).unwrap();
    let mut costs = admitted.costs(&bench.grant);
    costs.sort_unstable();
    assert_eq!(costs, [(0, 2), (1, 2)]);
    assert_eq!(admitted.changed(), [Owner(1), Owner(1)]);
}

proptest! {
    /// Whatever a guest puts in place of a name: if it is admitted, the service reads the name of somebody who is held.
    #[test]
    fn an_admitted_path_names_who_is_held(name in "[a-zA-Z0-9@.%/\\\\;?#&=+ \u{e9}-]{0,12}|ada(@|%40)contoso(\\.|%2e|%2E|%252e)com") {
        let bench = Bench::new();
        let Ok(uri) = format!("{GRAPH}/users/{name}/revokeSignInSessions").parse::<Uri>() else { return Ok(()) };
        let mut request = post(GRAPH);
        *request.uri_mut() = uri;
        if let Ok(admitted) = bench.admit(request) {
            let path = admitted.uri.path().to_owned();
            let segments: Vec<&str> = path.split('/').collect();
            prop_assert_eq!(segments.len(), 5);
            let decoded = percent_decode(segments[3], false).unwrap().to_lowercase();
            prop_assert_eq!(decoded, "ada@contoso.com");
            prop_assert_eq!(admitted.uri.query(), None);
        }
    }

    /// Changing one letter of an admitted address anywhere leaves nothing that is admitted for somebody else.
    #[test]
    fn one_letter_changed_is_refused_or_means_the_same(at in 0_usize..90, letter in any::<u8>()) {
        let bench = Bench::new();
        let url = format!("{GRAPH}/users/{ADA}/revokeSignInSessions");
        let mut bytes = url.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = letter;
        let Ok(uri) = Uri::try_from(bytes.clone()) else { return Ok(()) };
        let mut request = post(GRAPH);
        *request.uri_mut() = uri;
        if let Ok(admitted) = bench.admit(request) {
            prop_assert_eq!(admitted.subject.unwrap().owner, Owner(1));
            prop_assert_eq!(admitted.uri.to_string(), url);
        }
    }
}
