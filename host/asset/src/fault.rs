//! Why one record of a list is no asset.
//!
//! Not why a whole file is no list: that is [`NotAList`](crate::NotAList).

use crate::asset::InvalidId;
use crate::read::MAX_RECORD_BYTES;

/// Why a record is no asset. It reads well after "line 7 is no asset: ".
///
/// What it quotes of the record is cut short and free of control characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The record of a table has another number of cells than its header.
    #[error(
        "it has {found} cells where the header has {wanted} (it ends on line {last_line}): a separator, quote or line \
         break in a cell needs quotes around the cell"
    )]
    CellCount {
        /// How many it has.
        found: usize,
        /// How many the header has.
        wanted: usize,
        /// The physical line on which it ends.
        last_line: u64,
    },

    /// Two members stand for one field and say different things, so that it is not clear who is meant.
    #[error("`{first}` and `{second}` name different people")]
    Contradiction {
        /// The member that came first.
        first: String,
        /// The one that contradicts it.
        second: String,
    },

    /// There is nothing between two commas of an array.
    #[error("there is nothing where an asset should be; is a comma too many?")]
    Empty,

    /// The line is an answer of Microsoft Graph that holds a list.
    #[error("it is a whole answer of Microsoft Graph: give the array in its `value` instead")]
    GraphAnswer,

    /// Its id cannot be one.
    #[error(transparent)]
    Id(#[from] InvalidId),

    /// Nothing says who it is.
    #[error(
        "it has none of `id`, `userPrincipalName`, `mail`, `proxyAddresses` and `onPremisesImmutableId`"
    )]
    Nameless,

    /// It is JSON, and no object.
    #[error(
        "it is {found}, and an asset is an object: {{\"id\":\"…\"}} or {{\"userPrincipalName\":\"…\"}}"
    )]
    NotAnObject {
        /// What it is, with an article.
        found: &'static str,
    },

    /// It is not JSON (RFC 8259).
    #[error("it is not JSON: {what} at line {line}, column {column}")]
    NotJson {
        /// What the parser stumbled over.
        what: String,
        /// The physical line.
        line: u64,
        /// The byte of that line, from 1.
        column: u64,
    },

    /// It has bytes that are not UTF-8.
    #[error("it is not UTF-8 text; save the list as UTF-8")]
    NotUtf8,

    /// An object has a member twice, and programs differ in which they take (RFC 8259 section 4).
    #[error("it has the member `{member}` twice")]
    RepeatedMember {
        /// Which.
        member: String,
    },

    /// Its id has the form that outcomes of broken records have.
    #[error("an id of the form `line:N` stands for a line that is no asset")]
    ReservedId,

    /// It is nested too deeply.
    #[error("it is nested deeper than {} levels", crate::read::MAX_DEPTH)]
    TooDeep,

    /// It is too long.
    #[error("it is longer than {} KiB", MAX_RECORD_BYTES / 1024)]
    TooLong,

    /// A member is missing, or is not of the type that it must have.
    #[error("`{member}` must be {wanted}")]
    WrongType {
        /// Which: `adapters[0].data`.
        member: String,
        /// What it must be.
        wanted: &'static str,
    },
}

/// `text` for a message: at most 64 characters, without control characters and backticks.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(64)
        .map(|c| {
            if c.is_control() || c == '`' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if text.chars().nth(64).is_some() {
        short.push('…');
    }
    short
}
