//! Finding the user whom an asset means: by each of its names, and never the first of two. Tests are named for rows of
//! the checklist of what the wire demands.

mod world;

use revoke_user_sessions::service::{Asset, Mode, Verdict};
use world::{Fault, Kind, World, asset, enforce, evidence, id, of, principal, verdict};

/// A tenant of one user with all names, and one without.
fn tenant() -> World {
    let world = World::of(1);
    world.add(2, |user| {
        user.mail = Some("ada@contoso.example".into());
        user.proxies = vec![
            "SMTP:ada@contoso.example".into(),
            "smtp:countess@contoso.example".into(),
            "x500:/o=contoso/cn=ada".into(),
        ];
        user.immutable_id = Some("Zm9vYmFy+/==");
    });
    world
}

fn given(identity: serde_json::Value) -> Vec<Asset> {
    vec![asset("a", &identity.to_string())]
}

#[test]
fn a6_each_name_finds_the_user_and_the_revoke_is_by_object_id() {
    use serde_json::json;
    for (identity, requests) in [
        (json!({"id": id(2)}), 1),
        (json!({"username": principal(2)}), 1),
        (json!({"mail": "Ada@contoso.example"}), 1),
        (json!({"proxy_addresses": ["x500:/o=contoso/cn=ada"]}), 1),
        (
            json!({"proxy_addresses": ["smtp:Countess@contoso.example", "x500:y"]}),
            1,
        ),
        (json!({"proxy_addresses": "countess@contoso.example"}), 1),
        (json!({"on_premises_immutable_id": "Zm9vYmFy+/=="}), 1),
        // What somebody types may be a mail address, and not the first one.
        (json!({"username": "ada@contoso.example"}), 2),
        (json!({"username": "countess@contoso.example"}), 3),
        (json!({"mail": "countess@contoso.example"}), 2),
    ] {
        let world = tenant();
        let (outcomes, _) = enforce(&world, given(identity.clone()));
        assert_eq!(
            verdict(&outcomes, "a"),
            (Verdict::Succeeded, "revoked"),
            "{identity}"
        );
        assert_eq!(evidence(&outcomes, "a")["object_id"], id(2), "{identity}");
        assert_eq!(world.user(2).revoked, 1, "{identity}");
        assert_eq!(world.user(1).revoked, 0, "{identity}");
        let look_ups = world.requests(Kind::LookUp).len() + world.requests(Kind::Find).len();
        assert_eq!(look_ups, requests, "{identity}");
        assert!(world.requests(Kind::Revoke)[0].path.contains(&id(2)));
    }
}

#[test]
fn a6_nobody_is_not_found_whatever_the_name() {
    for identity in [
        r#"{"mail":"nobody@contoso.example"}"#,
        r#"{"username":"nobody@contoso.example"}"#,
        r#"{"username":"$nobody@contoso.example"}"#,
        r#"{"proxy_addresses":["smtp:nobody@contoso.example"]}"#,
        // Base64: another case is another account.
        r#"{"on_premises_immutable_id":"zm9vYmFy+/=="}"#,
    ] {
        let world = tenant();
        let (outcomes, _) = enforce(&world, vec![asset("a", identity)]);
        assert_eq!(
            verdict(&outcomes, "a"),
            (Verdict::Failed, "not-found"),
            "{identity}"
        );
        assert!(world.requests(Kind::Revoke).is_empty());
    }
    // The answer to the first question is what the evidence has.
    let world = tenant();
    let (outcomes, _) = enforce(
        &world,
        vec![asset("a", r#"{"username":"nobody@contoso.example"}"#)],
    );
    assert_eq!(evidence(&outcomes, "a")["http_status"], 404);
    let message = &of(&outcomes, "a").message;
    assert!(message.contains("nor by a mail address"), "{message}");
}

#[test]
fn a6_two_with_one_name_are_ambiguous_and_neither_is_touched() {
    for (identity, many) in [
        (r#"{"mail":"ada@contoso.example"}"#, 1),
        (r#"{"username":"ada@contoso.example"}"#, 1),
        (r#"{"proxy_addresses":["SMTP:ada@contoso.example"]}"#, 20),
        (r#"{"on_premises_immutable_id":"Zm9vYmFy+/=="}"#, 20),
    ] {
        let world = tenant();
        world.add(3, |user| {
            user.mail = Some("ADA@contoso.example".into());
            user.proxies = vec!["SMTP:ada@contoso.example".into()];
            user.immutable_id = Some("Zm9vYmFy+/==");
        });
        // Alone and in a batch.
        let mut given: Vec<Asset> = (10..10 + many - 1)
            .map(|n| asset(&n.to_string(), &format!(r#"{{"id":"{}"}}"#, id(n))))
            .collect();
        given.push(asset("a", identity));
        let (outcomes, _) = enforce(&world, given);
        assert_eq!(
            verdict(&outcomes, "a"),
            (Verdict::Failed, "ambiguous"),
            "{identity}"
        );
        assert_eq!(
            (world.user(2).revoked, world.user(3).revoked),
            (0, 0),
            "{identity}"
        );
    }
}

#[test]
fn a6_a_page_that_is_not_the_last_does_not_show_that_there_is_one() {
    let body = format!(
        r#"{{"@odata.nextLink":"https://graph.test/next","value":[{{"id":"{}","mail":"ada@contoso.example"}}]}}"#,
        id(2)
    );
    let world =
        tenant().script(move |kind, _, _| (kind == Kind::Find).then(|| Fault::body(200, &body)));
    let (outcomes, _) = enforce(
        &world,
        vec![asset("a", r#"{"mail":"ada@contoso.example"}"#)],
    );
    assert_eq!(
        verdict(&outcomes, "a"),
        (Verdict::Failed, "unreadable-answer")
    );
    assert_eq!(world.user(2).revoked, 0);
}

#[test]
fn a7_one_person_by_five_names_is_revoked_once() {
    let world = tenant();
    let given = [
        format!(r#"{{"id":"{}"}}"#, id(2)),
        format!(r#"{{"username":"{}"}}"#, principal(2)),
        r#"{"mail":"ada@contoso.example"}"#.to_owned(),
        r#"{"username":"countess@contoso.example"}"#.to_owned(),
        r#"{"on_premises_immutable_id":"Zm9vYmFy+/=="}"#.to_owned(),
    ];
    let given = (0..)
        .zip(&given)
        .map(|(n, identity)| asset(&format!("{n}"), identity))
        .collect();
    let (outcomes, _) = enforce(&world, given);
    let count = |code: &str| {
        outcomes
            .iter()
            .filter(|outcome| outcome.code == code)
            .count()
    };
    assert_eq!(
        (count("revoked"), count("duplicate")),
        (1, 4),
        "{outcomes:#?}"
    );
    assert_eq!(world.user(2).revoked, 1);
}

#[test]
fn a6_without_the_right_to_read_a_lesser_name_cannot_be_revoked_by() {
    let world = tenant().script(|kind, _, _| {
        matches!(kind, Kind::LookUp | Kind::Find)
            .then(|| Fault::code(403, "Authorization_RequestDenied"))
    });
    let (outcomes, _) = world.run(
        Mode::Enforce,
        "{}",
        vec![
            asset("mail", r#"{"mail":"ada@contoso.example"}"#),
            asset("name", &format!(r#"{{"username":"{}"}}"#, principal(1))),
        ],
    );
    assert_eq!(
        verdict(&outcomes, "mail"),
        (Verdict::Failed, "refused-by-service")
    );
    assert!(of(&outcomes, "mail").message.contains("User.Read.All"));
    assert_eq!(verdict(&outcomes, "name"), (Verdict::Succeeded, "revoked"));
}

#[test]
fn a6_with_the_right_to_read_names_users_are_found_and_guests_told_by_name() {
    let world = tenant().script(|_, _, _| None);
    world.basic.set(true);
    world.add(5, |user| {
        user.user_type = "Guest";
        user.principal = "eve_fabrikam.example#EXT#@contoso.example".into();
    });
    let given = vec![
        asset("mail", r#"{"mail":"ada@contoso.example"}"#),
        asset("name", &format!(r#"{{"username":"{}"}}"#, principal(1))),
        asset("again", &format!(r#"{{"id":"{}"}}"#, id(1))),
        asset("guest", &format!(r#"{{"id":"{}"}}"#, id(5))),
        asset("nobody", r#"{"username":"nobody@contoso.example"}"#),
    ];
    let (outcomes, _) = world.run(Mode::Enforce, r#"{"verify":true}"#, given);
    // What cannot be read is not read back.
    assert_eq!(
        verdict(&outcomes, "mail"),
        (Verdict::Succeeded, "unconfirmed")
    );
    assert!(world.requests(Kind::ReadBack).is_empty());
    assert_eq!(evidence(&outcomes, "mail")["object_id"], id(2));
    let message = &of(&outcomes, "mail").message;
    assert!(message.contains("may read names only"), "{message}");
    let count = |code: &str| outcomes.iter().filter(|o| o.code == code).count();
    assert_eq!(count("duplicate"), 1, "{outcomes:#?}");
    assert_eq!(
        verdict(&outcomes, "guest"),
        (Verdict::Skipped, "no-effect-guest")
    );
    assert_eq!(verdict(&outcomes, "nobody"), (Verdict::Failed, "not-found"));
}
