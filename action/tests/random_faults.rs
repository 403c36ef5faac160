//! Random faults over random users: whatever happens, every asset has one outcome, and it is true.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod world;

use proptest::prelude::*;
use revoke_user_sessions::service::{Asset, Mode, Verdict};
use std::collections::HashMap;
use world::{Fault, Kind, World, asset, id, principal};

#[derive(Clone, Debug)]
struct Case {
    /// For each asset: the user (some do not exist) and how it is named.
    assets: Vec<(u32, u8)>,
    guests: Vec<u32>,
    settings: String,
    chunk: usize,
    /// Faults in a hundred requests.
    rate: u64,
    seed: u64,
    simulate: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let settings = (1_u32..=20, 1_u32..=16, 1_u32..=4, prop_oneof![Just("skip"), Just("attempt"), Just("fail")], any::<bool>())
        .prop_map(|(size, flying, tries, guests, verify)| {
            format!(r#"{{"batch_size":{size},"batches_in_flight":{flying},"max_tries":{tries},"max_seconds":300,"guests":"{guests}","verify":{verify}}}"#)
        });
    (
        prop::collection::vec((1_u32..60, 0_u8..6), 0..90),
        prop::collection::vec(1_u32..60, 0..6),
        settings,
        1_usize..100,
        0_u64..60,
        any::<u64>(),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(assets, guests, settings, chunk, rate, seed, simulate)| Case {
                assets,
                guests,
                settings,
                chunk,
                rate,
                seed,
                simulate,
            },
        )
}

/// A number that looks random and is the same for the same question.
fn mix(seed: u64, kind: Kind, name: &str, nth: u32) -> u64 {
    let mut state = seed ^ (kind as u64) << 32 ^ u64::from(nth) << 40;
    for byte in name.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state ^= state >> 29;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^ state >> 32
}

fn pick(kind: Kind, dice: u64) -> Fault {
    let effect = dice & 1 == 0;
    let status = |status: u16| match Fault::status(status) {
        Fault::Answer {
            status,
            headers,
            body,
            ..
        } => Fault::Answer {
            status,
            headers,
            body,
            effect: effect && status >= 500,
        },
        other => other,
    };
    let whole = matches!(kind, Kind::Token | Kind::Batch);
    match (dice >> 8) % 16 {
        0 => status(409),
        1 => status(429).with("Retry-After", "3"),
        2 => status(429),
        3 if !whole => status(500),
        4 if !whole => status(502),
        5 => Fault::status(503).with("retry-after", "1.5"),
        6 if !whole => status(504),
        7 => Fault::Lost {
            effect: effect && !whole,
        },
        8 => Fault::Unreachable { lasting: false },
        9 => Fault::body(200, "<html>hello</html>"),
        10 if kind == Kind::Revoke => Fault::body(200, r#"{"value":false}"#),
        11 if !matches!(kind, Kind::Token | Kind::Batch) => Fault::Missing { effect },
        12 if !whole => Fault::Twice,
        13 if (dice >> 20).is_multiple_of(8) => Fault::status(401),
        14 if (dice >> 20).is_multiple_of(40) => Fault::status(403),
        15 if (dice >> 20).is_multiple_of(8) => Fault::Refused,
        _ => Fault::status(429).with("retry-after", "0"),
    }
}

fn mail(n: u32) -> String {
    format!("mail{n}@contoso.example")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_outcome_is_true(case in case()) {
        let Case { assets, guests, settings, chunk, rate, seed, simulate } = case.clone();
        let world = World::of(0).script(move |kind, name, nth| {
            let dice = mix(seed, kind, name, nth);
            // Sign-ins fail less often, or few runs would come far.
            let rate = if kind == Kind::Token { rate / 4 } else { rate };
            (dice % 100 < rate).then(|| pick(kind, dice / 100))
        });
        for n in 1..=50 {
            world.add(n, |user| {
                user.mail = Some(mail(n));
                user.proxies = vec![format!("SMTP:{}", mail(n))];
                // Two people of one address: nobody can say who is meant.
                if n % 10 == 0 {
                    user.mail = Some(mail(n - 1));
                }
                if guests.contains(&n) {
                    user.user_type = "Guest";
                }
            });
        }
        if seed % 3 == 0 {
            world.fields.borrow_mut().insert("sso_provider", "true".into());
        }
        let given: Vec<Asset> = assets.iter().enumerate().map(|(at, (n, form))| {
            let identity = match form {
                0 | 1 => format!(r#"{{"id":"{}"}}"#, id(*n)),
                2 => format!(r#"{{"username":"{}"}}"#, principal(*n)),
                3 => format!(r#"{{"username":"{}"}}"#, mail(*n)),
                4 => format!(r#"{{"mail":"{}"}}"#, mail(*n)),
                _ => format!(r#"{{"id":"{}","username":"{}"}}"#, id(*n).to_uppercase(), principal(*n)),
            };
            asset(&format!("{at}"), &identity)
        }).collect();
        let mode = if simulate { Mode::Simulate } else { Mode::Enforce };
        // One outcome for each asset is asserted inside.
        let (outcomes, _) = world.run_in_chunks(mode, &settings, given, chunk);

        let mut revoked: HashMap<u32, u32> = HashMap::new();
        let mut settled: HashMap<u32, u32> = HashMap::new();
        for outcome in &outcomes {
            let n = assets[outcome.asset.parse::<usize>().unwrap()].0;
            let done = matches!(outcome.code, "revoked" | "verified" | "unconfirmed");
            prop_assert_eq!(done, outcome.verdict == Verdict::Succeeded);
            *revoked.entry(n).or_default() += u32::from(done);
            *settled.entry(n).or_default() += u32::from(matches!(outcome.verdict, Verdict::Succeeded | Verdict::InDoubt));
            prop_assert!(outcome.message.len() <= 2_000 && !outcome.message.contains('\n'));
            let text = outcome.evidence.as_deref().unwrap();
            prop_assert!(text.len() <= 8_192);
            let evidence: serde_json::Value = serde_json::from_str(text).unwrap();
            // A guest counts as cut only where the look-up was refused, and then the outcome says that it was.
            if done && guests.contains(&n) {
                prop_assert_eq!(&evidence["looked_up"], &serde_json::Value::Bool(false));
                prop_assert!(outcome.message.contains("Not checked"));
            }
        }
        for n in 1..60 {
            let user = world.users.borrow().get(&id(n)).cloned();
            let (accepted, effects) = user.as_ref().map_or((0, 0), |user| (user.accepted, user.revoked));
            let revoked = revoked.get(&n).copied().unwrap_or(0);
            let settled = settled.get(&n).copied().unwrap_or(0);
            prop_assert!(revoked <= accepted, "user {n}: revoked {revoked} times by {accepted} answers");
            prop_assert!(effects == 0 || settled > 0, "user {n} was revoked, and no outcome says so");
            prop_assert!(!simulate || effects == 0);
        }
        let tries: u32 = settings.split("max_tries\":").nth(1).unwrap()[..1].parse().unwrap();
        for n in 1..60 {
            let named = u32::try_from(assets.iter().filter(|(other, _)| *other == n).count()).unwrap();
            // As a mail address, and as any address.
            prop_assert!(world.left(Kind::Find, &mail(n)) <= named * 2 * (tries + 2), "{n}");
            for name in [id(n), principal(n)] {
                let named = u32::try_from(assets.iter().filter(|(other, _)| *other == n).count()).unwrap();
                for kind in [Kind::LookUp, Kind::Revoke, Kind::ReadBack, Kind::Reach] {
                    let tries = match kind {
                        Kind::ReadBack => 6,
                        Kind::Reach => 3,
                        _ => tries,
                    };
                    // One more for the token that a 401 had renewed, and one for names only. What the host refused did not
                    // leave.
                    prop_assert!(world.left(kind, &name) <= named * (tries + 2), "{kind:?} {name}");
                }
            }
        }
        prop_assert!(world.count(Kind::Token, "") <= 18 * 4);
    }
}
