//! The tenant's own logs: who signed in, and whose sessions were ended by whom.
//!
//! Bounded; kept apart from the journal, which is the emulator's and not the tenant's.

use std::collections::VecDeque;

use serde::Serialize;
use uuid::Uuid;

use crate::clock::Moment;
use crate::tenant::App;
use crate::tenant::directory::Record;

/// The most entries of each log.
const MOST: usize = 10_000;

/// A sign-in, as `GET /auditLogs/signIns` shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignIn {
    pub(crate) id: Uuid,
    pub(crate) created_date_time: String,
    pub(crate) user_display_name: String,
    pub(crate) user_principal_name: String,
    pub(crate) user_id: Uuid,
    pub(crate) app_id: Uuid,
    pub(crate) app_display_name: String,
}

/// The end of somebody's sessions, as `GET /auditLogs/directoryAudits` shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DirectoryAudit {
    pub(crate) id: String,
    pub(crate) category: &'static str,
    /// The caller's `client-request-id`, by which a caller finds its own calls.
    pub(crate) correlation_id: String,
    pub(crate) result: &'static str,
    pub(crate) activity_display_name: &'static str,
    pub(crate) activity_date_time: String,
    pub(crate) initiated_by: serde_json::Value,
    pub(crate) target_resources: Vec<Target>,
}

/// Whom an entry is about.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    pub(crate) id: Uuid,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) user_principal_name: String,
}

/// Both logs.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    sign_ins: VecDeque<SignIn>,
    revokes: VecDeque<Revoke>,
}

/// What is noted of a revoke; the document is made when somebody reads it.
#[derive(Clone, Debug)]
pub(crate) struct Revoke {
    pub(crate) at: Moment,
    pub(crate) user: Uuid,
    pub(crate) principal_name: Box<str>,
    pub(crate) app: Uuid,
    pub(crate) correlation_id: Box<str>,
}

impl Audit {
    pub(crate) fn signed_in(&mut self, person: &Record, app: &App, now: Moment) {
        push(
            &mut self.sign_ins,
            SignIn {
                id: Uuid::new_v4(),
                created_date_time: now.date_time_offset(),
                user_display_name: person.user.display_name.to_string(),
                user_principal_name: person.user.principal_name.to_string(),
                user_id: person.user.id,
                app_id: app.client_id,
                app_display_name: app.name.clone(),
            },
        );
    }

    pub(crate) fn revoked(&mut self, revoke: Revoke) {
        push(&mut self.revokes, revoke);
    }

    /// Sign-ins, the latest first.
    pub(crate) fn sign_ins(&self) -> impl Iterator<Item = &SignIn> {
        self.sign_ins.iter().rev()
    }

    /// Ends of sessions, the latest first. The name of the activity is as reported, not recorded.
    pub(crate) fn directory_audits(&self) -> impl Iterator<Item = DirectoryAudit> {
        self.revokes.iter().enumerate().map(entry).rev()
    }
}

fn entry((number, revoke): (usize, &Revoke)) -> DirectoryAudit {
    DirectoryAudit {
        id: format!("Directory_{}_{number}", revoke.user.simple()),
        category: "UserManagement",
        correlation_id: revoke.correlation_id.to_string(),
        result: "success",
        activity_display_name: "Update StsRefreshTokenValidFrom Timestamp",
        activity_date_time: revoke.at.date_time_offset(),
        initiated_by: serde_json::json!({"app": {"appId": revoke.app}}),
        target_resources: vec![Target {
            id: revoke.user,
            kind: "User",
            user_principal_name: revoke.principal_name.to_string(),
        }],
    }
}

fn push<T>(log: &mut VecDeque<T>, entry: T) {
    if log.len() >= MOST {
        log.pop_front();
    }
    log.push_back(entry);
}
