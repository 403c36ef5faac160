//! Several processes on one account, under virtual time.

use super::*;

/// A process that wants so many units at a time, again and again.
#[derive(Clone, Copy, Debug)]
struct Wanting {
    units: u32,
    urgent: bool,
    /// When it asks next.
    at: Duration,
    sent: u32,
}

/// Lets processes draw on one account for `time`, each asking again when it was told to, or after a quarter of a second
/// as [`crate::lanes`] does. Gives what left, when and by which, and the
/// processes.
fn play(
    terms: &Terms,
    mut processes: Vec<Wanting>,
    time: Duration,
) -> (Vec<(Duration, u32, usize)>, Vec<Wanting>) {
    let mut account = Account::default();
    let mut now = Duration::ZERO;
    let mut sent = Vec::new();
    while let Some(at) = (0..processes.len()).min_by_key(|at| processes[*at].at)
        && processes[at].at <= time
    {
        let process = &mut processes[at];
        account.pass(terms, process.at - now);
        now = process.at;
        // Each process reads what the other wrote.
        account = Account::from_bytes(&account.to_bytes()).unwrap();
        let ask = Ask {
            units: process.units,
            urgent: process.urgent,
            who: at as u64 + 1,
        };
        match account.go(terms, ask) {
            Ok(_ticket) => {
                process.sent += process.units;
                sent.push((now, process.units, at));
                process.at += Duration::from_millis(1);
            }
            Err(wait) => process.at += wait.after.unwrap().min(Duration::from_millis(250)),
        }
    }
    (sent, processes)
}

fn ordinary_of(units: u32, start: u64) -> Wanting {
    Wanting {
        units,
        urgent: false,
        at: Duration::from_millis(start),
        sent: 0,
    }
}

proptest! {
    /// Together they send no more than the quota in any stretch of time, use nearly all of it, and none starves,
    /// however much or little each wants at once.
    #[test]
    fn processes_share_a_quota(wants in prop::collection::vec((1_u32..=20, 0_u64..3_000), 2..6)) {
        let time = Duration::from_secs(120);
        let processes = wants.iter().map(|(units, start)| ordinary_of(*units, *start)).collect();
        let (sent, processes) = play(&LARGE, processes, time);
        for (from, (begin, ..)) in sent.iter().enumerate().step_by(7) {
            let mut sum = 0;
            for (end, units, _) in &sent[from..] {
                sum += units;
                let most = 294.0 + (*end - *begin).as_secs_f64() * 20.0 + 1e-3;
                prop_assert!(f64::from(sum) <= most, "{sum} in {:?}", *end - *begin);
            }
        }
        let all: u32 = processes.iter().map(|process| process.sent).sum();
        prop_assert!(all >= (294 + 117 * 20) * 98 / 100, "{all}");
        // They go in turns: when the burst is over, each goes as often as the others.
        let turns = |who| {
            let later = sent.iter().filter(|(at, ..)| *at > Duration::from_secs(10));
            later.filter(|(.., of)| *of == who).count()
        };
        let turns: Vec<usize> = (0..processes.len()).map(turns).collect();
        let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
        prop_assert!(least * 10 >= most * 8, "{turns:?}");
    }
}

#[test]
fn the_urgent_starts_within_a_second_while_others_take_all_that_there_is() {
    for at in 0..30 {
        let start = Duration::from_millis(20_000 + at * 1_037);
        let urgent = Wanting {
            urgent: true,
            at: start,
            ..ordinary_of(5, 0)
        };
        let bulk = [ordinary_of(20, 0), ordinary_of(20, 10), ordinary_of(1, 20)];
        let processes = bulk.into_iter().chain([urgent]).collect();
        let (_, processes) = play(&LARGE, processes, start + SECOND);
        assert!(processes[3].sent >= 5, "{processes:?}");
        assert!(processes[0].sent > 294, "{processes:?}");
    }
}

/// A request on its way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    arrives: Duration,
    returns: Duration,
    ticket: Ticket,
    units: u32,
    arrived: bool,
}

/// The quota as the service counts it.
struct Service {
    left: f64,
    at: Duration,
}

impl Service {
    /// False: refused.
    fn admits(&mut self, units: u32, now: Duration) -> bool {
        let back = (now - self.at).as_secs_f64() * 20.0;
        (self.left, self.at) = ((self.left + back).min(300.0), now);
        let enough = self.left + 1e-3 >= f64::from(units);
        if enough {
            self.left -= f64::from(units);
        }
        enough
    }
}

proptest! {
    /// However long requests are on their way, and whether much or nothing was under way before: what this account lets
    /// through from all that there is, the service takes.
    #[test]
    fn the_service_never_refuses_what_was_let_through(
        ways in prop::collection::vec((0_u64..3_000, 0_u64..3_000, 0_u64..100_u64, 1_u32..=20), 50..300),
    ) {
        let mut account = Account::default();
        let mut service = Service { left: 300.0, at: Duration::ZERO };
        let (mut now, mut flights) = (Duration::ZERO, Vec::<Flight>::new());
        for (there, back, pause, units) in ways {
            // A long pause now and then lets the quota fill up.
            let pause = if pause == 0 { 20_000 } else { pause };
            let mut next = now + Duration::from_millis(pause);
            loop {
                let due = flights
                    .iter()
                    .enumerate()
                    .map(|(at, flight)| (if flight.arrived { flight.returns } else { flight.arrives }, at))
                    .min();
                let event = due.filter(|(time, _)| *time <= next);
                let time = event.map_or(next, |(time, _)| time);
                account.pass(&LARGE, time - now);
                now = time;
                match event {
                    Some((_, at)) if flights[at].arrived => {
                        let flight = flights.swap_remove(at);
                        account.answered(&LARGE, flight.ticket, GOOD, Duration::ZERO);
                    }
                    Some((_, at)) => {
                        flights[at].arrived = true;
                        prop_assert!(service.admits(flights[at].units, now), "{} left", service.left);
                    }
                    None => match account.take(&LARGE, urgent(units)) {
                        Ok(ticket) => {
                            let arrives = now + Duration::from_millis(there);
                            let returns = arrives + Duration::from_millis(back);
                            flights.push(Flight { arrives, returns, ticket, units, arrived: false });
                            break;
                        }
                        Err(wait) => next = now + wait.after.unwrap(),
                    },
                }
            }
        }
    }
}
