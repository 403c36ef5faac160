//! A clock that jumps to the next moment at which somebody wakes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Virtual time, and who waits for it.
#[derive(Default)]
pub struct Clock {
    now: Cell<Duration>,
    count: Cell<u64>,
    sleepers: RefCell<BTreeMap<(Duration, u64), Waker>>,
}

impl Clock {
    pub fn now(&self) -> Duration {
        self.now.get()
    }

    pub async fn sleep(&self, time: Duration) {
        self.count.set(self.count.get() + 1);
        let key = (self.now.get() + time, self.count.get());
        poll_fn(|cx| {
            if self.now.get() >= key.0 {
                return Poll::Ready(());
            }
            self.sleepers.borrow_mut().insert(key, cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Drives a future to its end. Panics when it waits for something that cannot come, or for more than a year.
    pub fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            let next = self.sleepers.borrow_mut().pop_first();
            let Some(((due, _), waker)) = next else {
                panic!("everybody waits, and nobody will wake")
            };
            self.now.set(self.now.get().max(due));
            assert!(
                self.now.get() < Duration::from_secs(365 * 86_400),
                "it never ends"
            );
            waker.wake();
        }
    }
}
