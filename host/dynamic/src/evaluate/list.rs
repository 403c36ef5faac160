//! Lists: made, counted, filtered.

use std::collections::HashSet;

use regex::Regex;

use super::{Outcome, Run, as_date, text_of};
use crate::diagnostic::Span;
use crate::fault::{Failure, Fault};
use crate::functions::Function;
use crate::limits;
use crate::program::Node;
use crate::value::{Number, Value};

impl<'a> Run<'a, '_> {
    pub(super) fn of_lists(
        &mut self,
        function: Function,
        arguments: &'a [Node],
        span: Span,
    ) -> Outcome<'a> {
        match (function, arguments) {
            (Function::Count, [list]) => {
                let count = self
                    .list(list)?
                    .iter()
                    .filter(|m| **m != Value::Null)
                    .count();
                Ok(Value::Number(Number::Whole(
                    i64::try_from(count).unwrap_or(i64::MAX),
                )))
            }
            (Function::Unique, [list]) => match self.value(list)? {
                Value::List(members) => {
                    self.step(members.len()).map_err(|fault| fault.at(span))?;
                    let mut seen = HashSet::with_capacity(members.len());
                    Ok(Value::List(
                        members
                            .into_iter()
                            .filter(|m| seen.insert(identity(m)))
                            .collect(),
                    ))
                }
                // `unique(count(…))` is written, and means what it says.
                single => Ok(single),
            },
            (Function::ConcatPrefix, [prefix, list]) => {
                let prefix = self.text(prefix)?;
                let members = self.list(list)?;
                let mut bytes = 0;
                let mut prefixed = Vec::with_capacity(members.len());
                for member in &members {
                    let text = text_of(member).map_err(|fault| fault.at(list.span))?;
                    bytes += prefix.len() + text.len();
                    if bytes > limits::TEXT_BYTES {
                        return Err(Fault::TextTooLong.at(span));
                    }
                    prefixed.push(Value::text(format!("{prefix}{text}")));
                }
                self.made_list(prefixed).map_err(|fault| fault.at(span))
            }
            // `array` and `concat_array`: single values are lists of one.
            (_, arguments) => {
                let mut all = Vec::new();
                for node in arguments {
                    let mut members = self.list(node)?;
                    all.append(&mut members);
                    if all.len() > limits::LIST_MEMBERS {
                        return Err(Fault::ListTooLong.at(span));
                    }
                }
                Ok(Value::List(all))
            }
        }
    }

    /// Bounds a list that a function made.
    pub(super) fn made_list(&mut self, members: Vec<Value<'a>>) -> Result<Value<'a>, Fault> {
        self.step(members.len())?;
        if members.len() > limits::LIST_MEMBERS {
            return Err(Fault::ListTooLong);
        }
        Ok(Value::List(members))
    }

    /// `filter(list, operator, criterion, …)`: members for which all criteria hold.
    pub(super) fn filter(&mut self, arguments: &'a [Node]) -> Outcome<'a> {
        let [list, criteria @ ..] = arguments else {
            return Ok(Value::Null);
        };
        let mut members = self.list(list)?;
        for pair in criteria.chunks(2) {
            let [operator, criterion] = pair else { break };
            let operator = self.text(operator)?;
            let test = self.test(&operator, criterion)?;
            self.step(members.len())
                .map_err(|fault| fault.at(list.span))?;
            members.retain(|member| test.holds(member));
        }
        Ok(Value::List(members))
    }

    /// The test that an operator of a filter and its criterion make.
    pub(super) fn test(
        &mut self,
        operator: &str,
        criterion: &'a Node,
    ) -> Result<Test<'a>, Failure> {
        Ok(match operator {
            "regex" => Test::Regex(self.regex(criterion)?.into_owned()),
            "contains" => Test::Contains(self.fragment(criterion)?),
            "not_contains" => Test::NotContains(self.fragment(criterion)?),
            "equals" => Test::Equals(self.value(criterion)?),
            "not_equals" => Test::NotEquals(self.value(criterion)?),
            "lt" | "lower_than" => Test::Less(self.value(criterion)?),
            _ => Test::Greater(self.value(criterion)?),
        })
    }

    /// What `contains` looks for.
    fn fragment(&mut self, criterion: &'a Node) -> Result<String, Failure> {
        let value = self.value(criterion)?;
        let first = match &value {
            Value::List(members) => members.first().ok_or(Fault::EmptyList),
            single => Ok(single),
        };
        let text = first
            .and_then(text_of)
            .map_err(|fault| fault.at(criterion.span))?;
        Ok(text.into_owned())
    }
}

/// A test of one value, for filters. A value that it makes no sense for does not pass it, whichever way it is put.
#[derive(Debug)]
pub(super) enum Test<'a> {
    Contains(String),
    NotContains(String),
    Equals(Value<'a>),
    NotEquals(Value<'a>),
    Greater(Value<'a>),
    Less(Value<'a>),
    Regex(Regex),
}

impl Test<'_> {
    pub(super) fn holds(&self, value: &Value<'_>) -> bool {
        use std::cmp::Ordering::{Greater, Less};
        match (self, value) {
            (Self::Contains(part), Value::Text(text)) => text.contains(part.as_str()),
            (Self::NotContains(part), Value::Text(text)) => !text.contains(part.as_str()),
            // Text of each member; in a list that an object has, of any.
            (Self::Contains(_) | Self::Regex(_), Value::List(members)) => {
                members.iter().any(|member| self.holds(member))
            }
            (Self::NotContains(part), Value::List(members)) => {
                let contains = Test::Contains(part.clone());
                !members.iter().any(|member| contains.holds(member))
            }
            (Self::Regex(regex), Value::Text(text)) => regex.is_match(text),
            (Self::Equals(wanted), value) => value == wanted,
            (Self::NotEquals(wanted), value) => *value != Value::Null && value != wanted,
            (Self::Greater(limit), value) => order(value, limit) == Some(Greater),
            (Self::Less(limit), value) => order(value, limit) == Some(Less),
            _ => false,
        }
    }
}

/// How two values stand to each other, if they are both numbers or both dates.
pub(super) fn order(one: &Value<'_>, other: &Value<'_>) -> Option<std::cmp::Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Some(one.compare(*other)),
        // A number beside a date is its milliseconds.
        (Value::Number(one), Value::Date(other)) => Some(one.compare(Number::Whole(*other))),
        (Value::Date(one), Value::Number(other)) => Some(Number::Whole(*one).compare(*other)),
        (one, other) => Some(as_date(one)?.cmp(&as_date(other)?)),
    }
}

/// A text that two values share only if they are equal.
fn identity(value: &Value<'_>) -> String {
    match value {
        Value::Date(at) => format!("@{at}"),
        other => other.json().to_string(),
    }
}
