//! The form of an action: everything that somebody may fill in for a run of it, as one JSON Schema.
//!
//! The action's settings and the fields of its connection come from the manifest; the rest is the same for every action.
//! An editor completes from it, `dynamic validate --form` checks against it, and a console draws it. Nothing is checked
//! here: a plan does that.

use serde_json::{Map, Value, json};
use tipstaff_sandbox::Manifest;

/// The form's fields that every action has.
fn common(manifest: &Manifest) -> Map<String, Value> {
    let fields = json!({
        "action_name": {
            "type": "string", "minLength": 1, "maxLength": 128, "default": manifest.name,
            "title": "Action name", "description": "What the run is called. Unique among the actions of an enforcement set."
        },
        "configure_dynamic_values": {
            "type": "boolean", "default": false,
            "title": "Configure Dynamic Values", "description": "Compute fields of this form for each asset."
        },
        "dynamic_values": {
            "type": "string", "maxLength": 1_048_576,
            "title": "Dynamic Values", "description": "The statement. The values of this form are what it falls back to."
        },
        "use_stored_credentials": {
            "type": "boolean", "default": true,
            "title": "Use stored credentials", "description": "Use a connection that is stored, and none of the fields below."
        },
        "adapter_connection": {
            "type": "string", "minLength": 1,
            "title": "Select Adapter Connection",
            "description": format!("A connection of `{}`, by its name.", manifest.adapter)
        }
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The form of an action, as a JSON Schema (draft 2020-12) of one object.
///
/// With stored credentials only the connection's name is needed; without them the connection's own fields are, as the
/// manifest says.
#[must_use]
pub fn form(manifest: &Manifest) -> Value {
    let mut form = of_schemas(
        common(manifest),
        &manifest.connection_schema,
        &manifest.settings_schema,
    );
    if let Some(form) = form.as_object_mut() {
        form.insert("title".to_owned(), Value::from(manifest.title.as_str()));
        let summary = Value::from(manifest.summary.as_str());
        form.insert("description".to_owned(), summary);
    }
    form
}

fn of_schemas(mut fields: Map<String, Value>, connection: &Value, settings: &Value) -> Value {
    for schema in [connection, settings] {
        for (name, field) in properties(schema) {
            fields.insert(name.clone(), field.clone());
        }
    }
    let mut own = Map::new();
    for rule in [
        "required",
        "anyOf",
        "allOf",
        "oneOf",
        "if",
        "then",
        "else",
        "dependentRequired",
    ] {
        if let Some(value) = connection.get(rule) {
            own.insert(rule.to_owned(), value.clone());
        }
    }
    let stored = json!({"required": ["adapter_connection"]});
    let inline = json!({"properties": {"use_stored_credentials": {"const": false}}, "required": ["use_stored_credentials"]});
    let mut form = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": fields,
        "if": inline,
        "then": own,
        "else": stored,
    });
    if let (Some(required), Some(form)) = (settings.get("required"), form.as_object_mut()) {
        form.insert("required".to_owned(), required.clone());
    }
    form
}

/// A field of a form, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormField {
    /// What it is called in files and statements.
    pub name: String,
    /// What a form calls it.
    pub title: String,
    /// Where it belongs.
    pub part: FormPart,
    /// `text`, `number`, `flag`, `secret`, or one of its values.
    pub kind: String,
    /// It has to be given where its part is used.
    pub required: bool,
    /// What it is if it is not given.
    pub default: Option<String>,
    /// What it is for.
    pub description: String,
}

/// A part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormPart {
    /// The same for every action.
    Common,
    /// Of the connection, where no stored one is used.
    Connection,
    /// The action's own.
    Settings,
}

/// The fields of an action's form, in the order of its parts.
#[must_use]
pub fn form_fields(manifest: &Manifest) -> Vec<FormField> {
    let common = json!({"properties": common(manifest), "required": ["action_name"]});
    let parts = [
        (FormPart::Common, &common),
        (FormPart::Settings, &manifest.settings_schema),
        (FormPart::Connection, &manifest.connection_schema),
    ];
    parts
        .into_iter()
        .flat_map(|(part, schema)| {
            let required = |name: &str| {
                let names = schema.get("required").and_then(Value::as_array);
                names.is_some_and(|names| names.iter().any(|wanted| wanted == name))
            };
            properties(schema)
                .map(|(name, field)| FormField {
                    name: name.clone(),
                    title: text(field, "title").unwrap_or(name).to_owned(),
                    part,
                    kind: kind(field),
                    required: required(name),
                    default: field.get("default").map(written),
                    description: text(field, "description").unwrap_or_default().to_owned(),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten()
}

fn text<'f>(field: &'f Value, member: &str) -> Option<&'f str> {
    field.get(member).and_then(Value::as_str)
}

fn kind(field: &Value) -> String {
    if field.get("writeOnly") == Some(&Value::Bool(true)) {
        return "secret".to_owned();
    }
    if let Some(values) = field.get("enum").and_then(Value::as_array) {
        return values.iter().map(written).collect::<Vec<_>>().join(" | ");
    }
    let kind = match text(field, "type") {
        Some("string") => "text",
        Some("boolean") => "flag",
        Some("integer") => "whole number",
        Some("array") => "list",
        Some(other) => other,
        None => "any",
    };
    kind.to_owned()
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_changes_with_stored_credentials() {
        let fields = json!({"use_stored_credentials": {"type": "boolean"}, "adapter_connection": {"type": "string"}});
        let connection = json!({"required": ["client_id"], "anyOf": [{"required": ["tenant_id"]}],
            "properties": {"client_id": {"type": "string"}, "tenant_id": {"type": "string"}}});
        let settings = json!({"properties": {"batch_size": {"type": "integer", "default": 20}}});
        let fields = fields.as_object().cloned().unwrap_or_default();
        let form = of_schemas(fields, &connection, &settings);
        let fits = |filled: Value| crate::schema::check(&form, &filled).is_ok();
        assert!(fits(json!({"adapter_connection": "corp", "batch_size": 1})));
        assert!(
            !fits(json!({"batch_size": 1}))
                && !fits(json!({"adapter_connection": "corp", "batch_size": "1"}))
        );
        assert!(fits(
            json!({"use_stored_credentials": false, "client_id": "x", "tenant_id": "y"})
        ));
        assert!(!fits(
            json!({"use_stored_credentials": false, "client_id": "x"})
        ));
        assert!(!fits(
            json!({"use_stored_credentials": true, "client_id": "x", "tenant_id": "y"})
        ));
        assert!(!fits(json!({"adapter_connection": "corp", "odd": 1})));
    }
}
