//! Puts secrets in the places of their stand-ins: the way from [`Admitted`] to [`Sealed`].
//!
//! The only place that asks a connection for its secrets. What it makes is written anew from what was read (form, JSON,
//! header), never searched and replaced, and is zeroed when the request is over.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Uri};
use zeroize::Zeroizing;

use crate::admit::{Admitted, Body, Swap, SwapPlace};
use crate::declare::Held;
use crate::error::SendError;
use crate::json::Document;
use crate::refusal::{Refusal, Spot};
use crate::secret::Secret;
use crate::standin::{StandIn, StandIns, describe};
use crate::target::form_encode;
use crate::witness::{Made, Making, SecretError, Secrets};

/// How the host names itself.
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tipstaff/", env!("CARGO_PKG_VERSION")));
/// Answers are looked through, so they have to come as they are.
const PLAIN: HeaderValue = HeaderValue::from_static("identity");

/// A request as it leaves, secrets and all. Only [`seal`] makes one. It cannot be printed.
#[must_use = "a sealed request has not been sent"]
pub(crate) struct Sealed {
    outgoing: Outgoing,
    kept: Vec<Kept>,
}

impl Sealed {
    pub(crate) fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// The same with the cookies of a jar.
    pub(crate) fn with_cookies(mut self, cookies: Option<HeaderValue>) -> Self {
        if let Some(cookies) = cookies {
            self.outgoing.headers.insert(COOKIE, cookies);
        }
        self
    }

    /// What it carries, to be found in its answer.
    pub(crate) fn kept(&self) -> &[Kept] {
        &self.kept
    }
}

/// What is to be sent, ready in every respect.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Absolute.
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A value that a request carries, and its stand-in.
pub(crate) struct Kept {
    pub(crate) one: Arc<StandIn>,
    revealed: Option<Made>,
}

impl Kept {
    pub(crate) fn expose(&self) -> &str {
        let revealed = self.revealed.as_ref().map(|made| &made.value);
        revealed
            .or(self.one.sealed.as_ref())
            .map(Secret::expose)
            .unwrap_or_default()
    }
}

/// Asks for the secrets that a request carries, and puts them in.
pub(crate) async fn seal(
    admitted: &Admitted,
    method: Method,
    call: &str,
    stand_ins: &StandIns,
    secrets: &dyn Secrets,
) -> Result<Sealed, SendError> {
    let mut kept: Vec<Kept> = Vec::with_capacity(admitted.swaps.len());
    for swap in &admitted.swaps {
        kept.push(fetch(swap, admitted, call, stand_ins, secrets).await?);
    }
    let mut headers = admitted.headers.clone();
    headers.insert(USER_AGENT, AGENT);
    headers.insert(ACCEPT_ENCODING, PLAIN);
    for (swap, kept) in admitted.swaps.iter().zip(&kept) {
        match &swap.place {
            SwapPlace::Bearer => {
                headers.insert(AUTHORIZATION, bearer(kept)?);
            }
            SwapPlace::Header(name) => {
                headers.insert(name, header(kept, "")?);
            }
            SwapPlace::Form(_) | SwapPlace::Json(_) => {}
        }
    }
    let outgoing = Outgoing {
        method,
        uri: admitted.uri.clone(),
        headers,
        body: body(admitted, &kept)?,
    };
    Ok(Sealed { outgoing, kept })
}

async fn fetch(
    swap: &Swap,
    admitted: &Admitted,
    call: &str,
    stand_ins: &StandIns,
    secrets: &dyn Secrets,
) -> Result<Kept, SendError> {
    let gone = |what: String| {
        let place = match &swap.place {
            SwapPlace::Header(name) => Spot::Header(name.as_str().to_owned()),
            SwapPlace::Bearer => Spot::Header(AUTHORIZATION.as_str().to_owned()),
            SwapPlace::Form(_) | SwapPlace::Json(_) => Spot::Body,
        };
        SendError::Refused(Refusal::NotItsStandIn { place, what })
    };
    // It was there when the request was admitted; meanwhile it may have been used, or replaced by newer ones.
    let one = stand_ins
        .get(&swap.text)
        .ok_or_else(|| gone("a stand-in".to_owned()))?;
    if !one.is_good_in(call) || !one.take() {
        return Err(gone(describe(&one.held)));
    }
    let revealed = match &one.held {
        Held::Sealed(_) => None,
        Held::Secret(field) => Some(secrets.reveal(field).await?.into()),
        Held::OneTimeCode(field) => Some(secrets.make(Making::OneTimeCode { field }).await?),
        Held::Assertion => {
            let uri = &admitted.uri;
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            let audience = format!("https://{authority}{}", uri.path());
            Some(
                secrets
                    .make(Making::Assertion {
                        audience: &audience,
                    })
                    .await?,
            )
        }
    };
    let kept = Kept { one, revealed };
    if kept.expose().is_empty() {
        return Err(unusable(&kept, "it is empty"));
    }
    Ok(kept)
}

fn bearer(kept: &Kept) -> Result<HeaderValue, SendError> {
    let made = kept.one.sealed.as_ref().and_then(|_| {
        kept.one
            .bearer
            .get_or_init(|| header(kept, "Bearer ").ok())
            .clone()
    });
    made.map_or_else(|| header(kept, "Bearer "), Ok)
}

fn header(kept: &Kept, before: &str) -> Result<HeaderValue, SendError> {
    let value = kept.expose();
    // A line break would begin another header (RFC 9110 section 5.5).
    if !value
        .bytes()
        .all(|b| matches!(b, 0x21..=0x7e) || (b == b' ' && before.is_empty()))
    {
        return Err(unusable(
            kept,
            "it has characters that a header cannot have",
        ));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(before.len() + value.len()));
    text.extend_from_slice(before.as_bytes());
    text.extend_from_slice(value.as_bytes());
    let made = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
    let mut made =
        made.map_err(|_| unusable(kept, "it has characters that a header cannot have"))?;
    // HTTP/2 keeps it out of its table of headers (RFC 7541 section 7.1.3).
    made.set_sensitive(true);
    Ok(made)
}

fn body(admitted: &Admitted, kept: &[Kept]) -> Result<Bytes, SendError> {
    let swaps = || admitted.swaps.iter().zip(kept);
    Ok(match &admitted.body {
        Body::Empty => Bytes::new(),
        Body::Form(pairs) => {
            let value = |at: usize| {
                let mut swaps = swaps();
                swaps.find_map(|(swap, kept)| {
                    matches!(swap.place, SwapPlace::Form(place) if place == at)
                        .then(|| kept.expose())
                })
            };
            // Large enough for every letter encoded, so that growing leaves no copy behind.
            let room = pairs
                .iter()
                .enumerate()
                .map(|(at, (n, v))| 3 * (n.len() + value(at).unwrap_or(v).len()) + 2)
                .sum();
            let mut out = Zeroizing::new(Vec::with_capacity(room));
            for (at, (name, own)) in pairs.iter().enumerate() {
                if at > 0 {
                    out.push(b'&');
                }
                form_encode(&mut out, name);
                out.push(b'=');
                form_encode(&mut out, value(at).unwrap_or(own));
            }
            Bytes::from_owner(out)
        }
        Body::Json(text) if swaps().all(|(swap, _)| !matches!(swap.place, SwapPlace::Json(_))) => {
            Bytes::from_owner(text.clone())
        }
        Body::Json(text) => {
            let bad = |why: String| {
                SendError::Refused(Refusal::Body {
                    place: Spot::Body,
                    why,
                })
            };
            let document = Document::parse(text).map_err(|fault| bad(fault.to_string()))?;
            let mut instead = Vec::new();
            for (swap, kept) in swaps() {
                if let SwapPlace::Json(pointer) = &swap.place {
                    let place = document
                        .root()
                        .follow(pointer)
                        .ok_or_else(|| bad("has lost a member".to_owned()))?;
                    instead.push((place.place(), kept.expose()));
                }
            }
            // A letter can become six (`\u0000`).
            let room = text.len()
                + instead
                    .iter()
                    .map(|(_, value)| 6 * value.len())
                    .sum::<usize>();
            let mut out = Zeroizing::new(Vec::with_capacity(room));
            document.write(&mut out, &instead);
            Bytes::from_owner(out)
        }
    })
}

fn unusable(kept: &Kept, reason: &'static str) -> SendError {
    SecretError::Unusable {
        field: describe(&kept.one.held),
        reason,
    }
    .into()
}
