//! What the action says of itself before it may do anything.
//!
//! The types mirror the contract's `manifest.wit`, which documents every field; they are plain, so that tests and
//! native programs can read the manifest without the contract's bindings.

mod connection;
mod graph;
mod sign_in;

use crate::codes::Code;
use crate::settings;
pub(crate) use sign_in::{END_CODE, SIGN_IN, SIGN_IN_BY_DOMAIN};
use std::time::Duration;

/// The name of the endpoint that tokens come from.
pub(crate) const LOGIN: &str = "login";
/// The name of the endpoint of Microsoft Graph.
pub(crate) const GRAPH: &str = "graph";
/// The lane of changes.
pub(crate) const WRITES: &str = "writes";
/// The lane of everything that Graph counts.
pub(crate) const RESOURCE_UNITS: &str = "resource-units";

/// The properties that a look-up asks for.
pub(crate) const SELECT: &str =
    "id,userPrincipalName,userType,accountEnabled,externalUserState,onPremisesSyncEnabled";

/// The least that a look-up asks for, which User.ReadBasic.All allows.
pub(crate) const SELECT_BASIC: &str = "id,userPrincipalName";

/// The property from when on sessions count; it comes only when it is asked for, and needs User.Read.All.
pub(crate) const CUT_OFF: &str = "signInSessionsValidFromDateTime";

/// What the action is and needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub struct Manifest {
    pub name: &'static str,
    pub title: &'static str,
    pub summary: &'static str,
    pub version: &'static str,
    pub adapter: &'static str,
    pub asset_kinds: &'static [&'static str],
    pub asset_fields: &'static [AssetField],
    pub settings_schema: &'static str,
    pub connection_schema: &'static str,
    pub endpoints: &'static [Endpoint],
    pub calls: Vec<Call>,
    pub lanes: &'static [Lane],
    pub outcome_codes: Vec<(&'static str, &'static str)>,
}

/// A field of an identity; none is required, for an asset without one gets an outcome that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub struct AssetField {
    pub path: &'static str,
    pub purpose: &'static str,
}

/// A service and its addresses, by cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub struct Endpoint {
    pub name: &'static str,
    pub addresses: &'static [(&'static str, &'static str)],
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub struct Call {
    pub id: &'static str,
    pub method: &'static str,
    pub url: &'static str,
    pub query: &'static [&'static str],
    pub request_headers: &'static [&'static str],
    pub answer_headers: &'static [&'static str],
    pub purpose: &'static str,
    pub shape: Shape,
    pub repeatable: bool,
    pub carries: &'static [(Held, Place)],
    /// Names of what is sealed, and where in the answer it is.
    pub seals: &'static [(&'static str, Found)],
    pub costs: &'static [(&'static str, u32)],
    pub cookie_jar: Option<&'static str>,
}

/// One request, or several in an OData JSON batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub enum Shape {
    Single {
        effect: Effect,
        subject: Option<Subject>,
    },
    Batch {
        base: &'static str,
        max_parts: u32,
        calls: &'static [&'static str],
    },
}

/// What a call does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the cases")]
pub enum Effect {
    SignsIn,
    Reads,
    Changes,
}

/// The asset that a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub struct Subject {
    pub named_in: Naming,
    pub fields: &'static [&'static str],
    /// Members that hold a further name, and the members that echo the name that was asked for.
    pub learns: &'static [(&'static str, &'static str)],
}

/// Where a request names its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the cases")]
pub enum Naming {
    Segment,
    Filter(&'static str),
}

/// Something secret that leaves in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the cases")]
pub enum Held {
    Secret(&'static str),
    Sealed(&'static str),
    Assertion,
    OneTimeCode(&'static str),
}

/// Where it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the cases")]
pub enum Place {
    Bearer,
    Header(&'static str),
    FormField(&'static str),
    /// A JSON Pointer.
    JsonMember(&'static str),
}

/// Where in an answer a value to seal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the cases")]
pub enum Found {
    JsonMember(&'static str),
    LocationQuery(&'static str),
    /// The variable, and the member of its object.
    ScriptVariable(&'static str, &'static str),
}

/// A quota that the service publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub struct Lane {
    pub id: &'static str,
    pub units: u32,
    pub window: Duration,
    pub used_header: &'static str,
}

/// The request headers that every call may set.
const REQUEST_HEADERS: &[&str] = &["client-request-id"];
/// Where Microsoft Graph tells how much of a quota is used: a share, whatever it is called.
const USED_HEADER: &str = "x-ms-throttle-limit-percentage";
/// What the token for Graph is called.
const TOKEN: &str = "access-token";

/// The manifest. The same each time.
#[must_use]
pub fn manifest() -> Manifest {
    Manifest {
        name: "revoke-user-sessions",
        title: "Microsoft Entra ID - Revoke Users Session",
        summary: "Signs users out of Microsoft Entra ID: their refresh tokens and browser sessions become void, so \
                  that every application has to ask them to sign in again.",
        version: env!("CARGO_PKG_VERSION"),
        adapter: "azure_ad_adapter",
        asset_kinds: &["user"],
        asset_fields: &[
            AssetField {
                path: "id",
                purpose: "the object id, by which the user is looked up and revoked",
            },
            AssetField {
                path: "username",
                purpose: "the user principal name, where there is no object id",
            },
            AssetField {
                path: "on_premises_immutable_id",
                purpose: "to find the user where there is neither",
            },
            AssetField {
                path: "mail",
                purpose: "to find the user where there is none of these",
            },
            AssetField {
                path: "proxy_addresses",
                purpose: "to find the user where there is nothing else",
            },
            AssetField {
                path: "user_type",
                purpose: "to tell guests where the application may not look users up",
            },
        ],
        settings_schema: settings::SCHEMA,
        connection_schema: connection::SCHEMA,
        endpoints: ENDPOINTS,
        calls: sign_in::calls().into_iter().chain(graph::calls()).collect(),
        lanes: LANES,
        outcome_codes: Code::ALL
            .iter()
            .map(|code| (code.as_str(), code.meaning()))
            .collect(),
    }
}

/// The calls of the component that lists users.
pub(crate) fn listing_calls() -> Vec<Call> {
    sign_in::calls()
        .into_iter()
        .chain([graph::listing()])
        .collect()
}

/// "Microsoft Graph service-specific throttling limits", identity and access: an application in one tenant may make
/// 3,000 writes in two and a half minutes and use 8,000 resource units in ten seconds (large tenant). Above four fifths
/// of the fullest of all quotas, answers tell how much of it is used.
const LANES: &[Lane] = &[
    Lane {
        id: WRITES,
        units: 3_000,
        window: Duration::from_secs(150),
        used_header: USED_HEADER,
    },
    Lane {
        id: RESOURCE_UNITS,
        units: 8_000,
        window: Duration::from_secs(10),
        used_header: USED_HEADER,
    },
];

/// "National cloud deployments" and "Microsoft Entra authentication and national clouds".
const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: LOGIN,
        addresses: &[
            ("global", "https://login.microsoftonline.com"),
            ("us-gov", "https://login.microsoftonline.us"),
            ("us-gov-dod", "https://login.microsoftonline.us"),
            ("china", "https://login.partner.microsoftonline.cn"),
        ],
    },
    Endpoint {
        name: GRAPH,
        addresses: &[
            ("global", "https://graph.microsoft.com"),
            ("us-gov", "https://graph.microsoft.us"),
            ("us-gov-dod", "https://dod-graph.microsoft.us"),
            ("china", "https://microsoftgraph.chinacloudapi.cn"),
        ],
    },
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use serde_json::Value;
    use std::collections::HashSet;

    #[test]
    fn what_calls_refer_to_is_declared() {
        let manifest = manifest();
        let ids: HashSet<&str> = manifest.calls.iter().map(|call| call.id).collect();
        let lanes: HashSet<&str> = manifest.lanes.iter().map(|lane| lane.id).collect();
        let sealed: HashSet<&str> = manifest
            .calls
            .iter()
            .flat_map(|call| call.seals)
            .map(|(name, _)| *name)
            .collect();
        let fields: HashSet<&str> = manifest
            .asset_fields
            .iter()
            .map(|field| field.path)
            .collect();
        let connection: Value = serde_json::from_str(manifest.connection_schema).unwrap();
        assert_eq!(ids.len(), manifest.calls.len());
        for call in &manifest.calls {
            assert!(
                manifest
                    .endpoints
                    .iter()
                    .any(|e| call.url.starts_with(&format!("{{{}}}/", e.name))),
                "{}",
                call.id
            );
            assert!(
                call.costs.iter().all(|(lane, _)| lanes.contains(lane)),
                "{}",
                call.id
            );
            for (held, _) in call.carries {
                match held {
                    Held::Secret(field) | Held::OneTimeCode(field) => {
                        assert_eq!(connection["properties"][field]["writeOnly"], true)
                    }
                    Held::Sealed(name) => assert!(sealed.contains(name), "{name}"),
                    Held::Assertion => {}
                }
            }
            match call.shape {
                Shape::Batch { calls, .. } => assert!(calls.iter().all(|id| ids.contains(id))),
                Shape::Single {
                    subject: Some(subject),
                    ..
                } => {
                    assert!(subject.fields.iter().all(|field| fields.contains(field)));
                }
                Shape::Single {
                    subject: None,
                    effect,
                } => assert_ne!(effect, Effect::Changes),
            }
        }
    }

    #[test]
    fn a2_every_cloud_has_both_hosts() {
        let clouds = |at: usize| {
            ENDPOINTS[at]
                .addresses
                .iter()
                .map(|(cloud, _)| *cloud)
                .collect::<Vec<_>>()
        };
        assert_eq!(clouds(0), clouds(1));
        assert_eq!(clouds(0), ["global", "us-gov", "us-gov-dod", "china"]);
    }

    #[test]
    fn secrets_are_write_only() {
        let schema: Value = serde_json::from_str(connection::SCHEMA).unwrap();
        for (name, field) in schema["properties"].as_object().unwrap() {
            let secret = matches!(
                name.as_str(),
                "client_secret"
                    | "certificate"
                    | "federated_token"
                    | "password"
                    | "otp_secret"
                    | "canary_refresh_token"
            );
            assert_eq!(field["writeOnly"] == true, secret, "{name}");
        }
    }
}
