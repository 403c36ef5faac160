//! A value of an asset, whether it stands in the asset itself or in an adapter's data, and how values compare.
//!
//! Values compare within their type: a text is never equal to a number, and never before or after one.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// A borrowed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View<'a> {
    /// `null`: somebody looked, and there was nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(&'a Number),
    /// A text.
    Text(&'a str),
    /// A list.
    List(&'a [Value]),
    /// An object.
    Object(&'a Map<String, Value>),
}

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(members) => Self::List(members),
            Value::Object(members) => Self::Object(members),
        }
    }
}

impl View<'_> {
    /// Whether there is something: no `null`, no empty text, no empty list.
    #[must_use]
    pub fn is_something(self) -> bool {
        match self {
            Self::Null => false,
            Self::Text(text) => !text.is_empty(),
            Self::List(members) => !members.is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::Object(_) => true,
        }
    }

    /// The same as a value of its own.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::from(text),
            Self::List(members) => Value::from(members),
            Self::Object(members) => Value::from(members.clone()),
        }
    }
}

/// Compares two numbers by what they are worth, however they are written: `7` is `7.0`, and no digit of a large whole
/// number is lost.
#[must_use]
pub fn compare_numbers(one: &Number, other: &Number) -> Ordering {
    let whole = |number: &Number| {
        let signed = number.as_i64().map(i128::from);
        signed.or_else(|| number.as_u64().map(i128::from))
    };
    let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(one), None) => compare_whole(one, float(other)),
        (None, Some(other)) => compare_whole(other, float(one)).reverse(),
        // JSON has no numbers that cannot be compared.
        (None, None) => float(one)
            .partial_cmp(&float(other))
            .unwrap_or(Ordering::Equal),
    }
}

fn compare_whole(whole: i128, float: f64) -> Ordering {
    // Beyond the range of whole numbers that JSON is read into the sign decides; below it the conversion is exact.
    let truncated = float.clamp(-1e30, 1e30).trunc();
    match whole.cmp(&(truncated as i128)) {
        Ordering::Equal => 0.0_f64
            .partial_cmp(&(float - truncated))
            .unwrap_or(Ordering::Equal),
        order => order,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compare(one: &Value, other: &Value) -> Option<Ordering> {
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => Some(compare_numbers(one, other)),
            _ => None,
        }
    }

    #[test]
    fn numbers_compare_by_what_they_are_worth() {
        let rising = [
            json!(-1e300),
            json!(i64::MIN),
            json!(-7.5),
            json!(-7),
            json!(-0.5),
            json!(0),
            json!(0.5),
            json!(7),
            json!(7.5),
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_994_i64),
            json!(u64::MAX),
            json!(1e300),
        ];
        for (at, one) in rising.iter().enumerate() {
            for (beside, other) in rising.iter().enumerate() {
                assert_eq!(compare(one, other), Some(at.cmp(&beside)), "{one} {other}");
            }
        }
        assert_eq!(compare(&json!(7), &json!(7.0)), Some(Ordering::Equal));
        assert_eq!(compare(&json!(0.0), &json!(-0.0)), Some(Ordering::Equal));
        assert_eq!(
            compare(
                &json!(9_007_199_254_740_993_i64),
                &json!(9_007_199_254_740_992.0)
            ),
            Some(Ordering::Greater)
        );
    }

    #[test]
    fn empty_values_are_nothing() {
        for value in [json!(null), json!(""), json!([])] {
            assert!(!View::from(&value).is_something(), "{value}");
        }
        for value in [json!(0), json!(false), json!(" "), json!([null]), json!({})] {
            assert!(View::from(&value).is_something(), "{value}");
            assert_eq!(View::from(&value).to_value(), value);
        }
    }
}
