//! Texts: joined, cut, changed, matched, generated.

use std::borrow::Cow;

use regex::{NoExpand, Regex};

use super::{Outcome, Run, text_of};
use crate::check::regex_of;
use crate::fault::{Failure, Fault};
use crate::functions::Function;
use crate::limits;
use crate::program::{Node, What};
use crate::value::Value;

/// What `alphanumeric` takes beside letters and digits.
const SYMBOLS: &str = "!#$%&()*+-./:;<=>?@[]^_{|}~";

/// Why a text was not generated.
pub(super) enum NotGenerated {
    /// An argument has no value.
    Argument(Failure),
    /// The function itself.
    Here(Fault),
}

impl From<Failure> for NotGenerated {
    fn from(failure: Failure) -> Self {
        Self::Argument(failure)
    }
}

impl<'a> Run<'a, '_> {
    /// `concat` and `join`.
    pub(super) fn one_text(&mut self, function: Function, arguments: &'a [Node]) -> Outcome<'a> {
        let mut text = String::new();
        match (function, arguments) {
            (Function::Join, [list, between]) => {
                let members = self.list(list)?;
                let between = self.text(between)?;
                let mut is_first = true;
                self.join(&members, &between, &mut text, &mut is_first)
                    .map_err(|fault| fault.at(list.span))?;
            }
            (_, values) => {
                for node in values {
                    let value = self.value(node)?;
                    let part = match &value {
                        Value::List(members) => {
                            members.first().ok_or(Fault::EmptyList).and_then(text_of)
                        }
                        single => text_of(single),
                    };
                    text.push_str(&part.map_err(|fault| fault.at(node.span))?);
                    if text.len() > limits::TEXT_BYTES {
                        return Err(Fault::TextTooLong.at(node.span));
                    }
                }
            }
        }
        let span = arguments.first().map(|node| node.span).unwrap_or_default();
        self.made(text).map_err(|fault| fault.at(span))
    }

    fn join(
        &mut self,
        members: &[Value<'a>],
        between: &str,
        text: &mut String,
        is_first: &mut bool,
    ) -> Result<(), Fault> {
        for member in members {
            match member {
                Value::List(inner) => {
                    self.step(inner.len())?;
                    self.join(inner, between, text, is_first)?;
                    continue;
                }
                Value::Null => continue,
                _ => {}
            }
            if !*is_first {
                text.push_str(between);
            }
            *is_first = false;
            text.push_str(&text_of(member)?);
            if text.len() > limits::TEXT_BYTES {
                return Err(Fault::TextTooLong);
            }
        }
        Ok(())
    }

    pub(super) fn of_text(&mut self, function: Function, arguments: &'a [Node]) -> Outcome<'a> {
        let [node, rest @ ..] = arguments else {
            return Ok(Value::Null);
        };
        let text = self.text(node)?;
        let made = match (function, rest) {
            (Function::ToLower, _) => text.to_lowercase(),
            (Function::ToUpper, _) => text.to_uppercase(),
            (Function::TitleCase, _) => title_case(&text),
            (Function::StartsWith, [beginning]) => {
                return Ok(Value::Bool(text.starts_with(&*self.text(beginning)?)));
            }
            (Function::Split, [between]) => {
                let delimiter = self.text(between)?;
                if delimiter.is_empty() {
                    return Err(Fault::EmptyDelimiter.at(between.span));
                }
                let pieces: Vec<_> = text
                    .split(&*delimiter)
                    .take(limits::LIST_MEMBERS + 1)
                    .map(|piece| Value::text(piece.to_owned()))
                    .collect();
                return self.made_list(pieces).map_err(|fault| fault.at(node.span));
            }
            (Function::Substring, [start, length]) => {
                let (from, count) = (self.whole(start)?, self.whole(length)?);
                if from < 1 {
                    return Err(Fault::StartBelowOne.at(start.span));
                }
                let count =
                    usize::try_from(count).map_err(|_| Fault::NegativeLength.at(length.span))?;
                let skip = usize::try_from(from - 1).unwrap_or(usize::MAX);
                text.chars().skip(skip).take(count).collect()
            }
            _ => return Ok(Value::Null),
        };
        self.made(made).map_err(|fault| fault.at(node.span))
    }

    pub(super) fn by_regex(&mut self, function: Function, arguments: &'a [Node]) -> Outcome<'a> {
        let [node, pattern, rest @ ..] = arguments else {
            return Ok(Value::Null);
        };
        let text = self.text(node)?;
        let regex = self.regex(pattern)?;
        if function == Function::RegexReplace {
            let replacement = match rest.first() {
                Some(replacement) => self.text(replacement)?,
                None => Cow::Borrowed(""),
            };
            let most = limits::TEXT_BYTES / replacement.len().max(1);
            if regex.find_iter(&text).take(most + 1).count() > most {
                return Err(Fault::TextTooLong.at(node.span));
            }
            let replaced = regex
                .replace_all(&text, NoExpand(&replacement))
                .into_owned();
            return self.made(replaced).map_err(|fault| fault.at(node.span));
        }
        let index = match rest.first() {
            Some(index) => usize::try_from(self.whole(index)?).ok(),
            None => Some(0),
        };
        let found = index.and_then(|index| regex.find_iter(&text).nth(index));
        match found {
            Some(found) => self
                .made(found.as_str().to_owned())
                .map_err(|fault| fault.at(node.span)),
            None => Err(Fault::NoMatch.at(pattern.span)),
        }
    }

    /// The expression of a node: compiled with the statement if the statement has it in full.
    pub(super) fn regex(&mut self, node: &'a Node) -> Result<Cow<'a, Regex>, Failure> {
        if let What::Pattern { regex, .. } = &node.what {
            let regex = regex
                .as_ref()
                .map_err(|fault| fault.clone().at(node.span))?;
            // For a trace, which shows what it is.
            self.value(node)?;
            return Ok(Cow::Borrowed(regex));
        }
        let pattern = self.text(node)?;
        // Compiling is work, and an asset may have many.
        self.step(1_000).map_err(|fault| fault.at(node.span))?;
        regex_of(&pattern)
            .map(Cow::Owned)
            .map_err(|fault| fault.at(node.span))
    }

    pub(super) fn generate_string(
        &mut self,
        arguments: &'a [Node],
    ) -> Result<Value<'a>, NotGenerated> {
        let mut arguments = arguments.iter();
        let length = match arguments.next() {
            Some(length) => u64::try_from(self.whole(length)?).unwrap_or(0),
            None => 16,
        };
        if !(1..=limits::GENERATED_CHARACTERS).contains(&length) {
            return Err(NotGenerated::Here(Fault::GeneratedLength(length)));
        }
        let mode = match arguments.next() {
            Some(mode) => self.text(mode)?,
            None => Cow::Borrowed("alphanumeric"),
        };
        let letters = || ('a'..='z').chain('A'..='Z');
        let alphabet: Vec<char> = match &*mode {
            "hex" => ('0'..='9').chain('a'..='f').collect(),
            "letters" => letters().collect(),
            "numbers" => ('0'..='9').collect(),
            _ => letters().chain('0'..='9').chain(SYMBOLS.chars()).collect(),
        };
        let mut text = String::new();
        let mut bytes = [0_u8; 64];
        // Bytes that would favour some characters are thrown away.
        let fair = 256 - 256 % alphabet.len();
        let mut left = length;
        while left > 0 {
            self.randomness
                .fill(&mut bytes)
                .map_err(|_| NotGenerated::Here(Fault::NoRandomness))?;
            for byte in bytes.map(usize::from) {
                if byte < fair && left > 0 {
                    text.extend(alphabet.get(byte % alphabet.len()));
                    left -= 1;
                }
            }
        }
        Ok(Value::text(text))
    }
}

/// The first letter of each word in upper case, also behind digits and signs. The rest stays. Words are what white
/// space parts.
fn title_case(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if c.is_whitespace() {
            in_word = false;
            titled.push(c);
        } else if !in_word && c.is_alphabetic() {
            in_word = true;
            titled.extend(c.to_uppercase());
        } else {
            titled.push(c);
        }
    }
    titled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_of_each_word_is_raised_and_the_rest_stays() {
        for (text, wanted) in [
            ("ada lovelace", "Ada Lovelace"),
            ("o'neil anne-marie", "O'neil Anne-marie"),
            ("3com (abc) macOS", "3Com (Abc) MacOS"),
            ("élan\tñu", "Élan\tÑu"),
            ("", ""),
        ] {
            assert_eq!(title_case(text), wanted);
        }
    }
}
