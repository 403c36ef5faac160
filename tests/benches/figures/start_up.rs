//! What a start costs: compiling a component, taking its code from the cache, starting an instance.

use std::sync::Arc;
use std::time::Instant;

use revoke_user_sessions_component::COMPONENT;
use tipstaff_sandbox::{Action, Binary, Cache, Engine, Limits, Log};

use crate::phases::Phases;
use crate::table::{median, millis, print};
use crate::{Failed, row, tenant};

const ROUNDS: usize = 100;
const COMPILATIONS: usize = 5;

struct Silent;

impl Log for Silent {
    fn line(&self, _: tracing::Level, _: &str) {}
}

pub(crate) fn measure() -> Result<(), Failed> {
    let phases = Phases::listen()?;
    let folder = tenant::folder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (engines, compiled, cached) = runtime.block_on(async {
        let limits = Limits::default();
        let cache = Cache::open(&folder.path().join("code"))?;
        let (mut engines, mut compiled, mut cached) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let began = Instant::now();
            let engine = Engine::new(Engine::MANY)?;
            engines.push(millis(began.elapsed()));
            let load = async |cache| {
                let began = Instant::now();
                Action::load(
                    &engine,
                    cache,
                    &Binary::of(COMPONENT),
                    Arc::new(Silent),
                    &limits,
                )
                .await?;
                Ok::<_, Failed>(millis(began.elapsed()))
            };
            if round < COMPILATIONS {
                compiled.push(load(None).await?);
            }
            let time = load(Some(&cache)).await?;
            // The first one fills the cache.
            if round > 0 {
                cached.push(time);
            }
        }
        Ok::<_, Failed>((engines, compiled, cached))
    })?;
    let traced = phases.take();
    let started = |message: &str| {
        let times = traced.iter().filter(|(what, _)| what == message);
        median(times.map(|(_, us)| *us as f64 / 1_000.0).collect())
    };
    let ms = |value: f64| format!("{value:.3} ms");
    print(
        "Starting (medians)",
        &[
            row!["what", "time"],
            row!["start an engine, with its pool", ms(median(engines))],
            row![
                format!(
                    "compile the component ({} KiB), check and describe it",
                    COMPONENT.len() / 1024
                ),
                ms(median(compiled))
            ],
            row![
                "take its code from the cache, check and describe it",
                ms(median(cached))
            ],
            row![
                "… of that, start an instance",
                ms(started("an instance started"))
            ],
        ],
    );
    Ok(())
}
