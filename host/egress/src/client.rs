//! The connections to a connection's services: kept, shared by HTTP/2 streams, and given up when in doubt.
//!
//! It sends what it is given and judges nothing. One client belongs to one stored connection, so that what is trusted
//! and allowed for one is never used for another. No redirect is followed, and nothing is sent twice, but for a request
//! that a closed connection gave back unsent.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::addresses::Origin;
use crate::connect::{Connected, Connector, Resolve, SystemResolver, timed_out};
use crate::error::{Phase, SendError};
use crate::network::NetworkPolicy;
use crate::proxy::Proxy;
use crate::swap::{Outgoing, Sealed};
use crate::tls::{Tls, TlsError};

/// How a connection reaches its services.
pub struct ClientOptions {
    /// Which addresses may be connected to.
    pub network: NetworkPolicy,
    /// The proxy to go through, if there is one.
    pub proxy: Option<Proxy>,
    /// Whom to trust.
    pub tls: Tls,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// The most sockets at once; HTTP/2 shares one among many requests.
    pub sockets: usize,
    /// Who turns names into addresses.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            network: NetworkPolicy::public(),
            proxy: None,
            tls: Tls::public(),
            timeouts: Timeouts::default(),
            sockets: 32,
            resolver: Arc::new(SystemResolver),
        }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving the name and connecting.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From sending to the first byte of the answer.
    pub first_byte: Duration,
    /// The body, from the first byte to the last.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            first_byte: Duration::from_secs(100),
            body: Duration::from_secs(100),
        }
    }
}

/// An idle connection that is older is not used again: many services close theirs after a minute or two, and a request
/// that meets the closing may or may not have been received.
const IDLE: Duration = Duration::from_secs(45);
/// Times that a request is put on another connection because one gave it back unsent.
const MOST_TRIES: usize = 4;
/// Bytes of an answer's headers.
const MOST_HEADERS: u32 = 64 << 10;

/// The connections of one stored connection.
pub struct Client {
    connector: Connector,
    pools: Mutex<HashMap<Origin, Arc<Pool>>>,
    sockets: Arc<Semaphore>,
    most_sockets: usize,
    /// A connection became idle.
    freed: Notify,
}

/// What is open to one origin.
#[derive(Default)]
struct Pool {
    state: Mutex<PoolState>,
    /// Held while the first connection is made, so that nobody opens more before it is known whether they are needed.
    first: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct PoolState {
    http2: Option<Shared>,
    idle: Vec<Idle>,
    /// Connections are made side by side: the service speaks HTTP/1.1, or the last try failed.
    side_by_side: bool,
    made: u64,
}

#[derive(Clone)]
struct Shared {
    sender: http2::SendRequest<Full<Bytes>>,
    remote: SocketAddr,
    number: u64,
    _socket: Arc<OwnedSemaphorePermit>,
}

struct Idle {
    exclusive: Exclusive,
    since: Instant,
}

struct Exclusive {
    sender: http1::SendRequest<Full<Bytes>>,
    remote: SocketAddr,
    _socket: OwnedSemaphorePermit,
}

enum Lease {
    Shared(Shared),
    Exclusive(Exclusive),
}

/// What came back.
pub(crate) struct Exchange {
    pub(crate) head: response::Parts,
    /// Zeroed when dropped: it may hold a token.
    pub(crate) body: Zeroizing<Vec<u8>>,
    pub(crate) remote: SocketAddr,
}

impl Client {
    /// A client without open connections.
    ///
    /// # Errors
    ///
    /// The certificates cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self, TlsError> {
        let ClientOptions {
            network,
            proxy,
            tls,
            timeouts,
            sockets,
            resolver,
        } = options;
        let most_sockets = sockets.clamp(1, 1024);
        Ok(Self {
            connector: Connector {
                resolver,
                network,
                proxy,
                tls: Arc::new(tls.config()?),
                timeouts,
            },
            pools: Mutex::new(HashMap::new()),
            sockets: Arc::new(Semaphore::new(most_sockets)),
            most_sockets,
            freed: Notify::new(),
        })
    }

    /// How many sockets are open, idle ones included.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.most_sockets
            .saturating_sub(self.sockets.available_permits())
    }

    /// Sends a request and receives the whole answer. `left` is set before the first byte can leave.
    pub(crate) async fn send(
        &self,
        origin: &Origin,
        sealed: &Sealed,
        most: usize,
        left: &AtomicBool,
    ) -> Result<Exchange, SendError> {
        let pool = Arc::clone(lock(&self.pools).entry(origin.clone()).or_default());
        let mut last = None;
        for attempt in 0..MOST_TRIES {
            let mut lease = self.lease(origin, &pool, attempt > 0).await?;
            let sent = timeout(
                self.connector.timeouts.first_byte,
                lease.send(sealed.outgoing(), origin, left),
            )
            .await;
            let sent = sent.map_err(|_| {
                timed_out(
                    origin.name(),
                    Phase::FirstByte,
                    self.connector.timeouts.first_byte,
                )
            });
            if sent.is_err() {
                pool.give_up(&lease);
            }
            match sent? {
                Ok(response) => return self.receive(origin, &pool, lease, response, most).await,
                Err(failure) => {
                    pool.give_up(&lease);
                    if !failure.unsent {
                        return Err(broken(origin, &failure.error, true));
                    }
                    left.store(false, Ordering::Release);
                    last = Some(broken(origin, &failure.error, false));
                }
            }
        }
        Err(last.unwrap_or_else(|| {
            timed_out(
                origin.name(),
                Phase::Connect,
                self.connector.timeouts.connect,
            )
        }))
    }

    async fn receive(
        &self,
        origin: &Origin,
        pool: &Pool,
        lease: Lease,
        response: Response<Incoming>,
        most: usize,
    ) -> Result<Exchange, SendError> {
        let remote = lease.remote();
        let (head, body) = response.into_parts();
        let read = timeout(self.connector.timeouts.body, read_body(origin, body, most)).await;
        let read = read.unwrap_or_else(|_| {
            Err(timed_out(
                origin.name(),
                Phase::Body,
                self.connector.timeouts.body,
            ))
        });
        // "Microsoft Graph throttling guidance" and the SDKs: a 503 may come from one bad node behind a balancer, and
        // the same connection would lead there again.
        if read.is_err() || head.status == StatusCode::SERVICE_UNAVAILABLE {
            pool.give_up(&lease);
        } else if let Lease::Exclusive(exclusive) = lease {
            pool.put_back(exclusive);
            self.freed.notify_waiters();
        }
        Ok(Exchange {
            head,
            body: read?,
            remote,
        })
    }

    /// A connection that can take a request now.
    async fn lease(&self, origin: &Origin, pool: &Pool, fresh: bool) -> Result<Lease, SendError> {
        if let Some(lease) = pool.ready(fresh).await {
            return Ok(lease);
        }
        let _alone = if lock(&pool.state).side_by_side {
            None
        } else {
            Some(pool.first.lock().await)
        };
        // Somebody may have connected while this one waited.
        if let Some(lease) = pool.ready(fresh).await {
            return Ok(lease);
        }
        let socket = self.socket(pool).await?;
        let socket = match socket {
            Free::Socket(socket) => socket,
            Free::Lease(lease) => return Ok(lease),
        };
        match self.connector.connect(origin).await {
            Ok(connected) => pool.opened(origin, connected, socket).await,
            Err(error) => {
                lock(&pool.state).side_by_side = true;
                Err(error)
            }
        }
    }

    /// Leave to open a socket, or a connection that became free while waiting for it.
    async fn socket(&self, pool: &Pool) -> Result<Free, SendError> {
        loop {
            // Before the look, so that what is freed between the look and the wait is not missed.
            let freed = self.freed.notified();
            if let Ok(socket) = Arc::clone(&self.sockets).try_acquire_owned() {
                return Ok(Free::Socket(socket));
            }
            // All are taken: an idle one, to whichever origin, makes room.
            if let Some(lease) = pool.ready(false).await {
                return Ok(Free::Lease(lease));
            }
            if self.close_idle() {
                // The permit comes back when the connection is dropped, which has happened.
                continue;
            }
            tokio::select! {
                socket = Arc::clone(&self.sockets).acquire_owned() => {
                    return socket.map(Free::Socket).map_err(|_| SendError::Closed { may_have_left: false });
                }
                () = freed => {}
            }
        }
    }

    /// Closes the connection that has been idle longest. False if none is idle.
    fn close_idle(&self) -> bool {
        let pools: Vec<Arc<Pool>> = lock(&self.pools).values().cloned().collect();
        let oldest = pools
            .iter()
            .filter_map(|pool| Some((lock(&pool.state).idle.first()?.since, pool)))
            .min_by_key(|(since, _)| *since);
        let Some((_, pool)) = oldest else {
            return false;
        };
        let mut state = lock(&pool.state);
        let found = !state.idle.is_empty();
        if found {
            drop(state.idle.remove(0));
        }
        found
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("sockets", &self.open_sockets())
            .finish_non_exhaustive()
    }
}

enum Free {
    Socket(OwnedSemaphorePermit),
    Lease(Lease),
}

impl Pool {
    /// A connection that is open already. `fresh`: not an idle one, because another just turned out to be closed.
    async fn ready(&self, fresh: bool) -> Option<Lease> {
        let shared = lock(&self.state).http2.clone();
        if let Some(mut shared) = shared {
            if shared.sender.ready().await.is_ok() {
                return Some(Lease::Shared(shared));
            }
            self.give_up(&Lease::Shared(shared));
        }
        loop {
            let Idle {
                mut exclusive,
                since,
            } = lock(&self.state).idle.pop()?;
            // It was put back when its last answer had been read, so it is ready or broken.
            if !fresh && since.elapsed() < IDLE && exclusive.sender.ready().await.is_ok() {
                return Some(Lease::Exclusive(exclusive));
            }
        }
    }

    async fn opened(
        &self,
        origin: &Origin,
        connected: Connected,
        socket: OwnedSemaphorePermit,
    ) -> Result<Lease, SendError> {
        let Connected {
            stream,
            remote,
            http2,
        } = connected;
        let io = TokioIo::new(stream);
        let failed = |error: hyper::Error| broken(origin, &error, false);
        if http2 {
            let handshake = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(Duration::from_secs(20))
                .keep_alive_timeout(Duration::from_secs(10))
                .max_header_list_size(MOST_HEADERS)
                .handshake(io);
            let (sender, connection) = handshake.await.map_err(failed)?;
            // The task ends when the connection does, which is when all senders are gone or the peer closes it; what it
            // ends with was told to every request on it.
            tokio::spawn(async move { drop(connection.await) });
            let mut state = lock(&self.state);
            state.made += 1;
            let shared = Shared {
                sender,
                remote,
                number: state.made,
                _socket: Arc::new(socket),
            };
            state.http2 = Some(shared.clone());
            state.side_by_side = false;
            return Ok(Lease::Shared(shared));
        }
        let handshake = http1::Builder::new()
            .max_buf_size(MOST_HEADERS as usize)
            .handshake(io);
        let (sender, connection) = handshake.await.map_err(failed)?;
        tokio::spawn(async move { drop(connection.await) });
        lock(&self.state).side_by_side = true;
        Ok(Lease::Exclusive(Exclusive {
            sender,
            remote,
            _socket: socket,
        }))
    }

    fn put_back(&self, exclusive: Exclusive) {
        if !exclusive.sender.is_closed() {
            lock(&self.state).idle.push(Idle {
                exclusive,
                since: Instant::now(),
            });
        }
    }

    /// Sees to it that a connection is not used again. One that is exclusive is closed when its lease is dropped.
    fn give_up(&self, lease: &Lease) {
        if let Lease::Shared(given) = lease {
            let mut state = lock(&self.state);
            if state
                .http2
                .as_ref()
                .is_some_and(|shared| shared.number == given.number)
            {
                state.http2 = None;
            }
        }
    }
}

struct Failure {
    error: hyper::Error,
    /// The request was given back, and no byte of it left.
    unsent: bool,
}

impl Lease {
    async fn send(
        &mut self,
        outgoing: &Outgoing,
        origin: &Origin,
        left: &AtomicBool,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.headers_mut() = outgoing.headers.clone();
        // RFC 9110 section 8.6: also when there is no body, where the method is one that usually has one.
        if !outgoing.body.is_empty()
            || matches!(outgoing.method, Method::POST | Method::PUT | Method::PATCH)
        {
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(outgoing.body.len()));
        }
        left.store(true, Ordering::Release);
        let failure = |error: TrySendError<Request<Full<Bytes>>>| {
            let mut error = error;
            let unsent = error.take_message().is_some();
            Failure {
                error: error.into_error(),
                unsent,
            }
        };
        match self {
            Self::Shared(shared) => {
                *request.uri_mut() = outgoing.uri.clone();
                shared
                    .sender
                    .try_send_request(request)
                    .await
                    .map_err(failure)
            }
            Self::Exclusive(exclusive) => {
                // RFC 9112 section 3.2.1: the path and query alone, and the host as a header.
                if let Some(target) = outgoing.uri.path_and_query() {
                    *request.uri_mut() = Uri::from(target.clone());
                }
                if let Ok(host) = HeaderValue::from_str(origin.authority()) {
                    request.headers_mut().insert(HOST, host);
                }
                exclusive
                    .sender
                    .try_send_request(request)
                    .await
                    .map_err(failure)
            }
        }
    }

    fn remote(&self) -> SocketAddr {
        match self {
            Self::Shared(shared) => shared.remote,
            Self::Exclusive(exclusive) => exclusive.remote,
        }
    }
}

async fn read_body(
    origin: &Origin,
    mut body: Incoming,
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, SendError> {
    let too_large = || SendError::AnswerTooLarge {
        host: origin.name().to_owned(),
        limit: most as u64,
    };
    let announced = hyper::body::Body::size_hint(&body).lower();
    if announced > most as u64 {
        return Err(too_large());
    }
    // Made once in the announced size, because a copy that growing leaves behind would not be zeroed. Where nothing was
    // announced, the copies are zeroed by hand.
    let mut whole = Zeroizing::new(Vec::with_capacity(usize::try_from(announced).unwrap_or(0)));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(origin, &error, true))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > most - whole.len() {
            return Err(too_large());
        }
        if whole.capacity() - whole.len() < data.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(
                (2 * whole.len()).max(whole.len() + data.len()),
            ));
            larger.extend_from_slice(&whole);
            whole = larger;
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

fn broken(origin: &Origin, error: &hyper::Error, may_have_left: bool) -> SendError {
    let reason = if error.is_incomplete_message() {
        "it was closed before the answer was complete".to_owned()
    } else if error.is_parse() || error.is_parse_too_large() {
        "the answer is no proper HTTP".to_owned()
    } else if error.is_canceled() || error.is_closed() {
        "it was closed".to_owned()
    } else {
        error.to_string()
    };
    SendError::Broken {
        host: origin.name().to_owned(),
        reason,
        may_have_left,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole after every statement, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
