//! The manifest in the contract's types.

use super::bindings::exports::tipstaff::action::enforcement::Manifest;
use super::bindings::tipstaff::action::manifest as wit;
use crate::manifest as own;

/// Converts; adds nothing.
pub(super) fn declare(manifest: own::Manifest) -> Manifest {
    Manifest {
        name: manifest.name.into(),
        title: manifest.title.into(),
        summary: manifest.summary.into(),
        version: manifest.version.into(),
        adapter: manifest.adapter.into(),
        asset_kinds: owned(manifest.asset_kinds),
        asset_fields: manifest
            .asset_fields
            .iter()
            .map(|field| wit::AssetField {
                path: field.path.into(),
                required: false,
                purpose: field.purpose.into(),
            })
            .collect(),
        settings_schema: manifest.settings_schema.into(),
        connection_schema: manifest.connection_schema.into(),
        endpoints: manifest
            .endpoints
            .iter()
            .map(|endpoint| wit::Endpoint {
                name: endpoint.name.into(),
                addresses: pairs(endpoint.addresses),
            })
            .collect(),
        calls: manifest.calls.iter().map(call).collect(),
        lanes: manifest
            .lanes
            .iter()
            .map(|lane| wit::Lane {
                id: lane.id.into(),
                units: lane.units,
                window: super::nanoseconds(lane.window),
                used_header: Some(lane.used_header.into()),
            })
            .collect(),
        outcome_codes: manifest
            .outcome_codes
            .iter()
            .map(|(code, meaning)| wit::OutcomeCode {
                code: (*code).into(),
                meaning: (*meaning).into(),
            })
            .collect(),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn pairs(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    texts
        .iter()
        .map(|(one, two)| ((*one).to_owned(), (*two).to_owned()))
        .collect()
}

fn call(call: &own::Call) -> wit::Call {
    wit::Call {
        id: call.id.into(),
        method: call.method.into(),
        url: call.url.into(),
        query: owned(call.query),
        request_headers: owned(call.request_headers),
        answer_headers: owned(call.answer_headers),
        purpose: call.purpose.into(),
        shape: match call.shape {
            own::Shape::Single { effect, subject } => wit::Shape::Single(wit::Single {
                effect: match effect {
                    own::Effect::SignsIn => wit::Effect::SignsIn,
                    own::Effect::Reads => wit::Effect::Reads,
                    own::Effect::Changes => wit::Effect::Changes,
                },
                subject: subject.map(|subject| wit::Subject {
                    named_in: match subject.named_in {
                        own::Naming::Segment => wit::Naming::Segment,
                        own::Naming::Filter(form) => wit::Naming::Filter(form.into()),
                    },
                    fields: owned(subject.fields),
                    learns: pairs(subject.learns)
                        .into_iter()
                        .map(|(json_member, echoes)| wit::Learnt {
                            json_member,
                            echoes,
                        })
                        .collect(),
                }),
            }),
            own::Shape::Batch {
                base,
                max_parts,
                calls,
            } => wit::Shape::Envelope(wit::Envelope {
                format: wit::EnvelopeFormat::OdataJsonBatch,
                base: base.into(),
                max_parts,
                calls: owned(calls),
            }),
        },
        repeatable: call.repeatable,
        carries: call
            .carries
            .iter()
            .map(|(what, place)| wit::Carried {
                what: match what {
                    own::Held::Secret(field) => wit::Held::Secret((*field).into()),
                    own::Held::Sealed(name) => wit::Held::Sealed((*name).into()),
                    own::Held::Assertion => wit::Held::Assertion,
                    own::Held::OneTimeCode(field) => wit::Held::OneTimeCode((*field).into()),
                },
                place: match place {
                    own::Place::Bearer => wit::Place::Bearer,
                    own::Place::Header(name) => wit::Place::Header((*name).into()),
                    own::Place::FormField(name) => wit::Place::FormField((*name).into()),
                    own::Place::JsonMember(pointer) => wit::Place::JsonMember((*pointer).into()),
                },
            })
            .collect(),
        seals: call
            .seals
            .iter()
            .map(|(name, found)| wit::Sealed {
                name: (*name).into(),
                found_in: match found {
                    own::Found::JsonMember(member) => {
                        wit::FindingPlace::JsonMember((*member).into())
                    }
                    own::Found::LocationQuery(name) => {
                        wit::FindingPlace::LocationQuery((*name).into())
                    }
                    own::Found::ScriptVariable(variable, member) => {
                        wit::FindingPlace::ScriptVariable(((*variable).into(), (*member).into()))
                    }
                },
            })
            .collect(),
        costs: call
            .costs
            .iter()
            .map(|(lane, units)| wit::Cost {
                lane: (*lane).into(),
                units: *units,
            })
            .collect(),
        cookie_jar: call.cookie_jar.map(Into::into),
    }
}
