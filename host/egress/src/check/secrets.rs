//! Checks what calls carry and seal.

use std::collections::HashSet;

use super::names::{
    LONGEST_NAME, is_field, is_header_name, is_hosts_answer_header, is_hosts_request_header,
    is_kebab, is_parameter, is_variable,
};
use super::{At, Check, MOST_ENTRIES};
use crate::declare::{Call, Carried, FindingPlace, Held, Place};
use crate::fault::Flaw;
use crate::json::Pointer;
use crate::refusal::shown;

impl<'a> Check<'a> {
    pub(super) fn carries(&mut self, at: At<'a>, call: &Call, no_body: bool) {
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

    pub(super) fn seals(&mut self, at: At<'a>, call: &Call) {
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
                FindingPlace::ScriptVariable(variable, member) => {
                    let named = is_variable(variable) && is_field(member);
                    self.require(named, at, field, Flaw::BadName);
                }
            }
        }
    }
}
