//! Which connection and which settings each asset has: as a statement computes them, or as an earlier run had them.
//!
//! ```text
//! asset ─ statement ─▸ fields ─┬ adapter_connection ─▸ connection
//!                              └ the others over the run's settings, held against the form ─▸ settings
//! ```
//!
//! Nothing here reaches a service or makes a connection of an asset's data: a statement chooses among connections that
//! the operator described.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tipstaff_asset::Asset;
use tipstaff_dynamic::{Circumstances, Diagnostics, Form, Program, Statement};
use tipstaff_sandbox::AddsAsset;

use super::spool::{Old, SpoolError};
use crate::schema;

/// The field of every form that chooses the connection.
const CONNECTION: &str = "adapter_connection";

/// So many different settings are remembered as held against the form; beyond that they are held again.
const MOST_REMEMBERED: usize = 4_096;

/// So many reasons of fall-backs are told apart.
const MOST_REASONS: usize = 20;

/// A statement that computes fields of an action's form for each asset, and how it is evaluated.
#[derive(Clone, Debug)]
pub struct DynamicValues {
    statement: String,
    circumstances: Circumstances,
    fail_on_fallback: bool,
}

impl DynamicValues {
    /// Takes a statement. `now` is what it sees of the time.
    #[must_use]
    pub fn new(statement: impl Into<String>, now: Timestamp) -> Self {
        Self {
            statement: statement.into(),
            circumstances: Circumstances::at(now),
            fail_on_fallback: false,
        }
    }

    /// Whether an asset fails for which a field falls back to its static value. By default it does not, and the outcome
    /// says so.
    #[must_use]
    pub fn fail_on_fallback(mut self, fail: bool) -> Self {
        self.fail_on_fallback = fail;
        self
    }

    /// Whether lists keep their nulls, so that a list that has one has no value. By default nulls are passed over.
    #[must_use]
    pub fn keep_empty_values(mut self, keep: bool) -> Self {
        self.circumstances.ignore_empty = !keep;
        self
    }

    /// What a plan says of it. The time is not in it: what it makes of the assets is.
    pub(crate) fn describe(&self) -> Value {
        json!({
            "statement": self.statement,
            "fail_on_fallback": self.fail_on_fallback,
            "keep_empty_values": !self.circumstances.ignore_empty,
        })
    }
}

/// Why a statement cannot be used for a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// It is none, or does not fit the form.
    #[error("the statement cannot be used: {0}")]
    Mistaken(Diagnostics),
    /// It makes secrets.
    #[error("the statement generates a secret, and an action would hold it in clear")]
    Secret,
    /// The action's schema cannot be used.
    #[error("the action's form cannot be used: {0}")]
    Form(String),
}

impl StatementError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Mistaken(mistakes) => mistakes.first()?.hint.clone(),
            Self::Secret => Some("leave `generate_string` out".to_owned()),
            Self::Form(_) => None,
        }
    }
}

/// Where an asset goes, and with what.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// The connection, if it is not the run's.
    pub(crate) connection: Option<Arc<str>>,
    /// The settings as JSON, if they are not the run's.
    pub(crate) settings: Option<Arc<str>>,
    /// Members for the evidence of its outcome: `"connection":"eu","fallback":["max_tries"]`.
    pub(crate) mark: Option<String>,
    /// Why it is not acted on.
    pub(crate) refusal: Option<String>,
    /// Whether a field fell back.
    pub(crate) fell_back: bool,
}

/// Gives each asset its route.
pub(crate) enum Routes {
    /// All have the run's.
    One,
    Computed(Box<Computed>),
    /// Those of the run that this is a second try of.
    Earlier(Old),
}

impl Routes {
    pub(crate) fn of(&mut self, asset: &Asset) -> Result<Option<Route>, SpoolError> {
        match self {
            Self::One => Ok(None),
            Self::Computed(computed) => Ok(Some(computed.route(asset))),
            Self::Earlier(old) => old.route(asset.id.as_str()),
        }
    }

    /// What is probably not meant.
    pub(crate) fn warnings(&self) -> Vec<String> {
        match self {
            Self::Computed(computed) => computed.warnings(),
            Self::One | Self::Earlier(_) => Vec::new(),
        }
    }

    /// Why fields fell back, and for how many assets.
    pub(crate) fn reasons(&self) -> BTreeMap<String, u64> {
        match self {
            Self::Computed(computed) => computed.reasons.clone(),
            Self::One | Self::Earlier(_) => BTreeMap::new(),
        }
    }
}

/// A statement over an action's form.
pub(crate) struct Computed {
    program: Program,
    values: DynamicValues,
    base: Map<String, Value>,
    base_text: String,
    form: Value,
    checker: schema::Checker,
    connection: Arc<str>,
    chooses_connection: bool,
    /// Settings by the fields that were computed; none if the form does not allow them.
    remembered: HashMap<String, Option<Arc<str>>>,
    reasons: BTreeMap<String, u64>,
}

impl Computed {
    /// Checks the statement against the form. `settings` are the run's; `names` are the connections that it may choose,
    /// of which `connection` is the run's. Settings that add assets to a run are none of an asset.
    pub(crate) fn new(
        values: DynamicValues,
        (form, adding): (&Value, &[AddsAsset]),
        settings: &Map<String, Value>,
        connection: &str,
        names: Vec<String>,
    ) -> Result<Self, StatementError> {
        let fields = Form::from_schema(form).and_connection(Some(names));
        let adding = adding.iter().map(|adds| adds.setting.as_str());
        let fields = adding.fold(fields, Form::without);
        let program = Statement::parse(&values.statement)
            .map_err(Diagnostics::from)
            .and_then(|statement| statement.check(Some(&fields)))
            .map_err(StatementError::Mistaken)?;
        if program.makes_secrets() {
            return Err(StatementError::Secret);
        }
        let chooses_connection = program.targets().contains(&CONNECTION);
        Ok(Self {
            program,
            values,
            base: settings.clone(),
            base_text: Value::Object(settings.clone()).to_string(),
            form: form.clone(),
            checker: schema::Checker::new(form).map_err(StatementError::Form)?,
            connection: Arc::from(connection),
            chooses_connection,
            remembered: HashMap::new(),
            reasons: BTreeMap::new(),
        })
    }

    /// What is probably not meant.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.program.warnings().iter();
        warnings
            .map(|one| format!("the statement: {one}"))
            .collect()
    }

    fn route(&mut self, asset: &Asset) -> Route {
        let evaluation = self
            .program
            .evaluate(asset, &self.values.circumstances, &mut ());
        for trouble in evaluation.troubles(&self.program) {
            self.count(trouble.to_string());
        }
        let mut route = Route::default();
        let mut fallback = Vec::new();
        let mut computed = Map::new();
        for (name, field) in evaluation.fields() {
            match field.value() {
                None => fallback.push(name.to_owned()),
                Some(value) if name == CONNECTION => {
                    let chosen = value.as_str().filter(|chosen| **chosen != *self.connection);
                    route.connection = chosen.map(Arc::from);
                }
                Some(value) => drop(computed.insert(name.to_owned(), value.clone())),
            }
        }
        if self.values.fail_on_fallback {
            route.refusal = evaluation.complaint(&self.program);
        }
        if !computed.is_empty() {
            let names: Vec<String> = computed.keys().cloned().collect();
            match self.settings(computed) {
                Some(settings) if *settings == *self.base_text => {}
                Some(settings) => route.settings = Some(settings),
                None => {
                    const REASON: &str = "the form does not allow these values together";
                    self.count(format!("{}: {REASON}", names.join(", ")));
                    if self.values.fail_on_fallback {
                        route.refusal.get_or_insert_with(|| {
                            format!(
                                "Dynamic value processing error - Action failed. Details: [{REASON}]"
                            )
                        });
                    }
                    fallback.extend(names);
                }
            }
        }
        route.fell_back = !fallback.is_empty();
        let mut members = Vec::new();
        if self.chooses_connection {
            let name = route.connection.as_ref().unwrap_or(&self.connection);
            members.push(format!("\"connection\":{}", Value::from(name.as_ref())));
        }
        if route.fell_back {
            members.push(format!("\"fallback\":{}", Value::from(fallback)));
        }
        route.mark = (!members.is_empty()).then(|| members.join(","));
        route
    }

    /// The run's settings with the computed ones over them, if the form allows them.
    fn settings(&mut self, computed: Map<String, Value>) -> Option<Arc<str>> {
        let key = Value::Object(computed).to_string();
        if let Some(known) = self.remembered.get(&key) {
            return known.clone();
        }
        let mut settings = Value::Object(self.base.clone());
        let computed: Map<String, Value> = serde_json::from_str(&key).unwrap_or_default();
        for (name, value) in computed {
            place(&mut settings, &self.form, &name, value);
        }
        let allowed = self.checker.allows(&settings);
        let settings = allowed.then(|| Arc::from(settings.to_string()));
        if self.remembered.len() >= MOST_REMEMBERED {
            self.remembered.clear();
        }
        self.remembered.insert(key, settings.clone());
        settings
    }

    fn count(&mut self, reason: String) {
        if let Some(count) = self.reasons.get_mut(&reason) {
            *count += 1;
        } else if self.reasons.len() < MOST_REASONS {
            self.reasons.insert(reason, 1);
        }
    }
}

/// Sets a field, which may be one of an inner object: `field_date.specific`.
fn place(settings: &mut Value, form: &Value, name: &str, value: Value) {
    let is_own = schema::members(form).any(|member| member == name);
    let mut at = settings;
    let mut steps: Vec<&str> = if is_own {
        vec![name]
    } else {
        name.split('.').collect()
    };
    let last = steps.pop().unwrap_or(name);
    for step in steps {
        let Value::Object(members) = at else { return };
        at = members
            .entry(step)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(members) = at {
        members.insert(last.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use super::*;

    fn form() -> Value {
        json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "tries": {"type": "integer", "minimum": 1, "maximum": 20, "default": 6},
                "reason": {"type": "string", "pattern": "^[a-z]+$"},
                "when": {"type": "object", "properties": {"on": {"type": "string"}}}
            }
        })
    }

    fn computed(values: DynamicValues) -> Result<Computed, StatementError> {
        let settings = Map::from_iter([("tries".to_owned(), json!(6))]);
        let names = vec!["eu".to_owned(), "us".to_owned()];
        Computed::new(values, (&form(), &[]), &settings, "eu", names)
    }

    fn values(statement: &str) -> DynamicValues {
        DynamicValues::new(statement, "2026-11-24T08:00:00Z".parse().unwrap())
    }

    fn route(statement: &str, data: Value) -> Route {
        computed(values(statement)).unwrap().route(&user(data))
    }

    fn user(data: Value) -> Asset {
        serde_json::from_value(json!({"id": "a", "adapters": [{"adapter": "gui", "data": data}]}))
            .unwrap()
    }

    #[test]
    fn computed_fields_lie_over_the_settings_of_the_run() {
        let route = route(
            "user all then form.tries set_value [user.custom.n] also form.when.on set_value \"x\"",
            json!({"custom_n": 3}),
        );
        let settings = route.settings.unwrap();
        assert_eq!(&*settings, r#"{"tries":3,"when":{"on":"x"}}"#);
        assert!(route.mark.is_none() && !route.fell_back && route.connection.is_none());
    }

    #[test]
    fn an_asset_goes_to_the_connection_that_was_chosen() {
        let text = "user all then form.adapter_connection set_value [user.custom.c]";
        let to_us = route(text, json!({"custom_c": "us"}));
        assert_eq!(to_us.connection.as_deref(), Some("us"));
        assert_eq!(to_us.mark.as_deref(), Some(r#""connection":"us""#));
        let to_eu = route(text, json!({"custom_c": "eu"}));
        assert_eq!((to_eu.connection, to_eu.fell_back), (None, false));
        let lost = route(text, json!({"custom_c": "evil.example"}));
        assert_eq!(lost.connection, None);
        assert_eq!(
            lost.mark.as_deref(),
            Some(r#""connection":"eu","fallback":["adapter_connection"]"#)
        );
    }

    #[test]
    fn what_the_form_does_not_allow_falls_back() {
        let text = "user all then form.reason set_value [user.custom.r] or [user.custom.s]";
        let mut computed = computed(values(text)).unwrap();
        let good = computed.route(&user(json!({"custom_r": "left"})));
        assert!(good.settings.unwrap().contains("left"));
        let bad = computed.route(&user(json!({"custom_r": "LEFT"})));
        assert!(bad.settings.is_none() && bad.fell_back);
        assert!(
            computed
                .reasons
                .keys()
                .any(|reason| reason.contains("does not allow"))
        );
        assert!(
            !computed
                .reasons
                .keys()
                .any(|reason| reason.contains("LEFT"))
        );
    }

    #[test]
    fn an_asset_that_falls_back_can_be_refused() {
        let strict =
            values("user all then form.tries set_value [user.custom.n]").fail_on_fallback(true);
        let mut computed = computed(strict).unwrap();
        let refusal = computed.route(&user(json!({}))).refusal.unwrap();
        assert!(
            refusal.starts_with("Dynamic value processing error"),
            "{refusal}"
        );
        assert!(
            computed
                .route(&user(json!({"custom_n": 2})))
                .refusal
                .is_none()
        );
        assert_eq!(computed.reasons.values().sum::<u64>(), 1);
    }

    #[test]
    fn a_statement_that_does_not_fit_is_refused() {
        let error = |text: &str| computed(values(text)).map(drop).unwrap_err().to_string();
        assert!(error("user all then form.batch set_value 1").contains("no field `batch`"));
        assert!(error("user al").contains("line 1, column 6"));
        assert!(
            error("user all then form.adapter_connection set_value \"cn\"")
                .contains("does not take")
        );
        assert!(error("user all then form.reason set_value generate_string()").contains("secret"));
    }
}
