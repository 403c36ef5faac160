//! Reads one JSON value from a record, so that it can be read in one way only.
//!
//! Stricter than `serde_json` by itself: no member twice, and a bound on nesting. It does not know what an asset is.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::fault::{Fault, quoted};
use crate::read::MAX_DEPTH;

/// Where a record begins in its file. Both count from 1, columns in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// The value that `text` holds, and nothing beside it.
pub(crate) fn parse(text: &[u8], at: Place) -> Result<Value, Fault> {
    let text = std::str::from_utf8(text).map_err(|_| Fault::NotUtf8)?;
    let found = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let result = Strict {
        depth: 0,
        found: &found,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    result.map_err(|error| found.take().unwrap_or_else(|| not_json(&error, at)))
}

fn not_json(error: &serde_json::Error, at: Place) -> Fault {
    let message = error.to_string();
    let what = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(what, _)| what);
    let below = (error.line() as u64).saturating_sub(1);
    let before = if below == 0 {
        at.column.saturating_sub(1)
    } else {
        0
    };
    Fault::NotJson {
        what: quoted(what),
        line: at.line + below,
        column: before + error.column() as u64,
    }
}

/// Builds a [`Value`]. What is wrong beyond syntax is left in `found`, because an error of `serde` holds only text.
struct Strict<'a> {
    depth: usize,
    found: &'a RefCell<Option<Fault>>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(&self) -> Result<Strict<'_>, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.refuse(Fault::TooDeep));
        }
        Ok(Strict {
            depth: self.depth + 1,
            found: self.found,
        })
    }

    fn refuse<E: serde::de::Error>(&self, fault: Fault) -> E {
        let error = E::custom(&fault);
        *self.found.borrow_mut() = Some(fault);
        error
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(self.deeper::<A::Error>()?)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(self.refuse(Fault::RepeatedMember {
                    member: quoted(&name),
                }));
            }
            let value = access.next_value_seed(self.deeper::<A::Error>()?)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Place = Place { line: 7, column: 3 };

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let twice = parse(br#"{"id":"a","data":{"id":1,"id":2}}"#, START);
        assert_eq!(
            twice,
            Err(Fault::RepeatedMember {
                member: "id".to_owned()
            })
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(MAX_DEPTH).as_bytes(), START).is_ok());
        assert_eq!(
            parse(nested(MAX_DEPTH + 1).as_bytes(), START),
            Err(Fault::TooDeep)
        );
        assert_eq!(
            parse("[".repeat(100_000).as_bytes(), START),
            Err(Fault::TooDeep)
        );
    }

    #[test]
    fn a_mistake_is_placed_in_the_file() {
        let place = |text: &str| match parse(text.as_bytes(), START) {
            Err(Fault::NotJson { line, column, .. }) => Some((line, column)),
            _ => None,
        };
        assert_eq!(place("{x"), Some((7, 4)));
        assert_eq!(place("{\n x"), Some((8, 2)));
        assert_eq!(place("{} {}"), Some((7, 6)));
    }

    #[test]
    fn bytes_that_are_no_text_are_named() {
        assert_eq!(parse(b"{\"id\":\"\xff\"}", START), Err(Fault::NotUtf8));
    }
}
