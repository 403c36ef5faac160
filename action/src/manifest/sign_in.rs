//! The calls that sign in.

use super::{Call, Effect, Found, Held, Place, REQUEST_HEADERS, Shape, TOKEN};
use crate::canary::REFRESH_TOKEN;

/// The calls, some of which a connection may have no use for.
pub(super) fn calls() -> Vec<Call> {
    let sign_in = Call {
        id: "sign-in",
        method: "POST",
        url: "{login}/{field:tenant_id}/oauth2/v2.0/token",
        query: &[],
        request_headers: REQUEST_HEADERS,
        answer_headers: &["retry-after", "x-ms-request-id"],
        purpose: "obtain a token for Microsoft Graph with the application's secret",
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
            // The test account's, to see whether it still works.
            (
                Held::Secret(REFRESH_TOKEN),
                Place::FormField("refresh_token"),
            ),
        ],
        seals: &[
            (TOKEN, Found::JsonMember("access_token")),
            ("refresh-token", Found::JsonMember("refresh_token")),
            ("id-token", Found::JsonMember("id_token")),
        ],
        costs: &[],
        cookie_jar: None,
    };
    let by_domain = Call {
        id: "sign-in-by-domain",
        url: "{login}/{field:account_sub_domain}.onmicrosoft.com/oauth2/v2.0/token",
        purpose: "the same, where the connection names its tenant by sub domain",
        ..sign_in.clone()
    };
    vec![sign_in, by_domain]
}
