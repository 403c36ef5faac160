//! Certificates as OpenSSL makes them, and what is wrong with others.

#![expect(clippy::unwrap_used, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pss::{Signature, VerifyingKey};
use rsa::signature::Verifier as _;
use serde_json::Value;
use tipstaff_egress::Secret;

use super::super::assertion;
use super::*;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/certificate")
        .join(name)
}

fn pem(certificate: &str, key: &str) -> Certificate {
    Certificate::Pem {
        cert_file: path(certificate),
        key: SecretSource::File(path(key)),
    }
}

fn pfx(file: &str, password: &str) -> Certificate {
    let password = Secret::new(password.to_owned());
    Certificate::Pfx {
        pfx_file: path(file),
        password: Some(SecretSource::Given(password)),
    }
}

/// SHA-256 of `app.pem`, as `openssl x509 -fingerprint -sha256` prints it.
const FINGERPRINT: &str = "B5:4D:A9:4E:37:BB:21:D5:80:2B:DE:0B:47:F0:BC:C7:B0:82:C9:C5:BB:14:A9:9A:CB:CB:30:DB:D7:0C:2B:24";

#[tokio::test]
async fn every_form_of_a_certificate_opens_to_the_same_pair() {
    for certificate in [
        pem("app.pem", "app.key"),
        pem("app.pem", "app-pkcs1.key"),
        pfx("app.pfx", "correct horse"),
        pfx("legacy.pfx", "correct horse"),
        Certificate::Given {
            certificate: std::fs::read_to_string(path("app.pem")).unwrap(),
            key: SecretSource::File(path("app.key")),
        },
    ] {
        assert_eq!(certificate.is_there(), Ok(()));
        let pair = certificate
            .open()
            .await
            .unwrap_or_else(|error| unreachable!("{}: {error}", certificate.describe()));
        let thumbprint = pair.public.thumbprint().map(|b| format!("{b:02X}"));
        assert_eq!(thumbprint.join(":"), FINGERPRINT);
        assert!(pair.public.not_after > pair.public.not_before);
    }
}

#[tokio::test]
async fn a_key_in_one_file_with_its_certificate_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let both = folder.path().join("both.pem");
    let text = |name| std::fs::read_to_string(path(name)).unwrap();
    std::fs::write(
        &both,
        format!("Bag Attributes\n{}{}", text("app.pem"), text("app.key")),
    )
    .unwrap();
    let certificate = Certificate::Pem {
        cert_file: both.clone(),
        key: SecretSource::File(both),
    };
    assert!(certificate.open().await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_used_is_told_with_what_to_do() {
    let cases: [(Certificate, &str); 8] = [
        (
            pem("app.pem", "other.key"),
            "belongs to another certificate",
        ),
        (pem("app.pem", "app-encrypted.key"), "is encrypted"),
        (pem("app.pem", "app.pem"), "no `BEGIN PRIVATE KEY`"),
        (pem("app.pem", "ec.key"), "no RSA key"),
        (pem("ec.pem", "ec.key"), "not for an RSA key"),
        (pem("app.key", "app.key"), "holds no certificate"),
        (pem("no-such.pem", "app.key"), "cannot be read"),
        (pfx("app.pfx", "wrong"), "cannot be opened"),
    ];
    for (certificate, part) in cases {
        let error = certificate.open().await.err().unwrap();
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
        assert!(!text.contains("MII") && !text.contains("correct") && !text.contains("wrong"));
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn what_can_be_seen_without_a_secret_is_seen_before_anything_is_sent() {
    for certificate in [
        pem("ec.pem", "app.key"),
        pem("app.key", "app.key"),
        pem("no-such.pem", "app.key"),
        pem("app.pem", "no-such.key"),
        pfx("no-such.pfx", ""),
    ] {
        assert!(certificate.is_there().is_err(), "{certificate:?}");
    }
    // Whether the key fits is seen when it is read.
    assert_eq!(pem("app.pem", "other.key").is_there(), Ok(()));
    let missing = Certificate::Pfx {
        pfx_file: path("app.pfx"),
        password: Some(SecretSource::Env("TIPSTAFF_NOT_SET".to_owned())),
    };
    assert!(matches!(
        missing.is_there(),
        Err(CertificateError::Source {
            what: "password",
            ..
        })
    ));
}

#[tokio::test]
async fn an_assertion_is_for_one_client_one_address_and_ten_minutes() {
    let pair = pem("app.pem", "app.key").open().await.unwrap();
    let verifying = VerifyingKey::<Sha256>::new(pair.public.rsa_key().unwrap());
    let thumbprint = URL_SAFE_NO_PAD.encode(pair.public.thumbprint());
    let audience = "https://login.microsoftonline.com/t/oauth2/v2.0/token";
    let now = Timestamp::from_second(1_795_420_800).unwrap();
    let made = assertion::sign(pair, "client", audience, now).unwrap();
    let parts: Vec<&str> = made.expose().split('.').collect();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let header = json(parts[0]);
    assert_eq!(header["alg"], "PS256");
    assert_eq!(header["x5t#S256"], thumbprint.as_str());
    let claims = json(parts[1]);
    assert_eq!(
        (&claims["aud"], &claims["iss"], &claims["sub"]),
        (&audience.into(), &"client".into(), &"client".into())
    );
    assert_eq!(
        (&claims["nbf"], &claims["exp"]),
        (&1_795_420_800_i64.into(), &1_795_421_400_i64.into())
    );
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let signature = Signature::try_from(signature.as_slice()).unwrap();
    let signed = format!("{}.{}", parts[0], parts[1]);
    assert!(verifying.verify(signed.as_bytes(), &signature).is_ok());
}

#[test]
fn only_a_token_is_handed_in_as_one() {
    let secret = |text: &str| Secret::new(text.to_owned());
    let token = assertion::issued(&secret(" eyJh.eyJi.c2ln\n")).unwrap();
    assert_eq!(token.expose(), "eyJh.eyJi.c2ln");
    for text in [
        "",
        "opaque",
        "a.b",
        "a.b.c.d",
        "a b.c.d",
        "{\"token\":\"a.b.c\"}",
    ] {
        assert!(assertion::issued(&secret(text)).is_err(), "{text}");
    }
}

#[test]
fn debug_shows_where_and_not_what() {
    let shown = format!("{:?}", pfx("app.pfx", "correct horse"));
    assert!(!shown.contains("correct"), "{shown}");
}

#[test]
fn how_long_a_certificate_is_good_for_is_told_in_days() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let public = Public {
        der: Vec::new(),
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at("2026-12-31T00:00:00Z"),
    };
    for (now, standing, part) in [
        (
            "2026-11-30T00:00:00Z",
            Standing::Good(31),
            "good for 31 days more",
        ),
        (
            "2026-12-21T12:00:00Z",
            Standing::EndsSoon(9, public.not_after),
            "ends in 9 days, on 2026-12-31",
        ),
        (
            "2026-12-31T00:00:01Z",
            Standing::Ended(public.not_after),
            "ended on 2026-12-31",
        ),
        (
            "2025-12-31T00:00:00Z",
            Standing::Early(public.not_before),
            "not good before 2026-01-01",
        ),
    ] {
        let found = public.standing(at(now));
        assert_eq!(found, standing);
        assert!(found.to_string().contains(part), "{found}");
    }
}
