//! Whole requests over real TLS: what the service sees, what the guest sees, and what is noted.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use support::{ADA, Desk, Proof, Reply, Run, SECRET, Service, TOKEN, ordinary, reply};
use tipstaff_egress::{
    CallRecord, End, Limits, Mode, Owner, Phase, Refusal, SecretError, SendError, Timeouts,
    WaitReason,
};

const BOTH: [&[&str]; 2] = [&["http/1.1"], &["h2", "http/1.1"]];

#[tokio::test]
async fn the_service_gets_the_secrets_and_the_guest_their_stand_ins() {
    for alpn in BOTH {
        let service = Service::start(alpn, Proof::Good, ordinary).await;
        let run = Run::new(&service);
        let token = run.sign_in().await;
        assert_ne!(token, TOKEN);
        let mut request = run.revoke();
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
            .headers_mut()
            .insert("client-request-id", "c-1".parse().unwrap());
        let answer = run.session.send(request).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (200, &br#"{"value":true}"#[..])
        );

        let arrived = service.arrived();
        assert_eq!(arrived.len(), 2);
        assert_eq!(
            arrived[0].body,
            "client_id=x&client_secret=s3cr3t%7Evalue.with%2Fodd%2Bletters"
        );
        assert_eq!(
            arrived[0].headers["content-length"],
            arrived[0].body.len().to_string().as_str()
        );
        assert_eq!(
            arrived[1].target,
            format!("/v1.0/users/{ADA}/revokeSignInSessions")
        );
        assert_eq!(
            arrived[1].headers["authorization"],
            format!("Bearer {TOKEN}").as_str()
        );
        assert_eq!(arrived[1].headers["content-length"], "0");
        assert_eq!(arrived[1].headers["accept-encoding"], "identity");
        let mut names: Vec<&str> = arrived[1]
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| *name != "host")
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "accept-encoding",
                "authorization",
                "client-request-id",
                "content-length",
                "user-agent"
            ]
        );

        let seen = run.roster.settle(Owner(1)).unwrap();
        assert_eq!(
            (seen.changes_sent, seen.changes_accepted, seen.last_status),
            (1, 1, Some(200))
        );
        assert_eq!(*run.desk.notes.lock().unwrap(), ["[Owner(1)]"]);
        assert_eq!(service.connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_record_says_what_happened_and_nothing_secret() {
    let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
    let run = Run::new(&service);
    let token = run.sign_in().await;
    let secret = run.session.stand_in("client_secret").unwrap();
    let mut request = run.look_up();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    run.session.send(request).await.unwrap();
    let evil = Request::post(format!("{}/v1.0/users/{secret}/x?{token}=1", run.base))
        .body(Bytes::from(secret.clone()))
        .unwrap();
    assert!(run.session.send(evil).await.is_err());
    let records = run.desk.records.lock().unwrap().clone();
    let lines: Vec<String> = records.iter().map(CallRecord::to_json_line).collect();
    assert_eq!(lines.len(), 3);
    let looked_up: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(looked_up["call"], "look-up");
    assert_eq!(looked_up["path"], format!("/v1.0/users/{ADA}"));
    assert_eq!(looked_up["template"], "{graph}/v1.0/users/*");
    assert_eq!(
        (&looked_up["status"], &looked_up["owner"]),
        (&200.into(), &1.into())
    );
    assert_eq!(
        (&looked_up["request_id"], &looked_up["end"]),
        (&"r-1".into(), &"answered".into())
    );
    assert_eq!(looked_up["remote"], service.address.to_string());
    let refused: serde_json::Value = serde_json::from_str(&lines[2]).unwrap();
    assert_eq!(
        (&refused["path"], &refused["rule"]),
        (&"…".into(), &"stand-in".into())
    );
    for line in &lines {
        for hidden in [SECRET, TOKEN, &token, &secret, "$select", "client_secret="] {
            assert!(!line.contains(hidden), "{hidden} in {line}");
        }
        assert!(!line.contains('\n'));
    }
}

#[tokio::test]
async fn redirects_are_given_to_the_guest_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let service = Service::start(BOTH[0], Proof::Good, move |_| {
            Reply::Answer(reply(
                status,
                &[("location", "https://service.example/elsewhere")],
                "",
            ))
        })
        .await;
        let run = Run::new(&service);
        let answer = run.session.send(run.look_up()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert!(!answer.headers().contains_key("location"));
        assert_eq!(service.arrived().len(), 1);
    }
}

#[tokio::test]
async fn nothing_leaves_that_could_not_be_noted_first() {
    let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
    let desk = Desk {
        refuses_to_note: true,
        ..Desk::default()
    };
    let run = Run::with(
        &service,
        service.options(),
        desk,
        Mode::Enforce,
        Limits::default(),
    );
    let error = run.session.send(run.revoke()).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Refused(Refusal::NotNoted { why }) if why == "the disk is full"),
        "{error}"
    );
    assert!(!error.may_have_left());
    assert!(service.arrived().is_empty());
    assert_eq!(run.roster.settle(Owner(1)).unwrap().changes_sent, 0);
}

#[tokio::test]
async fn no_secret_is_asked_for_before_its_request_was_admitted() {
    let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
    let run = Run::new(&service);
    let secret = run.session.stand_in("client_secret").unwrap();
    let body = format!("client_secret={secret}&client_secret={secret}");
    let request = Request::post(service.url("/contoso/oauth2/v2.0/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .unwrap();
    assert!(matches!(
        run.session.send(request).await,
        Err(SendError::Refused(Refusal::Body { .. }))
    ));
    assert_eq!(run.desk.revealed.load(Ordering::SeqCst), 0);
    run.sign_in().await;
    assert_eq!(run.desk.revealed.load(Ordering::SeqCst), 1);
    assert_eq!(run.session.stand_in("other"), None);
}

#[tokio::test]
async fn a_stand_in_of_another_session_is_nothing() {
    let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
    let (one, two) = (Run::new(&service), Run::new(&service));
    let token = one.sign_in().await;
    let mut request = two.revoke();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    assert!(matches!(
        two.session.send(request).await,
        Err(SendError::Refused(Refusal::NotItsStandIn { .. }))
    ));
    assert_eq!(service.arrived().len(), 1);
}

#[tokio::test]
async fn an_assertion_is_not_made_where_nothing_makes_it() {
    let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
    let run = Run::new(&service);
    assert!(matches!(
        run.session.assertion("sign-in"),
        Err(SecretError::NotSupported { .. })
    ));
    assert!(matches!(
        run.session.assertion("revoke"),
        Err(SecretError::Missing { .. })
    ));
    assert!(matches!(
        run.session.one_time_code("otp_secret", "sign-in"),
        Err(SecretError::Missing { .. })
    ));
}

#[tokio::test]
async fn what_is_made_is_made_for_its_call_and_held_until_the_answer() {
    let outstanding = Arc::new(AtomicUsize::new(0));
    let at_arrival = Arc::new(AtomicUsize::new(0));
    let (seen, counted) = (Arc::clone(&at_arrival), Arc::clone(&outstanding));
    let service = Service::start(BOTH[1], Proof::Good, move |arrived| {
        seen.store(counted.load(Ordering::SeqCst), Ordering::SeqCst);
        ordinary(arrived)
    })
    .await;
    let desk = Desk {
        makes: true,
        outstanding: Arc::clone(&outstanding),
        ..Desk::default()
    };
    let options = service.options();
    let run = Run::with(&service, options, desk, Mode::Enforce, Limits::default());
    let assertion = run.session.assertion("sign-in").unwrap();
    let send = || {
        Request::post(service.url("/contoso/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("client_assertion={assertion}")))
            .unwrap()
    };
    run.session.send(send()).await.unwrap();
    assert!(
        run.session.stand_in("otp_secret").is_none(),
        "no call makes a code"
    );
    let audience = service.url("/contoso/oauth2/v2.0/token");
    let made = format!("made:Assertion {{ audience: \"{audience}\" }}");
    assert_eq!(
        service.arrived()[0].body,
        url_encoded("client_assertion", &made)
    );
    assert_eq!(at_arrival.load(Ordering::SeqCst), 1);
    assert_eq!(outstanding.load(Ordering::SeqCst), 0);
    // It was good for one request.
    let again = run.session.send(send()).await;
    assert!(matches!(
        again,
        Err(SendError::Refused(Refusal::StandIn { .. }))
    ));
}

fn url_encoded(name: &str, value: &str) -> String {
    let mut out = format!("{name}=");
    for byte in value.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[tokio::test]
async fn cookies_stay_with_the_host_and_go_back_in_calls_of_their_jar() {
    for alpn in BOTH {
        let service = Service::start(alpn, Proof::Good, |arrived| {
            if arrived.target.ends_with("/authorize") {
                let cookie = ("set-cookie", "esctx=of-the-page; path=/; secure; HttpOnly");
                Reply::Answer(reply(200, &[cookie], "<html></html>"))
            } else {
                ordinary(arrived)
            }
        })
        .await;
        let run = Run::new(&service);
        let page = || {
            Request::get(service.url("/contoso/authorize"))
                .body(Bytes::new())
                .unwrap()
        };
        let answer = run.session.send(page()).await.unwrap();
        assert!(!answer.headers().contains_key("set-cookie"));
        run.sign_in().await;
        run.session.send(page()).await.unwrap();
        let cookies: Vec<Option<String>> = service
            .arrived()
            .iter()
            .map(|one| Some(one.headers.get("cookie")?.to_str().unwrap().to_owned()))
            .collect();
        assert_eq!(cookies, [None, None, Some("esctx=of-the-page".to_owned())]);
        // Another session has jars of its own.
        let other = Run::new(&service);
        other.session.send(page()).await.unwrap();
        assert!(!service.arrived()[3].headers.contains_key("cookie"));
    }
}

#[tokio::test]
async fn a_simulation_reaches_the_service_with_reads_only() {
    for mode in [Mode::Simulate, Mode::Check] {
        let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
        let run = Run::with(
            &service,
            service.options(),
            Desk::default(),
            mode,
            Limits::default(),
        );
        assert!(matches!(
            run.session.send(run.revoke()).await,
            Err(SendError::Refused(Refusal::Mode { .. }))
        ));
        run.sign_in().await;
        run.session.send(run.look_up()).await.unwrap();
        assert!(
            service
                .arrived()
                .iter()
                .all(|one| !one.target.contains("revoke"))
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_doubt() {
    for alpn in BOTH {
        let service = Service::start(alpn, Proof::Good, |_| Reply::Close).await;
        let run = Run::new(&service);
        let error = run.session.send(run.revoke()).await.unwrap_err();
        assert!(
            matches!(
                error,
                SendError::Broken {
                    may_have_left: true,
                    ..
                }
            ),
            "{error:?}"
        );
        let seen = run.roster.settle(Owner(1)).unwrap();
        assert_eq!(
            (seen.changes_sent, seen.changes_accepted, seen.last_status),
            (1, 0, None)
        );
        assert_eq!(service.arrived().len(), 1, "nothing is sent twice");
        assert!(matches!(
            run.last_record().end,
            End::Failed {
                may_have_left: true,
                ..
            }
        ));
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_so_long() {
    let service = Service::start(BOTH[1], Proof::Good, |_| Reply::Silence).await;
    let timeouts = Timeouts {
        first_byte: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let options = tipstaff_egress::ClientOptions {
        timeouts,
        ..service.options()
    };
    let run = Run::with(
        &service,
        options,
        Desk::default(),
        Mode::Enforce,
        Limits::default(),
    );
    let error = run.session.send(run.revoke()).await.unwrap_err();
    assert!(
        matches!(
            error,
            SendError::TimedOut {
                phase: Phase::FirstByte,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.may_have_left());
    assert_eq!(run.roster.settle(Owner(1)).unwrap().changes_sent, 1);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let service = Service::start(BOTH[0], Proof::Good, |_| {
        Reply::Answer(reply(200, &[], &"x".repeat(100_000)))
    })
    .await;
    let limits = Limits {
        answer_body: 10_000,
        ..Limits::default()
    };
    let run = Run::with(
        &service,
        service.options(),
        Desk::default(),
        Mode::Enforce,
        limits,
    );
    assert!(matches!(
        run.session.send(run.look_up()).await,
        Err(SendError::AnswerTooLarge { limit: 10_000, .. })
    ));
}

#[tokio::test]
async fn limits_of_a_session_are_kept() {
    let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
    let limits = Limits {
        requests: 2,
        ..Limits::default()
    };
    let run = Run::with(
        &service,
        service.options(),
        Desk::default(),
        Mode::Enforce,
        limits,
    );
    run.session.send(run.look_up()).await.unwrap();
    run.session.send(run.look_up()).await.unwrap();
    assert!(matches!(
        run.session.send(run.look_up()).await,
        Err(SendError::Refused(Refusal::Limit {
            limit: "requests",
            ..
        }))
    ));
    for limits in [
        Limits {
            bytes_in: 1,
            ..Limits::default()
        },
        Limits {
            bytes_out: 1,
            ..Limits::default()
        },
    ] {
        let run = Run::with(
            &service,
            service.options(),
            Desk::default(),
            Mode::Enforce,
            limits,
        );
        let body = || {
            Request::post(service.url("/contoso/oauth2/v2.0/token"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Bytes::from_static(b"a=b"))
                .unwrap()
        };
        assert!(run.session.send(body()).await.is_err());
    }
    assert_eq!(service.arrived().len(), 3);
}

#[tokio::test]
async fn requests_in_flight_are_bounded() {
    for alpn in BOTH {
        let late =
            |_: &support::Arrived| Reply::Late(Duration::from_millis(10), reply(200, &[], "{}"));
        let service = Service::start(alpn, Proof::Good, late).await;
        let limits = Limits {
            in_flight: 5,
            ..Limits::default()
        };
        let run = Run::with(
            &service,
            service.options(),
            Desk::default(),
            Mode::Enforce,
            limits,
        );
        let all = (0..40).map(|_| run.session.send(run.look_up()));
        for answer in futures::future::join_all(all).await {
            answer.unwrap();
        }
        assert_eq!(service.most_at_once.load(Ordering::SeqCst), 5);
        assert_eq!(service.arrived().len(), 40);
    }
}

#[tokio::test]
async fn a_closed_session_sends_nothing_and_waits_for_nothing() {
    let service = Service::start(BOTH[1], Proof::Good, |_| Reply::Silence).await;
    let run = Run::new(&service);
    let session = Arc::clone(&run.session);
    let request = run.revoke();
    let under_way = tokio::spawn(async move { session.send(request).await });
    while service.arrived().is_empty() {
        tokio::task::yield_now().await;
    }
    run.session.close();
    assert_eq!(
        under_way.await.unwrap().unwrap_err(),
        SendError::Closed {
            may_have_left: true
        }
    );
    assert_eq!(
        run.session.send(run.revoke()).await.unwrap_err(),
        SendError::Refused(Refusal::Closed)
    );
    assert_eq!(run.session.stand_in("client_secret"), None);
    assert!(!run.session.hold("writes", Duration::from_secs(1)));
    assert_eq!(service.arrived().len(), 1);
    let ends: Vec<End> = run
        .desk
        .records
        .lock()
        .unwrap()
        .iter()
        .map(|record| record.end.clone())
        .collect();
    assert_eq!(
        ends[0],
        End::GivenUp {
            may_have_left: true
        }
    );
    assert!(matches!(ends[1], End::Refused { rule: "closed", .. }));
    assert_eq!(run.roster.seen(Owner(1)).unwrap().changes_sent, 1);
}

#[tokio::test]
async fn a_request_that_is_dropped_is_recorded() {
    let service = Service::start(BOTH[0], Proof::Good, |_| Reply::Silence).await;
    let run = Run::new(&service);
    {
        let sending = run.session.send(run.revoke());
        let arrived = async {
            while service.arrived().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = sending => unreachable!("there is no answer"),
            () = arrived => {}
        }
    }
    assert_eq!(
        run.last_record().end,
        End::GivenUp {
            may_have_left: true
        }
    );
    assert_eq!(run.roster.seen(Owner(1)).unwrap().changes_sent, 1);
}

#[tokio::test]
async fn somebody_who_was_settled_while_the_request_waited_is_not_touched() {
    let service = Service::start(BOTH[0], Proof::Good, ordinary).await;
    let run = Run::new(&service);
    assert!(run.session.hold("writes", Duration::from_millis(30)));
    let settle = async {
        tokio::task::yield_now().await;
        run.roster.settle(Owner(1)).unwrap()
    };
    let (sent, seen) = tokio::join!(run.session.send(run.revoke()), settle);
    assert!(matches!(
        sent,
        Err(SendError::Refused(Refusal::NotHeld { .. }))
    ));
    assert_eq!(seen.changes_sent, 0);
    assert!(service.arrived().is_empty());
    assert_eq!(run.desk.waits.lock().unwrap()[0].why, WaitReason::Hold);
}

#[tokio::test]
async fn who_asks_to_wait_is_given_time() {
    let times = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&times);
    let service = Service::start(BOTH[0], Proof::Good, move |_| {
        Reply::Answer(match counted.fetch_add(1, Ordering::SeqCst) {
            0 => reply(429, &[("retry-after", "0.2")], "{}"),
            _ => reply(200, &[], "{}"),
        })
    })
    .await;
    let run = Run::new(&service);
    let start = std::time::Instant::now();
    let first = run.session.send(run.revoke()).await.unwrap();
    assert_eq!(
        (
            first.status().as_u16(),
            first.headers()["retry-after"].as_bytes()
        ),
        (429, &b"0.2"[..])
    );
    run.session.send(run.look_up()).await.unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "a call that costs nothing does not wait"
    );
    run.session.send(run.revoke()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert!(run.last_record().waited >= Duration::from_millis(100));
}

#[tokio::test]
async fn parts_are_counted_by_their_own_answers() {
    let service = Service::start(BOTH[0], Proof::Good, |arrived: &support::Arrived| {
        assert!(arrived.target.ends_with("$batch"));
        Reply::Answer(reply(200, &[], r#"{"responses":[{"id":"2","status":404,"body":{}},{"id":"1","status":200,"body":{"value":true}}]}"#))
    })
    .await;
    let run = Run::new(&service);
    let body = format!(
        r#"{{"requests":[{{"id":"1","method":"POST","url":"/users/{ADA}/revokeSignInSessions"}},{{"id":"2","method":"GET","url":"/users/{ADA}"}}]}}"#
    );
    let request = Request::post(service.url("/v1.0/$batch"))
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .unwrap();
    run.session.send(request).await.unwrap();
    let seen = run.roster.settle(Owner(1)).unwrap();
    assert_eq!((seen.changes_sent, seen.changes_accepted), (1, 1));
    let record = run.last_record();
    let parts: Vec<_> = record
        .parts
        .iter()
        .map(|part| {
            (
                part.id.as_str(),
                part.call.as_str(),
                part.owner,
                part.status,
            )
        })
        .collect();
    assert_eq!(
        parts,
        [
            ("1", "revoke", Some(Owner(1)), Some(200)),
            ("2", "look-up", Some(Owner(1)), Some(404))
        ]
    );
}
