//! A host: what a process opens once and runs actions with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tipstaff_egress::Lanes;
use tipstaff_sandbox::{
    Action, Binary, Cache, CacheError, ComponentLimits, Engine, Limits, LoadError, Log, NotAnAction,
};
use tokio::io::AsyncReadExt;

use crate::enforcement::ledger::{Ledger, LedgerError};
use crate::enforcement::plan::Draft;
use crate::lanes::LaneFiles;
use crate::registry::{ApprovalsFile, Registry, RegistryError, Shelf};
use crate::state::{StateError, StateFolder};

/// What a process opens once: the engine, the compiled code, the ledger and the lanes. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) state: StateFolder,
    pub(crate) ledger: Ledger,
    pub(crate) lanes: Lanes,
    pub(crate) limits: Limits,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) registry: Registry,
    pub(crate) approvals: Option<ApprovalsFile>,
    pub(crate) bundled: Vec<Bundled>,
    code: PathBuf,
    engine: OnceLock<Engine>,
    cache: OnceLock<Cache>,
    instances: u32,
    shelf: Mutex<Shelf>,
}

/// An action that the program carries.
pub(crate) struct Bundled {
    name: String,
    component: &'static [u8],
    binary: OnceLock<Binary<'static>>,
}

impl Bundled {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn digest(&self) -> &str {
        self.binary().digest()
    }

    fn binary(&self) -> &Binary<'static> {
        self.binary.get_or_init(|| Binary::of(self.component))
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("state", &self.inner.state)
            .finish_non_exhaustive()
    }
}

/// Why a host could not be opened, or an action not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// No state folder was named.
    #[error("no state folder was named")]
    NoState,
    /// The state folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// The ledger in it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The folder of compiled code in it.
    #[error("compiled code: {0}")]
    Cache(#[from] CacheError),
    /// The file cannot be read.
    #[error("action `{path}` cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The component is no action.
    #[error("`{name}` cannot be used: {source}")]
    Load {
        /// Its name or path.
        name: String,
        /// Why.
        source: LoadError,
    },
    /// It is not approved, not installed, not active, or nobody can tell.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There is none of this name.
    #[error("no action `{name}`")]
    NoSuchAction {
        /// The name.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
    },
}

impl HostError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoState => Some("name one with `Host::builder().state_dir(…)`".to_owned()),
            Self::State(error) => Some(error.hint().to_owned()),
            Self::Ledger(error) => error.hint().map(str::to_owned),
            Self::Cache(CacheError::Open(_)) => {
                Some("`chmod go-w` it, or name another state folder".to_owned())
            }
            Self::Cache(CacheError::Io { .. }) => Some("name another state folder".to_owned()),
            Self::Unreadable { .. } => None,
            Self::Load { source, .. } => source.hint().map(str::to_owned),
            Self::Registry(error) => error.hint(),
            Self::NoSuchAction {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `{nearest}`?")),
            Self::NoSuchAction { nearest: None, .. } => Some(
                "`tipstaff actions list` shows all; a file is named by a path that ends in `.wasm`"
                    .to_owned(),
            ),
        }
    }
}

/// Makes a [`Host`].
pub struct Builder {
    state: Option<PathBuf>,
    code: Option<PathBuf>,
    limits: Limits,
    log: Option<Arc<dyn Log>>,
    approvals: Option<ApprovalsFile>,
    bundled: Vec<Bundled>,
    instances: u32,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            state: None,
            code: None,
            limits: Limits::default(),
            log: None,
            approvals: None,
            bundled: Vec::new(),
            instances: Engine::MANY,
        }
    }
}

impl Builder {
    /// Where everything is kept that outlives a run. Made if it is not there.
    #[must_use]
    pub fn state_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(folder.into());
        self
    }

    /// Where compiled code is kept, if not in the state folder: hosts with state folders of their own can share it.
    #[must_use]
    pub fn code_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.code = Some(folder.into());
        self
    }

    /// What an instance may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where actions' notes go; without one, to `tracing`.
    #[must_use]
    pub fn log(mut self, log: Arc<dyn Log>) -> Self {
        self.log = Some(log);
        self
    }

    /// An action that the program carries with it, under its name. Whoever trusts the program has approved it.
    #[must_use]
    pub fn bundle(mut self, name: impl Into<String>, component: &'static [u8]) -> Self {
        self.bundled.push(Bundled {
            name: name.into(),
            component,
            binary: OnceLock::new(),
        });
        self
    }

    /// How many instances may live at one time; a run is one, and so is a check. Room for them is reserved when the
    /// first action is loaded, which takes time: a program that makes one run needs no more than a few.
    #[must_use]
    pub fn instances(mut self, most: u32) -> Self {
        self.instances = most;
        self
    }

    /// Approvals that hold beside those of the state folder: a file that a fleet shares.
    #[must_use]
    pub fn approvals(mut self, file: ApprovalsFile) -> Self {
        self.approvals = Some(file);
        self
    }

    /// Opens the host. The engine starts with the first action.
    ///
    /// # Errors
    ///
    /// The state folder or the ledger in it cannot be used.
    pub async fn open(self) -> Result<Host, HostError> {
        let state = StateFolder::open(&self.state.ok_or(HostError::NoState)?)?;
        let ledger = Ledger::open(&state.ledger())?;
        let inner = Inner {
            code: self.code.unwrap_or_else(|| state.code()),
            registry: Registry::new(state.registry()),
            approvals: self.approvals,
            lanes: Lanes::kept_in(Arc::new(LaneFiles::new(state.lanes()))),
            state,
            ledger,
            limits: self.limits,
            log: self.log.unwrap_or_else(|| Arc::new(ToTracing)),
            engine: OnceLock::new(),
            cache: OnceLock::new(),
            bundled: self.bundled,
            instances: self.instances,
            shelf: Mutex::default(),
        };
        Ok(Host {
            inner: Arc::new(inner),
        })
    }
}

impl Host {
    /// Starts to make one.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The state folder.
    #[must_use]
    pub fn state(&self) -> &StateFolder {
        &self.inner.state
    }

    /// The record of all runs.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    /// What an instance may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The names of the actions that the program carries.
    pub fn bundled(&self) -> impl Iterator<Item = &str> {
        self.inner.bundled.iter().map(Bundled::name)
    }

    /// Loads an action: `name` is what starts by that name now, `name@version` that version, and a path (it ends in
    /// `.wasm` or has a folder) the component there.
    ///
    /// Loading is not approving: see [`Self::standing`]. [`Self::action`] gives nothing that is not approved.
    ///
    /// # Errors
    ///
    /// There is none, or it is no action.
    pub async fn load(&self, action: impl AsRef<Path>) -> Result<Action, HostError> {
        let path = action.as_ref();
        let name = path.to_string_lossy();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
            || path.components().count() > 1
        {
            let component = self.read_component(path).await?;
            return self.load_bytes(&name, &component).await;
        }
        match name.split_once('@') {
            Some((name, version)) => self.version(name, version).await,
            None => self.current(&name).await,
        }
    }

    /// Reads a component, and no more of it than the largest may have.
    pub(crate) async fn read_component(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        let unreadable = |source| HostError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let most = ComponentLimits::default().size as u64;
        let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        let length = file.metadata().await.map_err(unreadable)?.len();
        let too_large = |length: u64| HostError::Load {
            name: path.to_string_lossy().into_owned(),
            source: LoadError::NotAnAction(NotAnAction::TooLarge {
                what: format!("{length} bytes"),
                most,
            }),
        };
        if length > most {
            return Err(too_large(length));
        }
        let mut component = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        // A pipe has no length, and a file can grow.
        let mut file = file.take(most + 1);
        file.read_to_end(&mut component).await.map_err(unreadable)?;
        match component.len() as u64 {
            read if read > most => Err(too_large(read)),
            _ => Ok(component),
        }
    }

    /// What the program carries under this name.
    pub(crate) async fn carried(&self, name: &str) -> Result<Option<Action>, HostError> {
        let Some(bundled) = self.inner.bundled.iter().find(|b| b.name == name) else {
            return Ok(None);
        };
        let ready = self.shelf().get(bundled.digest());
        match ready {
            Some(action) => Ok(Some(action)),
            None => self.load_binary(name, bundled.binary()).await.map(Some),
        }
    }

    /// There is none of this name, and this is the nearest.
    pub(crate) fn no_such_action(&self, name: &str) -> HostError {
        HostError::NoSuchAction {
            name: name.to_owned(),
            nearest: crate::connection::config::nearest(name, self.bundled()).map(str::to_owned),
        }
    }

    /// Loads an action from the bytes of its component. `name` is for messages.
    ///
    /// # Errors
    ///
    /// It is no action.
    pub async fn load_bytes(&self, name: &str, component: &[u8]) -> Result<Action, HostError> {
        self.load_binary(name, &Binary::of(component)).await
    }

    pub(crate) async fn load_binary(
        &self,
        name: &str,
        binary: &Binary<'_>,
    ) -> Result<Action, HostError> {
        if let Some(action) = self.shelf().get(binary.digest()) {
            return Ok(action);
        }
        let load = |source| HostError::Load {
            name: name.to_owned(),
            source,
        };
        let engine = self.engine().map_err(load)?;
        let cache = self.cache()?;
        let log = Arc::clone(&self.inner.log);
        let action = Action::load(&engine, Some(cache), binary, log, &self.inner.limits)
            .await
            .map_err(load)?;
        self.keep_component(binary);
        self.shelf().put(action.clone());
        Ok(action)
    }

    /// Whether the program carries this very component.
    #[must_use]
    pub fn is_bundled(&self, action: &Action) -> bool {
        let mut bundled = self.inner.bundled.iter();
        bundled.any(|bundled| bundled.digest() == action.digest())
    }

    /// Starts to plan a run of an action.
    #[must_use]
    pub fn plan(&self, action: &Action) -> Draft {
        Draft::new(self.clone(), action.clone())
    }

    /// The component with this digest that this host keeps: it was installed, or an earlier run used it.
    pub(crate) async fn load_kept(&self, name: &str, digest: &str) -> Result<Action, HostError> {
        if let Some(action) = self.shelf().get(digest) {
            return Ok(action);
        }
        let path = self.kept(digest);
        let component = self.read_component(&path).await?;
        let binary = Binary::of(component);
        if binary.digest() != digest {
            let reason = "is not what was kept there: its SHA-256 is another".to_owned();
            return Err(RegistryError::Component { path, reason }.into());
        }
        self.load_binary(name, &binary).await
    }

    /// Keeps the component, so that a run can be gone on with when its file has changed. A failure costs no more than
    /// that, so it is only logged.
    fn keep_component(&self, binary: &Binary<'_>) {
        let path = self.kept(binary.digest());
        if path.exists() {
            return;
        }
        if let Err(error) = self.write_component(binary, &path, false) {
            tracing::warn!(path = %path.display(), %error, "the component could not be kept");
        }
    }

    /// Keeps the component for good. One that is there and was damaged is replaced.
    pub(crate) fn install_component(&self, binary: &Binary<'_>) -> Result<(), RegistryError> {
        let path = self.kept(binary.digest());
        self.write_component(binary, &path, true)
            .map_err(|error| RegistryError::Component {
                path,
                reason: format!("cannot be kept: {error}"),
            })
    }

    fn write_component(
        &self,
        binary: &Binary<'_>,
        path: &Path,
        durably: bool,
    ) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(self.inner.state.actions())?;
        std::io::Write::write_all(&mut file, binary.bytes())?;
        if durably {
            file.as_file().sync_all()?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn kept(&self, digest: &str) -> PathBuf {
        self.inner.state.actions().join(format!("{digest}.wasm"))
    }

    fn engine(&self) -> Result<Engine, LoadError> {
        if let Some(engine) = self.inner.engine.get() {
            return Ok(engine.clone());
        }
        let engine = Engine::new(self.inner.instances)?;
        Ok(self.inner.engine.get_or_init(|| engine).clone())
    }

    fn cache(&self) -> Result<&Cache, CacheError> {
        if let Some(cache) = self.inner.cache.get() {
            return Ok(cache);
        }
        let cache = Cache::open(&self.inner.code)?;
        Ok(self.inner.cache.get_or_init(|| cache))
    }

    pub(crate) fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.inner
            .shelf
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands actions' notes to `tracing`.
struct ToTracing;

impl Log for ToTracing {
    fn line(&self, level: tracing::Level, message: &str) {
        match level {
            tracing::Level::ERROR => tracing::error!(target: "tipstaff::action", "{message}"),
            tracing::Level::WARN => tracing::warn!(target: "tipstaff::action", "{message}"),
            tracing::Level::INFO => tracing::info!(target: "tipstaff::action", "{message}"),
            tracing::Level::DEBUG => tracing::debug!(target: "tipstaff::action", "{message}"),
            tracing::Level::TRACE => tracing::trace!(target: "tipstaff::action", "{message}"),
        }
    }
}
