//! E1: certificates, federated credentials, passwords, and what is wrong with them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_emulator::{App, ClientCertificate, Federated, Mfa, Tenant, User};
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::client::{Got, Trial, claims};

/// Signs an assertion.
pub(crate) fn signed(
    certificate: &ClientCertificate,
    alg: &str,
    header: Value,
    claims: &Value,
) -> String {
    let mut head = json!({"alg": alg, "typ": "JWT"});
    head.as_object_mut()
        .unwrap()
        .extend(header.as_object().unwrap().clone());
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(head.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let key = PrivatePkcs8KeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let encoding: &'static dyn RsaEncoding = if alg == "PS256" {
        &RSA_PSS_SHA256
    } else {
        &RSA_PKCS1_SHA256
    };
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        encoding,
        &ring::rand::SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) fn thumbprint(certificate: &ClientCertificate) -> Value {
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate.der);
    json!({"x5t#S256": URL_SAFE_NO_PAD.encode(digest)})
}

pub(crate) async fn sign_in(trial: &Trial, assertion: &str) -> Got {
    let form = [
        ("client_id", trial.emulator.client_id()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ),
        ("client_assertion", assertion.to_owned()),
        ("grant_type", "client_credentials".to_owned()),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
    ];
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    trial
        .ask("POST", trial.token_url())
        .form(&form)
        .send()
        .await
}

#[tokio::test]
async fn e1_a_certificate_signs_in_with_either_algorithm_and_nothing_else_does() {
    let certificate = ClientCertificate::generate("app").unwrap();
    let stranger = ClientCertificate::generate("stranger").unwrap();
    let app = App {
        certificates: vec![certificate.der.clone()],
        secrets: Vec::new(),
        ..App::default()
    };
    let trial = Trial::of(Tenant::builder().app(app).build()).await;
    let id = trial.emulator.client_id();
    let now = trial.emulator.now().as_second();
    let good = json!({"aud": trial.token_url(), "iss": id, "sub": id, "jti": "1", "nbf": now, "iat": now, "exp": now + 600});
    for alg in ["PS256", "RS256"] {
        let got = sign_in(
            &trial,
            &signed(&certificate, alg, thumbprint(&certificate), &good),
        )
        .await;
        assert_eq!(got.status, 200, "{alg}: {got:?}");
        assert_eq!(
            claims(got.json()["access_token"].as_str().unwrap())["appidacr"],
            "2"
        );
    }
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let cases = [
        (
            signed(&stranger, "PS256", thumbprint(&stranger), &good),
            700_027,
        ),
        (
            signed(&stranger, "PS256", thumbprint(&certificate), &good),
            700_027,
        ),
        (signed(&certificate, "PS256", json!({}), &good), 700_027),
        (
            signed(
                &certificate,
                "PS256",
                thumbprint(&certificate),
                &changed("aud", "https://elsewhere.example/".into()),
            ),
            700_023,
        ),
        (
            signed(
                &certificate,
                "PS256",
                thumbprint(&certificate),
                &changed("exp", (now - 3600).into()),
            ),
            700_024,
        ),
        (
            signed(
                &certificate,
                "PS256",
                thumbprint(&certificate),
                &changed("nbf", (now + 3600).into()),
            ),
            700_024,
        ),
        (
            signed(
                &certificate,
                "PS256",
                thumbprint(&certificate),
                &changed("sub", "somebody".into()),
            ),
            700_021,
        ),
        ("nonsense".to_owned(), 50_027),
    ];
    for (assertion, code) in cases {
        let got = sign_in(&trial, &assertion).await;
        assert_eq!(got.aadsts(), code, "{got:?}");
        assert_eq!(
            (got.status, &got.json()["error"]),
            (401, &"invalid_client".into())
        );
    }
}

#[tokio::test]
async fn e1_a_federated_credential_matches_exactly() {
    let issuer = ClientCertificate::generate("issuer").unwrap();
    let federated = Federated {
        issuer: "https://token.actions.example".into(),
        subject: "repo:contoso/app:ref:refs/heads/main".into(),
        audience: "api://AzureADTokenExchange".into(),
        issuer_certificate: Some(issuer.der.clone()),
    };
    let app = App {
        federated: vec![federated],
        ..App::default()
    };
    let trial = Trial::of(Tenant::builder().app(app).build()).await;
    let now = trial.emulator.now().as_second();
    let claims = |issuer: &str, subject: &str, audience: &str| json!({"iss": issuer, "sub": subject, "aud": audience, "exp": now + 600});
    let (iss, sub, aud) = (
        "https://token.actions.example",
        "repo:contoso/app:ref:refs/heads/main",
        "api://AzureADTokenExchange",
    );
    let got = sign_in(
        &trial,
        &signed(&issuer, "RS256", json!({}), &claims(iss, sub, aud)),
    )
    .await;
    assert_eq!(got.status, 200, "{got:?}");
    for (claims, code) in [
        (claims("https://token.actions.example/", sub, aud), 700_211),
        (claims(iss, sub, "api://azureadtokenexchange"), 700_212),
        (
            claims(iss, "repo:contoso/App:ref:refs/heads/main", aud),
            700_213,
        ),
    ] {
        assert_eq!(
            sign_in(&trial, &signed(&issuer, "RS256", json!({}), &claims))
                .await
                .aadsts(),
            code
        );
    }
}

#[tokio::test]
async fn e3_a_password_is_refused_for_each_of_its_reasons() {
    let user = |name: &str| User::member(format!("{name}@contoso.example")).with_password("pw");
    let tenant = Tenant::builder()
        .user(user("good"))
        .user(user("locked").locked())
        .user(user("disabled").disabled())
        .user(user("expired").with_expired_password())
        .user(user("mfa").with_mfa(Mfa::Required))
        .user(user("enrol").with_mfa(Mfa::MustEnrol))
        .user(user("blocked").blocked_by_policy())
        .user(User::member("without@contoso.example"))
        .build();
    let trial = Trial::of(tenant).await;
    for (name, password, code, suberror) in [
        ("good", "wrong", 50_126, None),
        ("nobody", "pw", 50_034, None),
        ("locked", "pw", 50_053, None),
        ("disabled", "pw", 50_057, None),
        ("expired", "pw", 50_055, Some("user_password_expired")),
        ("without", "pw", 50_056, None),
        ("mfa", "pw", 50_076, Some("basic_action")),
        ("enrol", "pw", 50_079, Some("basic_action")),
        ("blocked", "pw", 53_003, Some("message_only")),
    ] {
        let name = format!("{name}@contoso.example");
        let form = [
            ("grant_type", "password"),
            ("username", name.as_str()),
            ("password", password),
            ("scope", "User.Read"),
        ];
        let got = trial.token_with(&form).await;
        assert_eq!(
            (got.status, got.aadsts(), got.json()["suberror"].as_str()),
            (400, code, suberror),
            "{name}"
        );
    }
    let form = [
        ("grant_type", "password"),
        ("username", "good@contoso.example"),
        ("password", "pw"),
        ("scope", "Mail.Send"),
    ];
    let got = trial.token_with(&form).await;
    assert_eq!(
        (got.aadsts(), got.json()["suberror"].as_str()),
        (65_001, Some("consent_required"))
    );
}

#[tokio::test]
async fn e3_too_many_equal_requests_are_a_loop() {
    let trial = Trial::sample().await;
    trial
        .emulator
        .change(|settings| settings.token_loop_limit = Some(3));
    for _ in 0..3 {
        assert_eq!(trial.app_token().await.status, 200);
    }
    assert_eq!(trial.app_token().await.aadsts(), 50_196);
    trial
        .emulator
        .advance_clock(std::time::Duration::from_secs(301));
    assert_eq!(trial.app_token().await.status, 200);
}
