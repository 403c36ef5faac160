//! Requests to the sign-in service: which of its pages and endpoints a path names.

use http::Method;

use crate::exchange::{Answer, Asked, Reply};
use crate::faults::{Fault, Hit, Place, Route};
use crate::graph;
use crate::signin;
use crate::token::endpoint::{self, Version};
use crate::token::errors::{self, TokenError};
use crate::token::{discovery, keys};
use crate::world::World;

/// Answers a request that is not for Graph.
pub(crate) async fn answer(world: &World, asked: &Asked) -> Reply {
    let segments: Vec<&str> = asked
        .path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let lower: Vec<String> = segments
        .iter()
        .map(|segment| segment.to_ascii_lowercase())
        .collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let is_token = asked.method == Method::POST
        && matches!(
            lower[..],
            [_, "oauth2", "token"] | [_, "oauth2", "v2.0", "token"]
        );
    let route = if is_token { Route::Token } else { Route::Login };
    let fault = world.faults.take(&Hit {
        route,
        place: Place::Single,
        is_about: &|_| false,
    });
    if let Some(fault) = &fault
        && !fault.lets_effect_happen()
    {
        return struck(asked, fault, Answer::default());
    }
    let answer = match (asked.method.as_str(), &lower[..]) {
        ("POST", [_, "oauth2", "v2.0", "token"]) => {
            endpoint::answer(world, asked, segments[0], Version::Two).await
        }
        ("POST", [_, "oauth2", "token"]) => {
            endpoint::answer(world, asked, segments[0], Version::One).await
        }
        ("GET", [_, "v2.0", ".well-known", "openid-configuration"]) => refused(
            asked,
            discovery::configuration(world, asked, segments[0], Version::Two),
        ),
        ("GET", [_, ".well-known", "openid-configuration"]) => refused(
            asked,
            discovery::configuration(world, asked, segments[0], Version::One),
        ),
        ("GET", [_, "discovery", "v2.0", "keys"] | [_, "discovery", "keys"]) => {
            discovery::jwks(asked).await
        }
        ("GET", [_, "discovery", "instance"]) => discovery::instance(world, asked),
        ("GET", [_, "userrealm", _]) => {
            let name = crate::wire::percent_decode(segments[2]).unwrap_or_default();
            discovery::user_realm(world, &name)
        }
        ("GET", []) => home(world, asked),
        _ => signin::answer(world, asked, &lower).unwrap_or_else(|| nothing_here(asked)),
    };
    match fault {
        Some(fault) => struck(asked, &fault, answer),
        None => answer.into(),
    }
}

fn refused(asked: &Asked, result: Result<Answer, TokenError>) -> Answer {
    result.unwrap_or_else(|error| {
        error.answer(asked.cloud, endpoint::correlation_id(asked), asked.now)
    })
}

/// What an injected fault makes of an answer of the sign-in service.
fn struck(asked: &Asked, fault: &Fault, mut answer: Answer) -> Reply {
    match fault {
        Fault::Aadsts { code } => {
            let code = if errors::is_known(*code) {
                *code
            } else {
                90_033
            };
            answer = TokenError::new(code).answer(
                asked.cloud,
                endpoint::correlation_id(asked),
                asked.now,
            );
        }
        Fault::Status {
            status,
            retry_after,
            message,
            ..
        } => {
            let code = match status {
                429 => 90_055,
                500.. => 90_033,
                _ => 90_013,
            };
            answer = TokenError::new(code).answer(
                asked.cloud,
                endpoint::correlation_id(asked),
                asked.now,
            );
            answer.status = *status;
            if message.as_deref() == Some("") {
                answer.body.clear();
            }
            if let Some(retry_after) = retry_after {
                answer.set_header("Retry-After", retry_after.text(asked.now));
            }
        }
        Fault::Html { status } => {
            answer = Answer::html(
                *status,
                "<!DOCTYPE html><html><body><h1>Emulator: a page instead of an answer</h1></body></html>",
            );
        }
        Fault::Redirect { location } => {
            answer = Answer::new(302).header("Location", location.clone())
        }
        Fault::TruncatedJson => answer.body.truncate(answer.body.len() / 2),
        Fault::Huge { bytes } => graph::put_blanks(&mut answer, *bytes),
        Fault::EmptyBody => answer.body.clear(),
        Fault::NoContent => {
            answer.status = 204;
            answer.body.clear();
        }
        _ => {}
    }
    if answer.status == 0 {
        answer.status = 503;
    }
    let (delivery, extra_delay) = graph::delivery_of(fault);
    Reply {
        answer,
        delivery,
        extra_delay,
        fault: Some(fault.kind()),
        parts: Vec::new(),
    }
}

fn home(world: &World, asked: &Asked) -> Answer {
    let text = format!(
        "<!DOCTYPE html><html><head><title>Entra emulator</title></head><body><h1>This is an emulator</h1>\
         <p>Not Microsoft Entra. Tenant {}, {} users. Graph is at <code>{}/v1.0/</code>.</p></body></html>",
        world.tenant.id,
        world.directory().living(),
        crate::wire::html(&asked.origin())
    );
    Answer::html(200, text)
}

/// 404.
pub(crate) fn nothing_here(asked: &Asked) -> Answer {
    let text = format!(
        "<!DOCTYPE html><html><head><title>Entra emulator</title></head><body><h1>Not found</h1>\
         <p>The emulator has nothing at {} {}.</p></body></html>",
        crate::wire::html(asked.method.as_str()),
        crate::wire::html(&asked.path)
    );
    Answer::html(404, text)
}

/// Makes the signing key ready, so that the first token does not wait for it.
pub(crate) async fn warm_up() {
    // Whoever needs the key later gets the error.
    let _ = keys::signing_key_soon().await;
}
