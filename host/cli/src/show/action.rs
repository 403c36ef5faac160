//! An action in words, for the person who decides whether it may run: what it does, what it calls, where secrets go.
//!
//! Everything is from the manifest, which the host holds it to, and from the component itself. Its author may be
//! hostile, so no text of it reaches the terminal as it is.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;
use tipstaff::declare::{
    Call, Carried, Declaration, Effect, FindingPlace, Held, Naming, Place, Sealed, Shape,
};
use tipstaff::{Action, Asks, Inspection, Limits, Manifest, Standing};

use super::approval;
use super::table::pairs;
use crate::printer::Paint;
use crate::text::{counted, duration, harmless, number, wrapped};

/// All of it, for somebody who has to decide on a `standing` of not approved or who wants to know.
pub(crate) fn inspection(
    action: &Action,
    standing: &Standing,
    bounds: &Limits,
    columns: usize,
    paint: Paint,
) -> String {
    let asks = Asks::of(action.manifest(), action.inspection());
    let words = approval::standing(standing);
    let mut text = manifest(action.manifest(), &words, columns, paint);
    section(&mut text, paint, "It may use, in one run");
    text.push_str(&approval::limits(bounds));
    text.push_str(&component(
        action.inspection(),
        action.digest(),
        action.compile_time(),
        columns,
        paint,
    ));
    for part in [
        approval::claims(&asks, columns, paint),
        match standing {
            Standing::NotApproved(Some(before)) => approval::difference(before, columns, paint),
            _ => String::new(),
        },
    ] {
        if !part.is_empty() {
            text.push('\n');
            text.push_str(&part);
        }
    }
    text
}

/// What the manifest says.
fn manifest(manifest: &Manifest, standing: &str, columns: usize, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.heading(&harmless(&manifest.title)));
    text.push_str(&wrapped(&harmless(&manifest.summary), 0, columns));
    text.push('\n');
    text.push_str(&pairs(
        &[
            ("name", format!("{} {}", manifest.name, manifest.version)),
            ("standing", standing.to_owned()),
            (
                "works on",
                format!("assets of kind {}", list(&manifest.asset_kinds)),
            ),
            ("connections", format!("with adapter {}", manifest.adapter)),
        ],
        2,
    ));

    section(
        &mut text,
        paint,
        "It sees these fields of an asset, and no others",
    );
    for field in &manifest.asset_fields {
        let needed = if field.required { " (needed)" } else { "" };
        entry(
            &mut text,
            &format!("{}{needed}", field.path),
            &field.purpose,
            columns,
        );
    }

    calls(&mut text, &manifest.network, columns, paint);

    section(&mut text, paint, "Settings (`--set NAME=VALUE`)");
    for member in members(&manifest.settings_schema) {
        entry(&mut text, &member.head(), &member.description, columns);
    }
    section(&mut text, paint, "Fields of the connection");
    for member in members(&manifest.connection_schema) {
        entry(&mut text, &member.head(), &member.description, columns);
    }
    section(&mut text, paint, "Codes of its outcomes");
    for code in &manifest.outcome_codes {
        entry(&mut text, &code.code, &code.meaning, columns);
    }
    text
}

fn calls(text: &mut String, network: &Declaration, columns: usize, paint: Paint) {
    section(text, paint, "It reaches these services, and no others");
    for endpoint in &network.endpoints {
        let addresses: Vec<String> = endpoint
            .addresses
            .iter()
            .map(|(cloud, address)| format!("{address} ({cloud})"))
            .collect();
        entry(text, &endpoint.name, &addresses.join(", "), columns);
    }
    section(text, paint, "It may send these requests, and no others");
    for call in &network.calls {
        entry(
            text,
            &format!("{}: {} {}", call.id, call.method, call.url),
            &call.purpose,
            columns,
        );
        for line in about(call) {
            text.push_str(&wrapped(&harmless(&line), 6, columns));
        }
    }
    if !network.lanes.is_empty() {
        section(text, paint, "Quotas of the service that it draws on");
        for lane in &network.lanes {
            let quota = format!("{} in {}", number(lane.units.into()), duration(lane.window));
            entry(text, &lane.id, &quota, columns);
        }
    }
}

/// What there is to know of a call, a sentence each.
fn about(call: &Call) -> Vec<String> {
    let mut lines = Vec::new();
    match &call.shape {
        Shape::Single { effect, subject } => {
            let effect = match effect {
                Effect::Reads => "reads",
                Effect::SignsIn => "signs in",
                Effect::Changes => "CHANGES the asset; never sent in a simulation or a check",
            };
            let whom = subject.as_ref().map(|subject| {
                let place = match &subject.named_in {
                    Naming::Segment => "in the path".to_owned(),
                    Naming::Filter(form) => format!("in $filter ({form})"),
                    Naming::JsonMember(member) => format!("in {member} of the body"),
                };
                format!(
                    "; only about an asset that it was given, by {} {place}",
                    list(&subject.fields)
                )
            });
            lines.push(format!("effect: {effect}{}", whom.unwrap_or_default()));
        }
        Shape::ODataJsonBatch {
            max_parts, calls, ..
        } => {
            let parts = counted((*max_parts).into(), "request", "requests");
            lines.push(format!(
                "an envelope of at most {parts}, each judged for itself: {}",
                list(calls)
            ));
        }
    }
    lines.extend(call.carries.iter().map(carried));
    lines.extend(call.seals.iter().map(sealed));
    if call.repeatable {
        lines.push("may be sent again: that does no harm".to_owned());
    }
    if let Some(jar) = &call.cookie_jar {
        lines.push(format!("cookies stay with the host, in the jar `{jar}`"));
    }
    if !call.costs.is_empty() {
        let costs: Vec<String> = call
            .costs
            .iter()
            .map(|cost| format!("{} of {}", cost.units, cost.lane))
            .collect();
        lines.push(format!("costs: {}", costs.join(", ")));
    }
    lines
}

fn carried(carried: &Carried) -> String {
    let what = match &carried.what {
        Held::Secret(field) => format!("the secret `{field}`"),
        Held::Sealed(name) => format!("the sealed value `{name}`"),
        Held::Assertion => "a signed assertion that the host makes".to_owned(),
        Held::OneTimeCode(field) => format!("a one-time code that the host makes of `{field}`"),
    };
    let place = match &carried.place {
        Place::Header(name) => format!("in the header `{name}`"),
        Place::Bearer => "in the header `authorization`".to_owned(),
        Place::FormField(name) => format!("in the form field `{name}`"),
        Place::JsonMember(member) => format!("in the member `{member}` of the body"),
    };
    format!("carries {what} {place}")
}

fn sealed(sealed: &Sealed) -> String {
    let place = match &sealed.found_in {
        FindingPlace::JsonMember(member) => format!("`{member}` of the answer"),
        FindingPlace::Header(name) => format!("the answer's header `{name}`"),
        FindingPlace::LocationQuery(name) => format!("`{name}` in the answer's Location"),
        FindingPlace::ScriptVariable(variable, member) => {
            format!("`{member}` of the page's script variable `{variable}`")
        }
    };
    format!(
        "seals {place} as `{}`: the action gets a stand-in",
        sealed.name
    )
}

/// A member of an object's JSON Schema.
struct Member {
    name: String,
    kind: String,
    description: String,
}

impl Member {
    fn head(&self) -> String {
        format!("{}  {}", self.name, self.kind)
    }
}

fn members(schema: &Value) -> Vec<Member> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, member)| Member {
            name: name.clone(),
            kind: kind(member, is_required(name)),
            description: text_of(member, "description")
                .or_else(|| text_of(member, "title"))
                .unwrap_or_default()
                .to_owned(),
        })
        .collect()
}

fn text_of<'v>(schema: &'v Value, member: &str) -> Option<&'v str> {
    schema.get(member).and_then(Value::as_str)
}

/// `integer, 1 to 20, default 20`.
fn kind(schema: &Value, required: bool) -> String {
    let mut words = Vec::new();
    match schema.get("enum").and_then(Value::as_array) {
        Some(values) => {
            let values: Vec<String> = values.iter().map(plain).collect();
            words.push(values.join(" | "));
        }
        None => words.push(text_of(schema, "type").unwrap_or("any").to_owned()),
    }
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => words.push(format!("{least} to {most}")),
        (Some(least), None) => words.push(format!("from {least}")),
        (None, Some(most)) => words.push(format!("up to {most}")),
        (None, None) => {}
    }
    if schema.get("writeOnly") == Some(&Value::Bool(true)) {
        words.push("secret".to_owned());
    }
    if required {
        words.push("needed".to_owned());
    }
    if let Some(default) = schema.get("default") {
        words.push(format!("default {}", plain(default)));
    }
    words.join(", ")
}

/// A JSON value without the quotes of a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn component(
    found: &Inspection,
    digest: &str,
    compile_time: Duration,
    columns: usize,
    paint: Paint,
) -> String {
    let mut text = String::new();
    section(&mut text, paint, "Component");
    text.push_str(&pairs(
        &[
            (
                "size",
                format!(
                    "{} bytes, {} functions",
                    number(found.size as u64),
                    number(found.functions.into())
                ),
            ),
            ("compiled", format!("in {}", duration(compile_time))),
            ("sha-256", digest.to_owned()),
        ],
        2,
    ));
    text.push_str("  imports\n");
    text.push_str(&wrapped(&found.imports.join(", "), 4, columns));
    text
}

fn section(text: &mut String, paint: Paint, title: &str) {
    // Writing to a string has no error.
    let _ = write!(text, "\n{}\n", paint.heading(title));
}

fn entry(text: &mut String, head: &str, body: &str, columns: usize) {
    let _ = writeln!(text, "  {}", harmless(head));
    text.push_str(&wrapped(&harmless(body), 6, columns));
}

fn list(words: &[String]) -> String {
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tipstaff::declare::{Cost, Endpoint, Lane, Subject};
    use tipstaff_sandbox::{AssetField, OutcomeCode};

    use super::*;

    fn call(id: &str, method: &str, url: &str, shape: Shape) -> Call {
        Call {
            id: id.to_owned(),
            method: method.to_owned(),
            url: url.to_owned(),
            query: Vec::new(),
            request_headers: Vec::new(),
            answer_headers: Vec::new(),
            purpose: format!("to {id}"),
            shape,
            repeatable: false,
            carries: Vec::new(),
            seals: Vec::new(),
            costs: Vec::new(),
            cookie_jar: None,
        }
    }

    fn example() -> Manifest {
        let tag = Shape::Single {
            effect: Effect::Changes,
            subject: Some(Subject {
                named_in: Naming::Segment,
                fields: vec!["id".to_owned()],
                learns: Vec::new(),
            }),
        };
        let sign_in = Shape::Single {
            effect: Effect::SignsIn,
            subject: None,
        };
        let envelope = Shape::ODataJsonBatch {
            base: "{api}/v1".to_owned(),
            max_parts: 20,
            calls: vec!["tag".to_owned()],
        };
        Manifest {
            name: "tag-users".to_owned(),
            title: "Tag users".to_owned(),
            summary: "Puts a tag on each user.".to_owned(),
            version: "1.2.3".to_owned(),
            adapter: "azure_ad_adapter".to_owned(),
            asset_kinds: vec!["user".to_owned()],
            asset_fields: vec![AssetField {
                path: "id".to_owned(),
                required: true,
                purpose: "to name the user".to_owned(),
            }],
            settings_schema: json!({"type": "object", "required": ["tag"], "properties": {
                "tag": {"type": "string", "description": "What to write.\u{1b}[2J"},
                "speed": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
                "style": {"enum": ["plain", "fancy"], "default": "plain"},
            }}),
            connection_schema: json!({"type": "object", "properties": {
                "key": {"type": "string", "writeOnly": true, "title": "API key"},
            }}),
            adds: Vec::new(),
            network: Declaration {
                endpoints: vec![Endpoint {
                    name: "api".to_owned(),
                    addresses: vec![("global".to_owned(), "https://api.example".to_owned())],
                }],
                calls: vec![
                    Call {
                        carries: vec![Carried {
                            what: Held::Secret("key".to_owned()),
                            place: Place::FormField("key".to_owned()),
                        }],
                        seals: vec![Sealed {
                            name: "token".to_owned(),
                            found_in: FindingPlace::JsonMember("access_token".to_owned()),
                        }],
                        ..call("sign-in", "POST", "{api}/token", sign_in)
                    },
                    Call {
                        repeatable: true,
                        costs: vec![Cost {
                            lane: "writes".to_owned(),
                            units: 1,
                        }],
                        ..call("tag", "PUT", "{api}/v1/users/*/tag", tag)
                    },
                    call("batch", "POST", "{api}/v1/$batch", envelope),
                ],
                lanes: vec![Lane {
                    id: "writes".to_owned(),
                    units: 3_000,
                    window: Duration::from_secs(150),
                    used_header: None,
                }],
            },
            outcome_codes: vec![OutcomeCode {
                code: "tagged".to_owned(),
                meaning: "The tag is there.".to_owned(),
            }],
        }
    }

    #[test]
    fn an_action_is_told_in_words_for_the_person_who_approves_it() {
        let found = Inspection {
            size: 342_112,
            imports: vec!["wasi:http/client@0.3.0".to_owned()],
            parts: 3,
            functions: 512,
        };
        let text = manifest(&example(), "not approved", 76, Paint::plain())
            + &component(
                &found,
                &"0".repeat(64),
                Duration::from_millis(340),
                76,
                Paint::plain(),
            );
        insta::assert_snapshot!(text);
    }
}
