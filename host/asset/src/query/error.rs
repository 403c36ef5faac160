//! What is wrong with a query, and where.

use std::fmt;
use std::ops::Range;

use crate::path::PathError;

/// Why a text is no query that can be answered. It reads well after "line 1, column 5: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// A saved query leads back to itself.
    #[error("the saved query `{name}` uses itself ({way})")]
    Circle {
        /// Its name.
        name: String,
        /// By way of which others.
        way: String,
    },

    /// What stands in `date(…)` is none.
    #[error("`{text}` is no date")]
    Date {
        /// What stands there.
        text: String,
    },

    /// There is nothing.
    #[error("the query is empty")]
    Empty,

    /// A path that is none.
    #[error(transparent)]
    Field(#[from] PathError),

    /// A saved query that this one uses is wrong.
    #[error("in the saved query `{name}`, {error}")]
    InSaved {
        /// Its name.
        name: String,
        /// What is wrong with it.
        error: Box<QueryError>,
    },

    /// A field that cannot stand inside of `match`.
    #[error("`{path}` is no field of {of}")]
    NotInside {
        /// The field.
        path: String,
        /// Of what.
        of: &'static str,
        /// What can.
        hint: &'static str,
    },

    /// A number that is none.
    #[error("`{text}` is no number")]
    Number {
        /// What stands there.
        text: String,
    },

    /// A comparison that makes no sense for what follows.
    #[error("`{comparison}` compares numbers, texts and dates, not {with}")]
    NotOrdered {
        /// `<`, for example.
        comparison: &'static str,
        /// What follows.
        with: &'static str,
    },

    /// A regular expression that cannot be used.
    #[error("this is no regular expression that can be used: {reason}")]
    Regex {
        /// Why.
        reason: String,
    },

    /// Asset scopes are the product's, and are not kept here.
    #[error("asset scopes are not kept here")]
    Scope,

    /// Brackets, `not` and saved queries within each other.
    #[error("it is nested deeper than {} levels", super::MAX_DEPTH)]
    TooDeep,

    /// The text is too long.
    #[error("the query is longer than {} MiB", super::MAX_BYTES / 1024 / 1024)]
    TooLong,

    /// A list is too long.
    #[error("the list has more than {} members", super::MAX_MEMBERS)]
    TooManyMembers,

    /// Too much to look at for each asset.
    #[error(
        "the query has more than {} tests, those of its saved queries included",
        super::MAX_TESTS
    )]
    TooManyTests,

    /// Something that is opened and not closed.
    #[error("{what} is not closed")]
    Unclosed {
        /// What.
        what: &'static str,
    },

    /// Something else should stand there.
    #[error("{found} where {wanted} should be")]
    Unexpected {
        /// What stands there.
        found: String,
        /// What should.
        wanted: &'static str,
        /// What may have been meant.
        hint: Option<String>,
    },

    /// No asset has the field.
    #[error("no asset has the field `{path}`")]
    UnknownField {
        /// Which.
        path: String,
        /// Those that are spelt alike, nearest first.
        nearest: Vec<String>,
    },

    /// No query was saved under this id or name.
    #[error("no saved query `{reference}`")]
    UnknownQuery {
        /// Which.
        reference: String,
        /// Those that are spelt alike, nearest first.
        nearest: Vec<String>,
    },
}

impl Mistake {
    pub(super) fn at(self, span: Range<usize>) -> Misplaced {
        Misplaced {
            mistake: self,
            span,
        }
    }

    /// What to do about it, as the end of a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let fixed = match self {
            Self::Circle { .. } => "save one of them without the other",
            Self::Date { .. } => {
                "write `NOW - 7d`, `NOW - 12h`, `NOW + 1d`, `NOW`, `2026-11-20` or `2026-11-20T08:00:00Z`"
            }
            Self::Empty => {
                "`\"internal_axon_id\" == ({\"$exists\":true,\"$ne\":\"\"})` finds every asset"
            }
            Self::Field(error) => error.hint(),
            Self::InSaved { error, .. } => return error.mistake.hint(),
            Self::NotInside { hint, .. } => hint,
            Self::NotOrdered { .. } => "`==` and `!=` take everything",
            Self::Regex { .. } => {
                "patterns are searched for in linear time: they have no look-around and no back-references, and a \
                 bounded size"
            }
            Self::Scope => "save the scope's query, and use it as `({{QueryID=NAME}})`",
            Self::TooDeep => "brackets around a chain of `and`, or of `or`, are not needed",
            Self::TooManyMembers => "give long lists as a file: `--assets FILE`",
            Self::TooLong | Self::TooManyTests => "split it into several queries",
            Self::Number { .. } => "numbers are written as in JSON: `7`, `-0.4`",
            Self::Unclosed { .. } => return None,
            Self::Unexpected { hint, .. } => return hint.clone(),
            Self::UnknownField { nearest, .. } | Self::UnknownQuery { nearest, .. } => {
                let near: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
                return (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
            }
        };
        Some(fixed.to_owned())
    }
}

/// A mistake, and the bytes of the text that it is about.
#[derive(Debug)]
pub(super) struct Misplaced {
    pub(super) mistake: Mistake,
    pub(super) span: Range<usize>,
}

/// A mistake in a query, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// What is wrong.
    pub mistake: Mistake,
    /// The line of it, from 1.
    pub line: usize,
    /// The character of that line, from 1.
    pub column: usize,
    excerpt: String,
}

impl std::error::Error for QueryError {}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.mistake
        )
    }
}

impl QueryError {
    pub(super) fn new(text: &str, misplaced: Misplaced) -> Self {
        let Misplaced { mistake, span } = misplaced;
        let start = text.floor_char_boundary(span.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let line = text.get(line_start..).unwrap_or_default();
        let line = line.split('\n').next().unwrap_or_default();
        let marked = text.get(start..span.end).unwrap_or_default();
        let marked = marked.split('\n').next().unwrap_or_default();
        Self {
            excerpt: excerpt(line, column, marked.chars().count()),
            line: before.matches('\n').count() + 1,
            column,
            mistake,
        }
    }

    /// The line that has the mistake, and below it a mark.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// What to do about it, as the end of a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.mistake.hint()
    }
}

/// At most so many characters of a line are shown, those around the mistake.
const WINDOW: usize = 100;

fn excerpt(line: &str, column: usize, marked: usize) -> String {
    let skipped = if column > WINDOW * 3 / 4 {
        column - WINDOW / 2
    } else {
        0
    };
    let shown: String = line
        .chars()
        .skip(skipped)
        .take(WINDOW)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let (before, dots) = if skipped > 0 { ("…", 1) } else { ("", 0) };
    let after = if line.chars().count() > skipped + WINDOW {
        "…"
    } else {
        ""
    };
    let room = WINDOW + 1 - (column - skipped).min(WINDOW);
    let indent = " ".repeat(dots + column - 1 - skipped);
    let marks = "^".repeat(marked.clamp(1, room));
    format!("{before}{shown}{after}\n{indent}{marks}")
}
