//! Statements: what came of one for an asset, and everything that can be written in them.

use serde_json::{Map, Value, json};
use tipstaff::asset::{Catalog, Kinds};
use tipstaff::dynamic::{
    Completion, CompletionKind, Evaluation, Field, Form, Node, Program, completions,
};

use super::table::{Columns, table};
use crate::printer::Paint;

/// The longest value in a table, in characters.
const MAX_VALUE: usize = 120;

/// What stands for a secret.
const MASK: &str = "********";

/// What came of a statement for one asset.
pub(crate) struct Simulation<'a> {
    pub(crate) program: &'a Program,
    pub(crate) form: Option<&'a Form>,
    pub(crate) evaluation: &'a Evaluation,
    pub(crate) nodes: &'a [Node],
}

impl Simulation<'_> {
    /// One JSON document.
    pub(crate) fn document(&self) -> Value {
        let fields: Map<String, Value> = self
            .evaluation
            .fields()
            .map(|(name, field)| {
                let (value, type_name) = self.value(name, field);
                let told = json!({
                    "value": value, "type": type_name, "fallback": field.is_fallback(),
                });
                (name.to_owned(), told)
            })
            .collect();
        json!({
            "fields": fields,
            "nodes": self.nodes,
            "errors": self.evaluation.troubles(self.program),
            "warnings": self.program.warnings(),
        })
    }

    /// For a person: the fields, then every part of the statement.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let fields: Vec<[String; 4]> = self
            .evaluation
            .fields()
            .map(|(name, field)| {
                let (value, type_name) = self.value(name, field);
                let shown = match (field.is_fallback(), value) {
                    (true, Value::Null) => "(static value)".to_owned(),
                    (_, value) => short(&value),
                };
                let fallback = if field.is_fallback() { "yes" } else { "no" };
                [
                    format!("form.{name}"),
                    type_name.to_owned(),
                    fallback.to_owned(),
                    shown,
                ]
            })
            .collect();
        let mut text = table(["FIELD", "TYPE", "FALLBACK", "VALUE"], &fields, paint);
        let troubles = self.evaluation.troubles(self.program);
        if !troubles.is_empty() {
            text.push_str(&format!("\n{}\n", paint.heading("Why fields fall back")));
            for trouble in troubles {
                text.push_str(&format!("{trouble}\n"));
            }
        }
        let parts: Vec<[String; 5]> = self.nodes.iter().map(part).collect();
        text.push('\n');
        text.push_str(&table(
            ["AT", "PART", "TYPE", "VALUE", "TEXT"],
            &parts,
            paint,
        ));
        text
    }

    /// The value of a field, secrets masked: that of the form if the statement gave none.
    fn value(&self, name: &str, field: &Field) -> (Value, &'static str) {
        match field.value() {
            Some(_) if field.is_secret() => (Value::from(MASK), field.type_name()),
            Some(value) => (value.clone(), field.type_name()),
            None => {
                let of_form = self.form.and_then(|form| form.field(name));
                match of_form.and_then(|field| Some((field.default()?, field.type_name()))) {
                    Some((default, type_name)) => (default.clone(), type_name),
                    None => (Value::Null, field.type_name()),
                }
            }
        }
    }
}

fn part(node: &Node) -> [String; 5] {
    let value = match (&node.value, &node.error) {
        (Some(value), _) => short(value),
        (None, Some(error)) => format!("! {error}"),
        (None, None) if node.reached => String::new(),
        (None, None) => "(not reached)".to_owned(),
    };
    [
        node.place.to_string(),
        node.kind.to_owned(),
        node.type_name.unwrap_or_default().to_owned(),
        value,
        cut(&node.text),
    ]
}

fn short(value: &Value) -> String {
    cut(&match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_VALUE {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(MAX_VALUE).collect();
    format!("{beginning}…")
}

/// Everything that can be written, for editors.
pub(crate) fn vocabulary(form: &Form, catalog: &Catalog) -> Value {
    let fields: Vec<Value> = form
        .fields()
        .map(|field| {
            json!({
                "name": format!("form.{}", field.name()),
                "label": field.label(),
                "type": field.type_name(),
                "description": field.description(),
                "secret": field.is_secret(),
                "allowed": field.allowed(),
                "default": field.default(),
            })
        })
        .collect();
    let assets: Vec<Value> = paths(catalog)
        .into_iter()
        .map(|(path, kinds)| json!({"path": path, "types": kinds}))
        .collect();
    json!({"form": fields, "assets": assets, "completions": completions(Some(form))})
}

/// The same for a person.
pub(crate) fn words(form: &Form, catalog: &Catalog, columns: usize, paint: Paint) -> String {
    let fields: Vec<[String; 3]> = form
        .fields()
        .map(|field| {
            [
                format!("form.{}", field.name()),
                field.type_name().to_owned(),
                field.label().to_owned(),
            ]
        })
        .collect();
    let mut text = table(["FORM FIELD", "TYPE", "LABEL"], &fields, paint);
    let paths: Vec<[String; 2]> = paths(catalog)
        .into_iter()
        .map(|(path, kinds)| [format!("[user.{path}]"), kinds.join(", ")])
        .collect();
    text.push('\n');
    text.push_str(&table(["ASSET FIELD", "TYPES"], &paths, paint));
    let all = completions(None);
    for (kind, heads) in [
        (CompletionKind::Keyword, ["KEYWORD", "MEANING"]),
        (CompletionKind::Operator, ["OPERATOR", "HOLDS IF"]),
        (CompletionKind::Function, ["FUNCTION", "GIVES"]),
    ] {
        let rows: Vec<&Completion> = all.iter().filter(|one| one.kind == kind).collect();
        let mut places = Columns::new(heads);
        for row in &rows {
            places.fit(&[&row.detail, &row.description]);
        }
        text.push('\n');
        text.push_str(&places.head(paint));
        for row in rows {
            let cells = [row.detail.as_str(), row.description.as_str()];
            text.push_str(&places.paragraph(&cells, columns, |_, cell| cell.to_owned()));
        }
    }
    text
}

/// Paths of fields without the kind of asset, and what their values were seen to be.
fn paths(catalog: &Catalog) -> Vec<(String, Vec<&'static str>)> {
    let names = |kinds: Kinds| -> Vec<&'static str> {
        Kinds::NAMES
            .into_iter()
            .filter(|(kind, _)| kinds.contains(*kind))
            .map(|(_, name)| name)
            .collect()
    };
    let own =
        ["adapters", "internal_axon_id", "labels"].map(|path| (path.to_owned(), vec!["text"]));
    let aggregated: std::collections::BTreeMap<String, Kinds> = Catalog::documented()
        .map(|(field, kinds)| (field.to_owned(), kinds))
        .chain(
            catalog
                .fields()
                .map(|(_, field, kinds)| (field.to_owned(), kinds)),
        )
        .fold(
            std::collections::BTreeMap::new(),
            |mut all, (field, kinds)| {
                *all.entry(field).or_default() |= kinds;
                all
            },
        );
    let aggregated = aggregated
        .into_iter()
        .map(|(field, kinds)| (format!("specific_data.data.{field}"), names(kinds)));
    let of_adapters = catalog
        .fields()
        .map(|(adapter, field, kinds)| (format!("adapters_data.{adapter}.{field}"), names(kinds)));
    own.into_iter()
        .chain(aggregated)
        .chain(of_adapters)
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]
mod tests {
    use tipstaff::dynamic::{Circumstances, Statement};

    use super::*;

    fn simulated(text: &str, form: &Form) -> (Value, String) {
        let program = Statement::parse(text).unwrap().check(Some(form)).unwrap();
        let asset =
            serde_json::from_value(json!({"id": "ada@contoso.com", "mail": "ada@contoso.com"}));
        let now = Circumstances::at("2026-11-24T08:00:00Z".parse().unwrap());
        let (evaluation, nodes) = program.explain(&asset.unwrap(), &now, &mut ());
        let simulation = Simulation {
            program: &program,
            form: Some(form),
            evaluation: &evaluation,
            nodes: &nodes,
        };
        (simulation.document(), simulation.text(Paint::plain()))
    }

    fn form() -> Form {
        Form::from_schema(&json!({"properties": {
            "reason": {"type": "string"}, "tries": {"type": "integer", "default": 6}}}))
        .and_connection(None)
    }

    #[test]
    fn a_simulation_is_a_document_with_fields_nodes_and_errors() {
        let text = "user all then form.reason set_value [user.specific_data.data.mail]\n also form.tries set_value [user.custom.n]";
        let (document, _) = simulated(text, &form());
        let wanted = json!({
            "reason": {"value": "ada@contoso.com", "type": "string", "fallback": false},
            "tries": {"value": 6, "type": "integer", "fallback": true},
        });
        assert_eq!(document["fields"], wanted);
        let errors = json!([{"line": 2, "column": 28, "message": "empty asset field"}]);
        assert_eq!(document["errors"], errors);
        assert_eq!(document["nodes"].as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn a_person_sees_the_fields_the_reasons_and_every_part() {
        let (_, text) = simulated(
            "user all then form.tries set_value [user.custom.n]",
            &form(),
        );
        insta::assert_snapshot!(text, @r"
        FIELD       TYPE     FALLBACK  VALUE
        form.tries  integer  yes       6

        Why fields fall back
        line 1, column 36: empty asset field

        AT                 PART       TYPE  VALUE                TEXT
        line 1, column 26  set_value        ! empty asset field  set_value
        line 1, column 36  field            ! empty asset field  [user.custom.n]
        ");
    }

    #[test]
    fn everything_that_can_be_written_is_listed() {
        let catalog = Catalog::default();
        let document = vocabulary(&form(), &catalog);
        assert_eq!(document["form"][2]["name"], "form.tries");
        let words = words(&form(), &catalog, 100, Paint::plain());
        for word in [
            "form.reason",
            "[user.labels]",
            "not_in_net(",
            "title_case(text)",
            "set_value",
        ] {
            assert!(words.contains(word), "{word}");
        }
    }
}
