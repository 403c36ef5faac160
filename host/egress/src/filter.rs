//! `$filter`s of one declared form: `mail eq '{name}'`.
//!
//! A form is compared letter by letter, so that what the service reads is what was approved; no filter is understood
//! here beyond the quotes around its name.

use crate::target::{Parameter, percent_decode};

/// The place of the name in a form.
const NAME: &str = "{name}";

/// The form of a filter, cut where the name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterForm {
    /// Up to the name, the opening quote included.
    before: String,
    /// After it, from the closing quote on.
    after: String,
    /// What stands between the opening quote and the name: `smtp:`.
    prefix: String,
}

impl FilterForm {
    /// Reads a form. `None` unless `{name}` stands in it once, at the end of a literal in single quotes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.split_once(NAME)?;
        let (_, prefix) = before.rsplit_once('\'')?;
        let quotes = before.matches('\'').count();
        let whole = !after.contains(NAME) && after.starts_with('\'') && quotes % 2 == 1;
        whole.then(|| Self {
            before: before.to_owned(),
            after: after.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// Whether no filter could be of both forms.
    pub(crate) fn is_apart_from(&self, other: &Self) -> bool {
        !self.before.starts_with(&other.before) && !other.before.starts_with(&self.before)
    }

    /// Whether the unread query has a filter that begins like this form.
    pub(crate) fn begins(&self, query: Option<&str>) -> bool {
        query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .any(|pair| {
                let Some((name, value)) = pair.split_once('=') else {
                    return false;
                };
                percent_decode(name, true).is_some_and(|name| name == "$filter")
                    && percent_decode(value, true)
                        .is_some_and(|value| value.starts_with(&self.before))
            })
    }

    /// The name in a query's filter, which has to be of this form. The error says why it is not.
    pub(crate) fn name_in(&self, parameters: &[Parameter<'_>]) -> Result<String, &'static str> {
        let filter = parameters
            .iter()
            .find(|parameter| parameter.name == "$filter")
            .ok_or("there is no `$filter`")?;
        let quoted = filter
            .value
            .strip_prefix(self.before.as_str())
            .and_then(|rest| rest.strip_suffix(self.after.as_str()));
        let quoted = quoted.ok_or("`$filter` is not of the declared form")?;
        // OData 4.01, part 2, section 5.1.1.14.1: a single quote within a string is doubled.
        let mut name = String::with_capacity(quoted.len());
        let mut letters = quoted.chars();
        while let Some(letter) = letters.next() {
            if letter == '\'' && letters.next() != Some('\'') {
                return Err("`$filter` has a single quote in the name that is not doubled");
            }
            name.push(letter);
        }
        // A `+` is a blank for most servers and a `+` for some; where it could be part of the name, that is two names.
        if filter.raw.contains('+') && name.contains(' ') {
            return Err("`$filter` has a `+` in the name, which has to be written `%2B` or `%20`");
        }
        Ok(name)
    }

    /// The whole literal that a name is asked for by.
    pub(crate) fn literal(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn the_name_ends_a_literal() {
        let form = FilterForm::parse("proxyAddresses/any(a:a eq 'smtp:{name}')").unwrap();
        assert_eq!(form.literal("ada@contoso.com"), "smtp:ada@contoso.com");
        assert!(FilterForm::parse("mail eq '{name}' and accountEnabled eq true").is_some());
        for text in [
            "mail eq {name}",
            "mail eq '{name}",
            "mail eq '{name}x'",
            "mail eq 'x' or {name}'",
            "mail eq '{name}' or mail eq '{name}'",
            "mail eq 'x'",
        ] {
            assert_eq!(FilterForm::parse(text), None, "{text}");
        }
    }

    #[test]
    fn forms_are_apart_if_neither_begins_the_other() {
        let form = |text| FilterForm::parse(text).unwrap();
        let mail = form("mail eq '{name}'");
        assert!(mail.is_apart_from(&form("userPrincipalName eq '{name}'")));
        assert!(!mail.is_apart_from(&form("mail eq '{name}' or mail eq 'x'")));
        assert!(!mail.is_apart_from(&form("mail eq 'smtp:{name}'")));
    }

    #[test]
    fn a_query_is_told_by_its_beginning() {
        let mail = FilterForm::parse("mail eq '{name}'").unwrap();
        assert!(mail.begins(Some("$top=2&%24filter=mail+eq%20'x'")));
        assert!(!mail.begins(Some("$filter=userPrincipalName eq 'x'")));
        assert!(!mail.begins(None));
    }
}
