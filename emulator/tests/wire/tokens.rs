//! E1, E2: the token endpoint, its answers and its errors.

use entra_emulator::App;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::Value;

use crate::client::{Trial, claims};

#[tokio::test]
async fn e1_a_secret_gives_a_token_that_the_published_keys_verify() {
    use base64::Engine as _;
    let b64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let trial = Trial::sample().await;
    let got = trial.app_token().await;
    assert_eq!(got.status, 200);
    let body = got.json();
    assert_eq!(
        got.text().split("\"access_token\"").next().unwrap(),
        r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"#
    );
    assert_eq!(got.header("cache-control"), Some("no-store, no-cache"));
    assert!(
        got.header("x-emulator")
            .unwrap()
            .starts_with("entra-emulator/")
    );
    let token = body["access_token"].as_str().unwrap();

    let configuration = format!(
        "{}/{}/v2.0/.well-known/openid-configuration",
        trial.emulator.login_url(),
        trial.emulator.tenant_id()
    );
    let configuration = trial.ask("GET", configuration).send().await.json();
    assert_eq!(configuration["token_endpoint"], trial.token_url());
    let keys = trial
        .ask("GET", configuration["jwks_uri"].as_str().unwrap())
        .send()
        .await
        .json();
    let key = &keys["keys"][0];
    let decode = |value: &Value| b64.decode(value.as_str().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    RsaPublicKeyComponents {
        n: decode(&key["n"]),
        e: decode(&key["e"]),
    }
    .verify(
        &RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &b64.decode(signature).unwrap(),
    )
    .unwrap();

    let claims = claims(token);
    assert_eq!(claims["aud"], "https://graph.microsoft.com");
    assert_eq!(claims["idtyp"], "app");
    assert_eq!(claims["appid"], trial.emulator.client_id());
    assert_eq!(claims["tid"], trial.emulator.tenant_id());
    assert_eq!(
        claims["roles"],
        serde_json::json!(["User.RevokeSessions.All", "User.Read.All"])
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        3599
    );
}

#[tokio::test]
async fn e1_the_first_version_answers_with_strings() {
    let trial = Trial::sample().await;
    let url = format!(
        "{}/contoso.onmicrosoft.com/oauth2/token",
        trial.emulator.login_url()
    );
    let (id, secret) = (trial.emulator.client_id(), trial.emulator.client_secret());
    let form = [
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("grant_type", "client_credentials"),
        ("resource", "https://graph.microsoft.com"),
    ];
    let body = trial.ask("POST", url).form(&form).send().await.json();
    assert_eq!(
        (&body["expires_in"], &body["resource"]),
        (&"3599".into(), &"https://graph.microsoft.com".into())
    );
    assert!(body["expires_on"].is_string() && body["not_before"].is_string());
}

#[tokio::test]
async fn e1_basic_authentication_is_taken_too() {
    use base64::Engine as _;
    let trial = Trial::sample().await;
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!(
        "{}:{}",
        encode(&trial.emulator.client_id()),
        encode(&trial.emulator.client_secret())
    );
    let basic = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let got = trial
        .ask("POST", trial.token_url())
        .header("authorization", basic)
        .form(&form)
        .send()
        .await;
    assert_eq!(got.status, 200, "{got:?}");
}

/// The error's members with what differs each time left out.
fn stable(got: &crate::client::Got) -> String {
    let body = got.json();
    let mut text = got.text().to_owned();
    for (name, placeholder) in [
        ("trace_id", "{guid}"),
        ("correlation_id", "{guid}"),
        ("timestamp", "{timestamp}"),
    ] {
        text = text.replace(body[name].as_str().unwrap(), placeholder);
    }
    text
}

#[tokio::test]
async fn e2_the_four_recorded_errors_are_word_for_word() {
    let trial = Trial::sample().await;
    let (id, tenant) = (trial.emulator.client_id(), trial.emulator.tenant_id());
    let ask = async |pairs: &[(&str, &str)]| {
        trial
            .ask("POST", trial.token_url())
            .form(pairs)
            .send()
            .await
    };
    let scope = ("scope", "https://graph.microsoft.com/.default");
    let grant = ("grant_type", "client_credentials");
    let secret = ("client_secret", "wrong");

    let got = ask(&[("client_id", &id), secret, scope, grant]).await;
    assert_eq!(got.status, 401);
    assert_eq!(
        stable(&got),
        format!(
            r#"{{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'. Trace ID: {{guid}} Correlation ID: {{guid}} Timestamp: {{timestamp}}","error_codes":[7000215],"timestamp":"{{timestamp}}","trace_id":"{{guid}}","correlation_id":"{{guid}}","error_uri":"https://login.microsoftonline.com/error?code=7000215"}}"#
        )
    );

    let right = trial.emulator.client_secret();
    let got = ask(&[
        ("client_id", &id),
        ("client_secret", &right),
        ("scope", "api://not-a-registered-resource/.default"),
        grant,
    ])
    .await;
    assert_eq!(got.status, 400);
    assert_eq!(
        stable(&got),
        format!(
            r#"{{"error":"invalid_resource","error_description":"AADSTS500011: The resource principal named api://not-a-registered-resource was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant. Trace ID: {{guid}} Correlation ID: {{guid}} Timestamp: {{timestamp}}","error_codes":[500011],"timestamp":"{{timestamp}}","trace_id":"{{guid}}","correlation_id":"{{guid}}","error_uri":"https://login.microsoftonline.com/error?code=500011"}}"#
        )
    );

    let got = ask(&[
        ("client_id", &id),
        secret,
        scope,
        ("grant_type", "no_such_grant"),
    ])
    .await;
    assert_eq!(got.status, 400);
    assert_eq!(
        stable(&got),
        r#"{"error":"unsupported_grant_type","error_description":"AADSTS70003: The app requested an unsupported grant type 'no_such_grant'. Trace ID: {guid} Correlation ID: {guid} Timestamp: {timestamp}","error_codes":[70003],"timestamp":"{timestamp}","trace_id":"{guid}","correlation_id":"{guid}"}"#
    );

    let got = ask(&[
        ("client_id", "00000000-0000-0000-0000-000000000000"),
        secret,
        scope,
        grant,
    ])
    .await;
    assert_eq!(got.status, 400);
    assert_eq!(
        stable(&got),
        r#"{"error":"unauthorized_client","error_description":"AADSTS700038: 00000000-0000-0000-0000-000000000000 is not a valid application identifier. Trace ID: {guid} Correlation ID: {guid} Timestamp: {timestamp}","error_codes":[700038],"timestamp":"{timestamp}","trace_id":"{guid}","correlation_id":"{guid}"}"#
    );
}

#[tokio::test]
async fn e3_the_error_follows_from_the_state() {
    let expired = entra_emulator::ClientSecret {
        value: "old".into(),
        expires: Some("2020-01-01T00:00:00Z".parse().unwrap()),
    };
    let mut app = App::default();
    app.secrets.push(expired);
    let trial = Trial::of(entra_emulator::Tenant::builder().app(app).build()).await;
    let id = trial.emulator.client_id();
    let secret = trial.emulator.client_secret();
    let good = [
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", "https://graph.microsoft.com/.default"),
        ("grant_type", "client_credentials"),
    ];
    let with = |name: &str, value: Option<&'static str>| {
        let kept = good.iter().copied().filter(|(other, _)| *other != name);
        kept.chain(value.map(|value| {
            (
                ["client_id", "client_secret", "scope", "grant_type"]
                    .into_iter()
                    .find(|other| *other == name)
                    .unwrap(),
                value,
            )
        }))
        .collect::<Vec<_>>()
    };
    let cases = [
        (with("client_secret", Some("wrong")), 7_000_215, 401),
        (with("client_secret", Some("old")), 7_000_222, 401),
        (with("client_secret", None), 7_000_216, 401),
        (with("client_id", None), 900_144, 400),
        (with("client_id", Some("nonsense")), 700_038, 400),
        (
            with("client_id", Some("12345678-0000-4000-8000-000000000000")),
            700_016,
            400,
        ),
        (with("scope", None), 900_144, 400),
        (with("scope", Some("User.Read.All")), 1_002_012, 400),
        (
            with("scope", Some("https://graph.microsoft.us/.default")),
            500_011,
            400,
        ),
        (with("grant_type", None), 900_144, 400),
    ];
    for (pairs, code, status) in cases {
        let got = trial
            .ask("POST", trial.token_url())
            .form(&pairs)
            .send()
            .await;
        assert_eq!((got.aadsts(), got.status), (code, status), "{pairs:?}");
        assert_eq!(got.json()["error_codes"].as_array().unwrap().len(), 1);
    }
    for (tenant, code) in [
        ("99999999-2222-3333-4444-555555555555", 90_002),
        ("unknown.example", 90_002),
        ("nonsense", 900_023),
        ("common", 9_001_023),
    ] {
        let url = format!("{}/{tenant}/oauth2/v2.0/token", trial.emulator.login_url());
        assert_eq!(
            trial.ask("POST", url).form(&good).send().await.aadsts(),
            code,
            "{tenant}"
        );
    }
    let changes: [fn(&mut App); 4] = [
        |app| app.blocked_by_policy = true,
        |app| app.enabled = false,
        |app| app.consented = false,
        |app| (app.consented, app.enabled, app.public) = (true, true, true),
    ];
    for (change, code) in changes
        .into_iter()
        .zip([53_003, 7_000_112, 7_000_229, 700_025])
    {
        trial.emulator.change_app(App::DEFAULT_CLIENT_ID, change);
        let got = trial
            .ask("POST", trial.token_url())
            .form(&good)
            .send()
            .await;
        assert_eq!(got.aadsts(), code);
        if code == 53_003 {
            assert!(
                got.json()["claims"]
                    .as_str()
                    .unwrap()
                    .starts_with(r#"{"access_token":"#)
            );
        }
    }
}

#[tokio::test]
async fn e2_the_correlation_id_is_the_callers() {
    let trial = Trial::sample().await;
    let id = "5f2c1c8e-6f0c-4c1b-9d35-d1ef9ff4c726";
    let got = trial
        .ask("POST", trial.token_url())
        .header("client-request-id", id)
        .form(&[])
        .send()
        .await;
    assert_eq!(got.json()["correlation_id"], id);
}

/// Status, `error` and `suberror` of every number that clients are known to meet: recorded for four, else from "Microsoft
/// Entra authentication and authorization error codes" and from reports.
#[tokio::test]
async fn e2_every_number_can_be_had_and_has_its_envelope() {
    let table = [
        (7_000_215, 401, "invalid_client", None),
        (7_000_222, 401, "invalid_client", None),
        (7_000_216, 401, "invalid_client", None),
        (7_000_218, 401, "invalid_client", None),
        (700_016, 400, "unauthorized_client", None),
        (700_038, 400, "unauthorized_client", None),
        (7_000_229, 401, "invalid_client", None),
        (7_000_112, 400, "unauthorized_client", None),
        (90_002, 400, "invalid_request", None),
        (900_023, 400, "invalid_request", None),
        (90_013, 400, "invalid_request", None),
        (900_144, 400, "invalid_request", None),
        (70_011, 400, "invalid_scope", None),
        (1_002_012, 400, "invalid_scope", None),
        (500_011, 400, "invalid_resource", None),
        (70_003, 400, "unsupported_grant_type", None),
        (700_027, 401, "invalid_client", None),
        (700_024, 401, "invalid_client", None),
        (700_023, 401, "invalid_client", None),
        (700_025, 401, "invalid_client", None),
        (70_021, 401, "invalid_client", None),
        (9_001_023, 400, "invalid_request", None),
        (50_126, 400, "invalid_grant", None),
        (50_034, 400, "invalid_grant", None),
        (50_053, 400, "invalid_grant", None),
        (50_055, 400, "invalid_grant", Some("user_password_expired")),
        (50_056, 400, "invalid_grant", None),
        (50_057, 400, "invalid_grant", None),
        (50_076, 400, "invalid_grant", Some("basic_action")),
        (50_079, 400, "invalid_grant", Some("basic_action")),
        (50_072, 400, "invalid_grant", Some("basic_action")),
        (50_074, 400, "invalid_grant", Some("basic_action")),
        (50_158, 400, "invalid_grant", Some("basic_action")),
        (65_001, 400, "invalid_grant", Some("consent_required")),
        (53_003, 400, "invalid_grant", Some("message_only")),
        (53_000, 400, "invalid_grant", Some("message_only")),
        (53_001, 400, "invalid_grant", Some("message_only")),
        (53_004, 400, "invalid_grant", Some("message_only")),
        (530_032, 400, "invalid_grant", Some("message_only")),
        (530_035, 400, "invalid_grant", Some("message_only")),
        (50_173, 400, "invalid_grant", Some("bad_token")),
        (700_082, 400, "invalid_grant", None),
        (70_043, 400, "invalid_grant", Some("bad_token")),
        (70_008, 400, "invalid_grant", None),
        (50_196, 400, "invalid_grant", None),
        (90_055, 429, "temporarily_unavailable", None),
        (90_033, 503, "temporarily_unavailable", None),
        (90_006, 503, "temporarily_unavailable", None),
        (90_024, 503, "temporarily_unavailable", None),
        (50_033, 503, "temporarily_unavailable", None),
        (90_038, 400, "invalid_request", None),
        (900_382, 400, "invalid_request", None),
        (900_432, 400, "invalid_request", None),
    ];
    let trial = Trial::sample().await;
    for (code, status, error, suberror) in table {
        let rule = serde_json::json!({
            "fault": {"kind": "aadsts", "code": code}, "route": "token", "count": 1,
        });
        let added = trial.admin("POST", "/faults", &rule.to_string()).await;
        assert_eq!(added.status, 200);
        let got = trial.app_token().await;
        let body = got.json();
        assert_eq!(
            (got.status, got.aadsts(), body["error"].as_str()),
            (status, code, Some(error)),
        );
        assert_eq!(body["suberror"].as_str(), suberror, "{code}");
        assert_eq!(body["claims"].is_string(), code == 53_003);
        let description = body["error_description"].as_str().unwrap();
        let (time, end) = (body["timestamp"].as_str().unwrap(), "Timestamp: ");
        assert!(
            description.starts_with(&format!("AADSTS{code}: ")),
            "{description}"
        );
        assert!(
            description.ends_with(&format!("{end}{time}")),
            "{description}"
        );
        // `2026-08-13 21:24:29Z`
        assert_eq!((time.len(), &time[10..11], &time[19..]), (20, " ", "Z"));
        for id in ["trace_id", "correlation_id"] {
            assert!(uuid::Uuid::try_parse(body[id].as_str().unwrap()).is_ok());
        }
    }
}
