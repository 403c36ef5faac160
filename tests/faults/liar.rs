//! A service that lies: it stands before the emulator, passes requests on, and changes answers on their way back.
//!
//! A lie decides for each request: the truth, the truth changed, or an answer that the emulator knows nothing of. What
//! really happened is the emulator's to say.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Token,
    LookUp,
    Revoke,
    ReadBack,
}

/// A request, as a lie sees it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) kind: Kind,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn html(status: u16) -> Self {
        Self::new(
            status,
            "<html><body>Please sign in to the proxy</body></html>",
        )
        .with("content-type", "text/html")
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Changes the body as JSON.
    pub(crate) fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut value = serde_json::from_slice(&self.body).unwrap();
        change(&mut value);
        self.body = value.to_string().into_bytes();
        self
    }

    /// Changes the parts of a batch; an answer to a request of its own stays as it is.
    pub(crate) fn parts(self, change: impl FnOnce(&mut Vec<Value>)) -> Self {
        self.edit(|body| {
            if let Some(parts) = body["responses"].as_array_mut() {
                change(parts);
            }
        })
    }
}

/// What becomes of a request.
pub(crate) enum Told {
    Truth,
    /// The service does what was asked, and says something else of it.
    Changed(fn(Answer) -> Answer),
    /// The service does nothing, and says this.
    Instead(Answer),
}

/// A lie.
pub(crate) type Lie = fn(&Asked) -> Told;

/// A lying service on loopback.
pub(crate) struct Liar {
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    /// How many requests arrived.
    arrived: Arc<Mutex<Arrived>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Arrived {
    requests: usize,
    /// What was real in them: tokens that clients sent.
    tokens: Vec<String>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Backstage {
    lie: Lie,
    truth: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    arrived: Arc<Mutex<Arrived>>,
}

impl Liar {
    /// Stands before the service at `truth`, which `ca_pem` vouches for.
    pub(crate) async fn before(truth: &str, ca_pem: &str, lie: Lie) -> Self {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names)
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
            .unwrap();
        let trust = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(trust)
            .https_only()
            .enable_http1()
            .build();
        let arrived = Arc::<Mutex<Arrived>>::default();
        let backstage = Arc::new(Backstage {
            lie,
            truth: truth.to_owned(),
            client: Client::builder(TokioExecutor::new()).build(connector),
            arrived: Arc::clone(&arrived),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, backstage) = (acceptor.clone(), Arc::clone(&backstage));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(move |request| {
                        let backstage = Arc::clone(&backstage);
                        async move { Ok::<_, std::convert::Infallible>(backstage.answer(request).await) }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    // A client that goes away is no fault of the test's.
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            url,
            ca_pem: certificate.pem(),
            arrived,
            task,
        }
    }

    /// How many requests arrived.
    pub(crate) fn requests(&self) -> usize {
        self.lock().requests
    }

    /// The tokens that arrived.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.lock().tokens.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backstage {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let target = head.uri.path_and_query().unwrap().as_str().to_owned();
        {
            let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
            arrived.requests += 1;
            let token = head.headers.get(header::AUTHORIZATION);
            let token = token.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
            arrived.tokens.extend(token.map(str::to_owned));
        }
        let asked = Asked {
            kind: kind(&target, &body),
        };
        let answer = match (self.lie)(&asked) {
            Told::Truth => self.truth(&head, &target, body).await,
            Told::Changed(change) => change(self.truth(&head, &target, body).await),
            Told::Instead(answer) => answer,
        };
        let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response.body(Full::from(answer.body)).unwrap()
    }

    /// What the emulator says.
    async fn truth(&self, head: &http::request::Parts, target: &str, body: Bytes) -> Answer {
        let mut request = Request::builder()
            .method(head.method.clone())
            .uri(format!("{}{target}", self.truth));
        for (name, value) in &head.headers {
            if name != header::HOST && name != header::CONTENT_LENGTH {
                request = request.header(name, value);
            }
        }
        let answer = self
            .client
            .request(request.body(Full::from(body)).unwrap())
            .await
            .unwrap();
        let (head, body) = answer.into_parts();
        let mut answer = Answer {
            status: head.status.as_u16(),
            headers: Vec::new(),
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        };
        for name in [
            "content-type",
            "request-id",
            "retry-after",
            "www-authenticate",
            "date",
        ] {
            if let Some(value) = head.headers.get(name) {
                answer = answer.with(name, value.to_str().unwrap());
            }
        }
        answer
    }
}

fn kind(target: &str, body: &[u8]) -> Kind {
    let text = if target.ends_with("/$batch") {
        String::from_utf8_lossy(body).into_owned()
    } else {
        target.to_owned()
    };
    if text.contains("/oauth2/") {
        Kind::Token
    } else if text.contains("/revokeSignInSessions") {
        Kind::Revoke
    } else if text.contains("$select=id,signInSessionsValidFromDateTime") {
        Kind::ReadBack
    } else {
        Kind::LookUp
    }
}
