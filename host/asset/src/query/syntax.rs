//! What a query says, after it was read: no text, no saved queries, no relative dates are left in it.

use std::collections::HashSet;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Number;

use crate::path::{FieldPath, Steps};

/// A condition on an asset, on an entity of it, or on a member of a list of objects.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    /// One adapter entity of the asset fulfils all of it.
    Entity(Box<Expr>),
    Not(Box<Expr>),
    Test(Test),
}

/// A condition on one field.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) subject: Subject,
    pub(crate) check: Check,
}

/// Whose value is looked at.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// An asset's.
    Asset(FieldPath),
    /// An entity's: the name of its adapter.
    Adapter,
    /// An entity's: its data.
    Data(Steps),
    /// An object's.
    Member(Steps),
}

/// What is asked of a value. A list fulfils it if one of its members does, unless it is about the list itself.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    Bool(bool),
    Date(Relation, Timestamp),
    /// It has a value: not `null`, not `""`.
    HasValue,
    Number(Relation, Number),
    /// A member is an object that fulfils all of it.
    Object(Box<Expr>),
    OneOf(OneOf),
    Range(Vec<(Relation, Number)>),
    Regex(Regex),
    /// It is there, and has so many members altogether.
    Size(usize),
    Text(Relation, String),
}

/// How a value stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    AtLeast,
    AtMost,
    Equal,
    Greater,
    Less,
}

/// The members of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneOf {
    pub(crate) texts: HashSet<String>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) bools: Vec<bool>,
}

impl OneOf {
    pub(crate) fn len(&self) -> usize {
        self.texts.len() + self.numbers.len() + self.bools.len()
    }
}
