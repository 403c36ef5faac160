//! Everything that can be written in a statement, for editors that complete.

use serde::Serialize;

use crate::form::Form;
use crate::functions::Function;
use crate::operators::Operator;
use crate::parse::KEYWORDS;

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionKind {
    /// A word of the language.
    Keyword,
    /// An operator of `case`.
    Operator,
    /// A function.
    Function,
    /// A field of the form.
    FormField,
}

/// One thing that can be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// What it is.
    pub kind: CompletionKind,
    /// What is written.
    pub text: String,
    /// How it is used: `split(text, between)`; of a form's field its type.
    pub detail: String,
    /// What it is for.
    pub description: String,
}

/// All words of the language, and the fields of a form if there is one.
#[must_use]
pub fn completions(form: Option<&Form>) -> Vec<Completion> {
    let made = |kind, text: &str, detail: String, description: &str| Completion {
        kind,
        text: text.to_owned(),
        detail,
        description: description.to_owned(),
    };
    let fields = form.into_iter().flat_map(Form::fields).map(|field| {
        made(
            CompletionKind::FormField,
            &format!("form.{}", field.name()),
            field.type_name().to_owned(),
            field.description().unwrap_or(field.label()),
        )
    });
    let keywords = KEYWORDS.iter().map(|word| {
        made(
            CompletionKind::Keyword,
            word,
            (*word).to_owned(),
            meaning(word),
        )
    });
    let operators = Operator::ALL.iter().map(|operator| {
        made(
            CompletionKind::Operator,
            operator.name(),
            operator.usage(),
            operator.summary(),
        )
    });
    let functions = Function::ALL.iter().map(|function| {
        made(
            CompletionKind::Function,
            function.name(),
            function.usage(),
            function.summary(),
        )
    });
    fields
        .chain(keywords)
        .chain(operators)
        .chain(functions)
        .collect()
}

fn meaning(keyword: &str) -> &'static str {
    match keyword {
        "all" => "the statement holds for all assets: `user all then …`",
        "also" => "sets another field",
        "case" => "what the subject has to meet: `case contains(\"a\") then …`",
        "form" => "a field of the action's form: `form.NAME`",
        "or" => "what to take if there is no value before it",
        "set_value" => "sets the field: `form.NAME set_value …`",
        "switch" => "the subject of the cases: `switch user.FIELD case …`",
        _ => "what to set when the case holds",
    }
}
