//! What the tests share: an asset in a line, a statement in a line, and what came of it.

use serde_json::{Value, json};
use tipstaff_asset::Asset;
use tipstaff_dynamic::{
    Circumstances, Evaluation, Form, NoRandomness, Program, Randomness, Statement, Trouble,
};

/// The time of all tests: a Friday.
pub(crate) const NOW: &str = "2026-11-20T08:00:00Z";

/// Counts up, so that what is generated can be known.
pub(crate) struct Counting(pub(crate) u8);

impl Randomness for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

/// A user with an entity of `x_adapter`.
pub(crate) fn user(data: Value) -> Asset {
    asset("user", json!([{"adapter": "x_adapter", "data": data}]))
}

/// An asset with these entities.
pub(crate) fn asset(kind: &str, adapters: Value) -> Asset {
    serde_json::from_value(
        json!({"id": "a1", "type": kind, "labels": ["vip", "eu"], "adapters": adapters}),
    )
    .unwrap()
}

pub(crate) fn program(text: &str) -> Program {
    match Statement::parse(text) {
        Ok(statement) => statement
            .check(None)
            .unwrap_or_else(|error| panic!("{text}: {error:?}")),
        Err(error) => panic!("{text}: {error}"),
    }
}

pub(crate) fn circumstances() -> Circumstances {
    Circumstances::at(NOW.parse().unwrap())
}

pub(crate) fn evaluate(program: &Program, asset: &Asset) -> Evaluation {
    program.evaluate(asset, &circumstances(), &mut Counting(0))
}

/// What `form.v` becomes: the value, or `FALLBACK` and why.
pub(crate) fn outcome(program: &Program, asset: &Asset) -> Result<Value, String> {
    let evaluation = evaluate(program, asset);
    evaluation
        .value("v")
        .cloned()
        .ok_or_else(|| reasons(&evaluation.troubles(program)))
}

fn reasons(troubles: &[Trouble]) -> String {
    let reasons: Vec<&str> = troubles
        .iter()
        .map(|trouble| trouble.message.as_str())
        .collect();
    reasons.join("; ")
}

/// What an expression over fields of `x_adapter`, written `[.name]`, gives in a form that takes anything.
pub(crate) fn value(expression: &str, data: Value) -> Result<Value, String> {
    let text = format!("user all then form.v set_value {}", fields(expression));
    outcome(&program(&text), &user(data))
}

/// The same where the field has a schema.
pub(crate) fn typed(schema: Value, expression: &str, data: Value) -> Result<Value, String> {
    let text = format!("user all then form.v set_value {}", fields(expression));
    let form = Form::from_schema(&json!({"properties": {"v": schema}}));
    let program = Statement::parse(&text)
        .unwrap()
        .check(Some(&form))
        .map_err(|error| error.to_string())?;
    outcome(&program, &user(data))
}

/// Whether a case holds. The subject is a field or function, with fields written `[.name]`.
pub(crate) fn holds(subject: &str, condition: &str, data: Value) -> bool {
    let text = format!(
        "switch {} case {} then form.v set_value true",
        fields(subject),
        fields(condition)
    );
    outcome(&program(&text), &user(data)).is_ok()
}

/// `[.name]` is a field of the adapter, `[*name]` one over all adapters.
pub(crate) fn fields(text: &str) -> String {
    text.replace("[.", "[user.adapters_data.x_adapter.")
        .replace("[*", "[user.specific_data.data.")
}
