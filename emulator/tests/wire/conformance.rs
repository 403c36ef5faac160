//! E16: recorded answers, replayed. What differs each time (ids, dates, the data centre) is compared by its form.
//!
//! The fixtures are answers of the live service, with names and ids replaced; their first line says when they were
//! recorded and what was asked.

use std::collections::BTreeSet;

use entra_emulator::{Tenant, User};

use crate::client::{Got, Trial};

/// A recorded answer.
struct Fixture {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

fn read(text: &str) -> Fixture {
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| format!("{line}\n"))
        .collect();
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.into(), value.into()));
    Fixture {
        status,
        headers: headers.collect(),
        body: body.trim_end().to_owned(),
    }
}

/// `text` with every GUID and every time replaced by a word.
fn formed(text: &str) -> String {
    let words: Vec<&str> = text
        .split_inclusive(|letter: char| {
            !(letter.is_ascii_alphanumeric() || letter == '-' || letter == ':')
        })
        .collect();
    let shown = |word: &str| {
        let bare = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let rest = &word[bare.len()..];
        let is_guid = uuid::Uuid::try_parse(bare).is_ok() && bare.len() == 36;
        // `2026-02-25T21:21:51`, and nothing behind it.
        let is_time = bare.len() == 19
            && bare.as_bytes()[10] == b'T'
            && bare
                .replace([':', '-', 'T'], "")
                .bytes()
                .all(|byte| byte.is_ascii_digit());
        if is_guid {
            format!("GUID{rest}")
        } else if is_time {
            format!("TIME{rest}")
        } else {
            word.to_owned()
        }
    };
    words.into_iter().map(shown).collect()
}

fn assert_same(got: &Got, fixture: &Fixture) {
    assert_eq!(got.status, fixture.status);
    assert_eq!(formed(got.text()), formed(&fixture.body));
    let own = ["content-length", "x-emulator"];
    let names: BTreeSet<&str> = got
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| !own.contains(name))
        .collect();
    let recorded: BTreeSet<&str> = fixture
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, recorded);
    for (name, value) in &fixture.headers {
        if !["date", "x-ms-ags-diagnostic"].contains(&name.as_str()) {
            assert_eq!(formed(got.header(name).unwrap()), formed(value), "{name}");
        }
    }
    // Both ids are the same one where the caller gave none.
    assert_eq!(got.header("request-id"), got.header("client-request-id"));
}

#[tokio::test]
async fn e16_the_recorded_answers_to_a_revoke_are_given() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let graph = "https://graph.microsoft.com/v1.0/users";
    let revoke = |name: &str| {
        trial
            .ask("POST", format!("{graph}/{name}/revokeSignInSessions"))
            .http2()
    };
    let got = revoke("ada@contoso.example").bearer(&token).send().await;
    assert_same(&got, &read(include_str!("../fixtures/revoke-200.http")));
    let got = revoke("nobody@contoso.example").bearer(&token).send().await;
    assert_same(&got, &read(include_str!("../fixtures/revoke-404.http")));
    let got = revoke("ada@contoso.example")
        .bearer("nonsense")
        .send()
        .await;
    assert_same(&got, &read(include_str!("../fixtures/revoke-401.http")));
    trial
        .emulator
        .change_app(entra_emulator::App::DEFAULT_CLIENT_ID, |app| {
            app.roles.clear()
        });
    let token = trial.token().await;
    let got = revoke("ada@contoso.example").bearer(&token).send().await;
    assert_same(&got, &read(include_str!("../fixtures/revoke-403.http")));
}

#[tokio::test]
async fn e16_the_recorded_answers_to_malformed_batches_are_given() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let batch = async |body: &str| {
        trial
            .graph("POST", "/v1.0/$batch")
            .bearer(&token)
            .raw(body)
            .send()
            .await
    };
    let recorded = r#"{"error":{"code":"BadRequest","message":"Invalid batch payload format.","innerError":{"date":"TIME","request-id":"GUID","client-request-id":"GUID"}}}"#;
    assert_eq!(formed(batch("{").await.text()), recorded);
    let twice = r#"{"requests":[{"id":"1","method":"GET","url":"/me"},{"id":"1","method":"GET","url":"/me"}]}"#;
    let recorded = recorded.replace(
        "Invalid batch payload format.",
        "Request Id 1 has to be unique in a batch.",
    );
    assert_eq!(formed(batch(twice).await.text()), recorded);
}

/// Recorded 8 September 2026; names, ids and the page's token are replaced.
#[tokio::test]
async fn e16_the_recorded_answers_to_reads_are_given() {
    let trial = Trial::of(
        Tenant::builder()
            .user(User::member("ada@contoso.example").named("Ada Lovelace"))
            .user(User::member("grace@contoso.example"))
            .build(),
    )
    .await;
    let token = trial.token().await;
    let get = async |path: &str| {
        let url = format!("https://graph.microsoft.com/v1.0/users{path}");
        trial.ask("GET", url).bearer(&token).send().await
    };
    let read = async |path: &str, status: u16| {
        let got = get(path).await;
        assert_eq!(got.status, status, "{path}");
        let text = formed(got.text());
        match text.split_once("skiptoken=") {
            Some((before, behind)) => {
                let rest = behind.split_once('"').unwrap().1;
                format!("{before}skiptoken=TOKEN\"{rest}")
            }
            None => text,
        }
    };
    let context = r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users"#;
    let next = r#""@odata.nextLink":"https://graph.microsoft.com/v1.0/users?"#;
    assert_eq!(
        read("/ada@contoso.example?$select=displayName", 200).await,
        format!(r#"{context}(displayName)/$entity","displayName":"Ada Lovelace"}}"#)
    );
    assert_eq!(
        read("/ada@contoso.example?$select=noSuchProperty", 200).await,
        format!(r#"{context}(noSuchProperty)/$entity"}}"#)
    );
    assert_eq!(
        read("?$top=1", 200).await,
        format!(
            r#"{context}",{next}$top=1&$skiptoken=TOKEN","value":[{{"businessPhones":[],"displayName":"Ada Lovelace","givenName":"Ada","jobTitle":null,"mail":"ada@contoso.example","mobilePhone":null,"officeLocation":null,"preferredLanguage":null,"surname":"Lovelace","userPrincipalName":"ada@contoso.example","id":"GUID"}}]}}"#
        )
    );
    assert_eq!(
        read("?$select=displayName&$top=1", 200).await,
        format!(
            r#"{context}(displayName)",{next}$select=displayName&$top=1&$skiptoken=TOKEN","value":[{{"displayName":"Ada Lovelace"}}]}}"#
        )
    );
    let error = |code: &str, message: &str| {
        format!(
            r#"{{"error":{{"code":"{code}","message":"{message}","innerError":{{"date":"TIME","request-id":"GUID","client-request-id":"GUID"}}}}}}"#
        )
    };
    for (asked, shown) in [
        ("not-a-valid-object-id", "not-a-valid-object-id"),
        ("ffffffff-0000-4000-8000-000000000000", "GUID"),
    ] {
        let message = format!(
            "Resource '{shown}' does not exist or one of its queried reference-property objects are not present."
        );
        assert_eq!(
            read(&format!("/{asked}"), 404).await,
            error("Request_ResourceNotFound", &message)
        );
    }
    let got = trial.graph("GET", "/v1.0/users").send().await;
    assert_eq!(got.status, 401);
    assert_eq!(
        formed(got.text()),
        error("InvalidAuthenticationToken", "Access token is empty.")
    );
}

/// Recorded 13 August 2026: the members of a token's answer, in their order.
#[tokio::test]
async fn e16_the_recorded_answer_with_a_token_is_given() {
    let trial = Trial::sample().await;
    let got = trial.app_token().await;
    let body = got.json();
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(
        got.text().replace(token, "TOKEN"),
        r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"TOKEN"}"#
    );
}

#[test]
fn the_comparison_sees_a_difference() {
    assert_eq!(
        formed(r#"{"date":"2026-02-25T21:21:51","id":"be594cd6-737b-4c5c-9806-eb4f8803b515"}"#),
        r#"{"date":"TIME","id":"GUID"}"#
    );
    assert_ne!(
        formed(r#""2026-02-25T21:21:51Z""#),
        formed(r#""2026-02-25T21:21:51""#)
    );
    assert_ne!(formed("\"a\""), formed("\"b\""));
}
