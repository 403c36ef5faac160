//! One user of one asset on its way through a run, and the evidence that its outcome carries.
//!
//! Pure. The way itself is [`crate::run`]'s.

mod after;
mod group;

pub(crate) use after::{Accepted, After};
pub(crate) use group::Group;

use crate::canary::Canary;
use crate::codes::Code;
use crate::dates::{parse_http_date, rfc3339};
use crate::graph::{CutOff, Question, Seen, User};
use crate::names::Name;
use crate::service::{Outcome, Verdict};
use crate::settings::{Priority, Settings};
use crate::wording::EXPOSURE_SECONDS;
use serde::Serialize;
use std::{cell::RefCell, rc::Rc, time::Duration};

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
    /// The look-up is for names only, because no more was allowed.
    pub basic: bool,
    /// Nobody had the name as what it was taken for first.
    pub looked_otherwise: bool,
    /// Requests sent about it.
    pub attempts: u32,
    /// Of which for the present step.
    pub tries: u32,
    /// When the first one was sent, on the monotonic clock.
    pub first_sent: Option<Duration>,
    /// A revoke left and was answered, or may have left.
    pub sent: bool,
    /// A revoke may have left, and nobody knows what became of it.
    pub doubt: bool,
    /// The token that a 401 refused.
    pub refused_token: Option<u32>,
    /// From the last answer about it.
    pub last: Last,
    /// What followed its revoke or, in a simulation, its look-up.
    pub after: Option<Box<After>>,
    /// It is the test account that the host added to measure by.
    pub canary: Option<Box<Canary>>,
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

    /// What a request asks about it.
    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            name: &self.name,
            high: self.settings.priority == Priority::High,
            cut_off: self.settings.verify,
            basic: self.basic,
        }
    }

    /// Notes that the service said that it revoked.
    pub(crate) fn accept(&mut self, now_unix: u64) {
        let server = self.last.date.as_deref().and_then(parse_http_date);
        let accepted = Accepted {
            unix: now_unix,
            server,
        };
        self.after.get_or_insert_default().accepted = Some(accepted);
    }

    /// When the service said that it revoked, if it did.
    pub(crate) fn accepted(&self) -> Option<Accepted> {
        self.after.as_ref()?.accepted
    }

    /// What may be said of it when it was not revoked by any answer that was seen.
    pub(crate) fn undone(&self) -> Verdict {
        match (self.doubt, self.sent) {
            (true, _) => Verdict::InDoubt,
            (false, true) => Verdict::Failed,
            (false, false) => Verdict::NotAttempted,
        }
    }

    /// The cut-off time before the revoke.
    pub(crate) fn cut_off_before(&self) -> Option<&CutOff> {
        self.user.as_ref()?.cut_off.as_ref()
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
            (None, _) => None,
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

    /// Ends the work on this user, and gives the asset's outcome if it was the last of its users.
    pub(crate) fn end(self, verdict: Verdict, code: Code, message: String) -> Option<Outcome> {
        let evidence = self.evidence(verdict);
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

    fn evidence(&self, verdict: Verdict) -> String {
        let user = self.user.as_ref();
        let after = self.after.as_deref();
        let reach = after.and_then(|after| after.reach.as_ref()?.as_ref().ok());
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
            exposure: self
                .accepted()
                .map(|accepted| rfc3339(accepted.unix + EXPOSURE_SECONDS)),
            cutoff_before: self.cut_off_before().map(|cut_off| &*cut_off.text),
            cutoff_after: after
                .and_then(|after| after.cut_off.as_ref())
                .map(|cut_off| &*cut_off.text),
            reads: after.map(|after| after.reads).filter(|reads| *reads > 0),
            applications: reach.map(|reach| reach.names.as_slice()),
            more_applications: reach.is_some_and(|reach| reach.more).then_some(true),
            canary: self.canary.as_deref().map(Canary::evidence),
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
    cutoff_before: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cutoff_after: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reads: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applications: Option<&'a [String]>,
    /// Only where it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_applications: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<crate::canary::Measured>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_before: Option<String>,
}
