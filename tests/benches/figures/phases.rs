//! How long the parts of a start took, from what the host traces with `took_us`.
//!
//! The one subscriber of the process; events without `took_us` are passed over.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Messages with their times in microseconds, in the order in which they came.
#[derive(Clone, Default)]
pub(crate) struct Phases(Arc<Mutex<Vec<(String, u128)>>>);

impl Phases {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, crate::Failed> {
        let phases = Self::default();
        tracing::subscriber::set_global_default(phases.clone())?;
        Ok(phases)
    }

    /// What was heard since the last time.
    pub(crate) fn take(&self) -> Vec<(String, u128)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Phases {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tipstaff") && metadata.fields().field("took_us").is_some()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((fields.message, fields.took_us));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    took_us: u128,
}

impl Visit for Fields {
    fn record_u128(&mut self, field: &Field, value: u128) {
        if field.name() == "took_us" {
            self.took_us = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
