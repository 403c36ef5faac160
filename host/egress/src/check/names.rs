//! What may be the name of something, and which names are the host's alone.

use http::Method;

/// Bytes of a name that an action chooses.
pub(super) const LONGEST_NAME: usize = 64;

/// The methods that a call can have. What else there is opens tunnels (CONNECT), mirrors headers (TRACE) or is for
/// other protocols.
pub(crate) fn method(text: &str) -> Option<Method> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    known.into_iter().find(|method| method.as_str() == text)
}

/// GET and HEAD have no body that means anything (RFC 9110 section 9.3.1).
pub(crate) fn has_no_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether a request header is the host's alone: those of the connection (RFC 9110 section 7.6.1), those that carry
/// credentials or cookies, and those by which a service may take a request for another one.
pub(super) fn is_hosts_request_header(name: &str) -> bool {
    const WHOLE: [&str; 29] = [
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "cookie2",
        "expect",
        "forwarded",
        "front-end-https",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "origin",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "true-client-ip",
        "upgrade",
        "user-agent",
        "via",
        "x-client-ip",
        "x-host",
        "x-method-override",
        "x-original-url",
        "x-real-ip",
        "x-rewrite-url",
    ];
    const BEGINNINGS: [&str; 8] = [
        "proxy-",
        "sec-",
        "x-forwarded",
        "x-http-method",
        "x-original-",
        "x-rewrite-",
        "x-override",
        "cf-connecting",
    ];
    WHOLE.contains(&name)
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

/// Whether an action never sees a header of an answer.
pub(super) fn is_hosts_answer_header(name: &str) -> bool {
    const WHOLE: [&str; 13] = [
        "authorization",
        "clear-site-data",
        "connection",
        "content-encoding",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "set-cookie",
        "set-cookie2",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    WHOLE.contains(&name)
}

/// Token characters of RFC 9110 section 5.6.2 that header names in use are made of, in lower case.
pub(super) fn is_header_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

pub(super) fn is_kebab(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(word)
}

/// Letters that are shown as nothing, or turn the text around them.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name of a query parameter or a form field that has one spelling before and after the usual decoding.
pub(super) fn is_parameter(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"$-._~!@:".contains(&b);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

pub(super) fn is_field(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

/// A name of a variable as scripts of pages have them: `$Config`.
pub(super) fn is_variable(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.');
    (2..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}
