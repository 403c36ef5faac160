//! Components of files: nothing runs that nobody said yes to, and what was said yes to is kept.

use std::path::PathBuf;

use revoke_user_sessions_component::COMPONENT;

use crate::place::Place;

const SECRET: &str = "a-secret-of-the-application";

/// The first action as another component: a custom section at its end changes the digest and nothing else.
fn another(place: &Place, name: &str) -> PathBuf {
    let mut bytes = COMPONENT.to_vec();
    let text = name.as_bytes();
    let length = u8::try_from(text.len()).unwrap();
    bytes.extend_from_slice(&[0, length + 1, length]);
    bytes.extend_from_slice(text);
    place.write(&format!("{name}.wasm"), bytes)
}

async fn place() -> Place {
    let place = Place::new(SECRET).await;
    place.write("secret", SECRET);
    place.configure("client_secret = { file = \"secret\" }");
    place
}

fn run<'a>(action: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![
        "run",
        action,
        "--connection",
        "corp",
        "--user",
        "ada@contoso.example",
    ];
    words.extend_from_slice(more);
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_a_file_runs_once_somebody_said_yes() {
    let place = place().await;
    another(&place, "one");
    let refused = place.tipstaff(&run("one.wasm", &["--simulate"]));
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
    // It is compared with what the program carries under the same name.
    assert!(refused.err.contains("it asks for the same"), "{refused:?}");
    assert!(refused.err.contains("is not approved"), "{refused:?}");
    assert_eq!(place.emulator.state().requests, 0);

    let approved = place.tipstaff(&["actions", "approve", "one.wasm", "--yes"]);
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(
        approved.out.starts_with("approved revoke-user-sessions "),
        "{approved:?}"
    );
    let ran = place.tipstaff(&run("one.wasm", &["--simulate"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let again = place.tipstaff(&["actions", "approve", "one.wasm"]);
    assert!(
        again.code == 0 && again.out.contains("is approved already"),
        "{again:?}"
    );

    // Changed, it is another component.
    another(&place, "two");
    assert_eq!(place.tipstaff(&run("two.wasm", &["--simulate"])).code, 2);
    // A yes to the plan is a yes to the component too, and is kept.
    let ran = place.tipstaff(&run("two.wasm", &["--yes"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(place.tipstaff(&run("two.wasm", &["--simulate"])).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_in_version_control_hold_for_a_fleet() {
    let place = place().await;
    another(&place, "one");
    let words = [
        "actions",
        "approve",
        "one.wasm",
        "--yes",
        "--write",
        "approvals.toml",
    ];
    assert_eq!(place.tipstaff(&words).code, 0);
    // Another host: the same files, and a state folder of its own.
    std::fs::rename(place.state(), place.path("elsewhere")).unwrap();
    assert_eq!(place.tipstaff(&run("one.wasm", &["--simulate"])).code, 2);
    let named = place.tipstaff(&run(
        "one.wasm",
        &["--simulate", "--approvals", "approvals.toml"],
    ));
    assert_eq!(named.code, 0, "{named:?}");
    let text = std::fs::read_to_string(place.path("tipstaff.toml")).unwrap();
    place.write(
        "tipstaff.toml",
        format!("approvals = \"approvals.toml\"\n{text}"),
    );
    let configured = place.tipstaff(&run("one.wasm", &["--simulate"]));
    assert_eq!(configured.code, 0, "{configured:?}");

    let text = std::fs::read_to_string(place.path("approvals.toml")).unwrap();
    place.write("approvals.toml", text.replace("kind: user", "kind: device"));
    let edited = place.tipstaff(&run("one.wasm", &["--simulate"]));
    assert_eq!(edited.code, 2, "{edited:?}");
    assert!(
        edited.err.contains("line 4") && edited.err.contains("changed by hand"),
        "{edited:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_was_edited_by_hand_runs_nothing_that_needs_an_approval() {
    let place = place().await;
    another(&place, "one");
    assert_eq!(
        place
            .tipstaff(&["actions", "approve", "one.wasm", "--yes"])
            .code,
        0
    );
    let log = place.state().join("registry/log.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace("\"said\"", "\"file\"")).unwrap();
    for words in [
        run("one.wasm", &["--yes"]),
        run("revoke-user-sessions", &["--yes"]),
        vec!["actions", "list"],
        vec!["actions", "approve", "one.wasm", "--yes"],
    ] {
        let refused = place.tipstaff(&words);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
        assert!(
            refused
                .err
                .contains("log.jsonl` was changed by hand, line 1"),
            "{refused:?}"
        );
        assert!(refused.err.contains("hint: "), "{refused:?}");
    }
    assert_eq!(place.emulator.state().requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_names_that_are_not_there_are_refused() {
    let place = place().await;
    another(&place, "one");
    // The program carries another component under this name and version.
    let taken = place.tipstaff(&["actions", "install", "one.wasm"]);
    assert_eq!(taken.code, 2, "{taken:?}");
    assert!(
        taken
            .err
            .contains("is there already, with another component"),
        "{taken:?}"
    );
    for (words, why) in [
        (
            ["actions", "activate", "revoke-user-sessions"],
            "names no version",
        ),
        (
            ["actions", "activate", "revoke-user-sessions@9.9.9"],
            "no action `revoke-user-sessions@9.9.9`",
        ),
        (
            ["actions", "rollback", "revoke-user-sessions"],
            "nothing to go back to",
        ),
        (
            ["actions", "inspect", "revoke-user-session"],
            "did you mean `revoke-user-sessions`?",
        ),
    ] {
        let refused = place.tipstaff(&words);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(why), "{refused:?}");
    }
    let listed = place.tipstaff(&["actions", "list"]);
    assert_eq!(listed.out.lines().count(), 2, "{listed:?}");
}
