//! The body of an answer: whole, cut, or late in the middle.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::exchange::Delivery;

/// What comes next.
enum Step {
    Data(Bytes),
    Wait(Pin<Box<Sleep>>),
    Break,
}

/// The body of an answer.
pub(crate) struct AnswerBody {
    steps: VecDeque<Step>,
    /// What `Content-Length` promises.
    length: u64,
}

impl AnswerBody {
    pub(crate) fn new(bytes: &[u8], delivery: Delivery) -> Self {
        let length = bytes.len() as u64;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let data = |bytes: &[u8]| Step::Data(Bytes::copy_from_slice(bytes));
        let steps = match delivery {
            _ if bytes.is_empty() => VecDeque::new(),
            Delivery::Whole | Delivery::Reset => VecDeque::from([data(bytes)]),
            Delivery::CutBody => VecDeque::from([data(first), Step::Break]),
            Delivery::Stall(time) => VecDeque::from([
                data(first),
                Step::Wait(Box::pin(tokio::time::sleep(time))),
                data(second),
            ]),
        };
        Self { steps, length }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(Step::Wait(sleep)) = self.steps.front_mut() {
            ready!(sleep.as_mut().poll(cx));
            self.steps.pop_front();
        }
        match self.steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(bytes)) => {
                self.length = self.length.saturating_sub(bytes.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Step::Break | Step::Wait(_)) => Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "cut by an injected fault",
            )))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
