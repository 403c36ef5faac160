//! Numbers, and dates where they are computed with as milliseconds.

use super::{Outcome, Run, as_date};
use crate::fault::{Failure, Fault};
use crate::functions::Function;
use crate::program::Node;
use crate::value::{Number, Value};

/// A day, in milliseconds.
const DAY: f64 = 86_400_000.0;

/// What arithmetic takes.
#[derive(Clone, Copy)]
enum Operand {
    Number(Number),
    Date(i64),
}

impl Operand {
    /// A text may be a date, and never is a number. A list is neither, even of one.
    fn of(value: &Value<'_>) -> Result<Self, Fault> {
        match value {
            Value::Number(number) => Ok(Self::Number(*number)),
            other => as_date(other).map(Self::Date).ok_or(Fault::NotOfType {
                wanted: "a number or a date",
                found: other.type_name(),
            }),
        }
    }

    fn number(self) -> Number {
        match self {
            Self::Number(number) => number,
            Self::Date(at) => Number::Whole(at),
        }
    }
}

impl<'a> Run<'a, '_> {
    pub(super) fn arithmetic(&mut self, function: Function, arguments: &'a [Node]) -> Outcome<'a> {
        let mut result = None;
        for node in arguments {
            let operand = {
                let value = self.value(node)?;
                Operand::of(&value).map_err(|fault| fault.at(node.span))?
            };
            result = Some(match result {
                None => operand,
                Some(before) => {
                    let number = two(function, before, operand).map_err(|f| f.at(node.span))?;
                    Operand::Number(number)
                }
            });
        }
        match result {
            Some(result) => Ok(Value::Number(result.number())),
            None => Ok(Value::Null),
        }
    }

    pub(super) fn over_numbers(
        &mut self,
        function: Function,
        arguments: &'a [Node],
    ) -> Outcome<'a> {
        let mut all = Numbers::default();
        for node in arguments {
            for member in self.list(node)? {
                all.add(function, &member)
                    .map_err(|fault| fault.at(node.span))?;
            }
        }
        all.result(function)
            .map_err(|fault| match arguments.first() {
                Some(first) => fault.at(first.span),
                None => fault.at(crate::diagnostic::Span::default()),
            })
    }

    pub(super) fn whole_numbers(&mut self, arguments: &'a [Node]) -> Outcome<'a> {
        let Some(node) = arguments.first() else {
            return Ok(Value::Null);
        };
        let whole = |value: &Value<'_>| truncated(value).map_err(|fault| fault.at(node.span));
        match self.value(node)? {
            Value::List(members) => {
                self.step(members.len())
                    .map_err(|fault| fault.at(node.span))?;
                let all: Result<Vec<_>, Failure> = members.iter().map(whole).collect();
                Ok(Value::List(all?))
            }
            single => whole(&single),
        }
    }
}

fn two(function: Function, before: Operand, operand: Operand) -> Result<Number, Fault> {
    let (one, other) = (before.number(), operand.number());
    let whole = |checked: fn(i64, i64) -> Option<i64>| match (one, other) {
        (Number::Whole(one), Number::Whole(other)) => checked(one, other),
        _ => None,
    };
    let result = match function {
        Function::Add => whole(i64::checked_add)
            .map(Number::Whole)
            .or_else(|| Number::of(one.float() + other.float())),
        Function::Multiply => whole(i64::checked_mul)
            .map(Number::Whole)
            .or_else(|| Number::of(one.float() * other.float())),
        Function::Divide => {
            if other.float() == 0.0 {
                return Err(Fault::DividedByZero);
            }
            Number::of(one.float() / other.float())
        }
        // Days with one decimal. A date and a number have no difference: nobody could say in what.
        _ => match (before, operand) {
            (Operand::Date(one), Operand::Date(other)) => {
                let days = (one as f64 - other as f64) / DAY;
                Number::of((days * 10.0).round() / 10.0)
            }
            (Operand::Number(_), Operand::Number(_)) => whole(i64::checked_sub)
                .map(Number::Whole)
                .or_else(|| Number::of(one.float() - other.float())),
            _ => return Err(Fault::DatesAndNumbers),
        },
    };
    result.ok_or(Fault::NotFinite)
}

/// A list of numbers, or of dates, as far as it was read.
#[derive(Default)]
struct Numbers {
    numbers: Vec<Number>,
    dates: Vec<i64>,
}

impl Numbers {
    fn add(&mut self, function: Function, value: &Value<'_>) -> Result<(), Fault> {
        let wrong = |wanted| Fault::NotOfType {
            wanted,
            found: value.type_name(),
        };
        match (function, value) {
            (_, Value::Null) => Ok(()),
            (_, Value::Number(number)) => {
                self.numbers.push(*number);
                Ok(())
            }
            (Function::MultiplyArrayValues, Value::Text(text)) => {
                self.numbers.push(numeric(text)?);
                Ok(())
            }
            (Function::MultiplyArrayValues, Value::List(members)) => members
                .iter()
                .try_for_each(|member| self.add(function, member)),
            (Function::Max | Function::Min, value) => {
                let date = as_date(value).ok_or_else(|| wrong("a number or a date"))?;
                self.dates.push(date);
                Ok(())
            }
            _ => Err(wrong("a number")),
        }
    }

    fn result<'a>(self, function: Function) -> Result<Value<'a>, Fault> {
        let Self { numbers, dates } = self;
        let order = |one: &Number, other: &Number| one.compare(*other);
        let extreme = |number: Option<Number>, date: Option<i64>| match (number, date) {
            (Some(_), Some(_)) => Err(Fault::DatesAndNumbers),
            (Some(number), None) => Ok(Value::Number(number)),
            (None, Some(date)) => Ok(Value::Date(date)),
            (None, None) => Err(Fault::EmptyList),
        };
        let number = match function {
            Function::Max => {
                return extreme(numbers.into_iter().max_by(order), dates.into_iter().max());
            }
            Function::Min => {
                return extreme(numbers.into_iter().min_by(order), dates.into_iter().min());
            }
            Function::Sum => total(&numbers),
            Function::Average if numbers.is_empty() => return Err(Fault::EmptyList),
            Function::Average => {
                total(&numbers).and_then(|sum| Number::of(sum.float() / numbers.len() as f64))
            }
            _ if numbers.is_empty() => return Err(Fault::EmptyList),
            _ => numbers
                .into_iter()
                .try_fold(Number::Whole(1), |product, number| {
                    two(
                        Function::Multiply,
                        Operand::Number(product),
                        Operand::Number(number),
                    )
                    .ok()
                }),
        };
        number.map(Value::Number).ok_or(Fault::NotFinite)
    }
}

fn total(numbers: &[Number]) -> Option<Number> {
    numbers.iter().try_fold(Number::Whole(0), |sum, number| {
        two(
            Function::Add,
            Operand::Number(sum),
            Operand::Number(*number),
        )
        .ok()
    })
}

/// The number that a text is.
pub(super) fn numeric(text: &str) -> Result<Number, Fault> {
    let text = text.trim();
    // Rust reads `inf` and `nan` too.
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return Err(Fault::NotNumeric);
    }
    if let Ok(whole) = text.parse() {
        return Ok(Number::Whole(whole));
    }
    text.parse()
        .ok()
        .and_then(Number::of)
        .ok_or(Fault::NotNumeric)
}

/// Towards zero.
fn truncated<'a>(value: &Value<'_>) -> Result<Value<'a>, Fault> {
    let number = match value {
        Value::Number(number) => *number,
        Value::Text(text) => numeric(text)?,
        Value::Date(at) => Number::Whole(*at),
        other => {
            return Err(Fault::NotOfType {
                wanted: "a number or a text",
                found: other.type_name(),
            });
        }
    };
    let whole = match number {
        Number::Whole(_) => Some(number),
        Number::Broken(float) => Number::of(float.trunc()),
    };
    whole.map(Value::Number).ok_or(Fault::NotFinite)
}
