//! Cuts the text of a query into tokens. It does not know which may follow which.

use std::ops::Range;

use serde_json::Number;

use super::error::{Misplaced, Mistake};
use crate::fault::quoted;

/// A piece of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Close,
    CloseList,
    CloseObject,
    Colon,
    Comma,
    Compare(Comparison),
    End,
    Number(Number),
    Open,
    OpenList,
    OpenObject,
    /// What stands between `{{` and `}}`.
    Reference(String),
    Text(String),
    Word(String),
}

/// How two things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    AtLeast,
    AtMost,
    Equal,
    Greater,
    Less,
    NotEqual,
}

impl Comparison {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::Greater => ">",
            Self::Less => "<",
            Self::NotEqual => "!=",
        }
    }
}

impl Token {
    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Close => "`)`".to_owned(),
            Self::CloseList => "`]`".to_owned(),
            Self::CloseObject => "`}`".to_owned(),
            Self::Colon => "`:`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Compare(comparison) => format!("`{}`", comparison.as_str()),
            Self::End => "the end".to_owned(),
            Self::Number(number) => format!("the number `{number}`"),
            Self::Open => "`(`".to_owned(),
            Self::OpenList => "`[`".to_owned(),
            Self::OpenObject => "`{`".to_owned(),
            Self::Reference(_) => "`{{`".to_owned(),
            Self::Text(text) => format!("the text `{}`", quoted(text)),
            Self::Word(word) => format!("`{}`", quoted(word)),
        }
    }
}

/// All tokens of `text`, each with its bytes, and [`Token::End`] after the last.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, Misplaced> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip(char::is_whitespace);
        let start = lexer.at;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((token, start..lexer.at));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn token(&mut self) -> Result<Token, Misplaced> {
        let rest = self.rest();
        let mut chars = rest.chars();
        let Some(first) = chars.next() else {
            return Ok(Token::End);
        };
        let second = chars.next();
        let (token, bytes) = match (first, second) {
            ('{', Some('{')) => return self.reference(),
            ('"' | '\'', _) => return self.text(first),
            ('0'..='9', _) | ('-', Some('0'..='9')) => return self.number(),
            ('A'..='Z' | 'a'..='z' | '_', _) => {
                let word = self.skip(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
                return Ok(Token::Word(word.to_owned()));
            }
            ('=', Some('=')) => (Token::Compare(Comparison::Equal), 2),
            ('!', Some('=')) => (Token::Compare(Comparison::NotEqual), 2),
            ('<', Some('=')) => (Token::Compare(Comparison::AtMost), 2),
            ('>', Some('=')) => (Token::Compare(Comparison::AtLeast), 2),
            ('<', _) => (Token::Compare(Comparison::Less), 1),
            ('>', _) => (Token::Compare(Comparison::Greater), 1),
            ('(', _) => (Token::Open, 1),
            (')', _) => (Token::Close, 1),
            ('[', _) => (Token::OpenList, 1),
            (']', _) => (Token::CloseList, 1),
            ('{', _) => (Token::OpenObject, 1),
            ('}', _) => (Token::CloseObject, 1),
            (',', _) => (Token::Comma, 1),
            (':', _) => (Token::Colon, 1),
            (other, _) => return Err(self.unknown(other)),
        };
        self.at += bytes;
        Ok(token)
    }

    fn unknown(&self, found: char) -> Misplaced {
        let hint = match found {
            '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
                Some("write straight quotes: `\"…\"`")
            }
            '=' => Some("equality is written `==`"),
            '!' => Some("write `not (…)`, or `!=`"),
            '&' => Some("write `and`"),
            '|' => Some("write `or`"),
            _ => None,
        };
        Mistake::Unexpected {
            found: format!("`{}`", quoted(&found.to_string())),
            wanted: "something of a query",
            hint: hint.map(str::to_owned),
        }
        .at(self.at..self.at + found.len_utf8())
    }

    fn reference(&mut self) -> Result<Token, Misplaced> {
        let start = self.at;
        let rest = self.rest();
        let Some(end) = rest.find("}}") else {
            return Err(Mistake::Unclosed { what: "`{{`" }.at(start..start + 2));
        };
        self.at += end + 2;
        Ok(Token::Reference(
            rest.get(2..end).unwrap_or_default().to_owned(),
        ))
    }

    /// A text in quotes. `\` makes the quote and itself plain; before anything else it stays, as patterns need it.
    fn text(&mut self, quote: char) -> Result<Token, Misplaced> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at += at + 1;
                    return Ok(Token::Text(text));
                }
                '\\' => match chars.next_if(|(_, next)| *next == quote || *next == '\\') {
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        Err(Mistake::Unclosed { what: "a text" }.at(start..start + 1))
    }

    fn number(&mut self) -> Result<Token, Misplaced> {
        let start = self.at;
        let text = self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_'));
        match serde_json::from_str::<Number>(text) {
            Ok(number) => Ok(Token::Number(number)),
            Err(_) => Err(Mistake::Number { text: quoted(text) }.at(start..self.at)),
        }
    }
}
