//! What a guest sees of an answer, and what the host takes from it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod literals;
mod pages;
mod properties;

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::FutureExt;

use super::*;
use crate::answer::{Findings, take_down};
use crate::pace::News;
use crate::roster::Owner;
use crate::secret::Secret;
use crate::testing::{ADA, BOB, Bench, batch, form, get, post};
use crate::witness::{SecretError, Secrets};

const SECRET: &str = "s3cr3t~value.with/odd+letters";

struct Vault;

impl Secrets for Vault {
    fn has(&self, _: &str) -> bool {
        true
    }

    fn reveal<'a>(
        &'a self,
        _: &'a str,
    ) -> futures::future::BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(std::future::ready(Ok(Secret::new(SECRET.to_owned()))))
    }
}

/// A token as the service makes them.
fn token() -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = r#"{"aud":"https://graph.microsoft.com","exp":1,"roles":["A"],"oid":"o"}"#;
    format!(
        "{}.{}.{}",
        part(r#"{"typ":"JWT","alg":"RS256"}"#),
        part(claims),
        part("a signature that nobody may see")
    )
}

fn exchange(status: u16, headers: &[(&'static str, &str)], body: impl AsRef<[u8]>) -> Exchange {
    let mut head = Response::new(()).into_parts().0;
    head.status = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        head.headers.append(*name, value.parse().unwrap());
    }
    Exchange {
        head,
        body: zeroize::Zeroizing::new(body.as_ref().to_vec()),
        remote: ([127, 0, 0, 1], 443).into(),
    }
}

/// The answer to a request, judged and released.
fn released(
    bench: &Bench,
    request: http::Request<Bytes>,
    exchange: &Exchange,
) -> Result<Response<Bytes>, Withheld> {
    let admitted = bench.admit(request).unwrap();
    let rule = bench.grant.rule(admitted.rule);
    let sealed = crate::swap::seal(
        &admitted,
        rule.method.clone(),
        &rule.id,
        &bench.stand_ins,
        &Vault,
    );
    let sealed = sealed.now_or_never().unwrap().unwrap();
    let reading = Reading::of(&exchange.body);
    release(
        &bench.grant,
        &admitted,
        exchange,
        &reading,
        sealed.kept(),
        &bench.stand_ins,
        &bench.jars,
    )
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

fn sign_in(bench: &Bench) -> http::Request<Bytes> {
    form(format!(
        "client_secret={}",
        bench.stand_ins.of_field("client_secret").unwrap()
    ))
}

fn found(bench: &Bench, request: http::Request<Bytes>, exchange: &Exchange) -> Findings {
    let admitted = bench.admit(request).unwrap();
    let reading = Reading::of(&exchange.body);
    let head = &exchange.head;
    let now = SystemTime::UNIX_EPOCH;
    take_down(
        &bench.grant,
        &admitted,
        head.status,
        &head.headers,
        reading.document(),
        &bench.roster,
        now,
    )
}

#[test]
fn a_token_is_sealed_and_its_stand_in_has_its_shape() {
    let bench = Bench::new();
    let real = token();
    let body = format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{real}"}}"#);
    let response = released(
        &bench,
        sign_in(&bench),
        &exchange(200, &[("content-length", "1")], body),
    )
    .unwrap();
    let read: serde_json::Value = serde_json::from_str(text(&response)).unwrap();
    let stand_in = read["access_token"].as_str().unwrap();
    assert_ne!(stand_in, real);
    assert_eq!(stand_in.split('.').count(), 3);
    let claims = URL_SAFE_NO_PAD
        .decode(stand_in.split('.').nth(1).unwrap())
        .unwrap();
    assert_eq!(
        claims,
        br#"{"aud":"https://graph.microsoft.com","exp":1,"roles":["A"]}"#
    );
    assert_eq!(
        bench
            .stand_ins
            .get(stand_in)
            .unwrap()
            .sealed
            .as_ref()
            .unwrap()
            .expose(),
        real
    );
    assert_eq!(
        response.headers()["content-length"],
        response.body().len().to_string().as_str()
    );
    assert_eq!(read["expires_in"], 3599);
}

#[test]
fn an_opaque_token_becomes_32_letters_wherever_it_is() {
    let bench = Bench::new();
    let body = r#"{"access_token":"opaque-token-value","echo":{"a":["x opaque-token-value y"]},"opaque-token-value":1,"b":"opaque\u002dtoken-value"}"#;
    let response = released(
        &bench,
        sign_in(&bench),
        &exchange(200, &[("date", "opaque-token-value")], body),
    )
    .unwrap();
    let read: serde_json::Value = serde_json::from_str(text(&response)).unwrap();
    let stand_in = read["access_token"].as_str().unwrap().to_owned();
    assert_eq!(stand_in.len(), 32);
    assert!(!text(&response).contains("opaque"));
    assert_eq!(
        read["echo"]["a"][0].as_str().unwrap(),
        format!("x {stand_in} y")
    );
    assert_eq!(read["b"].as_str().unwrap(), stand_in);
    assert_eq!(response.headers()["date"], stand_in.as_str());
}

#[test]
fn a_value_that_comes_back_encoded_is_withheld() {
    let bench = Bench::new();
    let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
    let percent: String = SECRET.bytes().map(|b| format!("%{b:02x}")).collect();
    for echo in [
        STANDARD.encode(SECRET),
        STANDARD.encode(format!("id:{SECRET}")),
        URL_SAFE_NO_PAD.encode(format!("ab{SECRET}cd")),
        STANDARD.encode(STANDARD.encode(SECRET)),
        hex.clone(),
        hex.to_uppercase(),
        percent,
    ] {
        for body in [
            format!(r#"{{"error":"{echo}"}}"#),
            format!("<html>{echo}</html>"),
        ] {
            let withheld =
                released(&bench, sign_in(&bench), &exchange(400, &[], &body)).unwrap_err();
            assert!(
                matches!(withheld, Withheld::Reflected { .. }),
                "{body}: {withheld}"
            );
            assert!(!withheld.to_string().contains(SECRET));
        }
        let header = exchange(400, &[("request-id", echo.as_str())], "{}");
        assert!(
            matches!(
                released(&bench, sign_in(&bench), &header),
                Err(Withheld::Reflected { .. })
            ),
            "{echo}"
        );
    }
}

#[test]
fn a_value_that_comes_back_as_it_is_becomes_its_stand_in() {
    let bench = Bench::new();
    let stand_in = bench.stand_ins.of_field("client_secret").unwrap();
    for (body, expected) in [
        (
            format!(r#"{{"error":"wrong secret {SECRET}."}}"#),
            format!(r#"{{"error":"wrong secret {stand_in}."}}"#),
        ),
        (format!("<p>{SECRET}</p>"), format!("<p>{stand_in}</p>")),
    ] {
        let response = released(&bench, sign_in(&bench), &exchange(401, &[], body)).unwrap();
        assert_eq!(text(&response), expected);
    }
}

#[test]
fn what_looks_like_a_token_and_was_not_declared_is_withheld() {
    let bench = Bench::new();
    let real = token();
    let nested = serde_json::to_string(r#"{"refresh_token":"abc"}"#).unwrap();
    for body in [
        format!(r#"{{"value":"{real}"}}"#),
        format!(r#"{{"access_token":"opaque-enough","other":"x{real}"}}"#),
        r#"{"id_token":"abc"}"#.to_owned(),
        r#"{"a":[{"Refresh_Token":"abc"}]}"#.to_owned(),
        r#"{"refresh\u005ftoken":"abc"}"#.to_owned(),
        format!(r#"{{"text":{nested}}}"#),
        format!("<script>var t='{real}'</script>"),
        "access_token=abc&token_type=Bearer".to_owned(),
        format!(r#"{{"value":"{}"}}"#, STANDARD.encode(&real)),
        format!(r#"{{"value":"{}"}}"#, real.replace('.', "%2E")),
        String::from_utf8(real.bytes().flat_map(|b| [b, 0]).collect()).unwrap(),
    ] {
        let request = if body.contains("opaque-enough") {
            sign_in(&bench)
        } else {
            get_ada()
        };
        let withheld = released(&bench, request, &exchange(200, &[], &body)).unwrap_err();
        assert!(
            matches!(withheld, Withheld::Undeclared { .. }),
            "{body}: {withheld}"
        );
    }
}

#[test]
fn what_only_speaks_of_tokens_passes() {
    let bench = Bench::new();
    for body in [
        r#"{"error":"interaction_required","claims":"{\"access_token\":{\"nbf\":{\"essential\":true}}}"}"#,
        r#"{"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=abc","id_token":null,"x_token":""}"#,
        r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean","value":true}"#,
        "<html><body>Bad gateway</body></html>",
        "{\"value\":tr",
        "",
    ] {
        let response = released(&bench, get_ada(), &exchange(200, &[], body)).unwrap();
        assert_eq!(text(&response), body);
    }
}

fn get_ada() -> http::Request<Bytes> {
    get(&format!("https://graph.microsoft.com/v1.0/users/{ADA}"))
}

#[test]
fn answers_that_nobody_can_judge_are_withheld() {
    let bench = Bench::new();
    let gzip = exchange(200, &[("content-encoding", "gzip")], "{}");
    assert_eq!(
        released(&bench, get_ada(), &gzip).unwrap_err(),
        Withheld::Compressed
    );
    let twice = exchange(200, &[], r#"{"a":1,"a":2}"#);
    assert!(matches!(
        released(&bench, get_ada(), &twice),
        Err(Withheld::Ambiguous { .. })
    ));
    let garbage = exchange(200, &[], "{\"access_to");
    assert!(matches!(
        released(&bench, sign_in(&bench), &garbage),
        Err(Withheld::Unreadable { .. })
    ));
    let number = exchange(200, &[], r#"{"access_token":7}"#);
    assert!(matches!(
        released(&bench, sign_in(&bench), &number),
        Err(Withheld::Unreadable { .. })
    ));
}

#[test]
fn headers_pass_by_the_list() {
    let bench = Bench::new();
    let headers = [
        ("content-type", "application/json"),
        ("date", "Wed, 25 Feb 2026 21:22:35 GMT"),
        ("request-id", "abc"),
        ("retry-after", "1"),
        ("set-cookie", "a=b"),
        ("location", "https://evil.example/"),
        ("x-ms-ags-diagnostic", "{}"),
        ("connection", "close"),
    ];
    let response = released(&bench, get_ada(), &exchange(302, &headers, "")).unwrap();
    let mut names: Vec<&str> = response.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "date", "request-id", "retry-after"]);
    assert_eq!(response.status(), StatusCode::FOUND);
}

fn two_parts(bench: &Bench) -> http::Request<Bytes> {
    let body = format!(
        r#"{{"requests":[{{"id":"a","method":"POST","url":"/users/{ADA}/revokeSignInSessions"}},{{"id":"B","method":"GET","url":"/users/bob%23ext%23@contoso.com"}}]}}"#
    );
    let mut request = batch(body);
    request.headers_mut().insert(
        "authorization",
        format!("Bearer {}", bench.token()).parse().unwrap(),
    );
    request
}

#[test]
fn parts_of_an_answer_are_matched_filtered_and_written_anew() {
    let bench = Bench::new();
    let body = r#"{ "@x": 1, "responses": [
        {"id":"b","status":200,"headers":{"Request-Id":"r","X-Other":"x","Set-Cookie":"c"},"body":{"id":"i"},"more":1},
        {"id":"A","status":403,"body":{"error":{}}},
        {"id":"stranger","status":200,"headers":{"request-id":"r","Date":"d"}}
    ]}"#;
    let answer = exchange(200, &[], body);
    let response = released(&bench, two_parts(&bench), &answer).unwrap();
    assert_eq!(
        text(&response),
        r#"{"responses":[{"id":"b","status":200,"headers":{"Request-Id":"r"},"body":{"id":"i"}},{"id":"A","status":403,"body":{"error":{}}},{"id":"stranger","status":200,"headers":{"Date":"d"}}]}"#
    );
    let findings = found(&bench, two_parts(&bench), &answer);
    assert_eq!(findings.parts, [Some(403), Some(200)]);
}

#[test]
fn an_id_that_is_answered_twice_is_answered_by_nobody() {
    let bench = Bench::new();
    let body = r#"{"responses":[{"id":"a","status":404},{"id":"A","status":200},{"id":"b","status":200,"body":{}}]}"#;
    let answer = exchange(200, &[], body);
    let response = released(&bench, two_parts(&bench), &answer).unwrap();
    assert_eq!(
        text(&response),
        r#"{"responses":[{"id":"b","status":200,"body":{}}]}"#
    );
    let findings = found(&bench, two_parts(&bench), &answer);
    assert_eq!(findings.parts, [None, Some(200)]);
    assert_eq!(bench.roster.seen(Owner(1)).unwrap().changes_accepted, 0);
}

#[test]
fn a_change_counts_as_accepted_by_its_own_status_only() {
    let bench = Bench::new();
    let seen = |owner| bench.roster.seen(Owner(owner)).unwrap();
    let answer = |status: u16| {
        exchange(
            200,
            &[],
            format!(r#"{{"responses":[{{"id":"a","status":{status}}}]}}"#),
        )
    };
    found(&bench, two_parts(&bench), &answer(403));
    assert_eq!(
        (seen(1).changes_accepted, seen(1).last_status),
        (0, Some(403))
    );
    found(
        &bench,
        two_parts(&bench),
        &exchange(200, &[], r#"{"responses":[{"id":"a","status":"200"}]}"#),
    );
    found(
        &bench,
        two_parts(&bench),
        &exchange(500, &[], r#"{"responses":[{"id":"a","status":200}]}"#),
    );
    found(&bench, two_parts(&bench), &exchange(200, &[], "<html>"));
    assert_eq!(seen(1).changes_accepted, 0);
    found(&bench, two_parts(&bench), &answer(204));
    assert_eq!(
        (seen(1).changes_accepted, seen(1).last_status),
        (1, Some(204))
    );
    let alone = post(&format!(
        "https://graph.microsoft.com/v1.0/users/{BOB}/revokeSignInSessions"
    ));
    found(&bench, alone, &exchange(200, &[], ""));
    assert_eq!(
        (seen(2).changes_accepted, seen(2).last_status),
        (1, Some(200))
    );
}

#[test]
fn names_are_learnt_from_one_match_that_echoes() {
    let name = |bench: &Bench, text: &str| bench.roster.owner_of(text);
    let by_mail =
        || get("https://graph.microsoft.com/v1.0/users?$filter=mail%20eq%20'ada@contoso.com'");
    for (body, learnt) in [
        (
            r#"{"value":[{"id":"new","userPrincipalName":"ADA@contoso.com"}]}"#,
            true,
        ),
        (
            r#"{"value":[{"id":"new","userPrincipalName":["x","ada@contoso.com"]}]}"#,
            true,
        ),
        (
            r#"{"value":[{"id":"new","userPrincipalName":"eve@contoso.com"}]}"#,
            false,
        ),
        (
            r#"{"value":[{"id":"new","userPrincipalName":"ada@contoso.com"},{"id":"x"}]}"#,
            false,
        ),
        (r#"{"value":[]}"#, false),
        (
            r#"{"@odata.nextLink":"x","value":[{"id":"new","userPrincipalName":"ada@contoso.com"}]}"#,
            false,
        ),
        (
            r#"{"id":"new","userPrincipalName":"ada@contoso.com"}"#,
            false,
        ),
        (
            r#"{"value":[{"id":7,"userPrincipalName":"ada@contoso.com"}]}"#,
            false,
        ),
    ] {
        let bench = Bench::new();
        found(&bench, by_mail(), &exchange(200, &[], body));
        assert_eq!(name(&bench, "NEW"), learnt.then_some(Owner(1)), "{body}");
    }
    let bench = Bench::new();
    let upn = || get("https://graph.microsoft.com/v1.0/users/ada@contoso.com");
    found(
        &bench,
        upn(),
        &exchange(
            201,
            &[],
            r#"{"id":"new","userPrincipalName":"ada@contoso.com"}"#,
        ),
    );
    assert_eq!(name(&bench, "new"), None);
    found(
        &bench,
        upn(),
        &exchange(
            200,
            &[],
            r#"{"id":"new","userPrincipalName":"ada@contoso.com"}"#,
        ),
    );
    assert_eq!(name(&bench, "new"), Some(Owner(1)));
    assert_eq!(
        bench.rule_against(post(
            "https://graph.microsoft.com/v1.0/users/new/revokeSignInSessions"
        )),
        ""
    );
}

#[test]
fn who_asks_to_wait_holds_the_lanes_of_the_call() {
    let bench = Bench::new();
    let holds = |request, answer: Exchange| {
        let findings = found(&bench, request, &answer);
        assert!(!findings.good);
        let mut holds: Vec<_> = findings
            .lanes
            .iter()
            .filter_map(|(lane, news)| Some((*lane, news.wait?)))
            .collect();
        holds.sort_unstable();
        holds
    };
    let wait = Duration::from_secs(7);
    assert_eq!(
        holds(get_ada(), exchange(429, &[("retry-after", "7")], "")),
        [(1, wait)]
    );
    assert_eq!(
        holds(
            two_parts(&bench),
            exchange(503, &[("retry-after", "7")], "")
        ),
        [(0, wait), (1, wait)]
    );
    let part = r#"{"responses":[{"id":"a","status":429,"headers":{"RETRY-AFTER":"7"}},{"id":"b","status":200}]}"#;
    assert_eq!(
        holds(two_parts(&bench), exchange(200, &[], part)),
        [(0, wait), (1, wait)]
    );
    assert_eq!(holds(get_ada(), exchange(429, &[], "")), []);
    assert!(
        found(
            &bench,
            get_ada(),
            &exchange(200, &[("retry-after", "7")], "")
        )
        .lanes
        .is_empty()
    );
}

#[test]
fn a_share_that_is_told_is_about_the_lanes_of_its_part_that_name_its_header() {
    let bench = Bench::new();
    let of = |request, answer: Exchange| {
        let mut lanes = found(&bench, request, &answer).lanes;
        lanes.sort_unstable_by_key(|(lane, _)| *lane);
        lanes
    };
    let told = |used| News {
        used: Some(used),
        ..News::default()
    };
    // Look-ups cost no writes, and resource units are told of in no header here.
    let part = r#"{"responses":[{"id":"a","status":200,"headers":{"X-Used":"0.85"}},{"id":"b","status":200,"headers":{"x-used":"0.9"}}]}"#;
    assert_eq!(
        of(two_parts(&bench), exchange(200, &[], part)),
        [(0, told(0.85))]
    );
    let refused = News {
        refused: true,
        ..told(1.25)
    };
    let (writes, units) = (
        refused,
        News {
            used: None,
            ..refused
        },
    );
    assert_eq!(
        of(two_parts(&bench), exchange(429, &[("x-used", "1.25")], "")),
        [(0, writes), (1, units)]
    );
    for nonsense in ["", "NaN", "inf", "-1", "1e3", "0x1", "0.9.9"] {
        let answer = exchange(200, &[("x-used", nonsense)], "");
        assert_eq!(of(two_parts(&bench), answer), [], "{nonsense}");
    }
}

#[test]
fn what_is_carried_leaves_in_its_place() {
    let bench = Bench::new();
    let sealed = |request| {
        let admitted = bench.admit(request).unwrap();
        let rule = bench.grant.rule(admitted.rule);
        let sealed = crate::swap::seal(
            &admitted,
            rule.method.clone(),
            &rule.id,
            &bench.stand_ins,
            &Vault,
        );
        sealed.now_or_never().unwrap().unwrap()
    };
    let out = sealed(form(format!(
        "a=b+c&client_secret={}",
        bench.stand_ins.of_field("client_secret").unwrap()
    )));
    assert_eq!(
        &out.outgoing().body[..],
        b"a=b+c&client_secret=s3cr3t%7Evalue.with%2Fodd%2Bletters"
    );
    assert_eq!(out.outgoing().headers["accept-encoding"], "identity");
    assert!(
        out.outgoing().headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("tipstaff/")
    );
    let out = sealed(two_parts(&bench));
    assert_eq!(
        out.outgoing().headers["authorization"],
        "Bearer the.real.token-of-the-service"
    );
    assert!(out.outgoing().headers["authorization"].is_sensitive());
    let key = bench.stand_ins.of_field("api_key").unwrap();
    let password = bench.stand_ins.of_field("password").unwrap();
    let mut request = crate::testing::with_body(
        "https://login.microsoftonline.com/log-in",
        "application/json",
        format!(r#"{{"auth":{{"password":"{password}","name":"x"}}}}"#),
    );
    request
        .headers_mut()
        .insert("x-api-key", key.parse().unwrap());
    let out = sealed(request);
    assert_eq!(out.outgoing().headers["x-api-key"], SECRET);
    assert_eq!(
        &out.outgoing().body[..],
        format!(r#"{{"auth":{{"password":"{SECRET}","name":"x"}}}}"#).as_bytes()
    );
}

fn text_of(response: &Response<Bytes>) -> String {
    String::from_utf8_lossy(response.body()).into_owned()
}
