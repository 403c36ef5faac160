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
            .all(|entry| entry.kind == Kind::Token),
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
fn fields_that_are_not_used_are_named() {
    let world = World::of(0);
    world
        .fields
        .borrow_mut()
        .insert("account_sub_domain", "contoso".into());
    world
        .secrets
        .borrow_mut()
        .insert("otp_secret", "stand-in".into());
    let found = findings(&world);
    assert!(found.contains(&(Level::Warning, "user-fields-unused")));
    assert!(found.contains(&(Level::Warning, "sub-domain-unused")));
}
