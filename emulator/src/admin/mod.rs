//! The admin side: plain HTTP on a port of its own, for whoever sets the stage.
//!
//! It listens on loopback only, and refuses requests that a web page could have made (another `Host`, any `Origin`).

mod apps;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::clock::Moment;
use crate::emulator::{State, UserState, issue_refresh_token};
use crate::faults::{self, FaultRule};
use crate::server::BANNER;
use crate::settings::Settings;
use crate::tenant::seed;
use crate::wire;
use crate::world::World;

/// The largest body: a seed of some hundred thousand people.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// What there is, for `GET /` and for the documentation.
pub(crate) const ENDPOINTS: &str = "\
GET    /state            everybody's state and the counts
GET    /users/NAME       one person, by object id or principal name
PATCH  /users/NAME       change a person: any field of a seed, {\"accountEnabled\":false}
DELETE /users/NAME       delete a person
POST   /users/NAME/sign-in   a refresh token of that person, as if signed in by hand
GET    /journal          the latest 20,000 requests
GET    /faults           the rules in force
POST   /faults           add a rule, or a list of them (see below)
DELETE /faults           remove all rules; /faults/N removes one
POST   /seed             add people: JSON Lines, a JSON array, CSV, or {\"count\":n}
POST   /reset            everything as it was at the start
GET    /clock            the emulator's time
POST   /clock            {\"now\":\"2026-11-23T08:00:00Z\"}, {\"advance_s\":3600}, {\"stop\":true}, {\"go\":true}
GET    /settings         the settings in force
PATCH  /settings         change some: {\"latency_ms\":30,\"throttle\":{\"scaled\":0.1}}
POST   /challenges       {\"who\":\"ada@contoso.example\"}: continuous access evaluation, from now on
DELETE /challenges       {\"who\":\"…\"}: no more
PUT    /apps/CLIENT_ID   register an application: {\"secrets\":[…],\"certificates\":[\"PEM\"],\"roles\":[…]}
PATCH  /apps/CLIENT_ID   change one: also federated, scopes, redirect_uris, enabled, consented, public, blocked_by_policy
";

/// What is answered: a status, and a document or a text.
enum Answered {
    Json(u16, Vec<u8>),
    Text(u16, String),
}

fn json_of(value: &impl Serialize) -> Answered {
    match serde_json::to_vec(value) {
        Ok(bytes) => Answered::Json(200, bytes),
        Err(error) => Answered::Text(500, error.to_string()),
    }
}

fn wrong(message: impl std::fmt::Display) -> Answered {
    Answered::Json(
        400,
        json!({"error": message.to_string()})
            .to_string()
            .into_bytes(),
    )
}

fn nobody(what: &str) -> Answered {
    Answered::Json(
        404,
        json!({"error": format!("there is no `{what}`")})
            .to_string()
            .into_bytes(),
    )
}

/// Serves until `stop` turns true.
pub(crate) async fn run(world: Arc<World>, socket: TcpListener, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else { continue };
        let world = Arc::clone(&world);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let world = Arc::clone(&world);
                async move { Ok::<_, Infallible>(serve(&world, request).await) }
            });
            // How a client ends its connection is its own affair.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
    connections.shutdown().await;
}

async fn serve(world: &World, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let answered = if is_from_a_page(&request) {
        Answered::Text(403, "the admin side is not for web pages".to_owned())
    } else {
        let (head, body) = request.into_parts();
        match Limited::new(body, LARGEST_BODY).collect().await {
            Ok(body) => route(world, &head.method, head.uri.path(), &body.to_bytes()),
            Err(_) => Answered::Text(413, "too large".to_owned()),
        }
    };
    let (status, kind, body) = match answered {
        Answered::Json(status, body) => (status, "application/json", body),
        Answered::Text(status, text) => (status, "text/plain; charset=utf-8", text.into_bytes()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(kind));
    response
        .headers_mut()
        .insert("x-emulator", HeaderValue::from_static(BANNER));
    response
}

/// Whether a browser may have been talked into this request (DNS rebinding, cross-site requests).
fn is_from_a_page(request: &Request<Incoming>) -> bool {
    let host = request
        .headers()
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    request.headers().contains_key("origin")
        || !matches!(name, "localhost" | "127.0.0.1" | "[::1]" | "::1")
}

fn route(world: &World, method: &Method, path: &str, body: &[u8]) -> Answered {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| wire::percent_decode(segment).unwrap_or_default())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (method.as_str(), &segments[..]) {
        ("GET", []) => Answered::Text(
            200,
            format!("{BANNER}, admin side\n\n{ENDPOINTS}\n{}", faults::RULES),
        ),
        ("GET", ["state"]) => json_of(&State::of(world)),
        ("GET", ["users", name]) => user(world, name),
        ("PATCH", ["users", name]) => patch_user(world, name, body),
        ("DELETE", ["users", name]) => delete_user(world, name),
        ("POST", ["users", name, "sign-in"]) => match issue_refresh_token(world, name) {
            Some(token) => json_of(&json!({"refresh_token": token})),
            None => nobody(name),
        },
        ("GET", ["journal"]) => json_of(&world.journal.entries()),
        ("GET", ["faults"]) => list_faults(world),
        ("POST", ["faults"]) => add_faults(world, body),
        ("DELETE", ["faults"]) => {
            world.faults.clear();
            json_of(&json!({}))
        }
        ("DELETE", ["faults", number]) => match number.parse() {
            Ok(number) if world.faults.remove(number) => json_of(&json!({})),
            _ => nobody(number),
        },
        ("POST", ["seed"]) => add_people(world, body),
        ("POST", ["reset"]) => {
            world.reset();
            json_of(&json!({}))
        }
        ("GET", ["clock"]) => json_of(&json!({"now": world.clock.now().timestamp()})),
        ("POST", ["clock"]) => set_clock(world, body),
        ("GET", ["settings"]) => json_of(&*world.settings()),
        ("PATCH", ["settings"]) => patch_settings(world, body),
        ("POST", ["challenges"]) => challenge(world, body, true),
        ("DELETE", ["challenges"]) => challenge(world, body, false),
        ("PATCH", ["apps", client_id]) => apps::patch(world, client_id, body),
        ("PUT", ["apps", client_id]) => apps::put(world, client_id, body),
        _ => Answered::Text(404, format!("there is no {method} {path}\n\n{ENDPOINTS}")),
    }
}

fn user(world: &World, name: &str) -> Answered {
    let directory = world.directory();
    match directory
        .index_of(name)
        .and_then(|index| directory.get(index))
    {
        Some(record) => json_of(&UserState::of(record)),
        None => nobody(name),
    }
}

fn patch_user(world: &World, name: &str, body: &[u8]) -> Answered {
    let changes: Map<String, Value> = match serde_json::from_slice(body) {
        Ok(changes) => changes,
        Err(error) => return wrong(error),
    };
    let now = world.clock.now();
    let mut directory = world.directory_mut();
    let Some(record) = directory
        .index_of(name)
        .and_then(|index| directory.get(index))
    else {
        return nobody(name);
    };
    match seed::changed(&record.user, changes) {
        Ok(user) => {
            directory.put(user, now);
            json_of(&json!({}))
        }
        Err(error) => wrong(error),
    }
}

fn delete_user(world: &World, name: &str) -> Answered {
    let now = world.clock.now();
    let mut directory = world.directory_mut();
    match directory.index_of(name) {
        Some(index) if directory.delete(index, now) => json_of(&json!({})),
        _ => nobody(name),
    }
}

fn list_faults(world: &World) -> Answered {
    let rules: Vec<Value> = world
        .faults
        .list()
        .into_iter()
        .map(|(number, rule, fired)| json!({"number": number, "rule": rule, "fired": fired}))
        .collect();
    json_of(&rules)
}

fn add_faults(world: &World, body: &[u8]) -> Answered {
    let rules: Vec<FaultRule> = if body.trim_ascii_start().starts_with(b"[") {
        match serde_json::from_slice(body) {
            Ok(rules) => rules,
            Err(error) => return wrong(error),
        }
    } else {
        match serde_json::from_slice(body) {
            Ok(rule) => vec![rule],
            Err(error) => return wrong(error),
        }
    };
    let numbers: Vec<u64> = rules
        .into_iter()
        .map(|rule| world.faults.add(rule))
        .collect();
    json_of(&json!({"numbers": numbers}))
}

fn add_people(world: &World, body: &[u8]) -> Answered {
    let Ok(text) = std::str::from_utf8(body) else {
        return wrong("the seed is not UTF-8");
    };
    match seed::read(text) {
        Ok(people) => {
            let count = people.len();
            let now = world.clock.now();
            let mut directory = world.directory_mut();
            for person in people {
                directory.put(person, now);
            }
            json_of(&json!({"added": count, "users": directory.living()}))
        }
        Err(error) => wrong(format!("{error}; {}", error.hint())),
    }
}

fn set_clock(world: &World, body: &[u8]) -> Answered {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Change {
        now: Option<Timestamp>,
        advance_s: Option<f64>,
        #[serde(default)]
        stop: bool,
        #[serde(default)]
        go: bool,
        #[serde(default)]
        reset: bool,
    }
    let change: Change = match serde_json::from_slice(body) {
        Ok(change) => change,
        Err(error) => return wrong(error),
    };
    if change.reset {
        world.clock.reset();
    }
    if change.stop {
        world.clock.stop();
    }
    if let Some(now) = change.now {
        world.clock.set(Moment::from(now));
    }
    if let Some(seconds) = change.advance_s {
        // Saturates where the number is absurd.
        world.clock.advance((seconds * 1000.0) as i64);
    }
    if change.go {
        world.clock.go();
    }
    json_of(&json!({"now": world.clock.now().timestamp()}))
}

fn patch_settings(world: &World, body: &[u8]) -> Answered {
    let changes: Map<String, Value> = match serde_json::from_slice(body) {
        Ok(changes) => changes,
        Err(error) => return wrong(error),
    };
    let Ok(Value::Object(mut all)) = serde_json::to_value(&*world.settings()) else {
        return Answered::Text(500, "settings cannot be shown".to_owned());
    };
    all.extend(changes);
    match serde_json::from_value::<Settings>(Value::Object(all)) {
        Ok(settings) => {
            world.set_settings(settings.clone());
            json_of(&settings)
        }
        Err(error) => wrong(error),
    }
}

fn challenge(world: &World, body: &[u8], on: bool) -> Answered {
    #[derive(Deserialize)]
    struct Whom {
        who: String,
    }
    let whom: Whom = match serde_json::from_slice(body) {
        Ok(whom) => whom,
        Err(error) => return wrong(error),
    };
    let done = if on {
        flag(world, &whom.who)
    } else {
        principal(world, &whom.who).is_some_and(|id| world.challenges().lift(id))
    };
    if done {
        json_of(&json!({}))
    } else {
        nobody(&whom.who)
    }
}

/// From now on this person's or application's tokens are challenged. False if there is none.
pub(crate) fn flag(world: &World, who: &str) -> bool {
    let now = world.clock.now();
    principal(world, who)
        .inspect(|id| world.challenges().flag(*id, now))
        .is_some()
}

fn principal(world: &World, who: &str) -> Option<Uuid> {
    if let Some(app) = Uuid::try_parse(who).ok().and_then(|id| world.app(id)) {
        return Some(app.client_id);
    }
    let directory = world.directory();
    directory
        .index_of(who)
        .and_then(|index| directory.get(index))
        .map(|record| record.user.id)
}
