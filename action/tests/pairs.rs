//! Every fault alone, and every two of them together: one outcome an asset, a true one, within bounded tries and time.

mod world;

use revoke_user_sessions::service::{Ending, Mode, Verdict};
use std::time::Duration;
use world::{Fault, Kind, World, assets, id, of};

/// Where a fault happens.
const PLACES: [Kind; 5] = [
    Kind::Token,
    Kind::Batch,
    Kind::LookUp,
    Kind::Revoke,
    Kind::ReadBack,
];

/// Every fault, with what it does to a request of its own and to a part of a batch.
fn faults() -> Vec<Fault> {
    let with_effect = |status: u16, effect: bool| match Fault::status(status) {
        Fault::Answer {
            status,
            headers,
            body,
            ..
        } => Fault::Answer {
            status,
            headers,
            body,
            effect,
        },
        other => other,
    };
    vec![
        Fault::status(401),
        Fault::status(403),
        Fault::status(404),
        Fault::status(409),
        Fault::status(424),
        Fault::status(429).with("retry-after", "2"),
        Fault::status(429),
        with_effect(500, true),
        with_effect(500, false),
        Fault::status(503).with("retry-after", "0.5"),
        Fault::status(507),
        Fault::body(204, ""),
        Fault::body(200, ""),
        Fault::body(200, "<html>"),
        Fault::body(200, r#"{"value":false}"#),
        Fault::body(200, r#"{"value":[]}"#),
        Fault::Lost { effect: true },
        Fault::Lost { effect: false },
        Fault::Missing { effect: true },
        Fault::Unreachable { lasting: false },
        Fault::Unreachable { lasting: true },
        Fault::Refused,
        Fault::Twice,
    ]
}

/// Whether the test's tenant can do it there: effects belong to parts, and so does being told twice.
fn happens(kind: Kind, fault: &Fault) -> bool {
    let whole = matches!(kind, Kind::Token | Kind::Batch);
    let partial = match fault {
        Fault::Answer { effect, .. } | Fault::Lost { effect } | Fault::Missing { effect } => {
            *effect
        }
        Fault::Twice => true,
        Fault::Unreachable { .. } | Fault::Refused => false,
    };
    let no_part = kind == Kind::Token && matches!(fault, Fault::Missing { .. });
    !(no_part || whole && partial)
}

/// Two of three users meet the faults: the one at its first request of a kind, the other at its second or at that of
/// another kind.
fn hold(first: (Kind, &Fault), second: Option<(Kind, &Fault)>, settings: &str) {
    let (one, two) = (
        (first.0, first.1.clone()),
        second.map(|(kind, fault)| (kind, fault.clone())),
    );
    let same = second.is_some_and(|(kind, _)| kind == first.0);
    let world = World::of(3).script(move |kind, name, nth| {
        let about = matches!(kind, Kind::Token | Kind::Batch) || name == id(2);
        if !about {
            return None;
        }
        if kind == one.0 && nth == 1 {
            return Some(one.1.clone());
        }
        two.as_ref()
            .filter(|(of, _)| kind == *of && nth == 1 + u32::from(same))
            .map(|(_, fault)| fault.clone())
    });
    // One outcome an asset is asserted inside.
    let (outcomes, ending) = world.run(Mode::Enforce, settings, assets([1, 2, 3]));
    let what = || format!("{first:?} {second:?} {settings}\n{ending:?}\n{outcomes:#?}");
    for n in 1..=3 {
        let outcome = of(&outcomes, &format!("a{n}"));
        let user = world.user(n);
        let done = outcome.verdict == Verdict::Succeeded;
        assert!(
            !done
                || user.accepted > 0
                || says_yes(first.1)
                || second.is_some_and(|(_, fault)| says_yes(fault)),
            "{}",
            what()
        );
        let settled = done || outcome.verdict == Verdict::InDoubt;
        // A plain `no` to what was done cannot be seen through; a missing user has no sessions.
        let denied = matches!(outcome.code, "refused-by-service" | "not-found" | "denied");
        assert!(user.revoked == 0 || settled || denied, "{}", what());
        assert!(!outcome.message.contains('\n') && outcome.message.len() <= 2_000);
        for kind in [Kind::LookUp, Kind::Revoke] {
            assert!(world.count(kind, &id(n)) <= 8, "{}", what());
        }
    }
    assert!(world.clock.now() < Duration::from_secs(120), "{}", what());
    assert!(world.journal.borrow().len() <= 40, "{}", what());
    if let Ending::Stopped(why) = &ending {
        assert!(why.ends_with('.'), "{why}");
    }
}

/// An answer of success to a revoke without one: the tenant lies, and only reading back would show it.
fn says_yes(fault: &Fault) -> bool {
    matches!(fault, Fault::Answer { status: 200..=299, body, .. } if body.is_empty())
}

#[test]
fn every_fault_alone() {
    for settings in [r#"{"max_tries":3}"#, r#"{"verify":true,"batch_size":1}"#] {
        for kind in PLACES {
            for fault in faults().iter().filter(|fault| happens(kind, fault)) {
                hold((kind, fault), None, settings);
            }
        }
    }
}

#[test]
fn every_two_faults_together() {
    let faults = faults();
    let all: Vec<(Kind, &Fault)> = PLACES
        .iter()
        .flat_map(|kind| faults.iter().map(|fault| (*kind, fault)))
        .filter(|(kind, fault)| happens(*kind, fault))
        .collect();
    for settings in [r#"{"verify":true}"#, r#"{"batch_size":1,"max_tries":2}"#] {
        for (at, first) in all.iter().enumerate() {
            // Of two at different places it makes no difference which is called the first.
            let others = all.iter().enumerate();
            let others = others.filter(|(other, second)| *other >= at || second.0 == first.0);
            for (_, second) in others {
                hold(*first, Some(*second), settings);
            }
        }
    }
}
