//! Judges paths and queries: what is not read in one way by everybody is refused.
//!
//! It looks at letters only; which call a path belongs to is said by comparing [`Target::segments`] with templates.

use std::borrow::Cow;

use crate::template::{MOST_SEGMENTS, Step};

/// A path whose segments mean the same to everybody, and an unread query.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    segments: [&'a str; MOST_SEGMENTS],
    count: usize,
    /// As it stands after the `?`.
    pub(crate) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads what stands after the first `/`. The error says what is wrong.
    pub(crate) fn read(path: &'a str, query: Option<&'a str>) -> Result<Self, &'static str> {
        let mut target = Self {
            segments: [""; MOST_SEGMENTS],
            count: 0,
            query,
        };
        for segment in path.split('/') {
            check_segment(segment)?;
            let place = target
                .segments
                .get_mut(target.count)
                .ok_or("has more than 32 segments")?;
            *place = segment;
            target.count += 1;
        }
        Ok(target)
    }

    pub(crate) fn segments(&self) -> &[&'a str] {
        &self.segments[..self.count]
    }

    /// Whether this is a path that `steps` allow.
    pub(crate) fn fits(&self, steps: &[Step]) -> bool {
        let fits = |(segment, step): (&&str, &Step)| match step {
            Step::Any => true,
            Step::Is(text) => text == segment,
        };
        self.count == steps.len() && self.segments().iter().zip(steps).all(fits)
    }
}

/// Checks that a segment has one meaning. The error says what is wrong.
fn check_segment(raw: &str) -> Result<(), &'static str> {
    if raw.is_empty() {
        return Err("has an empty segment");
    }
    // RFC 3986 section 3.3, `pchar`; a `;` begins parameters for some servers and is a letter for others.
    if raw.contains(';') {
        return Err("has a `;`, which some servers read as the beginning of parameters");
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@%".contains(&b);
    if !raw.bytes().all(plain) {
        return Err("has characters that have to be percent-encoded");
    }
    if !raw.contains('%') {
        return check_meaning(raw);
    }
    let decoded = percent_decode(raw, false)
        .ok_or("has a `%` that begins no two hexadecimal digits, or is not UTF-8")?;
    // Two readers may decode once or twice (`%252e`), so what looks encoded after decoding could be either.
    if percent_pairs(&decoded) {
        return Err("is percent-encoded twice");
    }
    check_meaning(&decoded)
}

fn check_meaning(decoded: &str) -> Result<(), &'static str> {
    // A server may remove dot segments before it routes (RFC 3986 section 6.2.2.3), so such a path can name another
    // resource than the one that it seems to name.
    if matches!(decoded, "." | "..") {
        return Err("has a dot segment");
    }
    for c in decoded.chars() {
        match c {
            '/' | '\\' => return Err("has an encoded `/` or `\\`"),
            ';' => return Err("has an encoded `;`"),
            c if c.is_control() => return Err("has a control character"),
            // What some servers turn into `/`, `\` or `.` when they look for a letter that fits best (inferred from
            // Unicode's compatibility decompositions).
            '\u{2024}' | '\u{2025}' | '\u{2026}' | '\u{2044}' | '\u{2215}' | '\u{2216}'
            | '\u{29f8}' | '\u{fe52}' | '\u{fe68}' | '\u{ff0e}' | '\u{ff0f}' | '\u{ff3c}' => {
                return Err("has a letter that some servers read as `/`, `\\` or `.`");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The segment decoded. It was checked before, so it can be.
pub(crate) fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode(segment, false).unwrap_or(Cow::Borrowed(segment))
}

/// A parameter of a query: the place of its name among the declared ones, and its value as sent and as meant.
#[derive(Debug)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    pub(crate) raw: &'a str,
    pub(crate) value: Cow<'a, str>,
}

/// Reads a query of which every name is declared and is there at most once. The error says what is wrong.
pub(crate) fn read_query<'a>(
    query: Option<&'a str>,
    declared: &'a [String],
) -> Result<Vec<Parameter<'a>>, String> {
    let Some(query) = query else {
        return Ok(Vec::new());
    };
    // RFC 3986 section 3.4; `;` separates parameters for some servers (HTML 4.01 appendix B.2.2) and for others not.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@%/?".contains(&b);
    if query.contains(';') {
        return Err("has a `;`, which some servers read as `&`".to_owned());
    }
    if !query.bytes().all(plain) {
        return Err("has characters that have to be percent-encoded".to_owned());
    }
    let mut parameters: Vec<Parameter<'a>> = Vec::new();
    for pair in query.split('&') {
        let (name, raw) = pair.split_once('=').ok_or("has a parameter without `=`")?;
        let name = percent_decode(name, true).ok_or("has a name that cannot be decoded")?;
        let value = percent_decode(raw, true).ok_or("has a value that cannot be decoded")?;
        if value.contains(|c: char| c.is_control()) {
            return Err("has a control character".to_owned());
        }
        let Some(name) = declared.iter().find(|declared| **declared == name) else {
            return Err(format!(
                "has the parameter `{}`, which was not declared",
                crate::refusal::shown(&name)
            ));
        };
        if parameters.iter().any(|other| other.name == name) {
            return Err(format!("has the parameter `{name}` twice"));
        }
        parameters.push(Parameter { name, raw, value });
    }
    Ok(parameters)
}

/// Decodes `%XX`, and `+` if `form` (application/x-www-form-urlencoded). `None` if something cannot be decoded.
pub(crate) fn percent_decode(text: &str, form: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|b| b == b'%' || (form && b == b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                out.push(hex_pair(bytes, at + 1)?);
                at += 3;
            }
            b'+' if form => {
                out.push(b' ');
                at += 1;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Whether a `%` and two hexadecimal digits are in it.
fn percent_pairs(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'%', bytes).any(|at| hex_pair(bytes, at + 1).is_some())
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(at)? << 4 | digit(at + 1)?).ok()
}

/// Encodes a name or value for a form or a query (WHATWG URL, "application/x-www-form-urlencoded serializing").
pub(crate) fn form_encode(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b' ' => out.push(b'+'),
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(byte),
            _ => out.extend_from_slice(&[
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
}
