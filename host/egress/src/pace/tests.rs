//! The bucket under virtual time.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;

use super::*;

const QUOTA: Quota = Quota {
    units: 10,
    window: Duration::from_secs(5),
};

#[test]
fn a_full_bucket_leaves_at_once_and_then_evenly() {
    let start = Instant::now();
    let mut bucket = Bucket::new(Some(QUOTA), start);
    for _ in 0..10 {
        drop(bucket.take(1, start).unwrap());
    }
    let wait = bucket.take(1, start).unwrap_err();
    assert_eq!(wait.why, WaitReason::Quota);
    let until = wait.until.unwrap();
    assert!(
        until > start + Duration::from_millis(499) && until < start + Duration::from_millis(501)
    );
    drop(bucket.take(1, until).unwrap());
    assert!(bucket.take(1, until).is_err());
}

#[test]
fn more_than_a_bucket_holds_takes_a_whole_bucket() {
    let start = Instant::now();
    let mut bucket = Bucket::new(Some(QUOTA), start);
    drop(bucket.take(1000, start).unwrap());
    assert!(bucket.take(1, start).is_err());
}

#[test]
fn a_hold_stops_even_what_has_no_limit_and_ends_carefully() {
    let start = Instant::now();
    let mut bucket = Bucket::new(None, start);
    let early = bucket.take(1, start).unwrap();
    bucket.hold(Duration::from_secs(10), start);
    bucket.hold(Duration::from_secs(1), start);
    let end = start + Duration::from_secs(10);
    assert_eq!(
        bucket.take(1, start).unwrap_err(),
        Wait {
            until: Some(end),
            why: WaitReason::Hold
        }
    );
    // One passes; the others wait for its answer, and the answer to what was sent before the hold says nothing.
    let first = bucket.take(1, end).unwrap();
    bucket.answered(early, Sign::Good);
    assert_eq!(
        bucket.take(1, end).unwrap_err(),
        Wait {
            until: None,
            why: WaitReason::Ramp
        }
    );
    bucket.answered(first, Sign::Good);
    let (second, third) = (bucket.take(1, end).unwrap(), bucket.take(1, end).unwrap());
    assert!(bucket.take(1, end).is_err());
    bucket.answered(second, Sign::None);
    bucket.answered(third, Sign::Good);
    assert_eq!(
        (0..9)
            .take_while(|_| bucket.take(1, end).map(drop).is_ok())
            .count(),
        3
    );
}

#[test]
fn enough_good_answers_end_the_careful_start() {
    let start = Instant::now();
    let mut bucket = Bucket::new(None, start);
    bucket.hold(Duration::from_secs(1), start);
    let end = start + Duration::from_secs(1);
    for _ in 0..RAMP_ENDS {
        let ticket = bucket.take(1, end).unwrap();
        bucket.answered(ticket, Sign::Good);
    }
    assert!((0..1000).all(|_| bucket.take(1, end).map(drop).is_ok()));
}

#[test]
fn nobody_holds_a_lane_for_more_than_ten_minutes() {
    let start = Instant::now();
    let mut bucket = Bucket::new(None, start);
    bucket.hold(Duration::MAX, start);
    assert!(
        bucket
            .take(1, start + LONGEST_HOLD - Duration::from_secs(1))
            .is_err()
    );
    assert!(bucket.take(1, start + LONGEST_HOLD).is_ok());
}

proptest! {
    /// In no stretch of time does more leave than a full bucket and what flowed in meanwhile, and whoever waits as long
    /// as told is let through.
    #[test]
    fn it_never_lets_too_much_through(steps in prop::collection::vec((0_u64..2_000, 1_u32..5), 1..200)) {
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(QUOTA), start);
        let mut now = start;
        let mut sent: Vec<(Instant, u32)> = Vec::new();
        for (pause, units) in steps {
            now += Duration::from_millis(pause);
            if let Err(wait) = bucket.take(units, now) {
                now = wait.until.unwrap();
                prop_assert!(bucket.take(units, now).is_ok());
            }
            sent.push((now, units));
        }
        for (from, (begin, _)) in sent.iter().enumerate() {
            let mut sum = 0;
            for (end, units) in &sent[from..] {
                sum += units;
                let most = 10.0 + end.duration_since(*begin).as_secs_f64() * 2.0 + 1e-6;
                prop_assert!(f64::from(sum) <= most, "{sum} in {:?}", end.duration_since(*begin));
            }
        }
    }
}
