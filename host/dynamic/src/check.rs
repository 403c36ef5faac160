//! Checks a statement against a form, and brings it into the shape in which it is evaluated.
//!
//! Refused is what cannot be meant: a field that the form does not have, a target that is set twice, a literal of a wrong
//! type, a secret made of something else than chance. What merely never gives a value is a warning, because it falls back
//! and harms nothing.

mod expression;

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use crate::ast::{self, Assign, Expression, Statement, What};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::fault::Fault;
use crate::form::{Form, FormField};
use crate::limits;
use crate::nearest::did_you_mean;
use crate::operators::Given;
use crate::program::{Body, Case, Condition, Node, Program, Set};
use crate::types::Types;

/// The prefix that stands for whatever kind of asset the statement is about.
const ANY_KIND: &str = "entity";

impl Statement {
    /// Checks it. Without a form any field can be set, to a value of any type.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub fn check(&self, form: Option<&Form>) -> Result<Program, Diagnostics> {
        let kind = kind_of(&self.body).map(|(kind, span)| (Arc::from(kind), span));
        let mut checker = Checker {
            text: &self.text,
            form,
            kind: kind.as_ref().map(|(kind, _)| Arc::clone(kind)),
            nodes: 0,
            found: Vec::new(),
        };
        let body = checker.body(&self.body);
        let mut found = checker.found;
        found.sort_by_key(|diagnostic| diagnostic.place);
        if found.iter().any(|one| one.severity == Severity::Error) {
            return Err(Diagnostics::new(found));
        }
        Ok(Program {
            text: self.text.clone(),
            kind,
            body,
            nodes: checker.nodes,
            warnings: found,
        })
    }
}

/// The kind of asset that a statement is about: what stands before `all`, or before the subject's first field.
fn kind_of(body: &ast::Body) -> Option<(&str, Span)> {
    match body {
        ast::Body::All { kind, .. } => Some((kind.text.as_str(), kind.span)),
        ast::Body::Switch { subject, cases } => {
            let arguments = cases.iter().flat_map(|case| &case.condition.arguments);
            std::iter::once(subject)
                .chain(arguments)
                .find_map(first_kind)
        }
    }
    .filter(|(kind, _)| *kind != ANY_KIND)
}

fn first_kind(expression: &Expression) -> Option<(&str, Span)> {
    match &expression.what {
        What::Field { kind, .. } => Some((kind.as_str(), expression.span)),
        What::Call { arguments, .. } => arguments.iter().find_map(first_kind),
        _ => None,
    }
}

struct Checker<'a> {
    text: &'a str,
    form: Option<&'a Form>,
    kind: Option<Arc<str>>,
    nodes: usize,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn body(&mut self, body: &ast::Body) -> Body {
        match body {
            ast::Body::All { assigns, .. } => Body::All(self.sets(assigns)),
            ast::Body::Switch { subject, cases } => Body::Switch {
                subject: self.expression(subject, None),
                cases: cases
                    .iter()
                    .map(|case| Case {
                        condition: self.condition(&case.condition),
                        sets: self.sets(&case.assigns),
                    })
                    .collect(),
            },
        }
    }

    fn condition(&mut self, condition: &ast::Condition) -> Condition {
        let id = self.id();
        let given = condition.operator.given();
        let types = match given {
            Given::Text => Types::TEXT.or(Types::LIST),
            Given::Networks => Types::TEXT,
            Given::Number => Types::NUMBER
                .or(Types::DATE)
                .or(Types::TEXT)
                .or(Types::LIST),
            Given::Whole => Types::NUMBER,
            Given::Single => Types::SINGLE.or(Types::LIST),
            Given::Nothing | Given::Values | Given::Numbers => Types::ANY,
        };
        let mut arguments = condition
            .arguments
            .iter()
            .map(|argument| self.operand(argument, given, types));
        let first = arguments.next();
        let rest: Vec<Node> = arguments.collect();
        let argument = match first {
            // `in([f], "a")`: all values are one list.
            Some(first) if !rest.is_empty() => {
                Some(self.array(std::iter::once(first).chain(rest).collect(), condition.span))
            }
            first => first,
        };
        Condition {
            id,
            span: condition.span,
            operator: condition.operator,
            argument,
        }
    }

    fn operand(&mut self, argument: &Expression, given: Given, types: Types) -> Node {
        if given == Given::Single && matches!(argument.what, What::List(_)) {
            self.error(
                argument.span,
                "this takes one value, and not a list",
                Some("`in([…])` takes a list".to_owned()),
            );
        }
        if given == Given::Number
            && let What::Text(text) = &argument.what
            && crate::value::date_of(text).is_none()
        {
            self.error(
                argument.span,
                "a number or a date is wanted here, and this is a text",
                text.parse::<f64>()
                    .ok()
                    .map(|_| format!("without quotes: `{text}`")),
            );
        }
        match (&argument.what, given) {
            (What::Text(text), Given::Networks) => self.networks(text, argument.span),
            _ => {
                let node = self.expression(argument, None);
                self.fits(&node, argument, types);
                node
            }
        }
    }

    fn sets(&mut self, assigns: &[Assign]) -> Vec<Set> {
        let mut targets = HashSet::new();
        assigns
            .iter()
            .map(|assign| {
                let name = assign.target.text.as_str();
                if !targets.insert(name) {
                    self.error(
                        assign.target.span,
                        format!("`form.{name}` is set twice"),
                        Some("alternatives are written with `or`".to_owned()),
                    );
                }
                let field = self.target(assign);
                let id = self.id();
                let alternatives = assign
                    .alternatives
                    .iter()
                    .map(|alternative| self.alternative(alternative, field))
                    .collect();
                Set {
                    id,
                    span: assign.span,
                    target: Arc::from(name),
                    field: field.cloned(),
                    alternatives,
                }
            })
            .collect()
    }
}

impl<'a> Checker<'a> {
    fn target(&mut self, assign: &Assign) -> Option<&'a FormField> {
        let form = self.form?;
        let name = assign.target.text.as_str();
        let field = form.field(name);
        if field.is_none() {
            let names: Vec<&str> = form.fields().map(FormField::name).collect();
            let inner = format!("{name}.");
            let hint = names
                .iter()
                .find(|field| field.starts_with(&inner))
                .map(|field| format!("it has the field `form.{field}`"))
                .or_else(|| did_you_mean(name, names.iter().copied()))
                .unwrap_or_else(|| format!("it has {}", names.join(", ")));
            self.error(
                assign.target.span,
                format!("the form has no field `{name}`"),
                Some(hint),
            );
        }
        field
    }

    fn alternative(&mut self, alternative: &Expression, field: Option<&FormField>) -> Node {
        let node = self.expression(alternative, None);
        let Some(field) = field else { return node };
        if field.is_secret() && !is_generated(&alternative.what) {
            self.error(
                alternative.span,
                format!(
                    "`form.{}` is a secret, and a secret is made by `generate_string` alone",
                    field.name()
                ),
                Some(
                    "data of assets is known to others, and a statement is no place for a secret"
                        .to_owned(),
                ),
            );
            return node;
        }
        let (types, is_literal) = (node.types, is_literal(&alternative.what));
        let wanted = field.type_name();
        if !types.meets(field.types()) {
            let message = format!(
                "`form.{}` takes {wanted}, and this is {}",
                field.name(),
                types.words()
            );
            self.misfit(alternative, message, None);
        } else if is_literal && let Some(fault) = literal_fault(&alternative.what, field) {
            let hint = match (&alternative.what, fault) {
                (What::Text(text), Fault::NotAllowed) => {
                    let allowed = field.allowed().iter().filter_map(|value| value.as_str());
                    did_you_mean(text, allowed.clone()).or_else(|| {
                        let allowed: Vec<&str> = allowed.collect();
                        (!allowed.is_empty()).then(|| format!("it takes {}", allowed.join(", ")))
                    })
                }
                _ => None,
            };
            self.error(
                alternative.span,
                format!("`form.{}` does not take this value", field.name()),
                hint,
            );
        }
        node
    }

    /// A value of a wrong type: refused where it stands in the statement, and never given where it is computed.
    fn misfit(&mut self, expression: &Expression, message: String, hint: Option<String>) {
        if is_literal(&expression.what) {
            self.error(expression.span, message, None);
        } else {
            let message = format!("{message}: it never has a value");
            self.warning(expression.span, message, hint);
        }
    }

    fn id(&mut self) -> usize {
        self.nodes += 1;
        self.nodes - 1
    }

    fn error(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        let found = Diagnostic::new(self.text, span, Severity::Error, message, hint);
        self.found.push(found);
    }

    fn warning(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        let found = Diagnostic::new(self.text, span, Severity::Warning, message, hint);
        self.found.push(found);
    }
}

/// Whether a value is chance and nothing else.
fn is_generated(what: &What) -> bool {
    use crate::functions::Function;
    matches!(what, What::Call { function: Function::GenerateString, arguments }
        if arguments.iter().all(|argument| !matches!(argument.what, What::Field { .. } | What::Call { .. })))
}

fn is_literal(what: &What) -> bool {
    matches!(
        what,
        What::Text(_) | What::Number(_) | What::Bool(_) | What::List(_)
    )
}

/// Why the field does not take a literal. An empty one is no value, and is passed over when it is evaluated.
fn literal_fault(what: &What, field: &FormField) -> Option<Fault> {
    let value = expression::literal(what)?;
    if value.is_empty() {
        return None;
    }
    field.take(&value).err()
}

/// Compiles a regular expression, within bounds. It is searched for anywhere in a text, and letters have their case.
pub(crate) fn regex_of(pattern: &str) -> Result<Regex, Fault> {
    if pattern.len() > limits::PATTERN_BYTES {
        let most = format!("it is longer than {} bytes", limits::PATTERN_BYTES);
        return Err(Fault::Regex(Arc::from(most)));
    }
    RegexBuilder::new(pattern)
        .size_limit(limits::PATTERN_COMPILED_BYTES)
        .dfa_size_limit(limits::PATTERN_COMPILED_BYTES)
        .nest_limit(50)
        .build()
        .map_err(|error| {
            // The last line says what is wrong, the ones before it draw the pattern.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            Fault::Regex(Arc::from(reason.trim_start_matches("error: ")))
        })
}

/// Reads `10.0.0.0/8, fd00::/8`. Bits beyond the mask do no harm, and an address is a network of one.
pub(crate) fn networks_of(text: &str) -> Result<Vec<IpNet>, Fault> {
    text.split(',')
        .map(|part| {
            let part = part.trim();
            match part.parse::<IpAddr>() {
                Ok(address) => Ok(IpNet::from(address.to_canonical())),
                Err(_) => part
                    .parse::<IpNet>()
                    .map(|network| network.trunc())
                    .map_err(|_| Fault::Network),
            }
        })
        .collect()
}
