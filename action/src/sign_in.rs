//! Signs in: from the fields of a connection to a token for Microsoft Graph.
//!
//! Tokens, secrets, assertions and one-time codes are stand-ins; nothing here is decided by what a token says inside.
//! When to sign in is the run's business.

mod challenge;
mod form;
mod page;
mod pages;
mod redeem;
mod refusal;
mod token;

use crate::backoff;
use crate::chance::Chance;
use crate::manifest::{GRAPH, LOGIN, SIGN_IN, SIGN_IN_BY_DOMAIN};
use crate::names::push_segment;
use crate::service::{Method, Request, Service};
pub(crate) use challenge::challenge;
use form::Form;
use pages::Walk;
pub(crate) use refusal::NoToken;
use std::time::Duration;
pub(crate) use token::{Claims, Token};

/// Tries of one sign-in that meet a passing fault.
const TRIES: u32 = 4;
/// The longest wait between them.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How to sign in, made of the fields of a connection.
pub(crate) struct SignIn {
    origin: String,
    tenant: String,
    /// The call of the token endpoint.
    call: &'static str,
    scope: String,
    client_id: String,
    /// The application's secret; without one it proves itself with an assertion.
    secret: Option<String>,
    way: Way,
}

/// The ways to sign in. What they hold are stand-ins, but for the user's name.
enum Way {
    /// As the application ("Microsoft identity platform and the OAuth 2.0 client credentials flow").
    App,
    /// As a user, by name and password ("… and OAuth 2.0 Resource Owner Password Credentials").
    Password { username: String, password: String },
    /// As a user, through the sign-in pages, which ask for a one-time code ("… and OAuth 2.0 authorization code flow").
    Pages { username: String, password: String },
}

impl SignIn {
    /// Reads the connection's fields. The host has looked whether they add up; this finds out to what.
    ///
    /// # Errors
    ///
    /// A [`NoToken`] that names the field that is missing or malformed.
    pub(crate) fn of<S: Service>(service: &S) -> Result<Self, NoToken> {
        let field = |name: &str| {
            service
                .field(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let endpoint = |name: &str| {
            service.endpoint(name).ok_or_else(|| {
                NoToken::lasting(format!(
                    "The connection has no address for the endpoint `{name}`."
                ))
            })
        };
        let client_id = field("client_id").ok_or_else(|| {
            NoToken::lasting("The connection has no `client_id`: set it to the application (client) id of the app registration.")
        })?;
        let (tenant, call) = match (field("tenant_id"), field("account_sub_domain")) {
            (Some(tenant), _) => (tenant, SIGN_IN),
            // "Revoke Users Session": the sub domain is the part before `.onmicrosoft.com`.
            (None, Some(domain)) => (format!("{domain}.onmicrosoft.com"), SIGN_IN_BY_DOMAIN),
            (None, None) => {
                return Err(NoToken::lasting(
                    "The connection names no tenant: set `tenant_id` to the directory (tenant) id, or `account_sub_domain`.",
                ));
            }
        };
        let sound = tenant
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        if !sound || tenant.starts_with('.') {
            return Err(NoToken::lasting(
                "The tenant is malformed: `tenant_id` must be a GUID or a verified domain.",
            ));
        }
        let way = match field("sign_in").as_deref() {
            Some("user") => user(service, field("username"))?,
            _ => Way::App,
        };
        // A2: the scope names the cloud's own Graph address.
        let scope = format!("{}/.default", endpoint(GRAPH)?);
        Ok(Self {
            origin: endpoint(LOGIN)?,
            tenant,
            call,
            scope,
            client_id,
            secret: service.stand_in("client_secret"),
            way,
        })
    }

    /// Whether a user signs in, and not the application.
    pub(crate) fn is_user(&self) -> bool {
        !matches!(self.way, Way::App)
    }

    /// Gets a token, trying again where the fault may pass. `claims` is what the service demanded of the next token
    /// when it refused the last one.
    ///
    /// # Errors
    ///
    /// A [`NoToken`]; wrong credentials are not tried twice, because that locks accounts.
    pub(crate) async fn token<S: Service>(
        &self,
        service: &S,
        chance: &Chance,
        claims: Option<&str>,
        generation: u32,
    ) -> Result<Token, NoToken> {
        let mut tries = 1;
        loop {
            match self.once(service, chance, claims, generation).await {
                Err(refusal) if refusal.transient && tries < TRIES => {
                    let wait = refusal
                        .wait
                        .unwrap_or_else(|| chance.jittered(backoff::exponential(tries)));
                    service.sleep(wait.min(LONGEST_WAIT)).await;
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    async fn once<S: Service>(
        &self,
        service: &S,
        chance: &Chance,
        claims: Option<&str>,
        generation: u32,
    ) -> Result<Token, NoToken> {
        let mut form = Form::default();
        form.add("client_id", &self.client_id);
        form.add("scope", &self.scope);
        match &self.way {
            Way::App => form.add("grant_type", "client_credentials"),
            Way::Password { username, password } => {
                form.add("grant_type", "password");
                form.add("username", username);
                form.add("password", password);
            }
            Way::Pages { username, password } => {
                let walk = Walk::new(self, service, chance, username, password);
                let code = walk.code(claims).await?;
                form.add("grant_type", "authorization_code");
                form.add("code", &code.stand_in);
                form.add("redirect_uri", pages::REDIRECT);
                form.add("code_verifier", &code.verifier);
            }
        }
        self.prove(service, &mut form).await?;
        if let Some(claims) = claims {
            form.add("claims", claims);
        }
        let request = self.post(self.path("oauth2/v2.0/token"), form.into_body(), chance);
        let asked_at = service.monotonic();
        let answer = service.send(request).await.map_err(refusal::unanswered)?;
        if answer.status != 200 {
            return Err(refusal::refused(service, &answer));
        }
        Token::read(&answer, asked_at, service.unix_seconds(), generation)
    }

    /// Adds what the application proves itself with: its secret or an assertion. For a user it may be neither, where
    /// the application is a public client.
    async fn prove<S: Service>(&self, service: &S, form: &mut Form) -> Result<(), NoToken> {
        if let Some(secret) = &self.secret {
            form.add("client_secret", secret);
            return Ok(());
        }
        match service.assertion(self.call).await {
            Ok(assertion) => {
                // RFC 7523 section 2.2.
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.add("client_assertion_type", kind);
                form.add("client_assertion", &assertion);
                Ok(())
            }
            Err(_) if self.is_user() => Ok(()),
            Err(why) => Err(NoToken::lasting(format!(
                "The connection has no `client_secret`, `certificate` or `federated_token` to sign in with: {why}."
            ))),
        }
    }

    /// A path below the tenant's.
    fn path(&self, rest: &str) -> String {
        let mut path = String::from("/");
        push_segment(&mut path, &self.tenant);
        path.push('/');
        path.push_str(rest);
        path
    }

    fn get(&self, path: String, accept: &str, chance: &Chance) -> Request {
        Request {
            method: Method::Get,
            origin: self.origin.clone(),
            path,
            headers: vec![
                ("accept", accept.into()),
                ("client-request-id", chance.guid()),
            ],
            body: Vec::new(),
        }
    }

    fn post(&self, path: String, form: Vec<u8>, chance: &Chance) -> Request {
        Request {
            method: Method::Post,
            origin: self.origin.clone(),
            path,
            headers: vec![
                ("accept", "application/json".into()),
                ("content-type", "application/x-www-form-urlencoded".into()),
                ("client-request-id", chance.guid()),
            ],
            body: form,
        }
    }

    /// The id of the tenant that the connection's sub domain names, or its tenant id does, as the tenant itself says it.
    ///
    /// # Errors
    ///
    /// A [`NoToken`] that says why it cannot be known.
    pub(crate) async fn tenant_of<S: Service>(
        &self,
        service: &S,
        chance: &Chance,
        tenant: &str,
    ) -> Result<String, NoToken> {
        let mut path = String::from("/");
        push_segment(&mut path, tenant);
        path.push_str("/v2.0/.well-known/openid-configuration");
        let answer = service
            .send(self.get(path, "application/json", chance))
            .await
            .map_err(refusal::unanswered)?;
        if answer.status != 200 {
            return Err(refusal::refused(service, &answer));
        }
        token::tenant_of(&answer.body).ok_or_else(refusal::unreadable)
    }
}

fn user<S: Service>(service: &S, username: Option<String>) -> Result<Way, NoToken> {
    let missing = |field: &str| {
        NoToken::lasting(format!(
            "The connection signs in as a user and has no `{field}`: add it."
        ))
    };
    let username = username.ok_or_else(|| missing("username"))?;
    let password = service
        .stand_in("password")
        .ok_or_else(|| missing("password"))?;
    Ok(match service.stand_in("otp_secret") {
        Some(_) => Way::Pages { username, password },
        None => Way::Password { username, password },
    })
}
