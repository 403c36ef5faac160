//! The account under virtual time.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;

use super::*;

mod shared;

const SECOND: Duration = Duration::from_secs(1);

/// Ten at once, two a second; no reserve.
const SMALL: Terms = terms(10, 5, Counting::Always);
/// 300 at once, twenty a second, six of them in reserve.
const LARGE: Terms = terms(300, 15, Counting::Always);
/// The same, if the service says so.
const UNTOLD: Terms = terms(300, 15, Counting::WhenTold);

const GOOD: News = News {
    good: true,
    refused: false,
    wait: None,
    used: None,
};

const fn terms(units: u32, seconds: u64, counting: Counting) -> Terms {
    Terms {
        quota: Quota {
            units,
            window: Duration::from_secs(seconds),
        },
        counting,
    }
}

fn ordinary(units: u32) -> Ask {
    Ask {
        units,
        urgent: false,
        who: 1,
    }
}

fn urgent(units: u32) -> Ask {
    Ask {
        urgent: true,
        ..ordinary(units)
    }
}

fn told(used: f64) -> News {
    News {
        used: Some(used),
        ..GOOD
    }
}

trait Goes {
    /// Takes units for a request that arrives at once.
    fn go(&mut self, terms: &Terms, ask: Ask) -> Result<Ticket, Wait>;
}

impl Goes for Account {
    fn go(&mut self, terms: &Terms, ask: Ask) -> Result<Ticket, Wait> {
        let ticket = self.take(terms, ask)?;
        self.land(ticket);
        Ok(ticket)
    }
}

/// How many single units can be taken now.
fn takes(account: &mut Account, terms: &Terms, ask: Ask) -> usize {
    let taken = (0..100_000).take_while(|_| account.go(terms, ask).is_ok());
    let taken = taken.count();
    account.leave(ask.who);
    taken
}

#[test]
fn a_full_quota_leaves_at_once_and_then_evenly() {
    let mut account = Account::default();
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 10);
    let wait = account.go(&SMALL, ordinary(1)).unwrap_err();
    assert_eq!(wait.why, WaitReason::Quota);
    let after = wait.after.unwrap();
    assert!(after.as_millis() == 500, "{after:?}");
    account.pass(&SMALL, after);
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 1);
}

#[test]
fn more_than_there_can_be_takes_all_of_it() {
    let mut account = Account::default();
    let _all = account.go(&SMALL, ordinary(1000)).unwrap();
    assert!(account.go(&SMALL, ordinary(1)).is_err());
    let mut account = Account::default();
    let _all = account.go(&LARGE, ordinary(1000)).unwrap();
    assert_eq!(takes(&mut account, &LARGE, urgent(1)), 6);
}

#[test]
fn the_reserve_is_for_the_urgent() {
    let mut account = Account::default();
    assert_eq!(takes(&mut account, &LARGE, ordinary(1)), 294);
    assert_eq!(takes(&mut account, &LARGE, urgent(1)), 6);
    // What comes back fills the reserve first.
    account.pass(&LARGE, SECOND / 4);
    assert_eq!(takes(&mut account, &LARGE, ordinary(1)), 0);
    account.pass(&LARGE, SECOND / 4);
    assert_eq!(takes(&mut account, &LARGE, ordinary(1)), 4);
}

#[test]
fn the_urgent_does_not_stand_in_the_line() {
    let mut account = Account::default();
    assert_eq!(takes(&mut account, &LARGE, ordinary(1)), 294);
    let wait = account.go(&LARGE, ordinary(20)).unwrap_err();
    assert!(wait.after.unwrap() >= SECOND);
    // Twenty at once are more than the reserve: they wait for what is missing, and no longer.
    let wait = account.go(&LARGE, urgent(20)).unwrap_err();
    let after = wait.after.unwrap();
    assert!((700..710).contains(&after.as_millis()), "{after:?}");
    account.pass(&LARGE, after);
    assert!(account.go(&LARGE, urgent(20)).is_ok());
}

#[test]
fn who_asked_first_goes_first_whatever_it_wants() {
    let by = |who, units| Ask {
        who,
        ..ordinary(units)
    };
    let mut account = Account::default();
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 10);
    assert!(account.go(&SMALL, by(7, 4)).is_err());
    account.pass(&SMALL, SECOND);
    // Two are there, and one is wanted, but somebody else waits for four.
    let wait = account.go(&SMALL, by(8, 1)).unwrap_err();
    assert!(wait.after.unwrap() > SECOND * 3 / 2, "{wait:?}");
    assert!(account.go(&SMALL, by(7, 4)).is_err());
    account.pass(&SMALL, SECOND);
    assert!(account.go(&SMALL, by(8, 1)).is_err());
    assert!(account.go(&SMALL, by(7, 4)).is_ok());
    account.pass(&SMALL, SECOND / 2);
    assert!(account.go(&SMALL, by(9, 1)).is_err(), "8 was there before");
    assert!(account.go(&SMALL, by(8, 1)).is_ok());
}

#[test]
fn who_dies_or_gives_up_in_the_line_does_not_block_it() {
    let by = |who| Ask { who, ..ordinary(1) };
    let mut account = Account::default();
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 10);
    assert!(account.go(&SMALL, by(7)).is_err());
    assert!(account.go(&SMALL, by(8)).is_err());
    account.leave(7);
    account.pass(&SMALL, SECOND / 2);
    assert!(account.go(&SMALL, by(8)).is_ok());
    assert!(account.go(&SMALL, by(7)).is_err());
    account.pass(&SMALL, SECOND + SECOND / 10);
    assert!(
        account.go(&SMALL, by(9)).is_ok(),
        "7 was not heard of for a second"
    );
}

#[test]
fn a_hold_stops_even_the_urgent_and_ends_carefully() {
    let mut account = Account::default();
    let early = account.go(&UNTOLD, ordinary(1)).unwrap();
    account.hold(SECOND * 10);
    account.hold(SECOND);
    for ask in [ordinary(1), urgent(1)] {
        assert_eq!(
            account.go(&UNTOLD, ask).unwrap_err(),
            Wait {
                after: Some(SECOND * 10),
                why: WaitReason::Hold
            }
        );
    }
    account.pass(&UNTOLD, SECOND * 10);
    // One passes; the others wait for its answer, and the answer to what was sent before the hold says nothing.
    let first = account.go(&UNTOLD, ordinary(1)).unwrap();
    account.answered(&UNTOLD, early, GOOD, SECOND);
    assert_eq!(
        account.go(&UNTOLD, ordinary(1)).unwrap_err(),
        Wait {
            after: None,
            why: WaitReason::Ramp
        }
    );
    account.answered(&UNTOLD, first, GOOD, SECOND);
    let second = account.go(&UNTOLD, ordinary(1)).unwrap();
    let third = account.go(&UNTOLD, ordinary(1)).unwrap();
    assert!(account.go(&UNTOLD, ordinary(1)).is_err());
    account.answered(&UNTOLD, second, News::default(), SECOND);
    account.answered(&UNTOLD, third, GOOD, SECOND);
    assert_eq!(takes(&mut account, &UNTOLD, ordinary(1)), 3);
}

#[test]
fn enough_good_answers_end_the_careful_start() {
    let mut account = Account::default();
    account.hold(SECOND);
    account.pass(&UNTOLD, SECOND);
    for _ in 0..RAMP_ENDS {
        let ticket = account.go(&UNTOLD, ordinary(1)).unwrap();
        account.answered(&UNTOLD, ticket, GOOD, SECOND);
    }
    assert_eq!(takes(&mut account, &UNTOLD, ordinary(1)), 100_000);
}

#[test]
fn an_answer_that_never_comes_does_not_block_the_start() {
    let mut account = Account::default();
    account.hold(SECOND);
    account.pass(&UNTOLD, SECOND);
    assert_eq!(takes(&mut account, &UNTOLD, ordinary(1)), 1);
    account.pass(&UNTOLD, ANSWER_LOST);
    assert_eq!(takes(&mut account, &UNTOLD, ordinary(1)), 1);
    account.pass(&UNTOLD, RAMP_FORGOTTEN);
    assert_eq!(takes(&mut account, &UNTOLD, ordinary(1)), 100_000);
}

#[test]
fn nobody_holds_a_lane_for_more_than_ten_minutes() {
    let mut account = Account::default();
    account.hold(Duration::MAX);
    account.pass(&SMALL, LONGEST_HOLD - SECOND);
    assert!(account.go(&SMALL, ordinary(1)).is_err());
    account.pass(&SMALL, SECOND);
    assert!(account.go(&SMALL, ordinary(1)).is_ok());
}

#[test]
fn what_did_not_leave_is_given_back() {
    let mut account = Account::default();
    let ticket = account.go(&SMALL, ordinary(10)).unwrap();
    account.unsent(ticket);
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 10);
}

#[test]
fn what_is_on_its_way_does_not_come_back_before_it_arrived() {
    let mut account = Account::default();
    let ticket = account.take(&SMALL, ordinary(10)).unwrap();
    account.pass(&SMALL, SECOND * 3);
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 0);
    account.answered(&SMALL, ticket, GOOD, SECOND * 3);
    account.pass(&SMALL, SECOND);
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 2);
    // What a process that died had under way is forgotten in time.
    let _lost = account.take(&SMALL, ordinary(10));
    account.pass(&SMALL, ALL_LANDED);
    account.pass(&SMALL, SECOND * 5);
    assert_eq!(takes(&mut account, &SMALL, ordinary(1)), 10);
}

#[test]
fn a_share_that_is_told_counts_where_it_is_higher() {
    let mut account = Account::default();
    let ticket = account.go(&LARGE, ordinary(20)).unwrap();
    account.answered(&LARGE, ticket, told(0.9), Duration::ZERO);
    // 270 of 300, less what is rounded, were used: somebody else draws on the quota.
    assert_eq!(takes(&mut account, &LARGE, ordinary(1)), 25);
    let ticket = account.go(&LARGE, urgent(1)).unwrap();
    account.answered(&LARGE, ticket, told(0.81), Duration::ZERO);
    assert_eq!(
        takes(&mut account, &LARGE, ordinary(1)),
        0,
        "a lower one changes nothing"
    );
}

#[test]
fn what_came_back_on_the_way_is_not_lost() {
    let mut account = Account::default();
    let ticket = account.go(&LARGE, ordinary(274)).unwrap();
    account.pass(&LARGE, SECOND);
    // The same count, half a second old.
    account.answered(&LARGE, ticket, told(264.0 / 300.0), SECOND / 2);
    let left = takes(&mut account, &LARGE, ordinary(1));
    assert!((39..=40).contains(&left), "{left}");
}

#[test]
fn more_than_the_whole_slows_the_lane_for_a_while() {
    let mut account = Account::default();
    let ticket = account.go(&LARGE, ordinary(20)).unwrap();
    account.answered(&LARGE, ticket, told(1.25), Duration::ZERO);
    let after = |account: &mut Account| account.go(&LARGE, urgent(20)).unwrap_err().after;
    let wait = after(&mut account).unwrap();
    assert!(wait > SECOND * 6 / 5 && wait < SECOND * 13 / 10, "{wait:?}");
    account.pass(&LARGE, SECOND * 30);
    assert_eq!(takes(&mut account, &LARGE, urgent(1)), 300);
    let wait = after(&mut account).unwrap();
    assert!(wait < SECOND * 101 / 100, "{wait:?}");
}

#[test]
fn refusals_empty_the_quota_and_slow_it_once() {
    let refused = News {
        refused: true,
        ..News::default()
    };
    let mut account = Account::default();
    let tickets: Vec<_> = (0..4)
        .map(|_| account.go(&LARGE, ordinary(20)).unwrap())
        .collect();
    for ticket in tickets {
        account.answered(&LARGE, ticket, refused, Duration::ZERO);
    }
    // They left together, so they were refused for one reason.
    assert!((account.speed - SLOWED).abs() < 1e-9, "{}", account.speed);
    assert_eq!(takes(&mut account, &LARGE, urgent(1)), 0);
    account.pass(&LARGE, SECOND);
    assert_eq!(takes(&mut account, &LARGE, urgent(1)), 16);
}

#[test]
fn a_quota_that_nobody_told_of_is_learnt_from_answers() {
    let mut account = Account::default();
    let tickets: Vec<_> = (0..13)
        .map(|_| account.go(&UNTOLD, ordinary(10)).unwrap())
        .collect();
    // 130 were used, and the service says that this is a bit more than four fifths: there are 160.
    let ticket = tickets[12];
    account.answered(&UNTOLD, ticket, told(0.8125), Duration::ZERO);
    assert_eq!(
        takes(&mut account, &UNTOLD, ordinary(1)),
        27,
        "160 less 130 and the reserve"
    );
    // Nothing more is told for a window: so there is none any more.
    account.pass(&UNTOLD, SECOND * 16);
    assert_eq!(takes(&mut account, &UNTOLD, ordinary(1)), 100_000);
}

#[test]
fn answers_that_tell_nothing_any_more_give_back_what_they_cost() {
    let mut account = Account::default();
    let ticket = account.go(&UNTOLD, ordinary(100)).unwrap();
    account.answered(&UNTOLD, ticket, told(1.0), Duration::ZERO);
    account.pass(&UNTOLD, SECOND * 2);
    // One at a time, as fast as the answers come, because each says that there is enough.
    for _ in 0..1000 {
        let ticket = account.go(&UNTOLD, ordinary(20)).unwrap();
        assert!(ticket.waits_for_the_answer());
        account.answered(&UNTOLD, ticket, GOOD, Duration::ZERO);
    }
    let ticket = account.go(&UNTOLD, ordinary(20)).unwrap();
    account.answered(&UNTOLD, ticket, told(0.99), Duration::ZERO);
    assert!(account.go(&UNTOLD, ordinary(20)).is_err());
}

#[test]
fn only_a_told_share_is_a_sign_of_a_quota_that_nobody_told_of() {
    let mut account = Account::default();
    let ticket = account.go(&UNTOLD, ordinary(20)).unwrap();
    let refused = News {
        refused: true,
        wait: Some(SECOND),
        ..News::default()
    };
    account.answered(&UNTOLD, ticket, refused, Duration::ZERO);
    account.pass(&UNTOLD, SECOND + RAMP_FORGOTTEN);
    assert_eq!(takes(&mut account, &UNTOLD, ordinary(1)), 100_000);
}

/// What can happen to an account.
#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Take(u32, bool, u64),
    Answer(usize, News),
    Unsent(usize),
    Hold(u64),
    Leave(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let news = (
        any::<bool>(),
        any::<bool>(),
        prop::option::of(0_u64..20_000),
        prop::option::of(0.0..2.0_f64),
    );
    let news = news.prop_map(|(good, refused, wait, used)| News {
        good,
        refused,
        wait: wait.map(Duration::from_millis),
        used,
    });
    let step = prop_oneof![
        4 => (0_u64..2_000).prop_map(Step::Pass),
        8 => (1_u32..30, any::<bool>(), 1_u64..12).prop_map(|(units, urgent, who)| Step::Take(units, urgent, who)),
        4 => (any::<usize>(), news).prop_map(|(at, news)| Step::Answer(at, news)),
        1 => any::<usize>().prop_map(Step::Unsent),
        1 => (0_u64..20_000).prop_map(Step::Hold),
        1 => (1_u64..12).prop_map(Step::Leave),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// In no stretch of time does more leave than a full quota and what came back meanwhile, and whoever waits as long
    /// as told is let through.
    #[test]
    fn it_never_lets_too_much_through(steps in prop::collection::vec((0_u64..2_000, 1_u32..5), 1..200)) {
        let mut account = Account::default();
        let mut now = Duration::ZERO;
        let mut sent: Vec<(Duration, u32)> = Vec::new();
        for (pause, units) in steps {
            let pause = Duration::from_millis(pause);
            account.pass(&SMALL, pause);
            now += pause;
            if let Err(wait) = account.go(&SMALL, ordinary(units)) {
                let after = wait.after.unwrap();
                account.pass(&SMALL, after);
                now += after;
                prop_assert!(account.go(&SMALL, ordinary(units)).is_ok());
            }
            sent.push((now, units));
        }
        for (from, (begin, _)) in sent.iter().enumerate() {
            let mut sum = 0;
            for (end, units) in &sent[from..] {
                sum += units;
                let most = 10.0 + (*end - *begin).as_secs_f64() * 2.0 + 1e-3;
                prop_assert!(f64::from(sum) <= most, "{sum} in {:?}", *end - *begin);
            }
        }
    }

    /// Whatever happens, an account can be written down and read again, in the middle of everything.
    #[test]
    fn bytes_hold_an_account(steps in steps(), told in any::<bool>()) {
        let terms = if told { LARGE } else { UNTOLD };
        let mut account = Account::default();
        let mut tickets = Vec::new();
        for step in steps {
            match step {
                Step::Pass(ms) => account.pass(&terms, Duration::from_millis(ms)),
                Step::Take(units, urgent, who) => {
                    if let Ok(ticket) = account.take(&terms, Ask { units, urgent, who }) {
                        tickets.push(ticket);
                    }
                }
                Step::Answer(at, news) if !tickets.is_empty() => {
                    let ticket = tickets.swap_remove(at % tickets.len());
                    account.answered(&terms, ticket, news, Duration::from_millis(30));
                }
                Step::Unsent(at) if !tickets.is_empty() => {
                    let ticket = tickets.swap_remove(at % tickets.len());
                    account.unsent(ticket);
                }
                Step::Hold(ms) => account.hold(Duration::from_millis(ms)),
                Step::Leave(who) => account.leave(who),
                Step::Answer(..) | Step::Unsent(_) => {}
            }
            prop_assert_eq!(Account::from_bytes(&account.to_bytes()), Some(account));
            prop_assert!(account.used >= 0.0 && account.used.is_finite());
        }
    }

    /// Bytes that anybody wrote are an account that works, or none.
    #[test]
    fn any_bytes_are_read_safely(bytes in prop::collection::vec(any::<u8>(), ACCOUNT_BYTES)) {
        let bytes: [u8; ACCOUNT_BYTES] = bytes.try_into().unwrap();
        if let Some(mut account) = Account::from_bytes(&bytes) {
            account.pass(&LARGE, LONGEST_HOLD);
            account.pass(&LARGE, Duration::from_secs(u64::from(u32::MAX)));
            prop_assert!(account.take(&LARGE, urgent(1)).is_ok());
        }
    }
}
