//! A JSON value as it comes from strangers, for members whose type cannot be relied on.
//!
//! Borrows text where it has no escapes; what is neither text, number, flag nor null is read over and not kept.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt};

/// A member of any type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loose<'a> {
    /// `null`, or not there.
    #[default]
    Null,
    /// A flag.
    Flag(bool),
    /// Text, or a whole number as text.
    Text(Cow<'a, str>),
    /// An object, a list or a fraction.
    Other,
}

impl<'a> Loose<'a> {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The flag, if it is one.
    pub(crate) fn flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self {
            Some(*flag)
        } else {
            None
        }
    }

    /// The text, if it is one.
    pub(crate) fn into_text(self) -> Option<Cow<'a, str>> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Loose<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Loose::Null)
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Loose::Flag(flag))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Loose::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Loose::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Loose::Text(Cow::Owned(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Loose::Text(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                // No member that is read here is a fraction, and writing one out takes 20 kB of code.
                Ok(Loose::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A member that is a list of texts, or one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed<'a>(Vec<Loose<'a>>);

/// Members of a list that are kept.
const MOST_LISTED: usize = 64;

impl<'a> Listed<'a> {
    /// The texts in it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Loose::text)
    }

    /// The proxy address that says best who somebody is: the first mail address, which is marked by capitals
    /// ("proxyAddresses"), else any mail address, else whatever is there.
    pub(crate) fn best(&self) -> &Loose<'a> {
        let begins = |kind: &'static str| {
            move |member: &&Loose<'a>| {
                member
                    .text()
                    .is_some_and(|text| text.trim_start().starts_with(kind))
            }
        };
        (self.0.iter().find(begins("SMTP:")))
            .or_else(|| self.0.iter().find(begins("smtp:")))
            .or(self.0.first())
            .unwrap_or(&Loose::Null)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Listed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Listed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Listed::default())
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Listed(vec![Loose::Flag(flag)]))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Listed(vec![Loose::Text(Cow::Borrowed(text))]))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Listed(vec![Loose::Text(Cow::Owned(text.to_owned()))]))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Listed(vec![Loose::Other]))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Listed(vec![Loose::Other]))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Listed(vec![Loose::Other]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MOST_LISTED {
                    match list.next_element()? {
                        Some(member) => kept.push(member),
                        None => return Ok(Listed(kept)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Listed(kept))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Listed(vec![Loose::Other]))
            }
        }
        deserializer.deserialize_any(List)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    #[test]
    fn every_type_is_taken() {
        let values: Vec<Loose<'_>> =
            serde_json::from_str(r#"[null, true, "a", "\u0062", 7, -7, 2.5, {"a":[1]}, [{}]]"#)
                .unwrap();
        let text = |text: &'static str| Loose::Text(Cow::Borrowed(text));
        assert_eq!(
            values,
            [
                Loose::Null,
                Loose::Flag(true),
                text("a"),
                text("b"),
                text("7"),
                text("-7"),
                Loose::Other,
                Loose::Other,
                Loose::Other
            ]
        );
        assert!(matches!(values[2], Loose::Text(Cow::Borrowed(_))));
    }

    #[test]
    fn a_list_of_texts_may_be_anything_too() {
        let texts = |json: &str| {
            let listed: Listed<'_> = serde_json::from_str(json).unwrap();
            listed.texts().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(texts(r#"["a", 7, null, "b", ["c"]]"#), ["a", "7", "b"]);
        assert_eq!(texts(r#""a""#), ["a"]);
        for json in ["null", "7", "2.5", "{}", "false", "[]", "-1"] {
            assert!(texts(json).is_empty(), "{json}");
        }
        let many = format!("[{}]", vec![r#""a""#; 500].join(","));
        assert_eq!(texts(&many).len(), MOST_LISTED);
    }
}
