//! E15: applications, registered and changed on the admin side.

use entra_emulator::{App, ClientCertificate};
use serde_json::json;

use crate::assertions::{sign_in, signed, thumbprint};
use crate::client::{Trial, claims};

#[tokio::test]
async fn e15_an_application_gets_a_certificate_and_loses_it_with_a_reset() {
    let trial = Trial::sample().await;
    let certificate = ClientCertificate::generate("app").unwrap();
    let id = trial.emulator.client_id();
    let now = trial.emulator.now().as_second();
    let said = json!({"aud": trial.token_url(), "iss": id, "sub": id, "jti": "1", "nbf": now, "iat": now, "exp": now + 600});
    let assertion = signed(&certificate, "PS256", thumbprint(&certificate), &said);
    assert_eq!(sign_in(&trial, &assertion).await.aadsts(), 700_027);

    let change = json!({"certificates": [certificate.certificate_pem]}).to_string();
    let path = format!("/apps/{id}");
    assert_eq!(trial.admin("PATCH", &path, &change).await.status, 200);
    let got = sign_in(&trial, &assertion).await;
    assert_eq!(got.status, 200, "{got:?}");
    // What was not said stayed as it was.
    let token = got.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["roles"], json!(App::default().roles));
    assert_eq!(trial.app_token().await.status, 200);

    trial.admin("POST", "/reset", "").await;
    assert_eq!(sign_in(&trial, &assertion).await.aadsts(), 700_027);
}

#[tokio::test]
async fn e15_another_application_can_be_registered() {
    let trial = Trial::sample().await;
    let id = "77777777-7777-8888-9999-000000000000";
    let token = async |secret: &str| {
        let form = [
            ("client_id", id),
            ("client_secret", secret),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        trial
            .ask("POST", trial.token_url())
            .form(&form)
            .send()
            .await
    };
    assert_eq!(token("one").await.aadsts(), 700_016);
    let path = format!("/apps/{id}");
    assert_eq!(trial.admin("PATCH", &path, "{}").await.status, 404);
    let secrets = r#"{"roles":["User.Read.All"],"secrets":["one",{"value":"two","expires":"2020-01-01T00:00:00Z"}]}"#;
    assert_eq!(trial.admin("PUT", &path, secrets).await.status, 200);
    let got = token("one").await;
    assert_eq!(
        claims(got.json()["access_token"].as_str().unwrap())["roles"],
        json!(["User.Read.All"])
    );
    assert_eq!(token("two").await.aadsts(), 7_000_222);
    assert_eq!(token("three").await.aadsts(), 7_000_215);
}

#[tokio::test]
async fn e15_what_is_no_certificate_is_refused() {
    let trial = Trial::sample().await;
    let path = format!("/apps/{}", trial.emulator.client_id());
    for change in [
        r#"{"certificates":["nonsense"]}"#,
        r#"{"federated":[{"issuer":"i","subject":"s","issuer_certificate":"nonsense"}]}"#,
        r#"{"certificate":"misspelt"}"#,
    ] {
        let got = trial.admin("PATCH", &path, change).await;
        assert_eq!(got.status, 400, "{change}");
        assert!(got.json()["error"].is_string());
    }
    assert_eq!(trial.app_token().await.status, 200);
}
