//! An HTTP proxy on loopback that digs tunnels (RFC 9110 section 9.3.6) to one address, whatever name was asked for.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(unreachable_pub, reason = "a part of the tests beside it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

pub struct Tunnels {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnels {
    /// A proxy before `service` that lets pass who shows `authorization`, or everybody.
    pub async fn before(service: SocketAddr, authorization: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                let serve = service_fn(move |request: Request<Incoming>| {
                    seen.lock()
                        .unwrap()
                        .push(format!("{} {}", request.method(), request.uri()));
                    answer(request, service, authorization)
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
                tokio::spawn(connection.with_upgrades());
            }
        });
        Self { address, asked }
    }

    /// What it was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    service: SocketAddr,
    authorization: Option<&str>,
) -> Result<Response<Empty<Bytes>>, hyper::Error> {
    let shown = request.headers().get(PROXY_AUTHORIZATION);
    let mut response = Response::new(Empty::new());
    if authorization.is_some_and(|wanted| shown.is_none_or(|shown| shown != wanted)) {
        *response.status_mut() = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    } else if request.method() != Method::CONNECT {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    } else {
        tokio::spawn(async move {
            let mut client = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
            let mut server = TcpStream::connect(service).await.unwrap();
            // Either side may hang up at any time.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
    Ok(response)
}
