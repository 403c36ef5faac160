//! Which application asks for a token, and whether it is the one that it says.
//!
//! Sources: "Microsoft identity platform application authentication certificate credentials", "Workload identity
//! federation", RFC 6749 section 2.3.1 and RFC 7523.

use serde::Deserialize;
use uuid::Uuid;

use super::errors::TokenError;
use super::jwt::{self, Parts};
use crate::clock::Moment;
use crate::exchange::Asked;
use crate::tenant::App;
use crate::wire;
use crate::world::World;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far clocks may be apart (inferred; the service tolerates minutes).
const SKEW_S: i64 = 300;

/// What an application proved itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing: a public client.
    None,
    Secret,
    Certificate,
    Federated,
}

impl Proof {
    /// `appidacr`.
    pub(crate) fn acr(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Secret => "1",
            Self::Certificate | Self::Federated => "2",
        }
    }
}

/// The parameters of a token request.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body, and the client's id and secret from HTTP Basic where they are there instead.
    pub(crate) fn of(asked: &Asked) -> Self {
        let mut form = Self(wire::form_pairs(&asked.body));
        let basic = asked
            .header("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, value)| wire::from_base64(value.trim()))
            .and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((id, secret)) = basic.as_deref().and_then(|text| text.split_once(':')) {
            // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
            for (name, value) in [("client_id", id), ("client_secret", secret)] {
                if form.get(name).is_none() {
                    let decoded = wire::percent_decode(&value.replace('+', " "))
                        .unwrap_or_else(|| value.to_owned());
                    form.0.push((name.to_owned(), decoded));
                }
            }
        }
        form
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A parameter without which there is no token.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, TokenError> {
        self.get(name)
            .ok_or_else(|| TokenError::about(900_144, &[name]))
    }
}

/// The application of a request, and what it proved itself with.
pub(crate) fn authenticate(
    world: &World,
    form: &Form,
    asked: &Asked,
    tenant: &str,
    needs_proof: bool,
) -> Result<(App, Proof), TokenError> {
    let id = form.required("client_id")?;
    // All-zero and malformed ids are no application identifiers (recorded for the former).
    let client_id = Uuid::try_parse(id)
        .ok()
        .filter(|client_id| !client_id.is_nil() && id.len() == 36)
        .ok_or_else(|| TokenError::about(700_038, &[id]))?;
    let app = world
        .app(client_id)
        .ok_or_else(|| TokenError::about(700_016, &[id, &world.tenant.name]))?;
    if !app.consented {
        return Err(TokenError::about(
            7_000_229,
            &[id, &world.tenant.id.to_string()],
        ));
    }
    if !app.enabled {
        return Err(TokenError::about(7_000_112, &[id]));
    }
    let secret = form.get("client_secret");
    let assertion = form.get("client_assertion");
    if app.public && (secret.is_some() || assertion.is_some()) {
        return Err(TokenError::new(700_025));
    }
    let proof = match (assertion, secret) {
        (Some(assertion), _) => {
            if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(TokenError::about(900_144, &["client_assertion_type"]));
            }
            check_assertion(&app, assertion, asked, &audiences(world, asked, tenant))?
        }
        (None, Some(secret)) => check_secret(&app, secret, asked.now)?,
        (None, None) if app.public && !needs_proof => Proof::None,
        (None, None) if needs_proof => return Err(TokenError::new(7_000_216)),
        (None, None) => return Err(TokenError::new(7_000_218)),
    };
    Ok((app, proof))
}

fn check_secret(app: &App, secret: &str, now: Moment) -> Result<Proof, TokenError> {
    let id = app.client_id.to_string();
    let matching = app
        .secrets
        .iter()
        .filter(|held| held.value.expose() == secret);
    let mut expired = false;
    for held in matching {
        if held.expires.is_none_or(|at| Moment::from(at) > now) {
            return Ok(Proof::Secret);
        }
        expired = true;
    }
    Err(TokenError::about(
        if expired { 7_000_222 } else { 7_000_215 },
        &[&id],
    ))
}

/// The audiences that an assertion may be for: the token endpoint, under every name that the client may know it by.
fn audiences(world: &World, asked: &Asked, tenant: &str) -> Vec<String> {
    let id = world.tenant.id.to_string();
    let mut all = Vec::new();
    for origin in [
        asked.origin(),
        format!("https://{}", world.tenant.cloud.login_host()),
    ] {
        for tenant in [tenant, id.as_str()] {
            for path in ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/"] {
                all.push(format!("{origin}/{tenant}{path}"));
            }
        }
    }
    all
}

#[derive(Deserialize)]
struct AssertionHeader {
    alg: String,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
    x5t: Option<String>,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(default)]
    nbf: f64,
    #[serde(default)]
    exp: f64,
}

/// One audience, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn is_any_of(&self, allowed: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(audience) => allowed(audience),
            Self::Several(audiences) => audiences.iter().any(|audience| allowed(audience)),
        }
    }

    fn shown(&self) -> &str {
        match self {
            Self::One(audience) => audience,
            Self::Several(audiences) => audiences.first().map_or("", String::as_str),
        }
    }
}

fn check_assertion(
    app: &App,
    assertion: &str,
    asked: &Asked,
    audiences: &[String],
) -> Result<Proof, TokenError> {
    let malformed = || TokenError::new(50_027);
    let parts = Parts::of(assertion).ok_or_else(malformed)?;
    let header: AssertionHeader = parts.header().ok_or_else(malformed)?;
    let claims: AssertionClaims = parts.claims().ok_or_else(malformed)?;
    let own = app.client_id.to_string();
    if !claims.iss.eq_ignore_ascii_case(&own) {
        // Signed by somebody else: a federated credential, if any.
        if claims.sub.eq_ignore_ascii_case(&own) && app.federated.is_empty() {
            return Err(TokenError::new(700_021));
        }
        return check_federated(app, &parts, &header, &claims, asked.now);
    }
    if !claims.sub.eq_ignore_ascii_case(&own) {
        return Err(TokenError::new(700_021));
    }
    let named = |der: &&Vec<u8>| {
        let sha256 = wire::base64url(wire::sha256(der));
        let sha1 = wire::sha1(der);
        header
            .x5t_s256
            .as_deref()
            .is_some_and(|x5t| x5t.trim_end_matches('=') == sha256)
            || header
                .x5t
                .as_deref()
                .is_some_and(|x5t| x5t.trim_end_matches('=') == wire::base64url(&sha1))
            || header
                .kid
                .as_deref()
                .is_some_and(|kid| kid.eq_ignore_ascii_case(&wire::hex(&sha1)))
    };
    let Some(certificate) = app.certificates.iter().find(named) else {
        return Err(TokenError::about(700_027, &["The key was not found."]));
    };
    let public = jwt::public_key_of(certificate);
    if !public.is_some_and(|public| parts.is_signed_by(&header.alg, &public)) {
        return Err(TokenError::about(
            700_027,
            &["The key used is expired or the signature is invalid."],
        ));
    }
    if !claims.aud.is_any_of(|audience| {
        audiences
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(audience))
    }) {
        return Err(TokenError::new(700_023));
    }
    check_times(&claims, asked.now)?;
    Ok(Proof::Certificate)
}

fn check_federated(
    app: &App,
    parts: &Parts<'_>,
    header: &AssertionHeader,
    claims: &AssertionClaims,
    now: Moment,
) -> Result<Proof, TokenError> {
    let of_issuer: Vec<_> = app
        .federated
        .iter()
        .filter(|credential| credential.issuer == claims.iss)
        .collect();
    if of_issuer.is_empty() {
        return Err(TokenError::about(700_211, &[&claims.iss]));
    }
    let of_subject: Vec<_> = of_issuer
        .into_iter()
        .filter(|credential| credential.subject == claims.sub)
        .collect();
    if of_subject.is_empty() {
        return Err(TokenError::about(700_213, &[&claims.sub]));
    }
    let credential = of_subject
        .into_iter()
        .find(|credential| {
            claims
                .aud
                .is_any_of(|audience| audience == credential.audience)
        })
        .ok_or_else(|| TokenError::about(700_212, &[claims.aud.shown()]))?;
    if let Some(certificate) = &credential.issuer_certificate {
        let public = jwt::public_key_of(certificate);
        if !public.is_some_and(|public| parts.is_signed_by(&header.alg, &public)) {
            return Err(TokenError::new(50_027));
        }
    }
    check_times(claims, now)?;
    Ok(Proof::Federated)
}

fn check_times(claims: &AssertionClaims, now: Moment) -> Result<(), TokenError> {
    // Seconds as numbers may have a fraction (RFC 7519 section 2); whole ones are enough here.
    let (from, until) = (claims.nbf as i64, claims.exp as i64);
    if now.seconds() < from.saturating_sub(SKEW_S) || now.seconds() > until.saturating_add(SKEW_S) {
        let shown = |seconds: i64| Moment::from_ms(seconds.saturating_mul(1000)).in_token_text();
        let text = format!(
            "Current time: {}, assertion valid from {}, expiry time of assertion {}.",
            now.in_token_text(),
            shown(from),
            shown(until)
        );
        return Err(TokenError::about(700_024, &[&text]));
    }
    Ok(())
}
