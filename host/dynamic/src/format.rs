//! Lays a statement out: one line an assignment, one way to write everything.

use crate::ast::{Assign, Body, Case, Expression, What};

/// The longest line before alternatives get lines of their own.
const WIDTH: usize = 100;

pub(crate) fn body(body: &Body) -> String {
    match body {
        Body::All {
            kind,
            assigns: list,
        } => format!("{} all then\n{}", kind.text, assigns(list, 2)),
        Body::Switch { subject, cases } => {
            let cases: String = cases.iter().map(case).collect();
            format!("switch {}\n{cases}", expression(subject))
        }
    }
}

fn case(case: &Case) -> String {
    let operator = case.condition.operator.name();
    let condition = if case.condition.arguments.is_empty() {
        operator.to_owned()
    } else {
        format!("{operator}({})", list(&case.condition.arguments))
    };
    format!("  case {condition} then\n{}", assigns(&case.assigns, 4))
}

fn assigns(assigns: &[Assign], indent: usize) -> String {
    let margin = " ".repeat(indent);
    assigns
        .iter()
        .enumerate()
        .map(|(at, assign)| {
            let also = if at == 0 { "" } else { "also " };
            let values: Vec<String> = assign.alternatives.iter().map(expression).collect();
            let start = format!("{margin}{also}form.{} set_value ", assign.target.text);
            let line = format!("{start}{}", values.join(" or "));
            if line.chars().count() <= WIDTH || values.len() == 1 {
                format!("{line}\n")
            } else {
                format!("{start}{}\n", values.join(&format!("\n{margin}  or ")))
            }
        })
        .collect()
}

fn list(expressions: &[Expression]) -> String {
    let texts: Vec<String> = expressions.iter().map(expression).collect();
    texts.join(", ")
}

pub(crate) fn expression(expression: &Expression) -> String {
    match &expression.what {
        What::Text(text) => quoted(text),
        What::Number(number) => number.text(),
        What::Bool(value) => value.to_string(),
        What::List(members) => format!("[{}]", list(members)),
        What::Field { kind, path } => format!("[{kind}.{}]", path.join(".")),
        What::Relation {
            kind,
            relationship,
            path,
        } => format!(
            "[relation.{kind}({}).{}]",
            quoted(relationship),
            path.join(".")
        ),
        What::Call {
            function,
            arguments,
        } => format!("{}({})", function.name(), list(arguments)),
        What::Word(word) => word.clone(),
        What::Columns(columns) => {
            let columns: Vec<String> = columns
                .iter()
                .map(|(header, field)| {
                    format!("(header: {}, field: {})", quoted(header), quoted(field))
                })
                .collect();
            format!("[{}]", columns.join(", "))
        }
    }
}

/// A text in quotes. A backslash is doubled only where it would be taken for an escape, so that regular expressions
/// stay readable.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\\' => {
                // What follows would make an escape of it. A line break or quote is written with a backslash itself.
                let escapes = matches!(letters.peek(), None | Some('n' | '"' | '\\' | '\n'));
                quoted.push_str(if escapes { "\\\\" } else { "\\" });
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
