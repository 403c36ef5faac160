//! The engine that all instances of a process share: how components are compiled, where instances live, and the clock
//! that interrupts a guest that computes.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::LoadError;

/// How often a guest that computes is interrupted, and its time counted.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// One a process: compiles components and holds the pool that instances live in. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    _ticker: Arc<Ticker>,
}

impl Engine {
    /// Instances for a process that runs many actions side by side.
    pub const MANY: u32 = 128;

    /// Reserves a pool for so many instances (at least one) and starts the clock. Each reserves address space, not
    /// memory, and some time: a pool for [`Self::MANY`] takes milliseconds.
    ///
    /// # Errors
    ///
    /// [`LoadError::Engine`] if the machine cannot reserve the address space or start a thread.
    pub fn new(instances: u32) -> Result<Self, LoadError> {
        let failed = |error: wasmtime::Error| LoadError::Engine(format!("{error:#}"));
        let inner = wasmtime::Engine::new(&config(instances.max(1))).map_err(failed)?;
        let ticker = Ticker::start(&inner).map_err(|error| LoadError::Engine(error.to_string()))?;
        Ok(Self {
            inner,
            _ticker: Arc::new(ticker),
        })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Which engine compiled code fits: another version, processor or setting gives another text.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        use std::hash::{Hash, Hasher};
        // `DefaultHasher` is not the same between versions of Rust; then the code is compiled anew, which is right.
        let mut hasher = std::hash::DefaultHasher::new();
        self.inner.precompile_compatibility_hash().hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

fn config(instances: u32) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances * 8)
        .total_memories(instances * 2)
        .total_tables(instances * 8)
        .total_stacks(instances * 4)
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        .max_core_instances_per_component(64)
        .table_elements(100_000)
        // A guest must never find what another left behind, and the kernel clears pages cheaper than we do.
        .linear_memory_keep_resident(0)
        .table_keep_resident(0);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        // What no action needs is off, so that a flaw in it is none of ours.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_component_model_error_context(false)
        .max_wasm_stack(512 * 1024)
        .async_stack_size(2 * 1024 * 1024);
    config
}

/// Advances the engine's epoch until the last engine is gone.
struct Ticker {
    stop: Arc<(std::sync::Mutex<bool>, std::sync::Condvar)>,
}

impl Ticker {
    fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let stop = Arc::new((std::sync::Mutex::new(false), std::sync::Condvar::new()));
        let (weak, signal) = (engine.weak(), Arc::clone(&stop));
        std::thread::Builder::new()
            .name("tipstaff-ticker".to_owned())
            .spawn(move || {
                let (stopped, condition) = &*signal;
                let mut guard = stopped
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                while !*guard {
                    let Some(engine) = weak.upgrade() else { return };
                    engine.increment_epoch();
                    drop(engine);
                    guard = match condition.wait_timeout(guard, TICK) {
                        Ok((guard, _)) => guard,
                        Err(poisoned) => poisoned.into_inner().0,
                    };
                }
            })?;
        Ok(Self { stop })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let (stopped, condition) = &*self.stop;
        *stopped
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = true;
        condition.notify_all();
    }
}
