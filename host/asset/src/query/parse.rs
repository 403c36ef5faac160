//! Reads the text form of a query.
//!
//! ```text
//! expr    = both , { "or" , both } ;                      both = term , { "and" , term } ;
//! term    = "not" , term | "(" , expr , ")" | saved | test ;
//! test    = field , comparison , operand | field , [ "not" ] , "in" , "[" , [ scalar , { "," , scalar } ] , "]" ;
//! saved   = "{{QueryID=" , id or name , "}}" ;
//! operand = scalar | "[]" | regex | date | size | match | has-value ;
//! ```
//!
//! `and` binds tighter than `or`. Everything is checked here: fields, patterns, dates, bounds; what was read can be
//! evaluated without errors.

use std::ops::Range;

use jiff::{Timestamp, ToSpan};

use super::error::{Misplaced, Mistake, QueryError};
use super::lex::{Comparison, Token, tokens};
use super::operand::Operand;
use super::saved::{SavedQuery, nearest};
use super::syntax::{Check, Expr, Subject, Test};
use super::{MAX_BYTES, MAX_DEPTH, MAX_MEMBERS, MAX_TESTS};
use crate::catalog::Catalog;
use crate::fault::quoted;
use crate::path::{FieldPath, PathError, Source, Steps};

/// What a query is read with.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What `NOW` is.
    pub now: Timestamp,
    /// The queries that it may use.
    pub saved: &'a [SavedQuery],
    /// The fields that there are. Without it every field is taken.
    pub catalog: Option<&'a Catalog>,
}

/// What all queries that are read for one share.
pub(super) struct Budget<'a> {
    tests: usize,
    /// The saved queries that are being read, outermost first.
    within: Vec<&'a SavedQuery>,
}

/// Reads `text`, and every query that it uses. It may be the text of one itself.
pub(super) fn parse<'a>(
    text: &str,
    terms: Terms<'a>,
    of: Option<&'a SavedQuery>,
) -> Result<Expr, QueryError> {
    let mut budget = Budget {
        tests: 0,
        within: of.into_iter().collect(),
    };
    parse_text(text, terms, &mut budget, 0).map_err(|misplaced| QueryError::new(text, misplaced))
}

fn parse_text<'a>(
    text: &str,
    terms: Terms<'a>,
    budget: &mut Budget<'a>,
    depth: usize,
) -> Result<Expr, Misplaced> {
    if text.len() > MAX_BYTES {
        return Err(Mistake::TooLong.at(0..0));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth,
        inside: Inside::Asset,
        terms,
        budget,
    };
    if parser.peek() == &Token::End {
        return Err(Mistake::Empty.at(0..text.len()));
    }
    let expr = parser.expr()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

/// Whose fields are named.
#[derive(Clone, Debug)]
enum Inside {
    Asset,
    /// `match` of `specific_data`.
    Entity,
    /// `match` of a list of objects: of this adapter or of all, under this name.
    Object(Option<Box<str>>, String),
}

pub(super) struct Parser<'b, 'a> {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
    inside: Inside,
    pub(super) terms: Terms<'a>,
    budget: &'b mut Budget<'a>,
}

/// The word before a bracket or an operator, in lower case as all of them are.
pub(super) const WORDS: [&str; 11] = [
    "and",
    "date",
    "false",
    "in",
    "match",
    "not",
    "or",
    "plugin_name",
    "regex",
    "size",
    "true",
];

impl<'a> Parser<'_, 'a> {
    fn expr(&mut self) -> Result<Expr, Misplaced> {
        let mut any = vec![self.both()?];
        while self.take_word("or") {
            any.push(self.both()?);
        }
        Ok(one_or(any, Expr::Any))
    }

    fn both(&mut self) -> Result<Expr, Misplaced> {
        let mut all = vec![self.term()?];
        while self.take_word("and") {
            all.push(self.term()?);
        }
        Ok(one_or(all, Expr::All))
    }

    fn term(&mut self) -> Result<Expr, Misplaced> {
        let span = self.span();
        match self.peek().clone() {
            Token::Word(word) if word == "not" => {
                self.advance();
                self.deeper(span, Self::term)
                    .map(|expr| Expr::Not(Box::new(expr)))
            }
            Token::Open => {
                self.advance();
                let expr = self.deeper(span.clone(), Self::expr)?;
                self.close(&Token::Close, span, "`(`")?;
                Ok(expr)
            }
            Token::Reference(reference) => {
                self.advance();
                self.saved(&reference, span)
            }
            Token::Text(path) => {
                self.advance();
                self.test(&path, span)
            }
            Token::Word(word) if word == "plugin_name" => {
                self.advance();
                self.test(&word, span)
            }
            Token::Word(word) if word.contains('.') || FieldPath::parse(&word).is_ok() => {
                Err(Mistake::Unexpected {
                    found: format!("`{}` without quotes", quoted(&word)),
                    wanted: "a test",
                    hint: Some(format!(
                        "write the field in quotes: `\"{}\"`",
                        quoted(&word)
                    )),
                }
                .at(span))
            }
            _ => Err(self.unexpected("a test, such as `\"labels\" == \"vip\"`,")),
        }
    }

    /// What follows a field.
    fn test(&mut self, path: &str, span: Range<usize>) -> Result<Expr, Misplaced> {
        self.budget.tests += 1;
        if self.budget.tests > MAX_TESTS {
            return Err(Mistake::TooManyTests.at(span));
        }
        let is_entity = matches!(self.inside, Inside::Asset) && path == "specific_data";
        let negated = self.take_word("not");
        if self.take_word("in") {
            let subject = self.subject(path, span)?;
            let members = self.members()?;
            return Ok(negated_if(negated, test(subject, Check::OneOf(members))));
        }
        let comparison = match self.peek() {
            Token::Compare(comparison) if !negated => *comparison,
            _ if negated => return Err(self.unexpected("`in`")),
            _ => return Err(self.unexpected("`==`, another comparison or `in`")),
        };
        self.advance();
        if is_entity {
            return self.entity(comparison);
        }
        let subject = self.subject(path, span.clone())?;
        let within = self.below(&subject, path);
        let operand = self.operand(within)?;
        let check = operand.check(comparison)?;
        Ok(negated_if(
            comparison == Comparison::NotEqual,
            test(subject, check),
        ))
    }

    /// `"specific_data" == match([…])`: one entity has all of it.
    fn entity(&mut self, comparison: Comparison) -> Result<Expr, Misplaced> {
        let span = self.span();
        let negated = match comparison {
            Comparison::Equal => false,
            Comparison::NotEqual => true,
            other => {
                return Err(Mistake::NotOrdered {
                    comparison: other.as_str(),
                    with: "an adapter's data",
                }
                .at(span));
            }
        };
        match self.operand(Some(Inside::Entity))? {
            Operand::Object(expr) => Ok(negated_if(negated, Expr::Entity(Box::new(expr)))),
            _ => Err(Mistake::Field(PathError::Incomplete {
                path: "specific_data".to_owned(),
            })
            .at(span)),
        }
    }

    fn operand(&mut self, within: Option<Inside>) -> Result<Operand, Misplaced> {
        let before = self.inside.clone();
        // Where a `match` cannot follow, its fields are not looked up either.
        self.inside = within.unwrap_or(Inside::Object(None, String::new()));
        let operand = Operand::parse(self);
        self.inside = before;
        operand
    }

    /// The expression between `match([` and `])`.
    pub(super) fn inner(&mut self, span: Range<usize>) -> Result<Expr, Misplaced> {
        self.deeper(span, Self::expr)
    }

    /// What the fields of a `match` belong to.
    fn below(&self, subject: &Subject, path: &str) -> Option<Inside> {
        match (subject, &self.inside) {
            (Subject::Asset(path), _) => {
                let adapter = match path.source() {
                    Source::Adapter(adapter) => Some(adapter.clone()),
                    Source::Aggregated | Source::Preferred => None,
                    _ => return None,
                };
                let steps: Vec<&str> = path.steps().collect();
                Some(Inside::Object(adapter, steps.join(".")))
            }
            (Subject::Data(_), _) => {
                let field = path.strip_prefix("data.").unwrap_or(path);
                Some(Inside::Object(None, field.to_owned()))
            }
            (Subject::Member(_), Inside::Object(adapter, above)) => {
                Some(Inside::Object(adapter.clone(), format!("{above}.{path}")))
            }
            _ => None,
        }
    }

    fn subject(&self, path: &str, span: Range<usize>) -> Result<Subject, Misplaced> {
        let steps = |text: &str| {
            Steps::parse(text, || quoted(path))
                .map_err(|error| Mistake::Field(error).at(span.clone()))
        };
        match &self.inside {
            Inside::Asset => self.field(path, span).map(Subject::Asset),
            Inside::Entity if path == "plugin_name" => Ok(Subject::Adapter),
            Inside::Entity => match path.strip_prefix("data.") {
                Some(field) => {
                    let steps = steps(field)?;
                    self.known(None, field, path, span)?;
                    Ok(Subject::Data(steps))
                }
                None => Err(Mistake::NotInside {
                    path: quoted(path),
                    of: "an adapter's entity",
                    hint: "write `\"data.FIELD\"` or `plugin_name`",
                }
                .at(span)),
            },
            Inside::Object(adapter, above) => {
                let steps = steps(path)?;
                if !above.is_empty() {
                    self.known(adapter.as_deref(), &format!("{above}.{path}"), path, span)?;
                }
                Ok(Subject::Member(steps))
            }
        }
    }

    fn field(&self, path: &str, span: Range<usize>) -> Result<FieldPath, Misplaced> {
        let found = FieldPath::parse(path).map_err(|error| {
            let documented = Catalog::default();
            let nearest = self.terms.catalog.unwrap_or(&documented).nearest_path(path);
            match (&error, nearest.is_empty()) {
                (PathError::NoField { .. }, false) => Mistake::UnknownField {
                    path: quoted(path),
                    nearest,
                },
                _ => Mistake::Field(error),
            }
            .at(span.clone())
        })?;
        let steps: Vec<&str> = found.steps().collect();
        match found.source() {
            Source::Aggregated | Source::Preferred => {
                self.known(None, &steps.join("."), path, span)?;
            }
            Source::Adapter(adapter) => {
                self.known(Some(adapter), &steps.join("."), path, span)?;
            }
            Source::Adapters | Source::Id | Source::Kind | Source::Labels => {}
        }
        Ok(found)
    }

    fn known(
        &self,
        adapter: Option<&str>,
        field: &str,
        path: &str,
        span: Range<usize>,
    ) -> Result<(), Misplaced> {
        match self.terms.catalog {
            Some(catalog) if !catalog.knows(adapter, field) => Err(Mistake::UnknownField {
                path: quoted(path),
                nearest: catalog.nearest(adapter, field, path),
            }
            .at(span)),
            _ => Ok(()),
        }
    }

    fn saved(&mut self, reference: &str, span: Range<usize>) -> Result<Expr, Misplaced> {
        let id = match reference.trim().split_once('=') {
            Some((kind, id)) if kind.trim() == "QueryID" => id.trim(),
            Some((kind, _)) if kind.trim() == "AssetScopeID" => {
                return Err(Mistake::Scope.at(span));
            }
            _ => {
                return Err(Mistake::Unexpected {
                    found: format!("`{}`", quoted(reference.trim())),
                    wanted: "`QueryID=…`",
                    hint: None,
                }
                .at(span));
            }
        };
        let saved = self.terms.saved;
        let by_id = saved.iter().find(|query| query.id == id);
        let Some(query) = by_id.or_else(|| saved.iter().find(|query| query.name == id)) else {
            return Err(Mistake::UnknownQuery {
                reference: quoted(id),
                nearest: nearest(saved, id),
            }
            .at(span));
        };
        let within = &mut self.budget.within;
        if let Some(first) = within.iter().position(|outer| outer.id == query.id) {
            let mut way: Vec<&str> = within.iter().skip(first).map(|q| &*q.name).collect();
            way.push(&query.name);
            return Err(Mistake::Circle {
                name: query.name.clone(),
                way: way.join(" → "),
            }
            .at(span));
        }
        if self.depth >= MAX_DEPTH {
            return Err(Mistake::TooDeep.at(span));
        }
        within.push(query);
        let terms = self.terms;
        let expr = parse_text(&query.text, terms, self.budget, self.depth + 1);
        self.budget.within.pop();
        expr.map_err(|misplaced| {
            match misplaced.mistake {
                // These are about the whole, and a place in one part would mislead.
                mistake @ (Mistake::Circle { .. } | Mistake::TooManyTests | Mistake::TooDeep) => {
                    mistake
                }
                _ => Mistake::InSaved {
                    name: query.name.clone(),
                    error: Box::new(QueryError::new(&query.text, misplaced)),
                },
            }
            .at(span)
        })
    }

    fn members(&mut self) -> Result<super::syntax::OneOf, Misplaced> {
        let mut members = super::syntax::OneOf::default();
        let open = self.span();
        if !self.take(&Token::OpenList) {
            return Err(self.unexpected("a list `[…]`"));
        }
        if self.take(&Token::CloseList) {
            return Ok(members);
        }
        loop {
            match self.peek().clone() {
                Token::Text(text) => {
                    members.texts.insert(text);
                }
                Token::Number(number) => members.numbers.push(number),
                Token::Word(word) if word == "true" => members.bools.push(true),
                Token::Word(word) if word == "false" => members.bools.push(false),
                Token::End => return Err(Mistake::Unclosed { what: "`[`" }.at(open)),
                _ => return Err(self.unexpected("a text, a number, `true` or `false`")),
            }
            if members.len() > MAX_MEMBERS {
                return Err(Mistake::TooManyMembers.at(open));
            }
            self.advance();
            if !self.take(&Token::Comma) {
                break;
            }
        }
        self.close(&Token::CloseList, open, "`[`")?;
        Ok(members)
    }

    /// Reads on, one level further down.
    fn deeper<T>(
        &mut self,
        span: Range<usize>,
        read: impl FnOnce(&mut Self) -> Result<T, Misplaced>,
    ) -> Result<T, Misplaced> {
        if self.depth >= MAX_DEPTH {
            return Err(Mistake::TooDeep.at(span));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub(super) fn peek(&self) -> &Token {
        self.tokens
            .get(self.at)
            .map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn span(&self) -> Range<usize> {
        let last = self.tokens.last().map_or(0..0, |(_, span)| span.clone());
        self.tokens
            .get(self.at)
            .map_or(last, |(_, span)| span.clone())
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn take(&mut self, wanted: &Token) -> bool {
        let is_there = self.peek() == wanted;
        self.at += usize::from(is_there);
        is_there
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_there = matches!(self.peek(), Token::Word(word) if word == wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// Takes what closes the bracket at `open`.
    pub(super) fn close(
        &mut self,
        wanted: &Token,
        open: Range<usize>,
        what: &'static str,
    ) -> Result<(), Misplaced> {
        if self.take(wanted) {
            return Ok(());
        }
        if self.peek() == &Token::End {
            return Err(Mistake::Unclosed { what }.at(open));
        }
        Err(self.unexpected(match wanted {
            Token::CloseList => "`,`, `and`, `or` or `]`",
            Token::CloseObject => "`,` or `}`",
            _ => "`and`, `or` or `)`",
        }))
    }

    pub(super) fn unexpected(&self, wanted: &'static str) -> Misplaced {
        let token = self.peek();
        let hint = match token {
            Token::Word(word) => nearest_word(word).map(|known| {
                if known.eq_ignore_ascii_case(word) {
                    format!("keywords are in lower case: `{known}`")
                } else {
                    format!("did you mean `{known}`?")
                }
            }),
            _ => None,
        };
        Mistake::Unexpected {
            found: token.describe(),
            wanted,
            hint,
        }
        .at(self.span())
    }
}

fn nearest_word(word: &str) -> Option<&'static str> {
    let folded = word.to_ascii_lowercase();
    WORDS
        .into_iter()
        .map(|known| (strsim::osa_distance(&folded, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4 && *known != word)
        .min()
        .map(|(_, known)| known)
}

fn one_or(mut parts: Vec<Expr>, several: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            several(parts)
        }
    }
}

fn negated_if(negated: bool, expr: Expr) -> Expr {
    if negated {
        Expr::Not(Box::new(expr))
    } else {
        expr
    }
}

fn test(subject: Subject, check: Check) -> Expr {
    Expr::Test(Test { subject, check })
}

/// The moment that `date("…")` names.
pub(super) fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let Some(rest) = text.trim().strip_prefix("NOW") else {
        return crate::date::of_text(text.trim());
    };
    let rest = rest.trim_start();
    let Some(sign) = rest.chars().next() else {
        return Some(now);
    };
    let amount = rest.get(1..)?.trim_start();
    let (digits, unit) = amount.split_at_checked(amount.len().checked_sub(1)?)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours_each = match unit {
        "d" => 24,
        "h" => 1,
        _ => return None,
    };
    let hours = digits.parse::<i64>().ok()?.checked_mul(hours_each)?;
    // More hours than any calendar has are no span.
    let span = 0.hours().try_hours(hours).ok()?;
    match sign {
        '-' => now.checked_sub(span).ok(),
        '+' => now.checked_add(span).ok(),
        _ => None,
    }
}
