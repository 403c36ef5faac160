//! Makes client assertions: what an application proves itself with instead of a secret.
//!
//! "Microsoft identity platform application authentication certificate credentials", RFC 7523. One is made for one
//! request, and for the address that it goes to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rsa::pss::SigningKey;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use serde_json::json;
use tipstaff_egress::Secret;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::certificate::Pair;

/// How long one is good for, in seconds: what Microsoft's own libraries take.
const LIVES: i64 = 600;

/// The system has no random numbers, or the key is too short for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its key cannot sign: it is too short, or the system has no random numbers")]
pub(crate) struct CannotSign;

/// Signs an assertion of the application `client` for `audience`.
pub(crate) fn sign(
    pair: Pair,
    client: &str,
    audience: &str,
    now: Timestamp,
) -> Result<Secret, CannotSign> {
    let header = json!({
        "alg": "PS256",
        "typ": "JWT",
        "x5t#S256": URL_SAFE_NO_PAD.encode(pair.public.thumbprint()),
    });
    let seconds = now.as_second();
    let claims = json!({
        "aud": audience,
        "iss": client,
        "sub": client,
        "jti": Uuid::new_v4().to_string(),
        "nbf": seconds,
        "iat": seconds,
        "exp": seconds.saturating_add(LIVES),
    });
    let signed = Zeroizing::new(format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    ));
    // RFC 7518 section 3.5: the salt is as long as the hash. The key is zeroed with the signing key.
    let key = SigningKey::<Sha256>::new(pair.key);
    let signature = key
        .try_sign_with_rng(&mut getrandom::SysRng, signed.as_bytes())
        .map_err(|_| CannotSign)?;
    Ok(Secret::new(format!(
        "{}.{}",
        signed.as_str(),
        URL_SAFE_NO_PAD.encode(signature.to_bytes())
    )))
}

/// What an outside issuer signed, as it is: a JSON Web Token and nothing around it. The error says what it is instead.
pub(crate) fn issued(token: &Secret) -> Result<Secret, &'static str> {
    let token = token.expose().trim();
    let is_token = token.split('.').count() == 3
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'='));
    if is_token {
        Ok(Secret::new(token.to_owned()))
    } else {
        Err("it is no JSON Web Token (three parts with dots between them)")
    }
}
