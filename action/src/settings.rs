//! What an operator may set for a run: the values, their bounds and the JSON Schema that publishes them.

use serde::Deserialize;
use std::time::Duration;

/// The most parts that Microsoft Graph takes in one batch ("Combine multiple HTTP requests using JSON batching").
pub(crate) const MAX_BATCH_SIZE: u32 = 20;

/// What an operator set, within the bounds of [`SCHEMA`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Users in one request; 1 sends plain requests.
    pub batch_size: usize,
    /// Requests at the same time.
    pub batches_in_flight: usize,
    /// Tries of one step about one user.
    pub max_tries: u32,
    /// How long to go on about one user, from the first request that was sent about it.
    pub max_time: Duration,
    /// What to do about guests.
    pub guests: Guests,
    /// Whether to read back what was revoked.
    pub verify: bool,
    /// How pressing it is.
    pub priority: Priority,
}

/// How pressing requests are ("Microsoft Graph throttling guidance", priority).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// As everything else.
    #[default]
    Normal,
    /// Refused later than others when quota is short.
    High,
}

/// What to do about guests, whose sessions a revoke does not end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guests {
    /// Send nothing, and report them as skipped.
    #[default]
    Skip,
    /// Send the revoke, and report that it has no effect.
    Attempt,
    /// Send nothing, and report them as failed.
    Fail,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 20,
            batches_in_flight: 16,
            max_tries: 6,
            max_time: Duration::from_secs(600),
            guests: Guests::default(),
            verify: false,
            priority: Priority::default(),
        }
    }
}

/// The JSON Schema of the settings. [`Settings::default`] and [`Settings::parse`] agree with it, as a test checks.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "batch_size": {
      "type": "integer", "minimum": 1, "maximum": 20, "default": 20,
      "title": "Users in one request",
      "description": "How many users share a request. 1 sends a plain request for each, for proxies that do not pass batches on."
    },
    "batches_in_flight": {
      "type": "integer", "minimum": 1, "maximum": 64, "default": 16,
      "title": "Requests at the same time",
      "description": "How many requests may be under way at once. The service's quota bounds the speed in the long run, not this."
    },
    "max_tries": {
      "type": "integer", "minimum": 1, "maximum": 20, "default": 6,
      "title": "Tries",
      "description": "How often one step (finding a user, revoking) is tried when the service is busy, fails or does not answer."
    },
    "max_seconds": {
      "type": "integer", "minimum": 1, "maximum": 86400, "default": 600,
      "title": "Time for one user, in seconds",
      "description": "No try about a user begins later than this after the first request about them."
    },
    "guests": {
      "type": "string", "enum": ["skip", "attempt", "fail"], "default": "skip",
      "title": "Guests",
      "description": "A revoke does not end the sessions of guests, who sign in at their home tenant. skip: send nothing, report skipped. attempt: send it nevertheless, report that it has no effect. fail: send nothing, report failed."
    },
    "verify": {
      "type": "boolean", "default": false,
      "title": "Read back",
      "description": "Read each user's cut-off time again until it has moved, some tries long, and tell verified from unconfirmed. Needs User.Read.All, and one to six more requests a user."
    },
    "priority": {
      "type": "string", "enum": ["normal", "high"], "default": "normal", "x-urgent": ["high"],
      "title": "Priority",
      "description": "high: where quota is short this run goes before others, and the service refuses its requests later. For an incident, not for a schedule."
    },
    "canary": {
      "type": "boolean", "default": false,
      "x-adds-asset": {"field": "canary_user", "as": "username", "needs": ["canary_refresh_token"]},
      "title": "Canary",
      "description": "Cut a test account of yours with the run, and try its refresh token until it is refused: so the run measures how long a revoke takes in this tenant today. Needs canary_user and canary_refresh_token in the connection."
    }
  }
}"#;

/// The settings are not what the schema says.
#[derive(Debug, PartialEq, Eq)]
pub struct BadSettings(String);

impl std::fmt::Display for BadSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the settings do not fit this action: {}", self.0)
    }
}

impl std::error::Error for BadSettings {}

impl Settings {
    /// Reads settings. The host has checked them and filled in defaults; this holds to the bounds all the same,
    /// because memory and the number of requests follow from them.
    ///
    /// # Errors
    ///
    /// [`BadSettings`] names the member and its bounds.
    pub fn parse(json: &str) -> Result<Self, BadSettings> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            batch_size: Option<u32>,
            batches_in_flight: Option<u32>,
            max_tries: Option<u32>,
            max_seconds: Option<u32>,
            guests: Option<Guests>,
            verify: Option<bool>,
            priority: Option<Priority>,
            // The host acts on it: it adds the test account to the assets.
            #[serde(rename = "canary")]
            _canary: Option<bool>,
        }
        fn bounded(
            name: &str,
            value: Option<u32>,
            default: u32,
            max: u32,
        ) -> Result<u32, BadSettings> {
            match value.unwrap_or(default) {
                value if (1..=max).contains(&value) => Ok(value),
                value => Err(BadSettings(format!(
                    "`{name}` is {value}, and must be from 1 to {max}"
                ))),
            }
        }
        let members: Members =
            serde_json::from_str(json).map_err(|error| BadSettings(error.to_string()))?;
        Ok(Self {
            batch_size: bounded("batch_size", members.batch_size, 20, MAX_BATCH_SIZE)? as usize,
            batches_in_flight: bounded("batches_in_flight", members.batches_in_flight, 16, 64)?
                as usize,
            max_tries: bounded("max_tries", members.max_tries, 6, 20)?,
            max_time: Duration::from_secs(
                bounded("max_seconds", members.max_seconds, 600, 86_400)?.into(),
            ),
            guests: members.guests.unwrap_or_default(),
            verify: members.verify.unwrap_or_default(),
            priority: members.priority.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use serde_json::Value;

    #[test]
    fn the_schema_and_the_reader_agree() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let members = schema["properties"].as_object().unwrap();
        let defaults: serde_json::Map<_, _> = members
            .iter()
            .map(|(name, member)| (name.clone(), member["default"].clone()))
            .collect();
        assert_eq!(
            Settings::parse(&Value::Object(defaults).to_string()).unwrap(),
            Settings::default()
        );
        assert_eq!(Settings::parse("{}").unwrap(), Settings::default());
        for (name, member) in members {
            for (bound, step) in [("minimum", -1), ("maximum", 1)] {
                let Some(value) = member[bound].as_i64() else {
                    continue;
                };
                assert!(
                    Settings::parse(&format!(r#"{{"{name}":{value}}}"#)).is_ok(),
                    "{name} {value}"
                );
                assert!(
                    Settings::parse(&format!(r#"{{"{name}":{}}}"#, value + step)).is_err(),
                    "{name} {value}"
                );
            }
        }
    }

    #[test]
    fn other_members_and_values_are_refused() {
        for json in [
            "",
            "[]",
            r#"{"batchsize":1}"#,
            r#"{"guests":"ask"}"#,
            r#"{"priority":"urgent"}"#,
            r#"{"verify":"yes"}"#,
            r#"{"max_tries":"6"}"#,
        ] {
            assert!(Settings::parse(json).is_err(), "{json}");
        }
        let error = Settings::parse(r#"{"max_tries":99}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the settings do not fit this action: `max_tries` is 99, and must be from 1 to 20"
        );
    }
}
