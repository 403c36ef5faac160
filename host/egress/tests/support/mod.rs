//! A service on loopback with real TLS, and a session that reaches it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test file uses a part of this"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tipstaff_egress::declare::*;
use tipstaff_egress::*;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub const ADA: &str = "00000000-0000-4000-8000-000000000001";
pub const SECRET: &str = "s3cr3t~value.with/odd+letters";
pub const TOKEN: &str = "the.real.token-of-the-service";
pub const HOST: &str = "service.example";

/// What arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// What the service does.
pub enum Reply {
    Answer(Response<Bytes>),
    /// Closes the connection.
    Close,
    /// Never answers.
    Silence,
    /// Waits a little, and answers.
    Late(Duration, Response<Bytes>),
}

type Handler = dyn Fn(&Arrived) -> Reply + Send + Sync;

pub struct Service {
    pub address: SocketAddr,
    pub ca: String,
    pub pin: Pin,
    pub arrived: Arc<Mutex<Vec<Arrived>>>,
    pub connections: Arc<AtomicUsize>,
    pub most_at_once: Arc<AtomicUsize>,
}

/// How the service proves who it is.
#[derive(Clone, Copy, PartialEq)]
pub enum Proof {
    Good,
    OtherName,
    Expired,
}

impl Service {
    pub async fn start(
        alpn: &[&str],
        proof: Proof,
        handler: impl Fn(&Arrived) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let mut ca_params = CertificateParams::new(Vec::new()).unwrap();
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = ca_params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca_params, ca_key);
        let name = if proof == Proof::OtherName {
            "other.example"
        } else {
            HOST
        };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if proof == Proof::Expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            address: listener.local_addr().unwrap(),
            ca: ca.pem(),
            pin: STANDARD
                .encode(Sha256::digest(key.subject_public_key_info()))
                .parse()
                .unwrap(),
            arrived: Arc::default(),
            connections: Arc::default(),
            most_at_once: Arc::default(),
        };
        let handler: Arc<Handler> = Arc::new(handler);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (arrived, connections) = (
            Arc::clone(&service.arrived),
            Arc::clone(&service.connections),
        );
        let (most, at_once) = (
            Arc::clone(&service.most_at_once),
            Arc::new(AtomicUsize::new(0)),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, handler, arrived) =
                    (acceptor.clone(), Arc::clone(&handler), Arc::clone(&arrived));
                let (connections, most, at_once) = (
                    Arc::clone(&connections),
                    Arc::clone(&most),
                    Arc::clone(&at_once),
                );
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    connections.fetch_add(1, Ordering::SeqCst);
                    let serve = service_fn(move |request: Request<Incoming>| {
                        let (handler, arrived) = (Arc::clone(&handler), Arc::clone(&arrived));
                        let (most, at_once) = (Arc::clone(&most), Arc::clone(&at_once));
                        async move {
                            most.fetch_max(
                                at_once.fetch_add(1, Ordering::SeqCst) + 1,
                                Ordering::SeqCst,
                            );
                            let reply = answer(request, &*handler, &arrived).await;
                            at_once.fetch_sub(1, Ordering::SeqCst);
                            reply
                        }
                    });
                    drop(
                        auto::Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(stream), serve)
                            .await,
                    );
                });
            }
        });
        service
    }

    pub fn origin(&self) -> Origin {
        Origin::parse(&format!("https://{HOST}:{}", self.address.port())).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub fn options(&self) -> ClientOptions {
        ClientOptions {
            network: NetworkPolicy {
                hosts: vec![HOST.to_owned()],
                ..NetworkPolicy::default()
            },
            tls: Tls::public().with_ca_pem(self.ca.as_bytes()).unwrap(),
            resolver: Arc::new(Always(vec![self.address])),
            ..ClientOptions::default()
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    handler: &Handler,
    arrived: &Mutex<Vec<Arrived>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let one = Arrived {
        method: head.method.to_string(),
        target: head.uri.path_and_query().unwrap().to_string(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    arrived.lock().unwrap().push(one.clone());
    match handler(&one) {
        Reply::Answer(response) => Ok(response.map(Full::new)),
        Reply::Close => Err(std::io::Error::other("closed on purpose")),
        Reply::Silence => std::future::pending().await,
        Reply::Late(wait, response) => {
            tokio::time::sleep(wait).await;
            Ok(response.map(Full::new))
        }
    }
}

pub fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Bytes::from(body.to_owned())).unwrap()
}

/// What an ordinary service says.
pub fn ordinary(arrived: &Arrived) -> Reply {
    Reply::Answer(match arrived.target.as_str() {
        "/contoso/oauth2/v2.0/token" => reply(
            200,
            &[],
            &format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{TOKEN}"}}"#),
        ),
        _ => reply(200, &[("request-id", "r-1")], r#"{"value":true}"#),
    })
}

/// A resolver that always says the same.
pub struct Always(pub Vec<SocketAddr>);

impl Resolve for Always {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
        _: u16,
    ) -> BoxFuture<'a, std::io::Result<Vec<SocketAddr>>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// Keeps notes, and secrets.
#[derive(Default)]
pub struct Desk {
    pub notes: Mutex<Vec<String>>,
    pub records: Mutex<Vec<CallRecord>>,
    pub waits: Mutex<Vec<Waiting>>,
    pub revealed: AtomicUsize,
    pub refuses_to_note: bool,
    /// It makes assertions, and counts those whose request is not over.
    pub makes: bool,
    pub outstanding: Arc<AtomicUsize>,
}

/// Counts itself.
pub struct Outstanding(Arc<AtomicUsize>);

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Witness for Desk {
    fn about_to_change<'a>(
        &'a self,
        owners: &'a [Owner],
    ) -> BoxFuture<'a, Result<(), WitnessError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.refuses_to_note {
                return Err(WitnessError("the disk is full".to_owned()));
            }
            self.notes.lock().unwrap().push(format!("{owners:?}"));
            Ok(())
        })
    }

    fn called(&self, record: &CallRecord) {
        self.records.lock().unwrap().push(record.clone());
    }

    fn waiting(&self, waiting: Waiting) {
        self.waits.lock().unwrap().push(waiting);
    }
}

impl Secrets for Desk {
    fn has(&self, field: &str) -> bool {
        field == "client_secret"
    }

    fn reveal<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        self.revealed.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(Secret::new(SECRET.to_owned()))))
    }

    fn supports(&self, held: &Held) -> Result<(), SecretError> {
        match held {
            Held::Assertion if !self.makes => Err(SecretError::NotSupported {
                what: "an assertion".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn make<'a>(&'a self, making: Making<'a>) -> BoxFuture<'a, Result<Made, SecretError>> {
        self.outstanding.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(Made {
            value: Secret::new(format!("made:{making:?}")),
            until_over: Some(Box::new(Outstanding(Arc::clone(&self.outstanding)))),
        })))
    }
}

pub fn declaration() -> Declaration {
    let texts = |list: &[&str]| {
        list.iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let call = |id: &str, method: &str, url: &str, shape| Call {
        id: id.to_owned(),
        method: method.to_owned(),
        url: url.to_owned(),
        query: Vec::new(),
        request_headers: texts(&["client-request-id"]),
        answer_headers: texts(&["request-id", "retry-after"]),
        purpose: "a test".to_owned(),
        shape,
        repeatable: true,
        carries: vec![Carried {
            what: Held::Sealed("access-token".to_owned()),
            place: Place::Bearer,
        }],
        seals: Vec::new(),
        costs: Vec::new(),
        cookie_jar: None,
    };
    let subject = || {
        Some(Subject {
            named_in: Naming::Segment,
            fields: texts(&["id"]),
            learns: Vec::new(),
        })
    };
    let sign_in = Call {
        carries: vec![
            Carried {
                what: Held::Secret("client_secret".to_owned()),
                place: Place::FormField("client_secret".to_owned()),
            },
            Carried {
                what: Held::Assertion,
                place: Place::FormField("client_assertion".to_owned()),
            },
        ],
        seals: vec![Sealed {
            name: "access-token".to_owned(),
            found_in: FindingPlace::JsonMember("access_token".to_owned()),
        }],
        ..call(
            "sign-in",
            "POST",
            "{login}/{field:tenant_id}/oauth2/v2.0/token",
            Shape::Single {
                effect: Effect::SignsIn,
                subject: None,
            },
        )
    };
    let look_up = Call {
        query: texts(&["$select"]),
        ..call(
            "look-up",
            "GET",
            "{graph}/v1.0/users/*",
            Shape::Single {
                effect: Effect::Reads,
                subject: subject(),
            },
        )
    };
    let revoke = Call {
        costs: vec![Cost {
            lane: "writes".to_owned(),
            units: 1,
        }],
        ..call(
            "revoke",
            "POST",
            "{graph}/v1.0/users/*/revokeSignInSessions",
            Shape::Single {
                effect: Effect::Changes,
                subject: subject(),
            },
        )
    };
    let batch = call(
        "batch",
        "POST",
        "{graph}/v1.0/$batch",
        Shape::ODataJsonBatch {
            base: "{graph}/v1.0".to_owned(),
            max_parts: 20,
            calls: texts(&["look-up", "revoke"]),
        },
    );
    let page = Call {
        carries: Vec::new(),
        cookie_jar: Some("pages".to_owned()),
        ..call(
            "page",
            "GET",
            "{login}/*/authorize",
            Shape::Single {
                effect: Effect::SignsIn,
                subject: None,
            },
        )
    };
    let endpoint = |name: &str| Endpoint {
        name: name.to_owned(),
        addresses: Vec::new(),
    };
    Declaration {
        endpoints: vec![endpoint("login"), endpoint("graph")],
        calls: vec![sign_in, look_up, revoke, batch, page],
        lanes: vec![Lane {
            id: "writes".to_owned(),
            units: 3000,
            window: Duration::from_secs(150),
            used_header: Some("x-ms-throttle-limit-percentage".to_owned()),
        }],
    }
}

/// A session and what it was made of.
pub struct Run {
    pub session: Arc<Session>,
    pub desk: Arc<Desk>,
    pub roster: Arc<Roster>,
    pub client: Arc<Client>,
    pub login: String,
    pub base: String,
}

impl Run {
    pub fn new(service: &Service) -> Self {
        Self::with(
            service,
            service.options(),
            Desk::default(),
            Mode::Enforce,
            Limits::default(),
        )
    }

    pub fn with(
        service: &Service,
        options: ClientOptions,
        desk: Desk,
        mode: Mode,
        limits: Limits,
    ) -> Self {
        Self::of([service, service], options, desk, mode, limits)
    }

    /// Signs in at one service and works at another.
    pub fn between(login: &Service, graph: &Service, options: ClientOptions) -> Self {
        Self::of(
            [login, graph],
            options,
            Desk::default(),
            Mode::Enforce,
            Limits::default(),
        )
    }

    fn of(
        [login, graph]: [&Service; 2],
        options: ClientOptions,
        desk: Desk,
        mode: Mode,
        limits: Limits,
    ) -> Self {
        let origins = [
            ("login".to_owned(), login.origin()),
            ("graph".to_owned(), graph.origin()),
        ];
        let addresses = Addresses {
            origins: BTreeMap::from(origins),
            fields: BTreeMap::from([("tenant_id".to_owned(), "contoso".to_owned())]),
        };
        let grant = Arc::new(Grant::new(&declaration(), &addresses).unwrap());
        let roster = Arc::new(Roster::new());
        roster.hand_over(Owner(1), [("id", ADA)]);
        let (desk, client) = (Arc::new(desk), Arc::new(Client::new(options).unwrap()));
        let session = Session::new(SessionParts {
            mode,
            roster: Arc::clone(&roster),
            client: Arc::clone(&client),
            lanes: Lanes::new().open(
                "app@tenant",
                grant.lanes(),
                &LaneLimits::Published,
                Urgency::Ordinary,
            ),
            grant,
            secrets: Arc::clone(&desk) as Arc<dyn Secrets>,
            witness: Arc::clone(&desk) as Arc<dyn Witness>,
            limits,
        });
        Self {
            session: Arc::new(session),
            desk,
            roster,
            client,
            login: login.origin().to_string(),
            base: graph.origin().to_string(),
        }
    }

    pub async fn sign_in(&self) -> String {
        let body = format!(
            "client_id=x&client_secret={}",
            self.session.stand_in("client_secret").unwrap()
        );
        let request = Request::post(format!("{}/contoso/oauth2/v2.0/token", self.login))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        let answer = self.session.send(request).await.unwrap();
        let read: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        read["access_token"].as_str().unwrap().to_owned()
    }

    pub fn revoke(&self) -> Request<Bytes> {
        Request::post(format!(
            "{}/v1.0/users/{ADA}/revokeSignInSessions",
            self.base
        ))
        .body(Bytes::new())
        .unwrap()
    }

    pub fn look_up(&self) -> Request<Bytes> {
        Request::get(format!("{}/v1.0/users/{ADA}?$select=id", self.base))
            .body(Bytes::new())
            .unwrap()
    }

    pub fn last_record(&self) -> CallRecord {
        self.desk.records.lock().unwrap().last().unwrap().clone()
    }
}
