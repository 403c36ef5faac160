//! One user of one asset on its way through a run, and how the users of one asset make one outcome.
//!
//! Pure. The way itself is [`crate::run`]'s.

use crate::codes::Code;
use crate::dates::rfc3339;
use crate::graph::{Seen, User};
use crate::names::Name;
use crate::service::{Outcome, Verdict};
use crate::settings::Settings;
use serde::Serialize;
use std::{cell::RefCell, rc::Rc, time::Duration};

/// The most identities that an outcome's evidence lists, so that it stays well under 8 KiB.
const LISTED: usize = 32;

/// A user to be worked on.
#[derive(Debug)]
pub(crate) struct Target {
    /// The asset's id.
    pub asset: Rc<str>,
    /// The asset's other users, if it has several.
    pub group: Option<Rc<RefCell<Group>>>,
    /// What holds for this asset.
    pub settings: Rc<Settings>,
    /// What to call it by: from the inventory, then its object id.
    pub name: Name,
    /// A guest, by the look-up or, without one, by the inventory.
    pub guest: bool,
    /// When a change may have left in an earlier try of the run, in seconds since 1970.
    pub sent_before: Option<u64>,
    /// What the look-up told.
    pub user: Option<User>,
    /// The look-up was not allowed.
    pub blind: bool,
    /// Requests sent about it.
    pub attempts: u32,
    /// Of which for the present step.
    pub tries: u32,
    /// When the first one was sent, on the monotonic clock.
    pub first_sent: Option<Duration>,
    /// A revoke may have left, and nobody knows what became of it.
    pub doubt: bool,
    /// The token that a 401 refused.
    pub refused_token: Option<u32>,
    /// From the last answer about it.
    pub last: Last,
}

/// What evidence takes from the last answer.
#[derive(Debug, Default)]
pub(crate) struct Last {
    status: Option<u16>,
    request_id: Option<Rc<str>>,
    date: Option<Rc<str>>,
    error_code: Option<String>,
}

impl Target {
    /// Keeps what evidence needs of an answer. One that never came does not wipe out the one before.
    pub(crate) fn note(&mut self, seen: &mut Seen) {
        if seen.status.is_some() {
            self.last = Last {
                status: seen.status,
                request_id: seen.request_id.take(),
                date: seen.date.take(),
                error_code: seen.error_code.take(),
            };
        }
    }

    /// What to call the user in a sentence.
    pub(crate) fn label(&self) -> &str {
        self.user
            .as_ref()
            .and_then(|user| user.principal.as_deref())
            .unwrap_or_else(|| self.name.as_str())
    }

    /// The object id, once it is known.
    pub(crate) fn object_id(&self) -> Option<&str> {
        match (&self.user, &self.name) {
            (Some(user), _) => Some(&user.object_id),
            (None, Name::ObjectId(id)) => Some(id),
            (None, Name::Principal(_)) => None,
        }
    }

    /// `error.code` of the last answer.
    pub(crate) fn error_code(&self) -> Option<&str> {
        self.last.error_code.as_deref()
    }

    /// The last status.
    pub(crate) fn status(&self) -> Option<u16> {
        self.last.status
    }

    /// Ends the work on this user, and gives the asset's outcome if it was the last of its users. `exposed_until` is
    /// when the last access token issued before should have ended, in seconds since 1970.
    pub(crate) fn end(
        self,
        verdict: Verdict,
        code: Code,
        message: String,
        exposed_until: Option<u64>,
    ) -> Option<Outcome> {
        let evidence = self.evidence(verdict, exposed_until);
        let outcome = Outcome {
            asset: String::from(&*self.asset),
            verdict,
            code: code.as_str(),
            message,
            evidence: Some(evidence),
        };
        match &self.group {
            None => Some(outcome),
            Some(group) => group.borrow_mut().add(outcome, self.object_id()),
        }
    }

    fn evidence(&self, verdict: Verdict, exposed_until: Option<u64>) -> String {
        let user = self.user.as_ref();
        // A success has no need of the clock of the answer; support asks for it when something went wrong.
        let failed = !matches!(verdict, Verdict::Succeeded | Verdict::WouldEnforce);
        let evidence = Evidence {
            object_id: self.object_id(),
            user_principal_name: user.and_then(|user| user.principal.as_deref()),
            user_type: user.and_then(|user| user.user_type.as_deref()),
            account_enabled: user.and_then(|user| user.enabled),
            on_premises_synced: user.and_then(|user| user.synced),
            looked_up: self.blind.then_some(false),
            http_status: self.last.status,
            request_id: self.last.request_id.as_deref(),
            error_code: self.last.error_code.as_deref(),
            date: self.last.date.as_deref().filter(|_| failed),
            attempts: self.attempts,
            exposure: exposed_until.map(rfc3339),
            sent_before: self.sent_before.map(rfc3339),
        };
        serde_json::to_string(&evidence).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Evidence<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_principal_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_premises_synced: Option<bool>,
    /// Only where it is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    looked_up: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a str>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_before: Option<String>,
}

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
            .max_by_key(|outcome| badness(outcome.verdict))?;
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

fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Succeeded => 0,
        Verdict::WouldEnforce => 1,
        Verdict::Skipped => 2,
        Verdict::NotAttempted => 3,
        Verdict::InDoubt => 4,
        Verdict::Failed => 5,
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
