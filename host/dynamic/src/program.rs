//! A statement that was checked, in the shape in which it is evaluated.

use std::sync::Arc;

use ipnet::IpNet;
use regex::Regex;
use tipstaff_asset::FieldPath;

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::fault::Fault;
use crate::form::FormField;
use crate::functions::Function;
use crate::operators::Operator;
use crate::types::Types;
use crate::value::Value;

/// A statement that can be evaluated. Only checking a [`Statement`] makes one.
///
/// [`Statement`]: crate::Statement
#[derive(Debug)]
pub struct Program {
    pub(crate) text: String,
    /// The kind of asset that the statement is about, and where it says so. A statement without a field says nothing.
    pub(crate) kind: Option<(Arc<str>, Span)>,
    pub(crate) body: Body,
    /// How many nodes there are, which are numbered from 0.
    pub(crate) nodes: usize,
    pub(crate) warnings: Vec<Diagnostic>,
}

#[derive(Debug)]
pub(crate) enum Body {
    All(Vec<Set>),
    Switch { subject: Node, cases: Vec<Case> },
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) condition: Condition,
    pub(crate) sets: Vec<Set>,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) id: usize,
    pub(crate) span: Span,
    pub(crate) operator: Operator,
    pub(crate) argument: Option<Node>,
}

#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) id: usize,
    pub(crate) span: Span,
    pub(crate) target: Arc<str>,
    pub(crate) field: Option<FormField>,
    pub(crate) alternatives: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: usize,
    pub(crate) span: Span,
    /// Whether what it gives is, or may have in it, a generated secret.
    pub(crate) secret: bool,
    pub(crate) types: Types,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Constant(Value<'static>),
    Field {
        path: FieldPath,
        /// Whether a number in it is a number of milliseconds.
        is_date: bool,
    },
    /// It has no value, whatever the asset.
    Nothing(Fault),
    Call {
        function: Function,
        arguments: Vec<Node>,
    },
    /// A word that stands for itself, or a text in its place.
    Word(Box<str>),
    /// A regular expression that the statement has in full.
    Pattern {
        text: Box<str>,
        regex: Result<Regex, Fault>,
    },
    /// Networks that the statement has in full.
    Networks {
        text: Box<str>,
        networks: Result<Vec<IpNet>, Fault>,
    },
    /// Headers and keys of a table.
    Columns(Vec<(String, String)>),
}

impl Program {
    /// What is probably not meant, and no error.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The kind of asset that it is about: `user`. None if nothing in it says so.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_ref().map(|(kind, _)| kind.as_ref())
    }

    /// The names of all fields that it may set, each once, in the order of the text.
    #[must_use]
    pub fn targets(&self) -> Vec<&str> {
        let mut targets: Vec<&str> = Vec::new();
        for set in self.sets() {
            if !targets.contains(&set.target.as_ref()) {
                targets.push(&set.target);
            }
        }
        targets
    }

    /// The fields of assets that `knows` does not know, as warnings: nobody may have them yet, or they are misspelt.
    #[must_use]
    pub fn unknown_fields(&self, knows: impl Fn(&FieldPath) -> bool) -> Vec<Diagnostic> {
        let mut fields = Vec::new();
        match &self.body {
            Body::All(_) => {}
            Body::Switch { subject, cases } => {
                subject.fields(&mut fields);
                for argument in cases
                    .iter()
                    .filter_map(|case| case.condition.argument.as_ref())
                {
                    argument.fields(&mut fields);
                }
            }
        }
        for node in self.sets().flat_map(|set| &set.alternatives) {
            node.fields(&mut fields);
        }
        fields.sort_by_key(|(span, _)| *span);
        fields
            .into_iter()
            .filter(|(_, path)| !knows(path))
            .map(|(span, path)| {
                let message = format!("no asset is known to have `{path}`");
                Diagnostic::new(&self.text, span, Severity::Warning, message, None)
            })
            .collect()
    }

    /// Whether it makes secrets.
    #[must_use]
    pub fn makes_secrets(&self) -> bool {
        self.sets()
            .any(|set| set.alternatives.iter().any(|node| node.secret))
    }

    /// The text that it was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn sets(&self) -> impl Iterator<Item = &Set> {
        let (all, cases) = match &self.body {
            Body::All(sets) => (sets.as_slice(), [].as_slice()),
            Body::Switch { cases, .. } => ([].as_slice(), cases.as_slice()),
        };
        all.iter().chain(cases.iter().flat_map(|case| &case.sets))
    }
}

impl Node {
    fn fields<'n>(&'n self, found: &mut Vec<(Span, &'n FieldPath)>) {
        match &self.what {
            What::Field { path, .. } => found.push((self.span, path)),
            What::Call { arguments, .. } => {
                for argument in arguments {
                    argument.fields(found);
                }
            }
            _ => {}
        }
    }
}
