//! What kinds of value an expression can have, as far as its text says.

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const BOOL: Self = Self(1);
    pub(crate) const NUMBER: Self = Self(2);
    pub(crate) const DATE: Self = Self(4);
    pub(crate) const TEXT: Self = Self(8);
    pub(crate) const LIST: Self = Self(16);
    pub(crate) const OBJECT: Self = Self(32);
    pub(crate) const ANY: Self = Self(63);
    pub(crate) const SINGLE: Self = Self(63 - 16);

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// `a text or a list`
    pub(crate) fn words(self) -> String {
        const WORDS: [(Types, &str); 6] = [
            (Types::BOOL, "a truth value"),
            (Types::NUMBER, "a number"),
            (Types::DATE, "a date"),
            (Types::TEXT, "a text"),
            (Types::LIST, "a list"),
            (Types::OBJECT, "an object"),
        ];
        let words: Vec<&str> = WORDS
            .into_iter()
            .filter(|(kind, _)| self.meets(*kind))
            .map(|(_, word)| word)
            .collect();
        words.join(" or ")
    }
}
