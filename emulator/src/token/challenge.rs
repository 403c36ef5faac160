//! Continuous access evaluation: who has to come back with a new token, and what they are told.
//!
//! Source: "How to use Continuous Access Evaluation enabled APIs in your applications", and section 4.7 of what is known
//! of the wire.

use std::collections::HashMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::clock::Moment;
use crate::wire;

/// The most people and applications that can be flagged.
const MOST: usize = 100_000;

/// Who was flagged by hand, and since when.
#[derive(Debug, Default)]
pub(crate) struct Challenges(HashMap<Uuid, Moment>);

impl Challenges {
    /// From now on tokens of this person or application are refused until one was asked for with the claims of the
    /// challenge.
    pub(crate) fn flag(&mut self, who: Uuid, now: Moment) {
        if self.0.len() < MOST || self.0.contains_key(&who) {
            self.0.insert(who, now);
        }
    }

    pub(crate) fn lift(&mut self, who: Uuid) -> bool {
        self.0.remove(&who).is_some()
    }

    pub(crate) fn since(&self, who: Uuid) -> Option<Moment> {
        self.0.get(&who).copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The `claims` of a challenge: base64 of what the client has to send back in its next token request.
pub(crate) fn claims_since(since: Moment) -> String {
    wire::base64(format!(
        r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{}"}}}}}}"#,
        since.seconds()
    ))
}

/// What the `claims` parameter of a token request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedClaims {
    /// The client says that it handles challenges (`xms_cc` has `cp1`).
    pub(crate) handles_challenges: bool,
    /// The token is to be no older than this, in seconds since 1970: the answer to a challenge.
    pub(crate) not_before: Option<i64>,
}

impl AskedClaims {
    /// Reads the parameter. `None` where it is not what it should be.
    pub(crate) fn of(parameter: &str) -> Option<Self> {
        #[derive(Deserialize, Default)]
        struct Claims {
            #[serde(default)]
            access_token: AccessToken,
        }
        #[derive(Deserialize, Default)]
        struct AccessToken {
            xms_cc: Option<Values>,
            nbf: Option<Value>,
        }
        #[derive(Deserialize)]
        struct Values {
            #[serde(default)]
            values: Vec<String>,
        }
        #[derive(Deserialize)]
        struct Value {
            value: Option<String>,
        }
        let claims: Claims = serde_json::from_str(parameter).ok()?;
        let capabilities = claims
            .access_token
            .xms_cc
            .map(|cc| cc.values)
            .unwrap_or_default();
        Some(Self {
            handles_challenges: capabilities
                .iter()
                .any(|value| value.eq_ignore_ascii_case("cp1")),
            not_before: claims
                .access_token
                .nbf
                .and_then(|nbf| nbf.value)
                .and_then(|value| value.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_answered_by_sending_its_claims_back() {
        let claims = claims_since(Moment::from_ms(1_702_682_181_999));
        assert_eq!(
            claims,
            "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzAyNjgyMTgxIn19fQ=="
        );
        let text = wire::from_base64(&claims)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_default();
        let asked = AskedClaims::of(&text);
        assert_eq!(
            asked,
            Some(AskedClaims {
                handles_challenges: false,
                not_before: Some(1_702_682_181)
            })
        );
    }

    #[test]
    fn a_client_declares_that_it_handles_challenges() {
        let asked = AskedClaims::of(r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
        assert_eq!(
            asked,
            Some(AskedClaims {
                handles_challenges: true,
                not_before: None
            })
        );
        assert_eq!(AskedClaims::of("{}"), Some(AskedClaims::default()));
        assert_eq!(AskedClaims::of("nonsense"), None);
    }
}
