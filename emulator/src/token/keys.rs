//! The key that signs tokens: RSA, 2048 bits, made once a process, because making one takes a moment.

use std::sync::OnceLock;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::EncodePrivateKey as _;
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::emulator::EmulatorError;
use crate::wire;

/// A signing key with what the world may know of it.
pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    /// `kid` and `x5t`: the thumbprint of the certificate, as Entra has it.
    pub(crate) id: String,
    /// Modulus and exponent, base64url.
    pub(crate) modulus: String,
    pub(crate) exponent: String,
    /// The certificate, base64: a member of `x5c`.
    pub(crate) certificate: String,
    /// The public key as `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pub(crate) public: Vec<u8>,
}

impl SigningKey {
    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (`RS256`).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, EmulatorError> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &ring::rand::SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| EmulatorError::Key)?;
        Ok(signature)
    }
}

static KEY: OnceLock<SigningKey> = OnceLock::new();

/// The process's key, made by the first who asks. Blocks for as long as that takes.
pub(crate) fn signing_key() -> Result<&'static SigningKey, EmulatorError> {
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    let key = make()?;
    Ok(KEY.get_or_init(|| key))
}

/// The process's key, without blocking whoever waits for it.
pub(crate) async fn signing_key_soon() -> Result<&'static SigningKey, EmulatorError> {
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    tokio::task::spawn_blocking(signing_key)
        .await
        .map_err(|_| EmulatorError::Key)?
}

/// Makes an RSA key of 2048 bits as PKCS #8 (DER).
pub(crate) fn new_rsa_key() -> Result<Vec<u8>, EmulatorError> {
    let key = rsa::PrivateKey::new(&mut getrandom::SysRng, 2048).map_err(|_| EmulatorError::Key)?;
    Ok(key
        .to_pkcs8_der()
        .map_err(|_| EmulatorError::Key)?
        .as_bytes()
        .to_vec())
}

/// Makes a certificate for an RSA key, signed with itself.
pub(crate) fn self_signed(pkcs8: &[u8], name: &str) -> Result<rcgen::Certificate, EmulatorError> {
    let pair =
        KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params.self_signed(&pair)?)
}

fn make() -> Result<SigningKey, EmulatorError> {
    let pkcs8 = new_rsa_key()?;
    let certificate = self_signed(&pkcs8, "entra-emulator token signing")?;
    let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| EmulatorError::Key)?;
    let public = pair.public().as_ref().to_vec();
    let components = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
    Ok(SigningKey {
        id: wire::base64url(wire::sha1(certificate.der())),
        modulus: wire::base64url(&components.n),
        exponent: wire::base64url(&components.e),
        certificate: wire::base64(certificate.der()),
        public,
        pair,
    })
}
