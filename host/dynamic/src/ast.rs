//! A statement as it was written, cut into its parts. Nothing is resolved here but the names of functions and operators.

use crate::diagnostic::{Diagnostic, Span};
use crate::functions::Function;
use crate::operators::Operator;
use crate::value::Number;
use crate::{format, parse};

/// A statement that has been read and not been checked.
///
/// Two are equal if they say the same, however they are laid out.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(crate) text: String,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// `user all then …`
    All { kind: Name, assigns: Vec<Assign> },
    /// `switch … case … then …`
    Switch {
        subject: Expression,
        cases: Vec<Case>,
    },
}

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// `case … then … also …`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) condition: Condition,
    pub(crate) assigns: Vec<Assign>,
}

#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) arguments: Vec<Expression>,
    pub(crate) span: Span,
}

/// `form.… set_value … or …`
#[derive(Clone, Debug)]
pub(crate) struct Assign {
    /// The name without `form.`.
    pub(crate) target: Name,
    pub(crate) alternatives: Vec<Expression>,
    /// Where `set_value` stands.
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) what: What,
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Text(String),
    Number(Number),
    Bool(bool),
    /// Of texts, numbers and truth values only.
    List(Vec<Expression>),
    /// `[user.…]`: the kind of asset, and the path below it.
    Field {
        kind: String,
        path: Vec<String>,
    },
    /// `[relation.user("Last used by").…]`
    Relation {
        kind: String,
        relationship: String,
        path: Vec<String>,
    },
    Call {
        function: Function,
        arguments: Vec<Expression>,
    },
    /// A word or path without quotes: `contains`, `hex`, `tags.key`.
    Word(String),
    /// `[(header: "…", field: "…")]`: pairs of a header and a field.
    Columns(Vec<(String, String)>),
}

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// The first thing that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        parse::statement(text).map(|body| Self {
            text: text.to_owned(),
            body,
        })
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same statement laid out in the one way that all statements are. Reading it gives an equal statement.
    #[must_use]
    pub fn format(&self) -> String {
        format::body(&self.body)
    }
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.operator == other.operator && self.arguments == other.arguments
    }
}

impl PartialEq for Assign {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && self.alternatives == other.alternatives
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}
