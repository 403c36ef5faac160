//! What is wrong with a statement, and where: for people with a caret, for programs as line and column.

use std::fmt;
use std::fmt::Write as _;

use serde::Serialize;

/// A part of a statement's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        // Statements are shorter than `limits::STATEMENT_BYTES`, so nothing is cut.
        let small = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: small(start),
            end: small(end),
        }
    }

    pub(crate) fn to(self, end: Self) -> Self {
        Self {
            start: self.start,
            end: end.end,
        }
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// A place in a text. Both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    pub(crate) fn of(text: &str, at: u32) -> Self {
        let before = text.get(..at as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The statement is refused.
    Error,
    /// It can be used, and probably does not do what was meant.
    Warning,
}

/// One thing that is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it begins.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong: fits after "failed to …: ".
    pub message: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line that it stands on.
    #[serde(skip)]
    line: String,
    /// How many characters of the line are meant.
    #[serde(skip)]
    width: usize,
}

impl Diagnostic {
    pub(crate) fn new(
        text: &str,
        span: Span,
        severity: Severity,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        let place = Place::of(text, span.start);
        let line = text.lines().nth(place.line - 1).unwrap_or_default();
        let room = line.chars().count().saturating_sub(place.column - 1).max(1);
        Self {
            severity,
            place,
            message: message.into(),
            hint,
            line: line.to_owned(),
            width: span.of(text).chars().count().clamp(1, room),
        }
    }

    /// The line with a caret below what is meant, as two lines of text. Long lines are shown in part.
    #[must_use]
    pub fn excerpt(&self) -> String {
        const BEFORE: usize = 60;
        const WIDTH: usize = 100;
        let skipped = self.place.column.saturating_sub(1 + BEFORE);
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let shown: String = self
            .line
            .chars()
            .skip(skipped)
            .take(WIDTH)
            .map(visible)
            .collect();
        let number = self.place.line.to_string();
        let before = self.place.column - 1 - skipped;
        let width = self.width.min(WIDTH.saturating_sub(before)).max(1);
        let mut text = String::new();
        // Writing to a string has no error.
        let _ = writeln!(text, "{number} | {shown}");
        let _ = writeln!(
            text,
            "{} | {}{}",
            " ".repeat(number.len()),
            " ".repeat(before),
            "^".repeat(width)
        );
        text
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Everything that is wrong with a statement: at least one error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    pub(crate) fn new(list: Vec<Diagnostic>) -> Self {
        Self(list)
    }

    /// All of it, in the order of the text.
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.0
    }

    /// The first error.
    #[must_use]
    pub fn first(&self) -> Option<&Diagnostic> {
        self.0
            .iter()
            .find(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first() {
            Some(first) => first.fmt(f),
            None => f.write_str("nothing is wrong"),
        }
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, start: usize, end: usize) -> Diagnostic {
        Diagnostic::new(text, Span::new(start, end), Severity::Error, "wrong", None)
    }

    #[test]
    fn places_count_characters_and_lines_from_one() {
        let text = "ä b\nc d";
        assert_eq!(at(text, 3, 4).to_string(), "line 1, column 3: wrong");
        assert_eq!(at(text, 7, 8).place, Place { line: 2, column: 3 });
        assert_eq!(at(text, 8, 8).place, Place { line: 2, column: 4 });
    }

    #[test]
    fn the_caret_stands_below_what_is_meant() {
        assert_eq!(at("ä bcd e", 3, 6).excerpt(), "1 | ä bcd e\n  |   ^^^\n");
        let long = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let excerpt = at(&long, 300, 601).excerpt();
        let (line, caret) = excerpt.trim_end().split_once('\n').unwrap_or_default();
        let under = line.find('X');
        assert!(under.is_some() && caret.find('^') == under, "{excerpt}");
        assert!(line.len() < 120 && caret.len() < 120, "{excerpt}");
    }
}
