//! Where a connection's services are, and what its open fields say.
//!
//! An [`Origin`] is checked once, here; nothing else turns text into one.

use std::collections::BTreeMap;
use std::fmt;

/// Scheme `https`, a host and a port: what an endpoint's address is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    host: String,
    port: u16,
    text: String,
}

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// `http` would send tokens in clear.
    #[error("an address has to begin with `https://`")]
    NotHttps,
    /// A path, a query, a fragment or user information.
    #[error("an address is `https://host` or `https://host:port`, and nothing after that")]
    NotBare,
    /// The host.
    #[error(
        "the host has to be a name in lower case letters, digits, `-` and `.`, or an IP address"
    )]
    Host,
    /// The port.
    #[error("the port has to be a number from 1 to 65535, without zeros at its beginning")]
    Port,
}

impl Origin {
    /// Reads `https://host` or `https://host:port`; a slash at its end is ignored.
    ///
    /// # Errors
    ///
    /// Anything else, so that one origin has one spelling: capitals, trailing dots, user information, names beyond
    /// ASCII (write them as `xn--…`), numeric spellings of IPv4 addresses that are not four plain numbers.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let rest = text.strip_prefix("https://").ok_or(OriginError::NotHttps)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@', '\\']) {
            return Err(OriginError::NotBare);
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (inner, after) = bracketed.split_once(']').ok_or(OriginError::Host)?;
                let address: std::net::Ipv6Addr = inner.parse().map_err(|_| OriginError::Host)?;
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(OriginError::Host),
                };
                (format!("[{address}]"), port)
            }
            None => {
                let (host, port) = match rest.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (rest, None),
                };
                if !is_host(host) {
                    return Err(OriginError::Host);
                }
                (host.to_owned(), port)
            }
        };
        let port = match port {
            None => 443,
            Some(port) => parse_port(port).ok_or(OriginError::Port)?,
        };
        let text = if port == 443 {
            format!("https://{host}")
        } else {
            format!("https://{host}:{port}")
        };
        Ok(Self { host, port, text })
    }

    /// The host as it stands in an address: IPv6 addresses in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host without brackets: what is resolved, and what the certificate is checked against.
    #[must_use]
    pub fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `https://host`, with `:port` if it is not 443, and no slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `host`, with `:port` if it is not 443.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.strip_prefix("https://").unwrap_or(&self.text)
    }

    /// Whether `authority` is this origin, spelt as it is or with the default port written out.
    pub(crate) fn is(&self, authority: &str) -> bool {
        authority == self.authority()
            || (self.port == 443 && authority.strip_suffix(":443") == Some(&self.host))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a connection says about a manifest's endpoints and templates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The chosen origin of each endpoint, by its name.
    pub origins: BTreeMap<String, Origin>,
    /// The connection's fields that are no secrets, for `{field:name}`.
    pub fields: BTreeMap<String, String>,
}

fn parse_port(text: &str) -> Option<u16> {
    let plain =
        !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

pub(crate) fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.is_empty() || host.len() > 253 || !host.split('.').all(label) {
        return false;
    }
    // WHATWG URL "host parsing": a name whose last label is a number is read as an IPv4 address by some, in octal or
    // hexadecimal too, so only the plain form of one may look like that.
    let last = host.rsplit('.').next().unwrap_or(host);
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    !numeric || host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (text, shown) in [
            ("https://graph.microsoft.com", "https://graph.microsoft.com"),
            (
                "https://graph.microsoft.com/",
                "https://graph.microsoft.com",
            ),
            (
                "https://graph.microsoft.com:443",
                "https://graph.microsoft.com",
            ),
            ("https://localhost:8443", "https://localhost:8443"),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("https://[0:0::1]", "https://[::1]"),
            (
                "https://xn--mller-kva.example",
                "https://xn--mller-kva.example",
            ),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), shown, "{text}");
        }
        assert_eq!(Origin::parse("https://[::1]:8443").unwrap().name(), "::1");
    }

    #[test]
    fn what_could_be_read_as_another_origin_is_refused() {
        for (text, error) in [
            ("http://graph.microsoft.com", OriginError::NotHttps),
            ("HTTPS://graph.microsoft.com", OriginError::NotHttps),
            ("graph.microsoft.com", OriginError::NotHttps),
            ("https://a/b", OriginError::NotBare),
            ("https://a?b", OriginError::NotBare),
            ("https://a#b", OriginError::NotBare),
            ("https://a@b", OriginError::NotBare),
            ("https://a\\b", OriginError::NotBare),
            ("https://", OriginError::Host),
            ("https://Graph.microsoft.com", OriginError::Host),
            ("https://graph.microsoft.com.", OriginError::Host),
            ("https://graph..com", OriginError::Host),
            ("https://müller.example", OriginError::Host),
            ("https://a b", OriginError::Host),
            ("https://%61", OriginError::Host),
            ("https://2130706433", OriginError::Host),
            ("https://0x7f000001", OriginError::Host),
            ("https://127.1", OriginError::Host),
            ("https://0177.0.0.1", OriginError::Host),
            ("https://1.2.3.4.5", OriginError::Host),
            ("https://[::1", OriginError::Host),
            ("https://[::1]x", OriginError::Host),
            ("https://[fe80::1%25eth0]", OriginError::Host),
            ("https://a:", OriginError::Port),
            ("https://a:0", OriginError::Port),
            ("https://a:0443", OriginError::Port),
            ("https://a:+443", OriginError::Port),
            ("https://a:65536", OriginError::Port),
            ("https://a:1:2", OriginError::Port),
        ] {
            assert_eq!(Origin::parse(text).unwrap_err(), error, "{text}");
        }
    }
}
