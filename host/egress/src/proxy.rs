//! A way through an HTTP proxy: a tunnel to the service, inside which TLS is spoken with the service itself.
//!
//! The proxy sees the service's name and port and nothing else. Its own address is judged like any other; the service's
//! is the proxy's business, but what is asked for is the granted name, and the certificate has to be that name's.
//! Source: RFC 9110 section 9.3.6 (CONNECT), RFC 7617 (Basic).

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use http::{HeaderValue, Uri};
use zeroize::Zeroizing;

use crate::addresses::is_host;
use crate::secret::Secret;
use crate::witness::SecretError;

/// Reads the proxy's password, when a connection is about to be made and not before.
pub type Password = Arc<dyn Fn() -> BoxFuture<'static, Result<Secret, SecretError>> + Send + Sync>;

/// An HTTP proxy.
#[derive(Clone)]
pub struct Proxy {
    address: ProxyAddress,
    account: Option<(String, Password)>,
}

/// `http://proxy.corp.example:3128`: a proxy's name and port. Spoken to in clear; what passes through is TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAddress {
    host: String,
    port: u16,
}

/// Why a text is no address of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a proxy's address is `http://host:port`, the host in lower case letters, digits, `-` and `.`"
)]
pub struct ProxyAddressError;

/// The port of proxies where none is written.
const PORT: u16 = 3128;

impl ProxyAddress {
    /// Reads `http://host:port`; without a port it is 3128.
    ///
    /// # Errors
    ///
    /// Anything else: user information (its place is a secret source), a path, another scheme.
    pub fn parse(text: &str) -> Result<Self, ProxyAddressError> {
        let rest = text.strip_prefix("http://").ok_or(ProxyAddressError)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => {
                let digits = port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0');
                let port = port.parse().ok().filter(|_| digits);
                (host, port.ok_or(ProxyAddressError)?)
            }
            _ => (rest, PORT),
        };
        if is_host(host) {
            Ok(Self {
                host: host.to_owned(),
                port,
            })
        } else {
            Err(ProxyAddressError)
        }
    }

    /// The host's name or address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Proxy {
    /// A proxy that asks for no account.
    #[must_use]
    pub fn new(address: ProxyAddress) -> Self {
        Self {
            address,
            account: None,
        }
    }

    /// The account to name to it.
    #[must_use]
    pub fn with_account(mut self, username: String, password: Password) -> Self {
        self.account = Some((username, password));
        self
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &ProxyAddress {
        &self.address
    }

    /// Its address as a tunnel names it.
    pub(crate) fn uri(&self) -> Option<Uri> {
        format!("http://{}", self.address).parse().ok()
    }

    /// What goes into `Proxy-Authorization`, if there is an account.
    pub(crate) async fn authorization(&self) -> Result<Option<HeaderValue>, SecretError> {
        let Some((username, password)) = &self.account else {
            return Ok(None);
        };
        let password = password().await?;
        let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        let mut value = HeaderValue::from_str(&text).map_err(|_| SecretError::Unusable {
            field: "proxy_password".to_owned(),
            reason: "it has characters that a header cannot have",
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.address).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port_and_nothing_else() {
        let parsed = |text| ProxyAddress::parse(text).map(|address| address.to_string());
        assert_eq!(
            parsed("http://proxy.corp.example:8080"),
            Ok("proxy.corp.example:8080".to_owned())
        );
        assert_eq!(parsed("http://10.1.2.3/"), Ok("10.1.2.3:3128".to_owned()));
        for text in [
            "proxy.corp.example:8080",
            "https://proxy.corp.example",
            "http://user:word@proxy.corp.example",
            "http://proxy.corp.example:0",
            "http://proxy.corp.example:080",
            "http://proxy.corp.example:99999",
            "http://proxy.corp.example/path",
            "http://Proxy.corp.example",
            "http://",
        ] {
            assert_eq!(parsed(text), Err(ProxyAddressError), "{text}");
        }
    }
}
