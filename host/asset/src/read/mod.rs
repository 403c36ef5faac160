//! Reads lists of assets: JSON Lines, a JSON array, or a table (CSV) with a header.
//!
//! One record is in memory at a time, however long the list. A record that is no asset is an [`Entry::Broken`] of
//! its own and the next one follows; a file that is no list at all is [`NotAList`] before anything is read of it.
//! What a record means is decided in `shape` and [`fields`](crate::fields), not here.

mod array;
mod error;
mod lines;
mod source;
mod table;

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::asset::{Asset, AssetId};
use crate::fault::Fault;
use crate::{json, shape};

pub use error::{Damage, NotAList, ReadError};

/// The longest record, in bytes as it stands in the file.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// How deeply a record may be nested.
pub const MAX_DEPTH: usize = 64;

/// The most columns that a table may have.
pub const MAX_COLUMNS: usize = 2_000;

/// How a list is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Cells between commas, semicolons or tabs, below a header that names the columns (RFC 4180).
    Csv,
    /// One JSON array with an object for each asset.
    JsonArray,
    /// A JSON object on each line.
    JsonLines,
}

impl Format {
    /// The format that a file's name promises; `None` if the content has to be asked.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path
            .extension()
            .and_then(OsStr::to_str)?
            .to_ascii_lowercase();
        match extension.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            // Both JSON formats are kept under `.json`.
            _ => None,
        }
    }
}

/// One record of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// It is an asset.
    Asset {
        /// The physical line, from 1, on which the record starts.
        line: u64,
        /// What it says.
        asset: Asset,
    },
    /// It is none. It has a failed outcome under the id [`Entry::id`].
    Broken {
        /// The physical line, from 1, on which the record starts.
        line: u64,
        /// Why it is none.
        reason: Fault,
    },
}

impl Entry {
    fn new(line: u64, asset: Result<Asset, Fault>) -> Self {
        match asset {
            Ok(asset) => Self::Asset { line, asset },
            Err(reason) => Self::Broken { line, reason },
        }
    }

    fn of_json(text: &[u8], at: json::Place) -> Self {
        Self::new(at.line, json::parse(text, at).and_then(shape::asset))
    }

    /// The physical line, from 1, on which the record starts.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Asset { line, .. } | Self::Broken { line, .. } => *line,
        }
    }

    /// The id that its outcome has: the asset's, or `line:N`.
    #[must_use]
    pub fn id(&self) -> AssetId {
        match self {
            Self::Asset { asset, .. } => asset.id.clone(),
            Self::Broken { line, .. } => AssetId::of_line(*line),
        }
    }
}

/// Opens a list for reading. Without a `format` its first character decides: `[` an array, `{` JSON Lines, all else a
/// table.
///
/// Only so much is read as tells that it is a list. UTF-16 with a byte-order mark is read as well as UTF-8.
///
/// # Errors
///
/// [`NotAList`] if it is none: empty, binary, or a table without a column that says who somebody is.
pub fn read(
    reader: impl BufRead + Send + 'static,
    format: Option<Format>,
) -> Result<Reader, NotAList> {
    let mut source = source::Source::open(Box::new(reader))?;
    let first = source.first()?;
    let format = match (format, first) {
        (None, b'[') => Format::JsonArray,
        (None, b'{') => Format::JsonLines,
        (None, _) => Format::Csv,
        (Some(Format::JsonLines), b'[') => return Err(NotAList::ArrayNotLines),
        (Some(Format::JsonArray), first) if first != b'[' => return Err(NotAList::NotAnArray),
        (Some(format), _) => format,
    };
    let records = match format {
        Format::Csv => Records::Csv(Box::new(table::Table::open(source)?)),
        Format::JsonArray => Records::Array(array::Array::new(source)),
        Format::JsonLines if source.is_spread_object()? => return Err(NotAList::SpreadObject),
        Format::JsonLines => Records::Lines(lines::Lines::new(source)),
    };
    Ok(Reader {
        records,
        format,
        ended: false,
    })
}

/// Opens the list in the file at `path`, as [`read`] does, with the format that its name promises.
///
/// # Errors
///
/// [`NotAList`], also if the file cannot be opened.
pub fn open(path: &Path) -> Result<Reader, NotAList> {
    let file = File::open(path).map_err(NotAList::Unreadable)?;
    read(
        BufReader::with_capacity(source::BUFFER_BYTES, file),
        Format::of_path(path),
    )
}

/// The records of a list, in order, read as they are asked for. It ends after the first error.
pub struct Reader {
    records: Records,
    format: Format,
    ended: bool,
}

enum Records {
    Array(array::Array),
    Csv(Box<table::Table>),
    Lines(lines::Lines),
}

impl Reader {
    /// How the list is written down.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match &mut self.records {
            Records::Array(array) => array.next(),
            Records::Csv(table) => table.next(),
            Records::Lines(lines) => lines.next(),
        };
        self.ended = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
