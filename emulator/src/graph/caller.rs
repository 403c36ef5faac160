//! Who calls Graph: the access token, checked.
//!
//! Checks are made in the order in which the service's messages come up: no token, no JWT, signature, lifetime, audience.
//! A token that passed is remembered, so that a batch run does not pay for its signature each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::permission::Permissions;
use crate::clock::Moment;
use crate::emulator::EmulatorError;
use crate::exchange::Asked;
use crate::tenant::Cloud;
use crate::token::jwt::Parts;
use crate::token::keys;
use crate::token::mint::{AccessClaims, GRAPH_APP_ID};
use crate::world::World;

/// An application, or a person through one.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) app: Uuid,
    /// The person's object id, or the service principal's.
    pub(crate) oid: Uuid,
    pub(crate) is_app: bool,
    /// Application roles, or what was delegated.
    pub(crate) permissions: Permissions,
    /// Template ids of the person's directory roles.
    pub(crate) directory_roles: Vec<String>,
    pub(crate) handles_challenges: bool,
    expires: i64,
    change: u64,
    answers: Option<i64>,
    audience: String,
}

/// Why a token is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    Missing,
    NotAJwt,
    Malformed,
    Signature,
    Expired,
    Audience,
    /// The caller has to come back with a token that answers the challenge of this time.
    Challenged(Moment),
}

impl Unauthorized {
    /// The message of the answer. The first three are recorded; the others are as reported.
    pub(crate) fn message(&self) -> &'static str {
        match self {
            Self::Missing => "Access token is empty.",
            Self::NotAJwt => {
                "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE Compact \
                 Serialization Format. (JWS): 'EncodedHeader.EncodedPayload.EncodedSignature'. (JWE): \
                 'EncodedProtectedHeader.EncodedEncryptedKey.EncodedInitializationVector.EncodedCiphertext.EncodedAuthenticationTag'."
            }
            Self::Malformed => "CompactToken parsing failed with error code: 80049217",
            Self::Signature => "Access token validation failure. Signature is invalid.",
            Self::Expired => "Lifetime validation failed, the token is expired.",
            Self::Audience => "Access token validation failure. Invalid audience.",
            Self::Challenged(_) => {
                "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
                 TokenIssuedBeforeRevocationTimestamp"
            }
        }
    }
}

/// The most tokens that are remembered.
const MOST: usize = 4096;

/// Tokens that passed.
#[derive(Debug, Default)]
pub(crate) struct Callers(Mutex<HashMap<Box<str>, Arc<Caller>>>);

impl Callers {
    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn get(&self, token: &str) -> Option<Arc<Caller>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(token)
            .cloned()
    }

    fn put(&self, token: &str, caller: Arc<Caller>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST {
            held.clear();
        }
        held.insert(token.into(), caller);
    }
}

/// Checks the token of a request. The outer error is the emulator's own.
pub(crate) async fn identify(
    world: &World,
    asked: &Asked,
) -> Result<Result<Arc<Caller>, Unauthorized>, EmulatorError> {
    let token = asked
        .header("authorization")
        .and_then(|value| value.trim().split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token.trim());
    if token.is_empty() {
        return Ok(Err(Unauthorized::Missing));
    }
    let caller = match world.callers.get(token) {
        Some(caller) => caller,
        None => {
            let key = keys::signing_key_soon().await?;
            match read(token, &key.public) {
                Ok(caller) => {
                    let caller = Arc::new(caller);
                    world.callers.put(token, Arc::clone(&caller));
                    caller
                }
                Err(why) => return Ok(Err(why)),
            }
        }
    };
    Ok(caller.check(world, asked).map(|()| caller))
}

fn read(token: &str, public: &[u8]) -> Result<Caller, Unauthorized> {
    if !token.contains('.') {
        return Err(Unauthorized::NotAJwt);
    }
    let parts = Parts::of(token).ok_or(Unauthorized::Malformed)?;
    let claims: AccessClaims = parts.claims().ok_or(Unauthorized::Malformed)?;
    if !parts.is_signed_by("RS256", public) {
        return Err(Unauthorized::Signature);
    }
    let is_app = claims.idtyp == "app";
    let permissions = if is_app {
        Permissions::of(claims.roles.iter().map(String::as_str))
    } else {
        Permissions::of(claims.scp.iter().flat_map(|scp| scp.split(' ')))
    };
    Ok(Caller {
        app: claims.appid,
        oid: claims.oid,
        is_app,
        permissions,
        directory_roles: claims.wids,
        handles_challenges: claims
            .xms_cc
            .iter()
            .any(|capability| capability.eq_ignore_ascii_case("cp1")),
        expires: claims.exp,
        change: claims.x_emulator.change,
        answers: claims.x_emulator.answers,
        audience: claims.aud,
    })
}

impl Caller {
    /// What may change between two uses of the same token.
    fn check(&self, world: &World, asked: &Asked) -> Result<(), Unauthorized> {
        if self.expires <= asked.now.seconds() {
            return Err(Unauthorized::Expired);
        }
        // A token is good in the cloud that it was made for, under either name of Graph.
        let cloud = Cloud::ALL
            .into_iter()
            .find(|cloud| cloud.graph_origin() == self.audience);
        let made_for =
            cloud.or_else(|| (self.audience == GRAPH_APP_ID).then_some(world.tenant.cloud));
        if made_for != Some(asked.cloud) {
            return Err(Unauthorized::Audience);
        }
        self.check_challenges(world)
    }

    fn check_challenges(&self, world: &World) -> Result<(), Unauthorized> {
        let flagged = {
            let challenges = world.challenges();
            if challenges.is_empty() {
                None
            } else {
                challenges.since(self.oid).max(challenges.since(self.app))
            }
        };
        // Flagged by hand: only a token that was asked for with the challenge's claims is good.
        if let Some(since) = flagged
            && self.answers.is_none_or(|answers| answers < since.seconds())
        {
            return Err(Unauthorized::Challenged(since));
        }
        if self.is_app || !self.handles_challenges || !world.settings().cae {
            return Ok(());
        }
        // Cut off: a token from before is not good any more, for clients that said they handle this.
        let directory = world.directory();
        let record = directory
            .index_of(&self.oid.to_string())
            .and_then(|index| directory.get(index));
        match record {
            Some(record) if record.cut_at > self.change => {
                Err(Unauthorized::Challenged(record.valid_from()))
            }
            _ => Ok(()),
        }
    }
}
