//! A host: what a process opens once and runs actions with.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tipstaff_egress::Lanes;
use tipstaff_sandbox::{Action, Binary, Cache, CacheError, Engine, Limits, LoadError, Log};

use crate::enforcement::ledger::{Ledger, LedgerError};
use crate::enforcement::plan::Draft;
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
    code: PathBuf,
    engine: OnceLock<Engine>,
    cache: OnceLock<Cache>,
    bundled: Vec<Bundled>,
    instances: u32,
    loaded: Mutex<HashMap<String, Action>>,
}

/// An action that the program carries.
struct Bundled {
    name: String,
    component: &'static [u8],
    binary: OnceLock<Binary<'static>>,
}

impl Bundled {
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
            state,
            ledger,
            lanes: Lanes::new(),
            limits: self.limits,
            log: self.log.unwrap_or_else(|| Arc::new(ToTracing)),
            engine: OnceLock::new(),
            cache: OnceLock::new(),
            bundled: self.bundled,
            instances: self.instances,
            loaded: Mutex::default(),
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

    /// The names of the actions that the program carries.
    pub fn bundled(&self) -> impl Iterator<Item = &str> {
        self.inner.bundled.iter().map(|one| one.name.as_str())
    }

    /// Loads an action: the name of a bundled one, or the path of a component.
    ///
    /// # Errors
    ///
    /// There is none, or it is no action.
    pub async fn load(&self, action: impl AsRef<Path>) -> Result<Action, HostError> {
        let path = action.as_ref();
        let name = path.to_string_lossy();
        if let Some(bundled) = self.inner.bundled.iter().find(|one| one.name == name) {
            return self.load_binary(&name, bundled.binary()).await;
        }
        if path.extension().is_none_or(|extension| extension != "wasm")
            && path.components().count() < 2
        {
            let nearest =
                crate::connection::config::nearest(&name, self.bundled()).map(str::to_owned);
            return Err(HostError::NoSuchAction {
                name: name.into_owned(),
                nearest,
            });
        }
        let component = tokio::fs::read(path)
            .await
            .map_err(|source| HostError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        self.load_bytes(&name, &component).await
    }

    /// Loads an action from the bytes of its component. `name` is for messages.
    ///
    /// # Errors
    ///
    /// It is no action.
    pub async fn load_bytes(&self, name: &str, component: &[u8]) -> Result<Action, HostError> {
        self.load_binary(name, &Binary::of(component)).await
    }

    async fn load_binary(&self, name: &str, binary: &Binary<'_>) -> Result<Action, HostError> {
        if let Some(action) = self.loaded().get(binary.digest()) {
            return Ok(action.clone());
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
        self.loaded()
            .insert(binary.digest().to_owned(), action.clone());
        Ok(action)
    }

    /// Whether the program carries this very component.
    #[must_use]
    pub fn is_bundled(&self, action: &Action) -> bool {
        self.inner
            .bundled
            .iter()
            .any(|one| one.binary().digest() == action.digest())
    }

    /// Starts to plan a run of an action.
    #[must_use]
    pub fn plan(&self, action: &Action) -> Draft {
        Draft::new(self.clone(), action.clone())
    }

    /// The component that an earlier run used, which this host keeps for going on with it.
    pub(crate) async fn load_kept(&self, name: &str, digest: &str) -> Result<Action, HostError> {
        let path = self.inner.state.actions().join(format!("{digest}.wasm"));
        let component = tokio::fs::read(&path)
            .await
            .map_err(|source| HostError::Unreadable { path, source })?;
        let action = self.load_bytes(name, &component).await?;
        if action.digest() == digest {
            Ok(action)
        } else {
            Err(HostError::NoSuchAction {
                name: format!("{name} with digest {digest}"),
                nearest: None,
            })
        }
    }

    /// Keeps the component, so that a run can be gone on with when its file has changed. A failure costs no more than
    /// that, so it is only logged.
    fn keep_component(&self, binary: &Binary<'_>) {
        let folder = self.inner.state.actions();
        let path = folder.join(format!("{}.wasm", binary.digest()));
        if path.exists() {
            return;
        }
        let kept = tempfile::NamedTempFile::new_in(&folder).and_then(|mut file| {
            std::io::Write::write_all(&mut file, binary.bytes())?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        });
        if let Err(error) = kept {
            tracing::warn!(path = %path.display(), %error, "the component could not be kept");
        }
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

    fn loaded(&self) -> std::sync::MutexGuard<'_, HashMap<String, Action>> {
        self.inner
            .loaded
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
