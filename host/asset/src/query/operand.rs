//! What a field is compared with.

use std::ops::Range;

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use serde_json::Number;

use super::error::{Misplaced, Mistake};
use super::lex::{Comparison, Token};
use super::parse::{Parser, moment};
use super::syntax::{Check, Expr, Relation};
use super::{MAX_PATTERN_BYTES, MAX_PROGRAM_BYTES};
use crate::fault::quoted;

/// What stands after a comparison.
#[derive(Debug)]
pub(super) enum Operand {
    Bool(bool, Range<usize>),
    Date(Timestamp),
    /// `[]` and `size(n)`.
    Size(usize, Range<usize>),
    HasValue(Range<usize>),
    Number(Number),
    /// `match([…])`.
    Object(Expr),
    /// `match({…})`.
    Range(Vec<(Relation, Number)>, Range<usize>),
    Regex(Regex, Range<usize>),
    Text(String),
}

impl Operand {
    /// Reads one.
    pub(super) fn parse(parser: &mut Parser<'_, '_>) -> Result<Self, Misplaced> {
        let span = parser.span();
        let token = parser.peek().clone();
        let operand = match token {
            Token::Text(text) => Self::Text(text),
            Token::Number(number) => Self::Number(number),
            Token::Word(word) => match word.as_str() {
                "true" => Self::Bool(true, span),
                "false" => Self::Bool(false, span),
                "date" => return call(parser, date),
                "match" => return call(parser, matching),
                "regex" => return call(parser, regex),
                "size" => return call(parser, size),
                _ => return Err(parser.unexpected(WANTED)),
            },
            Token::OpenList => {
                parser.advance();
                if parser.peek() != &Token::CloseList {
                    let mut error = parser.unexpected("`]`");
                    if let Mistake::Unexpected { hint, .. } = &mut error.mistake {
                        *hint = Some(
                            "`== []` finds empty lists; members are asked for with `in […]`"
                                .to_owned(),
                        );
                    }
                    return Err(error);
                }
                Self::Size(0, span)
            }
            Token::Open => {
                parser.advance();
                has_value(parser)?;
                if !parser.take(&Token::Close) {
                    return Err(parser.unexpected("`)`"));
                }
                return Ok(Self::HasValue(span));
            }
            Token::OpenObject => {
                has_value(parser)?;
                return Ok(Self::HasValue(span));
            }
            _ => return Err(parser.unexpected(WANTED)),
        };
        parser.advance();
        Ok(operand)
    }

    /// What it asks of the field's value. `!=` is the same as `==` here; whoever calls turns it round.
    pub(super) fn check(self, comparison: Comparison) -> Result<Check, Misplaced> {
        let relation = match comparison {
            Comparison::AtLeast => Relation::AtLeast,
            Comparison::AtMost => Relation::AtMost,
            Comparison::Equal | Comparison::NotEqual => Relation::Equal,
            Comparison::Greater => Relation::Greater,
            Comparison::Less => Relation::Less,
        };
        let (check, what, span) = match self {
            Self::Date(date) => return Ok(Check::Date(relation, date)),
            Self::Number(number) => return Ok(Check::Number(relation, number)),
            Self::Text(text) => return Ok(Check::Text(relation, text)),
            Self::Bool(value, span) => (Check::Bool(value), "truth values", span),
            Self::HasValue(span) => (Check::HasValue, "`$exists`", span),
            Self::Object(expr) => (Check::Object(Box::new(expr)), "`match`", 0..0),
            Self::Range(bounds, span) => (Check::Range(bounds), "`match`", span),
            Self::Regex(regex, span) => (Check::Regex(regex), "`regex`", span),
            Self::Size(size, span) => (Check::Size(size), "lists", span),
        };
        match relation {
            Relation::Equal => Ok(check),
            _ => Err(Mistake::NotOrdered {
                comparison: comparison.as_str(),
                with: what,
            }
            .at(span)),
        }
    }
}

const WANTED: &str = "a value (a text in quotes, a number, `true`, `false`, `[]`, `date(…)`, `regex(…)`, `size(…)`, \
     `match(…)`)";

/// A word and what is in its brackets.
fn call(
    parser: &mut Parser<'_, '_>,
    argument: impl FnOnce(&mut Parser<'_, '_>, Range<usize>) -> Result<Operand, Misplaced>,
) -> Result<Operand, Misplaced> {
    let word = parser.span();
    parser.advance();
    let open = parser.span();
    if !parser.take(&Token::Open) {
        return Err(parser.unexpected("`(`"));
    }
    let operand = argument(parser, word)?;
    parser.close(&Token::Close, open, "`(`")?;
    Ok(operand)
}

fn text(parser: &mut Parser<'_, '_>) -> Result<(String, Range<usize>), Misplaced> {
    match parser.peek().clone() {
        Token::Text(text) => {
            let span = parser.span();
            parser.advance();
            Ok((text, span))
        }
        _ => Err(parser.unexpected("a text in quotes")),
    }
}

fn date(parser: &mut Parser<'_, '_>, _: Range<usize>) -> Result<Operand, Misplaced> {
    let (text, span) = text(parser)?;
    match moment(&text, parser.terms.now) {
        Some(date) => Ok(Operand::Date(date)),
        None => Err(Mistake::Date {
            text: quoted(&text),
        }
        .at(span)),
    }
}

fn size(parser: &mut Parser<'_, '_>, word: Range<usize>) -> Result<Operand, Misplaced> {
    let count = match parser.peek() {
        Token::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    };
    let Some(count) = count else {
        return Err(parser.unexpected("a whole number that is not negative"));
    };
    parser.advance();
    Ok(Operand::Size(count, word))
}

fn regex(parser: &mut Parser<'_, '_>, word: Range<usize>) -> Result<Operand, Misplaced> {
    let (pattern, span) = text(parser)?;
    let mut any_case = false;
    if parser.take(&Token::Comma) {
        let (flags, span) = text(parser)?;
        any_case = match flags.as_str() {
            "" => false,
            "i" => true,
            other => {
                return Err(Mistake::Unexpected {
                    found: format!("the flag `{}`", quoted(other)),
                    wanted: "`\"i\"`",
                    hint: Some("inside of the pattern there are more: `(?s)`, `(?m)`".to_owned()),
                }
                .at(span));
            }
        };
    }
    let refused = |reason: String| Mistake::Regex { reason }.at(span.clone());
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(refused(format!(
            "it is longer than {} KiB",
            MAX_PATTERN_BYTES / 1024
        )));
    }
    let regex = RegexBuilder::new(&pattern)
        .case_insensitive(any_case)
        .size_limit(MAX_PROGRAM_BYTES)
        .dfa_size_limit(MAX_PROGRAM_BYTES)
        .build()
        .map_err(|error| refused(reason(&error)))?;
    Ok(Operand::Regex(regex, word))
}

fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "what it stands for is too large".to_owned(),
        // The last line of a report that shows the pattern once more.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            quoted(last.trim_start_matches("error: "))
        }
    }
}

fn matching(parser: &mut Parser<'_, '_>, word: Range<usize>) -> Result<Operand, Misplaced> {
    let open = parser.span();
    if parser.take(&Token::OpenList) {
        let expr = parser.inner(open.clone())?;
        parser.close(&Token::CloseList, open, "`[`")?;
        return Ok(Operand::Object(expr));
    }
    if parser.peek() == &Token::OpenObject {
        return Ok(Operand::Range(bounds(parser)?, word));
    }
    Err(parser.unexpected("`[` and a condition, or `{\"$gte\": …}`"))
}

/// `{"$gte": 1, "$lte": 9}`.
fn bounds(parser: &mut Parser<'_, '_>) -> Result<Vec<(Relation, Number)>, Misplaced> {
    let open = parser.span();
    let mut bounds: Vec<(Relation, Number)> = Vec::new();
    parser.advance();
    loop {
        let relation = match parser.peek() {
            Token::Text(name) => match name.as_str() {
                "$gte" => Some(Relation::AtLeast),
                "$lte" => Some(Relation::AtMost),
                "$gt" => Some(Relation::Greater),
                "$lt" => Some(Relation::Less),
                _ => None,
            },
            _ => None,
        };
        let relation =
            relation.filter(|relation| bounds.iter().all(|(taken, _)| taken != relation));
        let Some(relation) = relation else {
            return Err(
                parser.unexpected("`\"$gte\"`, `\"$lte\"`, `\"$gt\"` or `\"$lt\"`, each once,")
            );
        };
        parser.advance();
        if !parser.take(&Token::Colon) {
            return Err(parser.unexpected("`:`"));
        }
        let Token::Number(number) = parser.peek().clone() else {
            return Err(parser.unexpected("a number"));
        };
        parser.advance();
        bounds.push((relation, number));
        if !parser.take(&Token::Comma) {
            break;
        }
    }
    parser.close(&Token::CloseObject, open, "`{`")?;
    Ok(bounds)
}

/// `{"$exists":true,"$ne":""}`.
fn has_value(parser: &mut Parser<'_, '_>) -> Result<(), Misplaced> {
    let open = parser.span();
    if !parser.take(&Token::OpenObject) {
        return Err(parser.unexpected("`{\"$exists\":true,\"$ne\":\"\"}`"));
    }
    let (mut exists, mut differs) = (false, false);
    loop {
        let name = match parser.peek() {
            Token::Text(name) => name.clone(),
            _ => String::new(),
        };
        let (seen, value, wanted) = match name.as_str() {
            "$exists" => (
                &mut exists,
                Token::Word("true".to_owned()),
                "`true` (what has no value is found with `not (…)`)",
            ),
            "$ne" => (&mut differs, Token::Text(String::new()), "`\"\"`"),
            _ => return Err(parser.unexpected(MEMBERS)),
        };
        if std::mem::replace(seen, true) {
            return Err(parser.unexpected(MEMBERS));
        }
        parser.advance();
        if !parser.take(&Token::Colon) {
            return Err(parser.unexpected("`:`"));
        }
        if !parser.take(&value) {
            return Err(parser.unexpected(wanted));
        }
        if !parser.take(&Token::Comma) {
            break;
        }
    }
    if !exists || !differs {
        return Err(parser.unexpected(MEMBERS));
    }
    parser.close(&Token::CloseObject, open, "`{`")
}

const MEMBERS: &str = "`\"$exists\":true` and `\"$ne\":\"\"`, each once,";
