//! The text of a list: what is no text is refused, the byte-order mark goes, UTF-16 becomes UTF-8.
//!
//! It looks at the first bytes only, and knows no format.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::error::NotAList;

/// How much is read from a file at once, in bytes.
pub(super) const BUFFER_BYTES: usize = 64 * 1024;

/// How far we look for a character that is not white space, in bytes.
const MAX_BLANK_BYTES: usize = 64 * 1024;

type Input = Box<dyn BufRead + Send>;

/// What files begin with that people take for lists ("List of file signatures", Wikipedia).
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "an Excel workbook or another ZIP archive"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook or another Office document",
    ),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\xff\xfe\0\0", "text in UTF-32"),
    (b"\0\0\xfe\xff", "text in UTF-32"),
];

/// A text in UTF-8, as far as it was one, without byte-order mark.
pub(super) struct Source {
    input: Input,
    /// What was read to look at it, and not handed out yet.
    ahead: Vec<u8>,
    taken: usize,
}

impl Source {
    /// Begins to read `input`.
    pub(super) fn open(input: Input) -> Result<Self, NotAList> {
        let mut source = Self {
            input,
            ahead: Vec::new(),
            taken: 0,
        };
        source.look(|ahead| ahead.len() >= 4)?;
        if let Some((_, what)) = SIGNATURES
            .iter()
            .find(|(start, _)| source.ahead.starts_with(start))
        {
            return Err(NotAList::Binary(what));
        }
        let big_endian = match source.ahead.as_slice() {
            [0xff, 0xfe, ..] => Some(false),
            [0xfe, 0xff, ..] => Some(true),
            _ => None,
        };
        if let Some(big_endian) = big_endian {
            source.taken = 2;
            let decoded = Utf16 {
                input: source,
                big_endian,
                half: None,
                high: None,
                out: Vec::new(),
                taken: 0,
            };
            source = Self {
                input: Box::new(BufReader::new(decoded)),
                ahead: Vec::new(),
                taken: 0,
            };
        } else if source.ahead.starts_with(b"\xef\xbb\xbf") {
            source.taken = 3;
        }
        Ok(source)
    }

    /// The first character that is not white space, if it is one of a text.
    pub(super) fn first(&mut self) -> Result<u8, NotAList> {
        let from = self.taken;
        let position = |ahead: &[u8]| {
            ahead
                .iter()
                .skip(from)
                .position(|byte| !byte.is_ascii_whitespace())
        };
        self.look(|ahead| position(ahead).is_some())?;
        // Further down, it is one bad record among others.
        let line = self
            .ahead
            .get(from..)
            .unwrap_or_default()
            .trim_ascii_start();
        if memchr::memchr2(0, b'\n', line).is_some_and(|at| line.get(at) == Some(&0)) {
            return Err(NotAList::Binary(
                "no text, or text in UTF-16 without a byte-order mark",
            ));
        }
        position(&self.ahead)
            .and_then(|at| self.ahead.get(from + at).copied())
            .ok_or(NotAList::Empty)
    }

    /// Whether the text is one JSON object over several lines: a line with `{` and nothing else, and then a member.
    pub(super) fn is_spread_object(&mut self) -> Result<bool, NotAList> {
        let from = self.taken;
        let second = |ahead: &[u8]| {
            let text = ahead.get(from..).unwrap_or_default().trim_ascii_start();
            let rest = text.strip_prefix(b"{").unwrap_or_default();
            let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let (same_line, below) = rest.split_at(line);
            match (
                same_line.trim_ascii().first(),
                below.trim_ascii_start().first(),
            ) {
                (Some(_), _) => Some(false),
                (None, Some(byte)) => Some(*byte == b'"'),
                (None, None) => None,
            }
        };
        self.look(|ahead| second(ahead).is_some())?;
        Ok(second(&self.ahead).unwrap_or(false))
    }

    /// Reads ahead until `enough`, the end, or the bound.
    fn look(&mut self, enough: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        while self.ahead.len() < MAX_BLANK_BYTES && !enough(&self.ahead) {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() {
                break;
            }
            let more = buffer.len().min(8 * 1024);
            self.ahead
                .extend_from_slice(buffer.get(..more).unwrap_or_default());
            self.input.consume(more);
        }
        Ok(())
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken < self.ahead.len() {
            return Ok(self.ahead.get(self.taken..).unwrap_or_default());
        }
        fill(&mut self.input)
    }

    fn consume(&mut self, count: usize) {
        if self.taken < self.ahead.len() {
            self.taken += count;
            if self.taken >= self.ahead.len() {
                (self.ahead, self.taken) = (Vec::new(), 0);
            }
        } else {
            self.input.consume(count);
        }
    }
}

/// What `input` has next; nothing at its end. A signal is no reason to stop.
pub(super) fn fill<R: BufRead + ?Sized>(input: &mut R) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            // Asked again because the borrow of the first answer would last for the whole loop.
            Ok(_) => return input.fill_buf(),
        }
    }
}

/// Turns UTF-16 into UTF-8. A half of a pair that stands alone becomes a byte that UTF-8 does not have, so that its
/// record is reported instead of being about somebody else.
struct Utf16 {
    input: Source,
    big_endian: bool,
    half: Option<u8>,
    high: Option<u16>,
    out: Vec<u8>,
    taken: usize,
}

const NOT_UTF8: u8 = 0xff;

impl Utf16 {
    fn unit(&mut self, unit: u16) {
        let pair = self.high.take();
        match (pair, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                self.push(0x1_0000 + ((u32::from(high) & 0x3ff) << 10 | (u32::from(unit) & 0x3ff)))
            }
            (Some(_), _) => {
                self.out.push(NOT_UTF8);
                self.unit(unit);
            }
            (None, 0xd800..=0xdbff) => self.high = Some(unit),
            (None, _) => self.push(u32::from(unit)),
        }
    }

    fn push(&mut self, code: u32) {
        match char::from_u32(code) {
            Some(c) => self
                .out
                .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => self.out.push(NOT_UTF8),
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.taken = 0;
        while self.out.is_empty() {
            let buffer = fill(&mut self.input)?;
            let count = buffer.len().min(8 * 1024);
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            self.input.consume(count);
            if bytes.is_empty() {
                if self.half.take().is_some() || self.high.take().is_some() {
                    self.out.push(NOT_UTF8);
                }
                break;
            }
            for byte in bytes {
                match self.half.take() {
                    None => self.half = Some(byte),
                    Some(first) if self.big_endian => self.unit(u16::from_be_bytes([first, byte])),
                    Some(first) => self.unit(u16::from_le_bytes([first, byte])),
                }
            }
        }
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken >= self.out.len() {
            self.refill()?;
        }
        let mut rest = Cursor::new(self.out.get(self.taken..).unwrap_or_default());
        let count = rest.read(into)?;
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use proptest::prelude::*;

    use super::*;

    fn all(bytes: Vec<u8>) -> Vec<u8> {
        let mut text = Vec::new();
        // A small buffer, so that characters are cut in the middle.
        let input = BufReader::with_capacity(3, Cursor::new(bytes));
        Source::open(Box::new(input))
            .unwrap()
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
        format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(|unit| {
                if big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn lone_halves_become_bytes_that_are_no_utf8() {
        assert_eq!(all(b"\xff\xfea\0\0\xd8b\0".to_vec()), b"a\xffb");
        assert_eq!(all(b"\xff\xfea\0\0\xdc".to_vec()), b"a\xff");
        assert_eq!(all(b"\xff\xfea\0b".to_vec()), b"a\xff");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let refused = |bytes: &'static [u8]| {
            Source::open(Box::new(bytes))
                .and_then(|mut source| source.first())
                .unwrap_err()
                .to_string()
        };
        assert!(refused(b"PK\x03\x04rest").contains("Excel"));
        assert!(refused(b"i\0d\0").contains("UTF-16"));
        assert!(refused(b"\xff\xfe\0\0x").contains("UTF-32"));
        assert_eq!(refused(b" \r\n\t "), "it is empty");
        assert_eq!(refused(b"\xef\xbb\xbf"), "it is empty");
    }

    proptest! {
        #[test]
        fn utf16_says_the_same_as_utf8(text in "[a-zÜ✓𝄞\n]{0,40}", big_endian: bool) {
            prop_assert_eq!(all(utf16(&text, big_endian)), text.as_bytes());
            prop_assert_eq!(all(format!("\u{feff}{text}").into_bytes()), text.as_bytes());
        }
    }
}
