//! The component: the contract's imports and exports around the logic.
//!
//! Converts and carries, decides nothing. No other module names a generated type.

mod bindings {
    #![allow(
        unsafe_code,
        missing_docs,
        unused_qualifications,
        unreachable_pub,
        clippy::all,
        reason = "generated"
    )]

    wit_bindgen::generate!({ path: "../wit", world: "action", generate_all });
    export!(Action with_types_in self);

    use super::Action;
}

mod declare;
mod http;

#[cfg(feature = "list-users")]
use crate::list::{check, list as run, manifest};
use crate::service::{self, Answer, Claim, Closed, LogLevel, Request, SendFailure, Service};
#[cfg(not(feature = "list-users"))]
use crate::{check, manifest, run};
use bindings::exports::tipstaff::action::enforcement::{
    Asset, Connection, Ending, Finding, Guest, Manifest, Mode, Outcome,
};
use bindings::tipstaff::action::types::{Level, Verdict};
use bindings::tipstaff::action::{logging, pacing, subjects};
use bindings::wasi::clocks::{monotonic_clock, system_clock};
use bindings::wasi::random::random;
use bindings::{wit_future, wit_stream};
use std::time::Duration;
use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

/// Assets read at a time. A multiple of the batch size, so that a full read leaves no part-filled batch.
const CHUNK: usize = 1_280;

struct Action;

impl Guest for Action {
    fn describe() -> Manifest {
        declare::declare(manifest())
    }

    async fn check(connection: Connection) -> Vec<Finding> {
        check(&Host { connection })
            .await
            .into_iter()
            .map(finding)
            .collect()
    }

    async fn run(
        mode: Mode,
        settings: String,
        connection: Connection,
        assets: StreamReader<Asset>,
    ) -> (StreamReader<Outcome>, FutureReader<Ending>) {
        let (writer, outcomes) = wit_stream::new();
        // The default is what the host reads if the task below were dropped: that is no complete run.
        let (ended, ending) =
            wit_future::new(|| Ending::Stopped("The action was dropped.".to_owned()));
        let mode = match mode {
            Mode::Enforce => service::Mode::Enforce,
            Mode::Simulate => service::Mode::Simulate,
        };
        wit_bindgen::spawn_local(async move {
            let host = Host { connection };
            let mut sink = Sink(writer);
            let ended_how = run(&host, mode, &settings, Source(assets), &mut sink).await;
            // The ending is offered before the outcomes end, and not waited for in between: a host may take it after.
            let offer = async { drop(ended.write(into_ending(ended_how)).await) };
            futures::join!(offer, async { drop(sink) });
        });
        (outcomes, ending)
    }
}

/// The host's imports, and the connection of the run.
struct Host {
    connection: Connection,
}

impl Service for Host {
    async fn send(&self, request: Request) -> Result<Answer, SendFailure> {
        http::send(request).await
    }

    async fn sleep(&self, time: Duration) {
        monotonic_clock::wait_for(nanoseconds(time)).await;
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    fn unix_seconds(&self) -> u64 {
        u64::try_from(system_clock::now().seconds).unwrap_or(0)
    }

    fn random(&self) -> u64 {
        random::get_random_u64()
    }

    fn field(&self, name: &str) -> Option<String> {
        self.connection.field(name)
    }

    fn stand_in(&self, field: &str) -> Option<String> {
        self.connection.secret(field)
    }

    async fn assertion(&self, call: &str) -> Result<String, String> {
        self.connection.assertion(call.to_owned()).await
    }

    async fn one_time_code(&self, field: &str, call: &str) -> Result<String, String> {
        self.connection
            .one_time_code(field.to_owned(), call.to_owned())
            .await
    }

    fn endpoint(&self, name: &str) -> Option<String> {
        self.connection.endpoint(name)
    }

    async fn claim(&self, claims: Vec<Claim>) -> Vec<Option<String>> {
        let named = claims
            .into_iter()
            .map(|Claim { asset, name }| subjects::Named { asset, name })
            .collect();
        subjects::claim(named).await
    }

    fn hold(&self, lane: &str, wait: Duration) {
        pacing::hold(lane, nanoseconds(wait));
    }

    fn log(&self, level: LogLevel, message: &str) {
        let level = match level {
            LogLevel::Debug => logging::Level::Debug,
            LogLevel::Info => logging::Level::Info,
            LogLevel::Warn => logging::Level::Warn,
        };
        logging::log(level, message);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

struct Source(StreamReader<Asset>);

impl service::Assets for Source {
    async fn next(&mut self) -> Option<Vec<service::Asset>> {
        let (status, assets) = self.0.read(Vec::with_capacity(CHUNK)).await;
        let ended = matches!(status, StreamResult::Dropped | StreamResult::Cancelled);
        (!ended || !assets.is_empty()).then(|| assets.into_iter().map(from_asset).collect())
    }
}

fn from_asset(asset: Asset) -> service::Asset {
    let Asset {
        id,
        identities,
        settings,
        sent_before,
        added_for,
    } = asset;
    service::Asset {
        id,
        identities,
        settings,
        sent_before,
        added_for,
    }
}

struct Sink(StreamWriter<Outcome>);

impl service::Outcomes for &mut Sink {
    async fn write(&mut self, outcomes: Vec<service::Outcome>) -> Result<(), Closed> {
        let unsent = self
            .0
            .write_all(outcomes.into_iter().map(into_outcome).collect())
            .await;
        if unsent.is_empty() {
            Ok(())
        } else {
            Err(Closed)
        }
    }
}

fn into_outcome(outcome: service::Outcome) -> Outcome {
    let verdict = match outcome.verdict {
        service::Verdict::Succeeded => Verdict::Succeeded,
        service::Verdict::Skipped => Verdict::Skipped,
        service::Verdict::Failed => Verdict::Failed,
        service::Verdict::InDoubt => Verdict::InDoubt,
        service::Verdict::NotAttempted => Verdict::NotAttempted,
        service::Verdict::WouldEnforce => Verdict::WouldEnforce,
    };
    Outcome {
        asset: outcome.asset,
        verdict,
        code: outcome.code.to_owned(),
        message: outcome.message,
        evidence: outcome.evidence,
    }
}

fn into_ending(ending: service::Ending) -> Ending {
    match ending {
        service::Ending::Complete => Ending::Complete,
        service::Ending::Stopped(why) => Ending::Stopped(why),
    }
}

fn finding(finding: service::Finding) -> Finding {
    let level = match finding.level {
        service::Level::Good => Level::Good,
        service::Level::Warning => Level::Warning,
        service::Level::Bad => Level::Bad,
    };
    Finding {
        level,
        code: finding.code.to_owned(),
        message: finding.message,
    }
}
