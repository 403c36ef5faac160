//! JSON Web Tokens: signing our own, and taking apart and checking those of others.

use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::SigningKey;
use crate::emulator::EmulatorError;
use crate::wire;

/// Signs `claims` with RS256, with the key named twice in the header as Entra does.
pub(crate) fn sign(key: &SigningKey, claims: &impl Serialize) -> Result<String, EmulatorError> {
    #[derive(Serialize)]
    struct Header<'a> {
        typ: &'a str,
        alg: &'a str,
        x5t: &'a str,
        kid: &'a str,
    }
    let header = Header {
        typ: "JWT",
        alg: "RS256",
        x5t: &key.id,
        kid: &key.id,
    };
    let header = serde_json::to_vec(&header).map_err(|_| EmulatorError::Key)?;
    let claims = serde_json::to_vec(claims).map_err(|_| EmulatorError::Key)?;
    let mut token = format!("{}.{}", wire::base64url(header), wire::base64url(claims));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&wire::base64url(signature));
    Ok(token)
}

/// A token in compact form, taken apart (RFC 7515 section 3.1). Nothing is checked yet.
pub(crate) struct Parts<'a> {
    signed: &'a str,
    header: Vec<u8>,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    /// `None` where it is not three parts of base64url.
    pub(crate) fn of(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        Some(Self {
            signed,
            header: wire::from_base64(header)?,
            claims: wire::from_base64(claims)?,
            signature: wire::from_base64(signature)?,
        })
    }

    pub(crate) fn header<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.header).ok()
    }

    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.claims).ok()
    }

    /// Whether `public` (an `RSAPublicKey`) signed it with this `alg`: `RS256` or `PS256`, no other.
    pub(crate) fn is_signed_by(&self, alg: &str, public: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match alg {
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, public)
            .verify(self.signed.as_bytes(), &self.signature)
            .is_ok()
    }
}

/// The `RSAPublicKey` of a certificate (DER). `None` where it is not a certificate or has another kind of key.
pub(crate) fn public_key_of(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = CertificateDer::from(certificate);
    let certificate = webpki::EndEntityCert::try_from(&certificate).ok()?;
    let info = certificate.subject_public_key_info();
    let info = SubjectPublicKeyInfoRef::try_from(info.as_ref()).ok()?;
    info.subject_public_key.as_bytes().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use serde_json::{Value, json};

    use super::super::keys;
    use super::*;

    #[test]
    fn what_is_signed_is_recognised_and_nothing_else_is() {
        let key = keys::signing_key().unwrap();
        let token = sign(key, &json!({"a": 1})).unwrap();
        let parts = Parts::of(&token).unwrap();
        assert_eq!(parts.claims::<Value>().unwrap(), json!({"a": 1}));
        assert_eq!(parts.header::<Value>().unwrap()["kid"], key.id);
        assert!(parts.is_signed_by("RS256", &key.public));
        assert!(!parts.is_signed_by("PS256", &key.public));
        assert!(!parts.is_signed_by("none", &key.public));
        let (_, rest) = token.split_once('.').unwrap();
        let forged = format!("{}.{rest}", wire::base64url(br#"{"alg":"RS256"}"#));
        assert!(
            !Parts::of(&forged)
                .unwrap()
                .is_signed_by("RS256", &key.public)
        );
        assert!(Parts::of("a.b").is_none() && Parts::of("a.b.c.d").is_none());
    }

    #[test]
    fn the_key_of_a_certificate_is_found() {
        let key = keys::signing_key().unwrap();
        let certificate = wire::from_base64(&key.certificate).unwrap();
        assert_eq!(public_key_of(&certificate).unwrap(), key.public);
        assert_eq!(public_key_of(b"nonsense"), None);
    }
}
