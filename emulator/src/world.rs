//! Everything that one running emulator shares between its connections.
//!
//! Locks are held for single steps and never across a wait.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use uuid::Uuid;

use crate::clock::{Clock, Moment};
use crate::faults::Faults;
use crate::graph::audit::Audit;
use crate::graph::caller::Callers;
use crate::journal::Journal;
use crate::settings::Settings;
use crate::signin::Flows;
use crate::tenant::directory::Directory;
use crate::tenant::{App, Tenant};
use crate::throttle::Throttle;
use crate::token::challenge::Challenges;
use crate::token::grants::{Grant, Grants};
use crate::token::jwt;

/// The state of one emulator.
pub(crate) struct World {
    /// As it was at the start, without the people: what a reset goes back to is built from [`World::first_users`].
    pub(crate) tenant: Tenant,
    directory: RwLock<Directory>,
    apps: RwLock<Vec<App>>,
    settings: RwLock<Settings>,
    first_settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    throttle: Mutex<Throttle>,
    grants: Mutex<Grants>,
    flows: Mutex<Flows>,
    challenges: Mutex<Challenges>,
    audit: Mutex<Audit>,
    pub(crate) callers: Callers,
}

impl World {
    pub(crate) fn new(tenant: Tenant, settings: Settings, journal: Journal) -> Self {
        let clock = Clock::new();
        let now = clock.now();
        let directory = first_directory(&tenant, now);
        let throttle = Throttle::new(settings.throttle, settings.refill, directory.living(), now);
        Self {
            directory: RwLock::new(directory),
            apps: RwLock::new(tenant.apps.clone()),
            settings: RwLock::new(settings.clone()),
            first_settings: settings,
            clock,
            journal,
            faults: Faults::default(),
            throttle: Mutex::new(throttle),
            grants: Mutex::default(),
            flows: Mutex::default(),
            challenges: Mutex::default(),
            audit: Mutex::default(),
            callers: Callers::default(),
            tenant,
        }
    }

    pub(crate) fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn apps(&self) -> RwLockReadGuard<'_, Vec<App>> {
        self.apps.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn apps_mut(&self) -> RwLockWriteGuard<'_, Vec<App>> {
        self.apps.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> RwLockReadGuard<'_, Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn flows(&self) -> MutexGuard<'_, Flows> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn challenges(&self) -> MutexGuard<'_, Challenges> {
        self.challenges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn audit(&self) -> MutexGuard<'_, Audit> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the settings; buckets start full again where their limits change.
    pub(crate) fn set_settings(&self, settings: Settings) {
        let (throttle, refill) = (settings.throttle, settings.refill);
        let throttling_changes = {
            let before = self.settings();
            (before.throttle, before.refill) != (throttle, refill)
        };
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
        if throttling_changes {
            let living = self.directory().living();
            *self.throttle() = Throttle::new(throttle, refill, living, self.clock.now());
        }
    }

    /// Back to how it was at the start: people, applications, settings, clock, and nothing handed out.
    pub(crate) fn reset(&self) {
        self.clock.reset();
        let now = self.clock.now();
        *self.directory_mut() = first_directory(&self.tenant, now);
        *self.apps_mut() = self.tenant.apps.clone();
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = self.first_settings.clone();
        let living = self.directory().living();
        let first = &self.first_settings;
        *self.throttle() = Throttle::new(first.throttle, first.refill, living, now);
        *self.grants() = Grants::default();
        *self.flows() = Flows::default();
        *self.challenges() = Challenges::default();
        *self.audit() = Audit::default();
        self.callers.clear();
        self.faults.clear();
        self.journal.clear();
    }

    /// Whether a refresh token or a browser session is still good at `now`.
    pub(crate) fn is_session_good(&self, grant: &Grant, now: Moment) -> SessionState {
        let propagation = i64::try_from(self.settings().revoke_propagation_ms).unwrap_or(i64::MAX);
        let directory = self.directory();
        let Some(record) = directory
            .index_of(&grant.user.to_string())
            .and_then(|index| directory.get(index))
        else {
            return SessionState::NoUser;
        };
        if record.deleted.is_some() {
            SessionState::NoUser
        } else if record.cut_at > grant.change && record.valid_from().plus_ms(propagation) <= now {
            SessionState::CutAt(record.valid_from())
        } else {
            SessionState::Good
        }
    }

    /// The application of this id.
    pub(crate) fn app(&self, client_id: Uuid) -> Option<App> {
        self.apps()
            .iter()
            .find(|app| app.client_id == client_id)
            .cloned()
    }

    /// Checks the certificates that applications were given.
    pub(crate) fn unreadable_certificate(tenant: &Tenant) -> Option<Uuid> {
        tenant
            .apps
            .iter()
            .find(|app| {
                app.certificates
                    .iter()
                    .any(|der| jwt::public_key_of(der).is_none())
            })
            .map(|app| app.client_id)
    }
}

/// The people that a tenant starts with. They were there a day before: a cut-off time of this very second could not be
/// told from one that a revoke has moved, as Graph shows whole seconds.
fn first_directory(tenant: &Tenant, now: Moment) -> Directory {
    const A_DAY_MS: i64 = 86_400_000;
    Directory::new(tenant.users.iter().cloned(), now.plus_ms(-A_DAY_MS))
}

/// See [`World::is_session_good`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    Good,
    /// It began before this cut-off time.
    CutAt(Moment),
    NoUser,
}
