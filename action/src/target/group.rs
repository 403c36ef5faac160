//! How the users of one asset make one outcome.

use crate::codes::Code;
use crate::service::{Outcome, Verdict};
use serde::Serialize;
use std::{cell::RefCell, rc::Rc};

/// The most identities that an outcome's evidence lists, so that it stays well under 8 KiB.
const LISTED: usize = 32;

/// The users of an asset that has several.
#[derive(Debug)]
pub(crate) struct Group {
    remaining: usize,
    /// Object ids that one of them has already.
    taken: Vec<String>,
    ended: Vec<(Outcome, Option<String>)>,
}

impl Group {
    /// A group of `users`, at least one.
    pub(crate) fn of(users: usize) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            remaining: users,
            taken: Vec::new(),
            ended: Vec::new(),
        }))
    }

    /// Whether another user of the asset has this object id; it has from now on.
    pub(crate) fn takes(&mut self, object_id: &str) -> bool {
        let taken = self.taken.iter().any(|other| other == object_id);
        if !taken {
            self.taken.push(object_id.to_owned());
        }
        taken
    }

    /// Adds what became of one; gives the asset's outcome with the last. The asset has succeeded when all have;
    /// otherwise it is as badly off as the worst of them.
    pub(crate) fn add(&mut self, outcome: Outcome, object_id: Option<&str>) -> Option<Outcome> {
        // Kept in order, so that the same identities make the same outcome in whatever order they ended.
        let next = (outcome, object_id.map(str::to_owned));
        let key = |(outcome, id): &(Outcome, Option<String>)| {
            (id.clone(), outcome.code, outcome.message.clone())
        };
        let at = self.ended.partition_point(|other| key(other) <= key(&next));
        self.ended.insert(at, next);
        self.remaining = self.remaining.saturating_sub(1);
        if self.remaining > 0 {
            return None;
        }
        let ended = std::mem::take(&mut self.ended);
        let count = ended.len();
        let listed: Vec<Listed<'_>> = ended
            .iter()
            .take(LISTED)
            .map(|(outcome, id)| Listed {
                object_id: id.as_deref(),
                code: outcome.code,
            })
            .collect();
        let listed = serde_json::to_string(&listed).unwrap_or_default();
        let good = ended
            .iter()
            .filter(|(outcome, _)| is_good(outcome.verdict))
            .count();
        let worst = ended
            .into_iter()
            .map(|(outcome, _)| outcome)
            .max_by_key(badness)?;
        let message = format!(
            "{good} of {count} identities of this asset are done. {}",
            worst.message
        );
        let evidence = worst
            .evidence
            .as_deref()
            .and_then(|json| json.strip_suffix('}'))
            .filter(|json| json.len() > 1);
        let evidence = match evidence {
            Some(members) => format!("{members},\"identities\":{listed}}}"),
            None => format!("{{\"identities\":{listed}}}"),
        };
        Some(Outcome {
            message,
            evidence: Some(evidence),
            ..worst
        })
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<&'a str>,
    code: &'a str,
}

fn is_good(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Succeeded | Verdict::WouldEnforce)
}

fn badness(outcome: &Outcome) -> u8 {
    match outcome.verdict {
        Verdict::Succeeded if outcome.code == Code::Duplicate.as_str() => 0,
        Verdict::Succeeded if outcome.code == Code::Unconfirmed.as_str() => 2,
        Verdict::Succeeded => 1,
        Verdict::WouldEnforce => 3,
        Verdict::Skipped => 4,
        Verdict::NotAttempted => 5,
        Verdict::InDoubt => 6,
        Verdict::Failed => 7,
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test that fails may panic"
    )]

    use super::*;
    use proptest::prelude::*;

    fn ended(verdict: Verdict, code: Code) -> Outcome {
        Outcome {
            asset: "a".into(),
            verdict,
            code: code.as_str(),
            message: format!("{}.", code.as_str()),
            evidence: Some(r#"{"attempts":2}"#.into()),
        }
    }

    #[test]
    fn an_asset_has_succeeded_when_all_its_identities_have() {
        let group = Group::of(2);
        assert_eq!(
            group
                .borrow_mut()
                .add(ended(Verdict::Succeeded, Code::Revoked), Some("x")),
            None
        );
        let outcome = group
            .borrow_mut()
            .add(ended(Verdict::Succeeded, Code::Revoked), Some("y"))
            .unwrap();
        assert_eq!(
            (outcome.verdict, outcome.code),
            (Verdict::Succeeded, "revoked")
        );
        assert_eq!(
            outcome.message,
            "2 of 2 identities of this asset are done. revoked."
        );
        assert_eq!(
            outcome.evidence.unwrap(),
            r#"{"attempts":2,"identities":[{"object_id":"x","code":"revoked"},{"object_id":"y","code":"revoked"}]}"#
        );
    }

    #[test]
    fn an_asset_knows_its_own_users() {
        let group = Group::of(2);
        assert!(!group.borrow_mut().takes("x"));
        assert!(group.borrow_mut().takes("x"));
    }

    #[test]
    fn an_asset_is_unconfirmed_when_one_of_its_identities_is() {
        for order in [
            [Code::Unconfirmed, Code::Verified],
            [Code::Verified, Code::Unconfirmed],
        ] {
            let group = Group::of(2);
            let mut outcomes = order.map(|code| {
                group
                    .borrow_mut()
                    .add(ended(Verdict::Succeeded, code), None)
            });
            assert_eq!(outcomes[1].take().unwrap().code, "unconfirmed");
        }
    }

    proptest! {
        #[test]
        fn the_worst_wins_in_any_order(order in Just(vec![
            (Verdict::Succeeded, Code::Revoked), (Verdict::Skipped, Code::NoEffectGuest),
            (Verdict::InDoubt, Code::NoAnswer), (Verdict::Failed, Code::NotFound), (Verdict::Failed, Code::Throttled),
        ]).prop_shuffle()) {
            let group = Group::of(order.len());
            let mut outcomes = Vec::new();
            for (verdict, code) in &order {
                outcomes.extend(group.borrow_mut().add(ended(*verdict, *code), None));
            }
            let [outcome] = outcomes.as_slice() else { panic!("{outcomes:?}") };
            prop_assert_eq!((outcome.verdict, outcome.code), (Verdict::Failed, "throttled"));
            let listed = r#"[{"code":"no-answer"},{"code":"no-effect-guest"},{"code":"not-found"},{"code":"revoked"},{"code":"throttled"}]"#;
            prop_assert!(outcome.evidence.as_deref().is_some_and(|json| json.contains(listed)));
            prop_assert!(outcome.message.starts_with("1 of 5 identities"));
        }
    }
}
