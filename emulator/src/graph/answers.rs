//! The bodies and headers of Graph's answers, as recorded (February and September 2026) where they were.

use std::borrow::Cow;

use uuid::Uuid;

use super::caller::Unauthorized;
use crate::clock::Moment;
use crate::exchange::{Answer, Asked};
use crate::faults::RetryAfter;
use crate::tenant::Cloud;
use crate::throttle::Admission;
use crate::token::challenge;
use crate::token::mint::GRAPH_APP_ID;
use crate::wire;

/// The content type of answers with data.
pub(crate) const ODATA_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// The same without `@odata` members, for `Accept: application/json;odata.metadata=none` (not recorded).
const ODATA_JSON_BARE: &str = "application/json;odata.metadata=none;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// What the bodies of errors repeat.
#[derive(Clone)]
pub(crate) struct Stamp {
    pub(crate) now: Moment,
    pub(crate) request_id: Uuid,
    pub(crate) client_request_id: String,
}

impl Stamp {
    pub(crate) fn of(asked: &Asked) -> Self {
        Self {
            now: asked.now,
            request_id: asked.request_id,
            client_request_id: asked.client_request_id(),
        }
    }
}

/// The error envelope of the identity workload.
pub(crate) fn error(status: u16, code: &str, message: &str, stamp: &Stamp) -> Answer {
    let mut body = Vec::with_capacity(320);
    body.extend_from_slice(b"{\"error\":{\"code\":");
    wire::push_json_string(&mut body, code);
    body.extend_from_slice(b",\"message\":");
    wire::push_json_string(&mut body, message);
    body.extend_from_slice(b",\"innerError\":{\"date\":");
    wire::push_json_string(&mut body, &stamp.now.inner_error());
    body.extend_from_slice(b",\"request-id\":");
    wire::push_json_string(&mut body, &stamp.request_id.to_string());
    body.extend_from_slice(b",\"client-request-id\":");
    wire::push_json_string(&mut body, &stamp.client_request_id);
    body.extend_from_slice(b"}}}");
    Answer::new(status)
        .header("Content-Type", "application/json")
        .body(body)
}

/// 200 with data.
pub(crate) fn data(body: Vec<u8>, resource_units: u32, bare: bool) -> Answer {
    Answer::new(200)
        .header("Cache-Control", "no-cache")
        .header(
            "x-ms-resource-unit",
            if resource_units == 1 {
                "1".into()
            } else {
                Cow::from(resource_units.to_string())
            },
        )
        .header("OData-Version", "4.0")
        .header(
            "Content-Type",
            if bare { ODATA_JSON_BARE } else { ODATA_JSON },
        )
        .body(body)
}

/// The answer of a revoke that was accepted.
pub(crate) fn boolean(cloud: Cloud, version: &str, value: bool, bare: bool) -> Answer {
    let mut body = Vec::with_capacity(96);
    body.push(b'{');
    if !bare {
        body.extend_from_slice(b"\"@odata.context\":\"");
        body.extend_from_slice(cloud.graph_origin().as_bytes());
        body.push(b'/');
        body.extend_from_slice(version.as_bytes());
        body.extend_from_slice(b"/$metadata#Edm.Boolean\",");
    }
    body.extend_from_slice(if value {
        b"\"value\":true}"
    } else {
        b"\"value\":false}"
    });
    data(body, 1, bare)
}

/// 404 for a user or an object.
pub(crate) fn not_found(what: &str, stamp: &Stamp) -> Answer {
    charged(error(
        404,
        "Request_ResourceNotFound",
        &format!(
            "Resource '{what}' does not exist or one of its queried reference-property objects are not present."
        ),
        stamp,
    ))
}

/// 403 for a missing permission.
pub(crate) fn denied(stamp: &Stamp) -> Answer {
    charged(error(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
        stamp,
    ))
}

/// 403 and 404 cost quota too (recorded).
fn charged(answer: Answer) -> Answer {
    let mut answer = answer;
    answer
        .headers
        .insert(0, ("Cache-Control", "no-cache".into()));
    answer.headers.push(("x-ms-resource-unit", "1".into()));
    answer
}

/// 400 with the code that the gateway uses.
pub(crate) fn bad_request(message: &str, stamp: &Stamp) -> Answer {
    error(400, "BadRequest", message, stamp)
}

/// 401.
pub(crate) fn unauthorized(why: &Unauthorized, cloud: Cloud, stamp: &Stamp) -> Answer {
    let mut challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"https://{}/common/oauth2/authorize\", client_id=\"{GRAPH_APP_ID}\"",
        cloud.login_host()
    );
    if let Unauthorized::Challenged(since) = why {
        challenge.push_str(&format!(
            ", errorDescription=\"{}\", error=\"insufficient_claims\", claims=\"{}\"",
            why.message(),
            challenge::claims_since(*since)
        ));
    }
    let mut answer = error(401, "InvalidAuthenticationToken", why.message(), stamp);
    answer.headers.push(("www-authenticate", challenge.into()));
    answer
}

/// 429 from a bucket. `None` where the request passes.
pub(crate) fn throttled(admission: &Admission, stamp: &Stamp) -> Option<Answer> {
    let Admission::Refused {
        retry_after_s,
        used,
        scope,
        information,
    } = admission
    else {
        return None;
    };
    let mut answer = too_many(stamp);
    answer
        .headers
        .push(("Retry-After", retry_after_s.to_string().into()));
    answer.headers.push((
        "x-ms-throttle-limit-percentage",
        format!("{:.2}", used.min(1.8)).into(),
    ));
    answer
        .headers
        .push(("x-ms-throttle-scope", scope.clone().into()));
    answer
        .headers
        .push(("x-ms-throttle-information", (*information).into()));
    Some(answer)
}

/// The body of 429 as the documentation shows it ("Microsoft Graph throttling guidance").
fn too_many(stamp: &Stamp) -> Answer {
    let body = format!(
        "{{\"error\":{{\"code\":\"TooManyRequests\",\"innerError\":{{\"code\":\"429\",\"date\":\"{}\",\"message\":\"Please retry after\",\"request-id\":\"{}\",\"status\":\"429\"}},\"message\":\"Please retry again later.\"}}}}",
        stamp.now.inner_error(),
        stamp.request_id
    );
    Answer::new(429)
        .header("Content-Type", "application/json")
        .body(body)
}

/// The usual answer of a status, for injected ones.
pub(crate) fn of_status(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    retry_after: Option<&RetryAfter>,
    cloud: Cloud,
    stamp: &Stamp,
) -> Answer {
    let (usual_code, usual_message) = match status {
        400 => ("BadRequest", "The request is malformed or incorrect."),
        401 => (
            "InvalidAuthenticationToken",
            "Access token has expired or is not yet valid.",
        ),
        403 => (
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        ),
        404 => (
            "Request_ResourceNotFound",
            "Resource does not exist or one of its queried reference-property objects are not present.",
        ),
        409 => (
            "Directory_ConcurrencyViolation",
            "Cannot update the resource due to a concurrent update.",
        ),
        410 => (
            "SyncStateNotFound",
            "The sync state generation is not found.",
        ),
        502 => ("BadGateway", "Failed to execute backend request."),
        503 => (
            "serviceNotAvailable",
            "The service is temporarily unavailable.",
        ),
        507 => (
            "InsufficientStorage",
            "The maximum storage quota has been reached.",
        ),
        509 => ("BandwidthLimitExceeded", "The bandwidth cap was exceeded."),
        // Often with an empty message, as reported for 500 and 504.
        _ => ("UnknownError", ""),
    };
    let mut answer = if status == 429 && code.is_none() && message.is_none() {
        too_many(stamp)
    } else if (300..400).contains(&status) {
        Answer::new(status)
    } else {
        error(
            status,
            code.unwrap_or(usual_code),
            message.unwrap_or(usual_message),
            stamp,
        )
    };
    if status == 401 {
        answer.headers.extend(
            unauthorized(&Unauthorized::Expired, cloud, stamp)
                .headers
                .into_iter()
                .filter(|(name, _)| *name == "www-authenticate"),
        );
    }
    if let Some(retry_after) = retry_after {
        let text = retry_after.text(stamp.now);
        answer.headers.push(("Retry-After", text.into()));
    }
    answer
}

/// The headers that every whole answer of Graph has besides.
pub(crate) fn with_headers(mut answer: Answer, stamp: &Stamp) -> Answer {
    answer
        .headers
        .push(("strict-transport-security", "max-age=31536000".into()));
    answer
        .headers
        .push(("request-id", stamp.request_id.to_string().into()));
    answer
        .headers
        .push(("client-request-id", stamp.client_request_id.clone().into()));
    answer.headers.push((
        "x-ms-ags-diagnostic",
        "{\"ServerInfo\":{\"DataCenter\":\"Loopback\",\"Slice\":\"E\",\"Ring\":\"0\",\"ScaleUnit\":\"000\",\"RoleInstance\":\"EMULATOR\"}}".into(),
    ));
    answer
}
