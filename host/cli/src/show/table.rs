//! Columns of text. The last column is as long as its text is; the others are as wide as their widest cell.

use std::fmt::Write;

use crate::printer::Paint;
use crate::text::{harmless, padded, width, wrapped};

/// How wide each column has to be.
#[derive(Debug)]
pub(crate) struct Columns<const N: usize> {
    heads: [&'static str; N],
    widths: [usize; N],
}

impl<const N: usize> Columns<N> {
    /// As wide as their headings.
    pub(crate) fn new(heads: [&'static str; N]) -> Self {
        Self {
            heads,
            widths: heads.map(width),
        }
    }

    /// Makes room for a row.
    pub(crate) fn fit(&mut self, row: &[&str; N]) {
        for (room, cell) in self.widths.iter_mut().zip(row) {
            *room = width(&harmless(cell)).max(*room);
        }
    }

    /// The headings as a line.
    pub(crate) fn head(&self, paint: Paint) -> String {
        let line = self.line(&self.heads, |_, text| text.to_owned());
        format!("{}\n", paint.heading(line.trim_end()))
    }

    /// A row as a line. `look` may colour a cell, by its column, after it got its width.
    pub(crate) fn line(&self, row: &[&str; N], look: impl Fn(usize, &str) -> String) -> String {
        let mut line = String::new();
        for (at, (cell, room)) in row.iter().zip(&self.widths).enumerate() {
            let cell = harmless(cell);
            if at + 1 == N {
                line.push_str(&look(at, &cell));
            } else {
                line.push_str(&look(at, &padded(&cell, *room)));
                line.push_str("  ");
            }
        }
        line.push('\n');
        line
    }

    /// A row for a terminal of so many columns: the last cell is wrapped below itself, or below the row where there is
    /// too little room for that.
    pub(crate) fn paragraph(
        &self,
        row: &[&str; N],
        columns: usize,
        look: impl Fn(usize, &str) -> String,
    ) -> String {
        const ROOM: usize = 48;
        let Some((last, before)) = row.split_last() else {
            return String::new();
        };
        let taken: usize = self.widths.iter().take(before.len()).map(|w| w + 2).sum();
        let last = harmless(last);
        if taken + width(&last) <= columns {
            return self.line(row, look);
        }
        let mut head = *row;
        if let Some(cell) = head.last_mut() {
            *cell = "";
        }
        let head = self.line(&head, look);
        if taken + ROOM > columns {
            return format!("{}\n{}", head.trim_end(), wrapped(&last, 4, columns));
        }
        let below = wrapped(&last, taken, columns);
        head.trim_end_matches('\n').to_owned() + below.get(taken..).unwrap_or_default()
    }
}

/// A whole table that fits in memory.
pub(crate) fn table<const N: usize>(
    heads: [&'static str; N],
    rows: &[[String; N]],
    paint: Paint,
) -> String {
    let mut columns = Columns::new(heads);
    let rows: Vec<[&str; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(String::as_str))
        .collect();
    for row in &rows {
        columns.fit(row);
    }
    let mut text = columns.head(paint);
    for row in &rows {
        text.push_str(&columns.line(row, |_, cell| cell.to_owned()));
    }
    text
}

/// Names and what they have, the names in a column.
pub(crate) fn pairs(pairs: &[(&str, String)], indent: usize) -> String {
    let room = pairs.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in pairs {
        // Writing to a string has no error.
        let _ = writeln!(
            text,
            "{:indent$}{}  {}",
            "",
            padded(name, room),
            harmless(value)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["ada@contoso.com", "succeeded", "revoked at once"],
            ["東京@contoso.com", "skipped", "a guest"],
        ]
        .map(|row| row.map(str::to_owned));
        insta::assert_snapshot!(table(["ASSET", "VERDICT", "MESSAGE"], &rows, Paint::plain()), @r"
        ASSET             VERDICT    MESSAGE
        ada@contoso.com   succeeded  revoked at once
        東京@contoso.com  skipped    a guest
        ");
    }

    #[test]
    fn long_messages_hang_below_themselves_or_below_their_row() {
        let columns = Columns::new(["ASSET", "VERDICT", "MESSAGE"]);
        let row = [
            "ada",
            "failed",
            "The tenant has no such user: deleted, never there, or of another tenant.",
        ];
        let plain = |_: usize, cell: &str| cell.to_owned();
        insta::assert_snapshot!(columns.paragraph(&row, 66, plain), @r"
        ada    failed   The tenant has no such user: deleted, never there,
                        or of another tenant.
        ");
        insta::assert_snapshot!(columns.paragraph(&row, 40, plain), @r"
        ada    failed
            The tenant has no such user:
            deleted, never there, or of another
            tenant.
        ");
        assert_eq!(
            columns.paragraph(&row, 200, plain),
            columns.line(&row, plain)
        );
    }

    #[test]
    fn pairs_have_their_values_below_each_other() {
        let text = pairs(&[("run", "1".to_owned()), ("action", "x\ny".to_owned())], 2);
        assert_eq!(text, "  run     1\n  action  x y\n");
    }
}
