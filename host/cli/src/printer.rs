//! The two streams that people and programs read, decided once: which is a terminal, which may have colours.
//!
//! Results go to standard output, everything else to standard error. Lines and the progress bar share the terminal
//! through here, so that neither overwrites the other.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use anstyle::Style;
use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::diagnostic::{self, Failure};

/// How wide paragraphs are where there is no terminal to ask.
const COLUMNS: usize = 100;

/// Where results and notes go. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    out: Stream,
    err: Stream,
    asks: bool,
    bars: MultiProgress,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    is_terminal: bool,
    colour: bool,
}

impl Printer {
    /// Looks at the streams and the environment.
    pub(crate) fn new(no_colour: bool) -> Self {
        let plain = no_colour || environment_wants_no_colour();
        let stream = |is_terminal: bool| Stream {
            is_terminal,
            colour: is_terminal && !plain,
        };
        let err = stream(io::stderr().is_terminal());
        let target = if err.is_terminal {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            out: stream(io::stdout().is_terminal()),
            err,
            asks: io::stdin().is_terminal() && err.is_terminal,
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Whether there is somebody who can answer a question.
    pub(crate) fn can_ask(&self) -> bool {
        self.asks
    }

    /// Whether a person watches what is told.
    pub(crate) fn is_watched(&self) -> bool {
        self.err.is_terminal
    }

    /// Whether results are read by a person.
    pub(crate) fn results_are_watched(&self) -> bool {
        self.out.is_terminal
    }

    /// Columns for paragraphs.
    pub(crate) fn columns(&self) -> usize {
        match terminal_size::terminal_size() {
            Some((terminal_size::Width(columns), _)) => usize::from(columns).clamp(40, COLUMNS),
            None => COLUMNS,
        }
    }

    /// Columns of the terminal that shows results, if one does.
    pub(crate) fn result_columns(&self) -> Option<usize> {
        let (terminal_size::Width(columns), _) = terminal_size::terminal_size()?;
        self.out.is_terminal.then_some(usize::from(columns))
    }

    /// Standard output, buffered. Whoever writes flushes.
    pub(crate) fn results(&self) -> BufWriter<Stdout> {
        BufWriter::with_capacity(64 * 1024, io::stdout())
    }

    /// How results look.
    pub(crate) fn paint(&self) -> Paint {
        Paint {
            colour: self.out.colour,
        }
    }

    /// How notes look.
    pub(crate) fn paint_notes(&self) -> Paint {
        Paint {
            colour: self.err.colour,
        }
    }

    /// Where a progress bar is drawn.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Writes results whole.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = self.results();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Writes a note, which ends with a line break, above the progress bar. Where nobody can be told, nobody is.
    pub(crate) fn note(&self, text: &str) {
        self.bars.suspend(|| {
            let _ = io::stderr().write_all(text.as_bytes());
        });
    }

    /// Writes a warning.
    pub(crate) fn warning(&self, message: &str, hint: Option<&str>) {
        self.note(&diagnostic::warning(message, hint, self.err.colour));
    }

    /// Writes why the command ends.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.note(&failure.render(self.err.colour));
    }

    /// Whether notes may have colours.
    pub(crate) fn notes_have_colour(&self) -> bool {
        self.err.colour
    }
}

/// Colours text, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    colour: bool,
}

impl Paint {
    /// Never colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { colour: false }
    }

    /// `text` in `style`.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// A heading.
    pub(crate) fn heading(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }
}

/// `NO_COLOR` with any value but an empty one (no-color.org), and terminals that cannot.
fn environment_wants_no_colour() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb")
}

/// Whether the arguments ask for no colours, before they are parsed: messages about wrong arguments have colours too.
pub(crate) fn wants_no_colour(mut arguments: impl Iterator<Item = OsString>) -> bool {
    environment_wants_no_colour() || arguments.any(|argument| argument == "--no-color")
}
