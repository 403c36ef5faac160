//! Evaluates a program for one asset: which fields it sets, to what, and why not.
//!
//! Every expression gives a value or a [`Failure`]; a failure makes its alternative lose, and nothing else: neither
//! another field nor another asset.

mod condition;
mod date;
mod list;
mod number;
mod object;
mod text;
mod trace;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use tipstaff_asset::{Asset, FieldPath, Found, View};

use crate::diagnostic::Span;
use crate::evaluation::{Circumstances, Evaluation, Field, Randomness};
use crate::fault::{Failure, Fault};
use crate::functions::Function;
use crate::limits;
use crate::program::{Body, Node as Expression, Program, Set, What};
use crate::value::{Number, Value, date_of};

pub(crate) use date::unknown_code as unknown_date_code;
pub use trace::Node;

impl Program {
    /// Evaluates it for an asset.
    #[must_use]
    pub fn evaluate(
        &self,
        asset: &Asset,
        circumstances: &Circumstances,
        randomness: &mut dyn Randomness,
    ) -> Evaluation {
        Run::new(self, asset, circumstances, randomness, None)
            .evaluate()
            .0
    }

    /// The same, and tells what every part of the statement gave.
    #[must_use]
    pub fn explain(
        &self,
        asset: &Asset,
        circumstances: &Circumstances,
        randomness: &mut dyn Randomness,
    ) -> (Evaluation, Vec<Node>) {
        let seen = vec![None; self.nodes];
        let run = Run::new(self, asset, circumstances, randomness, Some(seen));
        let (evaluation, seen) = run.evaluate();
        let nodes = trace::nodes(self, seen.unwrap_or_default());
        (evaluation, nodes)
    }
}

type Outcome<'a> = Result<Value<'a>, Failure>;

/// What one node gave, for a trace.
type Seen = Result<(&'static str, Json), Fault>;

/// One evaluation under way.
struct Run<'a, 'r> {
    program: &'a Program,
    asset: &'a Asset,
    circumstances: &'r Circumstances,
    randomness: &'r mut dyn Randomness,
    steps: u64,
    seen: Option<Vec<Option<Seen>>>,
    failures: Vec<Failure>,
}

impl<'a, 'r> Run<'a, 'r> {
    fn new(
        program: &'a Program,
        asset: &'a Asset,
        circumstances: &'r Circumstances,
        randomness: &'r mut dyn Randomness,
        seen: Option<Vec<Option<Seen>>>,
    ) -> Self {
        Self {
            program,
            asset,
            circumstances,
            randomness,
            steps: 0,
            seen,
            failures: Vec::new(),
        }
    }

    fn evaluate(mut self) -> (Evaluation, Option<Vec<Option<Seen>>>) {
        let program = self.program;
        let mut fields = BTreeMap::new();
        let mut case = None;
        if let Some((kind, span)) = &program.kind
            && kind.as_ref() != self.asset.kind
        {
            let is = Arc::from(self.asset.kind.as_str());
            let wanted = Arc::clone(kind);
            self.failures
                .push(Fault::OtherKind { wanted, is }.at(*span));
            self.leave_all(&mut fields);
        } else {
            match &program.body {
                Body::All(sets) => self.set_all(sets, &mut fields),
                Body::Switch { subject, cases } => {
                    let subject_value = self.value(subject).ok();
                    case = cases
                        .iter()
                        .position(|case| self.holds(&case.condition, subject_value.as_ref()));
                    match case.and_then(|case| cases.get(case)) {
                        Some(case) => self.set_all(&case.sets, &mut fields),
                        None => {
                            self.failures.push(Fault::NoCase.at(Span::new(0, 0)));
                            self.leave_all(&mut fields);
                        }
                    }
                }
            }
        }
        let evaluation = Evaluation {
            fields,
            failures: self.failures,
            case,
        };
        (evaluation, self.seen)
    }

    fn leave_all(&self, fields: &mut BTreeMap<Arc<str>, Field>) {
        for set in self.program.sets() {
            fields.insert(Arc::clone(&set.target), Field::left());
        }
    }

    fn set_all(&mut self, sets: &'a [Set], fields: &mut BTreeMap<Arc<str>, Field>) {
        for set in sets {
            let field = self.set(set);
            fields.insert(Arc::clone(&set.target), field);
        }
    }

    /// The first alternative that has a value of the right type.
    fn set(&mut self, set: &'a Set) -> Field {
        let mut failures = Vec::new();
        for alternative in &set.alternatives {
            let given = self.value(alternative).and_then(|value| {
                self.given(set, alternative, &value)
                    .map_err(|fault| fault.at(alternative.span))
            });
            match given {
                Ok(field) => {
                    let shown = field.value.as_ref().map(|value| {
                        let shown = if field.secret {
                            trace::masked()
                        } else {
                            value.clone()
                        };
                        (field.type_name, shown)
                    });
                    self.see(set.id, || shown.ok_or(Fault::EmptyValue));
                    return field;
                }
                Err(failure) => failures.push(failure),
            }
        }
        if let Some(last) = failures.last() {
            let fault = last.fault.clone();
            self.see(set.id, || Err(fault));
        }
        self.failures.append(&mut failures);
        Field::left()
    }

    fn given(
        &self,
        set: &Set,
        alternative: &Expression,
        value: &Value<'a>,
    ) -> Result<Field, Fault> {
        if value.is_empty() {
            return Err(Fault::EmptyValue);
        }
        let (json, type_name) = match &set.field {
            Some(field) => {
                let json = field.take(value)?;
                let type_name = match (value, &json) {
                    (Value::Date(_), Json::String(_)) => "date",
                    (_, json) => Value::of_json(json).type_name(),
                };
                (json, type_name)
            }
            None => (value.json(), value.type_name()),
        };
        if Value::of_json(&json).is_empty() {
            return Err(Fault::EmptyValue);
        }
        Ok(Field {
            value: Some(json),
            type_name,
            secret: alternative.secret || set.field.as_ref().is_some_and(|field| field.is_secret()),
        })
    }

    /// What an expression gives.
    fn value(&mut self, node: &'a Expression) -> Outcome<'a> {
        let outcome = match &node.what {
            What::Constant(value) => Ok(borrowed(value)),
            What::Word(text) | What::Pattern { text, .. } | What::Networks { text, .. } => {
                Ok(Value::text(text.as_ref()))
            }
            What::Columns(_) => Ok(Value::Null),
            What::Nothing(fault) => Err(fault.clone().at(node.span)),
            What::Field { path, is_date } => self
                .field(path, *is_date)
                .map_err(|fault| fault.at(node.span)),
            What::Call {
                function,
                arguments,
            } => self.call(*function, arguments, node.span),
        };
        if self.seen.is_some() {
            let seen = match &outcome {
                Ok(value) if node.secret => Ok((value.type_name(), trace::masked())),
                Ok(value) => Ok((value.type_name(), value.json())),
                Err(failure) => Err(failure.fault.clone()),
            };
            self.see(node.id, || seen);
        }
        outcome
    }

    fn see(&mut self, id: usize, seen: impl FnOnce() -> Seen) {
        if let Some(place) = self.seen.as_mut().and_then(|all| all.get_mut(id)) {
            *place = Some(seen());
        }
    }

    fn field(&mut self, path: &'a FieldPath, is_date: bool) -> Result<Value<'a>, Fault> {
        match path.find(self.asset) {
            None => Err(Fault::Empty),
            Some(Found::One(view)) => {
                let value = of_view(view, is_date);
                if value == Value::Null {
                    return Err(Fault::Empty);
                }
                Ok(value)
            }
            Some(Found::List(views)) => {
                self.step(views.len())?;
                let mut members = Vec::with_capacity(views.len());
                for view in views {
                    match of_view(view, is_date) {
                        Value::Null if self.circumstances.ignore_empty => {}
                        Value::Null => return Err(Fault::EmptyMember),
                        value => members.push(value),
                    }
                }
                Ok(Value::List(members))
            }
        }
    }

    fn call(&mut self, function: Function, arguments: &'a [Expression], span: Span) -> Outcome<'a> {
        use Function as F;
        let here = |fault: Fault| fault.at(span);
        match function {
            F::Add | F::Divide | F::Multiply | F::Subtract => self.arithmetic(function, arguments),
            F::Average | F::Max | F::Min | F::MultiplyArrayValues | F::Sum => {
                self.over_numbers(function, arguments)
            }
            F::ToInt => self.whole_numbers(arguments),
            F::Concat | F::Join => self.one_text(function, arguments),
            F::TitleCase | F::ToLower | F::ToUpper | F::Substring | F::Split | F::StartsWith => {
                self.of_text(function, arguments)
            }
            F::RegexExtract | F::RegexReplace => self.by_regex(function, arguments),
            F::GenerateString => self
                .generate_string(arguments)
                .map_err(|error| match error {
                    text::NotGenerated::Argument(failure) => failure,
                    text::NotGenerated::Here(fault) => here(fault),
                }),
            F::Array | F::ConcatArray | F::ConcatPrefix | F::Count | F::Unique => {
                self.of_lists(function, arguments, span)
            }
            F::Filter => self.filter(arguments),
            F::ByKey
            | F::FilterByKey
            | F::FilterByKeyWithOperator
            | F::FilterValueByKeyWithOperator => self.of_objects(function, arguments, span),
            F::ToTable => self.table(arguments, span),
            F::DateFormat | F::ToDate => self.of_date(function, arguments),
            F::Now => Ok(Value::Date(self.circumstances.now.as_millisecond())),
        }
    }

    /// Counts work, so that no asset keeps a run busy.
    fn step(&mut self, members: usize) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(members as u64 + 1);
        if self.steps > limits::STEPS {
            return Err(Fault::TooManySteps);
        }
        Ok(())
    }

    /// Bounds a text that a function made.
    fn made(&mut self, text: String) -> Result<Value<'a>, Fault> {
        self.step(text.len() / 1024)?;
        if text.len() > limits::TEXT_BYTES {
            return Err(Fault::TextTooLong);
        }
        Ok(Value::text(text))
    }

    /// A text argument; of a list the first member.
    fn text(&mut self, node: &'a Expression) -> Result<Cow<'a, str>, Failure> {
        let value = self.value(node)?;
        let value = match value {
            Value::List(members) => match members.into_iter().next() {
                Some(first) => first,
                None => return Err(Fault::EmptyList.at(node.span)),
            },
            value => value,
        };
        match value {
            Value::Text(text) => {
                self.step(text.len() / 1024)
                    .map_err(|fault| fault.at(node.span))?;
                Ok(text)
            }
            other => Err(Fault::NotOfType {
                wanted: "a text",
                found: other.type_name(),
            }
            .at(node.span)),
        }
    }

    fn whole(&mut self, node: &'a Expression) -> Result<i64, Failure> {
        match self.value(node)? {
            Value::Number(Number::Whole(whole)) => Ok(whole),
            other => Err(Fault::NotOfType {
                wanted: "a whole number",
                found: other.type_name(),
            }
            .at(node.span)),
        }
    }

    /// A list argument; a single value is a list of one.
    fn list(&mut self, node: &'a Expression) -> Result<Vec<Value<'a>>, Failure> {
        let members = match self.value(node)? {
            Value::List(members) => members,
            single => vec![single],
        };
        self.step(members.len())
            .map_err(|fault| fault.at(node.span))?;
        Ok(members)
    }
}

/// A constant without copying its texts.
fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Text(text) => Value::text(text.as_ref()),
        Value::List(members) => Value::List(members.iter().map(borrowed).collect()),
        other => other.clone(),
    }
}

fn of_view(view: View<'_>, is_date: bool) -> Value<'_> {
    match view {
        View::Null => Value::Null,
        View::Bool(value) => Value::Bool(value),
        View::Number(number) => match Number::of_json(number) {
            Some(number) if is_date => match tipstaff_asset::date::of_value(&number.json()) {
                Some(moment) => Value::Date(moment.as_millisecond()),
                None => Value::Number(number),
            },
            Some(number) => Value::Number(number),
            None => Value::Null,
        },
        View::Text(text) => Value::text(text),
        View::List(members) => Value::List(members.iter().map(Value::of_json).collect()),
        View::Object(members) => Value::Object(members),
    }
}

/// What a value is as a date: texts in data may be dates.
fn as_date(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Date(at) => Some(*at),
        Value::Text(text) => date_of(text),
        _ => None,
    }
}

/// A value inside a text: numbers without `.0`, dates as RFC 3339.
fn text_of<'v>(value: &'v Value<'_>) -> Result<Cow<'v, str>, Fault> {
    match value {
        Value::Text(text) => Ok(Cow::Borrowed(text)),
        Value::Number(number) => Ok(Cow::Owned(number.text())),
        Value::Bool(value) => Ok(Cow::Borrowed(if *value { "true" } else { "false" })),
        Value::Date(at) => crate::value::date_text(*at)
            .map(Cow::Owned)
            .ok_or(Fault::DateOutOfRange),
        Value::Null | Value::List(_) | Value::Object(_) => Err(Fault::NotOfType {
            wanted: "a text or a number",
            found: value.type_name(),
        }),
    }
}
