//! A client over TLS, HTTP/1.1 or 2, and an emulator to talk to.

use std::sync::Arc;

use bytes::Bytes;
use entra_emulator::{Emulator, Options, Tenant};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An emulator, and a client that trusts it.
pub(crate) struct Trial {
    pub(crate) emulator: Emulator,
    http1: TlsConnector,
    http2: TlsConnector,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `error.code` of a Graph answer.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The AADSTS number of a token endpoint's answer.
    pub(crate) fn aadsts(&self) -> u64 {
        self.json()["error_codes"][0].as_u64().unwrap()
    }
}

/// A request that is put together.
pub(crate) struct Ask<'a> {
    trial: &'a Trial,
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    http2: bool,
}

impl<'a> Ask<'a> {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        let asked = self.header("content-type", "application/json");
        Self {
            body: body.to_string().into_bytes(),
            ..asked
        }
    }

    pub(crate) fn raw(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    pub(crate) fn form(self, pairs: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        let asked = self.header("content-type", "application/x-www-form-urlencoded");
        Self {
            body: form.finish().into_bytes(),
            ..asked
        }
    }

    pub(crate) fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub(crate) async fn send(self) -> Got {
        self.try_send().await.unwrap()
    }

    /// The error is how the connection ended.
    pub(crate) async fn try_send(self) -> Result<Got, Box<dyn std::error::Error + Send + Sync>> {
        let uri: Uri = self.url.parse()?;
        let host = uri.host().unwrap().to_owned();
        // Microsoft's names stand for loopback here, as for a client with a resolver of its own.
        let port = uri.port_u16().unwrap_or_else(|| self.trial.port());
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let mut builder = Request::builder().method(self.method);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let name = ServerName::try_from(host)?;
        let body = Full::new(Bytes::from(self.body));
        let response = if self.http2 {
            let stream = TokioIo::new(self.trial.http2.connect(name, stream).await?);
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            sender.send_request(builder.uri(uri).body(body)?).await?
        } else {
            let stream = TokioIo::new(self.trial.http1.connect(name, stream).await?);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
            tokio::spawn(connection);
            let target = uri.path_and_query().unwrap().to_string();
            let builder = builder.header("host", uri.authority().unwrap().as_str());
            sender.send_request(builder.uri(target).body(body)?).await?
        };
        let (head, body) = response.into_parts();
        Ok(Got {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

impl Trial {
    pub(crate) async fn of(tenant: Tenant) -> Self {
        Self::with(tenant, Options::default()).await
    }

    pub(crate) async fn sample() -> Self {
        Self::of(Tenant::sample()).await
    }

    pub(crate) async fn with(tenant: Tenant, options: Options) -> Self {
        let emulator = Emulator::start(tenant, options).await.unwrap();
        let connector = |protocol: &[u8]| {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(emulator.ca_pem().as_bytes()).unwrap())
                .unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Self {
            http1: connector(b"http/1.1"),
            http2: connector(b"h2"),
            emulator,
        }
    }

    /// Sends requests one after another on one connection, HTTP/1.1.
    pub(crate) async fn send_all<'a>(
        &self,
        requests: impl IntoIterator<Item = Ask<'a>>,
    ) -> Vec<Got> {
        let stream = TcpStream::connect(("127.0.0.1", self.port()))
            .await
            .unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TokioIo::new(self.http1.connect(name, stream).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut all = Vec::new();
        for ask in requests {
            let uri: Uri = ask.url.parse().unwrap();
            let mut builder = Request::builder()
                .method(ask.method)
                .header("host", uri.authority().unwrap().as_str());
            for (name, value) in &ask.headers {
                builder = builder.header(name, value);
            }
            let target = uri.path_and_query().unwrap().to_string();
            let request = builder.uri(target).body(Full::new(Bytes::from(ask.body)));
            sender.ready().await.unwrap();
            let response = sender.send_request(request.unwrap()).await.unwrap();
            let (head, body) = response.into_parts();
            all.push(Got {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.collect().await.unwrap().to_bytes(),
            });
        }
        all
    }

    fn port(&self) -> u16 {
        self.emulator
            .graph_url()
            .rsplit_once(':')
            .unwrap()
            .1
            .parse()
            .unwrap()
    }

    pub(crate) fn ask(&self, method: &str, url: impl Into<String>) -> Ask<'_> {
        let method = method.parse().unwrap();
        Ask {
            trial: self,
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            http2: false,
        }
    }

    /// A request to Graph, by its path.
    pub(crate) fn graph(&self, method: &str, path: &str) -> Ask<'_> {
        self.ask(method, format!("{}{path}", self.emulator.graph_url()))
    }

    pub(crate) fn token_url(&self) -> String {
        format!(
            "{}/{}/oauth2/v2.0/token",
            self.emulator.login_url(),
            self.emulator.tenant_id()
        )
    }

    /// A token request with the application's id and secret, and more.
    pub(crate) async fn token_with(&self, more: &[(&str, &str)]) -> Got {
        let (id, secret) = (self.emulator.client_id(), self.emulator.client_secret());
        let mut pairs = vec![
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
        ];
        pairs.extend_from_slice(more);
        self.ask("POST", self.token_url()).form(&pairs).send().await
    }

    /// The answer to a request for a token of the application itself.
    pub(crate) async fn app_token(&self) -> Got {
        let scope = format!("{}/.default", self.emulator.graph_url());
        self.token_with(&[("grant_type", "client_credentials"), ("scope", &scope)])
            .await
    }

    /// A token of the application itself.
    pub(crate) async fn token(&self) -> String {
        let got = self.app_token().await;
        assert_eq!(got.status, 200, "{got:?}");
        got.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A request to the admin side.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &str) -> Got {
        let uri: Uri = format!("{}{path}", self.emulator.admin_url())
            .parse()
            .unwrap();
        let stream = TcpStream::connect(("127.0.0.1", uri.port_u16().unwrap()))
            .await
            .unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", uri.authority().unwrap().as_str())
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        Got {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

/// What a token says, without checking it.
pub(crate) fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(middle)
            .unwrap(),
    )
    .unwrap()
}
