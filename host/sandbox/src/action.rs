//! An action that is ready to run: read, compiled or taken from the cache, linked, and described by itself.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};

use crate::cache::Cache;
use crate::contract::v0_1;
use crate::engine::Engine;
use crate::inspect::{Inspection, NotAnAction, inspect};
use crate::limits::{ComponentLimits, Limits};
use crate::manifest::{Manifest, ManifestFault, ManifestParts};
use crate::run::{Cut, Log, cause};
use crate::store::{Behind, State, store};

/// A component that holds to the contract's form. Cheap to clone; each run gets an instance of its own.
#[derive(Clone)]
pub struct Action {
    pub(crate) engine: Engine,
    pub(crate) pre: v0_1::ActionPre<State>,
    pub(crate) codes: Arc<HashSet<String>>,
    manifest: Arc<Manifest>,
    inspection: Arc<Inspection>,
    digest: Arc<str>,
    compile_time: Duration,
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Action")
            .field("name", &self.manifest.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// Why an action cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine could not be started.
    #[error("the WebAssembly engine could not be started: {0}")]
    Engine(String),
    /// The file is no action.
    #[error("{0}")]
    NotAnAction(#[from] NotAnAction),
    /// It could not say what it is.
    #[error("its `describe` failed: {0}")]
    Describe(Cut),
    /// Its manifest does not hold together.
    #[error("its manifest is refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Manifest(Vec<ManifestFault>),
}

impl LoadError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAnAction(reason) => reason.hint(),
            Self::Engine(_) => Some("the address space may be limited (`ulimit -v`)"),
            Self::Describe(_) | Self::Manifest(_) => {
                Some("this is the action's fault: tell its author")
            }
        }
    }
}

/// A component's bytes and their digest, hashed once.
#[derive(Clone)]
pub struct Binary<'a> {
    bytes: Cow<'a, [u8]>,
    digest: Arc<str>,
}

impl<'a> Binary<'a> {
    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        use std::fmt::Write;
        let bytes = bytes.into();
        let digest =
            Sha256::digest(&bytes)
                .iter()
                .fold(String::with_capacity(64), |mut text, byte| {
                    // Writing to a string has no error.
                    let _ = write!(text, "{byte:02x}");
                    text
                });
        Self {
            bytes,
            digest: digest.into(),
        }
    }

    /// What was hashed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the bytes, in hexadecimal digits: what an approval is pinned to.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl std::fmt::Debug for Binary<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Binary").field(&self.digest).finish()
    }
}

impl Action {
    /// Reads `binary` as an action. Compiles it if `cache` does not have its code; that takes some tenths of a second
    /// and runs on a thread of its own.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: what is wrong with the component.
    pub async fn load(
        engine: &Engine,
        cache: Option<&Cache>,
        binary: &Binary<'_>,
        log: Arc<dyn Log>,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        let began = Instant::now();
        let inspection = inspect(binary.bytes(), &ComponentLimits::default())?;
        let digest = Arc::clone(&binary.digest);
        tracing::debug!(
            took_us = began.elapsed().as_micros(),
            "the component inspected"
        );
        let began = Instant::now();
        let (component, compile_time) = match cache.and_then(|cache| cache.load(engine, &digest)) {
            Some(found) => {
                tracing::debug!(
                    took_us = began.elapsed().as_micros(),
                    "its code taken from the cache"
                );
                found
            }
            None => {
                let component = compile(engine, binary.bytes().to_vec()).await?;
                let took = began.elapsed();
                if let Some(cache) = cache {
                    cache.store(engine, &digest, &component, took);
                }
                tracing::debug!(
                    took_us = began.elapsed().as_micros(),
                    "the component compiled"
                );
                (component, took)
            }
        };
        let began = Instant::now();
        let unlinkable = |error: wasmtime::Error| NotAnAction::Uncompilable(format!("{error:#}"));
        let pre = linker(engine)
            .and_then(|linker| linker.instantiate_pre(&component))
            .and_then(v0_1::ActionPre::new)
            .map_err(unlinkable)?;
        tracing::debug!(took_us = began.elapsed().as_micros(), "its imports linked");
        let began = Instant::now();
        let manifest = Manifest::check(describe(engine, &pre, log, limits).await?)
            .map_err(LoadError::Manifest)?;
        tracing::debug!(
            took_us = began.elapsed().as_micros(),
            "its manifest asked for and checked"
        );
        let codes = manifest
            .outcome_codes
            .iter()
            .map(|code| code.code.clone())
            .collect();
        Ok(Self {
            engine: engine.clone(),
            pre,
            codes: Arc::new(codes),
            manifest: Arc::new(manifest),
            inspection: Arc::new(inspection),
            digest,
            compile_time,
        })
    }

    /// What the action says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the component is from its outside.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// How long it took to compile, when that was done.
    #[must_use]
    pub fn compile_time(&self) -> Duration {
        self.compile_time
    }

    /// The SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

async fn compile(engine: &Engine, bytes: Vec<u8>) -> Result<Component, NotAnAction> {
    let engine = engine.clone();
    let compiled =
        tokio::task::spawn_blocking(move || Component::new(engine.wasmtime(), bytes)).await;
    match compiled {
        Ok(Ok(component)) => Ok(component),
        Ok(Err(error)) => Err(NotAnAction::Uncompilable(format!("{error:#}"))),
        Err(_) => Err(NotAnAction::Uncompilable(
            "the compiler stopped with a bug of its own".to_owned(),
        )),
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    // Which of these a component may name at all, `inspect` has judged: no sockets, no file system of 0.3.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::clocks::add_to_linker(&mut linker)?;
    wasmtime_wasi::p3::random::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    v0_1::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Calls `describe` with nothing behind the imports.
async fn describe(
    engine: &Engine,
    pre: &v0_1::ActionPre<State>,
    log: Arc<dyn Log>,
    limits: &Limits,
) -> Result<ManifestParts, LoadError> {
    let behind = Behind::nothing(log, limits);
    let gate = Arc::clone(&behind.log);
    let work = async {
        let began = Instant::now();
        let mut store = store(engine, behind, limits);
        let instance = pre.instantiate_async(&mut store).await?;
        tracing::debug!(took_us = began.elapsed().as_micros(), "an instance started");
        store
            .run_concurrent(async move |accessor| {
                instance
                    .tipstaff_action_enforcement()
                    .call_describe(accessor)
                    .await
            })
            .await?
    };
    match tokio::time::timeout(limits.describe, work).await {
        Ok(Ok(manifest)) => Ok(manifest.into()),
        Ok(Err(error)) => Err(LoadError::Describe(cause(&error, &gate))),
        Err(_) => Err(LoadError::Describe(Cut::Limit(format!(
            "it took longer than {:?}",
            limits.describe
        )))),
    }
}
