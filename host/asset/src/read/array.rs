//! A JSON array, one element at a time: this only finds where elements begin and end.
//!
//! Brackets and quotes are all it looks at. An element that is no JSON is reported and the next one follows; but where
//! brackets do not fit or a quote is open, the text of a name could be taken for structure, so reading stops there.

use std::io::BufRead;

use super::error::{Damage, ReadError};
use super::source::{Source, fill};
use super::{Entry, MAX_RECORD_BYTES};
use crate::fault::Fault;
use crate::json::Place;

/// The elements of a list.
pub(super) struct Array {
    source: Source,
    state: State,
    line: u64,
    column: u64,
    element: Vec<u8>,
    /// Where the element begins, once something of it was seen.
    start: Option<Place>,
    /// The closing brackets that are due, innermost last.
    due: Vec<u8>,
    /// Whether a comma came before, so that an element has to follow.
    after_comma: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Before,
    Between,
    String { escaped: bool },
    After,
}

/// What one byte amounts to.
enum Step {
    Go,
    Element,
    LastElement,
    Damaged(Damage),
}

impl Array {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            state: State::Before,
            line: 1,
            column: 0,
            element: Vec::new(),
            start: None,
            due: Vec::new(),
            after_comma: false,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            let buffer = fill(&mut self.source).map_err(|source| ReadError::Unreadable {
                line: self.line,
                source,
            })?;
            if buffer.is_empty() {
                return match self.state {
                    State::After => Ok(None),
                    _ => Err(ReadError::Damaged {
                        line: self.line,
                        reason: Damage::OpenArray,
                    }),
                };
            }
            let mut scan = Scan {
                state: self.state,
                line: self.line,
                column: self.column,
                element: &mut self.element,
                start: &mut self.start,
                due: &mut self.due,
            };
            let (used, step) = scan.run(buffer);
            (self.state, self.line, self.column) = (scan.state, scan.line, scan.column);
            self.source.consume(used);
            match step {
                Step::Go => {}
                Step::Damaged(reason) => {
                    return Err(ReadError::Damaged {
                        line: self.line,
                        reason,
                    });
                }
                Step::Element => {
                    self.after_comma = true;
                    return Ok(Some(self.take()));
                }
                Step::LastElement if self.start.is_none() && !self.after_comma => {}
                Step::LastElement => return Ok(Some(self.take())),
            }
        }
    }

    /// The element that has just ended.
    fn take(&mut self) -> Entry {
        let entry = match self.start.take() {
            None => Entry::Broken {
                line: self.line,
                reason: Fault::Empty,
            },
            Some(at) if self.element.len() > MAX_RECORD_BYTES => Entry::Broken {
                line: at.line,
                reason: Fault::TooLong,
            },
            Some(at) => Entry::of_json(self.element.trim_ascii_end(), at),
        };
        self.element.clear();
        self.element.shrink_to(super::source::BUFFER_BYTES);
        entry
    }
}

/// [`Array`] without its source, which is borrowed while its buffer is.
struct Scan<'a> {
    state: State,
    line: u64,
    column: u64,
    element: &'a mut Vec<u8>,
    start: &'a mut Option<Place>,
    due: &'a mut Vec<u8>,
}

impl Scan<'_> {
    /// Goes through `buffer` until something comes of it. Gives how many bytes it took.
    fn run(&mut self, buffer: &[u8]) -> (usize, Step) {
        for (at, byte) in buffer.iter().copied().enumerate() {
            self.column += 1;
            let step = self.byte(byte);
            if byte == b'\n' && !matches!(step, Step::Damaged(_)) {
                self.line += 1;
                self.column = 0;
            }
            if !matches!(step, Step::Go) {
                return (at + 1, step);
            }
        }
        (buffer.len(), Step::Go)
    }

    fn byte(&mut self, byte: u8) -> Step {
        match self.state {
            State::Before => {
                if byte == b'[' {
                    self.state = State::Between;
                }
                return Step::Go;
            }
            State::After => {
                return if byte.is_ascii_whitespace() {
                    Step::Go
                } else {
                    Step::Damaged(Damage::AfterTheEnd)
                };
            }
            State::String { escaped: true } => self.state = State::String { escaped: false },
            State::String { escaped: false } => match byte {
                b'\\' => self.state = State::String { escaped: true },
                b'"' => self.state = State::Between,
                0..0x20 => return Step::Damaged(Damage::OpenString),
                _ => {}
            },
            State::Between => match byte {
                b'"' => self.state = State::String { escaped: false },
                b',' if self.due.is_empty() => return Step::Element,
                b']' if self.due.is_empty() => {
                    self.state = State::After;
                    return Step::LastElement;
                }
                // Longer than a record may be, and all of it brackets.
                b'{' | b'[' if self.due.len() >= MAX_RECORD_BYTES => {
                    return Step::Damaged(Damage::TooManyBrackets);
                }
                b'{' => self.due.push(b'}'),
                b'[' => self.due.push(b']'),
                b'}' | b']' if self.due.pop() != Some(byte) => {
                    return Step::Damaged(Damage::WrongBracket);
                }
                _ => {}
            },
        }
        if self.start.is_none() {
            if byte.is_ascii_whitespace() {
                return Step::Go;
            }
            *self.start = Some(Place {
                line: self.line,
                column: self.column,
            });
        }
        if self.element.len() <= MAX_RECORD_BYTES {
            self.element.push(byte);
        }
        Step::Go
    }
}
