//! The functions: their names, parameters and what they give. What they do is in `evaluate/`.

use crate::types::Types;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Anything.
    Any,
    /// A text; of a list the first member.
    Text,
    /// A text that is a regular expression.
    Pattern,
    /// A text with the codes of `date_format`.
    DateCodes,
    /// A whole number.
    Whole,
    /// A number or a date, and no list.
    Number,
    /// A date or what can be read as one, and no list.
    Date,
    /// A list; a single value is a list of one.
    List,
    /// The name of a field of an object, quoted or not.
    Key,
    /// One of these words, quoted or not.
    OneOf(&'static [&'static str]),
    /// `[(header: "…", field: "…")]`
    Columns,
}

impl Takes {
    /// Kinds of value that can do. Of a list the first member may do where a text is wanted.
    pub(crate) fn types(self) -> Types {
        match self {
            Self::Any | Self::List => Types::ANY,
            Self::Text => Types::TEXT.or(Types::LIST),
            Self::Pattern | Self::DateCodes | Self::Key | Self::OneOf(_) | Self::Columns => {
                Types::TEXT
            }
            Self::Whole => Types::NUMBER,
            // A text may hold a date.
            Self::Number | Self::Date => Types::NUMBER.or(Types::DATE).or(Types::TEXT),
        }
    }
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
}

/// What can be said of a function without running it.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// How many of the parameters have to be given.
    pub(crate) least: usize,
    /// How many of the last parameters may be given again and again.
    pub(crate) repeats: usize,
    pub(crate) gives: Types,
    pub(crate) summary: &'static str,
}

impl Signature {
    /// The parameter that the argument of this number is for.
    pub(crate) fn parameter(&self, at: usize) -> Option<Parameter> {
        let count = self.parameters.len();
        let at = if at < count || self.repeats == 0 {
            at
        } else {
            count - self.repeats + (at - count) % self.repeats
        };
        self.parameters.get(at).copied()
    }

    /// Whether so many arguments can be given.
    pub(crate) fn accepts(&self, arguments: usize) -> bool {
        let count = self.parameters.len();
        if self.repeats == 0 || arguments <= count {
            (self.least..=count).contains(&arguments)
        } else {
            (arguments - count).is_multiple_of(self.repeats)
        }
    }

    /// `filter(list, operator, criterion, …)`
    pub(crate) fn text(&self) -> String {
        let names: Vec<String> = self
            .parameters
            .iter()
            .enumerate()
            .map(|(at, parameter)| {
                if at < self.least {
                    parameter.name.to_owned()
                } else {
                    format!("[{}]", parameter.name)
                }
            })
            .collect();
        let more = if self.repeats > 0 { ", …" } else { "" };
        format!("{}({}{more})", self.name, names.join(", "))
    }
}

macro_rules! functions {
    ($($variant:ident: $name:literal ($($parameter:ident: $takes:expr),*) least $least:literal repeats $repeats:literal gives $gives:expr, $summary:literal;)*) => {
        /// A function of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "`summary` says what each does")]
        pub enum Function { $($variant),* }

        impl Function {
            /// All functions, in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub(crate) fn signature(self) -> &'static Signature {
                match self {
                    $(Self::$variant => {
                        const SIGNATURE: Signature = Signature {
                            name: $name,
                            parameters: &[$(Parameter { name: stringify!($parameter), takes: $takes }),*],
                            least: $least,
                            repeats: $repeats,
                            gives: $gives,
                            summary: $summary,
                        };
                        &SIGNATURE
                    })*
                }
            }
        }
    };
}

/// Operators of `filter`.
const FILTERS: &[&str] = &["contains", "not_contains", "gt", "lt", "regex"];
/// Operators of the filters over objects.
const KEY_FILTERS: &[&str] = &[
    "contains",
    "not_contains",
    "greater_than",
    "lower_than",
    "regex",
    "equals",
    "not_equals",
];
/// Kinds of characters that `generate_string` takes.
const MODES: &[&str] = &["alphanumeric", "hex", "letters", "numbers"];

functions! {
    Add: "add" (number: Takes::Number) least 1 repeats 1 gives Types::NUMBER, "the sum; a date counts as its milliseconds since 1970";
    Array: "array" (value: Takes::Any) least 1 repeats 1 gives Types::LIST, "one list of all values, lists flattened";
    Average: "average" (list: Takes::List) least 1 repeats 0 gives Types::NUMBER, "the average of a list of numbers";
    ByKey: "by_key" (objects: Takes::List, key: Takes::Key, value: Takes::Any, pick: Takes::Key) least 4 repeats 0 gives Types::ANY, "field `pick` of the first object whose `key` equals the value";
    Concat: "concat" (value: Takes::Any) least 1 repeats 1 gives Types::TEXT, "all values as one text; a list gives its first member";
    ConcatArray: "concat_array" (list: Takes::List) least 1 repeats 1 gives Types::LIST, "one list of the members of all lists";
    ConcatPrefix: "concat_prefix" (prefix: Takes::Text, list: Takes::List) least 2 repeats 0 gives Types::LIST, "the prefix before every member";
    Count: "count" (list: Takes::List) least 1 repeats 0 gives Types::NUMBER, "how many members there are, nulls not counted";
    DateFormat: "date_format" (date: Takes::Date, codes: Takes::DateCodes) least 2 repeats 0 gives Types::TEXT, "the date as text, in UTC: %Y %m %d %H %M %S %L %j %w %a %A %Z";
    Divide: "divide" (number: Takes::Number, by: Takes::Number) least 2 repeats 1 gives Types::NUMBER, "the first divided by all others";
    Filter: "filter" (list: Takes::List, operator: Takes::OneOf(FILTERS), criterion: Takes::Any) least 3 repeats 2 gives Types::LIST, "the members for which all criteria hold";
    FilterByKey: "filter_by_key" (objects: Takes::List, key: Takes::Key, value: Takes::Any, pick: Takes::Key) least 4 repeats 0 gives Types::LIST, "field `pick` of all objects whose `key` equals the value";
    FilterByKeyWithOperator: "filter_by_key_with_operator" (objects: Takes::List, key: Takes::Key, operator: Takes::OneOf(KEY_FILTERS), criterion: Takes::Any) least 4 repeats 0 gives Types::LIST, "the objects whose `key` meets the criterion";
    FilterValueByKeyWithOperator: "filter_value_by_key_with_operator" (objects: Takes::List, key: Takes::Key, operator: Takes::OneOf(KEY_FILTERS), criterion: Takes::Any, pick: Takes::Key) least 5 repeats 0 gives Types::LIST, "field `pick` of the objects whose `key` meets the criterion";
    GenerateString: "generate_string" (length: Takes::Whole, characters: Takes::OneOf(MODES)) least 0 repeats 0 gives Types::TEXT, "a random text, which is a secret";
    Join: "join" (list: Takes::List, between: Takes::Text) least 2 repeats 0 gives Types::TEXT, "all members as one text, with another between them";
    Max: "max" (value: Takes::Any) least 1 repeats 1 gives Types::NUMBER.or(Types::DATE), "the greatest number, or the latest date";
    Min: "min" (value: Takes::Any) least 1 repeats 1 gives Types::NUMBER.or(Types::DATE), "the least number, or the earliest date";
    Multiply: "multiply" (number: Takes::Number, by: Takes::Number) least 2 repeats 1 gives Types::NUMBER, "the product";
    MultiplyArrayValues: "multiply_array_values" (value: Takes::Any) least 1 repeats 1 gives Types::NUMBER, "the product of all members; texts are read as numbers";
    Now: "now" () least 0 repeats 0 gives Types::DATE, "the time of the run, the same for every asset";
    RegexExtract: "regex_extract" (text: Takes::Text, regex: Takes::Pattern, index: Takes::Whole) least 2 repeats 0 gives Types::TEXT, "what the expression matches; index 0 is the first occurrence";
    RegexReplace: "regex_replace" (text: Takes::Text, regex: Takes::Pattern, replacement: Takes::Text) least 3 repeats 0 gives Types::TEXT, "the text with all that the expression matches replaced";
    Split: "split" (text: Takes::Text, between: Takes::Text) least 2 repeats 0 gives Types::LIST, "the pieces between";
    StartsWith: "starts_with" (text: Takes::Text, beginning: Takes::Text) least 2 repeats 0 gives Types::BOOL, "whether the text begins so";
    Substring: "substring" (text: Takes::Text, start: Takes::Whole, length: Takes::Whole) least 3 repeats 0 gives Types::TEXT, "so many characters from the start, which counts from 1";
    Subtract: "subtract" (from: Takes::Number, what: Takes::Number) least 2 repeats 0 gives Types::NUMBER, "the difference; of two dates in days with one decimal";
    Sum: "sum" (list: Takes::List) least 1 repeats 0 gives Types::NUMBER, "the sum of a list of numbers";
    TitleCase: "title_case" (text: Takes::Text) least 1 repeats 0 gives Types::TEXT, "the first letter of each word in upper case";
    ToDate: "to_date" (milliseconds: Takes::Date) least 1 repeats 0 gives Types::DATE, "the date so many milliseconds after 1970";
    ToInt: "to_int" (value: Takes::Any) least 1 repeats 0 gives Types::NUMBER.or(Types::LIST), "the number without its decimals; of a list, of every member";
    ToLower: "to_lower" (text: Takes::Text) least 1 repeats 0 gives Types::TEXT, "the text in lower case";
    ToTable: "to_table" (objects: Takes::List, columns: Takes::Columns) least 2 repeats 0 gives Types::TEXT, "an HTML table of the objects";
    ToUpper: "to_upper" (text: Takes::Text) least 1 repeats 0 gives Types::TEXT, "the text in upper case";
    Unique: "unique" (list: Takes::Any) least 1 repeats 0 gives Types::ANY, "the list without repetitions";
}

impl Function {
    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.signature().name
    }

    /// How it is called: `split(text, between)`.
    #[must_use]
    pub fn usage(self) -> String {
        self.signature().text()
    }

    /// What it gives, as a fragment of a sentence.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.signature().summary
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|function| function.name() == name)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|function| function.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_found() {
        assert!(Function::ALL.is_sorted_by_key(|function| function.name()));
        for &function in Function::ALL {
            assert_eq!(Function::named(function.name()), Some(function));
        }
        assert_eq!(Function::named("build_json"), None);
    }

    #[test]
    fn arguments_are_counted_by_the_signature() {
        let accepts = |function: Function, most: usize| {
            (0..most)
                .filter(|count| function.signature().accepts(*count))
                .collect::<Vec<_>>()
        };
        assert_eq!(accepts(Function::Add, 4), [1, 2, 3]);
        assert_eq!(accepts(Function::Divide, 5), [2, 3, 4]);
        assert_eq!(accepts(Function::Filter, 8), [3, 5, 7]);
        assert_eq!(accepts(Function::Now, 3), [0]);
        assert_eq!(accepts(Function::GenerateString, 4), [0, 1, 2]);
        let filter = Function::Filter.signature();
        assert_eq!(filter.parameter(3).map(|p| p.name), Some("operator"));
        assert_eq!(filter.parameter(4).map(|p| p.name), Some("criterion"));
        assert_eq!(Function::Now.usage(), "now()");
        assert_eq!(
            Function::RegexExtract.usage(),
            "regex_extract(text, regex, [index])"
        );
        assert_eq!(Function::Add.usage(), "add(number, …)");
    }
}
