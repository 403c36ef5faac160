//! What is looked at after a revoke: the cut-off time, the applications that a user reaches, a test account's refresh
//! token. Tests are named for rows of the checklist of what the wire demands.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod world;

use revoke_user_sessions::service::{Ending, Mode, Verdict};
use std::time::Duration;
use world::{Fault, Kind, World, assets, canary, evidence, id, of, principal, verdict};

const VERIFY: &str = r#"{"verify":true}"#;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn a17_what_is_read_back_is_verified() {
    for many in [1, 45] {
        let world = World::of(many);
        let (outcomes, ending) = world.run(Mode::Enforce, VERIFY, assets(1..=many));
        assert_eq!(ending, Ending::Complete);
        assert!(outcomes.iter().all(|outcome| outcome.code == "verified"));
        assert!(world.clock.now() < seconds(1), "and nobody waits for it");
        let evidence = evidence(&outcomes, "a1");
        assert_eq!(evidence["cutoff_before"], "2026-01-01T00:00:00Z");
        assert_eq!(evidence["cutoff_after"], "2026-11-23T08:00:00Z");
        assert_eq!(
            (&evidence["reads"], &evidence["attempts"]),
            (&1.into(), &1.into())
        );
        let message = &of(&outcomes, "a1").message;
        assert!(
            message.contains("what was issued before 2026-11-23T08:00:00Z is void"),
            "{message}"
        );
    }
}

#[test]
fn a17_reads_that_lag_are_waited_for_within_bounds() {
    let world = World::of(30);
    world.lag.set(seconds(9));
    let (outcomes, _) = world.run(Mode::Enforce, VERIFY, assets(1..=30));
    assert!(outcomes.iter().all(|outcome| outcome.code == "verified"));
    assert!(
        (seconds(9)..seconds(20)).contains(&world.clock.now()),
        "{:?}",
        world.clock.now()
    );
    assert_eq!(evidence(&outcomes, "a7")["reads"], 4);

    let world = World::of(1);
    world.lag.set(seconds(3_600));
    let (outcomes, ending) = world.run(Mode::Enforce, VERIFY, assets([1]));
    assert_eq!(ending, Ending::Complete);
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::Succeeded, "unconfirmed")
    );
    assert!(
        of(&outcomes, "a1").message.contains("after 6 reads"),
        "{}",
        of(&outcomes, "a1").message
    );
    assert_eq!(world.count(Kind::ReadBack, &id(1)), 6);
    assert!(world.clock.now() < seconds(70));
    assert_eq!(
        evidence(&outcomes, "a1")["request_id"],
        "r3",
        "of the revoke, which the tenant's log has"
    );
}

#[test]
fn a17_what_cannot_be_read_back_is_accepted_and_says_why() {
    for (fault, reads, why) in [
        (
            Fault::code(403, "Authorization_RequestDenied"),
            1,
            "may not read it",
        ),
        (
            Fault::code(404, "Request_ResourceNotFound"),
            1,
            "does not have the user any more",
        ),
        (Fault::status(503), 6, "the service failed"),
        (Fault::Lost { effect: false }, 6, "no answer came"),
        (Fault::status(429), 6, "lack of quota"),
        (Fault::body(200, "<html>"), 6, "not a user"),
        (Fault::Refused, 1, "the host did not let"),
    ] {
        let meets = fault.clone();
        let world =
            World::of(1).script(move |kind, _, _| (kind == Kind::ReadBack).then(|| meets.clone()));
        let (outcomes, ending) = world.run(Mode::Enforce, VERIFY, assets([1]));
        assert_eq!(ending, Ending::Complete);
        assert_eq!(
            verdict(&outcomes, "a1"),
            (Verdict::Succeeded, "unconfirmed"),
            "{fault:?}"
        );
        assert!(
            of(&outcomes, "a1").message.contains(why),
            "{}",
            of(&outcomes, "a1").message
        );
        assert_eq!(evidence(&outcomes, "a1")["reads"], reads, "{fault:?}");
    }
    let other = format!(
        r#"{{"id":"{}","signInSessionsValidFromDateTime":"2026-11-23T08:00:00Z"}}"#,
        id(2)
    );
    let world = World::of(1)
        .script(move |kind, _, _| (kind == Kind::ReadBack).then(|| Fault::body(200, &other)));
    let (outcomes, _) = world.run(Mode::Enforce, VERIFY, assets([1]));
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::Succeeded, "unconfirmed"),
        "somebody else's"
    );
}

#[test]
fn a17_a_revoke_without_effect_is_never_verified() {
    let world = World::of(2)
        .script(|kind, _, _| (kind == Kind::Revoke).then(|| Fault::body(200, r#"{"value":true}"#)));
    let (outcomes, _) = world.run(Mode::Enforce, VERIFY, assets([1, 2]));
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::Succeeded, "unconfirmed")
    );
}

#[test]
fn a17_without_the_right_to_read_nothing_is_read_back() {
    let world = World::of(3).script(|kind, _, _| {
        (kind == Kind::LookUp).then(|| Fault::code(403, "Authorization_RequestDenied"))
    });
    let (outcomes, _) = world.run(Mode::Enforce, VERIFY, assets(1..=3));
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::Succeeded, "unconfirmed")
    );
    assert!(world.requests(Kind::ReadBack).is_empty());
}

#[test]
fn a15_a_run_that_stops_keeps_what_was_accepted() {
    let world = World::of(3).script(|kind, name, _| {
        (kind == Kind::Revoke && name == id(3)).then(|| Fault::status(403))
    });
    world.lag.set(seconds(3_600));
    let settings = r#"{"verify":true,"batch_size":1,"batches_in_flight":1}"#;
    let (outcomes, ending) = world.run_in_chunks(Mode::Enforce, settings, assets(1..=3), 1);
    assert!(matches!(ending, Ending::Stopped(_)));
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::Succeeded, "unconfirmed")
    );
    assert_eq!(verdict(&outcomes, "a3"), (Verdict::Failed, "denied"));
}

#[test]
fn a14_a_401_to_a_read_gets_a_new_token_too() {
    let world = World::of(40).script(|kind, name, nth| {
        (kind == Kind::ReadBack && name == id(7) && nth == 1).then(|| Fault::status(401))
    });
    let (outcomes, _) = world.run(Mode::Enforce, VERIFY, assets(1..=40));
    assert!(outcomes.iter().all(|outcome| outcome.code == "verified"));
    assert_eq!(world.requests(Kind::Token).len(), 2);
}

#[test]
fn priority_is_said_and_only_then() {
    for (settings, wanted) in [(r#"{"priority":"high"}"#, true), ("{}", false)] {
        let world = World::of(30);
        world.run(Mode::Enforce, settings, assets(1..=30));
        let journal = world.journal.borrow();
        for entry in journal.iter().filter(|entry| entry.kind != Kind::Token) {
            let said = entry
                .headers
                .iter()
                .any(|(name, value)| *name == "x-ms-throttle-priority" && value == "High");
            assert_eq!(said, wanted, "{entry:?}");
        }
    }
}

fn single_sign_on(count: u32) -> World {
    let world = World::of(count);
    world
        .fields
        .borrow_mut()
        .insert("sso_provider", "true".into());
    world.add(1, |user| {
        user.apps = vec![
            "Salesforce",
            "Jira",
            "Box",
            "Zoom",
            "Slack",
            "Workday",
            "SAP",
        ]
    });
    world
}

#[test]
fn a18_where_entra_is_the_single_sign_on_the_applications_are_listed() {
    for settings in ["{}", VERIFY] {
        let world = single_sign_on(2);
        let (outcomes, _) = world.run(Mode::Enforce, settings, assets([1, 2]));
        let message = &of(&outcomes, "a1").message;
        assert!(
            message.contains("reaches Box, Jira, SAP, Salesforce, Slack and 2 more: end"),
            "{message}"
        );
        assert_eq!(
            evidence(&outcomes, "a1")["applications"]
                .as_array()
                .unwrap()
                .len(),
            7
        );
        let message = &of(&outcomes, "a2").message;
        assert!(message.contains("no application is assigned"), "{message}");
    }
    let world = single_sign_on(1);
    let (outcomes, _) = world.run(Mode::Simulate, "{}", assets([1]));
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::WouldEnforce, "would-revoke")
    );
    assert!(of(&outcomes, "a1").message.contains("Salesforce"));

    let world = World::of(1);
    world.run(Mode::Enforce, "{}", assets([1]));
    assert!(
        world.requests(Kind::Reach).is_empty(),
        "nobody asked for it"
    );
}

#[test]
fn a18_what_is_not_seen_of_applications_is_said() {
    let world = single_sign_on(60).script(|kind, _, _| {
        (kind == Kind::Reach).then(|| Fault::code(403, "Authorization_RequestDenied"))
    });
    let (outcomes, _) = world.run_in_chunks(Mode::Enforce, "{}", assets(1..=60), 20);
    assert!(outcomes.iter().all(|outcome| outcome.code == "revoked"));
    for asset in ["a1", "a60"] {
        let message = &of(&outcomes, asset).message;
        assert!(
            message.contains("is not known, because the application may not read it"),
            "{message}"
        );
    }
    assert_eq!(
        world
            .logs
            .borrow()
            .iter()
            .filter(|line| line.contains("which applications"))
            .count(),
        1
    );

    for fault in [
        Fault::status(500),
        Fault::body(200, "<html>"),
        Fault::Lost { effect: false },
    ] {
        let meets = fault.clone();
        let world = single_sign_on(1)
            .script(move |kind, _, _| (kind == Kind::Reach).then(|| meets.clone()));
        let (outcomes, _) = world.run(Mode::Enforce, "{}", assets([1]));
        assert_eq!(verdict(&outcomes, "a1"), (Verdict::Succeeded, "revoked"));
        assert_eq!(world.count(Kind::Reach, &id(1)), 3, "{fault:?}");
    }
}

/// A tenant with the test account, number 77.
fn with_canary(count: u32) -> World {
    let world = World::of(count);
    world.add(77, |_| {});
    world
        .secrets
        .borrow_mut()
        .insert("canary_refresh_token", "stand/in+refresh".into());
    world
}

fn canary_id() -> String {
    format!("canary:{}", principal(77))
}

#[test]
fn the_canary_measures_how_long_a_revoke_takes() {
    let world = with_canary(70);
    world.propagation.set(seconds(20));
    let mut given = vec![canary(77)];
    given.extend(assets(1..=70));
    let (outcomes, ending) = world.run(Mode::Enforce, r#"{"canary":true}"#, given);
    assert_eq!(ending, Ending::Complete);
    assert_eq!(
        verdict(&outcomes, &canary_id()),
        (Verdict::Succeeded, "canary-cut")
    );
    let evidence = evidence(&outcomes, &canary_id());
    let (refused, worked) = (
        &evidence["canary"]["refused_after_ms"],
        &evidence["canary"]["worked_after_ms"],
    );
    assert!(
        worked.as_u64().unwrap() < 20_000 && refused.as_u64().unwrap() >= 20_000,
        "{evidence}"
    );
    assert!(refused.as_u64().unwrap() < 45_000, "{evidence}");
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| outcome.code == "revoked")
            .count(),
        70
    );
    assert_eq!(
        outcomes.last().unwrap().asset,
        canary_id(),
        "nobody waits for it"
    );
    assert_eq!(world.user(77).revoked, 1);
    // Its token leaves only where it is tried.
    assert!(
        world
            .requests(Kind::Token)
            .iter()
            .all(|entry| !entry.body.contains("refresh"))
    );
}

#[test]
fn a_canary_that_lives_on_is_in_doubt_and_bounded() {
    let world = with_canary(1);
    world.propagation.set(seconds(100_000));
    let (outcomes, _) = world.run(
        Mode::Enforce,
        r#"{"canary":true,"max_seconds":300}"#,
        vec![canary(77)],
    );
    assert_eq!(
        verdict(&outcomes, &canary_id()),
        (Verdict::InDoubt, "canary-alive")
    );
    assert!(world.clock.now() <= seconds(301));
    assert!(world.requests(Kind::Redeem).len() < 20);
}

#[test]
fn a_canary_that_does_not_work_beforehand_is_left_alone() {
    for (fault, why) in [
        (
            Fault::body(400, r#"{"error":"invalid_grant","error_codes":[50173]}"#),
            "is refused already",
        ),
        (
            Fault::body(400, r#"{"error":"invalid_grant","error_codes":[70000]}"#),
            "AADSTS70000",
        ),
        (Fault::body(200, "<html>"), "not the sign-in service"),
        (Fault::Lost { effect: false }, "did not answer"),
    ] {
        let world =
            with_canary(1).script(move |kind, _, _| (kind == Kind::Redeem).then(|| fault.clone()));
        let mut given = vec![canary(77)];
        given.extend(assets([1]));
        let (outcomes, ending) = world.run(Mode::Enforce, r#"{"canary":true}"#, given);
        assert_eq!(ending, Ending::Complete);
        assert_eq!(
            verdict(&outcomes, &canary_id()),
            (Verdict::Failed, "canary-unmeasured")
        );
        let message = &of(&outcomes, &canary_id()).message;
        assert!(message.contains(why), "{message}");
        assert_eq!(world.user(77).revoked, 0);
        assert_eq!(
            verdict(&outcomes, "a1"),
            (Verdict::Succeeded, "revoked"),
            "it says nothing of others"
        );
    }
    let world = with_canary(1);
    world.secrets.borrow_mut().remove("canary_refresh_token");
    let (outcomes, _) = world.run(Mode::Enforce, r#"{"canary":true}"#, vec![canary(77)]);
    assert_eq!(
        verdict(&outcomes, &canary_id()),
        (Verdict::Failed, "canary-unmeasured")
    );
}

#[test]
fn a_public_clients_token_is_tried_without_the_applications_secret() {
    let world = with_canary(1).script(|kind, _, nth| {
        (kind == Kind::Redeem && nth == 1)
            .then(|| Fault::body(401, r#"{"error":"invalid_client","error_codes":[700025]}"#))
    });
    let (outcomes, _) = world.run(Mode::Enforce, r#"{"canary":true}"#, vec![canary(77)]);
    assert_eq!(
        verdict(&outcomes, &canary_id()),
        (Verdict::Succeeded, "canary-cut")
    );
    let tries = world.requests(Kind::Redeem);
    assert!(tries[0].body.contains("client_secret=") && !tries[1].body.contains("client_secret="));
}

#[test]
fn a16_a_simulation_tries_the_canary_and_does_not_cut_it() {
    let world = with_canary(1);
    let (outcomes, _) = world.run(Mode::Simulate, r#"{"canary":true}"#, vec![canary(77)]);
    assert_eq!(
        verdict(&outcomes, &canary_id()),
        (Verdict::WouldEnforce, "would-revoke")
    );
    assert_eq!(world.user(77).revoked, 0);
    assert_eq!(world.requests(Kind::Redeem).len(), 1);
}

#[test]
fn an_asset_that_somebody_listed_is_no_canary() {
    let world = with_canary(1);
    let listed = world::asset(
        &canary_id(),
        &format!(r#"{{"username":"{}"}}"#, principal(77)),
    );
    let (outcomes, _) = world.run(Mode::Enforce, r#"{"canary":true}"#, vec![listed]);
    assert_eq!(
        verdict(&outcomes, &canary_id()),
        (Verdict::Succeeded, "revoked")
    );
    assert!(world.requests(Kind::Redeem).is_empty());
}
