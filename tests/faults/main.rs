//! Whatever goes wrong, what is told is true: random faults, of which each seed is another bad day and the same one each
//! time, and services that lie.

#![expect(
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

mod liar;
mod lies;

use entra_emulator::{Fault, FaultRule, Place, RetryAfter, Route, Tenant};
use tipstaff::{Assets, Ending, Verdict};
use tipstaff_tests::{Ran, Trial};

const USERS: usize = 40;
const RULES: usize = 30;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): enough for dice.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut state = self.0;
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((state ^ (state >> 31)) % sides as u64).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.roll(2) == 0
    }
}

fn status(status: u16, retry_after: Option<&str>, applied: bool) -> Fault {
    Fault::Status {
        status,
        retry_after: retry_after.map(|text| RetryAfter::Text(text.to_owned())),
        code: None,
        message: None,
        applied,
    }
}

/// A fault that does not make the service lie about what it did: no client can see through that.
fn fault(dice: &mut Dice, route: Route) -> Fault {
    let applied = dice.coin();
    match dice.roll(13) {
        0 => status(429, Some("0"), false),
        1 => status(429, Some("1"), false),
        2 => status(429, None, false),
        3 => status(500, None, applied),
        4 => status(502, None, applied),
        5 => status(503, Some("0.5"), applied),
        6 => status(504, None, applied),
        7 => status(409, None, false),
        8 => Fault::Missing { applied },
        9 => Fault::Html { status: 200 },
        10 => Fault::Stranger,
        11 if route == Route::User => Fault::WrongUser,
        11 => Fault::ValueFalse,
        _ => Fault::Duplicate { status: 200 },
    }
}

/// A fault of a whole batch.
fn disaster(dice: &mut Dice) -> Fault {
    match dice.roll(6) {
        0 => Fault::Reset {
            applied: dice.coin(),
        },
        1 => Fault::CutBody,
        2 => Fault::TruncatedJson,
        3 => Fault::EmptyBody,
        4 => Fault::Shuffle,
        _ => status(503, Some("0.5"), false),
    }
}

async fn bad_day(seed: u64) {
    let tenant = Tenant::builder().seed_users(USERS).build();
    let users: Vec<String> = tenant
        .users()
        .iter()
        .map(|user| user.id().to_string())
        .collect();
    let trial = Trial::new(tenant).await;
    let mut dice = Dice(seed);
    for _ in 0..RULES {
        let route = if dice.coin() {
            Route::Revoke
        } else {
            Route::User
        };
        let rule = FaultRule::new(fault(&mut dice, route))
            .on(route)
            .place(Place::Part)
            .user(users[dice.roll(USERS)].clone())
            .times(1 + dice.roll(3) as u64);
        trial.emulator.faults().add(rule);
    }
    for _ in 0..3 {
        let rule = FaultRule::new(disaster(&mut dice)).on(Route::Batch);
        trial
            .emulator
            .faults()
            .add(rule.nth(1 + dice.roll(10) as u64).times(1));
    }
    let draft = trial.draft(Assets::users(&users)).setting("max_tries", 3);
    let draft = draft
        .setting("batch_size", 8)
        .setting("batches_in_flight", 3);
    let ran = Ran::watch(
        draft
            .prepare()
            .await
            .unwrap()
            .approve()
            .start()
            .await
            .unwrap(),
    )
    .await;
    ran.agrees_with(&trial.emulator, USERS);
    assert_eq!(
        ran.summary.ending,
        Ending::Complete,
        "seed {seed}: {ran:#?}"
    );
    let fired: u64 = trial
        .emulator
        .faults()
        .list()
        .iter()
        .map(|(_, _, fired)| fired)
        .sum();
    assert!(fired >= 10, "seed {seed}: only {fired} faults happened");
    // Most get through: a host that gave up at once would be truthful too.
    let done = ran.summary.counts.get(Verdict::Succeeded);
    assert!(
        done >= USERS as u64 / 2,
        "seed {seed}: only {done} were revoked, {ran:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_is_true_on_bad_days() {
    let mut days = tokio::task::JoinSet::new();
    for seed in 1..=8 {
        days.spawn(bad_day(seed));
    }
    while let Some(day) = days.join_next().await {
        day.unwrap();
    }
}
