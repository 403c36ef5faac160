//! Every fault that a declaration can have, one at a time.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use super::*;
use crate::declare::{Cost, Endpoint, FindingPlace, Held, Lane, Learnt, Sealed};
use crate::grant::Grant;
use crate::testing::{addresses, call, declaration, single};

/// The flaws after a change.
fn flaws(change: impl FnOnce(&mut Declaration)) -> Vec<Flaw> {
    let mut declaration = declaration();
    change(&mut declaration);
    declaration
        .faults()
        .into_iter()
        .map(|fault| fault.flaw)
        .collect()
}

#[test]
fn a_good_declaration_has_no_faults() {
    assert_eq!(declaration().faults(), []);
    assert!(Grant::new(&declaration(), &addresses()).is_ok());
    assert_eq!(Declaration::default().faults(), []);
}

#[test]
fn each_fault_is_found() {
    let revoke = 3;
    let batch = 5;
    let carried = |what, place| Carried { what, place };
    let secret = || Held::Secret("x".to_owned());
    type Change = Box<dyn FnOnce(&mut Declaration)>;
    let cases: Vec<(Change, Flaw)> = vec![
        (
            Box::new(|d| d.calls[0].id = "Sign_In".to_owned()),
            Flaw::NotKebab,
        ),
        (Box::new(|d| d.calls[0].id = "x".repeat(65)), Flaw::NotKebab),
        (
            Box::new(|d| d.calls[0].id = "раypal".to_owned()),
            Flaw::NotKebab,
        ),
        (
            Box::new(|d| d.calls[6].id = "find".to_owned()),
            Flaw::Twice("find".to_owned()),
        ),
        (
            Box::new(|d| d.endpoints[0].name = "graph".to_owned()),
            Flaw::Twice("graph".to_owned()),
        ),
        (
            Box::new(|d| d.lanes[0].id = "units".to_owned()),
            Flaw::Twice("units".to_owned()),
        ),
        (
            Box::new(|d| d.calls[0].method = "post".to_owned()),
            Flaw::BadMethod,
        ),
        (
            Box::new(|d| d.calls[0].method = "CONNECT".to_owned()),
            Flaw::BadMethod,
        ),
        (
            Box::new(|d| d.calls[0].purpose = String::new()),
            Flaw::Empty,
        ),
        (
            Box::new(|d| d.calls[0].purpose = "a\u{202e}b".to_owned()),
            Flaw::Unprintable,
        ),
        (
            Box::new(|d| d.calls[0].purpose = "a".repeat(513)),
            Flaw::TooLong(512),
        ),
        (
            Box::new(|d| d.calls[0].url = "{other}/x".to_owned()),
            Flaw::UnknownEndpoint("other".to_owned()),
        ),
        (
            Box::new(|d| d.calls[0].url = "{login}".to_owned()),
            Flaw::BadTemplate("it has no path"),
        ),
        (
            Box::new(|d| d.calls[0].query = vec!["a&b".to_owned()]),
            Flaw::BadName,
        ),
        (
            Box::new(|d| d.calls[0].query = vec!["a".to_owned(), "a".to_owned()]),
            Flaw::Twice("a".to_owned()),
        ),
        (
            Box::new(|d| d.calls[0].query = (0..65).map(|n| format!("q{n}")).collect()),
            Flaw::TooMany(64),
        ),
        (
            Box::new(|d| d.calls[0].request_headers = vec!["Accept".to_owned()]),
            Flaw::BadHeader("Accept".to_owned()),
        ),
        (
            Box::new(|d| d.calls[0].request_headers = vec!["a b".to_owned()]),
            Flaw::BadHeader("a b".to_owned()),
        ),
        (
            Box::new(|d| d.calls[0].answer_headers = vec!["set-cookie".to_owned()]),
            Flaw::ForbiddenHeader("set-cookie".to_owned()),
        ),
        (
            Box::new(move |d| {
                let Shape::Single { subject, .. } = &mut d.calls[revoke].shape else {
                    return;
                };
                *subject = None;
            }),
            Flaw::NoSubject,
        ),
        (
            Box::new(|d| {
                d.calls.push(call(
                    "more",
                    "POST",
                    "{graph}/v1.0/x",
                    single(Effect::Changes, Some(Naming::Segment)),
                ))
            }),
            Flaw::BadSubject("the address has no `*`"),
        ),
        (
            Box::new(|d| {
                d.calls.push(call(
                    "more",
                    "GET",
                    "{graph}/v1.0/x",
                    single(
                        Effect::Reads,
                        Some(Naming::Filter("mail eq '{name}'".to_owned())),
                    ),
                ))
            }),
            Flaw::BadSubject("`$filter` is not among `query`"),
        ),
        (
            Box::new(|d| {
                d.calls.push(call(
                    "more",
                    "GET",
                    "{graph}/v1.0/x",
                    single(Effect::Reads, Some(Naming::JsonMember("/a".to_owned()))),
                ))
            }),
            Flaw::BadSubject("the method has no body"),
        ),
        (
            Box::new(|d| {
                d.calls.push(call(
                    "more",
                    "POST",
                    "{graph}/v1.0/x",
                    single(Effect::Reads, Some(Naming::JsonMember("a".to_owned()))),
                ))
            }),
            Flaw::BadPointer("a".to_owned()),
        ),
        (
            Box::new(|d| {
                let Shape::Single {
                    subject: Some(subject),
                    ..
                } = &mut d.calls[2].shape
                else {
                    return;
                };
                subject.named_in = Naming::Filter("mail eq {name}".to_owned());
            }),
            Flaw::BadSubject("the filter has no `{name}` at the end of a literal, or two"),
        ),
        (
            Box::new(|d| {
                let Shape::Single {
                    subject: Some(subject),
                    ..
                } = &mut d.calls[1].shape
                else {
                    return;
                };
                subject.learns.push(Learnt {
                    json_member: String::new(),
                    echoes: "x".to_owned(),
                });
            }),
            Flaw::BadName,
        ),
        (
            Box::new(|d| {
                d.calls.push(call(
                    "more",
                    "GET",
                    "{graph}/v1.0/users/delta",
                    single(Effect::Reads, None),
                ))
            }),
            Flaw::Overlaps("look-up".to_owned()),
        ),
        (
            Box::new(move |d| {
                d.calls[0]
                    .carries
                    .push(carried(secret(), Place::Header("host".to_owned())))
            }),
            Flaw::ForbiddenHeader("host".to_owned()),
        ),
        (
            Box::new(move |d| {
                d.calls[0]
                    .carries
                    .push(carried(secret(), Place::JsonMember("/a".to_owned())))
            }),
            Flaw::BadPlace("a body is a form or JSON, not both"),
        ),
        (
            Box::new(move |d| {
                d.calls[1]
                    .carries
                    .push(carried(secret(), Place::FormField("a".to_owned())))
            }),
            Flaw::SafeMethod,
        ),
        (
            Box::new(move |d| {
                d.calls[1]
                    .carries
                    .push(carried(secret(), Place::Header("authorization".to_owned())))
            }),
            Flaw::BadPlace("`authorization` is a bearer token or something else"),
        ),
        (
            Box::new(move |d| {
                d.calls[1]
                    .carries
                    .push(carried(Held::Sealed("no-one".to_owned()), Place::Bearer))
            }),
            Flaw::UnknownSeal("no-one".to_owned()),
        ),
        (
            Box::new(move |d| {
                d.calls[batch]
                    .carries
                    .push(carried(secret(), Place::JsonMember("/requests".to_owned())))
            }),
            Flaw::BadPlace("the body of an envelope holds its parts"),
        ),
        (
            Box::new(|d| {
                d.calls[0].seals.push(Sealed {
                    name: "x".to_owned(),
                    found_in: FindingPlace::ScriptVariable("a".to_owned(), "b".to_owned()),
                })
            }),
            Flaw::BadName,
        ),
        (
            Box::new(|d| d.calls[0].cookie_jar = Some("A jar".to_owned())),
            Flaw::NotKebab,
        ),
        (
            Box::new(|d| {
                d.calls[0].costs = vec![Cost {
                    lane: "x".to_owned(),
                    units: 1,
                }]
            }),
            Flaw::UnknownLane("x".to_owned()),
        ),
        (
            Box::new(|d| {
                d.calls[0].costs = vec![Cost {
                    lane: "writes".to_owned(),
                    units: 0,
                }]
            }),
            Flaw::OutOfRange(3000),
        ),
        (
            Box::new(|d| {
                d.lanes.push(Lane {
                    id: "x".to_owned(),
                    units: 0,
                    window: Duration::from_secs(1),
                    used_header: None,
                })
            }),
            Flaw::OutOfRange(u32::MAX.into()),
        ),
        (
            Box::new(|d| {
                d.lanes.push(Lane {
                    id: "x".to_owned(),
                    units: 1,
                    window: Duration::ZERO,
                    used_header: None,
                })
            }),
            Flaw::OutOfRange(86_400_000),
        ),
        (
            Box::new(|d| d.lanes[0].used_header = Some("X-Used".to_owned())),
            Flaw::BadHeader("X-Used".to_owned()),
        ),
        (
            Box::new(|d| {
                d.endpoints.push(Endpoint {
                    name: "x".to_owned(),
                    addresses: vec![("global".to_owned(), "http://x".to_owned())],
                });
            }),
            Flaw::BadAddress {
                address: "http://x".to_owned(),
                reason: crate::OriginError::NotHttps,
            },
        ),
        (
            Box::new(move |d| envelope(d, batch, |_, calls| calls.push("nobody".to_owned()))),
            Flaw::UnknownCall("nobody".to_owned()),
        ),
        (
            Box::new(move |d| envelope(d, batch, |_, calls| calls.push("batch".to_owned()))),
            Flaw::BadPart {
                call: "batch".to_owned(),
                why: "it is an envelope itself",
            },
        ),
        (
            Box::new(move |d| envelope(d, batch, |_, calls| calls.push("sign-in".to_owned()))),
            Flaw::BadPart {
                call: "sign-in".to_owned(),
                why: "it signs in",
            },
        ),
        (
            Box::new(move |d| envelope(d, batch, |base, _| "{graph}/beta".clone_into(base))),
            Flaw::BadPart {
                call: "revoke".to_owned(),
                why: "its address does not begin with `base`",
            },
        ),
        (
            Box::new(move |d| envelope(d, batch, |_, calls| calls.clear())),
            Flaw::Empty,
        ),
    ];
    for (at, (change, flaw)) in cases.into_iter().enumerate() {
        let found = flaws(change);
        assert!(found.contains(&flaw), "{at}: {flaw:?} is not in {found:?}");
    }
}

fn envelope(
    declaration: &mut Declaration,
    at: usize,
    change: impl FnOnce(&mut String, &mut Vec<String>),
) {
    if let Shape::ODataJsonBatch { base, calls, .. } = &mut declaration.calls[at].shape {
        change(base, calls);
    }
}

#[test]
fn calls_of_one_address_are_told_apart_by_their_filters() {
    let beside = |filter: &str| {
        flaws(|d| {
            let mut other = d.calls[2].clone();
            other.id = "other".to_owned();
            other.shape = single(Effect::Reads, Some(Naming::Filter(filter.to_owned())));
            d.calls.push(other);
        })
    };
    assert_eq!(beside("proxyAddresses/any(p:p eq '{name}')"), []);
    assert_eq!(
        beside("mail eq '{name}' or mail eq 'eve@contoso.com'"),
        [Flaw::Overlaps("find".to_owned())]
    );
}

#[test]
fn headers_of_the_host_are_nobody_elses() {
    for name in [
        "host",
        "cookie",
        "te",
        "authorization",
        "x-original-url",
        "x-http-method-override",
        "proxy-x",
        "x-forwarded-host",
    ] {
        let found = flaws(|d| d.calls[0].request_headers = vec![name.to_owned()]);
        assert_eq!(found, [Flaw::ForbiddenHeader(name.to_owned())]);
    }
}

#[test]
fn a_million_calls_are_a_short_list_of_faults() {
    let found = flaws(|d| {
        let one = d.calls[0].clone();
        d.calls.extend(std::iter::repeat_n(one, 100_000));
    });
    assert_eq!(found[0], Flaw::TooMany(256));
    assert!(found.len() <= MOST_FAULTS + 2);
}

#[test]
fn faults_say_where_they_are() {
    let mut declaration = declaration();
    declaration.calls[1].method = "FETCH".to_owned();
    let faults = Grant::new(&declaration, &addresses()).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "the manifest declares what cannot be granted (1 fault): call `look-up`, `method`: is not one of GET, HEAD, POST, PUT, PATCH, DELETE"
    );
}

#[test]
fn what_only_a_connection_shows_is_found_when_there_is_one() {
    let flaws = |change: &dyn Fn(&mut crate::Addresses)| {
        let mut addresses = addresses();
        change(&mut addresses);
        Grant::new(&declaration(), &addresses).map_err(|faults| {
            faults
                .0
                .into_iter()
                .map(|fault| fault.flaw)
                .collect::<Vec<_>>()
        })
    };
    let missing = flaws(&|addresses| drop(addresses.origins.remove("graph")));
    assert_eq!(missing.unwrap_err(), [Flaw::NoAddress]);
    let bad = flaws(&|addresses| {
        drop(
            addresses
                .fields
                .insert("tenant_id".to_owned(), "a/b".to_owned()),
        )
    });
    assert_eq!(
        bad.unwrap_err(),
        [Flaw::BadFieldValue("tenant_id".to_owned())]
    );
    // A field that is not there takes its call away, and nothing else.
    let without = flaws(&|addresses| addresses.fields.clear()).unwrap();
    assert_eq!(without.rules().len(), declaration().calls.len() - 1);
}

#[test]
fn calls_that_turn_out_to_be_one_are_a_fault_unless_it_makes_no_difference() {
    let mut addresses = addresses();
    addresses
        .fields
        .insert("sub".to_owned(), "contoso".to_owned());
    let mut declaration = declaration();
    let mut twin = declaration.calls[0].clone();
    twin.id = "twin".to_owned();
    twin.url = "{login}/{field:sub}/oauth2/v2.0/token".to_owned();
    declaration.calls.push(twin);
    assert!(Grant::new(&declaration, &addresses).is_ok());
    declaration.calls.last_mut().unwrap().seals.clear();
    let faults = Grant::new(&declaration, &addresses).unwrap_err();
    assert_eq!(faults.0[0].flaw, Flaw::Overlaps("sign-in".to_owned()));
    addresses
        .fields
        .insert("sub".to_owned(), "fabrikam".to_owned());
    assert!(Grant::new(&declaration, &addresses).is_ok());
}
