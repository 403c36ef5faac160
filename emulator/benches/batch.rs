//! How many parts of batches the emulator answers in a second, over real TLS and HTTP/2, with a client in the same process.
//!
//! `cargo bench -p entra-emulator`. Without `--bench` (as under `cargo test --benches`) it is only shown to work.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot go on has nothing to say"
)]

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use entra_emulator::{Emulator, Options, Tenant};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

const USERS: usize = 20_000;
const CONNECTIONS: usize = 2;
const IN_FLIGHT: usize = 16;

fn main() {
    let in_earnest = std::env::args().any(|arg| arg == "--bench");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(if in_earnest { 5_000 } else { 20 }));
}

async fn run(batches: usize) {
    let began = Instant::now();
    let emulator = Emulator::start(
        Tenant::builder().seed_users(USERS).build(),
        Options::default(),
    )
    .await
    .unwrap();
    let started = began.elapsed();
    let mut senders = Vec::new();
    for _ in 0..CONNECTIONS {
        senders.push(connect(&emulator).await);
    }
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", emulator.client_id().as_str()),
            ("client_secret", &emulator.client_secret()),
            ("scope", "https://graph.microsoft.com/.default"),
            ("grant_type", "client_credentials"),
        ])
        .finish();
    let url = format!(
        "{}/{}/oauth2/v2.0/token",
        emulator.login_url(),
        emulator.tenant_id()
    );
    let answer = send(&mut senders[0], &url, "", form).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let token = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let first_token = began.elapsed();

    let url = Arc::new(format!("{}/v1.0/$batch", emulator.graph_url()));
    let token = Arc::new(token);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    let workers = CONNECTIONS * IN_FLIGHT;
    for worker in 0..workers {
        let (mut sender, url, token) = (
            senders[worker % CONNECTIONS].clone(),
            Arc::clone(&url),
            Arc::clone(&token),
        );
        tasks.spawn(async move {
            for number in (worker..batches).step_by(workers) {
                let answer = send(&mut sender, &url, &token, batch(number)).await;
                assert!(answer.len() > 20 * 200, "short answer");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    let revocations = emulator.state().revocations;
    assert_eq!(revocations, (batches * 20) as u64);
    println!("start {started:?}, first token after {first_token:?}");
    println!(
        "{batches} batches, {revocations} parts in {seconds:.2} s: {:.0} parts/s",
        revocations as f64 / seconds
    );
    emulator.shutdown().await;
}

/// Twenty revokes.
fn batch(number: usize) -> String {
    let parts: Vec<String> = (0..20)
        .map(|part| {
            let user = (number * 20 + part) % USERS + 1;
            format!(
                r#"{{"id":"{part}","method":"POST","url":"/users/00000000-0000-4000-8000-{user:012x}/revokeSignInSessions","headers":{{"Content-Type":"application/json"}},"body":{{}}}}"#
            )
        })
        .collect();
    format!(r#"{{"requests":[{}]}}"#, parts.join(","))
}

async fn connect(emulator: &Emulator) -> SendRequest<Full<Bytes>> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(emulator.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let port = emulator
        .graph_url()
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    url: &str,
    token: &str,
    body: String,
) -> Bytes {
    let kind = if token.is_empty() {
        "application/x-www-form-urlencoded"
    } else {
        "application/json"
    };
    let request = Request::post(url)
        .header("content-type", kind)
        .header("authorization", token)
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    sender
        .send_request(request)
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
}
