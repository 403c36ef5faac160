//! Holds values against the JSON Schemas of a manifest.

use serde_json::{Map, Value};

/// Says what is wrong with `value`, naming members and never quoting values.
///
/// # Errors
///
/// All of it, in one sentence.
pub(crate) fn check(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = jsonschema::draft202012::new(schema)
        .map_err(|error| format!("its schema cannot be used: {error}"))?;
    let faults: Vec<String> = validator
        .iter_errors(value)
        .take(5)
        .map(|error| {
            let at = error.instance_path().to_string();
            let message = error.masked().to_string();
            if at.is_empty() {
                message
            } else {
                format!("`{}`: {message}", at.trim_start_matches('/'))
            }
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("; "))
    }
}

/// Holds many values against one schema.
pub(crate) struct Checker(jsonschema::Validator);

impl Checker {
    /// # Errors
    ///
    /// The schema cannot be used.
    pub(crate) fn new(schema: &Value) -> Result<Self, String> {
        jsonschema::draft202012::new(schema)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// Whether the value is as the schema says.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }
}

/// The members that an object schema names.
pub(crate) fn members(schema: &Value) -> impl Iterator<Item = &str> + Clone {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
}

/// Fills in what `settings` leave out and the schema has a default for.
pub(crate) fn with_defaults(
    schema: &Value,
    mut settings: Map<String, Value>,
) -> Map<String, Value> {
    for (name, member) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if let Some(default) = member.get("default") {
            settings
                .entry(name.clone())
                .or_insert_with(|| default.clone());
        }
    }
    settings
}

/// Reads `text` as the type that the schema gives the member: a command line has only text.
pub(crate) fn typed(schema: &Value, member: &str, text: &str) -> Value {
    let kind = schema
        .get("properties")
        .and_then(|p| p.get(member)?.get("type")?.as_str());
    match kind {
        Some("string") => Value::String(text.to_owned()),
        // What is no JSON stays text, and the schema says what it should have been.
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_name_the_member_and_keep_its_value_to_themselves() {
        let schema =
            json!({"type": "object", "properties": {"size": {"type": "integer", "maximum": 20}}});
        assert_eq!(check(&schema, &json!({"size": 20})), Ok(()));
        let fault = check(&schema, &json!({"size": 4711}))
            .err()
            .unwrap_or_default();
        assert!(
            fault.contains("`size`") && !fault.contains("4711"),
            "{fault}"
        );
    }

    #[test]
    fn text_takes_the_type_that_the_schema_has() {
        let schema = json!({"properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 7}}});
        assert_eq!(typed(&schema, "name", "7"), json!("7"));
        assert_eq!(typed(&schema, "size", "8"), json!(8));
        assert_eq!(typed(&schema, "size", "many"), json!("many"));
        assert_eq!(
            with_defaults(&schema, Map::new()).get("size"),
            Some(&json!(7))
        );
    }
}
