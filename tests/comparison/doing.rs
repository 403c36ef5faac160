//! How users are revoked: many at once, through trouble, with a result for each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use entra_emulator::{Fault, FaultRule, Place, Route, Tenant, Throttling, User};
use tipstaff::Verdict;

use crate::Measured;
use crate::ground::{Ground, members, names, run};

/// A run that goes on for longer than this is not bounded.
const BOUND: Duration = Duration::from_secs(120);

pub(crate) async fn batch() -> Measured {
    let ground = Ground::new(members(40)).await;
    let ran = run(ground.draft(names(40))).await.expect("a plan");
    let batches = ground.batches();
    let all = ran.count(Verdict::Succeeded, "revoked") == 40;
    let full = batches == [(200, 20), (200, 20)];
    Measured::new(
        "Batch",
        [("yes", all && full)],
        format!("40 users in {} requests", batches.len()),
    )
}

pub(crate) async fn throttled() -> Measured {
    let part = FaultRule::new(Fault::too_many(1))
        .on(Route::Revoke)
        .place(Place::Part);
    let some = recovers([part.clone().every(7).times(6)]).await;
    // Two seconds to wait for the first batch of revokes, while others are ready to go.
    let ground = Ground::new(members(60)).await;
    let whole = FaultRule::new(Fault::too_many(2))
        .on(Route::Batch)
        .nth(7)
        .times(1);
    ground.trial.emulator.faults().add(whole);
    let draft = ground.draft(names(60)).setting("batch_size", 10);
    let draft = draft.setting("batches_in_flight", 1);
    let ran = run(draft).await.expect("a plan");
    let journal = ground.trial.emulator.journal();
    let refused = journal.iter().position(|entry| entry.status == 429);
    let waited = refused.is_some_and(|at| {
        let second = |text: &str| text.parse::<jiff::Timestamp>().map(|t| t.as_second()).ok();
        let then = second(&journal[at].time);
        let later = journal[at + 1..].iter().map(|entry| second(&entry.time));
        // Whole seconds: two are at least one full one between.
        later.clone().count() > 0
            && later
                .zip(std::iter::repeat(then))
                .all(|(next, then)| next.zip(then).is_some_and(|(next, then)| next > then + 1))
    });
    let waited = waited && ran.count(Verdict::Succeeded, "revoked") == 60;
    let bounded = is_bounded(part).await;
    Measured::new(
        "429 / `Retry-After`",
        [
            ("yes", some),
            ("bounded", bounded),
            ("run-wide pause", waited),
        ],
        "six parts refused and had by asking again; a batch refused, and nothing sent for two seconds; refused for ever, and ended",
    )
}

pub(crate) async fn failing() -> Measured {
    let mut held = Vec::new();
    for (name, status) in [("500", 500), ("502", 502), ("503", 503), ("504", 504)] {
        let part = FaultRule::new(Fault::status(status)).on(Route::Revoke);
        let whole = FaultRule::new(Fault::status(status)).on(Route::Batch);
        held.push((
            name,
            recovers([part.nth(5).times(1), whole.nth(8).times(1)]).await,
        ));
    }
    let rule = FaultRule::new(Fault::status(503)).on(Route::Revoke);
    held.push(("bounded", is_bounded(rule).await));
    Measured::new(
        "5xx",
        held,
        "a part and a batch failed once with each; a service that fails for ever",
    )
}

/// Whether sixty users are revoked although these faults happen, each of them.
async fn recovers(rules: impl IntoIterator<Item = FaultRule>) -> bool {
    let ground = Ground::new(members(60)).await;
    for rule in rules {
        ground.trial.emulator.faults().add(rule);
    }
    let draft = ground.draft(names(60)).setting("batch_size", 10);
    let ran = run(draft).await.expect("a plan");
    let faults = ground.trial.emulator.faults().list();
    ran.count(Verdict::Succeeded, "revoked") == 60
        && ground.trial.emulator.state().revocations >= 60
        && faults.iter().all(|(_, _, fired)| *fired > 0)
}

/// Whether a run ends, with an outcome for each, although this happens to every revoke.
async fn is_bounded(rule: FaultRule) -> bool {
    let ground = Ground::new(members(10)).await;
    ground.trial.emulator.faults().add(rule);
    let draft = ground.draft(names(10)).setting("max_tries", 2);
    match tokio::time::timeout(BOUND, run(draft)).await {
        Ok(Some(ran)) => {
            ran.outcomes.len() == 10
                && ran.count(Verdict::Succeeded, "revoked") == 0
                && ground.trial.emulator.state().revocations == 0
        }
        Ok(None) | Err(_) => false,
    }
}

pub(crate) async fn results() -> Measured {
    let ground = Ground::new(Tenant::sample()).await;
    let asked = [
        ("ada@contoso.example", "succeeded", "revoked"),
        ("edsger@contoso.example", "succeeded", "revoked"),
        (
            "tim_partner.example#EXT#@contoso.onmicrosoft.com",
            "skipped",
            "no-effect-guest",
        ),
        ("nobody@contoso.example", "failed", "not-found"),
    ];
    let ran = run(ground.draft(asked.map(|(name, _, _)| name)))
        .await
        .expect("a plan");
    let one_each = ran.outcomes.len() == asked.len();
    let coded = asked
        .iter()
        .all(|(name, verdict, code)| ran.result(name) == (*verdict, *code));
    let codes: BTreeMap<&str, usize> = ran.outcomes.iter().fold(BTreeMap::new(), |mut all, one| {
        *all.entry(one.code.as_str()).or_default() += 1;
        all
    });
    Measured::new(
        "Per-asset result",
        [("one each", one_each), ("typed", coded)],
        format!("{codes:?}"),
    )
}

pub(crate) async fn concurrency() -> Measured {
    const USERS: usize = 640;
    // Long beside what the machine itself takes, however busy it is.
    const LATENCY: Duration = Duration::from_millis(400);
    let ground = Ground::new(members(USERS)).await;
    ground.trial.emulator.set_latency(LATENCY);
    let began = Instant::now();
    let ran = run(ground.draft(names(USERS))).await.expect("a plan");
    let took = began.elapsed();
    let requests = ground.trial.emulator.journal().len();
    let one_by_one = LATENCY * u32::try_from(requests).unwrap_or(u32::MAX);
    let at_once = one_by_one.as_secs_f64() / took.as_secs_f64();
    let parallel = ran.count(Verdict::Succeeded, "revoked") == USERS && at_once > 2.0;

    let ground = Ground::new(members(150)).await;
    ground.trial.emulator.change(|settings| {
        settings.throttle = Throttling::Quota {
            writes: 50,
            seconds: 1.0,
        };
    });
    let lines = format!(
        "client_secret = {{ file = \"secret\" }}\nquota = {{ writes = {{ units = 50, seconds = 1 }} }}\n{}",
        ground.addresses()
    );
    let connection = ground.connection(&lines).expect("a connection");
    let ran = run(ground.draft_of(connection, names(150)))
        .await
        .expect("a plan");
    let journal = ground.trial.emulator.journal();
    let refused = journal
        .iter()
        .flat_map(|entry| &entry.parts)
        .filter(|part| part.status == 429)
        .count();
    // Who does not pace is refused for two thirds of them, again and again.
    let paced = ran.count(Verdict::Succeeded, "revoked") == 150 && refused <= 7;
    Measured::new(
        "Concurrency",
        [("parallel", parallel), ("paced", paced)],
        format!(
            "{requests} requests of {} ms in {:.1} s, {at_once:.1} at a time; three times a quota, {refused} refused",
            LATENCY.as_millis(),
            took.as_secs_f64()
        ),
    )
}

pub(crate) async fn encoding() -> Measured {
    let odd = [
        "o'neil+tag@contoso.example",
        "łukasz@contoso.example",
        "hash#tag@contoso.example",
        "$dollar@contoso.example",
        "a!b^c~d@contoso.example",
    ];
    let tenant = Tenant::builder()
        .users(odd.map(User::member))
        .user(User::member("hash"))
        .build();
    let ground = Ground::new(tenant).await;
    let ran = run(ground.draft(odd)).await.expect("a plan");
    let all = ran.count(Verdict::Succeeded, "revoked") == odd.len()
        && odd.iter().all(|name| ground.revocations(name) == 1)
        && ground.revocations("hash") == 0;
    Measured::new(
        "Encodes id",
        [("yes", all)],
        format!("{:?}", odd.map(|name| ran.result(name).1)),
    )
}

pub(crate) async fn guests() -> Measured {
    let guest = "tim_partner.example#EXT#@contoso.onmicrosoft.com";
    let mut held = Vec::new();
    for (setting, verdict, sent) in [
        ("skip", "skipped", 0),
        ("attempt", "", 1),
        ("fail", "failed", 0),
    ] {
        let ground = Ground::new(Tenant::sample()).await;
        let ran = run(ground.draft([guest]).setting("guests", setting)).await;
        let held_here = ran.is_some_and(|ran| {
            let (told, code) = ran.result(guest);
            let without_effect = ground.trial.emulator.user(guest);
            let sent_here = without_effect.is_some_and(|user| user.without_effect == sent);
            // Whatever is done, nobody is told that a guest was cut off.
            sent_here && told != "succeeded" && code.contains("guest") && told.contains(verdict)
        });
        held.push((setting, held_here));
    }
    Measured::new(
        "Guests flagged",
        held,
        "a guest under each value of the setting; never told to be revoked",
    )
}

pub(crate) async fn verification() -> Measured {
    /// Longer than the first read takes, so that one read is not enough.
    const LAG: Duration = Duration::from_secs(3);
    let ground = Ground::new(members(3)).await;
    ground.trial.emulator.change(|settings| {
        settings.replication_delay_ms = u64::try_from(LAG.as_millis()).unwrap_or(u64::MAX);
    });
    let began = Instant::now();
    let ran = run(ground.draft(names(3)).setting("verify", true)).await;
    let seen = ran.map(|ran| ran.count(Verdict::Succeeded, "verified"));
    let waited = began.elapsed() >= LAG;
    Measured::new(
        "Verifies",
        [("by setting", seen == Some(3) && waited)],
        match seen {
            Some(count) => format!(
                "{count} of 3 seen to have moved, where reads lag by {} s",
                LAG.as_secs()
            ),
            None => "there is no such setting".to_owned(),
        },
    )
}
