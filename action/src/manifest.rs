//! What the action says of itself before it may do anything.
//!
//! The types mirror the contract's `manifest.wit`, which documents every field; they are plain, so that tests and
//! native programs can read the manifest without the contract's bindings.

use crate::codes::Code;
use crate::settings;
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
    /// Names of what is sealed, and the members of the answer's JSON object that hold it.
    pub seals: &'static [(&'static str, &'static str)],
    pub costs: &'static [(&'static str, u32)],
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
}

/// Where it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the cases")]
pub enum Place {
    Bearer,
    FormField(&'static str),
}

/// A quota that the service publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents the fields")]
pub struct Lane {
    pub id: &'static str,
    pub units: u32,
    pub window: Duration,
}

const NAME_FIELDS: &[&str] = &["id", "username"];
const REQUEST_HEADERS: &[&str] = &["client-request-id"];
const GRAPH_ANSWER_HEADERS: &[&str] = &[
    "request-id",
    "retry-after",
    "www-authenticate",
    "x-ms-throttle-limit-percentage",
];
const TOKEN: &str = "access-token";
const BEARER: &[(Held, Place)] = &[(Held::Sealed(TOKEN), Place::Bearer)];

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
                path: "mail",
                purpose: "to name a user in a message who has neither",
            },
            AssetField {
                path: "user_type",
                purpose: "to tell guests where the application may not look users up",
            },
        ],
        settings_schema: settings::SCHEMA,
        connection_schema: CONNECTION_SCHEMA,
        endpoints: ENDPOINTS,
        calls: calls(),
        lanes: LANES,
        outcome_codes: Code::ALL
            .iter()
            .map(|code| (code.as_str(), code.meaning()))
            .collect(),
    }
}

fn calls() -> Vec<Call> {
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
        carries: &[(
            Held::Secret("client_secret"),
            Place::FormField("client_secret"),
        )],
        seals: &[(TOKEN, "access_token")],
        costs: &[],
    };
    let look_up = Call {
        id: "look-up",
        method: "GET",
        url: "{graph}/v1.0/users/*",
        query: &["$select"],
        request_headers: REQUEST_HEADERS,
        answer_headers: GRAPH_ANSWER_HEADERS,
        purpose: "find the user's object id, and see whether it is a guest",
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
    };
    let find = Call {
        id: "find",
        url: "{graph}/v1.0/users",
        query: &["$filter", "$select", "$top"],
        purpose: "find a user whose principal name cannot stand in a path",
        shape: Shape::Single {
            effect: Effect::Reads,
            subject: Some(Subject {
                named_in: Naming::Filter("userPrincipalName eq '{name}'"),
                fields: NAME_FIELDS,
                learns: &[("id", "userPrincipalName")],
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
            calls: &["look-up", "find", "revoke"],
        },
        costs: &[],
        ..revoke.clone()
    };
    let by_domain = Call {
        id: "sign-in-by-domain",
        url: "{login}/{field:account_sub_domain}.onmicrosoft.com/oauth2/v2.0/token",
        purpose: "the same, where the connection names its tenant by sub domain",
        ..sign_in.clone()
    };
    vec![sign_in, by_domain, look_up, find, revoke, batch]
}

/// "Microsoft Graph service-specific throttling limits", identity and access: an application in one tenant may make
/// 3,000 writes in two and a half minutes and use 8,000 resource units in ten seconds (large tenant).
const LANES: &[Lane] = &[
    Lane {
        id: WRITES,
        units: 3_000,
        window: Duration::from_secs(150),
    },
    Lane {
        id: RESOURCE_UNITS,
        units: 8_000,
        window: Duration::from_secs(10),
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

/// The fields of a connection. Those below `account_sub_domain` are stored by the product's adapter for other uses;
/// they are accepted so that a stored connection fits as it is.
const CONNECTION_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["client_id", "client_secret"],
  "anyOf": [{"required": ["tenant_id"]}, {"required": ["account_sub_domain"]}],
  "properties": {
    "client_id": {
      "type": "string", "minLength": 1, "title": "Azure Client ID",
      "description": "The application (client) id of the app registration."
    },
    "client_secret": {
      "type": "string", "minLength": 1, "writeOnly": true, "title": "Azure Client Secret",
      "description": "The value of a client secret, not its id."
    },
    "tenant_id": {
      "type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9.-]+$", "title": "Azure Tenant ID",
      "description": "The directory (tenant) id, or a verified domain of the tenant."
    },
    "account_sub_domain": {
      "type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9-]+$", "title": "Account Sub Domain",
      "description": "contoso for contoso.onmicrosoft.com. Names the tenant where there is no tenant id."
    },
    "verify_ssl": {
      "type": "boolean", "default": true, "title": "Verify SSL",
      "description": "Check the certificates of the services. The host does this."
    },
    "username": {
      "type": "string", "title": "User Name",
      "description": "Not used by this action, which signs in as the application."
    },
    "password": {
      "type": "string", "writeOnly": true, "title": "Password",
      "description": "Not used by this action, which signs in as the application."
    },
    "otp_secret": {
      "type": "string", "writeOnly": true, "title": "2FA Secret Key",
      "description": "Not used by this action, which signs in as the application."
    },
    "sso_provider": {
      "type": "boolean", "default": false, "title": "SSO Provider",
      "description": "Entra ID is the organisation's single sign-on. Not used by this action."
    }
  }
}"#;

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
                    Held::Secret(field) => {
                        assert_eq!(connection["properties"][field]["writeOnly"], true)
                    }
                    Held::Sealed(name) => assert!(sealed.contains(name), "{name}"),
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
        let schema: Value = serde_json::from_str(CONNECTION_SCHEMA).unwrap();
        for (name, field) in schema["properties"].as_object().unwrap() {
            let secret = matches!(name.as_str(), "client_secret" | "password" | "otp_secret");
            assert_eq!(field["writeOnly"] == true, secret, "{name}");
        }
    }
}
