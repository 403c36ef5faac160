//! Reads a statement: recursive descent over the pieces that `lex` cuts.
//!
//! ```text
//! statement = KIND all then assigns | switch subject { case condition then assigns }
//! assigns   = assign { also assign }
//! assign    = form.NAME set_value value { or value }
//! ```
//!
//! Values are in [`value`]. Only the language is known here; whether fields and types fit is `check`'s.

mod value;

use crate::ast::{Assign, Body, Case, Condition, Expression, Name, What};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lex::{self, Sign, Token};
use crate::limits;
use crate::nearest::did_you_mean;
use crate::operators::{Given, Operator};

/// Words with a meaning of their own. All are lower case.
pub(crate) const KEYWORDS: &[&str] = &[
    "all",
    "also",
    "case",
    "form",
    "or",
    "set_value",
    "switch",
    "then",
];

pub(crate) fn statement(text: &str) -> Result<Body, Diagnostic> {
    if text.len() > limits::STATEMENT_BYTES {
        let message = format!(
            "the statement has {} bytes, and {} are the most",
            text.len(),
            limits::STATEMENT_BYTES
        );
        return Err(Diagnostic::new(
            text.get(..1).unwrap_or_default(),
            Span::default(),
            Severity::Error,
            message,
            None,
        ));
    }
    let tokens = lex::cut(text).map_err(|error| {
        let hint = error.hint.map(str::to_owned);
        Diagnostic::new(text, error.span, Severity::Error, error.message, hint)
    })?;
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
    };
    parser.statement().map_err(|fault| {
        Diagnostic::new(text, fault.span, Severity::Error, fault.message, fault.hint)
    })
}

/// Where the text is not a statement.
struct Unexpected {
    span: Span,
    message: String,
    hint: Option<String>,
}

type Parsed<T> = Result<T, Unexpected>;

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn statement(&mut self) -> Parsed<Body> {
        let body = if self.is_word("switch") {
            self.at += 1;
            self.switch()?
        } else if matches!(self.token(), Token::Word(_)) && self.is_word_after("all") {
            let kind = self.name("a kind of asset")?;
            self.at += 1;
            self.keyword("then")?;
            Body::All {
                kind,
                assigns: self.assigns()?,
            }
        } else {
            return Err(self.no_statement());
        };
        match self.token() {
            Token::End => Ok(body),
            _ => Err(self.after_assigns(matches!(body, Body::Switch { .. }))),
        }
    }

    fn no_statement(&self) -> Unexpected {
        const HINT: &str = "a statement begins with `user all then` or `switch user.FIELD case`, keywords in lower case";
        let mut fault = self.expected("a statement");
        fault.hint = Some(HINT.to_owned());
        if let Token::Word(word) = self.token() {
            let next = match self.tokens.get(self.at + 1) {
                Some((Token::Word(next), span)) => Some((next, *span)),
                _ => None,
            };
            if word != "switch" && word.eq_ignore_ascii_case("switch") {
                fault.message = format!("`{word}` is no keyword");
                fault.hint = Some("keywords are lower case: `switch`".to_owned());
            } else if let Some((next, span)) = next
                && let Some(hint) = keyword_hint(next, "all")
            {
                fault.span = span;
                fault.message = format!("expected `all`, and found `{next}`");
                fault.hint = Some(hint);
            } else if let Some(hint) = did_you_mean(word, ["switch"]) {
                fault.hint = Some(hint);
            }
        }
        fault
    }

    fn after_assigns(&self, is_switch: bool) -> Unexpected {
        let words: &[&str] = if is_switch {
            &["also", "case", "or"]
        } else {
            &["also", "or"]
        };
        let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let mut fault = self.expected(&format!("{} or the end", quoted.join(", ")));
        if let Token::Word(word) = self.token() {
            fault.hint = words
                .iter()
                .find_map(|keyword| keyword_hint(word, keyword))
                .or_else(|| {
                    (word == "form")
                        .then(|| "several fields are set with `also` between them".to_owned())
                })
                .or_else(|| {
                    (word == "case")
                        .then(|| "`case` belongs to `switch user.FIELD case …`".to_owned())
                });
        }
        fault
    }

    fn switch(&mut self) -> Parsed<Body> {
        let subject = self.subject()?;
        let mut cases = Vec::new();
        self.keyword("case")?;
        loop {
            let condition = self.condition()?;
            self.keyword("then")?;
            let assigns = self.assigns()?;
            cases.push(Case { condition, assigns });
            if !self.is_word("case") {
                return Ok(Body::Switch { subject, cases });
            }
            self.at += 1;
        }
    }

    /// A field with or without brackets, or a call.
    fn subject(&mut self) -> Parsed<Expression> {
        let is_call = matches!(
            self.tokens.get(self.at + 1),
            Some((Token::Sign(Sign::OpenParenthesis), _))
        );
        if matches!(self.token(), Token::Word(_)) && !is_call {
            let start = self.span();
            let names = self.dotted("a field")?;
            let what = self.field(names, start)?;
            return Ok(Expression {
                what,
                span: start.to(self.span_before()),
            });
        }
        let subject = self.value()?;
        match subject.what {
            What::Field { .. } | What::Relation { .. } | What::Call { .. } => Ok(subject),
            _ => Err(Unexpected {
                span: subject.span,
                message: "`switch` takes a field or a function".to_owned(),
                hint: Some("`switch user.specific_data.data.mail_preferred case …`".to_owned()),
            }),
        }
    }

    fn condition(&mut self) -> Parsed<Condition> {
        let start = self.span();
        let operator = match self.token() {
            Token::Word(word) if !is_scalar(word) => match Operator::named(word) {
                Some(operator) => operator,
                None => return Err(self.no_operator(word)),
            },
            // A value alone is what the subject has to be.
            Token::Word(_) | Token::Text(_) | Token::Sign(Sign::Minus) => {
                let value = self.value()?;
                return Ok(Condition {
                    operator: Operator::Equal,
                    span: value.span,
                    arguments: vec![value],
                });
            }
            _ => return Err(self.expected("an operator")),
        };
        self.at += 1;
        let mut arguments = Vec::new();
        if self.is_sign(Sign::OpenParenthesis) {
            arguments = self.arguments()?;
        } else if operator.given() != Given::Nothing && !self.is_word("then") {
            arguments.push(self.value()?);
        }
        let span = start.to(self.span_before());
        let arguments = match operator.given() {
            Given::Values => one_list(arguments),
            _ => arguments,
        };
        let wanted = usize::from(operator.given() != Given::Nothing);
        let fits = match operator.given() {
            Given::Values => !arguments.is_empty(),
            _ => arguments.len() == wanted,
        };
        if !fits {
            let counted = if wanted == 0 {
                "takes nothing"
            } else {
                "takes one value"
            };
            return Err(Unexpected {
                span,
                message: format!(
                    "`{}` {counted}, and was given {}",
                    operator.name(),
                    arguments.len()
                ),
                hint: Some(format!("`case {} then …`", operator.usage())),
            });
        }
        Ok(Condition {
            operator,
            arguments,
            span,
        })
    }

    fn no_operator(&self, word: &str) -> Unexpected {
        let hint = if Operator::named(&word.to_lowercase()).is_some() {
            Some(format!(
                "operators are lower case: `{}`",
                word.to_lowercase()
            ))
        } else {
            did_you_mean(word, Operator::names()).or_else(|| {
                let names: Vec<&str> = Operator::names().collect();
                Some(format!("operators are {}", names.join(", ")))
            })
        };
        Unexpected {
            span: self.span(),
            message: format!("there is no operator `{word}`"),
            hint,
        }
    }

    fn assigns(&mut self) -> Parsed<Vec<Assign>> {
        let mut assigns = vec![self.assign()?];
        while self.is_word("also") {
            self.at += 1;
            assigns.push(self.assign()?);
        }
        Ok(assigns)
    }

    fn assign(&mut self) -> Parsed<Assign> {
        let target = self.target()?;
        let span = self.span();
        self.keyword("set_value")?;
        let mut alternatives = vec![self.value()?];
        while self.is_word("or") {
            self.at += 1;
            alternatives.push(self.value()?);
        }
        Ok(Assign {
            target,
            alternatives,
            span,
        })
    }

    fn target(&mut self) -> Parsed<Name> {
        const HINT: &str = "only fields of the action's form can be set: `form.NAME set_value …`";
        let start = self.span();
        if !self.is_word("form") {
            let mut fault = self.expected("`form.NAME`");
            fault.hint = Some(HINT.to_owned());
            return Err(fault);
        }
        self.at += 1;
        if !self.is_sign(Sign::Dot) {
            return Err(self.expected("`.` and the name of a field after `form`"));
        }
        self.at += 1;
        let names = self.dotted("the name of a field")?;
        Ok(Name {
            text: names.join("."),
            span: start.to(self.span_before()),
        })
    }

    /// `a.b.c`
    fn dotted(&mut self, what: &str) -> Parsed<Vec<String>> {
        let mut names = vec![self.name(what)?.text];
        while self.is_sign(Sign::Dot) {
            self.at += 1;
            names.push(self.name("a name after `.`")?.text);
        }
        Ok(names)
    }

    fn name(&mut self, what: &str) -> Parsed<Name> {
        let span = self.span();
        match self.token() {
            Token::Word(word) => {
                let text = word.clone();
                self.at += 1;
                Ok(Name { text, span })
            }
            _ => Err(self.expected(what)),
        }
    }

    fn keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.is_word(keyword) {
            self.at += 1;
            return Ok(());
        }
        let mut fault = self.expected(&format!("`{keyword}`"));
        if let Token::Word(word) = self.token() {
            fault.hint = keyword_hint(word, keyword);
        }
        Err(fault)
    }

    fn token(&self) -> &Token {
        self.tokens
            .get(self.at)
            .map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Span {
        let last = self
            .tokens
            .last()
            .map_or_else(Span::default, |(_, span)| *span);
        self.tokens.get(self.at).map_or(last, |(_, span)| *span)
    }

    /// Of the piece that was taken last.
    fn span_before(&self) -> Span {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.map_or_else(Span::default, |(_, span)| *span)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.token(), Token::Word(found) if found == word)
    }

    fn is_word_after(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((Token::Word(found), _)) if found == word)
    }

    fn is_sign(&self, sign: Sign) -> bool {
        *self.token() == Token::Sign(sign)
    }

    fn sign(&mut self, sign: Sign, what: &str) -> Parsed<()> {
        if self.is_sign(sign) {
            self.at += 1;
            return Ok(());
        }
        Err(self.expected(what))
    }

    fn expected(&self, what: &str) -> Unexpected {
        let found = match self.token() {
            Token::Word(word) => format!("`{}`", cut(word)),
            Token::Text(text) => format!("the text \"{}\"", cut(text)),
            Token::Sign(sign) => format!("`{}`", sign.text()),
            Token::End => "the end".to_owned(),
        };
        Unexpected {
            span: self.span(),
            message: format!("expected {what}, and found {found}"),
            hint: None,
        }
    }
}

/// Enough of a text to know it by.
fn cut(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(MOST).collect();
    format!("{beginning}…")
}

fn keyword_hint(word: &str, keyword: &str) -> Option<String> {
    if word != keyword && word.eq_ignore_ascii_case(keyword) {
        return Some(format!("keywords are lower case: `{keyword}`"));
    }
    did_you_mean(word, [keyword])
}

fn is_scalar(word: &str) -> bool {
    matches!(word, "true" | "false") || word.starts_with(|c: char| c.is_ascii_digit())
}

/// `in("a", "b")` is `in(["a", "b"])`.
fn one_list(mut arguments: Vec<Expression>) -> Vec<Expression> {
    let is_scalar = |argument: &Expression| {
        matches!(
            argument.what,
            What::Text(_) | What::Number(_) | What::Bool(_)
        )
    };
    if arguments.is_empty() || !arguments.iter().all(is_scalar) {
        return arguments;
    }
    let span = match (arguments.first(), arguments.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        _ => Span::default(),
    };
    let members = std::mem::take(&mut arguments);
    vec![Expression {
        what: What::List(members),
        span,
    }]
}

#[cfg(test)]
mod tests;
