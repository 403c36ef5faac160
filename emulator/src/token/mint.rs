//! Access tokens and id tokens: which claims they hold.
//!
//! Claim names as in version 1 tokens for Graph ("Access token claims reference"). The service calls them opaque; here
//! they can be checked against the published keys.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::grants::Grant;
use super::jwt;
use super::keys::SigningKey;
use crate::clock::Moment;
use crate::emulator::EmulatorError;
use crate::tenant::App;
use crate::tenant::directory::Record;
use crate::wire;
use crate::world::World;

/// The id by which every tenant knows Microsoft Graph.
pub(crate) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// What an access token says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    pub(crate) aud: String,
    pub(crate) iss: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) aio: String,
    /// How the person signed in: `pwd`, `mfa`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amr: Vec<String>,
    #[serde(default)]
    pub(crate) app_displayname: String,
    #[serde(default)]
    pub(crate) appid: Uuid,
    /// How the client proved itself: 0 not at all, 1 secret, 2 certificate.
    #[serde(default)]
    pub(crate) appidacr: String,
    #[serde(default)]
    pub(crate) idp: String,
    /// `app` or `user`.
    #[serde(default)]
    pub(crate) idtyp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) oid: Uuid,
    #[serde(default)]
    pub(crate) rh: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scp: Option<String>,
    #[serde(default)]
    pub(crate) sub: String,
    #[serde(default)]
    pub(crate) tenant_region_scope: String,
    #[serde(default)]
    pub(crate) tid: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unique_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upn: Option<String>,
    #[serde(default)]
    pub(crate) uti: String,
    #[serde(default)]
    pub(crate) ver: String,
    /// Template ids of the directory roles that the person holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) wids: Vec<String>,
    /// Client capabilities: `cp1` handles challenges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) xms_cc: Vec<String>,
    /// What only the emulator puts in.
    #[serde(default)]
    pub(crate) x_emulator: Own,
}

/// The emulator's own claims.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Own {
    /// The directory's count of changes when it was issued, because a revoke may come within the same second.
    pub(crate) change: u64,
    /// The time of the challenge that it answers, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<i64>,
}

/// What is asked for, whoever asks.
pub(crate) struct Order<'a> {
    pub(crate) app: &'a App,
    pub(crate) audience: String,
    /// `appidacr`.
    pub(crate) proof: &'static str,
    pub(crate) handles_challenges: bool,
    pub(crate) answers_challenge: Option<i64>,
    pub(crate) now: Moment,
}

/// A signed access token, and how long it lives.
pub(crate) struct Minted {
    pub(crate) token: String,
    pub(crate) expires_in: u64,
}

impl Order<'_> {
    /// A token for the application itself.
    pub(crate) fn for_app(&self, world: &World, key: &SigningKey) -> Result<Minted, EmulatorError> {
        let mut claims = self.common(world);
        claims.idtyp = "app".to_owned();
        claims.oid = self.app.service_principal();
        claims.sub = claims.oid.to_string();
        claims.roles.clone_from(&self.app.roles);
        self.sign(world, key, claims)
    }

    /// A token for the application on behalf of a person.
    pub(crate) fn for_person(
        &self,
        world: &World,
        key: &SigningKey,
        person: &Record,
        grant: &Grant,
        scopes: &[String],
    ) -> Result<Minted, EmulatorError> {
        let mut claims = self.common(world);
        claims.idtyp = "user".to_owned();
        claims.oid = person.user.id;
        claims.sub = wire::base64url(wire::sha256(
            format!("{} {}", person.user.id, self.app.client_id).as_bytes(),
        ));
        claims.amr = vec!["pwd".to_owned()];
        if grant.with_second_factor {
            claims.amr.push("mfa".to_owned());
        }
        claims.scp = Some(scopes.join(" "));
        claims.name = Some(person.user.display_name.to_string());
        claims.upn = Some(person.user.principal_name.to_string());
        claims.unique_name = claims.upn.clone();
        let roles = person
            .user
            .details
            .as_deref()
            .map_or(&[][..], |details| &details.directory_roles);
        claims.wids = roles.iter().map(|role| role_template(role)).collect();
        self.sign(world, key, claims)
    }

    fn common(&self, world: &World) -> AccessClaims {
        let tenant = world.tenant.id;
        let issuer = format!("{}/{tenant}/", world.tenant.cloud.issuer_origin());
        AccessClaims {
            aud: self.audience.clone(),
            idp: issuer.clone(),
            iss: issuer,
            iat: self.now.seconds(),
            nbf: self.now.seconds(),
            aio: format!("E2Ng{}", wire::unguessable(12)),
            app_displayname: self.app.name.clone(),
            appid: self.app.client_id,
            appidacr: self.proof.to_owned(),
            rh: format!("1.AEmu{}.", wire::unguessable(16)),
            tenant_region_scope: "EU".to_owned(),
            tid: tenant,
            uti: wire::unguessable(16),
            ver: "1.0".to_owned(),
            xms_cc: if self.handles_challenges {
                vec!["CP1".to_owned()]
            } else {
                Vec::new()
            },
            x_emulator: Own {
                change: world.directory().changes(),
                answers: self.answers_challenge,
            },
            ..AccessClaims::default()
        }
    }

    fn sign(
        &self,
        world: &World,
        key: &SigningKey,
        mut claims: AccessClaims,
    ) -> Result<Minted, EmulatorError> {
        let expires_in = {
            let settings = world.settings();
            if self.handles_challenges {
                settings.cae_token_lifetime_s
            } else {
                settings.token_lifetime_s
            }
        };
        claims.exp = claims
            .iat
            .saturating_add(i64::try_from(expires_in).unwrap_or(i64::MAX));
        Ok(Minted {
            token: jwt::sign(key, &claims)?,
            expires_in,
        })
    }
}

/// A signed id token (OpenID Connect Core 1.0 section 2, with the members of Entra's version 2).
pub(crate) fn id_token(
    world: &World,
    key: &SigningKey,
    login_origin: &str,
    grant: &Grant,
    person: &Record,
    nonce: Option<&str>,
    now: Moment,
) -> Result<String, EmulatorError> {
    #[derive(Serialize)]
    struct IdClaims<'a> {
        aud: Uuid,
        iss: String,
        iat: i64,
        nbf: i64,
        exp: i64,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
        oid: Uuid,
        preferred_username: &'a str,
        sub: String,
        tid: Uuid,
        ver: &'a str,
    }
    let claims = IdClaims {
        aud: grant.client,
        iss: format!("{login_origin}/{}/v2.0", world.tenant.id),
        iat: now.seconds(),
        nbf: now.seconds(),
        exp: now.seconds() + 3600,
        name: &person.user.display_name,
        nonce,
        oid: person.user.id,
        preferred_username: &person.user.principal_name,
        sub: wire::base64url(wire::sha256(
            format!("{} {}", person.user.id, grant.client).as_bytes(),
        )),
        tid: world.tenant.id,
        ver: "2.0",
    };
    jwt::sign(key, &claims)
}

/// The template id of a directory role by its name ("Microsoft Entra built-in roles"). Other names stand for
/// themselves.
pub(crate) fn role_template(name: &str) -> String {
    match name {
        "Global Administrator" => "62e90394-69f5-4237-9190-012177145e10",
        "User Administrator" => "fe930be7-5e62-47db-91af-98c3a49a38b1",
        "Privileged Authentication Administrator" => "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        "Authentication Administrator" => "c4e39bd9-1100-46d3-8c65-fb160da0071f",
        "Helpdesk Administrator" => "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        "Global Reader" => "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
        other => other,
    }
    .to_owned()
}
