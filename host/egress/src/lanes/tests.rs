//! Lanes under virtual time.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::witness::WaitReason;

fn lane(id: &str, units: u32, seconds: u64) -> Declared {
    Declared {
        id: id.to_owned(),
        units,
        window: Duration::from_secs(seconds),
    }
}

fn quiet(_: Waiting) {}

#[tokio::test(start_paused = true)]
async fn sessions_of_one_account_share_a_lane_and_others_do_not() {
    let lanes = Lanes::new();
    let declared = [lane("writes", 10, 10)];
    let one = lanes.open("app@tenant", &declared, &LaneLimits::Published);
    let two = lanes.open("app@tenant", &declared, &LaneLimits::Published);
    let other = lanes.open("app@elsewhere", &declared, &LaneLimits::Published);
    let start = Instant::now();
    one.charge(vec![(0, 10)], &quiet).await.answered(Sign::Good);
    other
        .charge(vec![(0, 10)], &quiet)
        .await
        .answered(Sign::Good);
    assert_eq!(start.elapsed(), Duration::ZERO);
    two.charge(vec![(0, 5)], &quiet).await.answered(Sign::Good);
    let waited = start.elapsed().as_millis();
    assert!((5000..5010).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn the_first_that_waits_is_the_first_to_go() {
    let lanes = Lanes::new().open("a", &[lane("writes", 2, 2)], &LaneLimits::Published);
    drop(lanes.charge(vec![(0, 2)], &quiet).await);
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks = (0..5_u32).map(|n| {
        let (lanes, order) = (lanes.clone(), Arc::clone(&order));
        async move {
            // Later ones want less, and go no earlier for it.
            lanes
                .charge(vec![(0, if n == 0 { 2 } else { 1 })], &quiet)
                .await
                .answered(Sign::Good);
            lock(&order).push(n);
        }
    });
    futures::future::join_all(tasks).await;
    assert_eq!(*lock(&order), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_stops_all_and_then_lets_one_through() {
    let lanes = Lanes::new().open("a", &[lane("writes", 1000, 1)], &LaneLimits::Unlimited);
    let start = Instant::now();
    assert!(lanes.hold("writes", Duration::from_secs(30)));
    assert!(!lanes.hold("other", Duration::from_secs(30)));
    let through = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        let (lanes, through) = (lanes.clone(), Arc::clone(&through));
        tokio::spawn(async move {
            let passage = lanes.charge(vec![(0, 1)], &quiet).await;
            through.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(1)).await;
            passage.answered(Sign::Good);
        });
    }
    let after = async |seconds: u64| {
        tokio::time::sleep_until(start + Duration::from_secs(seconds) + Duration::from_millis(500))
            .await;
        through.load(Ordering::Relaxed)
    };
    assert_eq!(after(29).await, 0);
    assert_eq!(after(30).await, 1);
    assert_eq!(after(31).await, 3);
    assert_eq!(after(32).await, 7);
    assert_eq!(after(33).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_held_while_another_is_waited_for_is_waited_for_too() {
    let lanes = Lanes::new().open(
        "a",
        &[lane("scarce", 1, 10), lane("plenty", 1000, 1)],
        &LaneLimits::Published,
    );
    drop(lanes.charge(vec![(0, 1)], &quiet).await);
    let start = Instant::now();
    let waiting = lanes.charge(vec![(1, 1), (0, 1)], &quiet);
    let holding = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        lanes.hold("plenty", Duration::from_secs(60));
    };
    let (passage, ()) = tokio::join!(waiting, holding);
    passage.answered(Sign::Good);
    assert_eq!(start.elapsed().as_secs(), 65);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_does_not_block_the_start_after_a_hold() {
    let lanes = Lanes::new().open("a", &[lane("writes", 10, 1)], &LaneLimits::Unlimited);
    lanes.hold("writes", Duration::from_secs(1));
    drop(lanes.charge(vec![(0, 1)], &quiet).await);
    drop(lanes.charge(vec![(0, 1)], &quiet).await);
}

#[tokio::test(start_paused = true)]
async fn waits_are_told_at_most_once_a_second() {
    let lanes = Lanes::new().open("a", &[lane("writes", 1, 3)], &LaneLimits::Published);
    drop(lanes.charge(vec![(0, 1)], &quiet).await);
    let told = Mutex::new(Vec::new());
    let tell = |waiting: Waiting| lock(&told).push(waiting);
    let all = (0..3).map(|_| lanes.charge(vec![(0, 1)], &tell));
    drop(futures::future::join_all(all).await);
    let told = lock(&told);
    assert_eq!(told.len(), 3);
    assert!(
        told.iter()
            .all(|waiting| waiting.lane == "writes" && waiting.why == WaitReason::Quota)
    );
}

#[tokio::test(start_paused = true)]
async fn an_operators_quota_takes_the_place_of_the_published_one() {
    let own = BTreeMap::from([(
        "writes".to_owned(),
        Quota {
            units: 1,
            window: Duration::from_secs(60),
        },
    )]);
    let lanes = Lanes::new().open("a", &[lane("writes", 1000, 1)], &LaneLimits::Set(own));
    let start = Instant::now();
    drop(lanes.charge(vec![(0, 1)], &quiet).await);
    drop(lanes.charge(vec![(0, 1)], &quiet).await);
    assert_eq!(start.elapsed().as_secs(), 60);
}
