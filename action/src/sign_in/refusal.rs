//! Why there is no token, in a sentence for the operator.

use crate::aadsts;
use crate::backoff;
use crate::names::is_guid;
use crate::service::{Answer, SendFailure, Service};
use serde::Deserialize;
use std::{borrow::Cow, time::Duration};

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoToken {
    /// A sentence for the operator, with what to do.
    pub(crate) message: String,
    /// A later try may go better.
    pub(crate) transient: bool,
    /// What the service asked to wait.
    pub(super) wait: Option<Duration>,
    /// The number of the refusal (AADSTS).
    pub(super) code: Option<u32>,
}

impl NoToken {
    pub(crate) fn lasting(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: false,
            wait: None,
            code: None,
        }
    }

    fn passing(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: true,
            wait: None,
            code: None,
        }
    }
}

pub(super) fn unanswered(failure: SendFailure) -> NoToken {
    match failure {
        SendFailure::Refused => NoToken::lasting(
            "The host did not let the sign-in leave: a secret of the connection could not be read, or the grant of this \
             action does not cover the connection's tenant or login address. The host's warnings and the run's audit say \
             which.",
        ),
        SendFailure::Unreachable { why, lasting } => NoToken {
            message: format!("The sign-in service cannot be reached: {why}."),
            transient: !lasting,
            wait: None,
            code: None,
        },
        SendFailure::Lost { why } => {
            NoToken::passing(format!("The sign-in service did not answer: {why}."))
        }
    }
}

pub(super) fn unreadable() -> NoToken {
    NoToken::lasting(
        "What answered the sign-in is not the sign-in service, or a proxy in between changed the answer: check the \
         connection's login address and the proxy.",
    )
}

/// A page, or an answer to a page's request, that ends the sign-in: with a code of the service, or with its name alone.
pub(super) fn stopped(page: &str, code: Option<u32>) -> NoToken {
    let advice = code.and_then(aadsts::advice);
    let sentence = advice.map_or(
        "the sign-in pages gave a reason that this action does not know",
        |advice| advice.sentence,
    );
    let name = code.map_or_else(String::new, |code| format!("AADSTS{code}, "));
    NoToken {
        message: format!("The sign-in failed: {sentence} ({name}page `{page}`)."),
        transient: advice.is_some_and(|advice| advice.transient),
        wait: None,
        code,
    }
}

/// An answer that is no success. A4: it is read as JSON and never searched, for its text may hold anything; none of it
/// is repeated but codes and identifiers.
pub(super) fn refused<S: Service>(service: &S, answer: &Answer) -> NoToken {
    let wait = answer
        .header("retry-after")
        .and_then(|text| backoff::retry_after(text, service.unix_seconds()));
    NoToken {
        wait,
        ..explained(answer.status, &answer.body)
    }
}

fn explained(status: u16, body: &[u8]) -> NoToken {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        error: Option<Cow<'a, str>>,
        #[serde(default)]
        error_codes: Vec<u32>,
        #[serde(borrow)]
        trace_id: Option<Cow<'a, str>>,
    }
    let busy = matches!(status, 408 | 429 | 500 | 502 | 503 | 504);
    let Ok(refusal) = serde_json::from_slice::<Refusal<'_>>(body) else {
        return NoToken {
            message: format!(
                "The sign-in failed: the answer was HTTP {status} without an explanation. Check the connection's login \
                 address, and what stands between."
            ),
            transient: busy,
            wait: None,
            code: None,
        };
    };
    let code = refusal.error_codes.first().copied();
    let advice = code.and_then(aadsts::advice);
    let word = refusal.error.as_deref().filter(|word| {
        !word.is_empty()
            && word.len() <= 64
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    });
    let mut name = code.map_or_else(String::new, |code| format!("AADSTS{code}, "));
    if let Some(word) = word {
        name.push_str(word);
        name.push_str(", ");
    }
    let trace = refusal.trace_id.as_deref().filter(|id| is_guid(id));
    let trace = trace.map_or_else(String::new, |id| format!(", trace id {id}"));
    let sentence = advice.map_or(
        "the sign-in service gave a reason that this action does not know",
        |a| a.sentence,
    );
    let passing_word = matches!(word, Some("temporarily_unavailable" | "server_error"));
    NoToken {
        message: format!("The sign-in failed: {sentence} ({name}HTTP {status}{trace})."),
        transient: advice.map_or(busy || passing_word, |advice| advice.transient),
        wait: None,
        code,
    }
}
