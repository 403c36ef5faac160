//! What judging, swapping, sealing and recording cost a call, without the network.
//!
//! `cargo test -p tipstaff-egress --release -- --ignored --nocapture measure`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints what it found"
)]

use std::time::{Instant, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::answer::{Reading, take_down};
use crate::client::Exchange;
use crate::release::release;
use crate::roster::Owner;
use crate::secret::Secret;
use crate::testing::{Bench, batch};
use crate::witness::{SecretError, Secrets};

struct Nothing;

impl Secrets for Nothing {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn reveal<'a>(&'a self, field: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(std::future::ready(Err(SecretError::Missing {
            field: field.to_owned(),
        })))
    }
}

#[test]
#[ignore = "measures, and says nothing in a debug build"]
fn measure_a_part_of_an_envelope() {
    const ROUNDS: u32 = 5_000;
    let bench = Bench::new();
    let id = |n: u32| format!("00000000-0000-4000-8000-{n:012x}");
    for n in 100..4196 {
        bench.roster.hand_over(
            Owner(n.into()),
            [
                ("id", id(n)),
                ("username", format!("user{n}@contoso.example")),
            ],
        );
    }
    // A real token is some 2,000 letters.
    let token = bench
        .stand_ins
        .seal("access-token", &format!("opaque.{}", "x9Zq".repeat(500)))
        .unwrap();
    let _secret = bench.stand_ins.of_field("client_secret").unwrap();
    let parts: Vec<String> = (0..20)
        .map(|n| {
            let user = id(100 + n);
            format!(
                r#"{{"id":"{n}","method":"POST","url":"/users/{user}/revokeSignInSessions","headers":{{"Content-Type":"application/json"}},"body":{{}}}}"#
            )
        })
        .collect();
    let body = format!(r#"{{"requests":[{}]}}"#, parts.join(","));
    let answers: Vec<String> = (0..20)
        .map(|n| {
            format!(
                r#"{{"id":"{n}","status":200,"headers":{{"Cache-Control":"no-cache","x-ms-resource-unit":"1","OData-Version":"4.0","Content-Type":"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"}},"body":{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean","value":true}}}}"#
            )
        })
        .collect();
    let answer = format!(r#"{{"responses":[{}]}}"#, answers.join(","));
    let mut head = http::Response::new(()).into_parts().0;
    head.headers
        .insert("content-type", "application/json".parse().unwrap());
    let exchange = Exchange {
        head,
        body: zeroize::Zeroizing::new(answer.into_bytes()),
        remote: ([127, 0, 0, 1], 443).into(),
    };

    let mut costs = [0.0; 4];
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut request = batch(body.clone());
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
        let mut clock = Clock::start();
        let admitted = bench.admit(request).unwrap();
        costs[0] += clock.lap();
        let rule = bench.grant.rule(admitted.rule);
        let sealed = crate::swap::seal(
            &admitted,
            rule.method.clone(),
            &rule.id,
            &bench.stand_ins,
            &Nothing,
        );
        let sealed = sealed.now_or_never().unwrap().unwrap();
        costs[1] += clock.lap();
        let read = Reading::of(&exchange.body);
        let head = &exchange.head;
        let now = SystemTime::now();
        let findings = take_down(
            &bench.grant,
            &admitted,
            head.status,
            &head.headers,
            read.document(),
            &bench.roster,
            now,
        );
        assert!(findings.good);
        costs[2] += clock.lap();
        release(
            &bench.grant,
            &admitted,
            &exchange,
            &read,
            sealed.kept(),
            &bench.stand_ins,
            &bench.jars,
        )
        .unwrap();
        costs[3] += clock.lap();
        clock.stop(&mut rounds);
    }
    // One of the quick rounds, because the machine does other things too.
    rounds.sort_by(f64::total_cmp);
    let quick = rounds[rounds.len() / 10] * 1e6 / 20.0;
    let sum: f64 = costs.iter().sum();
    let share = |cost: f64| (100.0 * cost / sum).round();
    println!(
        "a part of 20: {quick:.2} microseconds; judging {} %, swapping {} %, reading {} %, releasing {} %",
        share(costs[0]),
        share(costs[1]),
        share(costs[2]),
        share(costs[3])
    );
}

struct Clock {
    began: Instant,
    last: Instant,
}

impl Clock {
    fn start() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            last: now,
        }
    }

    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let lap = now.duration_since(self.last).as_secs_f64();
        self.last = now;
        lap
    }

    fn stop(self, rounds: &mut Vec<f64>) {
        rounds.push(self.last.duration_since(self.began).as_secs_f64());
    }
}
