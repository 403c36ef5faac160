//! Makes a connection: the name is resolved once, every address is judged, and what was judged is connected to.
//!
//! Nothing here knows requests. [`Connector::open`] is the only place that opens a socket, to the service or to the proxy
//! that leads there; the name that is asked for and the name in the certificate are the service's either way.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use crate::addresses::Origin;
use crate::client::Timeouts;
use crate::error::{Phase, SendError, TlsFailure};
use crate::network::NetworkPolicy;
use crate::proxy::Proxy;

/// Turns names into addresses.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, in the order in which they are to be tried.
    ///
    /// # Errors
    ///
    /// The name has none, or cannot be resolved.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// Resolves as the operating system does.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Addresses of one name that are looked at.
const MOST_ADDRESSES: usize = 16;
/// The least that one address gets while others wait.
const LEAST_TRY: Duration = Duration::from_secs(1);

pub(crate) struct Connector {
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) network: NetworkPolicy,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) timeouts: Timeouts,
}

/// A connection with its handshake done.
pub(crate) struct Connected {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) remote: SocketAddr,
    /// The service chose HTTP/2 (RFC 7301 and RFC 9113 section 3.2).
    pub(crate) http2: bool,
}

/// Addresses that a [`NetworkPolicy`] let pass, and no others. Only [`Connector::judge`] makes one.
struct Judged(Vec<SocketAddr>);

impl Connector {
    pub(crate) async fn connect(&self, origin: &Origin) -> Result<Connected, SendError> {
        let host = origin.name();
        let (stream, remote) = self
            .within(
                origin,
                Phase::Connect,
                self.timeouts.connect,
                self.open(origin),
            )
            .await?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            tls_failed(
                origin,
                TlsFailure::Handshake("the host has no name for TLS".to_owned()),
            )
        })?;
        let handshake = async {
            TlsConnector::from(Arc::clone(&self.tls))
                .connect(name, stream)
                .await
                .map_err(|error| {
                    let inner = error
                        .get_ref()
                        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
                    tls_failed(
                        origin,
                        inner.map_or_else(
                            || TlsFailure::Handshake(error.kind().to_string()),
                            Into::into,
                        ),
                    )
                })
        };
        let stream = self
            .within(origin, Phase::Tls, self.timeouts.tls, handshake)
            .await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Connected {
            stream,
            remote,
            http2,
        })
    }

    async fn open(&self, origin: &Origin) -> Result<(TcpStream, SocketAddr), SendError> {
        match &self.proxy {
            Some(proxy) => self.tunnel(proxy, origin).await,
            None => self.reach(origin.name(), origin.port()).await,
        }
    }

    /// Opens a tunnel to the service. Where it leads, the proxy decides; an address that stands for itself is judged
    /// here as it would be without one.
    async fn tunnel(
        &self,
        proxy: &Proxy,
        origin: &Origin,
    ) -> Result<(TcpStream, SocketAddr), SendError> {
        let address = proxy.address();
        let failed = |reason: String| SendError::Proxy {
            proxy: address.to_string(),
            reason,
        };
        if let Ok(literal) = origin.name().parse::<IpAddr>() {
            self.judge_address(origin.name(), literal)?;
        }
        let way: Uri = proxy
            .uri()
            .ok_or_else(|| failed("its address cannot be used".to_owned()))?;
        let service: Uri = format!("https://{}:{}", origin.host(), origin.port())
            .parse()
            .map_err(|_| failed("the service's name cannot be sent to it".to_owned()))?;
        let authorization = proxy.authorization().await?;
        let (stream, remote) = self.reach(address.host(), address.port()).await?;
        let mut tunnel = Tunnel::new(way, Opened(Some(TokioIo::new(stream))));
        if let Some(value) = authorization {
            tunnel = tunnel.with_auth(value);
        }
        let stream = tunnel.call(service).await.map_err(|error| {
            let text = error.to_string();
            failed(text.trim_start_matches("tunnel error: ").to_owned())
        })?;
        Ok((stream.into_inner(), remote))
    }

    async fn reach(&self, host: &str, port: u16) -> Result<(TcpStream, SocketAddr), SendError> {
        let judged = self.judge(host, port).await?;
        let deadline = Instant::now() + self.timeouts.connect;
        let mut last = None;
        let count = judged.0.len();
        for (at, address) in judged.0.into_iter().enumerate() {
            // What is left is shared among those that are left, so that one that is silent does not use it all up.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = (left / u32::try_from(count - at).unwrap_or(1)).max(LEAST_TRY);
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // A request is written whole; waiting for more to send only costs time.
                    stream
                        .set_nodelay(true)
                        .map_err(|error| connect_failed(host, &error))?;
                    return Ok((stream, address));
                }
                Ok(Err(error)) => last = Some(connect_failed(host, &error)),
                Err(_) => {
                    last = last
                        .or_else(|| Some(timed_out(host, Phase::Connect, self.timeouts.connect)))
                }
            }
        }
        Err(last.unwrap_or_else(|| no_address(host)))
    }

    async fn judge(&self, host: &str, port: u16) -> Result<Judged, SendError> {
        let found =
            match host.parse::<IpAddr>() {
                Ok(address) => vec![SocketAddr::new(address, port)],
                Err(_) => self.resolver.resolve(host, port).await.map_err(|error| {
                    SendError::DnsFailed {
                        host: host.to_owned(),
                        reason: error.to_string(),
                    }
                })?,
            };
        let mut judged = Vec::new();
        let mut refused = None;
        for address in found.into_iter().take(MOST_ADDRESSES) {
            match self.judge_address(host, address.ip()) {
                // The port is the origin's, whatever a resolver says.
                Ok(()) => judged.push(SocketAddr::new(address.ip(), port)),
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        match (judged.is_empty(), refused) {
            (false, _) => Ok(Judged(judged)),
            (true, Some(refused)) => Err(refused),
            (true, None) => Err(no_address(host)),
        }
    }

    fn judge_address(&self, host: &str, address: IpAddr) -> Result<(), SendError> {
        let judged = self.network.judge(host, address);
        judged.map_err(|kind| SendError::AddressRefused {
            host: host.to_owned(),
            address,
            kind,
        })
    }

    async fn within<T>(
        &self,
        origin: &Origin,
        phase: Phase,
        limit: Duration,
        work: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(timed_out(origin.name(), phase, limit)))
    }
}

/// A connection that is there already, for the tunnel that is dug through it.
struct Opened(Option<TokioIo<TcpStream>>);

impl Service<Uri> for Opened {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let taken = self.0.take();
        std::future::ready(taken.ok_or_else(|| io::Error::other("the connection is in use")))
    }
}

pub(crate) fn timed_out(host: &str, phase: Phase, limit: Duration) -> SendError {
    SendError::TimedOut {
        host: host.to_owned(),
        phase,
        seconds: limit.as_secs(),
    }
}

fn connect_failed(host: &str, error: &io::Error) -> SendError {
    SendError::ConnectFailed {
        host: host.to_owned(),
        reason: error.to_string(),
    }
}

fn no_address(host: &str) -> SendError {
    SendError::DnsFailed {
        host: host.to_owned(),
        reason: "it has no address".to_owned(),
    }
}

fn tls_failed(origin: &Origin, reason: TlsFailure) -> SendError {
    SendError::Tls {
        host: origin.name().to_owned(),
        reason,
    }
}
