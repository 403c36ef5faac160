//! One request through `wasi:http`, its answer read whole.
//!
//! Bounded in size here, in time by the host.

use super::bindings::wasi::http::client;
use super::bindings::wasi::http::types::{ErrorCode, Headers, Method, Request, Response, Scheme};
use super::bindings::{wit_future, wit_stream};
use crate::service::{self, Answer, SendFailure};
use futures::future::{Either, select};
use std::pin::pin;
use wit_bindgen::StreamResult;

/// The largest answer that is read. One of 20 users is some 20 kB.
const LARGEST: usize = 4 << 20;
/// The most of a host's own words that goes into a message.
const DETAIL_CHARS: usize = 200;

/// Sends `request`.
pub(super) async fn send(request: service::Request) -> Result<Answer, SendFailure> {
    let service::Request {
        method,
        origin,
        path,
        headers,
        body,
    } = request;
    let mut entries: Vec<(String, Vec<u8>)> = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    if !body.is_empty() {
        entries.push((
            "content-length".to_owned(),
            body.len().to_string().into_bytes(),
        ));
    }
    let headers = Headers::from_list(&entries).map_err(|_| malformed())?;
    let (mut writer, reader) = wit_stream::new();
    let contents = (!body.is_empty()).then_some(reader);
    let (no_trailers, trailers) = wit_future::new(|| Ok(None));
    drop(no_trailers);
    let (request, _transmitted) = Request::new(headers, contents, trailers, None);
    let (scheme, authority) = match origin.split_once("://") {
        Some(("https", authority)) => (Scheme::Https, authority),
        Some((other, authority)) => (Scheme::Other(other.to_owned()), authority),
        None => return Err(malformed()),
    };
    let method = match method {
        service::Method::Get => Method::Get,
        service::Method::Post => Method::Post,
    };
    let made = request.set_method(&method).is_ok()
        && request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(Some(authority)).is_ok()
        && request.set_path_with_query(Some(&path)).is_ok();
    if !made {
        return Err(malformed());
    }
    let write = pin!(async move {
        // What is not taken is not wanted: the answer says why.
        drop(writer.write_all(body).await);
    });
    let sent = pin!(client::send(request));
    // An answer may come before the body was taken; then the rest of the body has no reader to wait for.
    let result = match select(sent, write).await {
        Either::Left((result, _)) => result,
        Either::Right(((), sent)) => sent.await,
    };
    read(result.map_err(failure)?).await
}

async fn read(response: Response) -> Result<Answer, SendFailure> {
    let status = response.get_status_code();
    let headers: Vec<(String, String)> = response
        .get_headers()
        .copy_all()
        .into_iter()
        .filter_map(|(name, value)| Some((name, String::from_utf8(value).ok()?)))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .unwrap_or(16 << 10);
    let (done, wanted) = wit_future::new(|| Ok(()));
    drop(done);
    let (mut contents, trailers) = Response::consume_body(response, wanted);
    // One more than announced, so that the end is seen without growing.
    let mut body: Vec<u8> = Vec::with_capacity(length.min(LARGEST) + 1);
    loop {
        if body.len() == body.capacity() {
            body.reserve(body.len());
        }
        let (status, read) = contents.read(body).await;
        body = read;
        if body.len() > LARGEST {
            return Err(lost("the answer is too large"));
        }
        match status {
            StreamResult::Complete(_) => {}
            StreamResult::Dropped | StreamResult::Cancelled => break,
        }
    }
    drop(contents);
    // The stream ends in the same way after a whole body and after half of one; this tells which it was.
    match trailers.await {
        Ok(_) => Ok(Answer {
            status,
            headers,
            body,
        }),
        Err(code) => Err(match failure(code) {
            SendFailure::Refused => SendFailure::Refused,
            SendFailure::Unreachable { why, .. } | SendFailure::Lost { why } => {
                SendFailure::Lost { why }
            }
        }),
    }
}

fn malformed() -> SendFailure {
    SendFailure::Unreachable {
        why: "the request could not be made of the connection's address".into(),
        lasting: true,
    }
}

fn lost(why: &str) -> SendFailure {
    SendFailure::Lost { why: why.into() }
}

/// What became of a request, by the code of its failure. A code that may come after the request was received counts
/// as lost.
fn failure(code: ErrorCode) -> SendFailure {
    let not_sent = |why: &str, lasting| SendFailure::Unreachable {
        why: why.into(),
        lasting,
    };
    match code {
        ErrorCode::HttpRequestDenied => SendFailure::Refused,
        ErrorCode::DnsTimeout => not_sent("looking up its name took too long", false),
        ErrorCode::DnsError(_) => not_sent("its name was not found", false),
        ErrorCode::DestinationNotFound => not_sent("its address was not found", false),
        ErrorCode::DestinationUnavailable => not_sent("its address is not available", false),
        ErrorCode::DestinationIpProhibited => not_sent(
            "its address is one that the connection does not allow (`allow_private_network`)",
            true,
        ),
        ErrorCode::DestinationIpUnroutable => not_sent("there is no route to its address", false),
        ErrorCode::ConnectionRefused => not_sent("the connection was refused", false),
        ErrorCode::ConnectionTimeout => not_sent("connecting took too long", false),
        ErrorCode::ConnectionLimitReached => {
            not_sent("the host has no connection left for it", false)
        }
        ErrorCode::TlsProtocolError => not_sent("no secure connection could be agreed on", true),
        ErrorCode::TlsCertificateError => not_sent(
            "its certificate is not trusted (`ca_file` of the connection adds an authority)",
            true,
        ),
        ErrorCode::ConfigurationError => {
            not_sent("the host's configuration does not allow it", true)
        }
        ErrorCode::TlsAlertReceived(_) => lost("the secure connection was broken off"),
        ErrorCode::ConnectionTerminated => lost("the connection was lost"),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            lost("the answer took too long")
        }
        ErrorCode::ConnectionWriteTimeout => lost("sending took too long"),
        ErrorCode::HttpResponseIncomplete => lost("the answer broke off"),
        ErrorCode::HttpResponseBodySize(_) => lost("the answer is too large"),
        ErrorCode::HttpProtocolError => lost("the answer was not HTTP"),
        ErrorCode::InternalError(detail) => {
            let detail: String = detail
                .unwrap_or_default()
                .chars()
                .filter(|c| !c.is_control())
                .take(DETAIL_CHARS)
                .collect();
            if detail.is_empty() {
                lost("the host failed to carry the request")
            } else {
                SendFailure::Lost { why: detail }
            }
        }
        _ => lost("the exchange broke a rule of HTTP or of the host"),
    }
}
