//! The main path: users in, sessions revoked, one true outcome for each. Tests are named for rows of the checklist of
//! what the wire demands (A1 to A20).

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod world;

use revoke_user_sessions::service::{Asset, Ending, Mode, Verdict};
use std::time::Duration;
use world::{Kind, World, asset, assets, by_name, enforce, evidence, id, of, principal, verdict};

#[test]
fn one_user_takes_three_requests() {
    let world = World::of(1);
    let (outcomes, ending) = enforce(&world, by_name([1]));
    assert_eq!(ending, Ending::Complete);
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Succeeded, "revoked"));
    let kinds: Vec<Kind> = world
        .journal
        .borrow()
        .iter()
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(kinds, [Kind::Token, Kind::LookUp, Kind::Revoke]);
    assert!(
        world.journal.borrow()[2].path.contains(&id(1)),
        "revoked by object id"
    );
    assert_eq!(
        world.clock.now(),
        Duration::from_millis(150),
        "and no waiting"
    );
    let evidence = evidence(&outcomes, "a1");
    assert_eq!(evidence["object_id"], id(1));
    assert_eq!(evidence["http_status"], 200);
    assert_eq!(evidence["attempts"], 1);
    assert_eq!(evidence["request_id"], "r3");
}

#[test]
fn a1_a2_a4_the_secret_signs_in_for_the_clouds_own_graph() {
    let world = World::of(1);
    enforce(&world, assets([1]));
    let sign_in = &world.requests(Kind::Token)[0];
    assert_eq!(sign_in.path, format!("/{}/oauth2/v2.0/token", id(0xd)));
    assert!(
        sign_in
            .body
            .contains("scope=https%3A%2F%2Fgraph.test%2F.default"),
        "{}",
        sign_in.body
    );
    assert!(
        sign_in.body.contains("grant_type=client_credentials"),
        "{}",
        sign_in.body
    );
}

#[test]
fn the_sub_domain_names_the_tenant() {
    let world = World::of(1);
    world.fields.borrow_mut().remove("tenant_id");
    world
        .fields
        .borrow_mut()
        .insert("account_sub_domain", "contoso".into());
    enforce(&world, assets([1]));
    assert_eq!(
        world.requests(Kind::Token)[0].path,
        "/contoso.onmicrosoft.com/oauth2/v2.0/token"
    );
}

#[test]
fn a3_one_token_a_run_and_the_next_before_it_ends() {
    let world = World::of(400);
    enforce(&world, assets(1..=400));
    assert_eq!(world.requests(Kind::Token).len(), 1);

    let world = World::of(400);
    world.token_lifetime.set(40);
    world.latency.set(Duration::from_secs(4));
    let (outcomes, _) = world.run(Mode::Enforce, r#"{"batches_in_flight":1}"#, assets(1..=400));
    assert!(outcomes.iter().all(|outcome| outcome.code == "revoked"));
    let tokens: Vec<Duration> = world
        .requests(Kind::Token)
        .iter()
        .map(|entry| entry.at)
        .collect();
    assert!(tokens.len() >= 4, "{tokens:?}");
    assert!(
        tokens
            .windows(2)
            .all(|two| two[1] - two[0] >= Duration::from_secs(30)),
        "{tokens:?}"
    );
}

#[test]
fn a5_what_cannot_be_named_is_not_sent() {
    let world = World::of(0);
    let (outcomes, ending) = enforce(
        &world,
        vec![
            asset("blank", r#"{"id":"  ","username":null}"#),
            asset("mail", r#"{"mail":" ","proxy_addresses":[]}"#),
            asset("broken", r#"{"id":"17","mail":"ada@contoso.example"}"#),
            asset("json", "not json"),
            Asset {
                id: "none".into(),
                ..Asset::default()
            },
        ],
    );
    assert_eq!(ending, Ending::Complete);
    for name in ["blank", "mail", "none"] {
        assert_eq!(verdict(&outcomes, name), (Verdict::Failed, "no-identity"));
    }
    for name in ["broken", "json"] {
        assert_eq!(verdict(&outcomes, name), (Verdict::Failed, "invalid-id"));
    }
    assert!(world.journal.borrow().is_empty(), "not even a sign-in");
}

#[test]
fn a6_names_are_resolved_and_unknown_ones_reported() {
    let world = World::of(2);
    let (outcomes, _) = enforce(&world, by_name([1, 2, 3]));
    assert_eq!(verdict(&outcomes, "a2"), (Verdict::Succeeded, "revoked"));
    assert_eq!(verdict(&outcomes, "a3"), (Verdict::Failed, "not-found"));
    assert_eq!(evidence(&outcomes, "a3")["http_status"], 404);
    assert_eq!(evidence(&outcomes, "a3")["request_id"], id(0xe));
    assert_eq!(world.count(Kind::Revoke, &principal(3)), 0);
}

#[test]
fn a7_one_person_is_revoked_once_whatever_the_names() {
    let world = World::of(1);
    let twice = vec![
        asset("one", &format!(r#"{{"id":"{}"}}"#, id(1))),
        asset("two", &format!(r#"{{"id":"{}"}}"#, id(1).to_uppercase())),
        asset(
            "three",
            &format!(r#"{{"username":"{}"}}"#, principal(1).to_uppercase()),
        ),
    ];
    let (outcomes, _) = enforce(&world, twice);
    let mut codes: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome.verdict as u8, outcome.code))
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
        ["revoked", "duplicate", "duplicate"]
    );
    assert_eq!(world.user(1).revoked, 1);
    let winner = &outcomes
        .iter()
        .find(|outcome| outcome.code == "revoked")
        .unwrap()
        .asset;
    let other = outcomes
        .iter()
        .find(|outcome| outcome.code == "duplicate")
        .unwrap();
    assert_eq!(other.verdict, Verdict::Skipped);
    assert!(
        other.message.contains(&format!("`{winner}`")),
        "{}",
        other.message
    );
}

#[test]
fn a8_awkward_names_arrive() {
    let names = [
        "$o'neil@contoso.example",
        "a+b_c.example#EXT#@contoso.example",
        "100%@contoso.example",
        "zoë@contoso.example",
    ];
    let world = World::of(0);
    for (n, name) in (1..).zip(names) {
        world.add(n, |user| user.principal = name.to_owned());
    }
    let given = names
        .iter()
        .map(|name| asset(name, &serde_json::json!({ "username": name }).to_string()))
        .collect();
    let (outcomes, _) = enforce(&world, given);
    for name in names {
        assert_eq!(
            verdict(&outcomes, name),
            (Verdict::Succeeded, "revoked"),
            "{}",
            of(&outcomes, name).message
        );
    }
}

#[test]
fn a10_guests_are_skipped_attempted_or_failed_and_never_succeed() {
    for (guests, wanted, revokes) in [
        ("skip", Verdict::Skipped, 0),
        ("fail", Verdict::Failed, 0),
        ("attempt", Verdict::Skipped, 1),
    ] {
        let world = World::of(1);
        world.add(2, |user| user.user_type = "Guest");
        world.add(3, |user| {
            user.principal = "eve_fabrikam.example#EXT#@contoso.example".into();
            user.state = Some("Accepted");
        });
        let (outcomes, _) = world.run(
            Mode::Enforce,
            &format!(r#"{{"guests":"{guests}"}}"#),
            assets([1, 2, 3]),
        );
        assert_eq!(verdict(&outcomes, "a1"), (Verdict::Succeeded, "revoked"));
        for guest in [2, 3] {
            assert_eq!(
                verdict(&outcomes, &format!("a{guest}")),
                (wanted, "no-effect-guest"),
                "{guests}"
            );
            assert_eq!(world.count(Kind::Revoke, &id(guest)), revokes, "{guests}");
        }
    }
}

#[test]
fn a11_batches_are_full_and_matched_by_id_in_any_order() {
    let world = World::of(200);
    let (outcomes, _) = enforce(
        &world,
        assets((1..=200).filter(|n| n % 7 != 0).chain([900])),
    );
    assert!(
        outcomes
            .iter()
            .filter(|outcome| outcome.asset != "a900")
            .all(|outcome| outcome.code == "revoked")
    );
    for n in 1..=200 {
        assert_eq!(world.user(n).revoked, u32::from(n % 7 != 0), "{n}");
    }
    let batches = world.requests(Kind::Batch);
    assert!(batches.iter().all(|batch| batch.about.len() <= 20));
    assert!(batches.len() <= 20, "{}", batches.len());
}

#[test]
fn a11_batch_size_one_sends_plain_requests() {
    let world = World::of(5);
    let (outcomes, _) = world.run(Mode::Enforce, r#"{"batch_size":1}"#, assets(1..=5));
    assert!(outcomes.iter().all(|outcome| outcome.code == "revoked"));
    assert!(world.requests(Kind::Batch).is_empty());
    assert_eq!(world.requests(Kind::Revoke).len(), 5);
}

#[test]
fn requests_at_once_are_bounded() {
    for bound in [1, 4] {
        let world = World::of(500);
        let settings = format!(r#"{{"batches_in_flight":{bound}}}"#);
        let (outcomes, _) = world.run_in_chunks(Mode::Enforce, &settings, assets(1..=500), 37);
        assert!(outcomes.iter().all(|outcome| outcome.code == "revoked"));
        assert_eq!(world.busiest.get(), bound);
    }
}

#[test]
fn a12_several_identities_make_one_outcome() {
    let world = World::of(3);
    world.add(4, |user| user.user_type = "Guest");
    let group = |id: &str, numbers: &[u32]| Asset {
        id: id.into(),
        identities: numbers
            .iter()
            .map(|n| format!(r#"{{"id":"{}"}}"#, world::id(*n)))
            .collect(),
        ..Asset::default()
    };
    let (outcomes, _) = enforce(
        &world,
        vec![
            group("good", &[1, 2, 1]),
            group("half", &[3, 99]),
            group("guest", &[4, 4]),
        ],
    );
    assert_eq!(verdict(&outcomes, "good"), (Verdict::Succeeded, "revoked"));
    assert_eq!(world.user(1).revoked, 1);
    assert_eq!(verdict(&outcomes, "half"), (Verdict::Failed, "not-found"));
    assert_eq!(world.user(3).revoked, 1);
    assert_eq!(
        evidence(&outcomes, "half")["identities"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        verdict(&outcomes, "guest"),
        (Verdict::Skipped, "no-effect-guest")
    );
}

#[test]
fn a16_a_simulation_looks_up_and_changes_nothing() {
    let world = World::of(30);
    world.add(31, |user| user.user_type = "Guest");
    let (outcomes, ending) = world.run(Mode::Simulate, "{}", assets(1..=32));
    assert_eq!(ending, Ending::Complete);
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::WouldEnforce, "would-revoke")
    );
    assert_eq!(
        verdict(&outcomes, "a31"),
        (Verdict::Skipped, "no-effect-guest")
    );
    assert_eq!(verdict(&outcomes, "a32"), (Verdict::Failed, "not-found"));
    assert!(
        world
            .journal
            .borrow()
            .iter()
            .all(|entry| !entry.body.contains("revokeSignInSessions"))
    );
}

#[test]
fn a18_the_message_says_what_remains() {
    let world = World::of(1);
    world.add(2, |user| user.enabled = false);
    world.add(3, |user| user.synced = Some(true));
    let (outcomes, _) = enforce(&world, assets([1, 2, 3]));
    let message = |asset| of(&outcomes, asset).message.as_str();
    // The world begins at 08:00 UTC.
    assert!(
        message("a1").contains("until about 09:30 UTC"),
        "{}",
        message("a1")
    );
    assert!(message("a1").contains("still enabled"), "{}", message("a1"));
    assert!(message("a2").contains("disabled"), "{}", message("a2"));
    assert!(message("a3").contains("on premises"), "{}", message("a3"));
    assert_eq!(
        evidence(&outcomes, "a1")["exposure"],
        "2026-11-23T09:30:00Z"
    );
    assert_eq!(evidence(&outcomes, "a3")["on_premises_synced"], true);
}

#[test]
fn a19_every_request_has_an_id_of_its_own() {
    let world = World::of(100);
    enforce(&world, assets(1..=100));
    let journal = world.journal.borrow();
    let header = |entry: &world::Entry| {
        entry
            .headers
            .iter()
            .find(|(name, _)| *name == "client-request-id")
            .unwrap()
            .1
            .clone()
    };
    let ids: std::collections::HashSet<String> = journal.iter().map(header).collect();
    assert_eq!(ids.len(), journal.len());
}

#[test]
fn what_was_sent_before_is_sent_again_and_noted() {
    let world = World::of(1);
    let mut given = assets([1]);
    given[0].sent_before = Some(1_795_420_000);
    let (outcomes, _) = enforce(&world, given);
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::Succeeded, "revoked"));
    assert_eq!(
        evidence(&outcomes, "a1")["sent_before"],
        "2026-11-23T07:46:40Z"
    );
}

#[test]
fn settings_of_an_asset_hold_for_it_alone() {
    let world = World::of(0);
    for n in [1, 2] {
        world.add(n, |user| user.user_type = "Guest");
    }
    let mut given = assets([1, 2]);
    given[1].settings = Some(r#"{"guests":"fail"}"#.into());
    let (outcomes, _) = enforce(&world, given);
    assert_eq!(verdict(&outcomes, "a1").0, Verdict::Skipped);
    assert_eq!(verdict(&outcomes, "a2").0, Verdict::Failed);
}

#[test]
fn a_run_of_nothing_is_complete() {
    let world = World::of(0);
    assert_eq!(enforce(&world, Vec::new()), (Vec::new(), Ending::Complete));
    assert!(world.journal.borrow().is_empty());
}
