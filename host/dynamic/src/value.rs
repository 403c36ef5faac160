//! Values while a statement is evaluated: those of JSON, and dates.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

/// A whole number where it is one, whatever it was computed from: `7.0` is 7.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Whole(i64),
    /// Finite, and not whole or too large for `Whole`.
    Broken(f64),
}

impl Number {
    /// None if it is infinite or no number.
    pub(crate) fn of(value: f64) -> Option<Self> {
        // Below 2^53 a float holds every whole number.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if !value.is_finite() {
            return None;
        }
        Some(if value.fract() == 0.0 && value.abs() <= EXACT {
            Self::Whole(value as i64)
        } else {
            Self::Broken(value)
        })
    }

    pub(crate) fn of_json(number: &serde_json::Number) -> Option<Self> {
        match number.as_i64() {
            Some(whole) => Some(Self::Whole(whole)),
            None => Self::of(number.as_f64()?),
        }
    }

    pub(crate) fn float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Broken(float) => float,
        }
    }

    pub(crate) fn whole(self) -> Option<i64> {
        match self {
            Self::Whole(whole) => Some(whole),
            Self::Broken(_) => None,
        }
    }

    /// As it stands in a text: without an exponent, and without `.0`.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Whole(whole) => whole.to_string(),
            Self::Broken(float) => float.to_string(),
        }
    }

    pub(crate) fn json(self) -> Json {
        match self {
            Self::Whole(whole) => Json::from(whole),
            Self::Broken(float) => Json::from(float),
        }
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => one.cmp(&other),
            (one, other) => one
                .float()
                .partial_cmp(&other.float())
                .unwrap_or(Ordering::Equal),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

/// A value. What an asset holds is borrowed from it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    /// Milliseconds since 1970, UTC.
    Date(i64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(&'a Map<String, Json>),
}

impl<'a> Value<'a> {
    pub(crate) fn of_json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            // A number that no float holds says nothing that could be computed with.
            Json::Number(number) => Number::of_json(number).map_or(Self::Null, Self::Number),
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(members) => Self::List(members.iter().map(Self::of_json).collect()),
            Json::Object(members) => Self::Object(members),
        }
    }

    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// The word for what it is, in messages and for programs.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(Number::Whole(_)) => "integer",
            Self::Number(Number::Broken(_)) => "number",
            Self::Date(_) => "date",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Whether it says nothing: null, `""`, `[]`.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(members) => members.is_empty(),
            _ => false,
        }
    }

    /// As JSON, dates as text.
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => number.json(),
            Self::Date(at) => date_text(*at).map_or(Json::from(*at), Json::String),
            Self::Text(text) => Json::from(text.as_ref()),
            Self::List(members) => members.iter().map(Self::json).collect(),
            Self::Object(members) => Json::Object((*members).clone()),
        }
    }

    /// The same without anything borrowed, where that is possible: objects are.
    pub(crate) fn members(&self) -> &[Self] {
        match self {
            Self::List(members) => members,
            other => std::slice::from_ref(other),
        }
    }
}

/// The moment that a text stands for.
pub(crate) fn date_of(text: &str) -> Option<i64> {
    tipstaff_asset::date::of_text(text.trim()).map(|moment| moment.as_millisecond())
}

/// `2026-11-20T08:00:00.000Z`.
pub(crate) fn date_text(milliseconds: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    Some(format!("{moment:.3}"))
}

/// Whether a field of this name holds dates, so that a bare number in it is a number of milliseconds. Inventories say
/// so by names only: `last_seen`, `user_created`, `custom_expiration_date`.
pub(crate) fn is_date_field(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "changed",
        "created",
        "date",
        "datetime",
        "expiration",
        "expires",
        "login",
        "logoff",
        "logon",
        "modified",
        "seen",
        "time",
        "timestamp",
        "updated",
    ];
    let last = name.rsplit('_').next().unwrap_or(name);
    WORDS.contains(&last) || name.ends_with("_at")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_it_is_worth() {
        assert_eq!(Number::of(7.0).map(Number::text).as_deref(), Some("7"));
        assert_eq!(Number::of(0.4).map(Number::text).as_deref(), Some("0.4"));
        assert_eq!(
            Number::of(1e300).map(Number::text).map(|t| t.len()),
            Some(301)
        );
        assert_eq!(Number::of(f64::NAN), None);
        assert_eq!(Number::Whole(8), Number::Broken(8.0));
    }

    #[test]
    fn names_say_which_fields_are_dates() {
        for name in [
            "last_seen",
            "last_logon",
            "user_created",
            "last_logon_timestamp",
            "fetched_at",
            "custom_expiration_date",
        ] {
            assert!(is_date_field(name), "{name}");
        }
        for name in [
            "last_name",
            "username",
            "logon_count",
            "candidate",
            "chat",
            "custom_score",
        ] {
            assert!(!is_date_field(name), "{name}");
        }
    }
}
