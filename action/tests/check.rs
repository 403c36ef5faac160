//! What a check of a connection finds out, changing nothing.

mod world;

use revoke_user_sessions::check;
use revoke_user_sessions::service::{Finding, Level};
use world::{Fault, Kind, World};

fn findings(world: &World) -> Vec<(Level, &'static str)> {
    let findings: Vec<Finding> = world.clock.drive(check(world));
    assert!(
        world
            .journal
            .borrow()
            .iter()
            .all(|entry| matches!(entry.kind, Kind::Token | Kind::Tenant)),
        "a check touches no user"
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding.message.ends_with('.') && !finding.message.contains("  "))
    );
    findings
        .into_iter()
        .map(|finding| (finding.level, finding.code))
        .collect()
}

#[test]
fn a_connection_with_just_what_is_needed_is_good() {
    let world = World::of(0);
    assert_eq!(
        findings(&world),
        [
            (Level::Good, "signed-in"),
            (Level::Good, "clock-agrees"),
            (Level::Good, "may-revoke"),
            (Level::Good, "may-read")
        ]
    );
}

#[test]
fn roles_that_are_missing_or_more_than_needed_are_named() {
    let world = World::of(0);
    *world.roles.borrow_mut() = vec!["User.RevokeSessions.All"];
    assert!(findings(&world).contains(&(Level::Warning, "may-not-read")));
    *world.roles.borrow_mut() = vec!["User.Read.All"];
    assert!(findings(&world).contains(&(Level::Bad, "may-not-revoke")));
    *world.roles.borrow_mut() = vec!["User.RevokeSessions.All", "Directory.ReadWrite.All"];
    assert!(findings(&world).contains(&(Level::Warning, "more-than-needed")));
    *world.roles.borrow_mut() = vec!["User.ReadWrite.All"];
    assert_eq!(
        findings(&world),
        [
            (Level::Good, "signed-in"),
            (Level::Good, "clock-agrees"),
            (Level::Good, "may-revoke"),
            (Level::Good, "may-read")
        ]
    );
}

#[test]
fn a_refused_sign_in_and_missing_fields_are_bad() {
    let body = r#"{"error":"invalid_client","error_codes":[7000222]}"#;
    let world = World::of(0).script(move |_, _, _| Some(Fault::body(401, body)));
    assert_eq!(findings(&world), [(Level::Bad, "sign-in-failed")]);
    let world = World::of(0);
    world.fields.borrow_mut().remove("client_id");
    assert_eq!(findings(&world), [(Level::Bad, "connection-incomplete")]);
}

#[test]
fn user_fields_that_are_not_used_are_named() {
    let world = World::of(0);
    world
        .secrets
        .borrow_mut()
        .insert("otp_secret", "stand-in".into());
    assert!(findings(&world).contains(&(Level::Warning, "user-fields-unused")));
}

#[test]
fn a_sub_domain_beside_a_tenant_id_is_proven_to_be_the_same_tenant() {
    let with = |domain: &str| {
        let world = World::of(0);
        let fields = &world.fields;
        fields
            .borrow_mut()
            .insert("account_sub_domain", domain.into());
        world
    };
    assert!(findings(&with("contoso")).contains(&(Level::Good, "same-tenant")));
    let other = with("fabrikam");
    assert!(findings(&other).contains(&(Level::Bad, "other-tenant")));
    let unknown = with("contoso").script(|kind, _, _| {
        let body = r#"{"error":"invalid_tenant","error_codes":[90002]}"#;
        (kind == Kind::Tenant).then(|| Fault::body(400, body))
    });
    assert!(findings(&unknown).contains(&(Level::Warning, "tenant-unknown")));
}

#[test]
fn a_clock_that_goes_wrong_is_told() {
    for (date, level, code) in [
        ("Mon, 23 Nov 2026 08:00:59 GMT", Level::Good, "clock-agrees"),
        (
            "Mon, 23 Nov 2026 08:02:00 GMT",
            Level::Warning,
            "clock-skew",
        ),
        ("Mon, 23 Nov 2026 07:50:00 GMT", Level::Bad, "clock-skew"),
    ] {
        let world = World::of(0);
        world.date.set(Some(date));
        assert!(findings(&world).contains(&(level, code)), "{date}");
    }
    let world = World::of(0);
    world.date.set(Some("some day"));
    assert!(
        !findings(&world)
            .iter()
            .any(|(_, code)| code.starts_with("clock"))
    );
}
