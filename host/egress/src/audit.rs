//! One record for each call, refused ones too: who was asked what, and how it ended.
//!
//! It has no query, no header but the service's request id, no body and no secret or stand-in, by having no field for
//! them.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::declare::Effect;
use crate::roster::Owner;

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallRecord {
    /// When the guest asked.
    pub at: Timestamp,
    /// As asked for.
    pub method: String,
    /// The host and port that were asked for. Empty if there were none.
    pub host: String,
    /// The path that was asked for, without the query. `…` if it held what must not be noted.
    pub path: String,
    /// The call that it belongs to. `None` if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The call's template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What the request does; for an envelope the strongest effect of its parts.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "effect_name"
    )]
    pub effect: Option<Effect>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The calls in the envelope.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartRecord>,
    /// How it ended.
    #[serde(flatten)]
    pub end: End,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Size of the body that was sent, or would have been.
    pub bytes_out: u64,
    /// Size of the body that was received.
    pub bytes_in: u64,
    /// How long it waited for lanes and its turn.
    #[serde(rename = "waited_ms", serialize_with = "milliseconds")]
    pub waited: Duration,
    /// From leaving to the end of the answer.
    #[serde(rename = "took_ms", serialize_with = "milliseconds")]
    pub took: Duration,
    /// The address that was connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<SocketAddr>,
    /// What the service calls this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum End {
    /// It was answered, and the guest was given the answer.
    Answered,
    /// It was answered, and the answer was kept from the guest.
    Withheld {
        /// Why.
        why: String,
    },
    /// It was refused, and did not leave.
    Refused {
        /// The rule, a stable name.
        rule: &'static str,
        /// Why.
        why: String,
        /// What to do next.
        #[serde(skip)]
        hint: Option<&'static str>,
    },
    /// It failed.
    Failed {
        /// Why.
        why: String,
        /// What to do next. For whoever is told at once; the audit is a record of what happened.
        #[serde(skip)]
        hint: Option<&'static str>,
        /// The service may have received it.
        may_have_left: bool,
    },
    /// The guest, or the end of the run, gave it up.
    GivenUp {
        /// The service may have received it.
        may_have_left: bool,
    },
}

/// One call of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartRecord {
    /// The part's id, as the guest gave it.
    pub id: String,
    /// The call that it belongs to.
    pub call: String,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The status of its answer. `None` if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl CallRecord {
    /// The record as one line of JSON, without the line break.
    #[must_use]
    pub fn to_json_line(&self) -> String {
        // Every field has a plain form in JSON and no map has keys that are not strings, so this does not fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
}

fn effect_name<S: Serializer>(effect: &Option<Effect>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match effect {
        Some(Effect::Changes) => "changes",
        Some(Effect::SignsIn) => "signs-in",
        Some(Effect::Reads) | None => "reads",
    })
}
