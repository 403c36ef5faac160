//! Cuts a statement into words, texts and signs.
//!
//! A word is letters, digits and `_`; whether it is a number, a name or a keyword depends on where it stands.

use crate::diagnostic::Span;

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    Text(String),
    Sign(Sign),
    End,
}

/// What is neither word nor text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    OpenBraces,
    CloseBraces,
    Comma,
    Dot,
    Colon,
    Minus,
}

impl Sign {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::OpenParenthesis => "(",
            Self::CloseParenthesis => ")",
            Self::OpenBracket => "[",
            Self::CloseBracket => "]",
            Self::OpenBraces => "{{",
            Self::CloseBraces => "}}",
            Self::Comma => ",",
            Self::Dot => ".",
            Self::Colon => ":",
            Self::Minus => "-",
        }
    }
}

/// What cannot be cut.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) hint: Option<&'static str>,
}

/// All pieces of `text`, the last of them [`Token::End`].
pub(crate) fn cut(text: &str) -> Result<Vec<(Token, Span)>, Unreadable> {
    let mut tokens = Vec::new();
    let mut rest = Rest { text, at: 0 };
    loop {
        rest.skip(|c| c.is_whitespace() || c == '\u{feff}');
        let start = rest.at;
        let Some(c) = rest.peek() else {
            tokens.push((Token::End, Span::new(start, start)));
            return Ok(tokens);
        };
        let token = if is_word(c) {
            rest.skip(is_word);
            Token::Word(text.get(start..rest.at).unwrap_or_default().to_owned())
        } else if c == '"' {
            Token::Text(string(&mut rest)?)
        } else {
            Token::Sign(sign(&mut rest, c)?)
        };
        tokens.push((token, Span::new(start, rest.at)));
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl Rest<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
    }
}

/// `\n`, `\"` and `\\` are escapes; before anything else the backslash stays, as regular expressions need it.
fn string(rest: &mut Rest<'_>) -> Result<String, Unreadable> {
    let start = rest.at;
    rest.next();
    let mut value = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => return Ok(value),
            // A line break is one line break, whatever the editor writes.
            '\r' if rest.peek() == Some('\n') => {}
            '\\' => match rest.peek() {
                Some('n') => {
                    value.push('\n');
                    rest.next();
                }
                Some(c @ ('"' | '\\')) => {
                    value.push(c);
                    rest.next();
                }
                _ => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    Err(Unreadable {
        span: Span::new(start, start + 1),
        message: "the text that begins here has no end".to_owned(),
        hint: Some("a text ends with `\"`; a `\"` inside it is written `\\\"`"),
    })
}

fn sign(rest: &mut Rest<'_>, c: char) -> Result<Sign, Unreadable> {
    let start = rest.at;
    rest.next();
    let unreadable = |message: String, hint| {
        Err(Unreadable {
            span: Span::new(start, start + c.len_utf8()),
            message,
            hint,
        })
    };
    let doubled = rest.peek() == Some(c);
    Ok(match c {
        '(' => Sign::OpenParenthesis,
        ')' => Sign::CloseParenthesis,
        '[' => Sign::OpenBracket,
        ']' => Sign::CloseBracket,
        ',' => Sign::Comma,
        '.' => Sign::Dot,
        ':' => Sign::Colon,
        '-' if !doubled => Sign::Minus,
        '{' if doubled => {
            rest.next();
            Sign::OpenBraces
        }
        '}' if doubled => {
            rest.next();
            Sign::CloseBraces
        }
        '“' | '”' | '„' | '‟' | '«' | '»' => {
            return unreadable(
                format!("`{c}` does not begin a text"),
                Some("write straight double quotes: `\"`"),
            );
        }
        '\'' | '‘' | '’' | '`' => {
            return unreadable(
                format!("`{c}` does not begin a text"),
                Some("write double quotes: `\"`"),
            );
        }
        '#' | '/' | '-' => {
            return unreadable(
                format!("`{c}` means nothing here"),
                Some("statements have no comments"),
            );
        }
        '=' | '<' | '>' | '!' | '&' | '|' => {
            return unreadable(
                format!("`{c}` means nothing here"),
                Some("operators are words: `field_equal`, `gt`, `lt`, `not_contains`"),
            );
        }
        c if c.is_control() => return unreadable("a control character".to_owned(), None),
        c => return unreadable(format!("`{c}` means nothing here"), None),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use super::*;

    fn texts(text: &str) -> Vec<Token> {
        let tokens = cut(text).unwrap();
        tokens.into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn only_three_escapes_are_known() {
        let text = |value: &str| vec![Token::Text(value.to_owned()), Token::End];
        assert_eq!(texts(r#""a\nb\"c\\d""#), text("a\nb\"c\\d"));
        assert_eq!(texts(r#""\d+\.\t""#), text(r"\d+\.\t"));
        assert_eq!(texts("\"a\r\nb\""), text("a\nb"));
    }

    #[test]
    fn words_and_signs_stand_together_or_apart() {
        assert_eq!(texts("a.b_1 ( [{{x}}] )").len(), 11);
        assert_eq!(
            texts("\u{feff} größe_cm")[0],
            Token::Word("größe_cm".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let place = |text: &str| cut(text).err().map(|error| (error.span.start, error.hint));
        assert_eq!(place("a “b”").map(|(at, _)| at), Some(2));
        assert!(place("a 'b'").unwrap().1.unwrap().contains("double"));
        assert!(place("a \"b").unwrap().1.unwrap().contains("ends"));
        assert!(place("a # b").unwrap().1.unwrap().contains("comments"));
        assert!(place("a == b").unwrap().1.unwrap().contains("field_equal"));
        assert!(place("a { b").is_some() && place("\u{0}").is_some());
    }
}
