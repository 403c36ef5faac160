//! The refusals of the sign-in service, worded as it words them.
//!
//! Four are recorded from the live service (13 August 2026): 7000215, 500011, 70003 and 700038. The texts, statuses and
//! `error` members of the others are approximate, put together from "Microsoft Entra authentication and authorization
//! error codes" and from reports. Clients should branch on `error` and on the numbers, never on the text.

use uuid::Uuid;

use crate::clock::Moment;
use crate::exchange::Answer;
use crate::tenant::Cloud;
use crate::wire;

/// A refusal: its number, and its text where that depends on the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenError {
    pub(crate) code: u32,
    text: String,
    claims: Option<String>,
}

/// What is the same each time a number is answered.
struct Entry {
    code: u32,
    status: u16,
    error: &'static str,
    suberror: Option<&'static str>,
    text: &'static str,
}

const fn entry(code: u32, status: u16, error: &'static str, text: &'static str) -> Entry {
    Entry {
        code,
        status,
        error,
        suberror: None,
        text,
    }
}

const fn sub(code: u32, suberror: &'static str, text: &'static str) -> Entry {
    Entry {
        code,
        status: 400,
        error: "invalid_grant",
        suberror: Some(suberror),
        text,
    }
}

/// In ascending order. `{}` is replaced by what [`TokenError::about`] is given.
const TABLE: &[Entry] = &[
    entry(
        16000,
        400,
        "interaction_required",
        "Either multiple user identities are available for the current request or selected account is not supported for the scenario.",
    ),
    entry(
        50011,
        400,
        "invalid_request",
        "The redirect URI '{}' specified in the request does not match the redirect URIs configured for the application.",
    ),
    entry(
        50020,
        400,
        "invalid_grant",
        "User account '{}' from identity provider does not exist in tenant and cannot access the application in that tenant.",
    ),
    entry(
        50027,
        401,
        "invalid_client",
        "JWT token is invalid or malformed.",
    ),
    entry(
        50033,
        503,
        "temporarily_unavailable",
        "A transient error has occurred. Please try again.",
    ),
    entry(
        50034,
        400,
        "invalid_grant",
        "The user account {} does not exist in the directory. To sign into this application, the account must be added to the directory.",
    ),
    entry(
        50053,
        400,
        "invalid_grant",
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    ),
    sub(50055, "user_password_expired", "The password is expired."),
    entry(
        50056,
        400,
        "invalid_grant",
        "Invalid or null password: password does not exist in the directory for this user.",
    ),
    entry(50057, 400, "invalid_grant", "The user account is disabled."),
    entry(
        50058,
        400,
        "login_required",
        "A silent sign-in request was sent but no user is signed in.",
    ),
    sub(
        50072,
        "basic_action",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{}'.",
    ),
    sub(50074, "basic_action", "Strong Authentication is required."),
    sub(
        50076,
        "basic_action",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{}'.",
    ),
    sub(
        50079,
        "basic_action",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{}'.",
    ),
    entry(
        50126,
        400,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
    ),
    entry(
        50133,
        400,
        "invalid_grant",
        "Session is invalid due to expiration or recent password change.",
    ),
    sub(
        50158,
        "basic_action",
        "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.",
    ),
    sub(
        50173,
        "bad_token",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. {}",
    ),
    entry(
        50196,
        400,
        "invalid_grant",
        "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
    ),
    sub(
        53000,
        "message_only",
        "Device is not in required device state. Conditional Access policy requires a compliant device, and the device is not compliant.",
    ),
    sub(
        53001,
        "message_only",
        "Device is not in required device state. Conditional Access policy requires a domain joined device, and the device is not domain joined.",
    ),
    sub(
        53003,
        "message_only",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    sub(
        53004,
        "message_only",
        "User needs to complete multi-factor authentication registration process before accessing this content.",
    ),
    entry(
        54005,
        400,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    ),
    sub(
        65001,
        "consent_required",
        "The user or administrator has not consented to use the application with ID '{}'. Send an interactive authorization request for this user and resource.",
    ),
    entry(
        70000,
        400,
        "invalid_grant",
        "The provided value for the input parameter '{}' is not valid.",
    ),
    entry(
        70003,
        400,
        "unsupported_grant_type",
        "The app requested an unsupported grant type '{}'.",
    ),
    entry(
        70008,
        400,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    ),
    entry(
        70011,
        400,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {} is not valid.",
    ),
    entry(
        70021,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion.",
    ),
    sub(
        70043,
        "bad_token",
        "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access.",
    ),
    entry(
        90002,
        400,
        "invalid_request",
        "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
    ),
    entry(
        90006,
        503,
        "temporarily_unavailable",
        "External server retryable error. Please try again.",
    ),
    entry(
        90013,
        400,
        "invalid_request",
        "Invalid input received from the user.",
    ),
    entry(
        90024,
        503,
        "temporarily_unavailable",
        "A transient error has occurred. Please try again.",
    ),
    entry(
        90033,
        503,
        "temporarily_unavailable",
        "A transient error has occurred. Please try again.",
    ),
    entry(
        90038,
        400,
        "invalid_request",
        "Tenant '{}' request is being redirected to the National Cloud.",
    ),
    entry(
        90055,
        429,
        "temporarily_unavailable",
        "The tenant has been throttled because of too many requests.",
    ),
    entry(
        500011,
        400,
        "invalid_resource",
        "The resource principal named {} was not found in the tenant named {}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    entry(
        500121,
        400,
        "invalid_grant",
        "Authentication failed during strong authentication request.",
    ),
    entry(
        501481,
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    sub(
        530032,
        "message_only",
        "Blocked by security policy configured on the tenant.",
    ),
    sub(
        530035,
        "message_only",
        "Access has been blocked by security defaults.",
    ),
    entry(
        700016,
        400,
        "unauthorized_client",
        "Application with identifier '{}' was not found in the directory '{}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    entry(
        700021,
        401,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
    entry(
        700023,
        401,
        "invalid_client",
        "Client assertion audience claim does not match Realm issuer.",
    ),
    entry(
        700024,
        401,
        "invalid_client",
        "Client assertion is not within its valid time range. {}",
    ),
    entry(
        700025,
        401,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    entry(
        700027,
        401,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - {}]",
    ),
    entry(
        700030,
        401,
        "invalid_client",
        "Invalid certificate - subject name in certificate is not authorized.",
    ),
    entry(
        700038,
        400,
        "unauthorized_client",
        "{} is not a valid application identifier.",
    ),
    entry(
        700082,
        400,
        "invalid_grant",
        "The refresh token has expired due to inactivity.",
    ),
    entry(
        700211,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion issuer '{}'.",
    ),
    entry(
        700212,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion audience '{}'.",
    ),
    entry(
        700213,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion subject '{}'.",
    ),
    entry(
        900023,
        400,
        "invalid_request",
        "Specified tenant identifier '{}' is neither a valid DNS name, nor a valid external domain.",
    ),
    entry(
        900144,
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{}'.",
    ),
    entry(
        900382,
        400,
        "invalid_request",
        "Confidential Client is not supported in Cross Cloud request.",
    ),
    entry(
        900432,
        400,
        "invalid_request",
        "Confidential Client is not supported in Cross Cloud request.",
    ),
    entry(
        1002012,
        400,
        "invalid_scope",
        "The provided value for scope {} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
    ),
    entry(
        7000112,
        400,
        "unauthorized_client",
        "Application '{}' is disabled.",
    ),
    entry(
        7000215,
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{}'.",
    ),
    entry(
        7000216,
        401,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
    entry(
        7000218,
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    entry(
        7000222,
        401,
        "invalid_client",
        "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.",
    ),
    entry(
        7000229,
        401,
        "invalid_client",
        "The client application {} is missing service principal in the tenant {}.",
    ),
    entry(
        9001023,
        400,
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
    ),
    entry(
        9002313,
        400,
        "invalid_request",
        "Invalid request. Request is malformed or invalid.",
    ),
];

/// Numbers that the live service answers without `error_uri` (recorded).
const WITHOUT_URI: [u32; 2] = [70003, 700038];

impl TokenError {
    /// The refusal of this number, about nothing in particular.
    pub(crate) fn new(code: u32) -> Self {
        Self::about(code, &[])
    }

    /// The refusal of this number, about these things, in the order of its text.
    pub(crate) fn about(code: u32, things: &[&str]) -> Self {
        let mut text = entry_of(code).text.to_owned();
        for thing in things {
            text = text.replacen("{}", thing, 1);
        }
        let claims = (code == 53003).then(blocking_policies);
        Self {
            code,
            text: text.replace("{}", ""),
            claims,
        }
    }

    /// The answer (RFC 6749 section 5.2, with Entra's members).
    pub(crate) fn answer(&self, cloud: Cloud, correlation_id: Uuid, now: Moment) -> Answer {
        let entry = entry_of(self.code);
        let trace_id = Uuid::new_v4();
        let timestamp = now.token_error();
        let description = format!(
            "AADSTS{}: {} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}",
            self.code, self.text
        );
        let mut body = Vec::with_capacity(640);
        let mut member = |name: &str, value: &str| {
            body.push(if body.is_empty() { b'{' } else { b',' });
            wire::push_json_string(&mut body, name);
            body.push(b':');
            if name == "error_codes" {
                body.extend_from_slice(format!("[{value}]").as_bytes());
            } else {
                wire::push_json_string(&mut body, value);
            }
        };
        member("error", entry.error);
        member("error_description", &description);
        member("error_codes", &self.code.to_string());
        member("timestamp", &timestamp);
        member("trace_id", &trace_id.to_string());
        member("correlation_id", &correlation_id.to_string());
        if !WITHOUT_URI.contains(&self.code) {
            member(
                "error_uri",
                &format!("https://{}/error?code={}", cloud.login_host(), self.code),
            );
        }
        if let Some(suberror) = entry.suberror {
            member("suberror", suberror);
        }
        if let Some(claims) = &self.claims {
            member("claims", claims);
        }
        body.push(b'}');
        Answer::new(entry.status)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(body)
    }

    /// One line for a page.
    pub(crate) fn for_page(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }
}

fn entry_of(code: u32) -> &'static Entry {
    const UNKNOWN: &Entry = &entry(
        90013,
        400,
        "invalid_request",
        "Invalid input received from the user.",
    );
    TABLE
        .binary_search_by_key(&code, |entry| entry.code)
        .map_or(UNKNOWN, |at| &TABLE[at])
}

/// Whether the emulator knows a number.
pub(crate) fn is_known(code: u32) -> bool {
    TABLE
        .binary_search_by_key(&code, |entry| entry.code)
        .is_ok()
}

/// The `claims` of a Conditional Access block, in which the text `access_token` turns up in an error.
fn blocking_policies() -> String {
    format!(
        r#"{{"access_token":{{"capolids":{{"essential":true,"values":["{}"]}}}}}}"#,
        Uuid::from_u128(0xca)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_number_is_there_once() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(is_known(7_000_215) && !is_known(1));
    }

    #[test]
    fn texts_have_no_holes() {
        for entry in TABLE {
            assert!(
                !TokenError::new(entry.code).text.contains("{}"),
                "{}",
                entry.code
            );
        }
    }

    #[test]
    fn a_policy_block_has_claims_as_a_string() {
        let answer = TokenError::new(53003).answer(Cloud::Global, Uuid::nil(), Moment::from_ms(0));
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        assert!(
            body["claims"]
                .as_str()
                .is_some_and(|claims| claims.contains("access_token"))
        );
        assert_eq!(body["suberror"], "message_only");
    }
}
