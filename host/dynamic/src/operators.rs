//! The operators of `case`: their names and what they take. What they do is in `evaluate/condition.rs`.

/// What an operator is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing.
    Nothing,
    /// A text.
    Text,
    /// One value or list of values.
    Values,
    /// A number or a date.
    Number,
    /// A text with networks: `10.0.0.0/8, fd00::/8`.
    Networks,
    /// A whole number.
    Whole,
    /// A list of numbers.
    Numbers,
    /// A text, a number or a truth value.
    Single,
}

macro_rules! operators {
    ($($variant:ident: $name:literal $given:ident, $summary:literal;)*) => {
        /// An operator of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "`summary` says what each does")]
        pub enum Operator { $($variant),* }

        impl Operator {
            /// All operators, in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// How it is written.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// When it holds, as a fragment of a sentence.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary),* }
            }

            pub(crate) fn given(self) -> Given {
                match self { $(Self::$variant => Given::$given),* }
            }
        }
    };
}

operators! {
    Average: "average" Numbers, "the subject equals the average of a list";
    Contains: "contains" Text, "the text has this in it; of a list, a member is this";
    Count: "count" Whole, "the list has so many members";
    EndsWith: "ends_with" Text, "the text, or a member, ends so";
    Equal: "field_equal" Single, "the value, or a member, is this";
    Exists: "field_exists" Nothing, "there is a value";
    Greater: "gt" Number, "the number or date, or a member, is greater";
    In: "in" Values, "the value, or a member, is one of these";
    InNet: "in_net" Networks, "the address or network, or a member, is inside one of these";
    Less: "lt" Number, "the number or date, or a member, is less";
    NotContains: "not_contains" Text, "`contains` does not hold";
    NotEndsWith: "not_ends_with" Text, "`ends_with` does not hold";
    NotEqual: "field_not_equal" Single, "`field_equal` does not hold";
    NotExists: "field_not_exists" Nothing, "there is no value";
    NotIn: "not_in" Values, "`in` does not hold";
    NotInNet: "not_in_net" Networks, "`in_net` does not hold";
    NotStartsWith: "not_starts_with" Text, "`starts_with` does not hold";
    StartsWith: "starts_with" Text, "the text, or a member, begins so";
    Sum: "sum" Numbers, "the subject equals the sum of a list";
}

impl Operator {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|operator| operator.name() == name)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|operator| operator.name())
    }

    /// How it is used: `contains(text)`.
    #[must_use]
    pub fn usage(self) -> String {
        let given = match self.given() {
            Given::Nothing => return self.name().to_owned(),
            Given::Text => "text",
            Given::Values => "[value, …]",
            Given::Number => "number",
            Given::Networks => "\"10.0.0.0/8, fd00::/8\"",
            Given::Whole => "count",
            Given::Numbers => "list",
            Given::Single => "value",
        };
        format!("{}({given})", self.name())
    }

    /// The operator that this one is the opposite of.
    pub(crate) fn opposite(self) -> Option<Self> {
        Some(match self {
            Self::NotContains => Self::Contains,
            Self::NotEndsWith => Self::EndsWith,
            Self::NotEqual => Self::Equal,
            Self::NotExists => Self::Exists,
            Self::NotIn => Self::In,
            Self::NotInNet => Self::InNet,
            Self::NotStartsWith => Self::StartsWith,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_opposites_hold_no_opposite() {
        for &operator in Operator::ALL {
            assert_eq!(Operator::named(operator.name()), Some(operator));
            let negative = operator.name().contains("not_");
            assert_eq!(operator.opposite().is_some(), negative);
            assert!(operator.opposite().and_then(Operator::opposite).is_none());
        }
        assert_eq!(Operator::In.usage(), "in([value, …])");
    }
}
