//! How users are named: the shapes of object ids, principal names and addresses, and how they are written into a URL.
//!
//! Pure. Whether a user of that name exists is the service's to say.

/// Upper bound of a principal name, in bytes. Entra allows 113 characters; guests' names, which hold another
/// address inside them, are longer.
const PRINCIPAL_NAME_BYTES: usize = 320;

/// Upper bound of a proxy address with its kind, in bytes ("proxyAddresses": Exchange allows 1,123 characters, of which
/// an address takes 256; longer ones are of kinds that name nobody who signs in).
const PROXY_ADDRESS_BYTES: usize = 400;

/// Upper bound of an immutable id, in bytes: 24 as base64 of a GUID, and some hundred where another source is chosen
/// ("Microsoft Entra Connect: Design concepts", sourceAnchor).
const IMMUTABLE_ID_BYTES: usize = 256;

/// A name that may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// An object id, in lower case.
    ObjectId(String),
    /// A user principal name, as it was given but for blanks around it.
    Principal(String),
    /// A mail address, the user's first: `mail`.
    Mail(String),
    /// A mail address, any of the user's: one of `proxyAddresses` with `smtp:` before it.
    Address(String),
    /// One of `proxyAddresses` with its kind: `SMTP:ada@contoso.com`.
    Proxy(String),
    /// What ties the user to an account on premises: `onPremisesImmutableId`.
    ImmutableId(String),
}

impl Name {
    /// Takes `text` for an object id or a principal name by its shape, without the blanks around it.
    #[must_use]
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if is_guid(text) {
            Some(Self::ObjectId(text.to_ascii_lowercase()))
        } else if is_principal_name(text) {
            Some(Self::Principal(text.to_owned()))
        } else {
            None
        }
    }

    /// Takes `text` for a mail address by its shape.
    #[must_use]
    pub(crate) fn of_mail(text: &str) -> Option<Self> {
        let text = text.trim();
        is_principal_name(text).then(|| Self::Mail(text.to_owned()))
    }

    /// Takes `text` for a proxy address, with its kind before a colon, or for a mail address.
    #[must_use]
    pub(crate) fn of_proxy(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.split_once(':') {
            Some((kind, rest)) => {
                let sound = !kind.is_empty()
                    && kind.bytes().all(|b| b.is_ascii_alphanumeric())
                    && !rest.is_empty()
                    && text.len() <= PROXY_ADDRESS_BYTES
                    && !text.chars().any(char::is_control);
                sound.then(|| Self::Proxy(text.to_owned()))
            }
            None => is_principal_name(text).then(|| Self::Address(text.to_owned())),
        }
    }

    /// Takes `text` for an immutable id: anything printable without blanks.
    #[must_use]
    pub(crate) fn of_immutable_id(text: &str) -> Option<Self> {
        let text = text.trim();
        let sound = (1..=IMMUTABLE_ID_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic());
        sound.then(|| Self::ImmutableId(text.to_owned()))
    }

    /// The name itself.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::ObjectId(name)
            | Self::Principal(name)
            | Self::Mail(name)
            | Self::Address(name)
            | Self::Proxy(name)
            | Self::ImmutableId(name) => name,
        }
    }

    /// Whether the path `/users/{name}` can hold it. A principal name that starts with `$` would be taken for an
    /// OData system resource ("Get a user": such names need another form).
    #[must_use]
    pub(crate) fn fits_path(&self) -> bool {
        match self {
            Self::ObjectId(_) => true,
            Self::Principal(name) => !name.starts_with('$'),
            Self::Mail(_) | Self::Address(_) | Self::Proxy(_) | Self::ImmutableId(_) => false,
        }
    }

    /// What else the same text can be, when nobody has it as this: a principal name is often meant as the mail address
    /// that it looks like, and the other way round.
    #[must_use]
    pub(crate) fn otherwise(&self) -> Option<Self> {
        match self {
            Self::Principal(name) => Some(Self::Mail(name.clone())),
            Self::Mail(name) => Some(Self::Address(name.clone())),
            Self::ObjectId(_) | Self::Address(_) | Self::Proxy(_) | Self::ImmutableId(_) => None,
        }
    }
}

/// Whether `text` has the shape of a GUID (RFC 9562 section 4), in either case, without braces.
#[must_use]
pub(crate) fn is_guid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether `text` has the shape of a user principal name: something, one `@`, a domain, and nothing that could be
/// read as more than one segment of a path.
fn is_principal_name(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= PRINCIPAL_NAME_BYTES
        && !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
        && !domain.contains("..")
        && domain
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
        && !text.chars().any(|c| {
            c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | '"' | '<' | '>')
        })
}

/// Whether a principal name is of the form that invited users get: `name_home.example#EXT#@tenant.onmicrosoft.com`
/// ("Properties of a Microsoft Entra B2B collaboration user").
#[must_use]
pub(crate) fn is_external_name(principal: &str) -> bool {
    principal
        .as_bytes()
        .windows(5)
        .any(|five| five.eq_ignore_ascii_case(b"#EXT#"))
}

/// Appends `text`, percent-encoded but for the unreserved characters of RFC 3986 section 2.3 and `@`, which a
/// segment may hold (section 3.3). What is appended needs no escape in JSON either.
pub(crate) fn push_segment(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@') {
            out.push(char::from(byte));
        } else {
            push_percent(out, byte);
        }
    }
}

/// Appends `text` as a value of an `application/x-www-form-urlencoded` body or a query (WHATWG URL, section 5.2; a
/// blank becomes `%20`, which every reader takes).
pub(crate) fn push_form_value(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'*') {
            out.push(char::from(byte));
        } else {
            push_percent(out, byte);
        }
    }
}

fn push_percent(out: &mut String, byte: u8) {
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.push(
            char::from_digit(u32::from(nibble), 16)
                .unwrap_or('0')
                .to_ascii_uppercase(),
        );
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use proptest::prelude::*;

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        push_segment(&mut out, text);
        out
    }

    #[test]
    fn names_are_told_apart_by_shape() {
        let id = "0F6B0000-0000-4000-8000-00000000000a";
        assert_eq!(
            Name::of(&format!(" {id}\t")),
            Some(Name::ObjectId(id.to_ascii_lowercase()))
        );
        assert_eq!(
            Name::of(" ada@contoso.com "),
            Some(Name::Principal("ada@contoso.com".into()))
        );
        assert_eq!(
            Name::of("o'neil+x_y.com#EXT#@t.onmicrosoft.com"),
            Some(Name::Principal(
                "o'neil+x_y.com#EXT#@t.onmicrosoft.com".into()
            ))
        );
        assert_eq!(
            Name::of("zoë@müller.example"),
            Some(Name::Principal("zoë@müller.example".into()))
        );
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "  ",
            "ada",
            "@contoso.com",
            "ada@",
            "a@b@c",
            "ada lovelace@contoso.com",
            "../me@contoso.com",
            "a\\b@contoso.com",
            "ada@contoso.com/revokeSignInSessions",
            "ada@.com",
            "ada@contoso..com",
            "ada@con\u{0}toso.com",
            "{00000000-0000-4000-8000-000000000001}",
            "00000000-0000-4000-8000-00000000000",
            "00000000-0000-4000-8000-00000000000g",
            "0000000-00000-4000-8000-000000000001",
            "[\"ada@contoso.com\"]",
            "CONTOSO\\ada",
        ] {
            assert_eq!(Name::of(text), None, "{text:?}");
        }
        assert_eq!(Name::of(&format!("{}@contoso.com", "x".repeat(400))), None);
    }

    #[test]
    fn a6_the_lesser_names_have_shapes_too() {
        assert_eq!(
            Name::of_mail(" ada@contoso.com "),
            Some(Name::Mail("ada@contoso.com".into()))
        );
        assert_eq!(Name::of_mail("Ada <ada@contoso.com>"), None);
        assert_eq!(
            Name::of_proxy("SMTP:ada@contoso.com"),
            Some(Name::Proxy("SMTP:ada@contoso.com".into()))
        );
        assert_eq!(
            Name::of_proxy("ada@contoso.com"),
            Some(Name::Address("ada@contoso.com".into()))
        );
        for text in ["", ":", "smtp:", ":x", "s p:x", "ada"] {
            assert_eq!(Name::of_proxy(text), None, "{text}");
        }
        assert_eq!(
            Name::of_immutable_id("Zm9vYg=="),
            Some(Name::ImmutableId("Zm9vYg==".into()))
        );
        assert_eq!(Name::of_immutable_id("a b"), None);
        assert_eq!(Name::of_immutable_id(&"x".repeat(257)), None);
    }

    #[test]
    fn segments_are_percent_encoded() {
        assert_eq!(encoded("ada@contoso.com"), "ada@contoso.com");
        assert_eq!(encoded("a_b.com#EXT#@t.com"), "a_b.com%23EXT%23@t.com");
        assert_eq!(encoded("o'neil+x?%@t.com"), "o%27neil%2Bx%3F%25@t.com");
        assert_eq!(encoded("zoë"), "zo%C3%AB");
    }

    #[test]
    fn names_that_start_with_a_dollar_do_not_fit_the_path() {
        assert!(!Name::of("$svc@contoso.com").unwrap().fits_path());
        assert!(Name::of("svc$@contoso.com").unwrap().fits_path());
    }

    proptest! {
        #[test]
        fn a_name_is_one_harmless_segment(text in "\\PC{0,40}@[a-z.]{0,12}") {
            if let Some(name) = Name::of(&text) {
                let segment = encoded(name.as_str());
                prop_assert!(segment.bytes().all(|b| b.is_ascii_graphic() && !b"/\\?#\"&".contains(&b)));
                prop_assert_eq!(decode(&segment), name.as_str().as_bytes());
            }
        }

        #[test]
        fn form_values_come_back(text in "\\PC{0,40}") {
            let mut out = String::new();
            push_form_value(&mut out, &text);
            prop_assert!(!out.contains(['&', '=', '+', ' ']));
            prop_assert_eq!(decode(&out), text.as_bytes());
        }
    }

    fn decode(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            if *first == b'%' {
                out.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                rest = &tail[2..];
            } else {
                out.push(*first);
                rest = tail;
            }
        }
        out
    }
}
