//! Values: literals, fields, calls and what stands in their parentheses.

use super::{KEYWORDS, Parsed, Parser, Unexpected, is_scalar};
use crate::ast::{Expression, What};
use crate::diagnostic::Span;
use crate::functions::{Function, Takes};
use crate::lex::{Sign, Token};
use crate::limits;
use crate::nearest::did_you_mean;
use crate::operators::Operator;
use crate::value::Number;

impl Parser {
    pub(super) fn value(&mut self) -> Parsed<Expression> {
        let start = self.span();
        let what = match self.token().clone() {
            Token::Text(text) => {
                self.at += 1;
                What::Text(text)
            }
            Token::Sign(Sign::Minus) => What::Number(self.number()?),
            Token::Word(word) if is_scalar(&word) => match word.as_str() {
                "true" | "false" => {
                    self.at += 1;
                    What::Bool(word == "true")
                }
                _ => What::Number(self.number()?),
            },
            Token::Word(word) => self.word(&word)?,
            Token::Sign(Sign::OpenBracket) => self.brackets()?,
            Token::Sign(Sign::OpenBraces) => return Err(self.variable()),
            _ => return Err(self.expected("a value")),
        };
        Ok(Expression {
            what,
            span: start.to(self.span_before()),
        })
    }

    /// `12`, `-0.4`
    fn number(&mut self) -> Parsed<Number> {
        let start = self.span();
        let mut text = String::new();
        if self.is_sign(Sign::Minus) {
            self.at += 1;
            text.push('-');
            if self.span().start != start.end {
                return Err(self.expected("digits right after `-`"));
            }
        }
        text.push_str(&self.digits()?);
        if self.is_sign(Sign::Dot) && self.span().start == self.span_before().end {
            self.at += 1;
            text.push('.');
            if self.span().start != self.span_before().end {
                return Err(self.expected("digits right after `.`"));
            }
            text.push_str(&self.digits()?);
        }
        let number = text.parse().map(Number::Whole).ok();
        let number = number.or_else(|| Number::of(text.parse().ok()?));
        number.ok_or_else(|| Unexpected {
            span: start.to(self.span_before()),
            message: "the number is too large".to_owned(),
            hint: None,
        })
    }

    fn digits(&mut self) -> Parsed<String> {
        match self.token() {
            Token::Word(word) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
                let digits = word.clone();
                self.at += 1;
                Ok(digits)
            }
            _ => {
                let mut fault = self.expected("a number");
                fault.hint = Some("a text needs double quotes around it".to_owned());
                Err(fault)
            }
        }
    }

    /// A call, or a word that stands for itself.
    fn word(&mut self, word: &str) -> Parsed<What> {
        let is_call = matches!(
            self.tokens.get(self.at + 1),
            Some((Token::Sign(Sign::OpenParenthesis), _))
        );
        if is_call {
            return self.call(word);
        }
        let start = self.span();
        if KEYWORDS.contains(&word) {
            return Err(self.expected("a value"));
        }
        let names = self.dotted("a word")?;
        let names = names.join(".");
        if self.depth == 0 {
            return Err(bare(&names, start.to(self.span_before())));
        }
        Ok(What::Word(names))
    }

    fn call(&mut self, name: &str) -> Parsed<What> {
        let start = self.span();
        let Some(function) = Function::named(name) else {
            return Err(Unexpected {
                span: start,
                message: format!("there is no function `{name}`"),
                hint: no_function(name),
            });
        };
        self.at += 1;
        let arguments = self.arguments()?;
        let signature = function.signature();
        if !signature.accepts(arguments.len()) {
            return Err(Unexpected {
                span: start.to(self.span_before()),
                message: format!(
                    "`{name}` was given {}, and {}",
                    counted(arguments.len()),
                    wanted(function)
                ),
                hint: Some(format!("`{}`: {}", signature.text(), signature.summary)),
            });
        }
        for (at, argument) in arguments.iter().enumerate() {
            let takes = signature.parameter(at).map(|parameter| parameter.takes);
            stands_for_itself(argument, takes)?;
        }
        Ok(What::Call {
            function,
            arguments,
        })
    }

    /// `( value, … )`
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Expression>> {
        let open = self.span();
        if self.depth >= limits::DEPTH {
            return Err(Unexpected {
                span: open,
                message: format!(
                    "functions stand deeper in each other than {}",
                    limits::DEPTH
                ),
                hint: None,
            });
        }
        self.at += 1;
        self.depth += 1;
        let mut arguments = Vec::new();
        if !self.is_sign(Sign::CloseParenthesis) {
            loop {
                arguments.push(self.value()?);
                if !self.is_sign(Sign::Comma) {
                    break;
                }
                self.at += 1;
            }
        }
        self.depth -= 1;
        if !self.is_sign(Sign::CloseParenthesis) {
            let mut fault = self.expected("`,` or `)`");
            if *self.token() == Token::End {
                fault.span = open;
                fault.message = "the `(` here has no `)`".to_owned();
            }
            return Err(fault);
        }
        self.at += 1;
        Ok(arguments)
    }

    /// A list, columns, or a field.
    fn brackets(&mut self) -> Parsed<What> {
        let start = self.span();
        self.at += 1;
        let after = self.tokens.get(self.at + 1).map(|(token, _)| token);
        match self.token().clone() {
            Token::Text(_) | Token::Sign(Sign::Minus) => self.list(start),
            Token::Word(word) if word.starts_with(|c: char| c.is_ascii_digit()) => self.list(start),
            // A field has a path of at least two names.
            Token::Word(word)
                if is_scalar(&word)
                    && matches!(after, Some(Token::Sign(Sign::Comma | Sign::CloseBracket))) =>
            {
                self.list(start)
            }
            Token::Sign(Sign::OpenParenthesis) => self.columns(start),
            Token::Word(word) if word == "relation" => self.relation(start),
            Token::Word(_) => {
                let names = self.dotted("a field")?;
                self.close_bracket(start)?;
                self.field(names, start)
            }
            Token::Sign(Sign::CloseBracket) => Err(Unexpected {
                span: start.to(self.span()),
                message: "there is nothing in these brackets".to_owned(),
                hint: Some("write a field, or a list such as `[\"a\", \"b\"]`".to_owned()),
            }),
            _ => Err(self.expected("a field or a list")),
        }
    }

    fn close_bracket(&mut self, open: Span) -> Parsed<()> {
        if *self.token() == Token::End {
            return Err(Unexpected {
                span: open,
                message: "the `[` here has no `]`".to_owned(),
                hint: None,
            });
        }
        self.sign(Sign::CloseBracket, "`]`")
    }

    fn list(&mut self, open: Span) -> Parsed<What> {
        let mut members = Vec::new();
        loop {
            let member = match self.token() {
                Token::Text(_) | Token::Sign(Sign::Minus) => self.value()?,
                Token::Word(word) if is_scalar(word) => self.value()?,
                _ => {
                    let mut fault = self.expected("a text, a number or a truth value");
                    fault.hint =
                        Some("a list of fields or functions is written `array(…)`".to_owned());
                    return Err(fault);
                }
            };
            members.push(member);
            if !self.is_sign(Sign::Comma) {
                break;
            }
            self.at += 1;
        }
        if !self.is_sign(Sign::CloseBracket) && *self.token() != Token::End {
            return Err(self.expected("`,` or `]`"));
        }
        self.close_bracket(open)?;
        Ok(What::List(members))
    }

    /// `[(header: "…", field: "…"), …]`
    fn columns(&mut self, open: Span) -> Parsed<What> {
        let mut columns = Vec::new();
        loop {
            self.sign(Sign::OpenParenthesis, "`(`")?;
            let header = self.member("header")?;
            self.sign(Sign::Comma, "`,`")?;
            let field = self.member("field")?;
            self.sign(Sign::CloseParenthesis, "`)`")?;
            columns.push((header, field));
            if !self.is_sign(Sign::Comma) {
                break;
            }
            self.at += 1;
        }
        self.close_bracket(open)?;
        Ok(What::Columns(columns))
    }

    fn member(&mut self, name: &str) -> Parsed<String> {
        const HINT: &str = "a column is `(header: \"Name\", field: \"name\")`";
        if !self.is_word(name) {
            let mut fault = self.expected(&format!("`{name}:`"));
            fault.hint = Some(HINT.to_owned());
            return Err(fault);
        }
        self.at += 1;
        self.sign(Sign::Colon, "`:`")?;
        match self.token().clone() {
            Token::Text(text) => {
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.expected("a text in double quotes")),
        }
    }

    /// `[relation.user("Last used by").specific_data.data.mail]`
    fn relation(&mut self, open: Span) -> Parsed<What> {
        self.at += 1;
        self.sign(Sign::Dot, "`.` after `relation`")?;
        let kind = self.name("a kind of asset")?.text;
        self.sign(Sign::OpenParenthesis, "`(` and the name of a relationship")?;
        let relationship = match self.token().clone() {
            Token::Text(text) => text,
            _ => return Err(self.expected("the name of a relationship in double quotes")),
        };
        self.at += 1;
        self.sign(Sign::CloseParenthesis, "`)`")?;
        self.sign(Sign::Dot, "`.` and a field")?;
        let path = self.dotted("a field")?;
        self.close_bracket(open)?;
        Ok(What::Relation {
            kind,
            relationship,
            path,
        })
    }

    /// A field of these names, the first of which is a kind of asset.
    pub(super) fn field(&self, names: Vec<String>, start: Span) -> Parsed<What> {
        let span = start.to(self.span_before());
        let mut names = names.into_iter();
        let kind = names.next().unwrap_or_default();
        let path: Vec<String> = names.collect();
        if path.is_empty() {
            return Err(Unexpected {
                span,
                message: format!("`{kind}` is no field"),
                hint: Some(
                    "a field is written `[user.specific_data.data.NAME]`, a text `\"…\"`"
                        .to_owned(),
                ),
            });
        }
        if matches!(
            kind.as_str(),
            "specific_data" | "adapters_data" | "custom" | "labels"
        ) {
            return Err(Unexpected {
                span,
                message: format!("the field begins with `{kind}`, and not with a kind of asset"),
                hint: Some(format!("did you mean `[user.{kind}.{}]`?", path.join("."))),
            });
        }
        Ok(What::Field { kind, path })
    }

    fn variable(&self) -> Unexpected {
        Unexpected {
            span: self.span(),
            message: "variables of workflows exist only inside workflows".to_owned(),
            hint: Some("a field is written `[user.specific_data.data.NAME]`".to_owned()),
        }
    }
}

/// A word without quotes may stand only where a parameter takes words.
fn stands_for_itself(argument: &Expression, takes: Option<Takes>) -> Parsed<()> {
    match (&argument.what, takes) {
        (What::Word(_), Some(Takes::Key | Takes::OneOf(_))) => Ok(()),
        (What::Word(word), _) => Err(bare(word, argument.span)),
        (What::Columns(_), Some(Takes::Columns)) => Ok(()),
        (What::Columns(_), _) => Err(Unexpected {
            span: argument.span,
            message: "columns are for `to_table` only".to_owned(),
            hint: None,
        }),
        (_, Some(Takes::Columns)) => Err(Unexpected {
            span: argument.span,
            message: "`to_table` takes columns here".to_owned(),
            hint: Some("`[(header: \"Name\", field: \"name\")]`".to_owned()),
        }),
        _ => Ok(()),
    }
}

/// What was probably meant by a word that stands for nothing.
fn bare(word: &str, span: Span) -> Unexpected {
    let hint = if let Some(literal) = did_you_mean(word, ["true", "false"]) {
        literal
    } else if word.contains('.') {
        format!("a field needs brackets: `[{word}]`")
    } else if Function::named(word).is_some() {
        format!("a function needs parentheses: `{word}()`")
    } else {
        format!("a text needs double quotes: `\"{word}\"`")
    };
    Unexpected {
        span,
        message: format!("`{word}` is no value"),
        hint: Some(hint),
    }
}

fn no_function(name: &str) -> Option<String> {
    if name == "build_json" {
        return Some("it exists only inside workflows".to_owned());
    }
    let folded = name.to_lowercase();
    if Function::named(&folded).is_some() {
        return Some(format!("functions are lower case: `{folded}`"));
    }
    did_you_mean(name, Function::names()).or_else(|| {
        Operator::named(name).map(|operator| {
            format!(
                "`{name}` is an operator: `case {} then …`",
                operator.usage()
            )
        })
    })
}

fn counted(count: usize) -> String {
    match count {
        0 => "nothing".to_owned(),
        1 => "1 value".to_owned(),
        count => format!("{count} values"),
    }
}

/// `takes 2`, `takes 1 or more`
fn wanted(function: Function) -> String {
    let signature = function.signature();
    let most = signature.parameters.len();
    match (signature.least, signature.repeats) {
        (least, 0) if least == most => format!("takes {}", counted(least)),
        (least, 0) => format!("takes {least} to {most}"),
        (least, 1) => format!("takes {least} or more"),
        (least, repeats) => format!("takes {least}, and {repeats} more for each further criterion"),
    }
}
