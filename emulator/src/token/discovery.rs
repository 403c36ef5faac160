//! What the sign-in service publishes about itself: addresses, keys, and whose a domain is.
//!
//! Sources: OpenID Connect Discovery 1.0 section 4, RFC 7517; for instance discovery and user realm what MSAL asks.

use serde_json::json;

use super::endpoint::{Version, check_tenant};
use super::errors::TokenError;
use super::keys;
use crate::exchange::{Answer, Asked};
use crate::tenant::Cloud;
use crate::world::World;

/// The `openid-configuration` of a tenant.
pub(crate) fn configuration(
    world: &World,
    asked: &Asked,
    tenant: &str,
    version: Version,
) -> Result<Answer, TokenError> {
    let shared = ["common", "organizations", "consumers"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(tenant));
    if !shared {
        check_tenant(world, asked.cloud, tenant)?;
    }
    let origin = asked.origin();
    let named = if shared {
        tenant.to_ascii_lowercase()
    } else {
        world.tenant.id.to_string()
    };
    let issued_by = if shared {
        "{tenantid}".to_owned()
    } else {
        named.clone()
    };
    let cloud = world.tenant.cloud;
    let (oauth, keys, issuer) = match version {
        Version::Two => (
            "oauth2/v2.0",
            "discovery/v2.0/keys",
            format!("{origin}/{issued_by}/v2.0"),
        ),
        Version::One => (
            "oauth2",
            "discovery/keys",
            format!("{}/{issued_by}/", cloud.issuer_origin()),
        ),
    };
    let document = json!({
        "token_endpoint": format!("{origin}/{named}/{oauth}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{origin}/{named}/{keys}"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{}/oidc/userinfo", cloud.graph_origin()),
        "authorization_endpoint": format!("{origin}/{named}/{oauth}/authorize"),
        "end_session_endpoint": format!("{origin}/{named}/{oauth}/logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": instance_name(cloud),
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": cloud.graph_host(),
        "rbac_url": "https://pas.windows.net",
    });
    Ok(Answer::json(200, document.to_string()))
}

/// The keys that tokens can be checked with (RFC 7517 section 5).
pub(crate) async fn jwks(asked: &Asked) -> Answer {
    match keys::signing_key_soon().await {
        Ok(key) => {
            let document = json!({"keys": [{
                "kty": "RSA",
                "use": "sig",
                "kid": key.id,
                "x5t": key.id,
                "n": key.modulus,
                "e": key.exponent,
                "x5c": [key.certificate],
                "cloud_instance_name": instance_name(asked.cloud),
                "issuer": format!("{}/{{tenantid}}/v2.0", asked.origin()),
            }]});
            Answer::json(200, document.to_string())
        }
        Err(error) => Answer::new(500).body(error.to_string()),
    }
}

/// `/common/discovery/instance`: which authorities are the same.
pub(crate) fn instance(world: &World, asked: &Asked) -> Answer {
    let metadata: Vec<_> = Cloud::ALL
        .iter()
        .filter(|cloud| **cloud != Cloud::UsGovDod)
        .map(|cloud| {
            let host = cloud.login_host();
            json!({"preferred_network": host, "preferred_cache": host, "aliases": aliases(*cloud)})
        })
        .chain(std::iter::once(json!({
            "preferred_network": asked.authority,
            "preferred_cache": asked.authority,
            "aliases": [asked.authority],
        })))
        .collect();
    let document = json!({
        "tenant_discovery_endpoint": format!("{}/{}/v2.0/.well-known/openid-configuration", asked.origin(), world.tenant.id),
        "api-version": "1.1",
        "metadata": metadata,
    });
    Answer::json(200, document.to_string())
}

/// `/common/userrealm/NAME`: whether a person's domain is managed here.
pub(crate) fn user_realm(world: &World, name: &str) -> Answer {
    let domain = name.rsplit('@').next().unwrap_or_default();
    let managed = world
        .tenant
        .domains
        .iter()
        .any(|known| known.eq_ignore_ascii_case(domain));
    let document = json!({
        "ver": "1.0",
        "account_type": if managed { "Managed" } else { "Unknown" },
        "domain_name": domain,
        "cloud_instance_name": instance_name(world.tenant.cloud),
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    });
    Answer::json(200, document.to_string())
}

fn instance_name(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Global => "microsoftonline.com",
        Cloud::UsGov | Cloud::UsGovDod => "microsoftonline.us",
        Cloud::China => "partner.microsoftonline.cn",
    }
}

fn aliases(cloud: Cloud) -> &'static [&'static str] {
    match cloud {
        Cloud::Global => &[
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
        Cloud::UsGov | Cloud::UsGovDod => &["login.microsoftonline.us"],
        Cloud::China => &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    }
}
