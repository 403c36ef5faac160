//! Writes CSV whose cells no spreadsheet takes for formulas.
//!
//! Reading is `read::table`'s. Source: "CSV Injection" (OWASP Foundation), which lists the characters below.

use std::borrow::Cow;
use std::io::{self, Write};

/// `cell` as it may stand in a CSV: with `'` before it if a spreadsheet could take it for a formula.
///
/// That is a cell which begins with `=`, `+`, `-`, `@`, a tab, a carriage return or a line feed, or with a full-width
/// form of the first four, also after white space, invisible characters and double quotes, which some programs strip.
/// Doing it twice is doing it once.
#[must_use]
pub fn csv_safe(cell: &str) -> Cow<'_, str> {
    let begins_formula = cell
        .chars()
        .find_map(|c| match c {
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠' => {
                Some(true)
            }
            '"' | '“' | '”' | '＂' => None,
            _ if c.is_whitespace() || c.is_control() || is_invisible(c) => None,
            _ => Some(false),
        })
        .unwrap_or(false);
    if begins_formula {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// Characters without width that are neither white space nor control characters (Unicode, general category Cf).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Writes rows of cells, each through [`csv_safe`].
#[derive(Debug)]
pub struct CellWriter<W: Write>(csv::Writer<W>);

impl<W: Write> CellWriter<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self(csv::WriterBuilder::new().flexible(true).from_writer(out))
    }

    /// Writes one row, quoted where needed (RFC 4180).
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        for cell in cells {
            self.0.write_field(csv_safe(cell).as_bytes())?;
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    /// Hands what is buffered to `out`.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_defused_and_all_else_left_alone() {
        for cell in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r1",
            "\n1",
            " =1",
            "\"=1",
            "\u{feff}=1",
            "＝1",
            "＠x",
        ] {
            assert_eq!(csv_safe(cell), format!("'{cell}"));
        }
        for cell in ["", "ada@contoso.com", "1-2", "'=1", "Ünal", "  a=b"] {
            assert_eq!(csv_safe(cell), cell);
        }
    }

    #[test]
    fn rows_are_quoted() {
        let mut out = Vec::new();
        let mut writer = CellWriter::new(&mut out);
        writer
            .row(["asset", "=HYPERLINK(\"http://x\",\"y\")"])
            .unwrap();
        writer.row([""]).unwrap();
        writer.flush().unwrap();
        drop(writer);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "asset,\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\n\"\"\n"
        );
    }

    proptest! {
        #[test]
        fn no_cell_begins_a_formula(cell in r#"[ "'\t\r\u{200b}]{0,3}[=+@＝－a-]?\PC{0,8}"#) {
            let safe = csv_safe(&cell);
            let first = safe.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c) || c == '"').chars().next();
            prop_assert!(!matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')), "{safe:?}");
            prop_assert!(!safe.starts_with(['\t', '\r', '\n']));
            prop_assert!(safe.ends_with(&cell));
            prop_assert_eq!(csv_safe(&safe), safe.clone());
        }
    }
}
