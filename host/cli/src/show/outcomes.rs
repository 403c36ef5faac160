//! Outcomes as a table for people, read from the ledger: however many there are, one is in memory.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use tipstaff::enforcement::ledger::Ledger;
use tipstaff::enforcement::{verdict_of, verdict_text};
use tipstaff::{Outcome, RunId, Verdict};

use super::table::Columns;
use crate::diagnostic::Failure;
use crate::printer::{Paint, Printer};
use crate::text::counted;

/// How many outcomes a person is shown at once.
pub(crate) const SCREEN: u64 = 20;

/// Which outcomes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// All.
    All,
    /// At most so many of those that somebody has to look at one by one. Why assets were not attempted is the same for
    /// all of them, and the summary has it.
    Troubles(u64),
}

impl Choice {
    /// All that fit a screen for a person, else those that matter; everything for a file or a program.
    pub(crate) fn for_reader(is_person: bool, total: u64) -> Self {
        if is_person && total > SCREEN {
            Self::Troubles(SCREEN)
        } else {
            Self::All
        }
    }

    fn takes(self, outcome: &Outcome) -> bool {
        match self {
            Self::All => true,
            Self::Troubles(_) => matches!(outcome.verdict, Verdict::Failed | Verdict::InDoubt),
        }
    }

    fn most(self) -> u64 {
        match self {
            Self::All => u64::MAX,
            Self::Troubles(most) => most,
        }
    }
}

/// How the table looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Its colours.
    pub(crate) paint: Paint,
    /// How many columns the terminal has; elsewhere an outcome is one line, however long.
    pub(crate) columns: Option<usize>,
}

impl Look {
    /// For standard output.
    pub(crate) fn of(printer: &Printer) -> Self {
        Self {
            paint: printer.paint(),
            columns: printer.result_columns(),
        }
    }
}

/// Whether an asset of this verdict was not dealt with.
pub(crate) fn needs_somebody(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Failed | Verdict::InDoubt | Verdict::NotAttempted
    )
}

/// Writes the table of a run.
pub(crate) fn write(
    ledger: &Ledger,
    run: RunId,
    choice: Choice,
    look: Look,
    mut out: impl Write,
) -> Result<(), Failure> {
    let mut columns = Columns::new(["ASSET", "VERDICT", "CODE", "MESSAGE"]);
    let (mut chosen, mut rows) = (0_u64, 0_u64);
    for outcome in ledger.outcomes(run)? {
        let outcome = outcome?;
        if choice.takes(&outcome) {
            chosen += 1;
            if chosen <= choice.most() {
                columns.fit(&cells(&outcome));
            }
        }
    }
    if chosen == 0 {
        return Ok(out.flush()?);
    }
    out.write_all(columns.head(look.paint).as_bytes())?;
    for outcome in ledger.outcomes(run)? {
        let outcome = outcome?;
        if !choice.takes(&outcome) {
            continue;
        }
        rows += 1;
        if rows > choice.most() {
            break;
        }
        let coloured = |column: usize, cell: &str| match column {
            1 => look.paint.paint(style(outcome.verdict), cell),
            _ => cell.to_owned(),
        };
        let line = match look.columns {
            Some(room) => columns.paragraph(&cells(&outcome), room, coloured),
            None => columns.line(&cells(&outcome), coloured),
        };
        out.write_all(line.as_bytes())?;
    }
    let more = chosen.saturating_sub(choice.most());
    if more > 0 {
        writeln!(
            out,
            "… and {}",
            counted(more, "more like these", "more like these")
        )?;
    }
    Ok(out.flush()?)
}

fn cells(outcome: &Outcome) -> [&str; 4] {
    [
        &outcome.asset,
        verdict_text(outcome.verdict),
        &outcome.code,
        &outcome.message,
    ]
}

/// The colour of a verdict.
pub(crate) fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Succeeded => AnsiColor::Green,
        Verdict::WouldEnforce => AnsiColor::Cyan,
        Verdict::Skipped => AnsiColor::Blue,
        Verdict::Failed => AnsiColor::Red,
        Verdict::InDoubt => AnsiColor::Magenta,
        Verdict::NotAttempted => AnsiColor::Yellow,
    };
    colour.on_default()
}

/// Reads `failed,not-attempted`.
pub(crate) fn parse_verdict(text: &str) -> Result<Verdict, String> {
    verdict_of(text).ok_or_else(|| {
        let all = tipstaff::enforcement::VERDICTS.map(verdict_text);
        match tipstaff::connection::config::nearest(text, all.into_iter()) {
            Some(nearest) => format!("no verdict; did you mean `{nearest}`?"),
            None => format!("no verdict; there are: {}", all.join(", ")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_with_a_long_list_sees_what_matters() {
        assert_eq!(Choice::for_reader(true, 12), Choice::All);
        assert_eq!(Choice::for_reader(true, 5_000), Choice::Troubles(SCREEN));
        assert_eq!(Choice::for_reader(false, 5_000), Choice::All);
    }

    #[test]
    fn verdicts_are_read_and_near_misses_suggested() {
        assert_eq!(parse_verdict("not-attempted"), Ok(Verdict::NotAttempted));
        assert_eq!(
            parse_verdict("faild"),
            Err("no verdict; did you mean `failed`?".to_owned())
        );
        assert!(parse_verdict("x").is_err_and(|text| text.contains("in-doubt")));
    }
}
