//! Checks values: types as far as the text shows them, and what is wrong whatever the asset.

use std::borrow::Cow;
use std::sync::Arc;

use tipstaff_asset::FieldPath;

use super::{ANY_KIND, Checker, networks_of, regex_of};
use crate::ast::{Expression, What};
use crate::diagnostic::Span;
use crate::evaluate::unknown_date_code;
use crate::fault::Fault;
use crate::functions::{Function, Parameter, Takes};
use crate::limits;
use crate::nearest::did_you_mean;
use crate::program::{self, Node};
use crate::types::Types;
use crate::value::{Number, Value, date_of, is_date_field};

impl Checker<'_> {
    /// `after` is the word before a criterion, which says how it is read.
    pub(super) fn expression(&mut self, expression: &Expression, after: Option<&str>) -> Node {
        let span = expression.span;
        match &expression.what {
            What::Text(text) if after == Some("regex") => self.pattern(text, span),
            What::Text(_) | What::Number(_) | What::Bool(_) | What::List(_) => {
                let value = literal(&expression.what).unwrap_or(Value::Null);
                let types = types_of(&value);
                self.node(span, program::What::Constant(value), types, false)
            }
            What::Field { kind, path } => self.field(kind, path, span),
            What::Relation { path, .. } => {
                self.path(path, span);
                self.warning(
                    span,
                    "assets have no relations here, so this never has a value",
                    None,
                );
                self.node(
                    span,
                    program::What::Nothing(Fault::Relation),
                    Types::ANY,
                    false,
                )
            }
            What::Word(word) => {
                let what = program::What::Word(word.as_str().into());
                self.node(span, what, Types::TEXT, false)
            }
            What::Columns(columns) => {
                let what = program::What::Columns(columns.clone());
                self.node(span, what, Types::TEXT, false)
            }
            What::Call {
                function,
                arguments,
            } => self.call(*function, arguments, span),
        }
    }

    fn node(&mut self, span: Span, what: program::What, types: Types, secret: bool) -> Node {
        Node {
            id: self.id(),
            span,
            secret,
            types,
            what,
        }
    }

    /// One list of several values.
    pub(super) fn array(&mut self, arguments: Vec<Node>, span: Span) -> Node {
        let secret = arguments.iter().any(|argument| argument.secret);
        let function = Function::Array;
        let what = program::What::Call {
            function,
            arguments,
        };
        self.node(span, what, function.signature().gives, secret)
    }

    fn field(&mut self, kind: &str, path: &[String], span: Span) -> Node {
        let Some(path) = self.path(path, span) else {
            return self.node(
                span,
                program::What::Nothing(Fault::Empty),
                Types::ANY,
                false,
            );
        };
        if let Some(wanted) = self.kind.clone()
            && kind != ANY_KIND
            && kind != wanted.as_ref()
        {
            self.warning(
                span,
                format!(
                    "this is a field of a {kind}, and the statement is about a {wanted}: it never has a value"
                ),
                None,
            );
            let of = Arc::from(kind);
            let what = program::What::Nothing(Fault::OtherKindOfField { of, wanted });
            return self.node(span, what, Types::ANY, false);
        }
        let types = if path.is_list() {
            Types::LIST
        } else if path.is_single() {
            Types::SINGLE
        } else {
            Types::ANY
        };
        let is_date = path.steps().last().is_some_and(is_date_field);
        self.node(span, program::What::Field { path, is_date }, types, false)
    }

    fn path(&mut self, path: &[String], span: Span) -> Option<FieldPath> {
        let text = path.join(".");
        match FieldPath::parse(&text) {
            Ok(path) => Some(path),
            Err(error) => {
                let roots = [
                    "specific_data",
                    "adapters_data",
                    "custom",
                    "labels",
                    "adapters",
                ];
                let hint = path
                    .first()
                    .filter(|first| !roots.contains(&first.as_str()))
                    .and_then(|first| did_you_mean(first, roots))
                    .unwrap_or_else(|| error.hint().to_owned());
                self.error(span, error.to_string(), Some(hint));
                None
            }
        }
    }

    fn pattern(&mut self, text: &str, span: Span) -> Node {
        let regex = regex_of(text);
        if let Err(fault) = &regex {
            self.warning(span, format!("{fault}: this never has a value"), None);
        }
        let what = program::What::Pattern {
            text: text.into(),
            regex,
        };
        self.node(span, what, Types::TEXT, false)
    }

    pub(super) fn networks(&mut self, text: &str, span: Span) -> Node {
        let networks = networks_of(text);
        if networks.is_err() {
            self.warning(
                span,
                "not all of this are networks: this never holds",
                Some("networks are written `10.0.0.0/8, fd00::/8`".to_owned()),
            );
        }
        let what = program::What::Networks {
            text: text.into(),
            networks,
        };
        self.node(span, what, Types::TEXT, false)
    }

    fn call(&mut self, function: Function, arguments: &[Expression], span: Span) -> Node {
        let signature = function.signature();
        let mut nodes: Vec<Node> = Vec::with_capacity(arguments.len());
        let mut before = None;
        for (at, argument) in arguments.iter().enumerate() {
            let Some(parameter) = signature.parameter(at) else {
                continue;
            };
            nodes.push(self.argument(function, parameter, argument, before));
            before = match &argument.what {
                What::Text(word) | What::Word(word) => Some(word.as_str()),
                _ => None,
            };
        }
        self.values(function, arguments);
        let secret = function == Function::GenerateString || nodes.iter().any(|node| node.secret);
        let types = match (function, nodes.first()) {
            // What goes in comes out.
            (Function::Unique, Some(first)) => first.types,
            _ => signature.gives,
        };
        let what = program::What::Call {
            function,
            arguments: nodes,
        };
        self.node(span, what, types, secret)
    }

    fn argument(
        &mut self,
        function: Function,
        parameter: Parameter,
        argument: &Expression,
        before: Option<&str>,
    ) -> Node {
        let takes = parameter.takes;
        match (takes, &argument.what) {
            (Takes::Pattern, What::Text(text)) => return self.pattern(text, argument.span),
            (Takes::Key, What::Text(text)) => {
                let what = program::What::Word(text.as_str().into());
                return self.node(argument.span, what, Types::TEXT, false);
            }
            (Takes::OneOf(words), What::Word(word) | What::Text(word)) => {
                if !words.contains(&word.as_str()) {
                    let hint = did_you_mean(word, words.iter().copied())
                        .or_else(|| Some(format!("it is one of {}", words.join(", "))));
                    self.error(
                        argument.span,
                        format!(
                            "`{word}` is no `{}` of `{}`",
                            parameter.name,
                            function.name()
                        ),
                        hint,
                    );
                }
                let what = program::What::Word(word.as_str().into());
                return self.node(argument.span, what, Types::TEXT, false);
            }
            (Takes::Key, What::Word(_)) | (Takes::Columns, _) => {}
            (Takes::Key, _) => {
                self.error(
                    argument.span,
                    format!(
                        "`{}` of `{}` is the name of a field",
                        parameter.name,
                        function.name()
                    ),
                    Some("write it in double quotes: `\"name\"`".to_owned()),
                );
            }
            (Takes::OneOf(words), _) => {
                self.error(
                    argument.span,
                    format!("`{}` of `{}` is a word", parameter.name, function.name()),
                    Some(format!("it is one of {}", words.join(", "))),
                );
            }
            (Takes::Number | Takes::Date, What::Text(text)) if date_of(text).is_none() => {
                let hint = text
                    .parse::<f64>()
                    .ok()
                    .map(|_| format!("without quotes: `{text}`"));
                self.error(
                    argument.span,
                    format!(
                        "`{}` takes {}, and this is a text",
                        function.name(),
                        wanted(takes)
                    ),
                    hint,
                );
            }
            (Takes::Whole, What::Number(number)) if number.whole().is_none() => {
                self.error(
                    argument.span,
                    format!(
                        "`{}` of `{}` is a whole number",
                        parameter.name,
                        function.name()
                    ),
                    None,
                );
            }
            _ => {}
        }
        let after = (parameter.name == "criterion").then_some(before).flatten();
        let node = self.expression(argument, after);
        if !matches!(takes, Takes::Key | Takes::OneOf(_) | Takes::Columns) {
            self.fits(&node, argument, takes.types());
        }
        node
    }

    /// Whether a value can be of a wanted type. What an asset holds may surprise, so of fields it is a warning.
    pub(super) fn fits(&mut self, node: &Node, expression: &Expression, wanted: Types) {
        if node.types.meets(wanted) {
            return;
        }
        let message = format!(
            "{} is wanted here, and this is {}",
            wanted.words(),
            node.types.words()
        );
        let hint = (node.types == Types::LIST)
            .then(|| "`max(…)`, `min(…)` and `count(…)` make one value of a list".to_owned());
        self.misfit(expression, message, hint);
    }

    /// Literals that can never do.
    fn values(&mut self, function: Function, arguments: &[Expression]) {
        let mut never = |at: usize, message: String| {
            if let Some(argument) = arguments.get(at) {
                self.warning(
                    argument.span,
                    format!("{message}: this never has a value"),
                    None,
                );
            }
        };
        let number = |at: usize| match arguments.get(at).map(|argument| &argument.what) {
            Some(What::Number(number)) => Some(number.float()),
            _ => None,
        };
        match function {
            Function::Substring => {
                if number(1).is_some_and(|start| start < 1.0) {
                    never(1, "`substring` counts from 1".to_owned());
                }
                if number(2).is_some_and(|length| length < 0.0) {
                    never(2, "the length is negative".to_owned());
                }
            }
            Function::Divide => {
                for at in 1..arguments.len() {
                    if number(at) == Some(0.0) {
                        never(at, "divided by zero".to_owned());
                    }
                }
            }
            Function::GenerateString => {
                let most = limits::GENERATED_CHARACTERS;
                if number(0).is_some_and(|length| !(1.0..=most as f64).contains(&length)) {
                    never(0, format!("a length of 1 to {most} characters is wanted"));
                }
            }
            Function::DateFormat => {
                if let Some(What::Text(codes)) = arguments.get(1).map(|argument| &argument.what)
                    && let Some(code) = unknown_date_code(codes)
                {
                    never(1, format!("there is no date code `%{code}`"));
                }
            }
            Function::Split => {
                if let Some(What::Text(between)) = arguments.get(1).map(|argument| &argument.what)
                    && between.is_empty()
                {
                    never(1, "the text to split at is empty".to_owned());
                }
            }
            _ => {}
        }
    }
}

fn wanted(takes: Takes) -> &'static str {
    match takes {
        Takes::Date => "a date",
        _ => "numbers and dates",
    }
}

/// The value of a literal.
pub(super) fn literal(what: &What) -> Option<Value<'static>> {
    Some(match what {
        What::Text(text) => Value::Text(Cow::Owned(text.clone())),
        What::Number(number) => Value::Number(*number),
        What::Bool(value) => Value::Bool(*value),
        What::List(members) => Value::List(
            members
                .iter()
                .filter_map(|member| literal(&member.what))
                .collect(),
        ),
        _ => return None,
    })
}

fn types_of(value: &Value<'_>) -> Types {
    match value {
        Value::Bool(_) => Types::BOOL,
        Value::Number(Number::Whole(_) | Number::Broken(_)) => Types::NUMBER,
        Value::Date(_) => Types::DATE,
        Value::Text(_) => Types::TEXT,
        Value::List(_) => Types::LIST,
        Value::Object(_) => Types::OBJECT,
        Value::Null => Types::ANY,
    }
}
