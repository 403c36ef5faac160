//! A secret in every form in which it could turn up, to look for it in whatever came out.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A form of a secret.
pub struct Needle {
    /// Which.
    pub form: &'static str,
    /// How it looks.
    pub bytes: Vec<u8>,
}

/// Every form of `secret`: as it is, in hexadecimal, base64 wherever it begins in a text, escaped for addresses and
/// JSON, and backwards.
#[must_use]
pub fn of(secret: &str) -> Vec<Needle> {
    let bytes = secret.as_bytes();
    let each = |form: &dyn Fn(&u8) -> String| bytes.iter().map(form).collect::<String>();
    let mut needles = vec![
        ("as it is", secret.to_owned()),
        ("hexadecimal", each(&|b| format!("{b:02x}"))),
        ("hexadecimal", each(&|b| format!("{b:02X}"))),
        ("escaped for addresses", each(&|b| format!("%{b:02X}"))),
        ("escaped for JSON", each(&|b| format!("\\u{b:04x}"))),
        ("backwards", secret.chars().rev().collect()),
    ];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3_usize {
            let mut text = vec![0; before];
            text.extend_from_slice(bytes);
            let coded = engine.encode(text);
            // The first and the last letters depend on what stands beside the secret.
            let first = (before * 8).div_ceil(6);
            let last = (before + bytes.len()) * 8 / 6;
            let inner = coded.get(first..last).unwrap_or_default();
            needles.push(("base64", inner.to_owned()));
        }
    }
    needles.sort_unstable();
    needles.dedup_by(|one, other| one.1 == other.1);
    let needle = |(form, text): (&'static str, String)| Needle {
        form,
        bytes: text.into_bytes(),
    };
    needles.into_iter().map(needle).collect()
}

/// The forms of `secret` that are in `hay`.
#[must_use]
pub fn found(secret: &str, hay: &[u8]) -> Vec<&'static str> {
    of(secret)
        .into_iter()
        .filter(|needle| is_in(&needle.bytes, hay))
        .map(|needle| needle.form)
        .collect()
}

fn is_in(needle: &[u8], hay: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return false;
    };
    hay.iter()
        .enumerate()
        .any(|(at, byte)| byte == first && hay[at..].starts_with(needle))
}

/// Every file below `folder`, with what is in it.
///
/// # Errors
///
/// What the system says.
pub fn files(folder: &Path) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                found.push((path.display().to_string(), fs::read(&path)?));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "M4rked+Secret/That?Nobody=MaySee";

    #[test]
    fn a_secret_is_found_in_every_form_and_wherever_it_stands() {
        let in_base64 = ["", "a", "ab", "abc"]
            .map(|before| STANDARD_NO_PAD.encode(format!("{before}{SECRET}and what follows")));
        for hay in in_base64 {
            assert_eq!(found(SECRET, hay.as_bytes()), ["base64"], "{hay}");
        }
        for needle in of(SECRET) {
            assert!(needle.bytes.len() > 20);
            let hay = [b"before", &needle.bytes[..], b"after"].concat();
            assert!(found(SECRET, &hay).contains(&needle.form));
        }
        assert_eq!(found(SECRET, b"M4rked+Secret/That?Nobody=MaySe"), [""; 0]);
    }
}
