//! Signs in: from the fields of a connection to a token for Microsoft Graph.
//!
//! The token and the secret are stand-ins; nothing here is decided by what a token says inside. When to sign in is
//! the run's business.

use crate::aadsts;
use crate::backoff;
use crate::base64;
use crate::canary::{REFRESH_TOKEN, Redeemed};
use crate::chance::Chance;
use crate::json::Loose;
use crate::manifest::{GRAPH, LOGIN};
use crate::names::{is_guid, push_form_value, push_segment};
use crate::service::{Method, Request, SendFailure, Service};
use serde::Deserialize;
use std::borrow::Cow;
use std::{fmt, time::Duration};

/// Tries of one sign-in that meet a passing fault.
const TRIES: u32 = 4;
/// The longest wait between them.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A token is renewed this long before its end, so that no request leaves with one that ends on the way.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// What a token lives for when the service does not say.
const UNSAID_LIFETIME: Duration = Duration::from_secs(600);
/// No token is believed to live longer: continuous access evaluation gives 28 hours.
const LONGEST_LIFETIME: Duration = Duration::from_secs(28 * 3_600);

/// How to sign in, made of the fields of a connection.
pub(crate) struct SignIn {
    origin: String,
    tenant: String,
    scope: String,
    client_id: String,
    way: Way,
}

/// The ways to sign in. What they hold are stand-ins.
enum Way {
    /// The application's secret ("Microsoft identity platform and the OAuth 2.0 client credentials flow").
    ClientSecret { secret: String },
}

/// A token for Microsoft Graph.
pub(crate) struct Token {
    /// The value of the `authorization` header.
    pub authorization: String,
    /// Counts the tokens of a run.
    pub generation: u32,
    /// When to get the next one, on the monotonic clock.
    pub renew_at: Duration,
    /// When it ends.
    pub ends_at: Duration,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoToken {
    /// A sentence for the operator, with what to do.
    pub message: String,
    /// A later try may go better.
    pub transient: bool,
    /// What the service asked to wait.
    wait: Option<Duration>,
    /// The number of the refusal (AADSTS).
    code: Option<u32>,
}

impl NoToken {
    pub(crate) fn lasting(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: false,
            wait: None,
            code: None,
        }
    }

    fn passing(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: true,
            wait: None,
            code: None,
        }
    }
}

impl SignIn {
    /// Reads the connection's fields.
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
        let tenant = match (field("tenant_id"), field("account_sub_domain")) {
            (Some(tenant), _) => tenant,
            // "Revoke Users Session": the sub domain is the part before `.onmicrosoft.com`.
            (None, Some(domain)) => format!("{domain}.onmicrosoft.com"),
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
        let secret = service.stand_in("client_secret").ok_or_else(|| {
            NoToken::lasting("The connection has no `client_secret`: set it to the value of a client secret of the application.")
        })?;
        // A2: the scope names the cloud's own Graph address.
        let scope = format!("{}/.default", endpoint(GRAPH)?);
        Ok(Self {
            origin: endpoint(LOGIN)?,
            tenant,
            scope,
            client_id,
            way: Way::ClientSecret { secret },
        })
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

    /// Tries the test account's refresh token, once ("Microsoft identity platform and the OAuth 2.0 authorization code
    /// flow", refresh the access token). What it buys is not used.
    pub(crate) async fn redeem<S: Service>(&self, service: &S, chance: &Chance) -> Redeemed {
        let Some(token) = service.stand_in(REFRESH_TOKEN) else {
            return Redeemed::Unknown(format!("the connection has no `{REFRESH_TOKEN}`"));
        };
        match self.redeem_as(service, chance, &token, true).await {
            // A token of a public client is refused where the client proves itself (AADSTS700025).
            (Redeemed::Unknown(_), Some(700_025)) => {
                self.redeem_as(service, chance, &token, false).await.0
            }
            (redeemed, _) => redeemed,
        }
    }

    async fn redeem_as<S: Service>(
        &self,
        service: &S,
        chance: &Chance,
        token: &str,
        proves: bool,
    ) -> (Redeemed, Option<u32>) {
        let mut form = Form::default();
        form.add("client_id", &self.client_id);
        form.add("grant_type", "refresh_token");
        form.add("refresh_token", token);
        if proves {
            self.prove(&mut form);
        }
        let answer = match service.send(self.post(chance, form)).await {
            Ok(answer) => answer,
            Err(failure) => {
                return (Redeemed::Unknown(lower(&unanswered(failure).message)), None);
            }
        };
        if answer.status == 200 {
            let granted = serde_json::from_slice::<Granted<'_>>(&answer.body);
            let works = granted.is_ok_and(|granted| !granted.access_token.is_empty());
            let redeemed = if works {
                Redeemed::Works
            } else {
                Redeemed::Unknown(lower(&unreadable().message))
            };
            return (redeemed, None);
        }
        let refusal = refused(answer.status, &answer.body);
        let code = refusal.code.filter(|_| answer.status < 500);
        // AADSTS50173: the grant is older than the user's cut-off time; 50133: so is the session.
        let redeemed = match code {
            Some(50_173 | 50_133) => Redeemed::Revoked,
            _ => Redeemed::Unknown(lower(&refusal.message)),
        };
        (redeemed, code)
    }

    async fn once<S: Service>(
        &self,
        service: &S,
        chance: &Chance,
        claims: Option<&str>,
        generation: u32,
    ) -> Result<Token, NoToken> {
        let asked_at = service.monotonic();
        let answer = service
            .send(self.request(chance, claims))
            .await
            .map_err(unanswered)?;
        let wait = answer
            .header("retry-after")
            .and_then(|text| backoff::retry_after(text, service.unix_seconds()));
        if answer.status != 200 {
            return Err(NoToken {
                wait,
                ..refused(answer.status, &answer.body)
            });
        }
        let granted: Granted<'_> =
            serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        let usable = !granted.access_token.is_empty()
            && granted.access_token.bytes().all(|b| b.is_ascii_graphic());
        if !usable
            || granted
                .token_type
                .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
        {
            return Err(unreadable());
        }
        let lifetime = granted.expires_in.text().and_then(|text| text.parse().ok());
        let lifetime = lifetime.map_or(UNSAID_LIFETIME, Duration::from_secs);
        let lifetime = lifetime.min(LONGEST_LIFETIME);
        Ok(Token {
            authorization: format!("Bearer {}", granted.access_token),
            generation,
            renew_at: asked_at + lifetime - RENEW_BEFORE.min(lifetime / 4),
            ends_at: asked_at + lifetime,
        })
    }

    fn request(&self, chance: &Chance, claims: Option<&str>) -> Request {
        let mut form = Form::default();
        form.add("client_id", &self.client_id);
        form.add("scope", &self.scope);
        form.add("grant_type", "client_credentials");
        self.prove(&mut form);
        if let Some(claims) = claims {
            form.add("claims", claims);
        }
        self.post(chance, form)
    }

    /// Adds what proves that it is the application that asks.
    fn prove(&self, form: &mut Form) {
        match &self.way {
            Way::ClientSecret { secret } => form.add("client_secret", secret),
        }
    }

    fn post(&self, chance: &Chance, form: Form) -> Request {
        let mut path = String::from("/");
        push_segment(&mut path, &self.tenant);
        path.push_str("/oauth2/v2.0/token");
        Request {
            method: Method::Post,
            origin: self.origin.clone(),
            path,
            headers: vec![
                ("accept", "application/json".into()),
                ("content-type", "application/x-www-form-urlencoded".into()),
                ("client-request-id", chance.guid()),
            ],
            body: form.0.into_bytes(),
        }
    }
}

/// An `application/x-www-form-urlencoded` body in the making.
#[derive(Default)]
struct Form(String);

impl Form {
    fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        push_form_value(&mut self.0, value);
    }
}

/// A sentence as a clause: without the capital and the full stop.
fn lower(sentence: &str) -> String {
    let clause = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn unanswered(failure: SendFailure) -> NoToken {
    match failure {
        SendFailure::Refused => NoToken::lasting(
            "The host did not let the sign-in leave: the grant of this action does not cover the connection's tenant or \
             login address. The run's audit names the rule.",
        ),
        SendFailure::Unreachable { why, lasting } => NoToken {
            message: format!("The sign-in service cannot be reached: {why}."),
            transient: !lasting,
            wait: None,
            code: None,
        },
        SendFailure::Lost { why } => {
            NoToken::passing(format!("The sign-in service did not answer: {why}."))
        }
    }
}

fn unreadable() -> NoToken {
    NoToken::lasting(
        "What answered the sign-in is not the sign-in service, or a proxy in between changed the answer: check the \
         connection's login address and the proxy.",
    )
}

/// A4: the answer is read as JSON and never searched, for its text may hold anything; none of it is repeated but
/// codes and identifiers.
fn refused(status: u16, body: &[u8]) -> NoToken {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        error: Option<Cow<'a, str>>,
        #[serde(default)]
        error_codes: Vec<u32>,
        #[serde(borrow)]
        trace_id: Option<Cow<'a, str>>,
    }
    let busy = matches!(status, 408 | 429 | 500 | 502 | 503 | 504);
    let Ok(refusal) = serde_json::from_slice::<Refusal<'_>>(body) else {
        return NoToken {
            message: format!(
                "The sign-in failed: the answer was HTTP {status} without an explanation. Check the connection's login \
                 address, and what stands between."
            ),
            transient: busy,
            wait: None,
            code: None,
        };
    };
    let code = refusal.error_codes.first().copied();
    let advice = code.and_then(aadsts::advice);
    let word = refusal.error.as_deref().filter(|word| {
        !word.is_empty()
            && word.len() <= 64
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    });
    let mut name = code.map_or_else(String::new, |code| format!("AADSTS{code}, "));
    if let Some(word) = word {
        name.push_str(word);
        name.push_str(", ");
    }
    let trace = refusal.trace_id.as_deref().filter(|id| is_guid(id));
    let trace = trace.map_or_else(String::new, |id| format!(", trace id {id}"));
    let sentence = advice.map_or(
        "the sign-in service gave a reason that this action does not know",
        |a| a.sentence,
    );
    let passing_word = matches!(word, Some("temporarily_unavailable" | "server_error"));
    NoToken {
        message: format!("The sign-in failed: {sentence} ({name}HTTP {status}{trace})."),
        transient: advice.map_or(busy || passing_word, |advice| advice.transient),
        wait: None,
        code,
    }
}

#[derive(Deserialize)]
struct Granted<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow, default)]
    token_type: Option<Cow<'a, str>>,
    /// A number, or a string of one, as the older endpoint writes it.
    #[serde(borrow, default)]
    expires_in: Loose<'a>,
}

/// What a token says of itself, for hints to people and never for decisions.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Claims {
    /// The application permissions in it.
    #[serde(default)]
    pub roles: Vec<String>,
}

impl Token {
    /// The readable part, if there is one: to clients a token is opaque by contract ("Access tokens in the Microsoft
    /// identity platform").
    #[must_use]
    pub(crate) fn claims(&self) -> Option<Claims> {
        let payload = self
            .authorization
            .strip_prefix("Bearer ")?
            .split('.')
            .nth(1)?;
        serde_json::from_slice(&base64::decode(payload)?).ok()
    }

    /// Whether a request that leaves now arrives in time.
    #[must_use]
    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        now + Duration::from_secs(5) < self.ends_at
    }
}

/// The claims that a 401 demands of the next token, as JSON ("How to use Continuous Access Evaluation enabled APIs").
#[must_use]
pub(crate) fn challenge(www_authenticate: &str) -> Option<String> {
    let mut rest = www_authenticate;
    loop {
        let at = rest.find("claims=\"")?;
        // A parameter starts after a blank or a comma; anything else is the end of another one's name.
        let starts = at == 0 || rest[..at].ends_with([' ', ',']);
        rest = &rest[at + "claims=\"".len()..];
        if starts {
            break;
        }
    }
    let decoded = String::from_utf8(base64::decode(rest.split('"').next()?)?).ok()?;
    let bounded = decoded.len() <= 4_096;
    let object = decoded.trim_start().starts_with('{')
        && serde_json::from_str::<Loose<'_>>(&decoded).is_ok();
    (bounded && object).then_some(decoded)
}
