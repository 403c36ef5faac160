//! An action in words, for the person who decides whether it may run: what it does, what it calls, where secrets go.
//!
//! Everything is from the manifest, which the host holds it to, and from the component itself. Its author may be
//! hostile, so no text of it reaches the terminal as it is.

use std::fmt::Write;

use serde_json::Value;
use tipstaff::declare::{
    Call, Carried, Declaration, Effect, FindingPlace, Held, Naming, Place, Sealed, Shape,
};
use tipstaff::{Action, Inspection, Manifest};

use super::table::pairs;
use crate::printer::Paint;
use crate::text::{counted, duration, harmless, number, wrapped};

/// All of it.
pub(crate) fn inspection(action: &Action, approved: bool, columns: usize, paint: Paint) -> String {
    let standing = if approved {
        "approved: this program carries it"
    } else {
        "not approved: it runs only if somebody says yes to what is written here (`--yes`)"
    };
    let digest = action.digest();
    let mut text = manifest(action.manifest(), standing, columns, paint);
    text.push_str(&component(action.inspection(), digest, columns, paint));
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
            &format!("{} {}", call.method, call.url),
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

fn component(found: &Inspection, digest: &str, columns: usize, paint: Paint) -> String {
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
