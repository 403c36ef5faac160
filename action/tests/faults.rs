//! What goes wrong, and what is said of it. Tests are named for rows of the checklist of what the wire demands.

mod world;

use revoke_user_sessions::service::{Ending, Mode, Verdict};
use std::time::Duration;
use world::wire::base64;
use world::{Fault, Kind, World, assets, by_name, enforce, evidence, id, of, verdict};

/// A tenant of one user whose revokes meet `fault` for the first `times`.
fn revokes_meet(times: u32, fault: Fault) -> World {
    World::of(1)
        .script(move |kind, _, nth| (kind == Kind::Revoke && nth <= times).then(|| fault.clone()))
}

fn stopped(ending: &Ending) -> &str {
    let Ending::Stopped(why) = ending else {
        return "";
    };
    why
}

#[test]
fn a4_wrong_credentials_are_not_tried_twice_and_say_what_to_do() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. access_token \"stand/in+secret\"",
        "error_codes":[7000215],"timestamp":"2026-08-13 21:24:29Z","trace_id":"00000000-0000-4000-8000-0000000000aa","claims":"{\"access_token\":{}}"}"#;
    let world = World::of(1)
        .script(move |kind, _, _| (kind == Kind::Token).then(|| Fault::body(401, body)));
    let (outcomes, ending) = enforce(&world, assets([1, 2]));
    assert_eq!(
        stopped(&ending),
        "The sign-in failed: the client secret is wrong: paste the secret's value, not its id, and check that it belongs \
         to this application (AADSTS7000215, invalid_client, HTTP 401, trace id 00000000-0000-4000-8000-0000000000aa)."
    );
    assert_eq!(world.requests(Kind::Token).len(), 1);
    assert_eq!(world.journal.borrow().len(), 1);
    for asset in ["a1", "a2"] {
        assert_eq!(
            verdict(&outcomes, asset),
            (Verdict::NotAttempted, "stopped")
        );
        assert!(of(&outcomes, asset).message.contains("AADSTS7000215"));
    }
}

#[test]
fn a4_a20_nothing_of_the_token_endpoints_text_is_repeated() {
    for body in [
        "<html>SENTINEL</html>",
        r#"{"error":"SENTINEL x","error_description":"SENTINEL"}"#,
        "{\"error\":7}",
    ] {
        for status in [200, 400, 401, 403, 404, 302] {
            let world = World::of(1)
                .script(move |kind, _, _| (kind == Kind::Token).then(|| Fault::body(status, body)));
            let (outcomes, ending) = enforce(&world, assets([1]));
            assert_eq!(
                verdict(&outcomes, "a1"),
                (Verdict::NotAttempted, "stopped"),
                "{status} {body}"
            );
            let said = format!("{outcomes:?} {ending:?} {:?}", world.logs.borrow());
            assert!(
                !said.contains("SENTINEL") && !said.contains("stand/in"),
                "{said}"
            );
        }
    }
}

#[test]
fn a4_passing_faults_of_the_sign_in_are_tried_again_within_bounds() {
    let busy = Fault::body(503, "busy").with("Retry-After", "7");
    let passing = busy.clone();
    let world = World::of(1)
        .script(move |kind, _, nth| (kind == Kind::Token && nth < 3).then(|| passing.clone()));
    let (outcomes, _) = enforce(&world, assets([1]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Succeeded, "revoked"));
    assert!(
        world.clock.now() >= Duration::from_secs(14),
        "{:?}",
        world.clock.now()
    );

    let world = World::of(1).script(move |kind, _, _| (kind == Kind::Token).then(|| busy.clone()));
    let (outcomes, _) = enforce(&world, assets([1]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::NotAttempted, "stopped"));
    assert_eq!(world.requests(Kind::Token).len(), 4);
}

#[test]
fn a_connection_without_what_it_takes_sends_nothing() {
    for (missing, secret) in [
        ("client_id", false),
        ("tenant_id", false),
        ("client_secret", true),
    ] {
        let world = World::of(1);
        if secret {
            world.secrets.borrow_mut().remove(missing);
        } else {
            world.fields.borrow_mut().remove(missing);
        }
        let (outcomes, ending) = enforce(&world, assets([1]));
        assert_eq!(verdict(&outcomes, "a1"), (Verdict::NotAttempted, "stopped"));
        assert!(
            stopped(&ending).contains(&format!("`{missing}`")),
            "{ending:?}"
        );
        assert!(world.journal.borrow().is_empty());
    }
    let world = World::of(1);
    let (outcomes, ending) = world.run(Mode::Enforce, r#"{"max_tries":99}"#, assets([1]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::NotAttempted, "stopped"));
    assert!(stopped(&ending).contains("`max_tries`"), "{ending:?}");
}

#[test]
fn a6_without_the_right_to_read_it_revokes_blind_and_says_so() {
    let world = World::of(60).script(|kind, _, _| {
        matches!(kind, Kind::LookUp | Kind::Find)
            .then(|| Fault::code(403, "Authorization_RequestDenied"))
    });
    world.add(61, |user| {
        user.user_type = "Guest";
        user.principal = "eve_fabrikam.example#EXT#@contoso.example".into();
    });
    let mut given = by_name(1..=60);
    given.push(world::asset(
        "ext",
        r#"{"username":"eve_fabrikam.example#EXT#@contoso.example"}"#,
    ));
    given.push(world::asset(
        "guest",
        &format!(r#"{{"id":"{}","user_type":"Guest"}}"#, id(61)),
    ));
    given.push(world::asset(
        "dollar",
        r#"{"username":"$svc@contoso.example"}"#,
    ));
    given.push(world::asset(
        "unknown",
        r#"{"username":"nobody@contoso.example"}"#,
    ));
    let (outcomes, ending) = world.run_in_chunks(Mode::Enforce, "{}", given, 20);
    assert_eq!(ending, Ending::Complete);
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Succeeded, "revoked"));
    assert!(
        of(&outcomes, "a1").message.contains("Not checked"),
        "{}",
        of(&outcomes, "a1").message
    );
    assert_eq!(evidence(&outcomes, "a1")["looked_up"], false);
    assert_eq!(
        verdict(&outcomes, "ext"),
        (Verdict::Skipped, "no-effect-guest")
    );
    assert_eq!(
        verdict(&outcomes, "guest"),
        (Verdict::Skipped, "no-effect-guest")
    );
    assert_eq!(
        verdict(&outcomes, "dollar"),
        (Verdict::Failed, "refused-by-service")
    );
    assert_eq!(
        verdict(&outcomes, "unknown"),
        (Verdict::Failed, "not-found")
    );
    assert_eq!(
        world
            .logs
            .borrow()
            .iter()
            .filter(|line| line.contains("may not read users"))
            .count(),
        1
    );
}

#[test]
fn a11_where_batches_are_refused_plain_requests_do() {
    for status in [400, 404, 405, 413, 501] {
        let world = World::of(30)
            .script(move |kind, _, _| (kind == Kind::Batch).then(|| Fault::status(status)));
        let (outcomes, ending) = enforce(&world, assets(1..=30));
        assert_eq!(ending, Ending::Complete);
        assert!(
            outcomes.iter().all(|outcome| outcome.code == "revoked"),
            "{status}"
        );
        assert!(world.requests(Kind::Batch).len() <= 16);
    }
}

#[test]
fn a13_a_throttled_part_waits_as_long_as_it_is_told_and_so_does_the_run() {
    for (header, least) in [
        ("30", 30.0),
        ("2.128", 2.1),
        ("Mon, 23 Nov 2026 08:00:20 GMT", 19.0),
    ] {
        let world = World::of(200).script(move |kind, name, nth| {
            (kind == Kind::Revoke && name == id(3) && nth == 1)
                .then(|| Fault::status(429).with("rEtRy-AfTeR", header))
        });
        let (outcomes, _) = world.run(Mode::Enforce, r#"{"batches_in_flight":2}"#, assets(1..=200));
        assert!(outcomes.iter().all(|outcome| outcome.code == "revoked"));
        let journal = world.journal.borrow();
        let gap = journal
            .windows(2)
            .map(|two| (two[1].at - two[0].at).as_secs_f64())
            .fold(0.0, f64::max);
        assert!(gap >= least, "{header}: {gap}");
        let holds = world.holds.borrow();
        assert!(
            holds.len() == 1 && holds[0].0 == "writes" && holds[0].1.as_secs_f64() >= least,
            "{holds:?}"
        );
        assert_eq!(evidence(&outcomes, "a3")["attempts"], 2);
    }
}

#[test]
fn a13_what_may_go_better_is_tried_again() {
    for fault in [
        Fault::status(409),
        Fault::status(429),
        Fault::status(500),
        Fault::body(500, r#"{"error":{"code":"UnknownError","message":""}}"#),
        Fault::status(502),
        Fault::body(503, "<html>busy</html>"),
        Fault::status(504),
        Fault::status(509),
        Fault::status(424),
        Fault::Lost { effect: false },
        Fault::Lost { effect: true },
        Fault::Unreachable { lasting: false },
    ] {
        for kind in [Kind::LookUp, Kind::Revoke] {
            let meets = fault.clone();
            let world = World::of(1)
                .script(move |k, _, nth| (k == kind && nth <= 2).then(|| meets.clone()));
            let (outcomes, ending) = enforce(&world, assets([1]));
            assert_eq!(
                verdict(&outcomes, "a1"),
                (Verdict::Succeeded, "revoked"),
                "{kind:?} {fault:?}"
            );
            assert_eq!(ending, Ending::Complete);
            assert!(
                world.clock.now() >= Duration::from_millis(2_250),
                "1 and 2 s, less the jitter"
            );
        }
    }
}

#[test]
fn a13_tries_are_bounded_and_the_verdict_is_true() {
    use Verdict::{Failed, InDoubt, NotAttempted};
    for (fault, verdict_of_revoke, verdict_of_look_up, code) in [
        (Fault::status(429), Failed, Failed, "throttled"),
        (Fault::status(409), Failed, Failed, "conflict"),
        (Fault::status(424), Failed, Failed, "service-error"),
        (Fault::status(500), InDoubt, Failed, "service-error"),
        (Fault::status(503), InDoubt, Failed, "service-error"),
        (Fault::Lost { effect: false }, InDoubt, Failed, "no-answer"),
        (
            Fault::Unreachable { lasting: false },
            NotAttempted,
            NotAttempted,
            "unreachable",
        ),
    ] {
        for (kind, wanted) in [
            (Kind::Revoke, verdict_of_revoke),
            (Kind::LookUp, verdict_of_look_up),
        ] {
            let meets = fault.clone();
            let world = World::of(1).script(move |k, _, _| (k == kind).then(|| meets.clone()));
            let (outcomes, _) = enforce(&world, assets([1]));
            assert_eq!(
                verdict(&outcomes, "a1"),
                (wanted, code),
                "{kind:?} {fault:?}"
            );
            assert_eq!(world.count(kind, &id(1)), 6);
            assert!(world.clock.now() < Duration::from_secs(60));
        }
    }
    for status in [400, 405, 410, 507] {
        let (outcomes, _) = enforce(&revokes_meet(9, Fault::status(status)), assets([1]));
        let doubt = if status >= 500 {
            (InDoubt, "service-error")
        } else {
            (Failed, "refused-by-service")
        };
        assert_eq!(verdict(&outcomes, "a1"), doubt);
        assert_eq!(evidence(&outcomes, "a1")["attempts"], 1);
        assert_eq!(
            evidence(&outcomes, "a1")["error_code"],
            format!("Code{status}")
        );
        assert_eq!(
            evidence(&outcomes, "a1")["request_id"],
            format!("inner-{status}")
        );
    }
    let (outcomes, _) = enforce(
        &revokes_meet(9, Fault::code(400, "Request_BadRequest")),
        assets([1]),
    );
    assert_eq!(verdict(&outcomes, "a1"), (Failed, "invalid-id"));
}

#[test]
fn a13_time_is_bounded_too() {
    let world = revokes_meet(99, Fault::status(429).with("retry-after", "250"));
    let (outcomes, _) = enforce(&world, assets([1]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Failed, "throttled"));
    assert_eq!(world.count(Kind::Revoke, &id(1)), 3, "at 0, 250 and 500 s");
    let world = revokes_meet(99, Fault::status(429).with("retry-after", "86400"));
    let (outcomes, _) = enforce(&world, assets([1]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Failed, "throttled"));
    assert!(
        world.clock.now() < Duration::from_secs(1),
        "waiting could not help"
    );
}

#[test]
fn what_was_lost_once_stays_in_doubt_until_it_is_answered() {
    let world = World::of(1).script(|kind, _, nth| match (kind, nth) {
        (Kind::Revoke, 1) => Some(Fault::Lost { effect: true }),
        (Kind::Revoke, _) => Some(Fault::status(429)),
        _ => None,
    });
    let (outcomes, _) = enforce(&world, assets([1]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::InDoubt, "throttled"));
}

#[test]
fn a14_a_401_gets_one_new_token_with_what_was_demanded() {
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1702682181"}}}"#;
    let challenge = format!(
        r#"Bearer realm="", error="insufficient_claims", claims="{}""#,
        base64(claims)
    );
    for many in [1, 50] {
        let challenge = challenge.clone();
        let world = World::of(many).script(move |kind, name, nth| {
            (kind == Kind::Revoke && name == id(1) && nth == 1)
                .then(|| Fault::status(401).with("www-authenticate", &challenge))
        });
        let (outcomes, ending) = enforce(&world, assets(1..=many));
        assert_eq!(ending, Ending::Complete);
        assert!(outcomes.iter().all(|outcome| outcome.code == "revoked"));
        let tokens = world.requests(Kind::Token);
        assert_eq!(tokens.len(), 2);
        assert!(!tokens[0].body.contains("claims="));
        assert!(
            tokens[1]
                .body
                .contains("claims=%7B%22access_token%22%3A%7B%22nbf%22"),
            "{}",
            tokens[1].body
        );
    }
}

#[test]
fn a14_a_403_that_demands_more_of_the_token_is_no_lack_of_permission() {
    let challenge = format!(
        r#"Bearer error="insufficient_claims", claims="{}""#,
        base64("{}")
    );
    let world = revokes_meet(1, Fault::status(403).with("www-authenticate", &challenge));
    let (outcomes, ending) = enforce(&world, assets([1]));
    assert_eq!(ending, Ending::Complete);
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Succeeded, "revoked"));
    assert_eq!(world.requests(Kind::Token).len(), 2);
}

#[test]
fn a14_a_second_401_ends_the_run() {
    let world =
        World::of(100).script(|kind, _, _| (kind == Kind::Batch).then(|| Fault::status(401)));
    let (outcomes, ending) = enforce(&world, assets(1..=100));
    assert!(stopped(&ending).contains("401"), "{ending:?}");
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.verdict == Verdict::NotAttempted && outcome.code == "stopped")
    );
    assert_eq!(world.requests(Kind::Token).len(), 2);
    assert!(world.requests(Kind::Batch).len() <= 10);
}

#[test]
fn a14_whoever_was_sent_about_is_not_called_untouched_when_the_run_stops() {
    let world =
        World::of(1).script(|kind, _, _| (kind == Kind::Revoke).then(|| Fault::status(401)));
    let (outcomes, ending) = enforce(&world, assets([1]));
    assert!(stopped(&ending).contains("401"), "{ending:?}");
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Failed, "stopped"));
    // The same for one who waits for another try.
    let world = World::of(2).script(|kind, name, _| {
        let fault = match name == id(1) {
            true => Fault::status(429).with("retry-after", "5"),
            false => Fault::status(403),
        };
        (kind == Kind::Revoke).then_some(fault)
    });
    let settings = r#"{"batch_size":1,"batches_in_flight":2}"#;
    let (outcomes, _) = world.run(Mode::Enforce, settings, assets([1, 2]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Failed, "stopped"));
    assert_eq!(verdict(&outcomes, "a2"), (Verdict::Failed, "denied"));
}

#[test]
fn a15_the_first_403_stops_the_run_and_says_what_is_missing() {
    let world = World::of(500).script(|kind, name, _| {
        (kind == Kind::Revoke && name == id(25))
            .then(|| Fault::code(403, "Authorization_RequestDenied"))
    });
    let (outcomes, ending) =
        world.run(Mode::Enforce, r#"{"batches_in_flight":2}"#, assets(1..=500));
    assert!(
        stopped(&ending).contains("User.RevokeSessions.All"),
        "{ending:?}"
    );
    assert_eq!(verdict(&outcomes, "a25"), (Verdict::Failed, "denied"));
    assert_eq!(
        evidence(&outcomes, "a25")["error_code"],
        "Authorization_RequestDenied"
    );
    assert_eq!(
        verdict(&outcomes, "a500"),
        (Verdict::NotAttempted, "stopped")
    );
    for n in 1..=500 {
        let outcome = of(&outcomes, &format!("a{n}"));
        assert_eq!(world.user(n).revoked == 1, outcome.code == "revoked", "{n}");
    }
    assert!(
        outcomes
            .iter()
            .filter(|outcome| outcome.code == "stopped")
            .count()
            > 400
    );
}

#[test]
fn a15_the_likely_cause_is_read_from_the_token() {
    for (roles, hint) in [
        (
            vec!["User.Read.All"],
            "does not hold User.RevokeSessions.All",
        ),
        (vec!["User.RevokeSessions.All"], "does hold"),
    ] {
        let world = revokes_meet(1, Fault::status(403));
        *world.roles.borrow_mut() = roles;
        let (_, ending) = enforce(&world, assets([1]));
        assert!(stopped(&ending).contains(hint), "{ending:?}");
    }
}

#[test]
fn what_the_host_refuses_is_told_apart_from_its_neighbours() {
    let world = World::of(60)
        .script(|kind, name, _| (kind == Kind::Revoke && name == id(5)).then_some(Fault::Refused));
    let (outcomes, ending) = enforce(&world, assets(1..=60));
    assert_eq!(ending, Ending::Complete);
    assert_eq!(of(&outcomes, "a5").verdict, Verdict::NotAttempted);
    assert!(
        outcomes
            .iter()
            .filter(|outcome| outcome.asset != "a5")
            .all(|outcome| outcome.code == "revoked")
    );
    let (outcomes, _) = enforce(&revokes_meet(9, Fault::Refused), assets([1]));
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::NotAttempted, "refused-by-host")
    );
}

#[test]
fn a_certificate_that_is_not_trusted_stops_the_run_at_once() {
    let world = World::of(300)
        .script(|kind, _, _| (kind == Kind::Batch).then_some(Fault::Unreachable { lasting: true }));
    let (outcomes, ending) = enforce(&world, assets(1..=300));
    assert!(stopped(&ending).contains("cannot be reached"), "{ending:?}");
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.verdict == Verdict::NotAttempted)
    );
    assert!(world.requests(Kind::Batch).len() <= 16);
}

#[test]
fn a_service_that_is_gone_does_not_take_a_minute_for_every_user() {
    let world = World::of(2_000).script(|kind, _, _| {
        (kind == Kind::Batch).then_some(Fault::Unreachable { lasting: false })
    });
    let (outcomes, _) = enforce(&world, assets(1..=2_000));
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.verdict == Verdict::NotAttempted)
    );
    assert!(
        world.clock.now() < Duration::from_secs(120),
        "{:?}",
        world.clock.now()
    );
}

#[test]
fn a20_nothing_that_was_sent_or_answered_is_told() {
    // Every answer repeats what a client must not: its secret, its token, text that a stranger chose.
    let body = r#"{"error":{"code":"stand/in+secret","message":"SENTINEL","innerError":{"request-id":"a.b c"}},
        "error_description":"stand/in+secret","error_codes":[1],"trace_id":"SENTINEL x"}"#;
    for kind in [
        Kind::Token,
        Kind::LookUp,
        Kind::Revoke,
        Kind::ReadBack,
        Kind::Redeem,
    ] {
        for status in [200, 400, 401, 403, 404, 409, 429, 500] {
            let world = World::of(1).script(move |of, _, _| {
                (of == kind).then(|| {
                    Fault::body(status, body)
                        .with("request-id", "SENTINEL y")
                        .with("www-authenticate", "Bearer claims=\"SENTINEL\"")
                        .with("retry-after", "SENTINEL")
                })
            });
            world.add(77, |_| {});
            let secrets = &world.secrets;
            secrets
                .borrow_mut()
                .insert("canary_refresh_token", "stand/in+refresh".into());
            let mut given = assets([1]);
            given.push(world::canary(77));
            let settings = r#"{"verify":true,"canary":true,"max_seconds":40}"#;
            let (outcomes, ending) = world.run(Mode::Enforce, settings, given);
            let said = format!("{outcomes:?} {ending:?} {:?}", world.logs.borrow());
            for hidden in ["SENTINEL", "stand/in", ".token1", "Bearer"] {
                assert!(!said.contains(hidden), "{kind:?} {status}: {said}");
            }
        }
    }
}
