//! JSON Lines: an object on each physical line. Blank lines are skipped, long ones are reported and skipped.

use std::io::BufRead;

use super::error::ReadError;
use super::source::{Source, fill};
use super::{Entry, MAX_RECORD_BYTES};
use crate::fault::Fault;
use crate::json::Place;

/// The lines of a list.
pub(super) struct Lines {
    source: Source,
    /// Lines read to their end.
    line: u64,
    /// What was read of a line that goes on beyond the source's buffer.
    part: Vec<u8>,
}

impl Lines {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            line: 0,
            part: Vec::new(),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            let buffer = fill(&mut self.source).map_err(|source| ReadError::Unreadable {
                line: self.line,
                source,
            })?;
            if buffer.is_empty() && self.part.is_empty() {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', buffer);
            let (text, used) = match end {
                Some(end) => (buffer.get(..end).unwrap_or_default(), end + 1),
                None => (buffer, buffer.len()),
            };
            let complete = end.is_some() || buffer.is_empty();
            let entry = if complete && self.part.is_empty() {
                entry(text, self.line + 1)
            } else {
                // One byte more than is allowed tells that it was too much; the rest of it is not kept.
                let room = (MAX_RECORD_BYTES + 1)
                    .saturating_sub(self.part.len())
                    .min(text.len());
                self.part
                    .extend_from_slice(text.get(..room).unwrap_or_default());
                if complete {
                    entry(&self.part, self.line + 1)
                } else {
                    None
                }
            };
            self.source.consume(used);
            if complete {
                self.line += 1;
                self.part.clear();
                self.part.shrink_to(super::source::BUFFER_BYTES);
            }
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }
}

fn entry(text: &[u8], line: u64) -> Option<Entry> {
    if text.len() > MAX_RECORD_BYTES {
        return Some(Entry::Broken {
            line,
            reason: Fault::TooLong,
        });
    }
    let blank = text.trim_ascii().is_empty();
    (!blank).then(|| Entry::of_json(text, Place { line, column: 1 }))
}
