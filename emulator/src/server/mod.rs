//! Listeners, TLS and HTTP: from a socket to [`Asked`], and from [`Reply`] back to it.
//!
//! Latency, broken connections and half answers are made here; what is answered is decided elsewhere.

mod body;
mod stream;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use self::body::AnswerBody;
use self::stream::Socket;
use crate::exchange::{Answer, Asked, Delivery, Reply, Surface};
use crate::graph::route::split_version;
use crate::journal::JournalEntry;
use crate::tenant::Cloud;
use crate::world::World;
use crate::{graph, login};

/// The largest request body; 4 MB is what is said of batches.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// Connections at once.
const MOST_CONNECTIONS: usize = 4096;
/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What every answer says, so that nobody takes it for the real service's.
pub(crate) const BANNER: &str = concat!("entra-emulator/", env!("CARGO_PKG_VERSION"));

/// A listening socket, and what is offered on it.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) surface: Surface,
    /// The cloud of clients that come by address instead of by one of Microsoft's names.
    pub(crate) cloud: Cloud,
}

/// What the requests of one connection can do to one another.
#[derive(Default)]
struct Ties {
    /// The connection is to be reset.
    reset: Notify,
    /// Everything on the connection is refused.
    overloaded: AtomicBool,
}

/// Serves until `stop` turns true. Connections end with it.
pub(crate) async fn run(
    world: Arc<World>,
    listener: Listener,
    tls: TlsAcceptor,
    mut stop: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let (surface, cloud) = (listener.surface, listener.cloud);
    loop {
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            // Too many open files: let some of them close.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            continue;
        };
        // Without it small answers wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let (world, tls) = (Arc::clone(&world), tls.clone());
        connections.spawn(async move {
            let ties = Arc::new(Ties::default());
            let (socket, resetter) = Socket::new(stream);
            let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(socket)).await else { return };
            let of_request = Arc::clone(&ties);
            let service = service_fn(move |request| {
                let (world, ties) = (Arc::clone(&world), Arc::clone(&of_request));
                async move { Ok::<_, Infallible>(serve(&world, request, surface, cloud, &ties).await) }
            });
            let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            builder.http2().max_concurrent_streams(1000).adaptive_window(true);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                // How a client ends its connection is its own affair.
                _ = connection => {}
                () = ties.reset.notified() => resetter.reset(),
            }
            drop(permit);
        });
    }
    connections.shutdown().await;
}

/// One request, from its head to its answer.
async fn serve(
    world: &World,
    request: Request<Incoming>,
    surface: Surface,
    cloud: Cloud,
    ties: &Ties,
) -> Response<AnswerBody> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            return respond(
                Answer::new(413).body("request body too large"),
                Delivery::Whole,
                world,
            );
        }
    };
    let asked = ask(world, head, body, surface, cloud);
    let mut reply = if ties.overloaded.load(Ordering::Acquire) {
        graph::overloaded_reply(&asked)
    } else {
        dispatch(world, &asked).await
    };
    let latency = Duration::from_millis(world.settings().latency_ms) + reply.extra_delay;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    note(world, &asked, &mut reply);
    if reply.delivery == Delivery::Reset {
        ties.reset.notify_one();
        // The connection's task sees the signal and drops this one with the connection.
        std::future::pending::<()>().await;
    }
    if reply.delivery == Delivery::Overload {
        ties.overloaded.store(true, Ordering::Release);
    }
    respond(reply.answer, reply.delivery, world)
}

fn ask(
    world: &World,
    head: http::request::Parts,
    body: Bytes,
    surface: Surface,
    cloud: Cloud,
) -> Asked {
    let authority = head
        .uri
        .authority()
        .map(ToString::to_string)
        .or_else(|| {
            head.headers
                .get("host")
                .and_then(|host| host.to_str().ok())
                .map(str::to_owned)
        })
        .unwrap_or_else(|| "localhost".to_owned());
    let host = authority
        .rsplit_once(':')
        .map_or(authority.as_str(), |(host, _)| host);
    let named = Cloud::of_host(host);
    // US government clouds share a login host; the tenant's own is meant where it is one of them.
    let cloud = match named {
        Some(named) if host.starts_with("login") && named.shares_login_with(world.tenant.cloud) => {
            world.tenant.cloud
        }
        Some(named) => named,
        None => cloud,
    };
    Asked {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or("").to_owned(),
        method: head.method,
        headers: head.headers,
        body,
        authority,
        surface,
        cloud,
        now: world.clock.now(),
        request_id: Uuid::new_v4(),
    }
}

async fn dispatch(world: &World, asked: &Asked) -> Reply {
    match split_version(&asked.path) {
        Some((version, rest)) if asked.surface != Surface::Login => {
            graph::answer(world, asked, version, rest).await
        }
        _ if asked.surface != Surface::Graph => login::answer(world, asked).await,
        _ => login::nothing_here(asked).into(),
    }
}

/// Writes the journal.
fn note(world: &World, asked: &Asked, reply: &mut Reply) {
    // The query of a sign-in page can hold what belongs to nobody else; Graph's is what one wants to see.
    let path = if asked.query.is_empty() || split_version(&asked.path).is_none() {
        asked.path.clone()
    } else {
        format!("{}?{}", asked.path, asked.query)
    };
    world.journal.add(JournalEntry {
        number: 0,
        time: asked.now.date_time_offset(),
        method: asked.method.to_string(),
        path,
        status: if reply.delivery == Delivery::Reset {
            0
        } else {
            reply.answer.status
        },
        parts: std::mem::take(&mut reply.parts),
        client_request_id: asked.header("client-request-id").map(str::to_owned),
        request_id: asked.request_id.to_string(),
        fault: reply.fault.map(str::to_owned),
    });
}

fn respond(answer: Answer, delivery: Delivery, world: &World) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::new(Bytes::from(answer.body), delivery));
    *response.status_mut() = http::StatusCode::from_u16(answer.status)
        .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        let pair = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        if let Some((name, value)) = pair {
            headers.append(name, value);
        }
    }
    headers.insert("x-emulator", HeaderValue::from_static(BANNER));
    if let Ok(date) = HeaderValue::from_str(&world.clock.now().http_date()) {
        headers.insert("date", date);
    }
    response
}
