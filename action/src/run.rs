//! A run: assets in, requests out, outcomes back.
//!
//! This module moves the data and waits; [`state`] decides what is next, and knows neither streams nor time. One loop
//! owns the state. What it started comes back to it as a [`flight::Landing`], so nothing is shared and nothing locked.

mod after;
mod canary;
mod decide;
mod flight;
mod state;

use crate::chance::Chance;
use crate::manifest::GRAPH;
use crate::service::{Asset, Assets, Closed, Ending, Mode, Outcome, Outcomes, Service};
use crate::settings::Settings;
use crate::sign_in::SignIn;
use flight::{Context, Landing, fly};
use futures::stream::{FuturesUnordered, StreamExt};
use state::{Now, Run, Wish};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// Outcomes that may wait for the host to take them before no more assets are read.
const UNWRITTEN: usize = 2_048;

/// What the loop waits for, the most pressing first.
enum Event<A, O> {
    Landed(Landing),
    Written(O, Result<(), Closed>),
    Read(A, Option<Vec<Asset>>),
    Woken,
}

/// Works on all `assets`: each has exactly one outcome among `outcomes`, in any order. The run is over when this
/// returns; nothing leaves afterwards. `settings` is JSON by the manifest's schema.
pub async fn run<S, A, O>(service: &S, mode: Mode, settings: &str, assets: A, outcomes: O) -> Ending
where
    S: Service,
    A: Assets,
    O: Outcomes,
{
    let settings = Settings::parse(settings);
    let sign_in = SignIn::of(service);
    let hindrance = settings
        .as_ref()
        .err()
        .map(|error| format!("The run cannot begin, because {error}."))
        .or_else(|| {
            sign_in
                .as_ref()
                .err()
                .map(|refusal| refusal.message.clone())
        });
    let context = Context {
        service,
        chance: Chance::new(service.random()),
        graph: service.endpoint(GRAPH).unwrap_or_default(),
        sign_in: sign_in.ok(),
    };
    // "SSO Provider": other applications' sessions began with a sign-in here, and do not end with it.
    let reaches = service
        .field("sso_provider")
        .is_some_and(|flag| flag == "true");
    let mut state = Run::new(mode, settings.unwrap_or_default(), reaches, hindrance);
    let mut flights = FuturesUnordered::new();
    // Each of these is owned by the future that uses it, and comes back with its result: a read that was begun is never
    // dropped, for the assets in it would be lost.
    let mut reading = Some(Box::pin(read(assets)));
    let mut resting: Option<A> = None;
    let mut writing = None;
    let mut sink = Some(outcomes);
    let mut nap: Option<(Duration, Pin<Box<_>>)> = None;

    loop {
        while let Some(task) = state.next_task(service.monotonic(), false) {
            flights.push(fly(&context, task));
        }
        carry_out(service, &mut state);
        if state.wants_assets(UNWRITTEN)
            && let Some(assets) = resting.take()
        {
            reading = Some(Box::pin(read(assets)));
        }
        // What is there already fills the batches before a part-filled one leaves.
        if let Some(read) = reading.as_mut()
            && let Poll::Ready((assets, chunk)) = poll_once(read.as_mut()).await
        {
            reading = None;
            resting = take_in(&mut state, assets, chunk);
            continue;
        }
        while let Some(task) = state.next_task(service.monotonic(), true) {
            flights.push(fly(&context, task));
        }
        carry_out(service, &mut state);
        if let Some(idle) = sink.take_if(|_| !state.outcomes.is_empty()) {
            writing = Some(Box::pin(write(idle, std::mem::take(&mut state.outcomes))));
        }
        let ended = reading.is_none() && resting.is_none();
        if ended && flights.is_empty() && writing.is_none() && state.is_done() {
            return state.ending();
        }
        match state.next_wake() {
            Some(at) if nap.as_ref().is_none_or(|(set, _)| *set != at) => {
                let wait = at.saturating_sub(service.monotonic());
                nap = Some((at, Box::pin(service.sleep(wait))));
            }
            Some(_) => {}
            None => nap = None,
        }

        let event = poll_fn(|cx| {
            if let Poll::Ready(Some(landing)) = flights.poll_next_unpin(cx) {
                return Poll::Ready(Event::Landed(landing));
            }
            if let Some(Poll::Ready((sink, result))) =
                writing.as_mut().map(|write| write.as_mut().poll(cx))
            {
                return Poll::Ready(Event::Written(sink, result));
            }
            if let Some(Poll::Ready((assets, chunk))) =
                reading.as_mut().map(|read| read.as_mut().poll(cx))
            {
                return Poll::Ready(Event::Read(assets, chunk));
            }
            if let Some(Poll::Ready(())) = nap.as_mut().map(|(_, nap)| nap.as_mut().poll(cx)) {
                return Poll::Ready(Event::Woken);
            }
            Poll::Pending
        })
        .await;
        match event {
            Event::Landed(landing) => {
                let now = Now {
                    monotonic: service.monotonic(),
                    unix: service.unix_seconds(),
                };
                state.land(landing, now, &context.chance);
            }
            Event::Written(idle, result) => {
                writing = None;
                match result {
                    Ok(()) => sink = Some(idle),
                    Err(Closed) => {
                        // Nobody listens: begin nothing, let what is under way end.
                        (reading, resting) = (None, None);
                        state.close();
                    }
                }
            }
            Event::Read(assets, chunk) => {
                reading = None;
                resting = take_in(&mut state, assets, chunk);
            }
            Event::Woken => {
                nap = None;
                state.wake(service.monotonic());
            }
        }
    }
}

/// Gives a chunk to the state; keeps the source if there is more to come.
fn take_in<A>(state: &mut Run, assets: A, chunk: Option<Vec<Asset>>) -> Option<A> {
    match chunk {
        Some(chunk) => {
            for asset in chunk {
                state.take(asset);
            }
            Some(assets)
        }
        None => {
            state.input_ended = true;
            None
        }
    }
}

fn carry_out<S: Service>(service: &S, state: &mut Run) {
    for wish in state.wishes.drain(..) {
        match wish {
            Wish::Hold(lane, wait) => service.hold(lane, wait),
            Wish::Log(level, message) => service.log(level, &message),
        }
    }
}

async fn read<A: Assets>(mut assets: A) -> (A, Option<Vec<Asset>>) {
    let chunk = assets.next().await;
    (assets, chunk)
}

async fn write<O: Outcomes>(mut sink: O, group: Vec<Outcome>) -> (O, Result<(), Closed>) {
    let result = sink.write(group).await;
    (sink, result)
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
