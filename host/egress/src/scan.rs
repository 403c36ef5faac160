//! Looks for stand-ins where none may be: plain, percent-encoded, escaped, in base64 or hexadecimal, or one of these in
//! another.
//!
//! It searches for the 32 random letters that every stand-in ends with. A longest run of letters that could hold them is
//! looked for first, in strides, so that ordinary text costs next to nothing.

use std::borrow::Cow;
use std::ops::Range;

/// Letters of the random part of a stand-in.
pub(crate) const CORE: usize = 32;
/// How deep one encoding in another is followed.
pub(crate) const DEEPEST: usize = 3;

/// Looks through `text` for one of `cores`; gives its place in `cores` and how it was hidden.
pub(crate) fn find<'c>(
    text: &[u8],
    cores: impl IntoIterator<Item = &'c str>,
) -> Option<(usize, &'static str)> {
    let cores: Vec<&[u8]> = cores.into_iter().map(str::as_bytes).collect();
    if cores.is_empty() {
        return None;
    }
    layers(text, CORE, DEEPEST, &mut |layer| {
        let mut runs = runs(layer, CORE, |b| b.is_ascii_alphanumeric());
        runs.find_map(|run| {
            cores
                .iter()
                .position(|core| memchr::memmem::find(run, core).is_some())
        })
    })
}

/// Whether `needle` is in `text`. What is looked for can be long and is looked for once, so only its beginning is
/// searched in earnest.
pub(crate) fn contains(text: &[u8], needle: &[u8]) -> bool {
    let beginning = &needle[..needle.len().min(16)];
    memchr::memmem::find_iter(text, beginning).any(|at| text[at..].starts_with(needle))
}

/// Shows `text` to `check`, and everything that it decodes to, one encoding in another down to `depth`, until something
/// is found. `shortest`: bytes of the shortest thing that is looked for. Gives what was found, and the outermost
/// encoding.
pub(crate) fn layers<T>(
    text: &[u8],
    shortest: usize,
    depth: usize,
    check: &mut dyn FnMut(&[u8]) -> Option<T>,
) -> Option<(T, &'static str)> {
    if let Some(found) = check(text) {
        return Some((found, ""));
    }
    if depth == 0 || text.len() < shortest {
        return None;
    }
    let mut inner = |inner: &[u8], how| {
        layers(inner, shortest, depth - 1, check).map(|(found, _)| (found, how))
    };
    if let Cow::Owned(decoded) = lenient_percent_decode(text)
        && let Some(found) = inner(&decoded, " (percent-encoded)")
    {
        return Some(found);
    }
    if memchr::memchr(b'\\', text).is_some()
        && let Some(found) = inner(
            crate::json::unescape(&String::from_utf8_lossy(text)).as_bytes(),
            " (escaped)",
        )
    {
        return Some(found);
    }
    let mut decoded = Vec::new();
    // So many bytes are at least this many letters of base64, wherever they begin in what was encoded.
    for run in runs(text, (shortest * 4).div_ceil(3), is_base64) {
        for from in 0..4 {
            decode_base64(&run[from.min(run.len())..], &mut decoded);
            if !could_hide(&decoded, shortest) {
                continue;
            }
            if let Some(found) = inner(&decoded, " (base64)") {
                return Some(found);
            }
        }
    }
    for run in runs(text, 2 * shortest, |b| b.is_ascii_hexdigit()) {
        for from in 0..2 {
            decode_hex(&run[from..], &mut decoded);
            if !could_hide(&decoded, shortest) {
                continue;
            }
            if let Some(found) = inner(&decoded, " (hexadecimal)") {
                return Some(found);
            }
        }
    }
    None
}

/// What ordinary letters decode to is mostly noise: no stretch of it is long enough to hold anything, encoded or not.
fn could_hide(decoded: &[u8], shortest: usize) -> bool {
    let readable = |b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r');
    runs(decoded, shortest, readable).next().is_some()
}

/// The longest runs of at least `least` bytes that are all `good`, found by looking at every `least`-th byte first.
pub(crate) fn runs(
    text: &[u8],
    least: usize,
    good: impl Fn(u8) -> bool,
) -> impl Iterator<Item = &[u8]> {
    run_ranges(text, least, good).map(|run| &text[run])
}

/// Where [`runs`] are.
pub(crate) fn run_ranges(
    text: &[u8],
    least: usize,
    good: impl Fn(u8) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let probe = from + least - 1;
            if !good(*text.get(probe)?) {
                from = probe + 1;
                continue;
            }
            let begin = text[from..probe]
                .iter()
                .rposition(|b| !good(*b))
                .map_or(from, |at| from + at + 1);
            let end = text[probe..]
                .iter()
                .position(|b| !good(*b))
                .map_or(text.len(), |at| probe + at);
            from = end;
            if end - begin >= least {
                return Some(begin..end);
            }
        }
    })
}

/// Decodes what can be decoded, and leaves the rest as it is.
pub(crate) fn lenient_percent_decode(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', text).is_none() {
        return Cow::Borrowed(text);
    }
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// The value of each letter in either alphabet of RFC 4648; 64 for what is none.
const BASE64: [u8; 256] = {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [64; 256];
    let mut at = 0;
    while at < 64 {
        values[LETTERS[at] as usize] = at as u8;
        at += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

fn is_base64(letter: u8) -> bool {
    BASE64[usize::from(letter)] < 64
}

/// Decodes a run of base64 letters of either alphabet; an incomplete byte at the end is left out.
pub(crate) fn decode_base64(run: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let end = run
        .iter()
        .position(|letter| !is_base64(*letter))
        .unwrap_or(run.len());
    for letters in run[..end].chunks(4) {
        let bits = letters.iter().fold(0, |bits, letter| {
            bits << 6 | u32::from(BASE64[usize::from(*letter)])
        });
        // Three bytes of four letters, two of three, one of two.
        let bytes = (bits << (6 * (4 - letters.len()))).to_be_bytes();
        out.extend_from_slice(&bytes[1..letters.len().max(1)]);
    }
}

fn decode_hex(run: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let digit = |b: u8| char::from(b).to_digit(16).unwrap_or(0);
    out.extend(
        run.chunks_exact(2)
            .map(|pair| (digit(pair[0]) << 4 | digit(pair[1])) as u8),
    );
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    const ONE: &str = "AbCdEfGhIjKlMnOpQrStUvWxYz012345";

    fn hex(text: &str) -> String {
        text.bytes().map(|b| format!("{b:02x}")).collect()
    }

    fn percent(text: &str) -> String {
        text.bytes().map(|b| format!("%{b:02X}")).collect()
    }

    fn escape(text: &str) -> String {
        text.bytes().map(|b| format!("\\u{b:04x}")).collect()
    }

    const ENCODINGS: [fn(&str) -> String; 10] = [
        str::to_owned,
        |text| STANDARD.encode(text),
        |text| STANDARD_NO_PAD.encode(format!("{{\"a\":\"ÿþ{text}ÿ?\"}}")),
        |text| URL_SAFE_NO_PAD.encode(format!("x:{text}")),
        |text| URL_SAFE.encode(format!(">>{text}??")),
        hex,
        |text| hex(text).to_uppercase(),
        percent,
        escape,
        |text| format!("/users/{text}/photo"),
    ];

    #[test]
    fn every_encoding_in_every_other_is_seen() {
        for (inner_at, inner) in ENCODINGS.iter().enumerate() {
            for (outer_at, outer) in ENCODINGS.iter().enumerate() {
                let text = format!("some text, {} and more", outer(&inner(ONE)));
                assert!(
                    find(text.as_bytes(), [ONE]).is_some(),
                    "{inner_at} in {outer_at}: {text}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_stand_in_is_left_alone() {
        let text = "POST /v1.0/users/00000000-0000-4000-8000-000000000001/revokeSignInSessions?$select=id%2Cname \\u0041";
        assert_eq!(find(text.as_bytes(), [ONE]), None);
        assert_eq!(find(&ONE.as_bytes()[1..], [ONE]), None);
        assert_eq!(find(b"", [ONE]), None);
    }

    #[test]
    fn one_of_several_is_named() {
        let other = "0".repeat(CORE);
        let text = format!("x{other}");
        assert_eq!(find(text.as_bytes(), [ONE, &other]), Some((1, "")));
    }

    proptest! {
        #[test]
        fn it_is_seen_among_anything(before in "\\PC{0,60}", after in "\\PC{0,60}", which in 0_usize..10) {
            let text = format!("{before}{}{after}", ENCODINGS[which](ONE));
            // A run of base64 or hexadecimal that goes on before it is decoded from each of its first letters.
            prop_assert!(find(text.as_bytes(), [ONE]).is_some(), "{}", text);
        }

        #[test]
        fn runs_are_those_that_a_simple_search_finds(text in "[ab ]{0,40}", least in 1_usize..6) {
            let simple: Vec<&str> = text.split(' ').filter(|run| run.len() >= least).collect();
            let quick: Vec<&str> = runs(text.as_bytes(), least, |b| b != b' ').map(|run| std::str::from_utf8(run).unwrap()).collect();
            prop_assert_eq!(quick, simple);
        }
    }
}
