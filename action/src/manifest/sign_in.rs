//! The calls that sign in: as the application, as a user, and through the pages that ask a user for a one-time code.

use super::{Call, Effect, Found, Held, Place, REQUEST_HEADERS, Shape, TOKEN};
use crate::canary::REFRESH_TOKEN;

/// The token endpoint, where the connection names its tenant by id.
pub(crate) const SIGN_IN: &str = "sign-in";
/// The token endpoint, where it names its tenant by sub domain.
pub(crate) const SIGN_IN_BY_DOMAIN: &str = "sign-in-by-domain";
/// The page's request that hands in the one-time code.
pub(crate) const END_CODE: &str = "page-end-code";

/// The variable that the pages assign everything to.
const PAGE: &str = "$Config";
/// The cookies of the pages.
const JAR: &str = "sign-in-pages";

const FLOW_TOKEN: &str = "flow-token";
const FLOW_CONTEXT: &str = "flow-context";
const CANARY: &str = "canary";
const API_CANARY: &str = "api-canary";
const CODE: &str = "authorization-code";

const ANSWER_HEADERS: &[&str] = &["retry-after", "x-ms-request-id"];

const TOKENS: &[(&str, Found)] = &[
    (TOKEN, Found::JsonMember("access_token")),
    // The action has no use for either, but they come where a refresh token is tried.
    ("refresh-token", Found::JsonMember("refresh_token")),
    ("id-token", Found::JsonMember("id_token")),
];

/// What every page holds, and where the last one leads.
const PAGE_SEALS: &[(&str, Found)] = &[
    (FLOW_TOKEN, Found::ScriptVariable(PAGE, "sFT")),
    (FLOW_CONTEXT, Found::ScriptVariable(PAGE, "sCtx")),
    (CANARY, Found::ScriptVariable(PAGE, "canary")),
    (API_CANARY, Found::ScriptVariable(PAGE, "apiCanary")),
    (CODE, Found::LocationQuery("code")),
];

/// What the pages' own requests are answered with.
const STEP_SEALS: &[(&str, Found)] = &[
    (FLOW_TOKEN, Found::JsonMember("FlowToken")),
    (FLOW_CONTEXT, Found::JsonMember("Ctx")),
    (API_CANARY, Found::JsonMember("apiCanary")),
];

/// The calls, some of which a connection may have no use for.
pub(super) fn calls() -> Vec<Call> {
    token_calls()
        .into_iter()
        .chain(page_calls())
        .chain(tenant_calls())
        .collect()
}

fn token_calls() -> [Call; 2] {
    let sign_in = Call {
        id: SIGN_IN,
        method: "POST",
        url: "{login}/{field:tenant_id}/oauth2/v2.0/token",
        query: &[],
        request_headers: REQUEST_HEADERS,
        answer_headers: ANSWER_HEADERS,
        purpose: "obtain a token for Microsoft Graph, as the application or as the connection's user",
        shape: Shape::Single {
            effect: Effect::SignsIn,
            subject: None,
        },
        repeatable: true,
        carries: &[
            (
                Held::Secret("client_secret"),
                Place::FormField("client_secret"),
            ),
            (Held::Assertion, Place::FormField("client_assertion")),
            (Held::Secret("password"), Place::FormField("password")),
            (Held::Sealed(CODE), Place::FormField("code")),
            // The test account's, to see whether it still works.
            (
                Held::Secret(REFRESH_TOKEN),
                Place::FormField("refresh_token"),
            ),
        ],
        seals: TOKENS,
        costs: &[],
        cookie_jar: None,
    };
    let by_domain = Call {
        id: SIGN_IN_BY_DOMAIN,
        url: "{login}/{field:account_sub_domain}.onmicrosoft.com/oauth2/v2.0/token",
        purpose: "the same, where the connection names its tenant by sub domain",
        ..sign_in.clone()
    };
    [sign_in, by_domain]
}

/// There is no documentation of the pages; what they hold and want is what programs that walk through them expect.
fn page_calls() -> [Call; 8] {
    let page = Call {
        id: "page-start",
        method: "GET",
        url: "{login}/{field:tenant_id}/oauth2/v2.0/authorize",
        query: &[
            "client_id",
            "response_type",
            "redirect_uri",
            "response_mode",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "claims",
        ],
        request_headers: REQUEST_HEADERS,
        answer_headers: ANSWER_HEADERS,
        purpose: "open the sign-in pages, for a user with a one-time code",
        shape: Shape::Single {
            effect: Effect::SignsIn,
            subject: None,
        },
        repeatable: true,
        carries: &[],
        seals: PAGE_SEALS,
        costs: &[],
        cookie_jar: Some(JAR),
    };
    let by_domain = Call {
        id: "page-start-by-domain",
        url: "{login}/{field:account_sub_domain}.onmicrosoft.com/oauth2/v2.0/authorize",
        purpose: "the same, where the connection names its tenant by sub domain",
        ..page.clone()
    };
    let step = Call {
        method: "POST",
        query: &[],
        seals: STEP_SEALS,
        ..page.clone()
    };
    let user = Call {
        id: "page-user",
        url: "{login}/*/GetCredentialType",
        request_headers: &["client-request-id", "hpgact", "hpgid", "hpgrequestid"],
        purpose: "ask the pages how the user signs in",
        carries: &[
            (
                Held::Sealed(FLOW_CONTEXT),
                Place::JsonMember("/originalRequest"),
            ),
            (Held::Sealed(FLOW_TOKEN), Place::JsonMember("/flowToken")),
            (Held::Sealed(API_CANARY), Place::Header("canary")),
        ],
        ..step.clone()
    };
    let password = Call {
        id: "page-password",
        url: "{login}/*/login",
        purpose: "give the pages the user's password",
        carries: &[
            (Held::Secret("password"), Place::FormField("passwd")),
            (Held::Sealed(FLOW_CONTEXT), Place::FormField("ctx")),
            (Held::Sealed(FLOW_TOKEN), Place::FormField("flowToken")),
            (Held::Sealed(CANARY), Place::FormField("canary")),
        ],
        seals: PAGE_SEALS,
        ..step.clone()
    };
    let begin = Call {
        id: "page-begin-code",
        url: "{login}/*/SAS/BeginAuth",
        purpose: "tell the pages that a one-time code comes",
        carries: &[
            (Held::Sealed(FLOW_CONTEXT), Place::JsonMember("/Ctx")),
            (Held::Sealed(FLOW_TOKEN), Place::JsonMember("/FlowToken")),
        ],
        ..step.clone()
    };
    let end = Call {
        id: END_CODE,
        url: "{login}/*/SAS/EndAuth",
        purpose: "give the pages the user's one-time code",
        repeatable: false,
        carries: &[
            (Held::Sealed(FLOW_CONTEXT), Place::JsonMember("/Ctx")),
            (Held::Sealed(FLOW_TOKEN), Place::JsonMember("/FlowToken")),
            (
                Held::OneTimeCode("otp_secret"),
                Place::JsonMember("/AdditionalAuthData"),
            ),
        ],
        ..step.clone()
    };
    let process = Call {
        id: "page-process-code",
        url: "{login}/*/SAS/ProcessAuth",
        purpose: "go on after the one-time code",
        carries: &[
            (Held::Sealed(FLOW_CONTEXT), Place::FormField("request")),
            (Held::Sealed(FLOW_TOKEN), Place::FormField("flowToken")),
            (Held::Sealed(CANARY), Place::FormField("canary")),
        ],
        seals: PAGE_SEALS,
        ..step.clone()
    };
    let stay = Call {
        id: "page-stay",
        url: "{login}/kmsi",
        purpose: "answer the pages' last question, whether to stay signed in",
        carries: &[
            (Held::Sealed(FLOW_CONTEXT), Place::FormField("ctx")),
            (Held::Sealed(FLOW_TOKEN), Place::FormField("flowToken")),
            (Held::Sealed(CANARY), Place::FormField("canary")),
        ],
        seals: PAGE_SEALS,
        ..step
    };
    [page, by_domain, user, password, begin, end, process, stay]
}

/// "OpenID Connect on the Microsoft identity platform": what a tenant publishes names it by its id.
fn tenant_calls() -> [Call; 2] {
    let by_id = Call {
        id: "tenant",
        method: "GET",
        url: "{login}/{field:tenant_id}/v2.0/.well-known/openid-configuration",
        query: &[],
        request_headers: REQUEST_HEADERS,
        answer_headers: ANSWER_HEADERS,
        purpose: "see which tenant the connection's tenant id names",
        shape: Shape::Single {
            effect: Effect::Reads,
            subject: None,
        },
        repeatable: true,
        carries: &[],
        seals: &[],
        costs: &[],
        cookie_jar: None,
    };
    let by_domain = Call {
        id: "tenant-by-domain",
        url: "{login}/{field:account_sub_domain}.onmicrosoft.com/v2.0/.well-known/openid-configuration",
        purpose: "see which tenant the connection's sub domain names",
        ..by_id.clone()
    };
    [by_id, by_domain]
}
