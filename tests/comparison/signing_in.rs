//! The ways to sign in.

use entra_emulator::{App, ClientCertificate, Federated, Mfa, Tenant, User};
use serde_json::json;
use tipstaff::Verdict;

use crate::Measured;
use crate::ground::{Ground, run};

const TARGET: &str = "ada@contoso.example";
const PASSWORD: &str = "Correct-Horse-9";
/// base32 of twenty bytes.
const OTP_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn admin(name: &str) -> User {
    User::member(name)
        .with_password(PASSWORD)
        .with_directory_role("User Administrator")
}

/// A token as another issuer would make it. The tenant was told not to look at its signature.
fn outside_token(now: i64) -> String {
    let part = |value: &serde_json::Value| base64url(value.to_string().as_bytes());
    let head = part(&json!({"alg": "RS256", "typ": "JWT", "kid": "1"}));
    let said = part(&json!({
        "iss": "https://issuer.example", "sub": "tipstaff", "aud": "api://AzureADTokenExchange",
        "iat": now, "nbf": now, "exp": now + 600,
    }));
    format!("{head}.{said}.{}", base64url(b"unsigned"))
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) async fn ways() -> Measured {
    let certificate = ClientCertificate::generate("comparison").expect("a certificate");
    let app = App {
        certificates: vec![certificate.der.clone()],
        federated: vec![Federated {
            issuer: "https://issuer.example".to_owned(),
            subject: "tipstaff".to_owned(),
            audience: "api://AzureADTokenExchange".to_owned(),
            issuer_certificate: None,
        }],
        ..App::default()
    };
    let tenant = Tenant::builder()
        .app(app)
        .user(User::member(TARGET))
        .user(admin("admin@contoso.example"))
        .user(
            admin("careful@contoso.example")
                .with_mfa(Mfa::Required)
                .with_otp_secret(OTP_SECRET),
        )
        .build();
    let ground = Ground::new(tenant).await;
    ground.put("cert.pem", &certificate.certificate_pem);
    ground.put("key.pem", &certificate.key_pem);
    ground.put("password", PASSWORD);
    ground.put("otp", OTP_SECRET);
    let now = ground.trial.emulator.now().as_second();
    ground.put("token", &outside_token(now));
    let user = |name: &str, more: &str| {
        format!(
            "client_secret = {{ file = \"secret\" }}\nsign_in = \"user\"\nusername = \"{name}\"\n\
             password = {{ file = \"password\" }}\n{more}"
        )
    };
    let ways = [
        ("secret", "client_secret = { file = \"secret\" }".to_owned()),
        (
            "certificate",
            "certificate = { cert_file = \"cert.pem\", key = { file = \"key.pem\" } }".to_owned(),
        ),
        (
            "federated credential",
            "federated_token = { file = \"token\" }".to_owned(),
        ),
        ("password", user("admin@contoso.example", "")),
        (
            "one-time code",
            user("careful@contoso.example", "otp_secret = { file = \"otp\" }"),
        ),
    ];
    let mut held = Vec::new();
    for (way, lines) in ways {
        let lines = format!("{lines}\n{}", ground.addresses());
        // What people do must not pass as what the application may do by itself.
        let by_person = lines.contains("sign_in");
        ground
            .trial
            .emulator
            .change_app(App::DEFAULT_CLIENT_ID, |app| {
                app.roles = if by_person {
                    Vec::new()
                } else {
                    App::default().roles
                };
            });
        let before = ground.revocations(TARGET);
        let ran = match ground.connection(&lines) {
            Some(connection) => run(ground.draft_of(connection, [TARGET])).await,
            None => None,
        };
        let revoked = ran.is_some_and(|ran| ran.count(Verdict::Succeeded, "revoked") == 1);
        held.push((way, revoked && ground.revocations(TARGET) == before + 1));
    }
    let count = held.iter().filter(|(_, held)| *held).count();
    Measured::new("Auth", held, format!("{count} ways revoked a user"))
}
