//! What ends a command early, how it is written, and the exit codes.
//!
//! The library says what is wrong and what to do next; here it becomes `error: …` and `hint: …`.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use tipstaff::asset::{ImportError, InventoryError, NotAList, QueryError, QueryFailure, SaveError};
use tipstaff::connection::config::UnknownConnection;
use tipstaff::dynamic::{Diagnostic, Severity};
use tipstaff::enforcement::ledger::LedgerError;
use tipstaff::enforcement::report::ReportError;
use tipstaff::{
    CheckError, ConfigError, FetchError, HostError, PlanError, RegistryError, StateError,
    TrustError,
};

use crate::text::harmless;

/// The exit codes. Scripts depend on them, so none ever changes its meaning.
pub(crate) mod exit {
    /// Every asset succeeded, was skipped or would be enforced; what was asked for was shown.
    pub(crate) const DONE: u8 = 0;
    /// Some assets failed, are in doubt or were not attempted, also when the action stopped by itself.
    pub(crate) const NOT_ALL: u8 = 1;
    /// The request was wrong: usage, configuration, refused plan. Nothing was sent.
    pub(crate) const REFUSED: u8 = 2;
    /// The run was cut short by the host: a limit, a crash, a breach of the contract, SIGINT or SIGTERM.
    pub(crate) const CUT_SHORT: u8 = 3;
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read the standard output went away, as `head` does. Nobody needs to hear of it.
    ReaderLeft,
    /// Everything else.
    Told(Box<Told>),
}

/// What a person is told.
#[derive(Debug)]
pub(crate) struct Told {
    message: String,
    excerpt: Option<String>,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// A request that was wrong.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Told(Box::new(Told {
            message: message.into(),
            excerpt: None,
            hint: None,
            code: exit::REFUSED,
        }))
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told(told) = &mut self {
            told.hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        }
        self
    }

    /// Adds the lines of a text that it is about, shown as they are.
    pub(crate) fn excerpt(mut self, lines: impl Into<String>) -> Self {
        if let Self::Told(told) = &mut self {
            told.excerpt = Some(lines.into());
        }
        self
    }

    /// Sets the exit code, one of [`exit`].
    pub(crate) fn with_code(mut self, code: u8) -> Self {
        if let Self::Told(told) = &mut self {
            told.code = code;
        }
        self
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::ReaderLeft => exit::DONE,
            Self::Told(told) => told.code,
        }
    }

    /// A list of assets that is none.
    pub(crate) fn not_a_list(from: &str, error: &NotAList) -> Self {
        Self::new(format!("`{from}` is no list of assets: {}", chain(error))).hint(error.hint())
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot {doing} `{}`: {error}", path.display()))
    }

    /// `error: …`, below it the excerpt, and after an empty line `hint: …`.
    pub(crate) fn render(&self, colour: bool) -> String {
        match self {
            Self::ReaderLeft => String::new(),
            Self::Told(told) => {
                let hint = told
                    .hint
                    .as_deref()
                    .map(|hint| format!("\n{}", labelled("hint", HINT, &fragment(hint), colour)));
                let mut text = labelled("error", ERROR, &harmless(&told.message), colour);
                for line in told.excerpt.iter().flat_map(|excerpt| excerpt.lines()) {
                    text.push_str(&format!("  | {}\n", harmless(line)));
                }
                text + &hint.unwrap_or_default()
            }
        }
    }
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// `warning: …` and, on the next line, `hint: …`.
pub(crate) fn warning(message: &str, hint: Option<&str>, colour: bool) -> String {
    let hint = hint.map(|hint| labelled("hint", HINT, &fragment(hint), colour));
    labelled("warning", WARNING, &harmless(message), colour) + &hint.unwrap_or_default()
}

/// A mistake in a file, with its place, the line that it is in, and what to write instead.
pub(crate) fn placed(file: &str, mistake: &Diagnostic, colour: bool) -> String {
    let (label, style) = match mistake.severity {
        Severity::Error => ("error", ERROR),
        Severity::Warning => ("warning", WARNING),
    };
    let message = format!("{file}: {mistake}");
    let excerpt: String = mistake
        .excerpt()
        .lines()
        .map(|line| format!("  {}\n", harmless(line)))
        .collect();
    let hint = mistake
        .hint
        .as_deref()
        .map(|hint| labelled("hint", HINT, &fragment(hint), colour));
    labelled(label, style, &harmless(&message), colour) + &excerpt + &hint.unwrap_or_default()
}

fn labelled(label: &str, style: Style, text: &str, colour: bool) -> String {
    if colour {
        format!("{style}{label}{style:#}: {text}\n")
    } else {
        format!("{label}: {text}\n")
    }
}

/// A hint as the rest of a line: some come as sentences.
fn fragment(hint: &str) -> String {
    let hint = harmless(hint.trim_end().trim_end_matches('.'));
    let mut letters = hint.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain(hint.chars().skip(1)).collect()
        }
        _ => hint.into_owned(),
    }
}

/// An error with its causes, each once: many errors have the text of their cause in their own.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// A failure of the library, with its own hint.
fn told(error: &(impl Error + 'static), hint: Option<String>) -> Failure {
    Failure::new(chain(error)).hint(hint.unwrap_or_default())
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        let code = match error {
            CheckError::Cut(_) => exit::CUT_SHORT,
            _ => exit::REFUSED,
        };
        told(&error, error.hint()).with_code(code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        told(&error, error.hint.clone())
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let code = match error {
            FetchError::Stopped(_) => exit::NOT_ALL,
            FetchError::Cut(_) | FetchError::Unreadable(_) => exit::CUT_SHORT,
            _ => exit::REFUSED,
        };
        told(&error, error.hint()).with_code(code)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        told(&error, error.hint())
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        told(&error, Some(error.hint().to_owned()))
    }
}

impl From<InventoryError> for Failure {
    fn from(error: InventoryError) -> Self {
        told(&error, Some(error.hint().to_owned()))
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        told(&error, error.hint().map(str::to_owned))
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        told(&error, error.hint())
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        told(&error, error.hint()).excerpt(error.excerpt())
    }
}

impl From<QueryFailure> for Failure {
    fn from(error: QueryFailure) -> Self {
        match error {
            QueryFailure::Inventory(error) => error.into(),
            QueryFailure::Wrong(error) => error.into(),
            other => Self::new(chain(&other)),
        }
    }
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Query(error) => error.into(),
            SaveError::Name(error) => told(&error, Some(error.hint().to_owned())),
            other => Self::new(chain(&other)),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Ledger(error) => error.into(),
            ReportError::Io(error) => error.into(),
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        told(&error, error.hint())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        told(&error, Some(error.hint()))
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        told(&error, error.hint())
    }
}

impl From<UnknownConnection> for Failure {
    fn from(error: UnknownConnection) -> Self {
        told(&error, Some(error.hint()))
    }
}

/// Of writing to the standard output.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::ReaderLeft
        } else {
            Self::new(format!("cannot write to the standard output: {error}"))
        }
    }
}

/// `no TYPE `word``, with the nearest of those that there are.
pub(crate) fn unknown<'a>(
    what: &str,
    word: impl Display,
    nearest: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> Failure {
    let near: Vec<String> = nearest.into_iter().map(|n| format!("`{n}`")).collect();
    let hint = if near.is_empty() {
        otherwise.to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Failure::new(format!("no {what} `{word}`")).hint(hint)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn errors_are_written_with_their_hint_after_an_empty_line() {
        let failure = Failure::new("connection `corp` in tipstaff.toml: unknown key `tenant`")
            .hint("did you mean `tenant_id`?");
        insta::assert_snapshot!(failure.render(false), @r"
        error: connection `corp` in tipstaff.toml: unknown key `tenant`

        hint: did you mean `tenant_id`?
        ");
        assert_eq!(failure.code(), exit::REFUSED);
    }

    #[test]
    fn hints_that_are_sentences_become_the_rest_of_a_line() {
        let failure = Failure::not_a_list("users.txt", &NotAList::Empty);
        insta::assert_snapshot!(failure.render(false), @r"
        error: `users.txt` is no list of assets: it is empty

        hint: a list is JSON Lines with one asset a line, a JSON array of assets, or CSV whose header has one of the columns `id`, `userPrincipalName` and `mail`
        ");
        assert_eq!(fragment("JSON it is."), "JSON it is");
    }

    #[test]
    fn causes_are_told_once() {
        let unreadable = NotAList::Unreadable(io::Error::other("disk on fire"));
        assert_eq!(chain(&unreadable), "it cannot be read: disk on fire");
        let state = StateError::Io {
            path: "/x".into(),
            source: io::Error::other("no room"),
        };
        assert_eq!(chain(&state), "state folder `/x` cannot be used: no room");
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let left = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(
            (left.code(), left.render(true)),
            (exit::DONE, String::new())
        );
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.code(), exit::REFUSED);
    }

    #[test]
    fn what_is_quoted_cannot_command_the_terminal() {
        let text = Failure::new("no action `\u{1b}[31mx`").render(false);
        assert_eq!(text, "error: no action `\u{fffd}[31mx`\n");
        let text = warning("a\nb", Some("Do c."), false);
        assert_eq!(text, "warning: a b\nhint: do c\n");
    }

    #[test]
    fn what_is_wrong_with_a_text_is_shown_in_it() {
        let failure = Failure::new("line 1, column 10: `=` where something else should be")
            .excerpt("\"labels\" = \"a\"\n         ^")
            .hint("equality is written `==`");
        insta::assert_snapshot!(failure.render(false), @r#"
        error: line 1, column 10: `=` where something else should be
          | "labels" = "a"
          |          ^

        hint: equality is written `==`
        "#);
    }

    #[test]
    fn near_misses_are_suggested() {
        let text = unknown("asset", "b23", ["b2374c0e", "b2374c0f"], "`x`").render(false);
        insta::assert_snapshot!(text, @r"
        error: no asset `b23`

        hint: did you mean `b2374c0e` or `b2374c0f`?
        ");
    }
}
