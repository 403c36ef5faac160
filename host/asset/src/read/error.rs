//! Why a file is no list of assets, or stopped being one.
//!
//! Why a single record is no asset is [`Fault`](crate::Fault).

use std::io;

/// Why nothing was read: the file is no list at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAList {
    /// JSON Lines were promised, and it is an array.
    #[error("it begins with `[`, so it is a JSON array and not JSON Lines")]
    ArrayNotLines,

    /// It is no text.
    #[error("it is {0}")]
    Binary(&'static str),

    /// There is nothing in it, or nothing but white space as far as we looked.
    #[error("it is empty")]
    Empty,

    /// The first row of a table has to name its columns, and seems to be a user.
    #[error(
        "its first line is `{first}`, which looks like a user and not like the header of a table"
    )]
    HeaderMissing {
        /// The cell that looks like one.
        first: String,
    },

    /// The first row of a table cannot be read.
    #[error("its first line cannot be the header of a table: {0}")]
    HeaderUnreadable(&'static str),

    /// No column of a table says who somebody is.
    #[error("no column of its header says who somebody is (found {columns})")]
    NoKnownColumn {
        /// The first few columns, in backticks.
        columns: String,
    },

    /// An array was promised, and it is none.
    #[error("it does not begin with `[`, so it is no JSON array")]
    NotAnArray,

    /// Two columns of a table stand for the same field, so that it is not clear who is meant.
    #[error("its columns `{first}` and `{second}` stand for the same field")]
    SameColumnTwice {
        /// The column that comes first.
        first: String,
        /// The other one.
        second: String,
    },

    /// It is one JSON object over several lines.
    #[error("it is a JSON object that is spread over several lines")]
    SpreadObject,

    /// A table has too many columns.
    #[error("its header has more than {} columns", super::MAX_COLUMNS)]
    TooManyColumns,

    /// It cannot be opened or read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
}

impl NotAList {
    /// What to do next, as a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ArrayNotLines => "Give the file a name that ends in `.json`.",
            Self::Binary(_) => {
                "Export the list again as CSV (UTF-8) with a header, as JSON Lines, or as a JSON array."
            }
            Self::HeaderMissing { .. } => {
                "Put a line above it that names the column: `userPrincipalName` for names, `id` for object ids."
            }
            Self::SameColumnTwice { .. } => {
                "Rename or remove the column that does not say who is meant."
            }
            Self::SpreadObject => {
                "Put each object on a line of its own, or all of them into an array: `jq -c .` does the former."
            }
            Self::Unreadable(_) => "Check that the file exists, is no folder, and may be read.",
            _ => {
                "A list is JSON Lines with one asset a line, a JSON array of assets, or CSV whose header has one of the \
                 columns `id`, `userPrincipalName` and `mail`."
            }
        }
    }
}

impl From<io::Error> for NotAList {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Why reading stopped before the end of the list. What was read until then stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// From here on it cannot be told where a record begins, so that to go on would be to guess who is meant.
    #[error("cannot read on after line {line}: {reason}")]
    Damaged {
        /// The physical line, from 1.
        line: u64,
        /// What is wrong.
        reason: Damage,
    },

    /// The file could not be read any further.
    #[error("cannot read on after line {line}")]
    Unreadable {
        /// The physical line, from 1.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    /// What to do next, as a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => {
                "Check whether the file was cut off, mend that line, and give the whole list again."
            }
            Self::Unreadable { .. } => "Give the list again when it can be read to its end.",
        }
    }
}

/// How a list is damaged beyond one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A JSON string has a line break or another control character in it (RFC 8259 section 7).
    #[error("a text has no closing quote")]
    OpenString,

    /// A cell of a table begins with a quote that nothing closes.
    #[error("a cell that begins with a quote has no closing quote")]
    OpenCell,

    /// The file ends within an array.
    #[error("the file ends before the `]` of its array")]
    OpenArray,

    /// Brackets close in another order than they were opened.
    #[error("a closing bracket does not fit the one that was opened")]
    WrongBracket,

    /// There is more after the end of the array.
    #[error("there is more after the `]` of its array")]
    AfterTheEnd,

    /// So many brackets are open that we lose count.
    #[error("too many brackets are open")]
    TooManyBrackets,
}
