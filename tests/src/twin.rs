//! The native twin of the first action: the same logic over a plain pooled client, with nothing in between.
//!
//! It is what benches hold the host against, and no way to run an action: no sandbox, no grant, no stand-ins, no audit
//! and no ledger.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use revoke_user_sessions::run;
use revoke_user_sessions::service::{
    Answer, Asset, Assets, Claim, Closed, Ending, LogLevel, Method, Mode, Outcome, Outcomes,
    Request, SendFailure, Service,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

/// Assets in a chunk, as the component reads them.
const CHUNK: usize = 1_280;

/// Where a tenant is, as the emulator says it with `--ready-json`.
#[derive(Clone, Deserialize)]
pub struct Place {
    /// The sign-in service.
    pub login_url: String,
    /// Graph.
    pub graph_url: String,
    /// The certificate authority, PEM.
    pub ca_file: PathBuf,
    /// The tenant.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// Its secret, which is well known.
    pub client_secret: String,
}

/// Why the twin cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// The certificate authority cannot be read.
    #[error("the certificate authority cannot be read: {0}")]
    Authority(#[from] rustls::pki_types::pem::Error),
    /// It cannot be used.
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The twin, with its connections.
pub struct Twin {
    place: Place,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    start: Instant,
}

impl Twin {
    /// A twin without open connections. It trusts what the host trusts: the public roots and the tenant's authority.
    ///
    /// # Errors
    ///
    /// The authority cannot be read or used.
    pub fn new(place: Place) -> Result<Self, TwinError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in CertificateDer::pem_file_iter(&place.ca_file)? {
            roots.add(certificate?)?;
        }
        let provider = rustls::crypto::ring::default_provider();
        let tls = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_only()
            .enable_all_versions()
            .wrap_connector(http);
        Ok(Self {
            place,
            client: Client::builder(TokioExecutor::new()).build(connector),
            start: Instant::now(),
        })
    }

    /// Revokes the sessions of these users, by their object ids, with these settings of the action as JSON.
    pub async fn run(
        &self,
        settings: &str,
        users: impl Iterator<Item = String>,
    ) -> (Ending, Vec<Outcome>) {
        let world = World {
            twin: self,
            claims: RefCell::default(),
        };
        let mut outcomes = Sink(Vec::new());
        let ending = run(
            &world,
            Mode::Enforce,
            settings,
            Source(users),
            &mut outcomes,
        )
        .await;
        (ending, outcomes.0)
    }
}

/// What one run of the twin sees.
struct World<'a> {
    twin: &'a Twin,
    claims: RefCell<HashMap<String, String>>,
}

impl Service for World<'_> {
    async fn send(&self, request: Request) -> Result<Answer, SendFailure> {
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        let mut builder = http::Request::builder()
            .method(method)
            .uri(format!("{}{}", request.origin, request.path));
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let request = builder
            .body(Full::new(Bytes::from(request.body)))
            .map_err(|error| SendFailure::Unreachable {
                why: error.to_string(),
                lasting: true,
            })?;
        let lost = |why: String| SendFailure::Lost { why };
        let answer = self.twin.client.request(request).await;
        let (head, body) = answer
            .map_err(|error| lost(error.to_string()))?
            .into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| lost(error.to_string()))?;
        let headers = head.headers.iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        Ok(Answer {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: body.to_bytes().into(),
        })
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn monotonic(&self) -> Duration {
        self.twin.start.elapsed()
    }

    fn unix_seconds(&self) -> u64 {
        SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(0, |since| since.as_secs())
    }

    fn random(&self) -> u64 {
        getrandom::u64().unwrap_or(0)
    }

    fn field(&self, name: &str) -> Option<String> {
        match name {
            "tenant_id" => Some(self.twin.place.tenant_id.clone()),
            "client_id" => Some(self.twin.place.client_id.clone()),
            _ => None,
        }
    }

    fn stand_in(&self, field: &str) -> Option<String> {
        (field == "client_secret").then(|| self.twin.place.client_secret.clone())
    }

    async fn assertion(&self, _: &str) -> Result<String, String> {
        Err("the twin has a client secret".to_owned())
    }

    async fn one_time_code(&self, _: &str, _: &str) -> Result<String, String> {
        Err("the twin signs in as the application".to_owned())
    }

    fn endpoint(&self, name: &str) -> Option<String> {
        match name {
            "login" => Some(self.twin.place.login_url.clone()),
            "graph" => Some(self.twin.place.graph_url.clone()),
            _ => None,
        }
    }

    async fn claim(&self, claims: Vec<Claim>) -> Vec<Option<String>> {
        let mut taken = self.claims.borrow_mut();
        let others = claims.into_iter().map(|Claim { asset, name }| {
            let owner = taken
                .entry(name.to_lowercase())
                .or_insert_with(|| asset.clone());
            (*owner != asset).then(|| owner.clone())
        });
        others.collect()
    }

    fn hold(&self, _: &str, _: Duration) {}

    fn log(&self, _: LogLevel, _: &str) {}
}

struct Source<I>(I);

impl<I: Iterator<Item = String>> Assets for Source<I> {
    async fn next(&mut self) -> Option<Vec<Asset>> {
        let chunk: Vec<Asset> = self
            .0
            .by_ref()
            .take(CHUNK)
            .map(|id| Asset {
                identities: vec![format!(r#"{{"id":"{id}"}}"#)],
                id,
                settings: None,
                sent_before: None,
                added_for: None,
            })
            .collect();
        (!chunk.is_empty()).then_some(chunk)
    }
}

struct Sink(Vec<Outcome>);

impl Outcomes for &mut Sink {
    async fn write(&mut self, outcomes: Vec<Outcome>) -> Result<(), Closed> {
        self.0.extend(outcomes);
        Ok(())
    }
}
