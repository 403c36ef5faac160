//! Everything that an action asks for, a line each: what is approved, compared, and kept in version control.
//!
//! A line is one thing that the action may do, whole: a call stands with its effect, its subject, what it costs and what
//! of its answers is sealed, so whatever is loosened makes another line. Then "it asks for more" is a difference of two
//! sets, and there is no list of cases to forget one in. What only explains (titles, purposes, meanings of codes) and
//! what bounds nothing (settings) is not in it.
//!
//! No clock, no file: this module only says and compares.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;
use tipstaff_egress::declare::{
    Call, Carried, Declaration, Effect, FindingPlace, Held, Naming, Place, Shape, Subject,
};
use tipstaff_sandbox::{Binary, Inspection, Manifest};

/// What lines begin with that only the action vouches for: see [`Asks::claims`].
const CLAIM: &str = "claim: ";

/// Everything that an action asks for. Equal asks have equal texts and equal digests, in every release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    lines: BTreeSet<String>,
}

/// How what an action asks for differs from what was approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What it asks for, and was not approved.
    pub more: Vec<String>,
    /// What was approved, and it does not ask for.
    pub less: Vec<String>,
}

impl Difference {
    /// Whether it asks for something that was not approved.
    #[must_use]
    pub fn is_more(&self) -> bool {
        !self.more.is_empty()
    }
}

impl Asks {
    /// What a manifest asks for, and what its component imports.
    #[must_use]
    pub fn of(manifest: &Manifest, inspection: &Inspection) -> Self {
        let mut asks = Self::default();
        asks.add("adapter", &manifest.adapter);
        for kind in &manifest.asset_kinds {
            asks.add("kind", kind);
        }
        for field in &manifest.asset_fields {
            asks.add("sees", &field.path);
        }
        let secrets: BTreeSet<&str> = manifest.secret_fields().collect();
        let fields = manifest.connection_schema.get("properties");
        for field in fields
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|fields| fields.keys())
        {
            let is_secret = secrets.contains(field.as_str());
            asks.add(if is_secret { "secret" } else { "connection" }, field);
        }
        for import in &inspection.imports {
            // Nothing is behind what toolchains add for their standard libraries; see `sandbox/src/inspect.rs`.
            if !import.contains("@0.2") {
                asks.add("import", without_patch(import));
            }
        }
        for adds in &manifest.adds {
            asks.add(
                "adds",
                &format!(
                    "an asset whose {} is the connection's {}, when {} is set",
                    adds.identity_field, adds.field, adds.setting
                ),
            );
        }
        asks.network(&manifest.network);
        asks
    }

    /// Asks of these lines, as a file has them.
    #[must_use]
    pub fn of_lines(lines: impl IntoIterator<Item = String>) -> Self {
        Self {
            lines: lines.into_iter().collect(),
        }
    }

    /// The lines, sorted.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The SHA-256 of the lines, each with a line break behind it, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let text = self.lines.iter().flat_map(|line| [line.as_str(), "\n"]);
        let text = text.collect::<String>();
        Binary::of(text.as_bytes()).digest().to_owned()
    }

    /// Calls of which only the action says that they change nothing: with a method that changes things (neither GET nor
    /// HEAD, RFC 9110 section 9.2.1), and declared to read, or to sign in without handing over a credential and getting
    /// one. The host lets them out in a simulation, and about anybody. They need a yes of their own.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter_map(|line| line.strip_prefix(CLAIM))
    }

    /// How these differ from what was approved.
    #[must_use]
    pub fn beyond(&self, approved: &Self) -> Difference {
        let only = |one: &Self, other: &Self| one.lines.difference(&other.lines).cloned().collect();
        Difference {
            more: only(self, approved),
            less: only(approved, self),
        }
    }

    fn add(&mut self, what: &str, text: &str) {
        self.lines.insert(format!("{what}: {}", plain(text)));
    }

    fn network(&mut self, network: &Declaration) {
        for endpoint in &network.endpoints {
            for (cloud, address) in &endpoint.addresses {
                self.add(
                    "reaches",
                    &format!("{} at {address} ({cloud})", endpoint.name),
                );
            }
        }
        for lane in &network.lanes {
            let window = lane.window.as_millis();
            self.add(
                "lane",
                &format!("{}, {} in {window} ms", lane.id, lane.units),
            );
        }
        for call in &network.calls {
            self.call(call, network);
        }
    }

    fn call(&mut self, call: &Call, network: &Declaration) {
        let name = name(call);
        self.add("sends", &format!("{name}, {}", nature(call, network)));
        for parameter in &call.query {
            self.add("query", &format!("{name}, {parameter}"));
        }
        for header in &call.request_headers {
            self.add("header", &format!("{name}, {header}"));
        }
        for header in &call.answer_headers {
            self.add("answer", &format!("{name}, {header}"));
        }
        for carried in &call.carries {
            self.add("carries", &format!("{name}, {}", leaves(carried)));
        }
        if call.repeatable {
            self.add("again", &name);
        }
        if let Some(jar) = &call.cookie_jar {
            self.add("cookies", &format!("{name}, {jar}"));
        }
        if let Some(claim) = claim(call, network) {
            self.add("claim", &format!("{name}, {claim}"));
        }
    }
}

fn name(call: &Call) -> String {
    format!("{} {}", call.method, call.url)
}

/// What only the action says of a call.
fn claim(call: &Call, network: &Declaration) -> Option<&'static str> {
    let Shape::Single { effect, .. } = &call.shape else {
        // An envelope has the effect of its parts, and each part is a call of its own.
        return None;
    };
    match effect {
        _ if matches!(call.method.as_str(), "GET" | "HEAD") => None,
        Effect::Changes => None,
        Effect::SignsIn if hands_over(call) || is_step(call, network) => None,
        Effect::SignsIn => Some("which it says only signs in"),
        Effect::Reads => Some("which it says only reads"),
    }
}

/// Whether it gives a secret of the connection away for something that is sealed.
fn hands_over(call: &Call) -> bool {
    let secret = |held: &Held| {
        matches!(
            held,
            Held::Secret(_) | Held::Assertion | Held::OneTimeCode(_)
        )
    };
    carries_in_body(call, secret) && !call.seals.is_empty()
}

/// Whether it is a step on the way through sign-in pages: it gives back what they sealed, with their cookies, at the
/// service that takes the secret on this way, and where nothing is changed.
fn is_step(call: &Call, network: &Declaration) -> bool {
    let on_this_way = |other: &Call| {
        other.cookie_jar.is_some()
            && other.cookie_jar == call.cookie_jar
            && endpoint(other) == endpoint(call)
    };
    let changes = |other: &Call| match &other.shape {
        Shape::Single { effect, .. } => *effect == Effect::Changes,
        Shape::ODataJsonBatch { .. } => true,
    };
    carries_in_body(call, |held| matches!(held, Held::Sealed(_)))
        && !call.seals.is_empty()
        && network
            .calls
            .iter()
            .any(|other| on_this_way(other) && hands_over(other))
        && !network
            .calls
            .iter()
            .any(|other| changes(other) && share_an_address(call, other, network))
}

fn carries_in_body(call: &Call, wanted: impl Fn(&Held) -> bool) -> bool {
    let in_body =
        |carried: &&Carried| matches!(carried.place, Place::FormField(_) | Place::JsonMember(_));
    let mut carried = call.carries.iter().filter(in_body);
    carried.any(|carried| wanted(&carried.what))
}

/// The name of the endpoint that an address begins with.
fn endpoint(call: &Call) -> &str {
    let rest = call.url.strip_prefix('{').unwrap_or_default();
    rest.split('}').next().unwrap_or_default()
}

/// Whether two calls can go to one service, as far as the manifest tells.
fn share_an_address(one: &Call, other: &Call, network: &Declaration) -> bool {
    let addresses = |call: &Call| {
        let named = network
            .endpoints
            .iter()
            .filter(|known| known.name == endpoint(call));
        let addresses = named.flat_map(|known| known.addresses.iter());
        addresses
            .map(|(_, address)| address.to_ascii_lowercase())
            .collect::<BTreeSet<_>>()
    };
    endpoint(one) == endpoint(other) || !addresses(one).is_disjoint(&addresses(other))
}

/// Everything of a call that holds it back: without one of these it could do more.
fn nature(call: &Call, network: &Declaration) -> String {
    let mut text = match &call.shape {
        Shape::Single { effect, subject } => {
            let effect = match effect {
                Effect::Changes => "changes",
                Effect::Reads => "reads",
                Effect::SignsIn => "signs in",
            };
            let whom = subject.as_ref().map_or_else(
                || "about nobody in particular".to_owned(),
                |subject| format!("about an asset named {}", whom(subject)),
            );
            format!("{effect} {whom}")
        }
        Shape::ODataJsonBatch {
            base,
            max_parts,
            calls,
        } => {
            let parts = network.calls.iter().filter(|part| calls.contains(&part.id));
            let mut parts: Vec<String> = parts.map(name).collect();
            parts.sort_unstable();
            format!(
                "at most {max_parts} parts below {base}, each one of: {}",
                parts.join("; ")
            )
        }
    };
    let mut costs: Vec<_> = call.costs.iter().map(|c| (&c.lane, c.units)).collect();
    costs.sort_unstable();
    for (lane, units) in costs {
        // Writing to a string has no error.
        let _ = write!(text, ", costs {units} of {lane}");
    }
    let mut seals: Vec<String> = call
        .seals
        .iter()
        .map(|sealed| format!("{} as {}", found(&sealed.found_in), sealed.name))
        .collect();
    seals.sort_unstable();
    for sealed in seals {
        let _ = write!(text, ", seals {sealed}");
    }
    text
}

fn whom(subject: &Subject) -> String {
    let place = match &subject.named_in {
        Naming::Segment => "in the path".to_owned(),
        Naming::Filter(form) => format!("in $filter ({form})"),
        Naming::JsonMember(member) => format!("in {member} of the body"),
    };
    let mut fields = subject.fields.clone();
    fields.sort_unstable();
    let mut learns: Vec<String> = subject
        .learns
        .iter()
        .map(|learnt| {
            format!(
                " learning {} where {} echoes",
                learnt.json_member, learnt.echoes
            )
        })
        .collect();
    learns.sort_unstable();
    format!("{place} by {}{}", fields.join(" or "), learns.concat())
}

fn leaves(carried: &Carried) -> String {
    let what = match &carried.what {
        Held::Secret(field) => format!("secret {field}"),
        Held::Sealed(name) => format!("sealed value {name}"),
        Held::Assertion => "a signed assertion".to_owned(),
        Held::OneTimeCode(field) => format!("a one-time code of {field}"),
    };
    let place = match &carried.place {
        Place::Header(name) => format!("header {name}"),
        Place::Bearer => "header authorization, as a bearer token".to_owned(),
        Place::FormField(name) => format!("form field {name}"),
        Place::JsonMember(member) => format!("member {member} of the body"),
    };
    format!("{what} in {place}")
}

fn found(place: &FindingPlace) -> String {
    match place {
        FindingPlace::JsonMember(member) => format!("member {member}"),
        FindingPlace::Header(name) => format!("header {name}"),
        FindingPlace::LocationQuery(name) => format!("{name} of Location"),
        FindingPlace::ScriptVariable(variable, member) => {
            format!("{member} of script variable {variable}")
        }
    }
}

/// `wasi:http/client@0.3` of `wasi:http/client@0.3.0`: patches bring nothing new.
fn without_patch(import: &str) -> &str {
    match import.rsplit_once('.') {
        Some((line, patch)) if patch.bytes().all(|b| b.is_ascii_digit()) && line.contains('.') => {
            line
        }
        _ => import,
    }
}

/// Text of a manifest as ASCII without controls: a letter that only looks like another must not read like it.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => safe.push(c),
            c => safe.extend(c.escape_unicode()),
        }
    }
    safe
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tipstaff_egress::declare::{Cost, Endpoint, Lane, Learnt, Sealed};
    use tipstaff_sandbox::AssetField;

    use super::*;

    fn subject() -> Subject {
        Subject {
            named_in: Naming::Segment,
            fields: vec!["username".to_owned(), "id".to_owned()],
            learns: vec![Learnt {
                json_member: "id".to_owned(),
                echoes: "userPrincipalName".to_owned(),
            }],
        }
    }

    fn call(id: &str, method: &str, url: &str, effect: Effect, subject: Option<Subject>) -> Call {
        Call {
            id: id.to_owned(),
            method: method.to_owned(),
            url: url.to_owned(),
            query: Vec::new(),
            request_headers: Vec::new(),
            answer_headers: Vec::new(),
            purpose: format!("to {id}"),
            shape: Shape::Single { effect, subject },
            repeatable: false,
            carries: Vec::new(),
            seals: Vec::new(),
            costs: Vec::new(),
            cookie_jar: None,
        }
    }

    fn example() -> Manifest {
        let token = Call {
            carries: vec![Carried {
                what: Held::Secret("key".to_owned()),
                place: Place::FormField("client_secret".to_owned()),
            }],
            seals: vec![Sealed {
                name: "token".to_owned(),
                found_in: FindingPlace::JsonMember("access_token".to_owned()),
            }],
            ..call("token", "POST", "{api}/token", Effect::SignsIn, None)
        };
        let tag = Call {
            repeatable: true,
            query: vec!["force".to_owned()],
            costs: vec![Cost {
                lane: "writes".to_owned(),
                units: 1,
            }],
            ..call(
                "tag",
                "PUT",
                "{api}/users/*/tag",
                Effect::Changes,
                Some(subject()),
            )
        };
        let batch = Call {
            shape: Shape::ODataJsonBatch {
                base: "{api}".to_owned(),
                max_parts: 20,
                calls: vec!["tag".to_owned()],
            },
            ..call("batch", "POST", "{api}/$batch", Effect::Changes, None)
        };
        Manifest {
            name: "tag-users".to_owned(),
            title: "Tag users".to_owned(),
            summary: String::new(),
            version: "1.0.0".to_owned(),
            adapter: "azure_ad_adapter".to_owned(),
            asset_kinds: vec!["user".to_owned()],
            asset_fields: vec![AssetField {
                path: "id".to_owned(),
                required: true,
                purpose: String::new(),
            }],
            settings_schema: json!({}),
            connection_schema: json!({"properties": {"key": {"writeOnly": true}, "tenant": {}}}),
            adds: Vec::new(),
            network: Declaration {
                endpoints: vec![Endpoint {
                    name: "api".to_owned(),
                    addresses: vec![("global".to_owned(), "https://api.example".to_owned())],
                }],
                calls: vec![token, tag, batch],
                lanes: vec![Lane {
                    id: "writes".to_owned(),
                    units: 3_000,
                    window: Duration::from_secs(150),
                    used_header: None,
                }],
            },
            outcome_codes: Vec::new(),
        }
    }

    fn asks(manifest: &Manifest) -> Asks {
        let inspection = Inspection {
            imports: ["wasi:http/client@0.3.0", "wasi:cli/stderr@0.2.6"]
                .map(str::to_owned)
                .into(),
            ..Inspection::default()
        };
        Asks::of(manifest, &inspection)
    }

    /// Changes one thing of the tag call, and gives what is more and what is less.
    fn changed(change: impl FnOnce(&mut Call)) -> Difference {
        let mut manifest = example();
        change(manifest.network.calls.get_mut(1).unwrap());
        asks(&manifest).beyond(&asks(&example()))
    }

    #[test]
    fn everything_is_a_line() {
        let asks = asks(&example());
        assert_eq!(
            asks.lines().collect::<Vec<_>>(),
            [
                "adapter: azure_ad_adapter",
                "again: PUT {api}/users/*/tag",
                "carries: POST {api}/token, secret key in form field client_secret",
                "connection: tenant",
                "import: wasi:http/client@0.3",
                "kind: user",
                "lane: writes, 3000 in 150000 ms",
                "query: PUT {api}/users/*/tag, force",
                "reaches: api at https://api.example (global)",
                "secret: key",
                "sees: id",
                "sends: POST {api}/$batch, at most 20 parts below {api}, each one of: PUT {api}/users/*/tag",
                "sends: POST {api}/token, signs in about nobody in particular, seals member access_token as token",
                "sends: PUT {api}/users/*/tag, changes about an asset named in the path by id or username learning id \
                 where userPrincipalName echoes, costs 1 of writes",
            ]
        );
        assert_eq!(asks.claims().count(), 0);
        assert_eq!(asks, Asks::of_lines(asks.lines().map(str::to_owned)));
    }

    #[test]
    fn whatever_loosens_a_call_asks_for_more() {
        let looser: [fn(&mut Call); 7] = [
            |call| call.query.push("other".to_owned()),
            |call| call.request_headers.push("x-other".to_owned()),
            |call| call.costs.clear(),
            |call| call.url = "{api}/users/*/other".to_owned(),
            |call| call.method = "DELETE".to_owned(),
            |call| {
                call.shape = Shape::Single {
                    effect: Effect::Reads,
                    subject: Some(subject()),
                };
            },
            |call| {
                call.carries.push(Carried {
                    what: Held::Secret("key".to_owned()),
                    place: Place::Bearer,
                });
            },
        ];
        for (at, change) in looser.into_iter().enumerate() {
            assert!(changed(change).is_more(), "change {at}");
        }
        let mut unsealed = example();
        unsealed.network.calls.get_mut(0).unwrap().seals.clear();
        assert!(asks(&unsealed).beyond(&asks(&example())).is_more());
    }

    #[test]
    fn what_is_left_out_asks_for_less_and_words_ask_for_nothing() {
        let less = changed(|call| {
            call.query.clear();
            call.repeatable = false;
        });
        assert_eq!((less.more.len(), less.less.len()), (0, 2));
        let same = changed(|call| "for another reason".clone_into(&mut call.purpose));
        assert_eq!(same, Difference::default());
    }

    #[test]
    fn a_read_that_is_no_get_is_only_a_claim() {
        for (method, effect, is_claim) in [
            ("POST", Effect::Reads, true),
            ("OPTIONS", Effect::Reads, true),
            ("POST", Effect::SignsIn, true),
            ("POST", Effect::Changes, false),
            ("GET", Effect::Reads, false),
            ("HEAD", Effect::Reads, false),
        ] {
            let mut manifest = example();
            let call = call("x", method, "{api}/users/*/cut", effect, Some(subject()));
            manifest.network.calls.push(call);
            let asks = asks(&manifest);
            assert_eq!(asks.claims().count() == 1, is_claim, "{method} {effect:?}");
        }
    }

    #[test]
    fn a_step_of_sign_in_pages_is_believed_where_nothing_is_changed() {
        let page = |id: &str, path: &str, what: Held, field: &str| Call {
            carries: vec![Carried {
                what,
                place: Place::FormField(field.to_owned()),
            }],
            seals: vec![Sealed {
                name: "flow".to_owned(),
                found_in: FindingPlace::ScriptVariable("$Config".to_owned(), "sFT".to_owned()),
            }],
            cookie_jar: Some("pages".to_owned()),
            ..call(id, "POST", path, Effect::SignsIn, None)
        };
        let flow = || Held::Sealed("flow".to_owned());
        let password = page("pass", "{login}/login", Held::Secret("key".to_owned()), "p");
        let step = page("step", "{login}/kmsi", flow(), "flowToken");
        let login = |address: &str| Endpoint {
            name: "login".to_owned(),
            addresses: vec![("global".to_owned(), address.to_owned())],
        };
        let claims = |login: Endpoint, calls: Vec<Call>| {
            let mut manifest = example();
            manifest.network.endpoints.push(login);
            manifest.network.calls.extend(calls);
            asks(&manifest).claims().count()
        };
        let own = || login("https://login.example");
        assert_eq!(claims(own(), vec![password.clone(), step.clone()]), 0);
        // Nobody gives a secret there; or not on this way; or it is where something is changed.
        assert_eq!(claims(own(), vec![step.clone()]), 1);
        let elsewhere = Call {
            cookie_jar: Some("other".to_owned()),
            ..password.clone()
        };
        assert_eq!(claims(own(), vec![elsewhere, step.clone()]), 1);
        let api = example().network.endpoints[0].addresses[0].1.clone();
        assert_eq!(claims(login(&api), vec![password.clone(), step.clone()]), 1);
        let empty = Call {
            carries: Vec::new(),
            ..step
        };
        assert_eq!(claims(own(), vec![password, empty]), 1);
    }

    #[test]
    fn letters_that_look_like_others_are_told_apart() {
        let mut manifest = example();
        // A Cyrillic letter.
        manifest.asset_fields.get_mut(0).unwrap().path = "\u{456}d".to_owned();
        assert!(
            asks(&manifest)
                .lines()
                .any(|line| line == "sees: \\u{456}d")
        );
    }
}
