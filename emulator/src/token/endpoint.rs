//! The token endpoint, versions 1 and 2: every grant that gives a token for Graph.
//!
//! Sources: RFC 6749, "OAuth 2.0 client credentials flow on the Microsoft identity platform" and its siblings.

use uuid::Uuid;

use super::challenge::AskedClaims;
use super::client::{self, Form, Proof};
use super::errors::TokenError;
use super::grants::Grant;
use super::mint::{self, GRAPH_APP_ID, Minted, Order};
use super::{keys, person};
use crate::clock::Moment;
use crate::emulator::EmulatorError;
use crate::exchange::{Answer, Asked};
use crate::tenant::{App, Cloud};
use crate::wire;
use crate::world::{SessionState, World};

/// Which endpoint was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `/oauth2/token`: `resource` instead of `scope`, numbers as strings.
    One,
    /// `/oauth2/v2.0/token`.
    Two,
}

/// Why there is no token.
pub(crate) enum Failure {
    Refused(TokenError),
    Broken(EmulatorError),
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Refused(error)
    }
}

impl From<EmulatorError> for Failure {
    fn from(error: EmulatorError) -> Self {
        Self::Broken(error)
    }
}

/// Answers a token request.
pub(crate) async fn answer(world: &World, asked: &Asked, tenant: &str, version: Version) -> Answer {
    let answer = match respond(world, asked, tenant, version).await {
        Ok(answer) => answer,
        Err(Failure::Refused(error)) => error.answer(asked.cloud, correlation_id(asked), asked.now),
        Err(Failure::Broken(error)) => Answer::new(500).body(error.to_string()),
    };
    with_headers(answer, asked)
}

/// The headers of every answer of the sign-in service.
pub(crate) fn with_headers(answer: Answer, asked: &Asked) -> Answer {
    answer
        .header("Cache-Control", "no-store, no-cache")
        .header("Pragma", "no-cache")
        .header("Expires", "-1")
        .header("X-Content-Type-Options", "nosniff")
        .header("P3P", "CP=\"DSP CUR OTPi IND OTRi ONL FIN\"")
        .header("x-ms-request-id", asked.request_id.to_string())
        .header("x-ms-ests-server", "2.1.0 - entra-emulator")
        .header(
            "Set-Cookie",
            "fpc=emulator; path=/; secure; HttpOnly; SameSite=None",
        )
        .header(
            "Set-Cookie",
            "x-ms-gateway-slice=estsfd; path=/; secure; samesite=none; httponly",
        )
        .header(
            "Set-Cookie",
            "stsservicecookie=estsfd; path=/; secure; samesite=none; httponly",
        )
}

/// The caller's `client-request-id` where it is one, else a new id.
pub(crate) fn correlation_id(asked: &Asked) -> Uuid {
    asked
        .header("client-request-id")
        .and_then(|id| Uuid::try_parse(id).ok())
        .unwrap_or_else(Uuid::new_v4)
}

/// Checks the tenant in the path.
pub(crate) fn check_tenant(world: &World, cloud: Cloud, tenant: &str) -> Result<(), TokenError> {
    let looks_right =
        Uuid::try_parse(tenant).is_ok_and(|_| tenant.len() == 36) || tenant.contains('.');
    if !looks_right {
        return Err(TokenError::about(900_023, &[tenant]));
    }
    if !world.tenant.is_named(tenant) || !cloud.shares_login_with(world.tenant.cloud) {
        return Err(TokenError::about(90_002, &[tenant]));
    }
    Ok(())
}

async fn respond(
    world: &World,
    asked: &Asked,
    tenant: &str,
    version: Version,
) -> Result<Answer, Failure> {
    let form = Form::of(asked);
    let shared = is_shared_name(tenant);
    if !shared {
        check_tenant(world, asked.cloud, tenant)?;
    }
    let grant_type = form.required("grant_type")?;
    if shared
        && (grant_type == "client_credentials"
            || (grant_type == "password" && !tenant.eq_ignore_ascii_case("organizations")))
    {
        return Err(TokenError::new(9_001_023).into());
    }
    let needs_proof = match grant_type {
        "client_credentials" => true,
        "password" | "refresh_token" | "authorization_code" => false,
        other => return Err(TokenError::about(70_003, &[other]).into()),
    };
    let (app, proof) = client::authenticate(world, &form, asked, tenant, needs_proof)?;
    check_for_loops(world, &form, asked.now)?;
    let claims = match form.get("claims") {
        None => AskedClaims::default(),
        Some(text) => AskedClaims::of(text).ok_or_else(|| TokenError::new(90_013))?,
    };
    let request = Request {
        world,
        asked,
        form: &form,
        app: &app,
        proof,
        version,
        claims,
    };
    match grant_type {
        "client_credentials" => request.for_app().await,
        "password" => request.by_password().await,
        "refresh_token" => request.by_refresh_token().await,
        _ => request.by_code().await,
    }
}

/// `common`, `organizations` and `consumers` stand for whichever tenant the person belongs to.
fn is_shared_name(tenant: &str) -> bool {
    ["common", "organizations", "consumers"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(tenant))
}

fn check_for_loops(world: &World, form: &Form, now: Moment) -> Result<(), TokenError> {
    let Some(limit) = world.settings().token_loop_limit else {
        return Ok(());
    };
    let what = [
        "client_id",
        "grant_type",
        "scope",
        "resource",
        "username",
        "claims",
    ]
    .map(|name| form.get(name).unwrap_or(""))
    .join("\n");
    if world.grants().count_request(&what, now) > limit {
        return Err(TokenError::new(50_196));
    }
    Ok(())
}

/// A request whose client is known.
struct Request<'a> {
    world: &'a World,
    asked: &'a Asked,
    form: &'a Form,
    app: &'a App,
    proof: Proof,
    version: Version,
    claims: AskedClaims,
}

/// A person's token request: for what, and what comes with it.
struct Wanted {
    audience: String,
    scopes: Vec<String>,
    offline: bool,
    openid: bool,
}

impl Request<'_> {
    async fn for_app(&self) -> Result<Answer, Failure> {
        let resource = match self.version {
            Version::One => self.form.required("resource")?,
            Version::Two => {
                let scope = self.form.required("scope")?.trim();
                // One resource, whole: anything else is no client credentials scope.
                scope
                    .strip_suffix("/.default")
                    .filter(|_| !scope.contains(' '))
                    .ok_or_else(|| TokenError::about(1_002_012, &[scope]))?
            }
        };
        let audience = self.audience(resource)?;
        if self.app.blocked_by_policy {
            return Err(TokenError::new(53_003).into());
        }
        let key = keys::signing_key_soon().await?;
        let minted = self.order(audience.clone()).for_app(self.world, key)?;
        Ok(self.success(&minted, &audience, &[]))
    }

    async fn by_password(&self) -> Result<Answer, Failure> {
        let name = self.form.required("username")?;
        let password = self.form.required("password")?;
        let wanted = self.wanted(None)?;
        let known = person::check_password(self.world, name, password, self.asked.now)?
            .without_pages(GRAPH_APP_ID)?;
        let grant = Grant {
            user: known.record.user.id,
            client: self.app.client_id,
            scopes: wanted.scopes.clone(),
            since: self.asked.now,
            change: self.world.directory().changes(),
            with_second_factor: false,
        };
        self.world
            .audit()
            .signed_in(&known.record, self.app, self.asked.now);
        self.for_person(&grant, &wanted, None).await
    }

    async fn by_refresh_token(&self) -> Result<Answer, Failure> {
        let token = self.form.required("refresh_token")?;
        let grant = self
            .world
            .grants()
            .refresh_grant(token)
            .filter(|grant| grant.client == self.app.client_id)
            .ok_or_else(|| TokenError::about(70_000, &["refresh_token"]))?;
        self.check_session(&grant)?;
        let mut wanted = self.wanted(Some(&grant))?;
        wanted.offline = true;
        self.for_person(&grant, &wanted, None).await
    }

    async fn by_code(&self) -> Result<Answer, Failure> {
        let code = self.form.required("code")?;
        let redirect_uri = self.form.required("redirect_uri")?;
        let verifier = self.form.get("code_verifier");
        let held = {
            let mut grants = self.world.grants();
            let held = grants
                .code(code)
                .filter(|held| held.grant.client == self.app.client_id)
                .ok_or_else(|| TokenError::about(70_000, &["code"]))?;
            if std::mem::replace(&mut held.redeemed, true) {
                return Err(TokenError::new(54_005).into());
            }
            held.clone()
        };
        if held.expires < self.asked.now {
            return Err(TokenError::new(70_008).into());
        }
        if held.redirect_uri != redirect_uri {
            return Err(TokenError::about(50_011, &[redirect_uri]).into());
        }
        let verified = match (&held.challenge, verifier) {
            (None, _) => true,
            // RFC 7636 section 4.6.
            (Some(challenge), Some(verifier)) => {
                wire::base64url(wire::sha256(verifier.as_bytes())) == *challenge
            }
            (Some(_), None) => false,
        };
        if !verified {
            return Err(TokenError::new(501_481).into());
        }
        self.check_session(&held.grant)?;
        let wanted = Wanted {
            audience: self.world.tenant.cloud.graph_origin().to_owned(),
            scopes: held.grant.scopes.clone(),
            offline: held.wants_refresh_token,
            openid: held.wants_id_token,
        };
        self.for_person(&held.grant, &wanted, held.nonce.as_deref())
            .await
    }

    /// Refuses what was handed out before the person's sessions were cut.
    fn check_session(&self, grant: &Grant) -> Result<(), TokenError> {
        match self.world.is_session_good(grant, self.asked.now) {
            SessionState::Good => {}
            SessionState::CutAt(cut) => {
                let when = format!(
                    "The grant was issued on '{}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{}'.",
                    grant.since.in_token_text(),
                    cut.in_token_text()
                );
                return Err(TokenError::about(50_173, &[&when]));
            }
            SessionState::NoUser => {
                return Err(TokenError::about(50_034, &[&grant.user.to_string()]));
            }
        }
        let directory = self.world.directory();
        let record = directory
            .index_of(&grant.user.to_string())
            .and_then(|index| directory.get(index));
        if record.is_some_and(|record| !record.user.enabled) {
            return Err(TokenError::new(50_057));
        }
        Ok(())
    }

    async fn for_person(
        &self,
        grant: &Grant,
        wanted: &Wanted,
        nonce: Option<&str>,
    ) -> Result<Answer, Failure> {
        let key = keys::signing_key_soon().await?;
        let person = {
            let directory = self.world.directory();
            let index = directory.index_of(&grant.user.to_string());
            index.and_then(|index| directory.get(index)).cloned()
        }
        .ok_or_else(|| TokenError::about(50_034, &[&grant.user.to_string()]))?;
        let minted = self.order(wanted.audience.clone()).for_person(
            self.world,
            key,
            &person,
            grant,
            &wanted.scopes,
        )?;
        let mut more = Vec::new();
        let shown: Vec<String> = wanted
            .scopes
            .iter()
            .map(|scope| format!("{}/{scope}", wanted.audience))
            .collect();
        more.push(("scope", shown.join(" ")));
        if wanted.offline {
            let grant = Grant {
                scopes: wanted.scopes.clone(),
                ..grant.clone()
            };
            more.push((
                "refresh_token",
                self.world.grants().issue_refresh_token(grant),
            ));
        }
        if wanted.openid {
            let token = mint::id_token(
                self.world,
                key,
                &self.asked.origin(),
                grant,
                &person,
                nonce,
                self.asked.now,
            )?;
            more.push(("id_token", token));
        }
        Ok(self.success(&minted, &wanted.audience, &more))
    }

    fn order(&self, audience: String) -> Order<'_> {
        Order {
            app: self.app,
            audience,
            proof: self.proof.acr(),
            handles_challenges: self.claims.handles_challenges,
            answers_challenge: self.claims.not_before,
            now: self.asked.now,
        }
    }

    /// What a resource is called in the token. Graph is the only one there is.
    fn audience(&self, resource: &str) -> Result<String, TokenError> {
        audience_of(self.world, resource).ok_or_else(|| {
            TokenError::about(500_011, &[resource, &self.world.tenant.id.to_string()])
        })
    }

    /// What a person's request is for: the scopes asked for, as far as they were consented to.
    fn wanted(&self, earlier: Option<&Grant>) -> Result<Wanted, TokenError> {
        if self.version == Version::One {
            let audience = match self.form.get("resource") {
                Some(resource) => self.audience(resource)?,
                None => self.world.tenant.cloud.graph_origin().to_owned(),
            };
            return Ok(Wanted {
                audience,
                scopes: self.app.scopes.clone(),
                offline: true,
                openid: false,
            });
        }
        let asked_for = match (self.form.get("scope"), earlier) {
            (Some(scope), _) => scope.to_owned(),
            (None, Some(_)) => String::new(),
            (None, None) => return Err(TokenError::about(900_144, &["scope"])),
        };
        let wanted = scopes_of(self.world, self.app, &asked_for)?;
        Ok(Wanted {
            scopes: match earlier {
                Some(grant) if wanted.scopes.is_empty() => grant.scopes.clone(),
                _ => wanted.scopes,
            },
            ..wanted
        })
    }

    fn success(&self, minted: &Minted, audience: &str, more: &[(&str, String)]) -> Answer {
        let mut body = b"{\"token_type\":\"Bearer\"".to_vec();
        for (name, value) in more.iter().filter(|(name, _)| *name == "scope") {
            push_member(&mut body, name, value);
        }
        match self.version {
            Version::Two => {
                for name in ["expires_in", "ext_expires_in"] {
                    body.extend_from_slice(format!(",\"{name}\":{}", minted.expires_in).as_bytes());
                }
            }
            Version::One => {
                let seconds = self.asked.now.seconds();
                let ends =
                    seconds.saturating_add(i64::try_from(minted.expires_in).unwrap_or(i64::MAX));
                push_member(&mut body, "expires_in", &minted.expires_in.to_string());
                push_member(&mut body, "ext_expires_in", &minted.expires_in.to_string());
                push_member(&mut body, "expires_on", &ends.to_string());
                push_member(&mut body, "not_before", &seconds.to_string());
                push_member(&mut body, "resource", audience);
            }
        }
        push_member(&mut body, "access_token", &minted.token);
        for (name, value) in more.iter().filter(|(name, _)| *name != "scope") {
            push_member(&mut body, name, value);
        }
        body.push(b'}');
        Answer::json(200, body)
    }
}

fn push_member(body: &mut Vec<u8>, name: &str, value: &str) {
    body.push(b',');
    wire::push_json_string(body, name);
    body.push(b':');
    wire::push_json_string(body, value);
}

/// What tokens for `resource` have as their audience; `None` where the tenant knows no such resource.
fn audience_of(world: &World, resource: &str) -> Option<String> {
    let origin = world.tenant.cloud.graph_origin();
    let bare = resource.trim_end_matches('/');
    if bare.eq_ignore_ascii_case(GRAPH_APP_ID) {
        return Some(GRAPH_APP_ID.to_owned());
    }
    // Clients that are pointed at the emulator by address build the scope from that address.
    (bare.eq_ignore_ascii_case(origin) || is_loopback(bare)).then(|| origin.to_owned())
}

fn is_loopback(origin: &str) -> bool {
    url::Url::parse(origin).is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    })
}

/// Reads a `scope` parameter of a person's request.
fn scopes_of(world: &World, app: &App, text: &str) -> Result<Wanted, TokenError> {
    let mut wanted = Wanted {
        audience: world.tenant.cloud.graph_origin().to_owned(),
        scopes: Vec::new(),
        offline: false,
        openid: false,
    };
    for scope in text.split_ascii_whitespace() {
        match scope {
            "openid" => wanted.openid = true,
            "offline_access" => wanted.offline = true,
            "profile" | "email" => {}
            _ => {
                let (resource, name) = match scope.rsplit_once('/') {
                    Some((resource, name)) => (Some(resource), name),
                    None => (None, scope),
                };
                if let Some(resource) = resource {
                    wanted.audience = audience_of(world, resource).ok_or_else(|| {
                        TokenError::about(500_011, &[resource, &world.tenant.id.to_string()])
                    })?;
                }
                if name == ".default" {
                    wanted.scopes.clone_from(&app.scopes);
                } else if let Some(held) = app
                    .scopes
                    .iter()
                    .find(|held| held.eq_ignore_ascii_case(name))
                {
                    wanted.scopes.push(held.clone());
                } else {
                    return Err(TokenError::about(65_001, &[&app.client_id.to_string()]));
                }
            }
        }
    }
    Ok(wanted)
}

/// Reads a `scope` parameter for the sign-in pages: scopes, refresh token wanted, id token wanted.
pub(crate) fn scopes_for_pages(
    world: &World,
    app: &App,
    text: &str,
) -> Result<(Vec<String>, bool, bool), TokenError> {
    scopes_of(world, app, text).map(|wanted| (wanted.scopes, wanted.offline, wanted.openid))
}
