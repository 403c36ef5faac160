//! One run's way to the network: everything that an action sends passes here, and nothing else does.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::client::Client;
use crate::error::SendError;
use crate::grant::Grant;
use crate::lanes::LaneSet;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::roster::Roster;
use crate::witness::{SecretError, Secrets, Witness};

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything that was granted.
    Enforce,
    /// Everything but changes.
    Simulate,
    /// Everything but changes.
    Check,
    /// Nothing.
    Describe,
}

/// What a session is made of.
pub struct SessionParts {
    /// What may be asked for.
    pub grant: Arc<Grant>,
    /// How much of it.
    pub mode: Mode,
    /// Who may be touched.
    pub roster: Arc<Roster>,
    /// How to reach the services.
    pub client: Arc<Client>,
    /// What the calls draw on: `lanes.open(account, grant.lanes(), &limits)`.
    pub lanes: LaneSet,
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// Who keeps notes.
    pub witness: Arc<dyn Witness>,
    /// How much.
    pub limits: Limits,
}

/// One run's way to the network.
pub struct Session {
    parts: SessionParts,
}

impl Session {
    /// Opens a session.
    #[must_use]
    pub fn new(parts: SessionParts) -> Self {
        Self { parts }
    }

    /// The stand-in of a secret field, the same each time. `None` if the connection has no such secret or the manifest
    /// binds it nowhere.
    pub fn stand_in(&self, field: &str) -> Option<String> {
        self.parts.secrets.has(field).then(String::new)
    }

    /// A stand-in for a signed assertion, for one request of the call `call`.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn assertion(&self, _call: &str) -> Result<String, SecretError> {
        Err(SecretError::NotSupported {
            what: "a signed client assertion".to_owned(),
        })
    }

    /// A stand-in for a one-time code of a secret field, for one request of the call `call`.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn one_time_code(&self, field: &str, _call: &str) -> Result<String, SecretError> {
        Err(SecretError::NotSupported {
            what: format!("a one-time code of `{field}`"),
        })
    }

    /// Sends a request and gives the answer that the guest may see.
    ///
    /// # Errors
    ///
    /// Why there is none, see [`SendError`].
    pub async fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        Err(SendError::Refused(Refusal::Closed))
    }

    /// Ends the session: what is under way is given up, and nothing leaves from now on.
    pub fn close(&self) {}

    /// The action asks to stop a lane. False if there is no such lane.
    pub fn hold(&self, lane: &str, wait: Duration) -> bool {
        self.parts.lanes.hold(lane, wait)
    }
}
