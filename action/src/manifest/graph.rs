//! The calls to Microsoft Graph.

use super::{Call, Effect, Held, Naming, Place, RESOURCE_UNITS, Shape, Subject, TOKEN, WRITES};
use crate::graph::Find;
use crate::settings;

const NAME_FIELDS: &[&str] = &["id", "username"];
const REQUEST_HEADERS: &[&str] = &["client-request-id", "x-ms-throttle-priority"];
const ANSWER_HEADERS: &[&str] = &[
    "request-id",
    "retry-after",
    "www-authenticate",
    super::USED_HEADER,
];
const BEARER: &[(Held, Place)] = &[(Held::Sealed(TOKEN), Place::Bearer)];

/// The calls that a batch may hold.
const PARTS: &[&str] = &[
    "look-up",
    "find",
    "find-by-mail",
    "find-by-address",
    "find-by-proxy-address",
    "find-by-immutable-id",
    "reach",
    "revoke",
];

/// The call that lists users, for the component that does nothing else.
pub(super) fn listing() -> Call {
    Call {
        id: "list",
        method: "GET",
        url: "{graph}/v1.0/users/delta",
        query: &["$select", "$skiptoken", "$deltatoken"],
        request_headers: REQUEST_HEADERS,
        answer_headers: ANSWER_HEADERS,
        purpose: "read the users, and what changed about them",
        shape: Shape::Single {
            effect: Effect::Reads,
            subject: None,
        },
        repeatable: true,
        carries: BEARER,
        seals: &[],
        // "Pattern: user delta": two units at the least.
        costs: &[(RESOURCE_UNITS, 2)],
        cookie_jar: None,
    }
}

/// The calls: each alone, and the batch that holds them.
pub(super) fn calls() -> Vec<Call> {
    let look_up = Call {
        id: "look-up",
        method: "GET",
        url: "{graph}/v1.0/users/*",
        query: &["$select"],
        request_headers: REQUEST_HEADERS,
        answer_headers: ANSWER_HEADERS,
        purpose: "find the user's object id, see whether it is a guest, and read the cut-off time",
        shape: Shape::Single {
            effect: Effect::Reads,
            subject: Some(Subject {
                named_in: Naming::Segment,
                fields: NAME_FIELDS,
                learns: &[("id", "userPrincipalName"), ("userPrincipalName", "id")],
            }),
        },
        repeatable: true,
        carries: BEARER,
        seals: &[],
        // "GET users/{id}": one unit, and never less.
        costs: &[(RESOURCE_UNITS, 1)],
        cookie_jar: None,
    };
    let finds = Find::ALL.map(|find| Call {
        id: find.call,
        url: "{graph}/v1.0/users",
        query: &["$filter", "$select", "$top"],
        purpose: find.purpose,
        shape: Shape::Single {
            effect: Effect::Reads,
            subject: Some(Subject {
                named_in: Naming::Filter(find.form),
                fields: find.fields,
                learns: find.learns,
            }),
        },
        ..look_up.clone()
    });
    let reach = Call {
        id: "reach",
        url: "{graph}/v1.0/users/*/appRoleAssignments",
        purpose: "list the applications that the user reaches, where the connection is a single sign-on",
        shape: Shape::Single {
            effect: Effect::Reads,
            subject: Some(Subject {
                named_in: Naming::Segment,
                fields: NAME_FIELDS,
                learns: &[],
            }),
        },
        ..look_up.clone()
    };
    let revoke = Call {
        id: "revoke",
        method: "POST",
        url: "{graph}/v1.0/users/*/revokeSignInSessions",
        query: &[],
        purpose: "revoke the user's sessions",
        shape: Shape::Single {
            effect: Effect::Changes,
            subject: Some(Subject {
                named_in: Naming::Segment,
                fields: NAME_FIELDS,
                learns: &[],
            }),
        },
        costs: &[(WRITES, 1), (RESOURCE_UNITS, 1)],
        ..look_up.clone()
    };
    let batch = Call {
        id: "batch",
        url: "{graph}/v1.0/$batch",
        purpose: "look up or revoke up to 20 users in one request",
        shape: Shape::Batch {
            base: "{graph}/v1.0",
            max_parts: settings::MAX_BATCH_SIZE,
            calls: PARTS,
        },
        costs: &[],
        ..revoke.clone()
    };
    [look_up]
        .into_iter()
        .chain(finds)
        .chain([reach, revoke, batch])
        .collect()
}
