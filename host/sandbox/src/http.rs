//! The one way from a guest to the network: every request of wasi:http goes to the egress session of its run.
//!
//! Nothing is judged here; a request and its body are gathered, handed on, and the answer or the reason is brought back.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tipstaff_egress::{Phase, SendError, Session};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::store::{Activity, Behind};

/// The most that a guest may send in one request.
const LARGEST_REQUEST: usize = 4 << 20;

/// Hands requests to the session of the run, or refuses them all where there is none.
pub(crate) struct Hooks {
    session: Option<Arc<Session>>,
    activity: Arc<Activity>,
}

impl Hooks {
    pub(crate) fn new(behind: &Behind) -> Self {
        Self {
            session: behind.session(),
            activity: Arc::clone(&behind.activity),
        }
    }
}

type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    /// The host names the host, from the address that it judged.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn is_supported_scheme(&mut self, scheme: &http::uri::Scheme) -> bool {
        *scheme == http::uri::Scheme::HTTPS
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Finished,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Finished), Error>> + Send> {
        let Some(session) = self.session.clone() else {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        let under_way = self.activity.request();
        Box::new(async move {
            let _under_way = under_way;
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, LARGEST_REQUEST)
                .collect()
                .await
                .map_err(|error| {
                    if error.is::<LengthLimitError>() {
                        Error::HttpRequestBodySize(None)
                    } else {
                        Error::HttpProtocolError
                    }
                })?;
            let request = http::Request::from_parts(parts, body.to_bytes());
            let answer = session.send(request).await.map_err(|error| told(&error))?;
            let answer = answer.map(|body: Bytes| {
                Full::new(body)
                    .map_err(|never| match never {})
                    .boxed_unsync()
            });
            Ok((answer, Box::new(async { Ok(()) }) as Finished))
        })
    }
}

/// What the guest is told: enough to decide whether to try again, and nothing of the operator's network.
fn told(error: &SendError) -> Error {
    match error {
        SendError::Refused(_) | SendError::Secret(_) | SendError::Closed { .. } => {
            Error::HttpRequestDenied
        }
        SendError::DnsFailed { .. } => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        SendError::AddressRefused { .. } => Error::DestinationIpProhibited,
        SendError::ConnectFailed { .. } | SendError::Proxy { .. } => Error::ConnectionRefused,
        SendError::Tls { .. } => Error::TlsCertificateError,
        SendError::TimedOut {
            phase: Phase::Connect | Phase::Tls,
            ..
        } => Error::ConnectionTimeout,
        SendError::TimedOut { .. } => Error::HttpResponseTimeout,
        SendError::AnswerTooLarge { .. } => Error::HttpResponseBodySize(None),
        SendError::AnswerWithheld { .. } => Error::HttpProtocolError,
        SendError::Broken {
            may_have_left: false,
            ..
        } => Error::ConnectionRefused,
        // What is new to this crate is taken for the worst: the request may have arrived.
        _ => Error::ConnectionTerminated,
    }
}
