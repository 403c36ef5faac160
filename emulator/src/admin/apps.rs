//! Applications on the admin side: registered, and changed while the emulator runs.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use uuid::Uuid;

use super::{Answered, json_of, nobody, wrong};
use crate::tenant::{App, ClientSecret, Federated, Hidden};
use crate::token::jwt;
use crate::world::World;

/// What may be said of an application. What is not said stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    secrets: Option<Vec<Secret>>,
    /// PEM.
    certificates: Option<Vec<String>>,
    federated: Option<Vec<Outside>>,
    roles: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    redirect_uris: Option<Vec<String>>,
    enabled: Option<bool>,
    consented: Option<bool>,
    public: Option<bool>,
    blocked_by_policy: Option<bool>,
}

/// A client secret: the value alone, or with the time at which it ends.
#[derive(Deserialize)]
#[serde(untagged)]
enum Secret {
    Lasting(Hidden),
    Ending {
        value: Hidden,
        expires: Option<Timestamp>,
    },
}

/// A federated credential.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outside {
    issuer: String,
    subject: String,
    audience: Option<String>,
    /// PEM. Without it the token's signature is not looked at.
    issuer_certificate: Option<String>,
}

/// `PATCH /apps/CLIENT_ID`.
pub(super) fn patch(world: &World, client_id: &str, body: &[u8]) -> Answered {
    change(world, client_id, body, false)
}

/// `PUT /apps/CLIENT_ID`: an application with no credential and no permission but what is said.
pub(super) fn put(world: &World, client_id: &str, body: &[u8]) -> Answered {
    change(world, client_id, body, true)
}

fn change(world: &World, client_id: &str, body: &[u8], anew: bool) -> Answered {
    let change: Change = match serde_json::from_slice(body) {
        Ok(change) => change,
        Err(error) => return wrong(error),
    };
    let Ok(id) = Uuid::try_parse(client_id) else {
        return nobody(client_id);
    };
    let mut apps = world.apps_mut();
    let at = apps.iter().position(|app| app.client_id == id);
    let before = match at.and_then(|at| apps.get(at)) {
        _ if anew => App {
            name: client_id.to_owned(),
            ..App::new(id)
        },
        Some(app) => app.clone(),
        None => return nobody(client_id),
    };
    match changed(before, change) {
        Ok(app) => {
            match at.and_then(|at| apps.get_mut(at)) {
                Some(held) => *held = app,
                None => apps.push(app),
            }
            json_of(&serde_json::json!({}))
        }
        Err(message) => wrong(message),
    }
}

fn changed(mut app: App, change: Change) -> Result<App, String> {
    if let Some(certificates) = change.certificates {
        app.certificates = certificates
            .iter()
            .map(|pem| certificate(pem))
            .collect::<Result<_, _>>()?;
    }
    if let Some(federated) = change.federated {
        app.federated = federated
            .into_iter()
            .map(credential)
            .collect::<Result<_, _>>()?;
    }
    if let Some(secrets) = change.secrets {
        app.secrets = secrets.into_iter().map(ClientSecret::from).collect();
    }
    app.name = change.name.unwrap_or(app.name);
    app.roles = change.roles.unwrap_or(app.roles);
    app.scopes = change.scopes.unwrap_or(app.scopes);
    app.redirect_uris = change.redirect_uris.unwrap_or(app.redirect_uris);
    app.enabled = change.enabled.unwrap_or(app.enabled);
    app.consented = change.consented.unwrap_or(app.consented);
    app.public = change.public.unwrap_or(app.public);
    app.blocked_by_policy = change.blocked_by_policy.unwrap_or(app.blocked_by_policy);
    Ok(app)
}

/// A certificate whose key can check what it signed.
fn certificate(pem: &str) -> Result<Vec<u8>, String> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| format!("not a certificate in PEM: {error}"))?;
    if jwt::public_key_of(&der).is_none() {
        return Err("the certificate has no RSA key".to_owned());
    }
    Ok(der.to_vec())
}

fn credential(outside: Outside) -> Result<Federated, String> {
    let issuer_certificate = outside.issuer_certificate.as_deref().map(certificate);
    Ok(Federated {
        issuer: outside.issuer,
        subject: outside.subject,
        audience: outside
            .audience
            .unwrap_or_else(|| "api://AzureADTokenExchange".to_owned()),
        issuer_certificate: issuer_certificate.transpose()?,
    })
}

impl From<Secret> for ClientSecret {
    fn from(secret: Secret) -> Self {
        match secret {
            Secret::Lasting(value) => Self::new(value),
            Secret::Ending { value, expires } => Self { value, expires },
        }
    }
}
