//! A declaration like that of the first action, for the tests of this crate.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::addresses::{Addresses, Origin};
use crate::admit::{Admitted, Circumstances};
use crate::cookies::Jars;
use crate::declare::{
    Call, Carried, Cost, Declaration, Effect, Endpoint, FindingPlace, Held, Lane, Learnt, Naming,
    Place, Sealed, Shape, Subject,
};
use crate::grant::Grant;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::roster::{Owner, Roster};
use crate::session::Mode;
use crate::standin::StandIns;

pub(crate) const ADA: &str = "00000000-0000-4000-8000-000000000001";
pub(crate) const BOB: &str = "00000000-0000-4000-8000-000000000002";
pub(crate) const EVE: &str = "00000000-0000-4000-8000-00000000000e";

pub(crate) fn call(id: &str, method: &str, url: &str, shape: Shape) -> Call {
    Call {
        id: id.to_owned(),
        method: method.to_owned(),
        url: url.to_owned(),
        query: Vec::new(),
        request_headers: vec!["client-request-id".to_owned()],
        answer_headers: vec!["request-id".to_owned(), "retry-after".to_owned()],
        purpose: "a test".to_owned(),
        shape,
        repeatable: true,
        carries: vec![Carried {
            what: Held::Sealed("access-token".to_owned()),
            place: Place::Bearer,
        }],
        seals: Vec::new(),
        costs: Vec::new(),
        cookie_jar: None,
    }
}

pub(crate) fn single(effect: Effect, subject: Option<Naming>) -> Shape {
    let learns = |member: &str, echo: &str| Learnt {
        json_member: member.to_owned(),
        echoes: echo.to_owned(),
    };
    let subject = subject.map(|named_in| Subject {
        named_in,
        fields: vec!["id".to_owned(), "username".to_owned()],
        learns: if effect == Effect::Reads {
            vec![
                learns("id", "userPrincipalName"),
                learns("userPrincipalName", "id"),
            ]
        } else {
            Vec::new()
        },
    });
    Shape::Single { effect, subject }
}

pub(crate) fn declaration() -> Declaration {
    let texts = |list: &[&str]| {
        list.iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let endpoint = |name: &str, address: &str| Endpoint {
        name: name.to_owned(),
        addresses: vec![("global".to_owned(), address.to_owned())],
    };
    let lane = |id: &str, units, seconds| Lane {
        id: id.to_owned(),
        units,
        window: Duration::from_secs(seconds),
        used_header: (id == "writes").then(|| "x-used".to_owned()),
    };
    let cost = |lane: &str| Cost {
        lane: lane.to_owned(),
        units: 1,
    };
    let sign_in = Call {
        carries: vec![
            Carried {
                what: Held::Secret("client_secret".to_owned()),
                place: Place::FormField("client_secret".to_owned()),
            },
            Carried {
                what: Held::Assertion,
                place: Place::FormField("client_assertion".to_owned()),
            },
        ],
        seals: vec![Sealed {
            name: "access-token".to_owned(),
            found_in: FindingPlace::JsonMember("access_token".to_owned()),
        }],
        ..call(
            "sign-in",
            "POST",
            "{login}/{field:tenant_id}/oauth2/v2.0/token",
            single(Effect::SignsIn, None),
        )
    };
    let look_up = Call {
        query: texts(&["$select"]),
        costs: vec![cost("units")],
        ..call(
            "look-up",
            "GET",
            "{graph}/v1.0/users/*",
            single(Effect::Reads, Some(Naming::Segment)),
        )
    };
    let find = Call {
        query: texts(&["$filter", "$top"]),
        ..call(
            "find",
            "GET",
            "{graph}/v1.0/users",
            single(
                Effect::Reads,
                Some(Naming::Filter("mail eq '{name}'".to_owned())),
            ),
        )
    };
    let revoke = Call {
        costs: vec![cost("writes"), cost("units")],
        ..call(
            "revoke",
            "POST",
            "{graph}/v1.0/users/*/revokeSignInSessions",
            single(Effect::Changes, Some(Naming::Segment)),
        )
    };
    let tag = call(
        "tag",
        "POST",
        "{graph}/v1.0/tags",
        single(
            Effect::Changes,
            Some(Naming::JsonMember("/user/id".to_owned())),
        ),
    );
    let batch = call(
        "batch",
        "POST",
        "{graph}/v1.0/$batch",
        Shape::ODataJsonBatch {
            base: "{graph}/v1.0".to_owned(),
            max_parts: 20,
            calls: texts(&["look-up", "find", "revoke", "tag"]),
        },
    );
    let key = Call {
        carries: vec![
            Carried {
                what: Held::Secret("api_key".to_owned()),
                place: Place::Header("x-api-key".to_owned()),
            },
            Carried {
                what: Held::Secret("password".to_owned()),
                place: Place::JsonMember("/auth/password".to_owned()),
            },
        ],
        ..call(
            "log-in",
            "POST",
            "{login}/log-in",
            single(Effect::SignsIn, None),
        )
    };
    let sealed = |name: &str, found_in| Sealed {
        name: name.to_owned(),
        found_in,
    };
    let page = Call {
        query: texts(&["state"]),
        carries: Vec::new(),
        seals: vec![
            sealed(
                "flow-token",
                FindingPlace::ScriptVariable("$Config".to_owned(), "sFT".to_owned()),
            ),
            sealed("code", FindingPlace::LocationQuery("code".to_owned())),
        ],
        cookie_jar: Some("pages".to_owned()),
        ..call(
            "page",
            "GET",
            "{login}/*/authorize",
            single(Effect::SignsIn, None),
        )
    };
    Declaration {
        endpoints: vec![
            endpoint("login", "https://login.microsoftonline.com"),
            endpoint("graph", "https://graph.microsoft.com"),
        ],
        calls: vec![sign_in, look_up, find, revoke, tag, batch, key, page],
        lanes: vec![lane("writes", 3000, 150), lane("units", 8000, 10)],
    }
}

pub(crate) fn addresses() -> Addresses {
    let origin = |text| Origin::parse(text).unwrap();
    Addresses {
        origins: BTreeMap::from([
            (
                "login".to_owned(),
                origin("https://login.microsoftonline.com"),
            ),
            ("graph".to_owned(), origin("https://graph.microsoft.com")),
        ]),
        fields: BTreeMap::from([("tenant_id".to_owned(), "contoso".to_owned())]),
    }
}

/// A grant, a roster with Ada and Bob on it, and stand-ins.
pub(crate) struct Bench {
    pub(crate) grant: Grant,
    pub(crate) roster: Roster,
    pub(crate) stand_ins: StandIns,
    pub(crate) jars: Jars,
    pub(crate) mode: Mode,
    pub(crate) limits: Limits,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let roster = Roster::new();
        roster.hand_over(Owner(1), [("id", ADA), ("username", "Ada@contoso.com")]);
        roster.hand_over(
            Owner(2),
            [("id", BOB), ("username", "bob#ext#@contoso.com")],
        );
        let grant = Grant::new(&declaration(), &addresses()).unwrap();
        Self {
            grant,
            roster,
            stand_ins: StandIns::default(),
            jars: Jars::default(),
            mode: Mode::Enforce,
            limits: Limits::default(),
        }
    }

    pub(crate) fn admit(&self, request: Request<Bytes>) -> Result<Admitted, Refusal> {
        let by = Circumstances {
            mode: self.mode,
            roster: &self.roster,
            stand_ins: &self.stand_ins,
            limits: &self.limits,
        };
        self.grant.admit(request, by)
    }

    /// The rule that refuses the request; empty if it is admitted.
    pub(crate) fn rule_against(&self, request: Request<Bytes>) -> &'static str {
        self.admit(request)
            .err()
            .map_or("", |refusal| refusal.rule())
    }

    pub(crate) fn token(&self) -> String {
        self.stand_ins
            .seal("access-token", "the.real.token-of-the-service")
            .unwrap()
    }
}

pub(crate) fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

pub(crate) fn post(url: &str) -> Request<Bytes> {
    Request::post(url).body(Bytes::new()).unwrap()
}

pub(crate) fn with_body(url: &str, kind: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(url)
        .header("content-type", kind)
        .body(body.into())
        .unwrap()
}

pub(crate) fn form(body: impl Into<Bytes>) -> Request<Bytes> {
    let url = "https://login.microsoftonline.com/contoso/oauth2/v2.0/token";
    with_body(url, "application/x-www-form-urlencoded", body)
}

pub(crate) fn batch(body: impl Into<Bytes>) -> Request<Bytes> {
    with_body(
        "https://graph.microsoft.com/v1.0/$batch",
        "application/json",
        body,
    )
}
