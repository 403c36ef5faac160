//! Lanes under virtual time.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::witness::WaitReason;

fn lane(id: &str, units: u32, seconds: u64) -> Declared {
    Declared {
        id: id.to_owned(),
        units,
        window: Duration::from_secs(seconds),
        used_header: None,
    }
}

const ORDINARY: Urgency = Urgency::Ordinary;

/// Sends a request that nobody answers.
async fn send(lanes: &LaneSet, units: u32) {
    lanes.charge(vec![(0, units)], &quiet).await.leaves();
}

/// A store that two processes share, as a folder would be.
#[derive(Debug, Default)]
struct Shared(Mutex<HashMap<LaneName, Arc<dyn LanePlace>>>);

impl LaneStore for Shared {
    fn open(&self, lane: &LaneName) -> Arc<dyn LanePlace> {
        let mut places = lock(&self.0);
        let place = places.entry(lane.clone());
        Arc::clone(place.or_insert_with(|| InMemory.open(lane)))
    }
}

/// The lanes of two processes that share a store.
fn two_processes(units: u32, seconds: u64, urgency: Urgency) -> [LaneSet; 2] {
    let store: Arc<dyn LaneStore> = Arc::new(Shared::default());
    [ORDINARY, urgency].map(|urgency| {
        let declared = [lane("writes", units, seconds)];
        Lanes::kept_in(Arc::clone(&store)).open("a", &declared, &LaneLimits::Published, urgency)
    })
}

fn quiet(_: Waiting) {}

#[tokio::test(start_paused = true)]
async fn sessions_of_one_account_share_a_lane_and_others_do_not() {
    let lanes = Lanes::new();
    let declared = [lane("writes", 10, 10)];
    let one = lanes.open("app@tenant", &declared, &LaneLimits::Published, ORDINARY);
    let two = lanes.open("app@tenant", &declared, &LaneLimits::Published, ORDINARY);
    let other = lanes.open("app@elsewhere", &declared, &LaneLimits::Published, ORDINARY);
    let start = Instant::now();
    one.charge(vec![(0, 10)], &quiet)
        .await
        .answered(true, &[], Duration::ZERO);
    other
        .charge(vec![(0, 10)], &quiet)
        .await
        .answered(true, &[], Duration::ZERO);
    assert_eq!(start.elapsed(), Duration::ZERO);
    two.charge(vec![(0, 5)], &quiet)
        .await
        .answered(true, &[], Duration::ZERO);
    let waited = start.elapsed().as_millis();
    assert!((5000..5010).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn the_first_that_waits_is_the_first_to_go() {
    let lanes = Lanes::new().open(
        "a",
        &[lane("writes", 2, 2)],
        &LaneLimits::Published,
        ORDINARY,
    );
    send(&lanes, 2).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks = (0..5_u32).map(|n| {
        let (lanes, order) = (lanes.clone(), Arc::clone(&order));
        async move {
            // Later ones want less, and go no earlier for it.
            lanes
                .charge(vec![(0, if n == 0 { 2 } else { 1 })], &quiet)
                .await
                .answered(true, &[], Duration::ZERO);
            lock(&order).push(n);
        }
    });
    futures::future::join_all(tasks).await;
    assert_eq!(*lock(&order), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_stops_all_and_then_lets_one_through() {
    let lanes = Lanes::new().open(
        "a",
        &[lane("writes", 1000, 1)],
        &LaneLimits::Unlimited,
        ORDINARY,
    );
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
            passage.answered(true, &[], Duration::ZERO);
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
        ORDINARY,
    );
    send(&lanes, 1).await;
    let start = Instant::now();
    let waiting = lanes.charge(vec![(1, 1), (0, 1)], &quiet);
    let holding = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        lanes.hold("plenty", Duration::from_secs(60));
    };
    let (passage, ()) = tokio::join!(waiting, holding);
    passage.answered(true, &[], Duration::ZERO);
    assert_eq!(start.elapsed().as_secs(), 65);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_does_not_block_the_start_after_a_hold() {
    let lanes = Lanes::new().open(
        "a",
        &[lane("writes", 10, 1)],
        &LaneLimits::Unlimited,
        ORDINARY,
    );
    lanes.hold("writes", Duration::from_secs(1));
    send(&lanes, 1).await;
    send(&lanes, 1).await;
}

#[tokio::test(start_paused = true)]
async fn waits_are_told_at_most_once_a_second() {
    let lanes = Lanes::new().open(
        "a",
        &[lane("writes", 1, 3)],
        &LaneLimits::Published,
        ORDINARY,
    );
    send(&lanes, 1).await;
    let told = Mutex::new(Vec::new());
    let tell = |waiting: Waiting| lock(&told).push((Instant::now(), waiting));
    let all = (0..3).map(|_| async { lanes.charge(vec![(0, 1)], &tell).await.leaves() });
    futures::future::join_all(all).await;
    let told = lock(&told);
    assert!((3..=9).contains(&told.len()), "{told:?}");
    for pair in told.windows(2) {
        assert!(pair[1].0.duration_since(pair[0].0) >= Duration::from_secs(1));
    }
    assert!(
        told.iter()
            .all(|(_, waiting)| waiting.lane == "writes" && waiting.why == WaitReason::Quota)
    );
}

#[tokio::test(start_paused = true)]
async fn two_processes_use_one_quota() {
    let [one, two] = two_processes(10, 10, ORDINARY);
    let start = Instant::now();
    send(&one, 10).await;
    send(&two, 5).await;
    let waited = start.elapsed().as_millis();
    assert!((5000..5010).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_in_one_process_stops_the_other_and_one_of_all_goes_on() {
    let [one, two] = two_processes(1000, 1, ORDINARY);
    one.hold("writes", Duration::from_secs(30));
    let start = Instant::now();
    let through = Arc::new(AtomicUsize::new(0));
    for lanes in [&one, &two, &one, &two] {
        let (lanes, through) = (lanes.clone(), Arc::clone(&through));
        tokio::spawn(async move {
            let mut passage = lanes.charge(vec![(0, 1)], &quiet).await;
            passage.leaves();
            through.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(1)).await;
            passage.answered(true, &[], Duration::from_secs(1));
        });
    }
    let after = async |millis: u64| {
        tokio::time::sleep_until(start + Duration::from_millis(millis)).await;
        through.load(Ordering::Relaxed)
    };
    assert_eq!(after(29_900).await, 0);
    assert_eq!(after(30_900).await, 1);
    // Noticed by the other process with its next look.
    assert_eq!(after(31_100).await, 3);
}

#[tokio::test(start_paused = true)]
async fn the_urgent_goes_before_a_queue_in_its_own_process_and_in_another() {
    let [ordinary, urgent] = two_processes(300, 15, Urgency::Urgent);
    for _ in 0..40 {
        let lanes = ordinary.clone();
        tokio::spawn(async move { send(&lanes, 20).await });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let start = Instant::now();
    send(&urgent, 1).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let (mut beside, start) = (ordinary.clone(), Instant::now());
    beside.urgency = Urgency::Urgent;
    send(&beside, 10).await;
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_never_left_is_given_back() {
    let lanes = Lanes::new().open(
        "a",
        &[lane("writes", 10, 10)],
        &LaneLimits::Published,
        ORDINARY,
    );
    let start = Instant::now();
    drop(lanes.charge(vec![(0, 10)], &quiet).await);
    let mut passage = lanes.charge(vec![(0, 10)], &quiet).await;
    passage.leaves();
    passage.stayed();
    drop(passage);
    send(&lanes, 10).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    send(&lanes, 1).await;
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_the_line() {
    let [one, two] = two_processes(10, 10, ORDINARY);
    send(&one, 10).await;
    let start = Instant::now();
    let giving_up = tokio::time::timeout(Duration::from_millis(900), send(&one, 10));
    let (given_up, ()) = tokio::join!(giving_up, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        send(&two, 1).await;
    });
    assert!(given_up.is_err());
    assert!(
        start.elapsed() < Duration::from_millis(1_200),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_told_share_is_about_the_fullest_lane_of_those_that_it_may_be_about() {
    let declared = [lane("writes", 300, 15), lane("units", 800, 1)];
    let lanes = Lanes::new().open("a", &declared, &LaneLimits::Published, ORDINARY);
    let told = News {
        used: Some(0.99),
        ..News::default()
    };
    let mut passage = lanes.charge(vec![(0, 20), (1, 20)], &quiet).await;
    passage.leaves();
    passage.answered(true, &[(0, told), (1, told)], Duration::ZERO);
    let start = Instant::now();
    lanes.charge(vec![(1, 700)], &quiet).await.leaves();
    assert_eq!(start.elapsed(), Duration::ZERO, "resource units are plenty");
    send(&lanes, 20).await;
    assert!(start.elapsed() > Duration::from_secs(1), "writes are short");
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
    let lanes = Lanes::new().open(
        "a",
        &[lane("writes", 1000, 1)],
        &LaneLimits::Set(own),
        ORDINARY,
    );
    let start = Instant::now();
    send(&lanes, 1).await;
    send(&lanes, 1).await;
    assert_eq!(start.elapsed().as_secs(), 60);
}
