//! Proves that a connection works for an action, changing nothing.

use std::sync::{Arc, Mutex, PoisonError};

use tipstaff_egress::{Mode, Roster, Urgency};
use tipstaff_sandbox::{Action, Cut};

use super::event::{CheckReport, RunEvent};
use super::outcome::RunId;
use super::spool::SpoolError;
use super::witness::{Audit, Notes, Tell};
use crate::access::{Access, AccessError};
use crate::connection::Connection;
use crate::host::Host;

/// Why a check did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The connection does not do; nothing was sent.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The audit cannot be written; nothing was sent.
    #[error(transparent)]
    Audit(#[from] SpoolError),
    /// The host ended it.
    #[error("the check was cut short: {0}")]
    Cut(Cut),
}

impl CheckError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Access(error) => error.hint(),
            Self::Audit(error) => error.hint().map(str::to_owned),
            Self::Cut(_) => None,
        }
    }
}

impl Host {
    /// Asks the action whether it could work with the connection. The host refuses every call that changes something.
    ///
    /// # Errors
    ///
    /// The connection does not do, or the action crashed.
    pub async fn check(
        &self,
        action: &Action,
        connection: impl Into<Arc<Connection>>,
    ) -> Result<CheckReport, CheckError> {
        let access = Access::new(connection.into(), action.manifest())?;
        let id = RunId::new();
        let path = self.inner.state.audit().join(format!("check-{id}.jsonl"));
        let audit =
            Audit::open(&path, &id.to_string(), action.digest()).map_err(|error| SpoolError {
                path,
                reason: error.to_string(),
            })?;
        let troubles = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&troubles);
        let tell: Tell = Arc::new(move |event| {
            if let RunEvent::Warning { message, hint } = event {
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((message, hint));
            }
        });
        let notes = Arc::new(Notes::new(audit, None, tell));
        let session = access.session(
            self,
            (Mode::Check, Urgency::Urgent),
            Arc::new(Roster::new()),
            notes,
        );
        let log = Arc::clone(&self.inner.log);
        let mut findings = action
            .check(Arc::clone(&access.view), session, log, &self.inner.limits)
            .await
            .map_err(CheckError::Cut)?;
        findings.extend(access.findings().await);
        let troubles =
            std::mem::take(&mut *troubles.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(CheckReport { findings, troubles })
    }
}
