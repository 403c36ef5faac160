//! JSON that can be read in one way only.
//!
//! A strict reader of RFC 8259: UTF-8 without a byte order mark, no member twice in an object at any depth, at most 32
//! levels, no lone surrogates, nothing after the value. It makes no tree: the document is a list of spans over the text,
//! and [`Document::write`] writes it anew, without blanks and with each string in one spelling. What two readers could
//! take for two things (RFC 8259 sections 4, 7 and 8) is an error, so what was judged is what the service reads.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

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
        let mut reader = Reader {
            text,
            at: 0,
            nodes: Vec::with_capacity(text.len() / 12 + 4),
        };
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

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<(), JsonFault> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b't') => self.word("true", Kind::Bool),
            Some(b'f') => self.word("false", Kind::Bool),
            Some(b'n') => self.word("null", Kind::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonFault> {
        let node = self.open(Kind::Object, depth)?;
        let mut names = Names::Few(0);
        let mut first = true;
        loop {
            self.blanks();
            if first && self.eat(b'}') {
                break;
            }
            first = false;
            let key = self.nodes.len();
            if self.peek() != Some(b'"') {
                return Err(self.syntax());
            }
            self.string()?;
            names.add(self, node, key)?;
            self.blanks();
            if !self.eat(b':') {
                return Err(self.syntax());
            }
            self.blanks();
            self.value(depth + 1)?;
            self.blanks();
            if self.eat(b'}') {
                break;
            }
            if !self.eat(b',') {
                return Err(self.syntax());
            }
        }
        self.close(node);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonFault> {
        let node = self.open(Kind::Array, depth)?;
        let mut first = true;
        loop {
            self.blanks();
            if first && self.eat(b']') {
                break;
            }
            first = false;
            self.value(depth + 1)?;
            self.blanks();
            if self.eat(b']') {
                break;
            }
            if !self.eat(b',') {
                return Err(self.syntax());
            }
        }
        self.close(node);
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonFault> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        let mut kind = Kind::Plain;
        loop {
            let run =
                memchr::memchr2(b'"', b'\\', &bytes[at..]).ok_or(JsonFault::Syntax(bytes.len()))?;
            // RFC 8259 section 7: control characters have to be escaped.
            if let Some(control) = bytes[at..at + run].iter().position(|b| *b < 0x20) {
                return Err(JsonFault::Syntax(at + control));
            }
            at += run;
            if bytes[at] == b'"' {
                break;
            }
            kind = Kind::Escaped;
            at = self.escape(at)?;
        }
        self.at = at + 1;
        let (from, to, next) = (offset(start), offset(self.at), self.nodes.len() + 1);
        self.push(Node {
            kind,
            start: from,
            end: to,
            next: offset(next),
        })
    }

    /// Checks the escape at `at` and gives where it ends.
    fn escape(&self, at: usize) -> Result<usize, JsonFault> {
        let bytes = self.text.as_bytes();
        match bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => match hex4(bytes, at + 2).ok_or(JsonFault::Syntax(at))? {
                0xd800..=0xdbff => match (bytes.get(at + 6..at + 8), hex4(bytes, at + 8)) {
                    (Some(b"\\u"), Some(0xdc00..=0xdfff)) => Ok(at + 12),
                    _ => Err(JsonFault::Surrogate(at)),
                },
                0xdc00..=0xdfff => Err(JsonFault::Surrogate(at)),
                _ => Ok(at + 6),
            },
            _ => Err(JsonFault::Syntax(at)),
        }
    }

    fn number(&mut self) -> Result<(), JsonFault> {
        let start = self.at;
        self.eat(b'-');
        // RFC 8259 section 6: no zeros before the integer.
        if !self.eat(b'0') && self.digits() == 0 {
            return Err(self.syntax());
        }
        if self.eat(b'.') && self.digits() == 0 {
            return Err(self.syntax());
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            if self.digits() == 0 {
                return Err(self.syntax());
            }
        }
        self.leaf(Kind::Number, start)
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), JsonFault> {
        let start = self.at;
        if !self.text.as_bytes()[start..].starts_with(word.as_bytes()) {
            return Err(self.syntax());
        }
        self.at += word.len();
        self.leaf(kind, start)
    }

    fn leaf(&mut self, kind: Kind, start: usize) -> Result<(), JsonFault> {
        let next = offset(self.nodes.len() + 1);
        self.push(Node {
            kind,
            start: offset(start),
            end: offset(self.at),
            next,
        })
    }

    fn open(&mut self, kind: Kind, depth: usize) -> Result<usize, JsonFault> {
        if depth >= DEEPEST {
            return Err(JsonFault::TooDeep);
        }
        let node = self.nodes.len();
        self.push(Node {
            kind,
            start: offset(self.at),
            end: 0,
            next: 0,
        })?;
        self.at += 1;
        Ok(node)
    }

    fn close(&mut self, node: usize) {
        let (end, next) = (offset(self.at), offset(self.nodes.len()));
        if let Some(node) = self.nodes.get_mut(node) {
            node.end = end;
            node.next = next;
        }
    }

    fn push(&mut self, node: Node) -> Result<(), JsonFault> {
        if self.nodes.len() >= MOST_NODES {
            return Err(JsonFault::TooMany);
        }
        self.nodes.push(node);
        Ok(())
    }

    fn key(&self, node: usize) -> Cow<'a, str> {
        let Node {
            kind, start, end, ..
        } = self.nodes[node];
        let inner = &self.text[start as usize + 1..end as usize - 1];
        if kind == Kind::Escaped {
            Cow::Owned(unescape(inner))
        } else {
            Cow::Borrowed(inner)
        }
    }

    fn digits(&mut self) -> usize {
        let bytes = &self.text.as_bytes()[self.at..];
        let count = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.at += 1;
        }
        there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn syntax(&self) -> JsonFault {
        JsonFault::Syntax(self.at)
    }
}

/// The names of an object's members so far.
enum Names<'a> {
    /// So few that looking through them is quicker than hashing.
    Few(usize),
    Many(HashSet<Cow<'a, str>>),
}

impl<'a> Names<'a> {
    const FEW: usize = 12;

    /// Adds the name at node `key` of the object at node `object`.
    fn add(&mut self, reader: &Reader<'a>, object: usize, key: usize) -> Result<(), JsonFault> {
        let name = reader.key(key);
        let known = match self {
            Self::Few(count) => {
                let mut at = object + 1;
                let mut earlier = std::iter::from_fn(|| {
                    (at < key).then(|| {
                        let other = reader.key(at);
                        at = reader.nodes[at + 1].next as usize;
                        other
                    })
                });
                if *count < Self::FEW {
                    *count += 1;
                    earlier.any(|other| other == name)
                } else {
                    let mut all: HashSet<_> = earlier.collect();
                    let known = !all.insert(name);
                    *self = Self::Many(all);
                    known
                }
            }
            Self::Many(all) => !all.insert(name),
        };
        if known {
            Err(JsonFault::Twice(reader.nodes[key].start as usize))
        } else {
            Ok(())
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Texts are shorter than 4 GiB, which [`Document::parse_prefix`] checks.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .iter()
        .try_fold(0, |sum, b| Some(sum << 4 | char::from(*b).to_digit(16)?))
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

#[cfg(test)]
mod tests;
