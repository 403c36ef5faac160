//! The sign-in pages: name, password, one-time code, "stay signed in?", and back to the application with a code.
//!
//! There is no documentation of these pages; this follows what programs that drive them expect (saml2aws, grizzly). The
//! pages hold everything in a `$Config` object, as the real ones do, and say that they are an emulator's.

mod factor;
mod flow;
mod page;

use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use self::flow::Flows;

use self::flow::Stage;
use crate::exchange::{Answer, Asked};
use crate::tenant::App;
use crate::token::endpoint;
use crate::token::errors::TokenError;
use crate::token::grants::{Code, Grant};
use crate::token::person;
use crate::wire;
use crate::world::{SessionState, World};

/// How long a code can be redeemed, in milliseconds ("The authorization code … usually expires in about 10 minutes").
const CODE_LIVES_MS: i64 = 600_000;
/// The cookie of a browser session.
const SESSION_COOKIE: &str = "ESTSAUTH";

/// Answers a request for a page. `segments` are lower case.
pub(crate) fn answer(world: &World, asked: &Asked, segments: &[&str]) -> Option<Answer> {
    let answer = match (asked.method.as_str(), segments) {
        ("GET", [tenant, "oauth2", "v2.0", "authorize"] | [tenant, "oauth2", "authorize"]) => {
            authorize(world, asked, tenant)
        }
        ("GET", [_, "oauth2", "v2.0", "logout"] | [_, "oauth2", "logout"]) => Answer::html(
            200,
            "<!DOCTYPE html><html><body><h1>Emulator: signed out</h1></body></html>",
        )
        .header(
            "Set-Cookie",
            format!("{SESSION_COOKIE}=; path=/; Max-Age=0; secure; HttpOnly"),
        ),
        ("POST", [_, "getcredentialtype"]) => credential_type(world, asked),
        ("POST", [_, "login"]) => password(world, asked),
        ("POST", [_, "sas", "beginauth"]) => factor::begin(world, asked),
        ("POST", [_, "sas", "endauth"]) => factor::end(world, asked),
        ("POST", [_, "sas", "processauth"]) => factor::process(world, asked),
        ("POST", ["kmsi"] | [_, "kmsi"]) => stay_signed_in(world, asked),
        _ => return None,
    };
    Some(endpoint::with_headers(answer, asked))
}

/// What an application asks for when it sends somebody to the pages.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    client: Uuid,
    redirect_uri: String,
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    response_mode: ResponseMode,
}

/// How the code gets back to the application (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    /// The mode of this name. A code travels in the query unless something else is asked for.
    fn of(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("query") => Some(Self::Query),
            Some("fragment") => Some(Self::Fragment),
            Some("form_post") => Some(Self::FormPost),
            Some(_) => None,
        }
    }
}

fn authorize(world: &World, asked: &Asked, tenant: &str) -> Answer {
    let query = wire::form_pairs(asked.query.as_bytes());
    let get = |name: &str| {
        query
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.clone())
    };
    let checked = || -> Result<(App, Wish), TokenError> {
        if !["common", "organizations"].contains(&tenant) {
            endpoint::check_tenant(world, asked.cloud, tenant)?;
        }
        let id = get("client_id").ok_or_else(|| TokenError::about(900_144, &["client_id"]))?;
        let app = Uuid::try_parse(&id).ok().and_then(|id| world.app(id));
        let app = app.ok_or_else(|| TokenError::about(700_016, &[&id, &world.tenant.name]))?;
        let redirect_uri =
            get("redirect_uri").ok_or_else(|| TokenError::about(900_144, &["redirect_uri"]))?;
        if !app
            .redirect_uris
            .iter()
            .any(|known| is_same_place(known, &redirect_uri))
        {
            return Err(TokenError::about(50_011, &[&redirect_uri]));
        }
        let challenge = get("code_challenge");
        if challenge.is_some() && get("code_challenge_method").as_deref() != Some("S256") {
            return Err(TokenError::new(9_002_313));
        }
        let wish = Wish {
            client: app.client_id,
            redirect_uri,
            scope: get("scope").unwrap_or_else(|| "openid".to_owned()),
            state: get("state"),
            nonce: get("nonce"),
            challenge,
            response_mode: ResponseMode::of(get("response_mode").as_deref())
                .ok_or_else(|| TokenError::new(90_013))?,
        };
        endpoint::scopes_for_pages(world, &app, &wish.scope)?;
        Ok((app, wish))
    };
    let wish = match checked() {
        Ok((_, wish)) => wish,
        Err(error) => return page::error(asked, &error),
    };
    let prompt = get("prompt");
    let session = cookie(asked, SESSION_COOKIE).and_then(|cookie| world.grants().session(&cookie));
    let mut trouble = None;
    if let Some(session) = session.filter(|_| prompt.as_deref() != Some("login")) {
        match world.is_session_good(&session, asked.now) {
            SessionState::Good => return back(world, asked, &wish, &session, None),
            SessionState::CutAt(_) | SessionState::NoUser => {
                trouble = Some(TokenError::new(50_133))
            }
        }
    }
    if prompt.as_deref() == Some("none") {
        let error = trouble.unwrap_or_else(|| TokenError::new(50_058));
        return redirect(
            &wish,
            &[
                ("error", "login_required".to_owned()),
                ("error_description", error.for_page()),
            ],
        );
    }
    let flow = world.flows().begin(wish, asked.now);
    page::sign_in(asked, &flow, trouble.as_ref())
}

/// Whether a registered address and an asked one are the same. Loopback addresses may have any port (RFC 8252 section
/// 7.3).
fn is_same_place(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    let (Ok(registered), Ok(asked)) = (url::Url::parse(registered), url::Url::parse(asked)) else {
        return false;
    };
    let is_loopback = matches!(registered.host_str(), Some("localhost" | "127.0.0.1"));
    is_loopback
        && registered.scheme() == asked.scheme()
        && registered.host_str() == asked.host_str()
        && registered.path() == asked.path()
        && asked.username().is_empty()
        && asked.password().is_none()
}

fn cookie(asked: &Asked, name: &str) -> Option<String> {
    let cookies = asked
        .headers
        .get_all("cookie")
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value.to_owned())
}

fn credential_type(world: &World, asked: &Asked) -> Answer {
    let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else {
        return Answer::json(400, "{}");
    };
    let name = body["username"]
        .as_str()
        .unwrap_or_default()
        .trim()
        .to_owned();
    let Some(flow) = world.flows().step(
        body["originalRequest"].as_str(),
        body["flowToken"].as_str(),
        None,
    ) else {
        return page::json_error("stale flow token");
    };
    let directory = world.directory();
    let found = directory
        .find(&name, asked.now)
        .and_then(|index| directory.get(index));
    let has_password = found
        .and_then(|record| record.user.details.as_deref())
        .is_some_and(|details| details.password.is_some());
    let document = json!({
        "Username": name,
        "Display": name,
        "IfExistsResult": i32::from(found.is_none()),
        "IsUnmanaged": false,
        "ThrottleStatus": 0,
        "Credentials": {
            "PrefCredential": 1,
            "HasPassword": has_password || found.is_none(),
            "RemoteNgcParams": null,
            "FidoParams": null,
            "SasParams": null,
            "CertAuthParams": null,
        },
        "EstsProperties": {"UserTenantBranding": null, "DomainType": 3},
        "FlowToken": flow.token,
        "IsSignupDisallowed": true,
        "apiCanary": flow.api_canary,
    });
    drop(directory);
    Answer::json(200, document.to_string())
}

fn password(world: &World, asked: &Asked) -> Answer {
    let form = wire::form_pairs(&asked.body);
    let get = |name: &str| {
        form.iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    };
    let Some(mut flow) = world
        .flows()
        .step(get("ctx"), get("flowToken"), Some(Stage::Password))
    else {
        return page::error(asked, &TokenError::about(70_000, &["flowToken"]));
    };
    if get("canary") != Some(flow.canary.as_str()) {
        return page::error(asked, &TokenError::new(90_013));
    }
    let name = get("login").or_else(|| get("loginfmt")).unwrap_or_default();
    let known =
        match person::check_password(world, name, get("passwd").unwrap_or_default(), asked.now) {
            Ok(known) => known,
            Err(error) if error.code == 53_003 => {
                return page::conditional_access(asked, &flow, &error);
            }
            Err(error) => return page::sign_in(asked, &flow, Some(&error)),
        };
    flow.user = Some(known.record.user.id);
    flow.name = known.record.user.principal_name.to_string();
    if let Some(id) = known.interrupt() {
        return page::interrupt(asked, &flow, id);
    }
    if known.must_enrol() {
        return page::proof_up(asked, &flow);
    }
    flow.stage = if known.needs_code() {
        Stage::Factor
    } else {
        Stage::StaySignedIn
    };
    world.flows().put(&flow);
    if known.needs_code() {
        page::second_factor(asked, &flow)
    } else {
        page::stay_signed_in(asked, &flow)
    }
}

fn stay_signed_in(world: &World, asked: &Asked) -> Answer {
    let form = wire::form_pairs(&asked.body);
    let get = |name: &str| {
        form.iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    };
    let flow = world
        .flows()
        .step(get("ctx"), get("flowToken"), Some(Stage::StaySignedIn));
    let Some((flow, user)) = flow.and_then(|flow| flow.user.map(|user| (flow, user))) else {
        return page::error(asked, &TokenError::about(70_000, &["flowToken"]));
    };
    let grant = Grant {
        user,
        client: flow.wish.client,
        scopes: Vec::new(),
        since: asked.now,
        change: world.directory().changes(),
        with_second_factor: flow.with_second_factor,
    };
    world.flows().end(&flow);
    let cookie = world.grants().begin_session(grant.clone());
    if let Some(app) = world.app(flow.wish.client) {
        let directory = world.directory();
        if let Some(record) = directory
            .index_of(&user.to_string())
            .and_then(|index| directory.get(index))
        {
            world.audit().signed_in(record, &app, asked.now);
        }
    }
    back(world, asked, &flow.wish, &grant, Some(cookie))
}

/// Back to the application, with a code.
fn back(
    world: &World,
    asked: &Asked,
    wish: &Wish,
    session: &Grant,
    new_cookie: Option<String>,
) -> Answer {
    let wanted = world
        .app(wish.client)
        .ok_or_else(|| TokenError::new(700_016))
        .and_then(|app| endpoint::scopes_for_pages(world, &app, &wish.scope));
    let (scopes, offline, openid) = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return page::error(asked, &error),
    };
    let code = world.grants().issue_code(Code {
        grant: Grant {
            client: wish.client,
            scopes,
            ..session.clone()
        },
        redirect_uri: wish.redirect_uri.clone(),
        challenge: wish.challenge.clone(),
        nonce: wish.nonce.clone(),
        wants_refresh_token: offline,
        wants_id_token: openid,
        expires: asked.now.plus_ms(CODE_LIVES_MS),
        redeemed: false,
    });
    let answer = redirect(
        wish,
        &[
            ("code", code),
            ("session_state", Uuid::new_v4().to_string()),
        ],
    );
    match new_cookie {
        Some(cookie) => answer.header(
            "Set-Cookie",
            format!("{SESSION_COOKIE}={cookie}; path=/; secure; HttpOnly; SameSite=None"),
        ),
        None => answer,
    }
}

fn redirect(wish: &Wish, parameters: &[(&str, String)]) -> Answer {
    let state = wish.state.iter().map(|state| ("state", state.clone()));
    let all: Vec<(&str, String)> = parameters.iter().cloned().chain(state).collect();
    let Ok(mut url) = url::Url::parse(&wish.redirect_uri) else {
        return Answer::new(400);
    };
    match wish.response_mode {
        ResponseMode::FormPost => return page::auto_submit(&wish.redirect_uri, &all),
        ResponseMode::Query => {
            url.query_pairs_mut().extend_pairs(&all);
        }
        ResponseMode::Fragment => {
            let mut fragment = url::form_urlencoded::Serializer::new(String::new());
            url.set_fragment(Some(&fragment.extend_pairs(&all).finish()));
        }
    }
    Answer::new(302).header("Location", url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_may_have_any_port() {
        assert!(is_same_place("http://localhost", "http://localhost:49152"));
        assert!(is_same_place(
            "http://localhost/cb",
            "http://localhost:1/cb"
        ));
        assert!(!is_same_place(
            "http://localhost",
            "http://localhost.evil.example"
        ));
        assert!(!is_same_place("http://localhost", "http://x@localhost/"));
        assert!(!is_same_place(
            "https://app.example/cb",
            "https://app.example:1/cb"
        ));
    }
}
