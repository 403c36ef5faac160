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
    pub(crate) fn new(bytes: Bytes, delivery: Delivery) -> Self {
        let length = bytes.len() as u64;
        let half = bytes.len() / 2;
        let steps = match delivery {
            _ if bytes.is_empty() => VecDeque::new(),
            Delivery::Whole | Delivery::Overload | Delivery::Reset => {
                VecDeque::from([Step::Data(bytes)])
            }
            Delivery::CutBody => VecDeque::from([Step::Data(bytes.slice(..half)), Step::Break]),
            Delivery::Stall(time) => VecDeque::from([
                Step::Data(bytes.slice(..half)),
                Step::Wait(Box::pin(tokio::time::sleep(time))),
                Step::Data(bytes.slice(half..)),
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
