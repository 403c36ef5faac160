//! What is handed to an evaluation, and what comes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use crate::diagnostic::Place;
use crate::fault::Failure;
use crate::program::Program;

/// What a statement is evaluated under, beside the asset.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// What `now()` gives.
    pub now: Timestamp,
    /// Whether nulls in lists are passed over. If not, a list that has one has no value.
    pub ignore_empty: bool,
}

impl Circumstances {
    /// The usual ones, at a time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            ignore_empty: true,
        }
    }
}

/// Where `generate_string` has its randomness from. `()` has none.
pub trait Randomness {
    /// Fills `bytes`, unpredictably.
    ///
    /// # Errors
    ///
    /// There is none; then the function has no value.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// There is no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

impl Randomness for () {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), NoRandomness> {
        Err(NoRandomness)
    }
}

/// What came of a statement for one asset.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub(crate) fields: BTreeMap<Arc<str>, Field>,
    /// Why a field has its static value: in the order of the text.
    pub(crate) failures: Vec<Failure>,
    /// Which case held, counted from 0.
    pub(crate) case: Option<usize>,
}

/// What came of one field.
#[derive(Clone, PartialEq)]
pub struct Field {
    pub(crate) value: Option<Json>,
    pub(crate) type_name: &'static str,
    pub(crate) secret: bool,
}

/// Why a field has its static value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Which part of the statement has no value.
    #[serde(flatten)]
    pub place: Place,
    /// Why. Holds no data of the asset.
    pub message: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Evaluation {
    /// The fields that the statement sets for this asset, or would have set, by their names without `form.`.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.fields
            .iter()
            .map(|(name, field)| (name.as_ref(), field))
    }

    /// The value that a field was given. None if it keeps its static value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Json> {
        self.fields.get(name)?.value.as_ref()
    }

    /// Whether any field keeps its static value although the statement was to set it.
    #[must_use]
    pub fn fell_back(&self) -> bool {
        self.fields.values().any(Field::is_fallback)
    }

    /// Which case held, counted from 0. None for a statement without cases.
    #[must_use]
    pub fn case(&self) -> Option<usize> {
        self.case
    }

    /// Why an asset for which a field fell back is not acted on, where that is wanted: the words of the product, with the
    /// places and reasons. None if nothing fell back.
    #[must_use]
    pub fn complaint(&self, program: &Program) -> Option<String> {
        if !self.fell_back() {
            return None;
        }
        let troubles = self.troubles(program);
        let details: Vec<String> = troubles.iter().map(ToString::to_string).collect();
        Some(format!(
            "Dynamic value processing error - Action failed. Details: [{}]",
            details.join("; ")
        ))
    }

    /// Why fields keep their static value. `program` is what was evaluated.
    #[must_use]
    pub fn troubles(&self, program: &Program) -> Vec<Trouble> {
        let mut troubles: Vec<Trouble> = Vec::new();
        for failure in &self.failures {
            let trouble = Trouble {
                place: Place::of(&program.text, failure.span.start),
                message: failure.fault.to_string(),
            };
            if !troubles.contains(&trouble) {
                troubles.push(trouble);
            }
        }
        troubles
    }
}

impl Field {
    /// One that keeps its static value.
    pub(crate) fn left() -> Self {
        Self {
            value: None,
            type_name: "null",
            secret: false,
        }
    }

    /// The value that it was given. None if it keeps its static value.
    #[must_use]
    pub fn value(&self) -> Option<&Json> {
        self.value.as_ref()
    }

    /// Whether it keeps its static value.
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        self.value.is_none()
    }

    /// The word for what its value is: `null` if it keeps its static value.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Whether its value may be shown to nobody.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Field");
        if self.secret {
            shown.field("value", &"(secret)");
        } else {
            shown.field("value", &self.value);
        }
        shown.field("type", &self.type_name).finish()
    }
}
