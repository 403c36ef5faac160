//! One request as the rest of the emulator sees it, and the answer that it makes.
//!
//! Between here and the socket is [`crate::server`]; nothing behind this line knows of connections.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use uuid::Uuid;

use crate::clock::Moment;
use crate::tenant::Cloud;

/// Which services a listener offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Both,
    Login,
    Graph,
}

/// A request, with its body read.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Host and port as the client wrote them: links to further pages go there.
    pub(crate) authority: String,
    pub(crate) surface: Surface,
    /// The cloud that the client thinks it talks to.
    pub(crate) cloud: Cloud,
    pub(crate) now: Moment,
    pub(crate) request_id: Uuid,
}

impl Asked {
    /// A header's value as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What answers carry as `client-request-id`: the caller's, else our own (recorded).
    pub(crate) fn client_request_id(&self) -> String {
        self.header("client-request-id")
            .map_or_else(|| self.request_id.to_string(), str::to_owned)
    }

    /// Where the client reaches us.
    pub(crate) fn origin(&self) -> String {
        format!("https://{}", self.authority)
    }
}

/// An answer: whole, or a part of a batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header.
    pub(crate) fn header(
        mut self,
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// A page.
    pub(crate) fn html(status: u16, text: impl Into<Vec<u8>>) -> Self {
        Self::new(status)
            .header("Content-Type", "text/html; charset=utf-8")
            .body(text)
    }

    /// A document.
    pub(crate) fn json(status: u16, text: impl Into<Vec<u8>>) -> Self {
        Self::new(status)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(text)
    }

    /// Replaces a header, or adds it.
    pub(crate) fn set_header(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name, value.into()));
    }

    pub(crate) fn remove_header(&mut self, name: &str) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }
}

/// How an answer goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// As it should.
    #[default]
    Whole,
    /// Not at all: the connection is reset.
    Reset,
    /// The connection is reset after half of the body.
    CutBody,
    /// As it should, and whatever else is asked on the connection is refused.
    Overload,
    /// Half of the body waits.
    Stall(Duration),
}

/// An answer, how it goes out, and what the journal says of it.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) delivery: Delivery,
    pub(crate) extra_delay: Duration,
    pub(crate) fault: Option<&'static str>,
    pub(crate) parts: Vec<crate::journal::JournalPart>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            ..Self::default()
        }
    }
}
