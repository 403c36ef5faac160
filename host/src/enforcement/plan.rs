//! What would be done: an action, a connection, assets and settings, checked together and hashed, before anything is
//! sent.
//!
//! ```text
//! Draft ─ prepare ─▸ Plan ─ approve ─▸ Approved ─ start ─▸ Running ─▸ Summary
//!                     └─ simulate ──────────────────────▸ Running
//! ```
//!
//! Each step takes the one before it, so nothing runs that was not planned, and nothing changes anything that was not
//! approved. The plan's digest is over all of it: a list that changed since is another plan.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tipstaff_egress::{Mode, Urgency};
use tipstaff_sandbox::Action;

use super::added::{Added, added};
use super::ledger::{LedgerError, RunRecord};
use super::outcome::{Counts, RunId};
use super::routes::{Computed, DynamicValues, Routes, StatementError};
use super::run::{self, Running};
use super::spool::{Census, FillError, Lens, Spool, SpoolError, hexadecimal};
use crate::access::{Access, AccessError};
use crate::assets::{Assets, AssetsError};
use crate::connection::Connection;
use crate::connection::config::nearest;
use crate::host::{Host, HostError};
use crate::schema;

/// A plan in the making.
#[derive(Debug)]
pub struct Draft {
    host: Host,
    action: Action,
    connection: Option<Arc<Connection>>,
    assets: Option<Assets>,
    pub(super) settings: Map<String, Value>,
    settings_as_text: Vec<(String, String)>,
    urgency: Option<Urgency>,
    dynamic: Option<DynamicValues>,
    others: Vec<Arc<Connection>>,
    pub(super) first: Option<RunId>,
}

/// Why there is no plan. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No connection was named.
    #[error("no connection was named")]
    NoConnection,
    /// No assets were named.
    #[error("no assets were named")]
    NoAssets,
    /// Assets go to a connection that was not given.
    #[error("assets go to connection `{0}`, and there is none of this name")]
    NoSuchConnection(String),
    /// There is nothing in the list.
    #[error("`{0}` has no assets")]
    Empty(String),
    /// The list broke off.
    #[error("{from} cannot be read to its end: {source}")]
    Assets {
        /// Where they come from.
        from: String,
        /// Why.
        source: AssetsError,
    },
    /// The connection does not do.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A setting that the action does not have.
    #[error("action `{action}` has no setting `{setting}`")]
    UnknownSetting {
        /// The action.
        action: String,
        /// The setting.
        setting: String,
        /// The nearest that it has.
        nearest: Option<String>,
    },
    /// A setting has a value that it cannot have.
    #[error("settings of action `{action}`: {reason}")]
    Settings {
        /// The action.
        action: String,
        /// By its schema.
        reason: String,
    },
    /// A setting adds an asset that the connection does not describe.
    #[error(
        "setting `{setting}` adds an asset, and connection `{connection}` does not say which: {reason}"
    )]
    CannotAdd {
        /// The connection.
        connection: String,
        /// The setting.
        setting: String,
        /// What is missing.
        reason: String,
    },
    /// The statement cannot be used.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The assets cannot be kept.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The action of an earlier run cannot be had.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The run cannot be gone on with.
    #[error("run {run} cannot be resumed: {reason}")]
    NotResumable {
        /// The run.
        run: RunId,
        /// Why.
        reason: String,
        /// What to do instead.
        hint: Option<String>,
    },
}

impl PlanError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Access(error) => error.hint(),
            Self::UnknownSetting {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `{nearest}`?")),
            Self::UnknownSetting {
                nearest: None,
                action,
                ..
            } => Some(format!(
                "`tipstaff actions inspect {action}` shows its settings"
            )),
            Self::Assets { source, .. } => Some(source.hint().to_owned()),
            Self::CannotAdd { setting, .. } => Some(format!(
                "add it to the connection, or leave `{setting}` off; `tipstaff actions inspect` shows the fields"
            )),
            Self::Empty(_) => Some("nothing was sent: is it the right list?".to_owned()),
            Self::Settings { action, .. } => Some(format!(
                "`tipstaff actions inspect {action}` shows what each setting takes"
            )),
            Self::Statement(error) => error.hint(),
            Self::Spool(error) => error.hint().map(str::to_owned),
            Self::Ledger(error) => error.hint().map(str::to_owned),
            Self::Host(error) => error.hint(),
            Self::NotResumable { hint, .. } => hint.clone(),
            _ => None,
        }
    }
}

impl Draft {
    pub(crate) fn new(host: Host, action: Action) -> Self {
        Self {
            host,
            action,
            connection: None,
            assets: None,
            settings: Map::new(),
            settings_as_text: Vec::new(),
            urgency: None,
            dynamic: None,
            others: Vec::new(),
            first: None,
        }
    }

    /// The connection to use.
    #[must_use]
    pub fn connection(mut self, connection: impl Into<Arc<Connection>>) -> Self {
        self.connection = Some(connection.into());
        self
    }

    /// The assets to act on.
    #[must_use]
    pub fn assets(mut self, assets: Assets) -> Self {
        self.assets = Some(assets);
        self
    }

    /// Sets a field of the action's form.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// The same from text, which is read as the type that the field has.
    #[must_use]
    pub fn setting_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.settings_as_text.push((name.into(), text.into()));
        self
    }

    /// Whether the run goes before others where a quota is short. Otherwise it is urgent if a setting has a value that
    /// the action's form calls urgent (`x-urgent`) and that is not its default. It is no part of the plan's digest:
    /// what is done to whom is the same.
    #[must_use]
    pub fn urgency(mut self, urgency: Urgency) -> Self {
        self.urgency = Some(urgency);
        self
    }

    /// Computes fields of the form for each asset, over the settings.
    #[must_use]
    pub fn dynamic(mut self, values: DynamicValues) -> Self {
        self.dynamic = Some(values);
        self
    }

    /// Connections that dynamic values may send assets to, beside the run's. Those of other adapters are left out.
    #[must_use]
    pub fn others<C: Into<Arc<Connection>>>(mut self, others: impl IntoIterator<Item = C>) -> Self {
        self.others.extend(others.into_iter().map(Into::into));
        self
    }

    /// Checks everything and reads the assets to the state folder. Touches nothing else, and sends nothing.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub async fn prepare(mut self) -> Result<Plan, PlanError> {
        let connection = self.connection.take().ok_or(PlanError::NoConnection)?;
        let assets = self.assets.take().ok_or(PlanError::NoAssets)?;
        let began = Instant::now();
        let settings = self.checked_settings()?;
        let access = Access::new(connection, self.action.manifest())?;
        let added = added(self.action.manifest(), &settings, &access.connection)?;
        let described = self.dynamic.as_ref().map(DynamicValues::describe);
        let routes = self.routes(&settings, access.connection.name())?;
        tracing::debug!(
            took_us = began.elapsed().as_micros(),
            "settings, connection and grant checked"
        );
        let began = Instant::now();
        let id = RunId::new();
        let spool = Spool::create(&self.host.inner.state.spool(), id)?;
        let (spool, census, notes) = fill(
            spool,
            self.action.clone(),
            access.connection.name().to_owned(),
            added,
            routes,
            assets,
        )
        .await?;
        let others = accesses(census.routed.keys(), &self.others, &self.action)?;
        tracing::debug!(
            took_us = began.elapsed().as_micros(),
            "assets read to the spool"
        );
        let mut document = json!({
            "action": {
                "name": self.action.manifest().name,
                "version": self.action.manifest().version,
                "digest": self.action.digest(),
            },
            "connection": access.describe(),
            "settings": settings,
            "assets": { "count": census.assets, "digest": census.digest, "added": census.added },
        });
        if let Some(document) = document.as_object_mut() {
            if let Some(described) = described {
                document.insert("dynamic".to_owned(), described);
            }
            if !others.is_empty() {
                let described = others.iter().map(Access::describe).collect();
                document.insert("connections".to_owned(), described);
            }
        }
        // Members of `Value` objects are in alphabetical order, so equal plans have equal texts.
        let text = document.to_string();
        let digest = hexadecimal(&Sha256::digest(text.as_bytes()));
        let form = &self.action.manifest().settings_schema;
        Ok(Plan {
            id,
            urgency: self.urgency.unwrap_or_else(|| by_settings(form, &settings)),
            first: self.first,
            host: self.host,
            action: self.action,
            access,
            others,
            notes,
            settings: Value::Object(settings).to_string(),
            spool,
            census,
            text,
            digest,
            resumed: false,
            settled: Counts::default(),
        })
    }

    /// Where each asset goes: by the statement, or as in the run that this is a second try of.
    fn routes(
        &mut self,
        settings: &Map<String, Value>,
        connection: &str,
    ) -> Result<Routes, PlanError> {
        let manifest = self.action.manifest();
        match (self.dynamic.take(), self.first) {
            (Some(values), _) => {
                self.others
                    .retain(|other| other.adapter() == manifest.adapter);
                let names = self.others.iter().map(|other| other.name());
                let names = names.chain([connection]).map(str::to_owned).collect();
                let form = (&manifest.settings_schema, manifest.adds.as_slice());
                let computed = Computed::new(values, form, settings, connection, names)?;
                Ok(Routes::Computed(Box::new(computed)))
            }
            (None, Some(first)) => {
                let old = super::spool::Old::open(&self.host.inner.state.spool(), first)?;
                Ok(Routes::Earlier(old))
            }
            (None, None) => Ok(Routes::One),
        }
    }

    fn checked_settings(&mut self) -> Result<Map<String, Value>, PlanError> {
        let manifest = self.action.manifest();
        let form = &manifest.settings_schema;
        let mut settings = std::mem::take(&mut self.settings);
        for (name, text) in std::mem::take(&mut self.settings_as_text) {
            let value = schema::typed(form, &name, &text);
            settings.insert(name, value);
        }
        let members = schema::members(form);
        if let Some(unknown) = settings
            .keys()
            .find(|name| !members.clone().any(|m| m == name.as_str()))
        {
            return Err(PlanError::UnknownSetting {
                action: manifest.name.clone(),
                setting: unknown.clone(),
                nearest: nearest(unknown, members).map(str::to_owned),
            });
        }
        let settings = schema::with_defaults(form, settings);
        schema::check(form, &Value::Object(settings.clone())).map_err(|reason| {
            PlanError::Settings {
                action: manifest.name.clone(),
                reason,
            }
        })?;
        Ok(settings)
    }
}

/// What the settings say of urgency. A default says nothing: the operator has to have chosen it.
pub(super) fn by_settings(form: &Value, settings: &Map<String, Value>) -> Urgency {
    let is_urgent = |(name, value): (&String, &Value)| {
        let field = form.get("properties").and_then(|fields| fields.get(name));
        let of_field = |keyword| field.and_then(|field| field.get(keyword));
        let urgent = of_field("x-urgent").and_then(Value::as_array);
        urgent.is_some_and(|urgent| urgent.contains(value)) && of_field("default") != Some(value)
    };
    if settings.iter().any(is_urgent) {
        Urgency::Urgent
    } else {
        Urgency::Ordinary
    }
}

/// Reading a million assets takes seconds, so it happens on a thread of its own.
async fn fill(
    spool: Spool,
    action: Action,
    connection: String,
    added: Vec<Added>,
    mut routes: Routes,
    assets: Assets,
) -> Result<(Spool, Census, Vec<String>), PlanError> {
    let from = assets.from.clone();
    let work = move || {
        let lens = Lens::new(action.manifest(), &connection);
        let census = spool.fill(&lens, added, &mut routes, assets.entries)?;
        Ok((spool, census, routes.warnings()))
    };
    let filled: Result<(Spool, Census, Vec<String>), FillError<AssetsError>> =
        match tokio::task::spawn_blocking(work).await {
            Ok(filled) => filled,
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        };
    match filled {
        Ok((_, census, _)) if census.assets == census.added.len() as u64 => {
            Err(PlanError::Empty(from))
        }
        Ok(filled) => Ok(filled),
        Err(FillError::Source(source)) => Err(PlanError::Assets { from, source }),
        Err(FillError::Spool(error)) => Err(PlanError::Spool(error)),
    }
}

/// What the connections of these names become for the action.
pub(super) fn accesses<'a>(
    names: impl Iterator<Item = &'a String>,
    connections: &[Arc<Connection>],
    action: &Action,
) -> Result<Vec<Access>, PlanError> {
    names
        .map(|name| {
            let connection = connections.iter().find(|other| other.name() == name);
            let connection = connection.ok_or_else(|| PlanError::NoSuchConnection(name.clone()))?;
            Ok(Access::new(Arc::clone(connection), action.manifest())?)
        })
        .collect()
}

/// What would be done. Dropping it leaves nothing behind.
pub struct Plan {
    pub(crate) id: RunId,
    pub(crate) first: Option<RunId>,
    pub(crate) host: Host,
    pub(crate) action: Action,
    pub(crate) access: Access,
    pub(crate) urgency: Urgency,
    /// The other connections that assets go to.
    pub(crate) others: Vec<Access>,
    /// What somebody should know of the statement.
    pub(crate) notes: Vec<String>,
    pub(crate) settings: String,
    pub(crate) spool: Spool,
    pub(crate) census: Census,
    pub(crate) text: String,
    pub(crate) digest: String,
    pub(crate) resumed: bool,
    /// What an earlier process had settled of this run.
    pub(crate) settled: Counts,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("id", &self.id)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// The SHA-256 over action, connection, settings and assets: the same for a simulation and the run after it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The id that the run will have.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.id
    }

    /// What the action is.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// What was found in the list of assets.
    #[must_use]
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The connection's name.
    #[must_use]
    pub fn connection(&self) -> &str {
        self.access.connection.name()
    }

    /// The other connections that dynamic values send assets to, and how many assets each gets.
    pub fn other_connections(&self) -> impl Iterator<Item = (&str, u64)> {
        self.others.iter().map(|access| {
            let name = access.connection.name();
            let count = self.census.routed.get(name).copied();
            (name, count.unwrap_or_default())
        })
    }

    /// The services that the action will reach: their names and addresses.
    pub fn endpoints(&self) -> impl Iterator<Item = (&str, &str)> {
        self.access
            .view
            .endpoints
            .iter()
            .map(|(name, address)| (name.as_str(), address.as_str()))
    }

    /// Whether the connections are to the letter what they were when that run was planned.
    #[must_use]
    pub fn has_connection_of(&self, record: &RunRecord) -> bool {
        let planned: Value = serde_json::from_str(&record.plan).unwrap_or_default();
        let were = planned.get("connections").and_then(Value::as_array);
        let were = were.map(Vec::as_slice).unwrap_or_default();
        planned.get("connection") == Some(&self.access.describe())
            && self
                .others
                .iter()
                .all(|other| were.contains(&other.describe()))
    }

    /// Whether it goes before others where a quota is short.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// The settings, whole, as a JSON object.
    #[must_use]
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// What somebody should know before saying yes.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.access.warnings();
        for other in &self.others {
            warnings.extend(other.warnings());
        }
        warnings.extend(self.notes.iter().cloned());
        let census = &self.census;
        let mut count = |count: u64, one: &str, many: &str| match count {
            0 => {}
            1 => warnings.push(format!("1 {one}")),
            count => warnings.push(format!("{count} {many}")),
        };
        count(
            census.broken,
            "line is no asset: it has an outcome of its own that says why",
            "lines are no assets: each has an outcome of its own that says why",
        );
        count(
            census.unsuited,
            "asset has no identity that the action can work with, and will fail",
            "assets have no identity that the action can work with, and will fail",
        );
        count(
            census.duplicates,
            "asset is the same as another, and will be skipped",
            "assets are the same as others, and will be skipped",
        );
        count(
            census.fallen_back,
            "asset keeps a static value where the statement gives none",
            "assets keep a static value where the statement gives none",
        );
        for (reason, count) in &census.fallbacks {
            warnings.push(format!("static values, {count} times: {reason}"));
        }
        if census.repeated > 0 {
            warnings.push(format!(
                "{} repeated an asset's id, and count once: {}{}",
                if census.repeated == 1 {
                    "1 line".to_owned()
                } else {
                    format!("{} lines", census.repeated)
                },
                census.repeated_ids.join(", "),
                if census.repeated > census.repeated_ids.len() as u64 {
                    ", …"
                } else {
                    ""
                }
            ));
        }
        warnings
    }

    /// Says yes to this plan, changes included.
    #[must_use]
    pub fn approve(self) -> Approved {
        Approved(self)
    }

    /// Runs it without changing anything: the host refuses every call that would.
    ///
    /// # Errors
    ///
    /// The run cannot be recorded.
    pub async fn simulate(self) -> Result<Running, PlanError> {
        run::start(self, Mode::Simulate).await
    }
}

/// A plan that somebody said yes to.
#[derive(Debug)]
pub struct Approved(Plan);

impl Approved {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// The run cannot be recorded. Nothing was sent.
    pub async fn start(self) -> Result<Running, PlanError> {
        run::start(self.0, Mode::Enforce).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_makes_a_run_urgent_only_if_somebody_chose_so() {
        let form = json!({ "properties": {
            "priority": { "enum": ["normal", "high"], "default": "normal", "x-urgent": ["high"] },
            "greedy": { "default": "yes", "x-urgent": ["yes"] },
            "plain": { "default": "high" },
        } });
        let of = |settings: Value| by_settings(&form, settings.as_object().unwrap_or(&Map::new()));
        let by_default = json!({ "priority": "normal", "greedy": "yes", "plain": "high" });
        assert_eq!(of(by_default), Urgency::Ordinary);
        assert_eq!(of(json!({ "priority": "high" })), Urgency::Urgent);
        assert_eq!(of(json!({ "unknown": "high" })), Urgency::Ordinary);
    }
}
