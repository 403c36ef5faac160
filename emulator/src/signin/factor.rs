//! The second factor: a one-time code from an authenticator app.

use serde_json::{Value, json};
use uuid::Uuid;

use super::flow::{Flow, Stage};
use super::page;
use crate::exchange::{Answer, Asked};
use crate::token::errors::TokenError;
use crate::token::person;
use crate::wire;
use crate::world::World;

/// What the app's codes are called.
const METHOD: &str = "PhoneAppOTP";

/// `SAS/BeginAuth`.
pub(crate) fn begin(world: &World, asked: &Asked) -> Answer {
    let Some((body, flow)) = read(world, asked) else {
        return page::json_error("stale flow token");
    };
    if member(&body, "AuthMethodId") != Some(METHOD) {
        return said(
            &flow,
            asked,
            false,
            "AuthenticationMethodNotSupported",
            500_121,
            false,
        );
    }
    said(&flow, asked, true, "Success", 0, false)
}

/// `SAS/EndAuth`.
pub(crate) fn end(world: &World, asked: &Asked) -> Answer {
    let Some((body, mut flow)) = read(world, asked) else {
        return page::json_error("stale flow token");
    };
    let is_this =
        member(&body, "SessionId").and_then(|id| Uuid::try_parse(id).ok()) == Some(flow.session_id);
    let code = member(&body, "AdditionalAuthData").unwrap_or_default();
    let secret = flow.user.and_then(|user| {
        let directory = world.directory();
        let record = directory
            .index_of(&user.to_string())
            .and_then(|index| directory.get(index))?;
        record
            .user
            .details
            .as_deref()
            .and_then(|details| details.otp_secret.clone())
            .map(|secret| (user, secret))
    });
    let is_app = member(&body, "AuthMethodId") == Some(METHOD);
    let Some((user, secret)) = secret.filter(|_| is_this && is_app) else {
        return said(&flow, asked, false, "AuthenticationFailed", 500_121, false);
    };
    match person::step_of_code(secret.expose(), code, asked.now) {
        None => said(&flow, asked, false, "OathCodeIncorrect", 500_121, false),
        Some(step) if world.flows().use_code(user, step) => {
            flow.stage = Stage::FactorDone;
            flow.with_second_factor = true;
            world.flows().put(&flow);
            said(&flow, asked, true, "Success", 0, false)
        }
        Some(_) => said(
            &flow,
            asked,
            false,
            "PhoneAppOtpAuthFailedDuplicateCodeEntered",
            500_121,
            false,
        ),
    }
}

/// `SAS/ProcessAuth`.
pub(crate) fn process(world: &World, asked: &Asked) -> Answer {
    let form = wire::form_pairs(&asked.body);
    let get = |name: &str| {
        form.iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    };
    let flow = world
        .flows()
        .step(get("request"), get("flowToken"), Some(Stage::FactorDone));
    let Some(mut flow) = flow else {
        return page::error(asked, &TokenError::new(500_121));
    };
    if !get("login").is_some_and(|login| login.eq_ignore_ascii_case(&flow.name)) {
        return page::error(asked, &TokenError::new(90_013));
    }
    flow.stage = Stage::StaySignedIn;
    world.flows().put(&flow);
    page::stay_signed_in(asked, &flow)
}

fn read(world: &World, asked: &Asked) -> Option<(Value, Flow)> {
    let body: Value = serde_json::from_slice(&asked.body).ok()?;
    let flow = world.flows().step(
        member(&body, "Ctx"),
        member(&body, "FlowToken"),
        Some(Stage::Factor),
    )?;
    Some((body, flow))
}

/// A member by its name in any case: grizzly begins with `ctx` and goes on with `Ctx`.
fn member<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.as_object()?
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.as_str())
}

fn said(flow: &Flow, asked: &Asked, success: bool, result: &str, code: u32, retry: bool) -> Answer {
    let document = json!({
        "Success": success,
        "ResultValue": result,
        "Message": null,
        "AuthMethodId": METHOD,
        "ErrCode": code,
        "Retry": retry,
        "FlowToken": flow.token,
        "Ctx": flow.context,
        "SessionId": flow.session_id,
        "CorrelationId": asked.request_id,
        "Timestamp": asked.now.date_time_offset(),
        "Entropy": 0,
    });
    Answer::json(200, document.to_string())
}
