//! The roster under any order of calls.

use proptest::prelude::*;

use super::*;

#[test]
fn a_name_belongs_to_who_was_handed_over_with_it_before_who_learnt_it() {
    let roster = Roster::new();
    roster.hand_over(Owner(2), [("username", "ada")]);
    assert!(roster.learn(Owner(2), "object-id"));
    roster.hand_over(Owner(1), [("id", "object-id")]);
    assert_eq!(roster.owner_of("object-id"), Some(Owner(1)));
    assert_eq!(roster.holders("Object-ID"), [Owner(2), Owner(1)]);
}

#[tokio::test]
async fn draining_is_heard_by_who_asks_before_and_after() {
    let roster = Roster::new();
    let (_, ()) = tokio::join!(roster.draining(), async { roster.drain() });
    roster.draining().await;
}

#[test]
fn names_are_compared_without_case_and_by_field() {
    let roster = Roster::new();
    roster.hand_over(Owner(1), [("id", "AbC"), ("mail", "Ümlaut@x")]);
    let fields = |field: &str| vec![field.to_owned()];
    assert_eq!(roster.owner_by(&fields("id"), "aBc"), Some(Owner(1)));
    assert_eq!(roster.owner_by(&fields("mail"), "üMLAUT@X"), Some(Owner(1)));
    assert_eq!(roster.owner_by(&fields("mail"), "abc"), None);
    assert_eq!(roster.owner_by(&fields("other"), "abc"), None);
    assert_eq!(roster.owner_of("abc"), Some(Owner(1)));
    assert_eq!(roster.names_of(Owner(1)), ["abc", "ümlaut@x"]);
}

#[test]
fn a_shared_name_is_the_firsts_until_it_is_settled() {
    let roster = Roster::new();
    roster.hand_over(Owner(1), [("id", "a")]);
    roster.hand_over(Owner(2), [("id", "A")]);
    assert_eq!(roster.owner_of("a"), Some(Owner(1)));
    assert!(roster.settle(Owner(1)).is_some());
    assert_eq!(roster.owner_of("a"), Some(Owner(2)));
    assert!(roster.settle(Owner(1)).is_none());
}

#[test]
fn learnt_names_are_good_for_any_field_and_end_with_their_owner() {
    let roster = Roster::new();
    roster.hand_over(Owner(1), [("id", "a")]);
    assert!(roster.learn(Owner(1), "New"));
    assert!(!roster.learn(Owner(2), "other"));
    assert_eq!(roster.owner_by(&["x".to_owned()], "new"), Some(Owner(1)));
    for n in 0..MOST_LEARNT {
        roster.learn(Owner(1), &format!("n{n}"));
    }
    assert!(!roster.learn(Owner(1), "one too many"));
    assert!(!roster.learn(Owner(1), "") && !roster.learn(Owner(1), &"x".repeat(LONGEST_NAME + 1)));
    roster.settle(Owner(1));
    assert_eq!(roster.owner_of("new"), None);
}

#[test]
fn while_draining_only_begun_changes_go_on() {
    let roster = Roster::new();
    roster.hand_over(Owner(1), [("id", "a")]);
    roster.hand_over(Owner(2), [("id", "b")]);
    assert_eq!(roster.begin_changes(&[Owner(1)]), Ok(()));
    roster.drain();
    assert_eq!(roster.begin_changes(&[Owner(1)]), Ok(()));
    assert_eq!(
        roster.begin_changes(&[Owner(1), Owner(2)]),
        Err((Owner(2), NoChange::Draining))
    );
    assert_eq!(roster.seen(Owner(1)).map(|seen| seen.changes_sent), Some(2));
}

#[derive(Clone, Debug)]
enum Operation {
    HandOver(u64, u8),
    Settle(u64),
    Learn(u64, u8),
    Begin(u64),
    Answer(u64, u16),
    TakeBack(u64),
    Drain,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let (owner, name) = (0_u64..5, 0_u8..6);
    let one = prop_oneof![
        (owner.clone(), name.clone()).prop_map(|(owner, name)| Operation::HandOver(owner, name)),
        owner.clone().prop_map(Operation::Settle),
        (owner.clone(), name).prop_map(|(owner, name)| Operation::Learn(owner, name)),
        owner.clone().prop_map(Operation::Begin),
        (owner.clone(), 100_u16..600).prop_map(|(owner, status)| Operation::Answer(owner, status)),
        owner.prop_map(Operation::TakeBack),
        Just(Operation::Drain),
    ];
    prop::collection::vec(one, 0..60)
}

proptest! {
    /// Nobody is named who is not held, nobody is changed who is not held, and what was seen is never more than what
    /// was sent.
    #[test]
    fn it_holds_under_any_order(operations in operations()) {
        let roster = Roster::new();
        let mut held = std::collections::BTreeSet::new();
        let mut drained = false;
        for operation in operations {
            match operation {
                Operation::HandOver(owner, name) => {
                    roster.hand_over(Owner(owner), [("id", format!("N{name}"))]);
                    held.insert(owner);
                }
                Operation::Settle(owner) => {
                    prop_assert_eq!(roster.settle(Owner(owner)).is_some(), held.remove(&owner));
                }
                Operation::Learn(owner, name) => {
                    let learnt = roster.learn(Owner(owner), &format!("n{name}"));
                    prop_assert!(!learnt || held.contains(&owner));
                }
                Operation::Begin(owner) => {
                    let begun = roster.seen(Owner(owner)).is_some_and(|seen| seen.changes_sent > 0);
                    let may = held.contains(&owner) && (!drained || begun);
                    prop_assert_eq!(roster.begin_changes(&[Owner(owner)]).is_ok(), may);
                }
                Operation::Answer(owner, status) => roster.answered(Owner(owner), status, true),
                Operation::TakeBack(owner) => roster.take_back(&[Owner(owner)]),
                Operation::Drain => {
                    roster.drain();
                    drained = true;
                }
            }
            prop_assert_eq!(roster.held(), held.len());
            for name in 0..6 {
                let name = format!("n{name}");
                if let Some(owner) = roster.owner_of(&name) {
                    prop_assert!(held.contains(&owner.0));
                    prop_assert!(roster.names_of(owner).contains(&name));
                }
            }
            for owner in &held {
                for name in roster.names_of(Owner(*owner)) {
                    prop_assert!(roster.owner_of(&name).is_some());
                }
            }
        }
    }
}
