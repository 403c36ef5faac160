//! JSON that can be read in one way only.
//!
//! A strict reader of RFC 8259: UTF-8 without a byte order mark, no member twice in an object at any depth, at most 32
//! levels, no lone surrogates, nothing after the value. It makes no tree: the document is a list of spans over the text,
//! and [`Document::write`] writes it anew, without blanks and with each string in one spelling. What two readers could
//! take for two things (RFC 8259 sections 4, 7 and 8) is an error, so what was judged is what the service reads.

mod reader;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use self::reader::{Reader, is_blank};

/// Levels of arrays and objects.
pub(crate) const DEEPEST: usize = 32;
/// Values and names in one document.
const MOST_NODES: usize = 500_000;

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// The node after this one and all that is in it.
    next: u32,
}

/// What kind of value one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    Array,
    Object,
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonFault {
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("begins with a byte order mark")]
    ByteOrderMark,
    #[error("is no JSON (at byte {0})")]
    Syntax(usize),
    #[error("has something after the JSON value (at byte {0})")]
    Trailing(usize),
    #[error("has a member twice (at byte {0})")]
    Twice(usize),
    #[error("has half of a surrogate pair (at byte {0})")]
    Surrogate(usize),
    #[error("is nested deeper than 32 levels")]
    TooDeep,
    #[error("has too many values")]
    TooMany,
}

impl JsonFault {
    /// Another reader might well read it, and in another way.
    pub(crate) fn is_ambiguous(self) -> bool {
        !matches!(self, Self::NotUtf8 | Self::Syntax(_))
    }
}

impl<'a> Document<'a> {
    /// Reads a whole text.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, JsonFault> {
        let (document, end) = Self::parse_prefix(bytes)?;
        let rest = &bytes[end..];
        match rest.iter().position(|b| !is_blank(*b)) {
            Some(at) => Err(JsonFault::Trailing(end + at)),
            None => Ok(document),
        }
    }

    /// Reads the value at the beginning of a text, and says where it ends.
    pub(crate) fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, usize), JsonFault> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            return Err(JsonFault::ByteOrderMark);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| JsonFault::NotUtf8)?;
        if u32::try_from(text.len()).is_err() {
            return Err(JsonFault::TooMany);
        }
        let mut reader = Reader::new(text);
        reader.blanks();
        reader.value(0)?;
        let end = reader.at;
        Ok((
            Self {
                text,
                nodes: reader.nodes,
            },
            end,
        ))
    }

    pub(crate) fn root(&self) -> Value<'_, 'a> {
        Value {
            document: self,
            at: 0,
        }
    }

    /// All strings, names of members included.
    pub(crate) fn strings(&self) -> impl Iterator<Item = Value<'_, 'a>> {
        (0..self.nodes.len())
            .map(|at| Value { document: self, at })
            .filter(|value| value.is_string())
    }

    /// Writes the document anew, with other strings in place of some: pairs of [`Value::place`] and text.
    pub(crate) fn write(&self, out: &mut Vec<u8>, instead: &[(usize, &str)]) {
        self.root().write(out, instead);
    }
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'d, 'a> {
    document: &'d Document<'a>,
    at: usize,
}

impl<'d, 'a> Value<'d, 'a> {
    /// What tells it from other values of its document.
    pub(crate) fn place(self) -> usize {
        self.at
    }

    pub(crate) fn kind(self) -> Kind {
        self.node().kind
    }

    pub(crate) fn is_string(self) -> bool {
        matches!(self.kind(), Kind::Plain | Kind::Escaped)
    }

    /// As it stands in the text.
    pub(crate) fn raw(self) -> &'a str {
        &self.document.text[self.span()]
    }

    pub(crate) fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// The string that it is.
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        match self.kind() {
            Kind::Plain => Some(Cow::Borrowed(&raw[1..raw.len() - 1])),
            Kind::Escaped => Some(Cow::Owned(unescape(&raw[1..raw.len() - 1]))),
            _ => None,
        }
    }

    /// The members of an object; none of anything else.
    pub(crate) fn members(self) -> impl Iterator<Item = (Value<'d, 'a>, Value<'d, 'a>)> {
        let end = if self.kind() == Kind::Object {
            self.node().next as usize
        } else {
            0
        };
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let (key, value) = (Value { at, ..self }, Value { at: at + 1, ..self });
            at = value.node().next as usize;
            Some((key, value))
        })
    }

    /// The elements of an array; none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Value<'d, 'a>> {
        let end = if self.kind() == Kind::Array {
            self.node().next as usize
        } else {
            0
        };
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let item = Value { at, ..self };
            at = item.node().next as usize;
            Some(item)
        })
    }

    /// The member of this name.
    pub(crate) fn get(self, name: &str) -> Option<Value<'d, 'a>> {
        self.members()
            .find(|(key, _)| key.is(name))
            .map(|(_, value)| value)
    }

    /// Whether it is this string.
    pub(crate) fn is(self, text: &str) -> bool {
        match self.kind() {
            Kind::Plain => {
                let raw = self.raw();
                &raw[1..raw.len() - 1] == text
            }
            Kind::Escaped => self.string().is_some_and(|string| string == text),
            _ => false,
        }
    }

    /// The value that a pointer leads to from here.
    pub(crate) fn follow(self, pointer: &Pointer) -> Option<Value<'d, 'a>> {
        pointer
            .0
            .iter()
            .try_fold(self, |value, step| match value.kind() {
                Kind::Object => value.get(step),
                // RFC 6901 section 4: no zeros before an index.
                Kind::Array if step == "0" || !step.starts_with('0') => {
                    value.items().nth(step.parse().ok()?)
                }
                _ => None,
            })
    }

    /// Writes it without blanks.
    pub(crate) fn write(self, out: &mut Vec<u8>, instead: &[(usize, &str)]) {
        if let Some((_, other)) = instead.iter().find(|(at, _)| *at == self.at) {
            return write_string(out, other);
        }
        match self.kind() {
            Kind::Null | Kind::Bool | Kind::Number | Kind::Plain => {
                out.extend_from_slice(self.raw().as_bytes())
            }
            Kind::Escaped => write_string(out, &self.string().unwrap_or_default()),
            Kind::Array => {
                out.push(b'[');
                for (at, item) in self.items().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out, instead);
                }
                out.push(b']');
            }
            Kind::Object => {
                out.push(b'{');
                for (at, (key, value)) in self.members().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    key.write(out, instead);
                    out.push(b':');
                    value.write(out, instead);
                }
                out.push(b'}');
            }
        }
    }

    fn node(self) -> Node {
        self.document.nodes[self.at]
    }
}

/// A JSON Pointer (RFC 6901), its steps decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads a pointer to something inside a document. `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let steps = text.strip_prefix('/')?.split('/').map(|step| {
            let plain = step.replace("~1", "\u{1}").replace("~0", "\u{2}");
            let good = !plain.contains('~') && !step.contains(['\u{1}', '\u{2}']);
            good.then(|| plain.replace('\u{1}', "/").replace('\u{2}', "~"))
        });
        steps
            .collect::<Option<Vec<_>>>()
            .filter(|steps| steps.len() < DEEPEST)
            .map(Self)
    }
}

/// Writes a string with the fewest escapes that there can be.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[from..at]);
        from = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[from..]);
    out.push(b'"');
}

/// Decodes the inside of a string; what is no escape stays as it is.
pub(crate) fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(run) = memchr::memchr(b'\\', &bytes[from..]) {
        let at = from + run;
        out.push_str(&text[from..at]);
        let (plain, length) = match bytes.get(at + 1) {
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'u') => unicode(bytes, at),
            Some(other) if other.is_ascii() => (char::from(*other), 2),
            _ => ('\\', 1),
        };
        out.push(plain);
        from = at + length;
    }
    out.push_str(&text[from..]);
    out
}

fn unicode(bytes: &[u8], at: usize) -> (char, usize) {
    match (
        hex4(bytes, at + 2),
        bytes.get(at + 6..at + 8),
        hex4(bytes, at + 8),
    ) {
        (Some(high @ 0xd800..=0xdbff), Some(b"\\u"), Some(low @ 0xdc00..=0xdfff)) => {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                12,
            )
        }
        (Some(code), ..) => (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            6,
        ),
        (None, ..) => ('u', 2),
    }
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .iter()
        .try_fold(0, |sum, b| Some(sum << 4 | char::from(*b).to_digit(16)?))
}
