//! Judges a request: the way from `http::Request` to [`Admitted`].
//!
//! It asks nobody for anything and sends nothing. What it admits is made anew from what it judged, so that the service
//! reads what was read here. Parts of envelopes are judged in [`crate::envelope`].

mod body;
mod headers;
mod places;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName};
use http::request::Parts;
use http::{Request, Uri};

use self::body::{admit_form, admit_members};
use self::headers::{BodyKind, admit_headers, body_kind};
use crate::declare::Effect;
use crate::envelope::{self, AdmittedPart};
use crate::grant::{Grant, NamingRule, Rule, RuleShape};
use crate::json::{Document, Pointer};
use crate::limits::Limits;
use crate::refusal::{Refusal, Spot, shown};
use crate::roster::{NoChange, Owner, Roster};
use crate::session::Mode;
use crate::standin::StandIns;
use crate::target::{Target, decoded, read_query};

/// What a request is judged by, beside the grant.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub(crate) mode: Mode,
    pub(crate) roster: &'a Roster,
    pub(crate) stand_ins: &'a StandIns,
    pub(crate) limits: &'a Limits,
}

/// A request that a [`Grant`] covers. Only [`Grant::admit`] makes one. It holds stand-ins, and cannot be printed.
#[must_use = "an admitted request has not been sent"]
pub(crate) struct Admitted {
    /// The rule's place in the grant.
    pub(crate) rule: usize,
    pub(crate) uri: Uri,
    /// Without those that the host sets.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) swaps: Vec<Swap>,
    pub(crate) effect: Effect,
    /// Whom it is about, and by which name.
    pub(crate) subject: Option<Subject>,
    pub(crate) parts: Vec<AdmittedPart>,
    /// Private, so that nobody else can make one.
    _admitted: (),
}

/// A body that was read, in a form that can be written anew.
pub(crate) enum Body {
    Empty,
    /// Names and values, decoded.
    Form(Vec<(String, String)>),
    /// Written anew.
    Json(Vec<u8>),
}

/// A stand-in that was found in its place.
pub(crate) struct Swap {
    pub(crate) place: SwapPlace,
    /// The stand-in, whole.
    pub(crate) text: String,
}

pub(crate) enum SwapPlace {
    Header(HeaderName),
    Bearer,
    /// The pair at this place.
    Form(usize),
    Json(Pointer),
}

/// Whom a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) owner: Owner,
    /// As the request named it, decoded.
    pub(crate) name: String,
}

impl Admitted {
    /// The owners that it changes, each once.
    pub(crate) fn changed(&self) -> Vec<Owner> {
        let alone = self
            .subject
            .iter()
            .filter(|_| self.parts.is_empty() && self.effect == Effect::Changes);
        let parts = self
            .parts
            .iter()
            .filter(|part| part.effect == Effect::Changes)
            .filter_map(|part| part.subject.as_ref());
        alone.chain(parts).map(|subject| subject.owner).collect()
    }

    /// What it costs: places of lanes, and units.
    pub(crate) fn costs(&self, grant: &Grant) -> Vec<(usize, u32)> {
        let mut sums: Vec<(usize, u32)> = Vec::new();
        let parts = self.parts.iter().map(|part| part.rule);
        for rule in std::iter::once(self.rule).chain(parts) {
            for (lane, units) in &grant.rule(rule).costs {
                match sums.iter_mut().find(|(known, _)| known == lane) {
                    Some((_, sum)) => *sum = sum.saturating_add(*units),
                    None => sums.push((*lane, *units)),
                }
            }
        }
        sums
    }
}

impl Grant {
    /// Admits a request, or says which rule it breaks.
    pub(crate) fn admit(
        &self,
        request: Request<Bytes>,
        by: Circumstances<'_>,
    ) -> Result<Admitted, Refusal> {
        if by.mode == Mode::Describe {
            return Err(Refusal::Mode {
                call: String::new(),
                effect: "sends something",
                mode: "description",
            });
        }
        let (head, body) = request.into_parts();
        within_limits(&head, &body, by.limits)?;
        // Nothing of a stand-in may be in what follows, because refusals and records quote it.
        no_stand_in_in_line(&head, by.stand_ins)?;
        let authority = authority(&head)?;
        let path = head.uri.path();
        let bare = path.strip_prefix('/').unwrap_or(path);
        let target = Target::read(bare, head.uri.query()).map_err(|why| Refusal::Path {
            place: Spot::Path,
            why,
        })?;
        let at =
            self.find(&head.method, authority, &target)
                .ok_or_else(|| Refusal::NotGranted {
                    method: shown(head.method.as_str()),
                    target: shown(&format!("{authority}{path}")),
                })?;
        let rule = self.rule(at);
        let parameters = read_query(target.query, &rule.query).map_err(|why| Refusal::Query {
            place: Spot::Query,
            why,
        })?;

        let mut swaps = Vec::new();
        let headers = admit_headers(rule, &head, by.stand_ins, &mut swaps)?;
        let kind = body_kind(rule, &headers, &body)?;
        let mut admitted = Admitted {
            rule: at,
            uri: self.uri(rule, bare, target.query)?,
            headers,
            body: Body::Empty,
            swaps,
            effect: rule.effect(),
            subject: None,
            parts: Vec::new(),
            _admitted: (),
        };
        let document = match kind {
            BodyKind::Empty => None,
            BodyKind::Form => {
                admitted.body =
                    Body::Form(admit_form(rule, &body, by.stand_ins, &mut admitted.swaps)?);
                None
            }
            BodyKind::Json => Some(Document::parse(&body).map_err(|fault| Refusal::Body {
                place: Spot::Body,
                why: fault.to_string(),
            })?),
        };
        if let Some(document) = &document {
            admit_members(rule, document, by.stand_ins, &mut admitted.swaps)?;
        }
        match &rule.shape {
            RuleShape::Single { effect, subject } => {
                allowed_in_mode(by.mode, rule, *effect)?;
                if let Some(subject) = subject {
                    let name = match &subject.naming {
                        NamingRule::Segment(place) => {
                            Ok(decoded(target.segments()[*place]).into_owned())
                        }
                        NamingRule::Filter(form) => form.name_in(&parameters),
                        NamingRule::JsonMember(pointer) => {
                            name_in_member(document.as_ref().map(|d| d.root()), pointer)
                        }
                    };
                    admitted.subject = Some(held_subject(rule, name, by.roster, None)?);
                }
                if let Some(document) = &document {
                    let mut out = Vec::with_capacity(body.len());
                    document.write(&mut out, &[]);
                    admitted.body = Body::Json(out);
                }
            }
            RuleShape::Batch {
                base,
                max_parts,
                calls,
            } => {
                let Some(document) = &document else {
                    return Err(Refusal::Envelope {
                        place: Spot::Body,
                        why: "has no parts".to_owned(),
                    });
                };
                let judge = envelope::Judge {
                    grant: self,
                    base,
                    max_parts: *max_parts,
                    calls,
                    by,
                };
                let (parts, out) = judge.admit(document.root(), body.len())?;
                admitted.effect = parts
                    .iter()
                    .map(|part| part.effect)
                    .max()
                    .unwrap_or(Effect::Reads);
                admitted.parts = parts;
                admitted.body = Body::Json(out);
            }
        }
        Ok(admitted)
    }

    fn uri(&self, rule: &Rule, path: &str, query: Option<&str>) -> Result<Uri, Refusal> {
        let mut text = format!("{}/{path}", self.origin(rule).as_str());
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        Uri::try_from(text).map_err(|_| Refusal::Address {
            why: "is not an address",
        })
    }
}

/// Refuses a change where nothing may be changed.
pub(crate) fn allowed_in_mode(mode: Mode, rule: &Rule, effect: Effect) -> Result<(), Refusal> {
    let mode = match mode {
        Mode::Enforce => return Ok(()),
        Mode::Simulate => "simulation",
        Mode::Check => "check",
        Mode::Describe => "description",
    };
    if effect == Effect::Changes {
        return Err(Refusal::Mode {
            call: rule.id.clone(),
            effect: "changes something",
            mode,
        });
    }
    Ok(())
}

/// Finds out whom a call is about, and whether the action may touch them.
pub(crate) fn held_subject(
    rule: &Rule,
    name: Result<String, &'static str>,
    roster: &Roster,
    part: Option<&str>,
) -> Result<Subject, Refusal> {
    let call = || rule.id.clone();
    let name = name.map_err(|why| Refusal::Subject {
        call: call(),
        part: in_part(part),
        why,
    })?;
    let fields = rule
        .subject()
        .map(|subject| subject.fields.as_slice())
        .unwrap_or_default();
    let owner = roster.owner_by(fields, &name);
    let owner = owner.ok_or_else(|| Refusal::NotHeld {
        call: call(),
        part: in_part(part),
    })?;
    if rule.effect() == Effect::Changes {
        roster.may_change(owner).map_err(|why| match why {
            NoChange::NotHeld => Refusal::NotHeld {
                call: call(),
                part: in_part(part),
            },
            NoChange::Draining => Refusal::Draining {
                call: call(),
                part: in_part(part),
            },
        })?;
    }
    Ok(Subject { owner, name })
}

/// How messages speak of a part, after the name of its call.
pub(crate) fn in_part(part: Option<&str>) -> String {
    part.map(|id| format!(" (part `{}`)", shown(id)))
        .unwrap_or_default()
}

/// The name in a member of the body.
pub(crate) fn name_in_member(
    root: Option<crate::json::Value<'_, '_>>,
    pointer: &Pointer,
) -> Result<String, &'static str> {
    let member = root
        .and_then(|root| root.follow(pointer))
        .ok_or("the body has no such member")?;
    Ok(member
        .string()
        .ok_or("the member is no string")?
        .into_owned())
}

fn within_limits(head: &Parts, body: &Bytes, limits: &Limits) -> Result<(), Refusal> {
    let over = |limit: &'static str, most: usize| {
        Err(Refusal::Limit {
            limit,
            most: most as u64,
        })
    };
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > limits.target {
        return over("bytes in an address", limits.target);
    }
    if head.headers.len() > limits.headers {
        return over("headers", limits.headers);
    }
    let bytes: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if bytes > limits.header_bytes {
        return over("bytes of headers", limits.header_bytes);
    }
    if body.len() > limits.request_body {
        return over("bytes in the body of a request", limits.request_body);
    }
    Ok(())
}

fn no_stand_in_in_line(head: &Parts, stand_ins: &StandIns) -> Result<(), Refusal> {
    let names = head
        .headers
        .keys()
        .map(|name| (Spot::Header("(its name)".to_owned()), name.as_str()));
    let line = [
        (Spot::Path, head.uri.path()),
        (Spot::Query, head.uri.query().unwrap_or_default()),
        (
            Spot::Path,
            head.uri
                .authority()
                .map_or("", |authority| authority.as_str()),
        ),
        (Spot::Path, head.method.as_str()),
    ];
    for (place, text) in line.into_iter().chain(names) {
        if let Some((what, form)) = stand_ins.sighted(text.as_bytes()) {
            return Err(Refusal::StandIn { place, what, form });
        }
    }
    Ok(())
}

fn authority(head: &Parts) -> Result<&str, Refusal> {
    let refused = |why| Err(Refusal::Address { why });
    match head.uri.scheme_str() {
        Some("https") => {}
        Some(_) => return refused("is not `https`"),
        None => return refused("is not a full one"),
    }
    let Some(authority) = head.uri.authority() else {
        return refused("has no host");
    };
    // `https://granted.example@other.example/` goes to `other.example`.
    if authority.as_str().contains('@') {
        return refused("has user information before the host");
    }
    Ok(authority.as_str())
}
