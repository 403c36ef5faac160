//! Why a value could not be computed for an asset. Messages hold no data of the asset, so that equal causes read alike.

use std::sync::Arc;

use crate::diagnostic::Span;
use crate::limits;

/// A fault, and the expression that has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) span: Span,
    pub(crate) fault: Fault,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the date has no text: it is too far away")]
    DateOutOfRange,
    #[error("dates and numbers cannot be compared")]
    DatesAndNumbers,
    #[error("divided by zero")]
    DividedByZero,
    #[error("empty asset field")]
    Empty,
    #[error("the text to split at is empty")]
    EmptyDelimiter,
    #[error("the list is empty")]
    EmptyList,
    #[error("the list has an empty member")]
    EmptyMember,
    #[error("the value is empty")]
    EmptyValue,
    #[error("a length of {0} to {most} characters is wanted", most = limits::GENERATED_CHARACTERS)]
    GeneratedLength(u64),
    #[error("the list is longer than {most}", most = limits::LIST_MEMBERS)]
    ListTooLong,
    #[error("no network is written so")]
    Network,
    #[error("no case holds for this asset")]
    NoCase,
    #[error("the length is negative")]
    NegativeLength,
    #[error("nothing matches")]
    NoMatch,
    #[error("there is no randomness")]
    NoRandomness,
    #[error("the form does not allow this value")]
    NotAllowed,
    #[error("the result is too large for a number")]
    NotFinite,
    #[error("{wanted} is wanted, and this is {found}")]
    NotOfType {
        wanted: &'static str,
        found: &'static str,
    },
    #[error("the text is no number")]
    NotNumeric,
    #[error("the asset is a {is}, and the statement is about a {wanted}")]
    OtherKind { wanted: Arc<str>, is: Arc<str> },
    #[error("a {of} has this field, and the statement is about a {wanted}")]
    OtherKindOfField { of: Arc<str>, wanted: Arc<str> },
    #[error("regex not supported: {0}")]
    Regex(Arc<str>),
    #[error("assets have no relations here")]
    Relation,
    #[error("`substring` counts from 1")]
    StartBelowOne,
    #[error("the text is longer than {most} bytes", most = limits::TEXT_BYTES)]
    TextTooLong,
    #[error("the asset has more data than a statement may look at")]
    TooManySteps,
    #[error("there is no date code `%{0}`")]
    UnknownDateCode(char),
}

impl Fault {
    pub(crate) fn at(self, span: Span) -> Failure {
        Failure { span, fault: self }
    }
}
