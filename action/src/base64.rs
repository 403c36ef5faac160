//! Reads base64 in both alphabets (RFC 4648 sections 4 and 5), padded or not, and writes it in the second one.
//!
//! Read are claims challenges and the readable part of a token, where services differ in all three.

/// The bytes that `text` stands for; none if it is not base64.
#[must_use]
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    (text.len() % 4 != 1).then_some(out)
}

/// `bytes` for a URL, without padding (RFC 4648 section 5).
#[must_use]
pub(crate) fn encode_url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().enumerate().fold(0_u32, |bits, (at, byte)| {
            bits | u32::from(*byte) << (16 - 8 * at)
        });
        // Two letters of one byte, three of two, four of three.
        for at in 0..=three.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_with_and_without_padding() {
        assert_eq!(decode("Zm9vYg=="), Some(b"foob".to_vec()));
        assert_eq!(decode("Zm9vYg"), Some(b"foob".to_vec()));
        assert_eq!(decode("-_-_"), decode("+/+/"));
        assert_eq!(decode(""), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        assert_eq!(decode("Zm9v\n"), None);
        assert_eq!(decode("Zm9vY"), None);
        assert_eq!(decode("Zm=v"), None);
    }

    #[test]
    fn what_is_written_is_read() {
        for text in ["", "f", "fo", "foo", "foob", "\u{ff}\u{fe}?>"] {
            let encoded = encode_url(text.as_bytes());
            assert_eq!(decode(&encoded), Some(text.as_bytes().to_vec()));
            assert!(!encoded.contains(['+', '/', '=']));
        }
        assert_eq!(encode_url(b"foob"), "Zm9vYg");
    }

    #[test]
    fn a_claims_challenge() {
        let text = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzAyNjgyMTgxIn19fQ==";
        let wanted = br#"{"access_token":{"nbf":{"essential":true,"value":"1702682181"}}}"#;
        assert_eq!(decode(text), Some(wanted.to_vec()));
    }
}
