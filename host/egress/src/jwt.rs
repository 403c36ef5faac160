//! Knows a JSON Web Token (RFC 7519) when it sees one, and makes what looks like it.
//!
//! It verifies nothing and never gives a signature away: what it keeps of a token are claims that clients read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::{Document, Kind, Value};
use crate::scan::{decode_base64, run_ranges};

/// Claims that a stand-in repeats: when it ends, and for whom and what it is. None of them lets anybody in.
const HARMLESS: [&str; 12] = [
    "exp",
    "nbf",
    "iat",
    "tid",
    "aud",
    "roles",
    "idtyp",
    "scp",
    "appid",
    "app_displayname",
    "upn",
    "wids",
];
/// A claim that is longer is left out, in bytes.
const LONGEST_CLAIM: usize = 4096;

/// `{"alg":"none","typ":"JWT"}`, as base64url.
const HEADER: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";

/// The beginning of a stand-in for a token, up to and with the second dot. `None` if `value` is no token.
pub(crate) fn likeness(value: &str) -> Option<String> {
    let mut parts = value.split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !is_header(header.as_bytes()) {
        return None;
    }
    let mut decoded = Vec::new();
    decode_base64(claims.as_bytes(), &mut decoded);
    let mut kept = vec![b'{'];
    if let Ok(document) = Document::parse(&decoded) {
        for (name, claim) in document.root().members() {
            let harmless = HARMLESS.iter().any(|known| name.is(known)) && is_plain(claim);
            if harmless && claim.raw().len() <= LONGEST_CLAIM {
                if kept.len() > 1 {
                    kept.push(b',');
                }
                name.write(&mut kept, &[]);
                kept.push(b':');
                claim.write(&mut kept, &[]);
            }
        }
    }
    kept.push(b'}');
    Some(format!("{HEADER}.{}.", URL_SAFE_NO_PAD.encode(kept)))
}

/// Whether a token is somewhere in `text`: something that decodes to a header with `alg`, a dot and letters after it.
pub(crate) fn is_in(text: &[u8]) -> bool {
    // A header is a JSON object with at least `{"alg":""}`, which is 14 letters.
    run_ranges(text, 14, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
    })
    .any(|run| {
        let more = |after: &u8| after.is_ascii_alphanumeric() || *after == b'_';
        let goes_on = text.get(run.end) == Some(&b'.') && text.get(run.end + 1).is_some_and(more);
        // What stands before the header may be letters of the same alphabet. `{"` is `eyJ` whatever follows, and `{ "`
        // is `eyAi`.
        goes_on
            && memchr::memmem::find_iter(&text[run.clone()], b"ey")
                .any(|from| is_header(&text[run.start + from..run.end]))
    })
}

fn is_header(part: &[u8]) -> bool {
    let mut decoded = Vec::new();
    decode_base64(part, &mut decoded);
    let header = Document::parse(&decoded);
    header.is_ok_and(|header| header.root().get("alg").is_some_and(Value::is_string))
}

/// A number, a text that is no token itself, or a list of these.
fn is_plain(claim: Value<'_, '_>) -> bool {
    match claim.kind() {
        Kind::Object => false,
        Kind::Array => claim
            .items()
            .all(|item| item.kind() != Kind::Array && is_plain(item)),
        _ => !is_in(claim.raw().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn token(claims: &str) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"RS256","kid":"k"}"#);
        format!("{header}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_likeness_keeps_what_clients_read_and_nothing_else() {
        let real = token(
            r#"{"exp":12,"roles":["A","B"],"oid":"secret","aud":"x","nonce":"n","tid":{"a":1}}"#,
        );
        let like = likeness(&real).unwrap();
        let parts: Vec<&str> = like.split('.').collect();
        assert_eq!(parts.len(), 3);
        assert_eq!(
            URL_SAFE_NO_PAD.decode(parts[0]).unwrap(),
            br#"{"alg":"none","typ":"JWT"}"#
        );
        assert_eq!(
            URL_SAFE_NO_PAD.decode(parts[1]).unwrap(),
            br#"{"exp":12,"roles":["A","B"],"aud":"x"}"#
        );
        assert_eq!(parts[2], "");
    }

    #[test]
    fn what_is_no_token_has_no_likeness() {
        for text in [
            "opaque",
            "a.b.c",
            "a.b",
            "eyJhIjoxfQ.e30.x",
            &format!("{}.x", token("{}")),
        ] {
            assert!(likeness(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_token_is_seen_in_other_text() {
        let real = token("{}");
        for text in [
            format!("Bearer {real}"),
            format!("x{real}y"),
            format!("{{\"a\":\"{real}\"}}"),
            format!("prefix-{real}"),
        ] {
            assert!(is_in(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "eyJ.eyJ",
            "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean",
            "keys.are.here-and-everywhere.now",
        ] {
            assert!(!is_in(text.as_bytes()), "{text}");
        }
    }
}
