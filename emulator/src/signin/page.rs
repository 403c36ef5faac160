//! The pages themselves: HTML around a `$Config` object.

use serde_json::{Map, Value, json};

use super::flow::Flow;
use crate::exchange::{Answer, Asked};
use crate::token::errors::TokenError;
use crate::wire;

/// Name and password.
pub(crate) fn sign_in(asked: &Asked, flow: &Flow, trouble: Option<&TokenError>) -> Answer {
    let mut config = common(asked, flow, "ConvergedSignIn");
    // grizzly tells a refused password by the whole address, which the first page does not have.
    let origin = trouble.map(|_| asked.origin()).unwrap_or_default();
    config.insert("urlPost".into(), format!("{origin}/common/login").into());
    config.insert(
        "urlGetCredentialType".into(),
        format!("{}/common/GetCredentialType", asked.origin()).into(),
    );
    config.insert("fIsPasswordAllowed".into(), true.into());
    put_error(&mut config, trouble);
    page(&config)
}

/// A one-time code.
pub(crate) fn second_factor(asked: &Asked, flow: &Flow) -> Answer {
    let mut config = common(asked, flow, "ConvergedTFA");
    let origin = asked.origin();
    config.insert(
        "urlPost".into(),
        format!("{origin}/common/SAS/ProcessAuth").into(),
    );
    config.insert(
        "urlBeginAuth".into(),
        format!("{origin}/common/SAS/BeginAuth").into(),
    );
    config.insert(
        "urlEndAuth".into(),
        format!("{origin}/common/SAS/EndAuth").into(),
    );
    config.insert("sPOST_Username".into(), flow.name.as_str().into());
    config.insert(
        "arrUserProofs".into(),
        json!([{
            "authMethodId": "PhoneAppOTP",
            "data": "PhoneAppOTP",
            "display": "Authenticator app",
            "isDefault": true,
            "phoneAppOtpTypes": ["MicrosoftAuthenticatorBasedTOTP", "SoftwareTokenBasedTOTP"],
        }]),
    );
    config.insert("oPerAuthPollingInterval".into(), json!({"PhoneAppOTP": 1}));
    config.insert("iMaxPollAttempts".into(), 10.into());
    config.insert("iTotpOtcLength".into(), 6.into());
    page(&config)
}

/// "Stay signed in?"
pub(crate) fn stay_signed_in(asked: &Asked, flow: &Flow) -> Answer {
    let mut config = common(asked, flow, "KmsiInterrupt");
    config.insert("urlPost".into(), "/kmsi".into());
    config.insert("sPOST_Username".into(), flow.name.as_str().into());
    page(&config)
}

/// A second factor has to be registered.
pub(crate) fn proof_up(asked: &Asked, flow: &Flow) -> Answer {
    let mut config = common(asked, flow, "ConvergedProofUpRedirect");
    config.insert(
        "urlPost".into(),
        format!("{}/common/proofup", asked.origin()).into(),
    );
    config.insert("urlSkipMfaRegistration".into(), "".into());
    put_error(&mut config, Some(&TokenError::about(50_079, &[""])));
    page(&config)
}

/// A page that asks for something else, and leads nowhere.
pub(crate) fn interrupt(asked: &Asked, flow: &Flow, id: &str) -> Answer {
    let mut config = common(asked, flow, id);
    config.insert(
        "urlPost".into(),
        format!("{}/common/interrupt", asked.origin()).into(),
    );
    page(&config)
}

/// A device or location rule stands in the way.
pub(crate) fn conditional_access(asked: &Asked, flow: &Flow, error: &TokenError) -> Answer {
    let mut config = common(asked, flow, "ConvergedConditionalAccess");
    put_error(&mut config, Some(error));
    page(&config)
}

/// Nothing to be done.
pub(crate) fn error(asked: &Asked, error: &TokenError) -> Answer {
    let mut config = Map::new();
    config.insert("pgid".into(), "ConvergedError".into());
    config.insert("correlationId".into(), asked.request_id.to_string().into());
    put_error(&mut config, Some(error));
    config.insert("strServiceExceptionMessage".into(), error.for_page().into());
    page(&config)
}

/// A form that sends itself (OAuth 2.0 Form Post Response Mode).
pub(crate) fn auto_submit(target: &str, fields: &[(&str, String)]) -> Answer {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\" />",
                wire::html(name),
                wire::html(value)
            )
        })
        .collect();
    let text = format!(
        "<!DOCTYPE html><html><head><title>Working... (emulator)</title></head><body>\
         <form method=\"POST\" name=\"hiddenform\" action=\"{}\">{inputs}<noscript><input type=\"submit\" value=\"Submit\" /></noscript></form>\
         <script>document.forms[0].submit();</script></body></html>",
        wire::html(target)
    );
    Answer::html(200, text)
}

/// What the JSON endpoints of the pages say when a flow is not theirs.
pub(crate) fn json_error(message: &str) -> Answer {
    Answer::json(
        400,
        json!({"error": {"code": "6000", "message": message}}).to_string(),
    )
}

fn common(asked: &Asked, flow: &Flow, id: &str) -> Map<String, Value> {
    let config = json!({
        "pgid": id,
        "sFT": flow.token,
        "sFTName": "flowToken",
        "sCtx": flow.context,
        "canary": flow.canary,
        "apiCanary": flow.api_canary,
        "correlationId": asked.request_id,
        "sessionId": flow.session_id,
        "hpgact": 1800,
        "hpgid": 1104,
        "country": "NL",
        "serverDetails": {"slc": "emulator", "ri": crate::server::BANNER, "flowAgeMs": asked.now.ms() - flow.began.ms()},
    });
    match config {
        Value::Object(config) => config,
        _ => Map::new(),
    }
}

fn put_error(config: &mut Map<String, Value>, error: Option<&TokenError>) {
    if let Some(error) = error {
        config.insert("sErrorCode".into(), error.code.to_string().into());
        config.insert("sErrTxt".into(), error.for_page().into());
    }
}

fn page(config: &Map<String, Value>) -> Answer {
    // Nothing in the object may end the script element.
    let config = Value::Object(config.clone())
        .to_string()
        .replace('<', "\\u003c");
    let text = format!(
        "<!DOCTYPE html>\n<html><head><title>Sign in (emulator)</title></head><body>\n\
         <h1>This is an emulator, not Microsoft</h1>\n\
         <script type=\"text/javascript\">//<![CDATA[\n$Config={config};\n//]]></script>\n</body></html>\n"
    );
    Answer::html(200, text)
}
