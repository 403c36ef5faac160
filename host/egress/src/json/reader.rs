//! Reads the grammar of RFC 8259 into nodes, and refuses what two readers could take for two things.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{DEEPEST, JsonFault, Kind, MOST_NODES, Node, hex4, unescape};

pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) at: usize,
    pub(super) nodes: Vec<Node>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // A value or a name in every dozen letters is usual.
        Self {
            text,
            at: 0,
            nodes: Vec::with_capacity(text.len() / 12 + 4),
        }
    }

    pub(super) fn value(&mut self, depth: usize) -> Result<(), JsonFault> {
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

    pub(super) fn blanks(&mut self) {
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

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Texts are shorter than 4 GiB, which [`Document::parse_prefix`] checks.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
