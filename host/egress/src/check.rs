//! Finds what is wrong with a declaration, all of it at once, without a connection.
//!
//! What can be said only when addresses and fields are known is said by [`crate::Grant::new`].

use std::collections::HashSet;

use http::Method;

use crate::addresses::Origin;
use crate::declare::{
    Call, Carried, Declaration, Effect, FindingPlace, Held, Naming, Place, Shape, Subject,
};
use crate::fault::{DeclarationFault, FaultPlace, Flaw, Section};
use crate::json::Pointer;
use crate::refusal::shown;
use crate::template::{Segment, Template};

/// Calls in a manifest.
const MOST_CALLS: usize = 256;
/// Entries of any other list.
const MOST_ENTRIES: usize = 64;
/// Bytes of any text.
const LONGEST_TEXT: usize = 512;
/// Bytes of a name that an action chooses.
const LONGEST_NAME: usize = 64;
/// Faults that are listed.
const MOST_FAULTS: usize = 1000;
/// Parts of an envelope.
const MOST_PARTS: u32 = 1000;

impl Declaration {
    /// Everything that is wrong with the declaration, whatever the connection. Empty if nothing is.
    #[must_use]
    pub fn faults(&self) -> Vec<DeclarationFault> {
        let mut check = Check {
            declaration: self,
            faults: Vec::new(),
        };
        check.endpoints();
        check.lanes();
        check.calls();
        check.faults
    }
}

/// The methods that a call can have. What else there is opens tunnels (CONNECT), mirrors headers (TRACE) or is for
/// other protocols.
pub(crate) fn method(text: &str) -> Option<Method> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    known.into_iter().find(|method| method.as_str() == text)
}

/// GET and HEAD have no body that means anything (RFC 9110 section 9.3.1).
pub(crate) fn has_no_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// `{name}` of a filter's template, with the quotes around it.
const NAME_IN_FILTER: &str = "'{name}'";

/// A filter's template, cut where the name is; the quotes belong to the ends.
pub(crate) fn cut_filter(template: &str) -> Option<(&str, &str)> {
    let (before, after) = template.split_once(NAME_IN_FILTER)?;
    let clean = !after.contains("{name}") && !before.contains("{name}");
    clean.then(|| {
        (
            &template[..before.len() + 1],
            &template[before.len() + NAME_IN_FILTER.len() - 1..],
        )
    })
}

/// Whether a request header is the host's alone: those of the connection (RFC 9110 section 7.6.1), those that carry
/// credentials or cookies, and those by which a service may take a request for another one.
pub(crate) fn is_hosts_request_header(name: &str) -> bool {
    const WHOLE: [&str; 29] = [
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "cookie2",
        "expect",
        "forwarded",
        "front-end-https",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "origin",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "true-client-ip",
        "upgrade",
        "user-agent",
        "via",
        "x-client-ip",
        "x-host",
        "x-method-override",
        "x-original-url",
        "x-real-ip",
        "x-rewrite-url",
    ];
    const BEGINNINGS: [&str; 8] = [
        "proxy-",
        "sec-",
        "x-forwarded",
        "x-http-method",
        "x-original-",
        "x-rewrite-",
        "x-override",
        "cf-connecting",
    ];
    WHOLE.contains(&name)
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

/// Whether an action never sees a header of an answer.
pub(crate) fn is_hosts_answer_header(name: &str) -> bool {
    const WHOLE: [&str; 13] = [
        "authorization",
        "clear-site-data",
        "connection",
        "content-encoding",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "set-cookie",
        "set-cookie2",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    WHOLE.contains(&name)
}

/// Token characters of RFC 9110 section 5.6.2 that header names in use are made of, in lower case.
pub(crate) fn is_header_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

fn is_kebab(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(word)
}

/// Letters that are shown as nothing, or turn the text around them.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name of a query parameter or a form field that has one spelling before and after the usual decoding.
fn is_parameter(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"$-._~!@:".contains(&b);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

fn in_body(carried: &Carried) -> bool {
    matches!(carried.place, Place::FormField(_) | Place::JsonMember(_))
}

fn is_field(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

struct Check<'a> {
    declaration: &'a Declaration,
    faults: Vec<DeclarationFault>,
}

/// An entry that is being looked at.
#[derive(Clone, Copy)]
struct At<'a> {
    section: Section,
    index: usize,
    name: &'a str,
}

impl<'a> Check<'a> {
    fn endpoints(&mut self) {
        let endpoints = &self.declaration.endpoints;
        self.count(Section::Endpoints, endpoints.len(), MOST_ENTRIES);
        self.unique(
            Section::Endpoints,
            endpoints.iter().map(|endpoint| endpoint.name.as_str()),
        );
        for (index, endpoint) in endpoints.iter().enumerate().take(MOST_ENTRIES) {
            let at = At {
                section: Section::Endpoints,
                index,
                name: &endpoint.name,
            };
            self.require(is_kebab(&endpoint.name), at, "name", Flaw::NotKebab);
            self.list(at, "addresses", endpoint.addresses.len());
            let mut clouds = HashSet::new();
            for (cloud, address) in endpoint.addresses.iter().take(MOST_ENTRIES) {
                self.require(is_kebab(cloud), at, "addresses", Flaw::NotKebab);
                self.require(
                    clouds.insert(cloud),
                    at,
                    "addresses",
                    Flaw::Twice(shown(cloud)),
                );
                if let Err(reason) = Origin::parse(address) {
                    self.add(
                        at,
                        "addresses",
                        Flaw::BadAddress {
                            address: shown(address),
                            reason,
                        },
                    );
                }
            }
        }
    }

    fn lanes(&mut self) {
        let lanes = &self.declaration.lanes;
        self.count(Section::Lanes, lanes.len(), MOST_ENTRIES);
        self.unique(Section::Lanes, lanes.iter().map(|lane| lane.id.as_str()));
        for (index, lane) in lanes.iter().enumerate().take(MOST_ENTRIES) {
            let at = At {
                section: Section::Lanes,
                index,
                name: &lane.id,
            };
            self.require(is_kebab(&lane.id), at, "id", Flaw::NotKebab);
            self.require(
                lane.units > 0,
                at,
                "units",
                Flaw::OutOfRange(u32::MAX.into()),
            );
            let window = lane.window.as_millis();
            self.require(
                (1..=86_400_000).contains(&window),
                at,
                "window",
                Flaw::OutOfRange(86_400_000),
            );
        }
    }

    fn calls(&mut self) {
        let calls = &self.declaration.calls;
        self.count(Section::Calls, calls.len(), MOST_CALLS);
        self.unique(Section::Calls, calls.iter().map(|call| call.id.as_str()));
        let templates: Vec<Option<Template>> = calls
            .iter()
            .take(MOST_CALLS)
            .map(|call| Template::parse(&call.url).ok())
            .collect();
        for (index, call) in calls.iter().enumerate().take(MOST_CALLS) {
            let at = At {
                section: Section::Calls,
                index,
                name: &call.id,
            };
            self.call(at, call);
            let earlier = calls.iter().zip(&templates).take(index);
            for (other, template) in earlier {
                let (Some(one), Some(two)) = (template, &templates[index]) else {
                    continue;
                };
                if other.method == call.method && one.overlaps(two) {
                    self.add(at, "url", Flaw::Overlaps(shown(&other.id)));
                }
            }
        }
    }

    fn call(&mut self, at: At<'a>, call: &'a Call) {
        self.require(is_kebab(&call.id), at, "id", Flaw::NotKebab);
        let method = method(&call.method);
        self.require(method.is_some(), at, "method", Flaw::BadMethod);
        let no_body = method.as_ref().is_some_and(has_no_body);
        self.text(at, "purpose", &call.purpose);
        self.text(at, "url", &call.url);
        let template = self.template(at, "url", &call.url);
        if template
            .as_ref()
            .is_some_and(|template| template.segments.is_empty())
        {
            self.add(at, "url", Flaw::BadTemplate("it has no path"));
        }
        self.list(at, "query", call.query.len());
        self.no_two(at, "query", call.query.iter());
        self.require(
            call.query.iter().all(|name| is_parameter(name)),
            at,
            "query",
            Flaw::BadName,
        );
        self.headers(
            at,
            "request-headers",
            &call.request_headers,
            is_hosts_request_header,
        );
        self.headers(
            at,
            "answer-headers",
            &call.answer_headers,
            is_hosts_answer_header,
        );
        self.carries(at, call, no_body);
        self.seals(at, call);
        self.list(at, "costs", call.costs.len());
        self.no_two(at, "costs", call.costs.iter().map(|cost| &cost.lane));
        for cost in call.costs.iter().take(MOST_ENTRIES) {
            match self
                .declaration
                .lanes
                .iter()
                .find(|lane| lane.id == cost.lane)
            {
                None => self.add(at, "costs", Flaw::UnknownLane(shown(&cost.lane))),
                Some(lane) => {
                    let fits = (1..=lane.units).contains(&cost.units);
                    self.require(fits, at, "costs", Flaw::OutOfRange(lane.units.into()));
                }
            }
        }
        self.require(
            call.cookie_jar.is_none(),
            at,
            "cookie-jar",
            Flaw::Unsupported("a cookie jar"),
        );
        match &call.shape {
            Shape::Single { effect, subject } => {
                let about_somebody = *effect != Effect::Changes || subject.is_some();
                self.require(about_somebody, at, "shape", Flaw::NoSubject);
                if let Some(subject) = subject {
                    self.subject(at, call, subject, template.as_ref(), no_body);
                }
            }
            Shape::ODataJsonBatch {
                base,
                max_parts,
                calls,
            } => {
                self.require(
                    call.method == "POST",
                    at,
                    "method",
                    Flaw::BadPlace("an envelope is a POST"),
                );
                self.require(
                    (1..=MOST_PARTS).contains(max_parts),
                    at,
                    "max-parts",
                    Flaw::OutOfRange(MOST_PARTS.into()),
                );
                let body_is_free = !call.carries.iter().any(in_body);
                self.require(
                    body_is_free,
                    at,
                    "carries",
                    Flaw::BadPlace("the body of an envelope holds its parts"),
                );
                let base = self.template(at, "base", base);
                self.envelope(at, base.as_ref(), calls);
            }
        }
    }

    fn template(&mut self, at: At<'a>, field: &'static str, text: &str) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => {
                let known = self
                    .declaration
                    .endpoints
                    .iter()
                    .any(|endpoint| endpoint.name == template.endpoint);
                self.require(
                    known,
                    at,
                    field,
                    Flaw::UnknownEndpoint(shown(&template.endpoint)),
                );
                Some(template)
            }
            Err(why) => {
                self.add(at, field, Flaw::BadTemplate(why));
                None
            }
        }
    }

    fn headers(
        &mut self,
        at: At<'a>,
        field: &'static str,
        names: &[String],
        is_hosts: fn(&str) -> bool,
    ) {
        self.list(at, field, names.len());
        self.no_two(at, field, names.iter());
        for name in names.iter().take(MOST_ENTRIES) {
            if !is_header_name(name) {
                self.add(at, field, Flaw::BadHeader(shown(name)));
            } else if is_hosts(name) {
                self.add(at, field, Flaw::ForbiddenHeader(name.clone()));
            }
        }
    }

    fn carries(&mut self, at: At<'a>, call: &Call, no_body: bool) {
        let field = "carries";
        self.list(at, field, call.carries.len());
        let (mut forms, mut members, mut authorizations) = (false, false, HashSet::new());
        for (index, Carried { what, place }) in call.carries.iter().enumerate().take(MOST_ENTRIES) {
            let again = call.carries[..index]
                .iter()
                .any(|other| other.what == *what && other.place == *place);
            self.require(
                !again,
                at,
                field,
                Flaw::BadPlace("the same is carried there twice"),
            );
            match what {
                Held::Sealed(name) => {
                    let sealed = self
                        .declaration
                        .calls
                        .iter()
                        .flat_map(|call| &call.seals)
                        .any(|seal| seal.name == *name);
                    self.require(sealed, at, field, Flaw::UnknownSeal(shown(name)));
                }
                Held::Secret(name) | Held::OneTimeCode(name) => {
                    self.require(is_field(name), at, field, Flaw::BadName)
                }
                Held::Assertion => {}
            }
            match place {
                Place::Bearer => {
                    authorizations.insert("bearer");
                }
                Place::Header(name) if name == "authorization" => {
                    authorizations.insert("header");
                }
                Place::Header(name) if !is_header_name(name) => {
                    self.add(at, field, Flaw::BadHeader(shown(name)))
                }
                Place::Header(name) => {
                    let free = !is_hosts_request_header(name)
                        && !matches!(name.as_str(), "accept" | "content-type");
                    self.require(free, at, field, Flaw::ForbiddenHeader(name.clone()));
                    let apart = !call.request_headers.contains(name);
                    self.require(
                        apart,
                        at,
                        field,
                        Flaw::BadPlace("the header is among `request-headers` too"),
                    );
                }
                Place::FormField(name) => {
                    forms = true;
                    self.require(is_parameter(name), at, field, Flaw::BadName);
                }
                Place::JsonMember(pointer) => {
                    members = true;
                    self.require(
                        Pointer::parse(pointer).is_some(),
                        at,
                        field,
                        Flaw::BadPointer(shown(pointer)),
                    );
                }
            }
        }
        self.require(
            !(forms && members),
            at,
            field,
            Flaw::BadPlace("a body is a form or JSON, not both"),
        );
        self.require(
            !(no_body && (forms || members)),
            at,
            field,
            Flaw::SafeMethod,
        );
        self.require(
            authorizations.len() < 2,
            at,
            field,
            Flaw::BadPlace("`authorization` is a bearer token or something else"),
        );
    }

    fn seals(&mut self, at: At<'a>, call: &Call) {
        let field = "seals";
        self.list(at, field, call.seals.len());
        self.no_two(at, field, call.seals.iter().map(|seal| &seal.name));
        for seal in call.seals.iter().take(MOST_ENTRIES) {
            self.require(is_kebab(&seal.name), at, field, Flaw::NotKebab);
            match &seal.found_in {
                FindingPlace::JsonMember(name) => {
                    self.require(
                        (1..=LONGEST_NAME).contains(&name.len()),
                        at,
                        field,
                        Flaw::BadName,
                    );
                }
                FindingPlace::Header(name) => {
                    self.require(
                        is_header_name(name),
                        at,
                        field,
                        Flaw::BadHeader(shown(name)),
                    );
                    self.require(
                        !is_hosts_answer_header(name),
                        at,
                        field,
                        Flaw::ForbiddenHeader(shown(name)),
                    );
                }
                FindingPlace::LocationQuery(name) => {
                    self.require(is_parameter(name), at, field, Flaw::BadName)
                }
                FindingPlace::ScriptVariable(..) => {
                    self.add(at, field, Flaw::Unsupported("sealing in a page's script"))
                }
            }
        }
    }

    fn subject(
        &mut self,
        at: At<'a>,
        call: &Call,
        subject: &Subject,
        template: Option<&Template>,
        no_body: bool,
    ) {
        let field = "subject";
        match &subject.named_in {
            Naming::Segment => {
                let star =
                    template.is_none_or(|template| template.segments.contains(&Segment::Any));
                self.require(star, at, field, Flaw::BadSubject("the address has no `*`"));
            }
            Naming::Filter(filter) => {
                self.text(at, field, filter);
                let declared = call.query.iter().any(|name| name == "$filter");
                self.require(
                    declared,
                    at,
                    field,
                    Flaw::BadSubject("`$filter` is not among `query`"),
                );
                self.require(
                    cut_filter(filter).is_some(),
                    at,
                    field,
                    Flaw::BadSubject("the filter has no `'{name}'`, or two"),
                );
            }
            Naming::JsonMember(pointer) => {
                self.require(
                    Pointer::parse(pointer).is_some(),
                    at,
                    field,
                    Flaw::BadPointer(shown(pointer)),
                );
                self.require(
                    !no_body,
                    at,
                    field,
                    Flaw::BadSubject("the method has no body"),
                );
            }
        }
        self.list(at, field, subject.fields.len());
        self.no_two(at, field, subject.fields.iter());
        self.require(
            subject.fields.iter().all(|name| is_field(name)),
            at,
            field,
            Flaw::BadName,
        );
        self.list(at, "learns", subject.learns.len());
        for learnt in subject.learns.iter().take(MOST_ENTRIES) {
            let named = is_field(&learnt.json_member) && is_field(&learnt.echoes);
            self.require(named, at, "learns", Flaw::BadName);
        }
    }

    fn envelope(&mut self, at: At<'a>, base: Option<&Template>, ids: &[String]) {
        let field = "calls";
        self.list(at, field, ids.len());
        self.require(!ids.is_empty(), at, field, Flaw::Empty);
        self.no_two(at, field, ids.iter());
        if base.is_some_and(|base| base.segments.contains(&Segment::Any)) {
            self.add(
                at,
                "base",
                Flaw::BadTemplate("the base of an envelope has no `*`"),
            );
        }
        for id in ids.iter().take(MOST_ENTRIES) {
            let Some(part) = self.declaration.calls.iter().find(|call| call.id == *id) else {
                self.add(at, field, Flaw::UnknownCall(shown(id)));
                continue;
            };
            let why = match &part.shape {
                Shape::ODataJsonBatch { .. } => Some("it is an envelope itself"),
                Shape::Single {
                    effect: Effect::SignsIn,
                    ..
                } => Some("it signs in"),
                // What a call carries in a header is carried by the envelope for all of its parts.
                Shape::Single { .. } if part.carries.iter().any(in_body) => {
                    Some("it carries a secret in its body")
                }
                Shape::Single { .. } => match (base, Template::parse(&part.url)) {
                    (Some(base), Ok(template))
                        if !base.begins(&template)
                            || base.segments.len() == template.segments.len() =>
                    {
                        Some("its address does not begin with `base`")
                    }
                    _ => None,
                },
            };
            if let Some(why) = why {
                self.add(
                    at,
                    field,
                    Flaw::BadPart {
                        call: shown(id),
                        why,
                    },
                );
            }
        }
    }

    fn text(&mut self, at: At<'a>, field: &'static str, text: &str) {
        self.require(!text.is_empty(), at, field, Flaw::Empty);
        self.require(
            text.len() <= LONGEST_TEXT,
            at,
            field,
            Flaw::TooLong(LONGEST_TEXT),
        );
        self.require(!text.contains(is_unprintable), at, field, Flaw::Unprintable);
    }

    fn list(&mut self, at: At<'a>, field: &'static str, entries: usize) {
        self.require(
            entries <= MOST_ENTRIES,
            at,
            field,
            Flaw::TooMany(MOST_ENTRIES),
        );
    }

    fn no_two<'s>(
        &mut self,
        at: At<'a>,
        field: &'static str,
        names: impl Iterator<Item = &'s String>,
    ) {
        let mut seen = HashSet::new();
        for name in names.take(MOST_ENTRIES) {
            self.require(seen.insert(name), at, field, Flaw::Twice(shown(name)));
        }
    }

    fn count(&mut self, section: Section, entries: usize, most: usize) {
        if entries > most {
            let place = FaultPlace {
                section,
                index: None,
                name: String::new(),
                field: "",
            };
            self.faults.push(DeclarationFault {
                place,
                flaw: Flaw::TooMany(most),
            });
        }
    }

    fn unique(&mut self, section: Section, names: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        for (index, name) in names.enumerate().take(MOST_CALLS) {
            let again = !seen.insert(name);
            self.require(
                !again,
                At {
                    section,
                    index,
                    name,
                },
                "",
                Flaw::Twice(shown(name)),
            );
        }
    }

    fn require(&mut self, good: bool, at: At<'_>, field: &'static str, flaw: Flaw) {
        if !good {
            self.add(at, field, flaw);
        }
    }

    fn add(&mut self, at: At<'_>, field: &'static str, flaw: Flaw) {
        if self.faults.len() >= MOST_FAULTS {
            return;
        }
        let place = FaultPlace {
            section: at.section,
            index: Some(at.index),
            name: shown(at.name),
            field,
        };
        self.faults.push(DeclarationFault { place, flaw });
    }
}

#[cfg(test)]
mod tests;
