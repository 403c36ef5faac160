//! The fields that a statement may set, and what each takes: an action's form, from its JSON Schema.
//!
//! Only what the conversion of values needs is read here. The host holds the resulting settings against the whole
//! schema.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::fault::Fault;
use crate::types::Types;
use crate::value::{Number, Value, date_of, date_text};

/// How deep forms may be nested.
const MAX_DEPTH: usize = 8;

/// The field that chooses the connection that an asset goes to. Every form has it.
const CONNECTION: &str = "adapter_connection";

/// The fields of an action's form.
#[derive(Clone, Debug, Default)]
pub struct Form {
    fields: BTreeMap<String, FormField>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct FormField {
    name: String,
    title: Option<String>,
    description: Option<String>,
    kind: Kind,
    secret: bool,
    allowed: Vec<Json>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    default: Option<Json>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Any,
    Bool,
    List,
    Number,
    Object,
    Text { date: bool },
    Whole,
}

impl Form {
    /// The form that a JSON Schema (draft 2020-12) of an object describes. Fields of inner objects are named with
    /// dots: `field_date.specific`.
    #[must_use]
    pub fn from_schema(schema: &Json) -> Self {
        let mut form = Self::default();
        form.add_all("", schema, 0);
        form
    }

    /// Adds `adapter_connection`, which chooses the connection for an asset. With `names` it takes only these.
    #[must_use]
    pub fn and_connection(mut self, names: Option<Vec<String>>) -> Self {
        let allowed = names
            .unwrap_or_default()
            .into_iter()
            .map(Json::from)
            .collect();
        self.fields
            .entry(CONNECTION.to_owned())
            .or_insert(FormField {
                name: CONNECTION.to_owned(),
                title: Some("Adapter connection".to_owned()),
                description: Some("The connection that the asset goes to".to_owned()),
                kind: Kind::Text { date: false },
                secret: false,
                allowed,
                minimum: None,
                maximum: None,
                default: None,
            });
        self
    }

    /// Takes a field away: no statement may set it.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.remove(name);
        self
    }

    /// Its fields, in the order of their names.
    pub fn fields(&self) -> impl Iterator<Item = &FormField> {
        self.fields.values()
    }

    /// The field of this name, without `form.`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FormField> {
        self.fields.get(name)
    }

    fn add_all(&mut self, prefix: &str, schema: &Json, depth: usize) {
        let properties = schema.get("properties").and_then(Json::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let name = format!("{prefix}{name}");
            if schema.get("properties").is_some() && depth < MAX_DEPTH {
                self.add_all(&format!("{name}."), schema, depth + 1);
            } else {
                let field = FormField::from_schema(&name, schema);
                self.fields.insert(name, field);
            }
        }
    }
}

impl FormField {
    fn from_schema(name: &str, schema: &Json) -> Self {
        let text = |member: &str| schema.get(member).and_then(Json::as_str).map(str::to_owned);
        let bound = |member: &str| schema.get(member).and_then(Json::as_f64);
        let flag = |member: &str| schema.get(member) == Some(&Json::Bool(true));
        Self {
            name: name.to_owned(),
            title: text("title"),
            description: text("description"),
            kind: Kind::from_schema(schema),
            secret: flag("writeOnly")
                || schema.get("format").and_then(Json::as_str) == Some("password"),
            allowed: schema
                .get("enum")
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default(),
            minimum: bound("minimum"),
            maximum: bound("maximum"),
            default: schema.get("default").cloned(),
        }
    }

    /// Its name in statements, without `form.`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people see.
    #[must_use]
    pub fn label(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// What it is for.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The word for what it takes.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Any => "any",
            Kind::Bool => "boolean",
            Kind::List => "array",
            Kind::Number => "number",
            Kind::Object => "object",
            Kind::Text { date: true } => "date",
            Kind::Text { date: false } => "string",
            Kind::Whole => "integer",
        }
    }

    /// Whether its value is a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The values that it takes, if only some.
    #[must_use]
    pub fn allowed(&self) -> &[Json] {
        &self.allowed
    }

    /// The value that it has when nobody sets it.
    #[must_use]
    pub fn default(&self) -> Option<&Json> {
        self.default.as_ref()
    }

    /// Kinds of value that may do.
    pub(crate) fn types(&self) -> Types {
        match self.kind {
            Kind::Any | Kind::List => Types::ANY,
            Kind::Bool => Types::BOOL.or(Types::LIST),
            Kind::Number | Kind::Whole => Types::NUMBER.or(Types::DATE).or(Types::LIST),
            Kind::Object => Types::OBJECT.or(Types::LIST),
            Kind::Text { .. } => Types::TEXT.or(Types::DATE).or(Types::LIST),
        }
    }

    /// The value as the field takes it: of a list the first member where it takes one value, a list of one where it
    /// takes a list. Nothing is converted beyond that, but dates, which a form has no type for.
    pub(crate) fn take(&self, value: &Value<'_>) -> Result<Json, Fault> {
        let json = self.convert(value)?;
        self.allows(&json)?;
        Ok(json)
    }

    fn convert(&self, value: &Value<'_>) -> Result<Json, Fault> {
        let refused = |wanted| {
            Err(Fault::NotOfType {
                wanted,
                found: value.type_name(),
            })
        };
        match (self.kind, value) {
            (Kind::Any, value) => Ok(value.json()),
            (Kind::List, Value::List(_)) => Ok(value.json()),
            (Kind::List, value) => Ok(Json::Array(vec![value.json()])),
            (_, Value::List(members)) => match members.first() {
                Some(first) => self.convert(first),
                None => Err(Fault::EmptyValue),
            },
            (_, Value::Null) => Err(Fault::EmptyValue),
            (Kind::Text { .. }, Value::Date(at)) => date_text(*at)
                .map(Json::String)
                .ok_or(Fault::DateOutOfRange),
            (Kind::Text { date: true }, Value::Text(text)) => match date_of_form(text) {
                Some(text) => Ok(Json::String(text)),
                None => Err(Fault::NotOfType {
                    wanted: "a date",
                    found: "another text",
                }),
            },
            (Kind::Text { .. }, Value::Text(_)) => Ok(value.json()),
            (Kind::Text { .. }, _) => refused("a text"),
            (Kind::Whole, Value::Number(Number::Whole(_))) => Ok(value.json()),
            (Kind::Whole, Value::Date(at)) => Ok(Json::from(*at)),
            (Kind::Whole, _) => refused("a whole number"),
            (Kind::Number, Value::Number(_)) => Ok(value.json()),
            (Kind::Number, Value::Date(at)) => Ok(Json::from(*at)),
            (Kind::Number, _) => refused("a number"),
            (Kind::Bool, Value::Bool(_)) => Ok(value.json()),
            (Kind::Bool, _) => refused("a truth value"),
            (Kind::Object, Value::Object(_)) => Ok(value.json()),
            (Kind::Object, _) => refused("an object"),
        }
    }

    fn allows(&self, json: &Json) -> Result<(), Fault> {
        let listed = self.allowed.is_empty() || self.allowed.contains(json);
        let within = json.as_f64().is_none_or(|number| {
            self.minimum.is_none_or(|least| number >= least)
                && self.maximum.is_none_or(|most| number <= most)
        });
        if listed && within {
            Ok(())
        } else {
            Err(Fault::NotAllowed)
        }
    }
}

impl Kind {
    fn from_schema(schema: &Json) -> Self {
        let mut names: Vec<&str> = match schema.get("type") {
            Some(Json::String(name)) => vec![name],
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        names.retain(|name| *name != "null");
        let format = schema.get("format").and_then(Json::as_str);
        match names.as_slice() {
            ["array"] => Self::List,
            // The forms of the product call it so.
            ["boolean" | "bool"] => Self::Bool,
            ["integer"] => Self::Whole,
            ["number"] => Self::Number,
            ["object"] => Self::Object,
            ["string"] => Self::Text {
                date: matches!(format, Some("date" | "date-time")),
            },
            _ => Self::Any,
        }
    }
}

/// A date as people type it into a form: as everywhere, and as `20/11/26`, which becomes `2026-11-20`.
fn date_of_form(text: &str) -> Option<String> {
    if date_of(text).is_some() {
        return Some(text.to_owned());
    }
    let mut parts = text.trim().split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str, counts: &[usize]| {
        counts.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if parts.next().is_some()
        || !digits(day, &[1, 2])
        || !digits(month, &[1, 2])
        || !digits(year, &[2, 4])
    {
        return None;
    }
    let century = if year.len() == 2 { "20" } else { "" };
    let text = format!("{century}{year}-{month:0>2}-{day:0>2}");
    date_of(&text).map(|_| text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use serde_json::json;

    use super::*;

    fn take(schema: Json, value: Json) -> Option<Json> {
        let form = Form::from_schema(&json!({"properties": {"f": schema}}));
        form.field("f").unwrap().take(&Value::of_json(&value)).ok()
    }

    #[test]
    fn values_have_to_be_of_the_fields_type() {
        let text = json!({"type": "string"});
        assert_eq!(take(text.clone(), json!("a")), Some(json!("a")));
        assert_eq!(take(text.clone(), json!(7)), None);
        assert_eq!(take(text.clone(), json!(true)), None);
        assert_eq!(take(text.clone(), json!({})), None);
        assert_eq!(take(json!({"type": "integer"}), json!("7")), None);
        assert_eq!(take(json!({"type": "integer"}), json!(7.0)), Some(json!(7)));
        assert_eq!(take(json!({"type": "integer"}), json!(7.5)), None);
        assert_eq!(
            take(json!({"type": ["number", "null"]}), json!(7.5)),
            Some(json!(7.5))
        );
        assert_eq!(take(json!({"type": "boolean"}), json!("true")), None);
        assert_eq!(take(json!({}), json!({"a": 1})), Some(json!({"a": 1})));
    }

    #[test]
    fn lists_and_single_values_stand_for_each_other() {
        let text = json!({"type": "string"});
        assert_eq!(take(text.clone(), json!(["a", "b"])), Some(json!("a")));
        assert_eq!(take(text.clone(), json!([7, "b"])), None);
        assert_eq!(take(text, json!([])), None);
        let list = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(take(list.clone(), json!("a")), Some(json!(["a"])));
        assert_eq!(take(list, json!([1, 2])), Some(json!([1, 2])));
    }

    #[test]
    fn what_the_form_does_not_allow_is_refused() {
        let one_of = json!({"type": "string", "enum": ["skip", "fail"]});
        assert_eq!(take(one_of.clone(), json!("skip")), Some(json!("skip")));
        assert_eq!(take(one_of, json!("ask")), None);
        let bounded = json!({"type": "integer", "minimum": 1, "maximum": 20});
        assert_eq!(take(bounded.clone(), json!(20)), Some(json!(20)));
        assert_eq!(take(bounded, json!(21)), None);
    }

    #[test]
    fn dates_are_texts_or_milliseconds() {
        let date = json!({"type": "string", "format": "date"});
        assert_eq!(
            take(date.clone(), json!("20/11/22")),
            Some(json!("2022-11-20"))
        );
        assert_eq!(
            take(date.clone(), json!("2026-11-20")),
            Some(json!("2026-11-20"))
        );
        assert_eq!(take(date, json!("soon")), None);
        let form = Form::from_schema(&json!({"properties": {
            "text": {"type": "string"}, "whole": {"type": "integer"}}}));
        let take = |name: &str| {
            form.field(name)
                .unwrap()
                .take(&Value::Date(1_795_161_600_000))
                .ok()
        };
        assert_eq!(take("text"), Some(json!("2026-11-20T08:00:00.000Z")));
        assert_eq!(take("whole"), Some(json!(1_795_161_600_000_i64)));
    }

    #[test]
    fn inner_fields_are_named_with_dots_and_every_form_can_have_a_connection() {
        let form = Form::from_schema(&json!({"properties": {"field_date": {"type": "object", "properties": {
            "specific": {"type": "string", "format": "date-time", "title": "On"}}}, "password": {"writeOnly": true}}}))
            .and_connection(Some(vec!["eu".to_owned()]));
        let names: Vec<_> = form.fields().map(FormField::name).collect();
        assert_eq!(
            names,
            ["adapter_connection", "field_date.specific", "password"]
        );
        assert_eq!(form.field("field_date.specific").unwrap().label(), "On");
        assert!(form.field("password").unwrap().is_secret());
        assert!(
            form.field("adapter_connection")
                .unwrap()
                .take(&Value::text("us"))
                .is_err()
        );
    }
}
