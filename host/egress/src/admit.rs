//! Judges a request: the way from `http::Request` to [`Admitted`].
//!
//! It asks nobody for anything and sends nothing. What it admits is made anew from what it judged, so that the service
//! reads what was read here. Parts of envelopes are judged in [`crate::envelope`].

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Uri};

use crate::check::has_no_body;
use crate::declare::{Carried, Effect, Held, Place};
use crate::envelope::{self, AdmittedPart};
use crate::grant::{Grant, NamingRule, Rule, RuleShape};
use crate::json::{Document, Pointer};
use crate::limits::Limits;
use crate::refusal::{Refusal, Spot, shown};
use crate::roster::{NoChange, Owner, Roster};
use crate::session::Mode;
use crate::standin::{StandIns, describe};
use crate::target::{Parameter, Target, decoded, percent_decode, read_query};

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
                        NamingRule::Filter { before, after } => {
                            name_in_filter(&parameters, before, after)
                        }
                        NamingRule::JsonMember(pointer) => {
                            name_in_member(document.as_ref().map(|d| d.root()), pointer)
                        }
                    };
                    admitted.subject = Some(held_subject(rule, name, by.roster, String::new())?);
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
    part: String,
) -> Result<Subject, Refusal> {
    let call = || rule.id.clone();
    let name = match name {
        Ok(name) => name,
        Err(why) => {
            return Err(Refusal::Subject {
                call: call(),
                part,
                why,
            });
        }
    };
    let fields = rule
        .subject()
        .map(|subject| subject.fields.as_slice())
        .unwrap_or_default();
    let Some(owner) = roster.owner_by(fields, &name) else {
        return Err(Refusal::NotHeld { call: call(), part });
    };
    if rule.effect() == Effect::Changes {
        roster.may_change(owner).map_err(|why| match why {
            NoChange::NotHeld => Refusal::NotHeld {
                call: call(),
                part: part.clone(),
            },
            NoChange::Draining => Refusal::Draining {
                call: call(),
                part: part.clone(),
            },
        })?;
    }
    Ok(Subject { owner, name })
}

/// The name in `$filter`, which has to be the template with the name in its place.
pub(crate) fn name_in_filter(
    parameters: &[Parameter<'_>],
    before: &str,
    after: &str,
) -> Result<String, &'static str> {
    let filter = parameters
        .iter()
        .find(|parameter| parameter.name == "$filter")
        .ok_or("there is no `$filter`")?;
    let quoted = filter
        .value
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    let quoted = quoted.ok_or("`$filter` is not of the declared form")?;
    // OData 4.01, part 2, section 5.1.1.14.1: a single quote within a string is doubled.
    let mut name = String::with_capacity(quoted.len());
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        if letter == '\'' && letters.next() != Some('\'') {
            return Err("`$filter` has a single quote in the name that is not doubled");
        }
        name.push(letter);
    }
    // A `+` is a blank for most servers and a `+` for some; where it could be part of the name, that is two names.
    if filter.raw.contains('+') && name.contains(' ') {
        return Err("`$filter` has a `+` in the name, which has to be written `%2B` or `%20`");
    }
    Ok(name)
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

fn admit_headers(
    rule: &Rule,
    head: &Parts,
    stand_ins: &StandIns,
    swaps: &mut Vec<Swap>,
) -> Result<HeaderMap, Refusal> {
    let mut admitted = HeaderMap::with_capacity(head.headers.len() + 4);
    for name in head.headers.keys() {
        let place = || Spot::Header(name.as_str().to_owned());
        let mut values = head.headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Refusal::Header {
                place: place(),
                why: "is there twice",
            });
        };
        // RFC 9110 section 5.5: what else there is, is obsolete and read in different ways.
        let visible = |b: &u8| matches!(b, b' ' | b'\t' | 0x21..=0x7e);
        if !value.as_bytes().iter().all(visible) {
            return Err(Refusal::Header {
                place: place(),
                why: "has characters that a header cannot have",
            });
        }
        // The host's own, whatever the guest's library put there.
        if matches!(*name, header::CONTENT_LENGTH | header::USER_AGENT) {
            no_stand_in(place(), value.as_bytes(), stand_ins)?;
            continue;
        }
        if let Some((place_of_swap, wanted)) = carried_in_header(rule, name) {
            let text = match place_of_swap {
                SwapPlace::Bearer => value
                    .as_bytes()
                    .strip_prefix(b"Bearer ")
                    .unwrap_or_default(),
                _ => value.as_bytes(),
            };
            let text = std::str::from_utf8(text).unwrap_or_default();
            if text.is_empty() {
                no_stand_in(place(), value.as_bytes(), stand_ins)?;
            }
            in_its_place(rule, text, &wanted, stand_ins, place())?;
            swaps.push(Swap {
                place: place_of_swap,
                text: text.to_owned(),
            });
            continue;
        }
        let declared = matches!(*name, header::ACCEPT | header::CONTENT_TYPE)
            || rule.request_headers.contains(name);
        no_stand_in(place(), value.as_bytes(), stand_ins)?;
        if !declared {
            return Err(Refusal::Header {
                place: place(),
                why: "was not declared",
            });
        }
        admitted.insert(name, value.clone());
    }
    Ok(admitted)
}

/// What a header carries, if it does.
fn carried_in_header<'r>(rule: &'r Rule, name: &HeaderName) -> Option<(SwapPlace, Vec<&'r Held>)> {
    let here = |carried: &&Carried| match &carried.place {
        Place::Header(header) => header == name.as_str(),
        Place::Bearer => *name == header::AUTHORIZATION,
        Place::FormField(_) | Place::JsonMember(_) => false,
    };
    let mut carried = rule.carries.iter().filter(here).peekable();
    let place = match carried.peek()?.place {
        Place::Bearer => SwapPlace::Bearer,
        _ => SwapPlace::Header(name.clone()),
    };
    Some((place, carried.map(|carried| &carried.what).collect()))
}

/// Whether `text` is the stand-in of one of `wanted`, whole, and may be used in this call.
fn in_its_place(
    rule: &Rule,
    text: &str,
    wanted: &[&Held],
    stand_ins: &StandIns,
    place: Spot,
) -> Result<(), Refusal> {
    let one = stand_ins.get(text);
    if one.is_some_and(|one| wanted.contains(&&one.held) && one.is_good_in(&rule.id)) {
        return Ok(());
    }
    // The stand-in of something else, or with something around it, is named as such.
    no_stand_in(place.clone(), text.as_bytes(), stand_ins)?;
    let what: Vec<String> = wanted.iter().map(|held| describe(held)).collect();
    Err(Refusal::NotItsStandIn {
        place,
        what: what.join(" or "),
    })
}

fn no_stand_in(place: Spot, text: &[u8], stand_ins: &StandIns) -> Result<(), Refusal> {
    match stand_ins.sighted(text) {
        Some((what, form)) => Err(Refusal::StandIn { place, what, form }),
        None => Ok(()),
    }
}

enum BodyKind {
    Empty,
    Form,
    Json,
}

fn body_kind(rule: &Rule, headers: &HeaderMap, body: &Bytes) -> Result<BodyKind, Refusal> {
    let declared = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = declared
        .map(kind_of_content)
        .transpose()
        .map_err(|why| Refusal::Header {
            place: Spot::Header("content-type".to_owned()),
            why,
        })?;
    if body.is_empty() {
        return Ok(BodyKind::Empty);
    }
    if has_no_body(&rule.method) {
        return Err(Refusal::Body {
            place: Spot::Body,
            why: format!("may not be there, as this is a {}", rule.method),
        });
    }
    kind.ok_or_else(|| Refusal::Body {
        place: Spot::Body,
        why: "has no content type".to_owned(),
    })
}

/// JSON or a form, in UTF-8. A server chooses its parser by this, so nothing else is let through.
fn kind_of_content(value: &[u8]) -> Result<BodyKind, &'static str> {
    let mut parts = value.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let kind = match parts.next().unwrap_or_default() {
        essence if essence.eq_ignore_ascii_case(b"application/json") => BodyKind::Json,
        essence if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") => {
            BodyKind::Form
        }
        _ => return Err("is neither JSON nor a form"),
    };
    let mut parameters = 0;
    for parameter in parts {
        parameters += 1;
        let utf8 = [&b"charset=utf-8"[..], b"charset=\"utf-8\""]
            .iter()
            .any(|known| parameter.eq_ignore_ascii_case(known));
        if !utf8 || parameters > 1 {
            return Err("has a parameter other than `charset=utf-8`");
        }
    }
    Ok(kind)
}

fn admit_form(
    rule: &Rule,
    body: &Bytes,
    stand_ins: &StandIns,
    swaps: &mut Vec<Swap>,
) -> Result<Vec<(String, String)>, Refusal> {
    let bad = |why: &str| Refusal::Body {
        place: Spot::Body,
        why: why.to_owned(),
    };
    let text = std::str::from_utf8(body).map_err(|_| bad("is not UTF-8"))?;
    // WHATWG URL, "application/x-www-form-urlencoded": what a serializer leaves as it is, and what many others do.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~*+%!$'(),/:@?&=".contains(&b);
    if !text.bytes().all(plain) {
        return Err(bad("has characters that have to be percent-encoded"));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut swapped = Vec::new();
    for pair in text.split('&') {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| bad("has a field without `=`"))?;
        let name = percent_decode(name, true)
            .ok_or_else(|| bad("has a name that cannot be decoded"))?
            .into_owned();
        let value = percent_decode(value, true)
            .ok_or_else(|| bad("has a value that cannot be decoded"))?
            .into_owned();
        no_stand_in(Spot::Body, name.as_bytes(), stand_ins)?;
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(bad("has a field twice"));
        }
        if pairs.len() >= 256 {
            return Err(bad("has more than 256 fields"));
        }
        let here = |carried: &&Carried| matches!(&carried.place, Place::FormField(field) if *field == name);
        let wanted: Vec<&Held> = rule
            .carries
            .iter()
            .filter(here)
            .map(|carried| &carried.what)
            .collect();
        if wanted.is_empty() {
            no_stand_in(Spot::FormField(name.clone()), value.as_bytes(), stand_ins)?;
        } else {
            in_its_place(
                rule,
                &value,
                &wanted,
                stand_ins,
                Spot::FormField(name.clone()),
            )?;
            swaps.push(Swap {
                place: SwapPlace::Form(pairs.len()),
                text: value.clone(),
            });
            swapped.push(pairs.len());
        }
        pairs.push((name, value));
    }
    // Two fields together could be what neither is alone; their order is the guest's.
    let rest: Vec<&str> = pairs
        .iter()
        .enumerate()
        .filter(|(at, _)| !swapped.contains(at))
        .map(|(_, (_, v))| v.as_str())
        .collect();
    no_stand_in(Spot::Body, rest.concat().as_bytes(), stand_ins)?;
    Ok(pairs)
}

/// Finds the stand-ins that a JSON body carries, and makes sure that there are no others in it.
fn admit_members(
    rule: &Rule,
    document: &Document<'_>,
    stand_ins: &StandIns,
    swaps: &mut Vec<Swap>,
) -> Result<(), Refusal> {
    let mut places = Vec::new();
    for carried in &rule.carries {
        let Place::JsonMember(text) = &carried.place else {
            continue;
        };
        let Some(pointer) = Pointer::parse(text) else {
            continue;
        };
        let Some(value) = document.root().follow(&pointer) else {
            continue;
        };
        if places.contains(&value.place()) {
            continue;
        }
        let place = Spot::JsonMember(text.clone());
        let same =
            |other: &&Carried| matches!(&other.place, Place::JsonMember(other) if other == text);
        let wanted: Vec<&Held> = rule
            .carries
            .iter()
            .filter(same)
            .map(|carried| &carried.what)
            .collect();
        let string = value.string().unwrap_or_default();
        in_its_place(rule, &string, &wanted, stand_ins, place)?;
        places.push(value.place());
        swaps.push(Swap {
            place: SwapPlace::Json(pointer),
            text: string.into_owned(),
        });
    }
    let blanks: Vec<(usize, &str)> = places.iter().map(|place| (*place, "")).collect();
    let mut rest = Vec::new();
    document.write(&mut rest, &blanks);
    no_stand_in(Spot::Body, &rest, stand_ins)
}

#[cfg(test)]
mod tests;
