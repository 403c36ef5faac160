//! Finds what is wrong with a declaration, all of it at once, without a connection.
//!
//! What can be said only when addresses and fields are known is said by [`crate::Grant::new`].

mod names;
mod secrets;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub(crate) use self::names::{has_no_body, method};
use self::names::{
    is_field, is_header_name, is_hosts_answer_header, is_hosts_request_header, is_kebab,
    is_parameter, is_unprintable,
};

use crate::addresses::Origin;
use crate::declare::{Call, Carried, Declaration, Effect, Naming, Place, Shape, Subject};
use crate::fault::{DeclarationFault, FaultPlace, Flaw, Section};
use crate::filter::FilterForm;
use crate::json::Pointer;
use crate::refusal::shown;
use crate::template::{Segment, Template};

/// Calls in a manifest.
const MOST_CALLS: usize = 256;
/// Entries of any other list.
const MOST_ENTRIES: usize = 64;
/// Bytes of any text.
const LONGEST_TEXT: usize = 512;
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

/// Whether the filters that two calls are named by tell their requests apart.
fn told_apart(one: &Call, two: &Call) -> bool {
    let form = |call: &Call| match &call.shape {
        Shape::Single {
            subject: Some(subject),
            ..
        } => match &subject.named_in {
            Naming::Filter(form) => FilterForm::parse(form),
            Naming::Segment | Naming::JsonMember(_) => None,
        },
        Shape::Single { .. } | Shape::ODataJsonBatch { .. } => None,
    };
    form(one)
        .zip(form(two))
        .is_some_and(|(one, two)| one.is_apart_from(&two))
}

fn in_body(carried: &Carried) -> bool {
    matches!(carried.place, Place::FormField(_) | Place::JsonMember(_))
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
            if let Some(name) = &lane.used_header {
                let flaw = Flaw::BadHeader(shown(name));
                self.require(is_header_name(name), at, "used-header", flaw);
            }
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
                if other.method == call.method && one.overlaps(two) && !told_apart(other, call) {
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
        let jar = call.cookie_jar.as_ref();
        self.require(
            jar.is_none_or(|jar| is_kebab(jar)),
            at,
            "cookie-jar",
            Flaw::NotKebab,
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
                    FilterForm::parse(filter).is_some(),
                    at,
                    field,
                    Flaw::BadSubject("the filter has no `{name}` at the end of a literal, or two"),
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
