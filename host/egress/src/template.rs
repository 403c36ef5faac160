//! Templates of addresses: `{graph}/v1.0/users/*/revokeSignInSessions`.
//!
//! Reads them and binds them to a connection; which request fits one is judged in [`crate::target`].

use std::collections::BTreeMap;

/// A template as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// The endpoint's name.
    pub(crate) endpoint: String,
    pub(crate) segments: Vec<Segment>,
}

/// A segment of a template's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// `*`
    Any,
    /// Letters and fields of the connection, one after the other.
    Fixed(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Field(String),
}

/// A segment of a template that is bound to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Any,
    Is(String),
}

/// Why a template cannot be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unbound {
    /// The connection does not have the field, so the call is not to be had.
    NoField,
    /// The field's value cannot stand in a path.
    BadValue(String),
}

/// Segments in one path.
pub(crate) const MOST_SEGMENTS: usize = 32;

impl Template {
    /// Reads a template. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text
            .strip_prefix('{')
            .ok_or("it has to begin with `{endpoint}`")?;
        let (endpoint, path) = rest.split_once('}').ok_or("a `{` has no `}`")?;
        let path = match path.strip_prefix('/') {
            Some(path) => path,
            None if path.is_empty() => {
                return Ok(Self {
                    endpoint: endpoint.to_owned(),
                    segments: Vec::new(),
                });
            }
            None => return Err("after the endpoint there has to be a `/`"),
        };
        let segments = path
            .split('/')
            .map(Segment::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if segments.len() > MOST_SEGMENTS {
            return Err("it has more than 32 segments");
        }
        Ok(Self {
            endpoint: endpoint.to_owned(),
            segments,
        })
    }

    /// Puts the connection's fields in their places.
    pub(crate) fn bind(&self, fields: &BTreeMap<String, String>) -> Result<Vec<Step>, Unbound> {
        self.segments
            .iter()
            .map(|segment| segment.bind(fields))
            .collect()
    }

    /// Whether this is the beginning of `other`, letter by letter.
    pub(crate) fn begins(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && other.segments.starts_with(&self.segments)
    }

    /// Whether one path could fit both, whatever the connection. Two fields are taken to differ unless they are the
    /// same ones: what they really are is looked at when a connection is chosen ([`overlap`]).
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint
            && self.segments.len() == other.segments.len()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|pair| match pair {
                    (Segment::Any, _) | (_, Segment::Any) => true,
                    (one, two) => one == two,
                })
    }
}

/// Whether one path could fit both.
pub(crate) fn overlap(one: &[Step], two: &[Step]) -> bool {
    one.len() == two.len()
        && one.iter().zip(two).all(|pair| match pair {
            (Step::Any, _) | (_, Step::Any) => true,
            (one, two) => one == two,
        })
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.is_empty() {
            return Err("it has an empty segment");
        }
        if matches!(text, "." | "..") {
            return Err("it has a dot segment");
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (field, after) = after.split_once('}').ok_or("a `{` has no `}`")?;
            let field = field
                .strip_prefix("field:")
                .ok_or("inside of a path only `{field:name}` is known")?;
            if field.is_empty()
                || !field
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            {
                return Err("it has a field without a proper name");
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            pieces.push(Piece::Field(field.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        let plain = |piece: &Piece| match piece {
            Piece::Literal(text) => text.bytes().all(is_literal),
            Piece::Field(_) => true,
        };
        if !pieces.iter().all(plain) {
            return Err(
                "it has characters that cannot stand in a path; `*` has to be a segment of its own",
            );
        }
        Ok(Self::Fixed(pieces))
    }

    fn bind(&self, fields: &BTreeMap<String, String>) -> Result<Step, Unbound> {
        let Self::Fixed(pieces) = self else {
            return Ok(Step::Any);
        };
        let mut bound = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => bound.push_str(text),
                Piece::Field(name) => {
                    let value = fields.get(name).ok_or(Unbound::NoField)?;
                    // Unreserved characters (RFC 3986 section 2.3) have one spelling in a path.
                    let plain = value
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
                    if value.is_empty() || value.len() > 512 || !plain {
                        return Err(Unbound::BadValue(name.clone()));
                    }
                    bound.push_str(value);
                }
            }
        }
        if matches!(bound.as_str(), "." | "..") {
            let field = pieces.iter().find_map(|piece| match piece {
                Piece::Field(name) => Some(name.clone()),
                Piece::Literal(_) => None,
            });
            return Err(Unbound::BadValue(field.unwrap_or_default()));
        }
        Ok(Step::Is(bound))
    }
}

/// What may stand for itself in a path: `pchar` of RFC 3986 section 3.3 without percent-encoding, without `;` (matrix
/// parameters) and without `*`, which means something else in a template.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()+,=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn templates_that_could_mean_two_things_are_refused() {
        for text in [
            "",
            "graph/x",
            "{graph",
            "{graph}x",
            "{graph}/",
            "{graph}//x",
            "{graph}/x/",
            "{graph}/./x",
            "{graph}/..",
            "{graph}/a*",
            "{graph}/**",
            "{graph}/a%2fb",
            "{graph}/a;b",
            "{graph}/a?b",
            "{graph}/a#b",
            "{graph}/a b",
            "{graph}/é",
            "{graph}/{x}",
            "{graph}/{field:}",
            "{graph}/{field:a b}",
            "{graph}/{field:a",
            "{graph}/a\\b",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_are_bound_within_segments() {
        let template = Template::parse("{login}/{field:sub}.onmicrosoft.com/oauth2/*").unwrap();
        let fields = |value: &str| BTreeMap::from([("sub".to_owned(), value.to_owned())]);
        let bound = template.bind(&fields("contoso")).unwrap();
        assert_eq!(bound[0], Step::Is("contoso.onmicrosoft.com".to_owned()));
        assert_eq!(template.bind(&BTreeMap::new()), Err(Unbound::NoField));
        for bad in ["", "a/b", "a%2f", "a b", "é", "a;b"] {
            assert_eq!(
                template.bind(&fields(bad)),
                Err(Unbound::BadValue("sub".to_owned())),
                "{bad}"
            );
        }
        let whole = Template::parse("{login}/{field:sub}").unwrap();
        assert_eq!(
            whole.bind(&fields("..")),
            Err(Unbound::BadValue("sub".to_owned()))
        );
    }

    #[test]
    fn a_star_overlaps_with_any_word_in_its_place() {
        let parse = |text| Template::parse(text).unwrap();
        assert!(parse("{g}/users/*").overlaps(&parse("{g}/users/delta")));
        assert!(parse("{g}/*/x").overlaps(&parse("{g}/y/*")));
        assert!(!parse("{g}/users/*").overlaps(&parse("{g}/users/*/x")));
        assert!(!parse("{g}/users").overlaps(&parse("{h}/users")));
        assert!(!parse("{g}/Users").overlaps(&parse("{g}/users")));
    }
}
