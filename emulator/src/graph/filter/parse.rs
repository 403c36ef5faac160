//! Reading a `$filter` (OData 4.01 part 2, section 5.1.1).

use super::super::select::Property;
use super::{Filter, Literal, Unreadable};

/// How deep brackets may nest.
const DEEPEST: usize = 16;
/// The longest filter that is read, in bytes.
const LONGEST: usize = 8192;

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Filter, Unreadable> {
    if text.len() > LONGEST {
        return Err(Unreadable("Invalid filter clause: too long.".to_owned()));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    let filter = parser.either(0)?;
    match parser.peek() {
        None => Ok(filter),
        Some(token) => Err(Unreadable(format!(
            "Invalid filter clause: unexpected '{}'.",
            token.shown()
        ))),
    }
}

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

impl Token {
    fn shown(&self) -> &str {
        match self {
            Self::Word(text) | Self::Text(text) => text,
            Self::Open => "(",
            Self::Close => ")",
            Self::Comma => ",",
            Self::Colon => ":",
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Unreadable> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            ':' => tokens.push(Token::Colon),
            '\'' => {
                let mut value = String::new();
                loop {
                    match letters.next() {
                        Some('\'') if letters.next_if_eq(&'\'').is_some() => value.push('\''),
                        Some('\'') => break,
                        Some(other) => value.push(other),
                        None => {
                            return Err(Unreadable(
                                "Invalid filter clause: unterminated string literal.".into(),
                            ));
                        }
                    }
                }
                tokens.push(Token::Text(value));
            }
            _ if letter.is_whitespace() => {}
            _ => {
                let mut word = String::from(letter);
                while let Some(next) =
                    letters.next_if(|next| !next.is_whitespace() && !"(),:'".contains(*next))
                {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, Unreadable> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| Unreadable("Invalid filter clause: unexpected end.".to_owned()))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, token: &Token) -> Result<(), Unreadable> {
        let found = self.next()?;
        if found == *token {
            Ok(())
        } else {
            Err(Unreadable(format!(
                "Invalid filter clause: expected '{}' but found '{}'.",
                token.shown(),
                found.shown()
            )))
        }
    }

    fn either(&mut self, depth: usize) -> Result<Filter, Unreadable> {
        let mut left = self.both(depth)?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Ok(left)
    }

    fn both(&mut self, depth: usize) -> Result<Filter, Unreadable> {
        let mut left = self.one(depth)?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Unreadable> {
        if depth > DEEPEST {
            return Err(Unreadable(
                "Invalid filter clause: nested too deeply.".to_owned(),
            ));
        }
        match self.next()? {
            Token::Open => {
                let inner = self.either(depth + 1)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Token::Word(word) if word == "not" => Ok(Filter::Not(Box::new(self.one(depth + 1)?))),
            Token::Word(word) if matches!(word.as_str(), "startswith" | "startsWith") => {
                let (property, prefix) = self.property_and_text()?;
                Ok(Filter::StartsWith { property, prefix })
            }
            Token::Word(word) if matches!(word.as_str(), "endswith" | "endsWith") => {
                let (property, suffix) = self.property_and_text()?;
                Ok(Filter::EndsWith { property, suffix })
            }
            Token::Word(word) => match word.strip_suffix("/any") {
                Some("identities") => self.identity(),
                Some(list) => self.any(property_of(list)?),
                None => self.comparison(property_of(&word)?),
            },
            other => Err(Unreadable(format!(
                "Invalid filter clause: unexpected '{}'.",
                other.shown()
            ))),
        }
    }

    fn property_and_text(&mut self) -> Result<(Property, String), Unreadable> {
        self.expect(&Token::Open)?;
        let Token::Word(word) = self.next()? else {
            return Err(Unreadable("Invalid filter clause.".to_owned()));
        };
        let property = property_of(&word)?;
        self.expect(&Token::Comma)?;
        let text = self.text()?;
        self.expect(&Token::Close)?;
        Ok((property, text))
    }

    fn text(&mut self) -> Result<String, Unreadable> {
        match self.next()? {
            Token::Text(text) => Ok(text),
            other => Err(Unreadable(format!(
                "Invalid filter clause: '{}' is not a string.",
                other.shown()
            ))),
        }
    }

    fn literal(&mut self) -> Result<Literal, Unreadable> {
        match self.next()? {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Word(word) if word == "true" => Ok(Literal::Truth(true)),
            Token::Word(word) if word == "false" => Ok(Literal::Truth(false)),
            Token::Word(word) if word == "null" => Ok(Literal::Null),
            other => Err(Unreadable(format!(
                "Invalid filter clause: '{}' is not a literal.",
                other.shown()
            ))),
        }
    }

    fn comparison(&mut self, property: Property) -> Result<Filter, Unreadable> {
        if self.take_word("in") {
            self.expect(&Token::Open)?;
            let mut values = vec![self.literal()?];
            while self.peek() == Some(&Token::Comma) {
                self.at += 1;
                values.push(self.literal()?);
            }
            self.expect(&Token::Close)?;
            return Ok(Filter::In { property, values });
        }
        let negated = match self.next()? {
            Token::Word(word) if word == "eq" => false,
            Token::Word(word) if word == "ne" => true,
            other => {
                return Err(Unreadable(format!(
                    "Unsupported or invalid query filter clause '{}'.",
                    other.shown()
                )));
            }
        };
        Ok(Filter::Equals {
            property,
            value: self.literal()?,
            negated,
        })
    }

    /// Behind `list/any`: `(x:x eq 'value')` or `(x:startswith(x,'value'))`.
    fn any(&mut self, property: Property) -> Result<Filter, Unreadable> {
        self.expect(&Token::Open)?;
        let variable = self.next()?;
        self.expect(&Token::Colon)?;
        if self.take_word("startswith") || self.take_word("startsWith") {
            self.expect(&Token::Open)?;
            self.expect(&variable)?;
            self.expect(&Token::Comma)?;
            let value = self.text()?;
            self.expect(&Token::Close)?;
            self.expect(&Token::Close)?;
            return Ok(Filter::Any {
                property,
                value,
                prefix: true,
            });
        }
        self.expect(&variable)?;
        self.expect(&Token::Word("eq".to_owned()))?;
        let value = self.text()?;
        self.expect(&Token::Close)?;
        Ok(Filter::Any {
            property,
            value,
            prefix: false,
        })
    }

    fn identity(&mut self) -> Result<Filter, Unreadable> {
        self.expect(&Token::Open)?;
        let variable = self.next()?.shown().to_owned();
        self.expect(&Token::Colon)?;
        let (mut assigned_id, mut issuer) = (None, None);
        loop {
            let Token::Word(word) = self.next()? else {
                return Err(Unreadable("Invalid filter clause.".to_owned()));
            };
            self.expect(&Token::Word("eq".to_owned()))?;
            let value = self.text()?;
            match word.strip_prefix(variable.as_str()) {
                Some("/issuerAssignedId") => assigned_id = Some(value),
                Some("/issuer") => issuer = Some(value),
                _ => return Err(Unreadable(format!("Unsupported property '{word}'."))),
            }
            if !self.take_word("and") {
                break;
            }
        }
        self.expect(&Token::Close)?;
        let assigned_id = assigned_id.ok_or_else(|| Unreadable("Unsupported query.".to_owned()))?;
        Ok(Filter::Identity {
            assigned_id,
            issuer,
        })
    }
}

fn property_of(name: &str) -> Result<Property, Unreadable> {
    Property::of(name).ok_or_else(|| Unreadable(format!("Invalid filter clause: Could not find a property named '{name}' on type 'microsoft.graph.user'.")))
}
