//! A table: cells between commas, semicolons or tabs, below a header that names the columns (RFC 4180).
//!
//! Columns are found by name, in any order, and what they mean is decided in [`fields`](crate::fields). A record with
//! more or fewer cells than the header is reported, because a value could have moved into the column of another.

use std::io::BufRead;

use csv_core::ReadRecordResult;

use super::error::{Damage, NotAList, ReadError};
use super::source::{BUFFER_BYTES, Source, fill};
use super::{Entry, MAX_COLUMNS, MAX_RECORD_BYTES};
use crate::asset::{Asset, is_guid};
use crate::fault::{Fault, quoted};
use crate::fields::{Identity, adapter_field, names_somebody};

/// Spreadsheets write a semicolon where the comma is the decimal point.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The records of a list.
pub(super) struct Table {
    source: Source,
    core: csv_core::Reader,
    separator: u8,
    /// The adapter's field for each column; none for columns that are not kept.
    columns: Vec<Option<String>>,
    /// The physical line that is read next, from 1.
    line: u64,
    cells: Cells,
}

/// The cells of one record, without quotes.
struct Cells {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    fn new() -> Self {
        Self {
            text: vec![0; 4 * 1024],
            ends: vec![0; 64],
        }
    }

    /// The first `count` cells, or none if they are not UTF-8.
    fn texts(&self, length: usize, count: usize) -> Option<impl Iterator<Item = &str>> {
        let text = std::str::from_utf8(self.text.get(..length)?).ok()?;
        let ends = self.ends.get(..count)?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        Some(
            starts
                .zip(ends)
                .map(move |(start, end)| text.get(start..*end).unwrap_or_default()),
        )
    }
}

impl Table {
    /// Reads the header.
    pub(super) fn open(mut source: Source) -> Result<Self, NotAList> {
        let (header, lines) = header_text(&mut source)?;
        let mut best: Option<(u8, Vec<Option<String>>)> = None;
        let mut failure = None;
        for separator in SEPARATORS {
            match columns(&header, separator) {
                // A header is whatever gives most columns: with a wrong separator, `\tid` is a column `id` as well.
                Ok(columns)
                    if best
                        .as_ref()
                        .is_none_or(|(_, best)| columns.len() > best.len()) =>
                {
                    best = Some((separator, columns));
                }
                Ok(_) => {}
                Err(NotAList::NoKnownColumn { .. }) if failure.is_some() => {}
                Err(other) => failure = Some(other),
            }
        }
        let Some((separator, columns)) = best else {
            return Err(failure.unwrap_or(NotAList::Empty));
        };
        let (core, cells) = (core(separator), Cells::new());
        Ok(Self {
            source,
            core,
            separator,
            columns,
            line: lines + 1,
            cells,
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<Entry>, ReadError> {
        if !self.skip_blank()? {
            return Ok(None);
        }
        let line = self.line;
        let (mut length, mut count, mut taken) = (0, 0, 0);
        let mut too_long = false;
        loop {
            let input = fill(&mut self.source).map_err(|source| ReadError::Unreadable {
                line: self.line,
                source,
            })?;
            let at_end = input.is_empty();
            // A last line break ends the record, unless it is within quotes: then it is text, and more is wanted.
            let input = if at_end { b"\n" } else { input };
            let text = self.cells.text.get_mut(length..).unwrap_or_default();
            let ends = self.cells.ends.get_mut(count..).unwrap_or_default();
            let (result, read, written, ended) = self.core.read_record(input, text, ends);
            let used = input.get(..read).unwrap_or_default();
            let ends_with_break = used.last() == Some(&b'\n');
            self.line += memchr::memchr_iter(b'\n', used).count() as u64;
            if !at_end {
                self.source.consume(read);
            }
            taken += read;
            length += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty if at_end => {
                    return Err(ReadError::Damaged {
                        line,
                        reason: Damage::OpenCell,
                    });
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if length < MAX_RECORD_BYTES => {
                    self.cells
                        .text
                        .resize((length * 2).min(MAX_RECORD_BYTES), 0);
                }
                ReadRecordResult::OutputEndsFull if count <= MAX_COLUMNS => {
                    self.cells.ends.resize((count * 2).min(MAX_COLUMNS + 1), 0);
                }
                // Too much: what there is of it is overwritten until the record ends.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    too_long = true;
                    (length, count) = (0, 0);
                }
                ReadRecordResult::Record | ReadRecordResult::End => {
                    let reason = if too_long || taken > MAX_RECORD_BYTES {
                        Err(Fault::TooLong)
                    } else {
                        self.asset(length, count, self.line - u64::from(ends_with_break))
                    };
                    if self.cells.text.len() > BUFFER_BYTES {
                        self.cells = Cells::new();
                    }
                    return Ok(Some(Entry::new(line, reason)));
                }
            }
        }
    }

    fn asset(&self, length: usize, count: usize, last_line: u64) -> Result<Asset, Fault> {
        let cells = self.cells.texts(length, count).ok_or(Fault::NotUtf8)?;
        let mut identity = Identity::default();
        let mut excess = false;
        for (at, cell) in cells.enumerate() {
            match self.columns.get(at) {
                Some(Some(field)) => identity.add_cell(field, cell),
                Some(None) => {}
                // Spreadsheets end rows with separators for cells that once had something in them.
                None => excess |= !cell.trim().is_empty(),
            }
        }
        if excess || count < self.columns.len() {
            return Err(Fault::CellCount {
                found: count,
                wanted: self.columns.len(),
                last_line,
            });
        }
        identity.into_asset()
    }

    /// Goes to the next line with something on it. False at the end.
    fn skip_blank(&mut self) -> Result<bool, ReadError> {
        loop {
            let buffer = fill(&mut self.source).map_err(|source| ReadError::Unreadable {
                line: self.line,
                source,
            })?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let separator = self.separator;
            let blank = |byte: &u8| byte.is_ascii_whitespace() && *byte != separator;
            let count = buffer.iter().take_while(|byte| blank(byte)).count();
            let found = count < buffer.len();
            self.line +=
                memchr::memchr_iter(b'\n', buffer.get(..count).unwrap_or_default()).count() as u64;
            self.source.consume(count);
            if found {
                return Ok(true);
            }
        }
    }
}

fn core(separator: u8) -> csv_core::Reader {
    csv_core::ReaderBuilder::new().delimiter(separator).build()
}

/// The text of the header, and how many lines it takes with the blank ones above it. It is more than one line if a
/// column's name has a line break.
fn header_text(source: &mut Source) -> Result<(Vec<u8>, u64), NotAList> {
    let (mut text, mut lines) = (Vec::new(), 0);
    loop {
        let buffer = fill(source)?;
        let end = memchr::memchr(b'\n', buffer);
        let used = end.map_or(buffer.len(), |end| end + 1);
        let at_end = buffer.is_empty();
        text.extend_from_slice(buffer.get(..used).unwrap_or_default());
        source.consume(used);
        if text.len() > MAX_RECORD_BYTES {
            return Err(NotAList::HeaderUnreadable("it is longer than 1 MiB"));
        }
        lines += u64::from(end.is_some());
        if text.trim_ascii().is_empty() && !at_end {
            text.clear();
            continue;
        }
        let quotes_fit = memchr::memchr_iter(b'"', &text).count().is_multiple_of(2);
        if at_end || (end.is_some() && quotes_fit) {
            return Ok((text, lines));
        }
    }
}

fn columns(header: &[u8], separator: u8) -> Result<Vec<Option<String>>, NotAList> {
    // Without the line break that ends it, there is nothing that tells whether a quote is open.
    let header = [header.trim_ascii_end(), b"\n"].concat();
    let mut cells = Cells {
        text: vec![0; header.len() + 1],
        ends: vec![0; MAX_COLUMNS + 1],
    };
    let (result, read, length, count) =
        core(separator).read_record(&header, &mut cells.text, &mut cells.ends);
    match result {
        ReadRecordResult::Record if read == header.len() => {}
        ReadRecordResult::OutputEndsFull => return Err(NotAList::TooManyColumns),
        _ => return Err(NotAList::HeaderUnreadable("its quotes do not fit")),
    }
    if count > MAX_COLUMNS {
        return Err(NotAList::TooManyColumns);
    }
    let names = cells
        .texts(length, count)
        .ok_or(NotAList::HeaderUnreadable("it is not UTF-8 text"))?;
    let names: Vec<&str> = names.map(str::trim).collect();
    fields(&names)
}

/// The adapter's field for each of the columns `names`. The first of several columns for a field counts.
fn fields(names: &[&str]) -> Result<Vec<Option<String>>, NotAList> {
    let mut fields: Vec<Option<String>> = Vec::with_capacity(names.len());
    let mut seen = std::collections::HashMap::new();
    for name in names {
        let field = adapter_field(name);
        let first = field
            .as_ref()
            .and_then(|field| seen.get(field.as_ref()).copied());
        match (field, first) {
            (Some(field), Some(first)) if names_somebody(&field) => {
                return Err(NotAList::SameColumnTwice {
                    first: quoted(first),
                    second: quoted(name),
                });
            }
            (Some(field), None) => {
                seen.insert(field.to_string(), *name);
                fields.push(Some(field.into_owned()));
            }
            _ => fields.push(None),
        }
    }
    if fields.iter().flatten().any(|field| names_somebody(field)) {
        return Ok(fields);
    }
    if let Some(user) = names
        .iter()
        .find(|name| name.contains('@') || is_guid(name))
    {
        return Err(NotAList::HeaderMissing {
            first: quoted(user),
        });
    }
    let mut columns: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| format!("`{}`", quoted(name)))
        .collect();
    if names.len() > columns.len() {
        columns.push("…".to_owned());
    }
    Err(NotAList::NoKnownColumn {
        columns: columns.join(", "),
    })
}
