//! What SQL can decide of a query: conditions on the columns of the inventory's tables.
//!
//! A condition never excludes an asset that the query finds. Where it says all that the query says it is exact, and
//! nothing has to be read of an asset at all. Values are bound, never written into the text.

use serde_json::Value;

use super::syntax::{Check, Expr, Relation, Subject, Test};
use crate::path::Source;

/// A condition on a row of `assets`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Narrowing {
    /// SQL, with `?` for each of `values`.
    pub(crate) condition: String,
    /// Each a JSON array of texts.
    pub(crate) values: Vec<String>,
    /// It is true for no asset that the query does not find.
    pub(crate) is_exact: bool,
}

impl Narrowing {
    /// What can be said of `expr`; `None` if that is nothing.
    pub(super) fn of(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::All(parts) => {
                let mut known = parts.iter().map(Self::of);
                let all_known = known.clone().all(|part| part.is_some());
                let joined = Self::join(known.by_ref().flatten().collect(), " AND ")?;
                Some(Self {
                    is_exact: joined.is_exact && all_known,
                    ..joined
                })
            }
            Expr::Any(parts) => {
                let parts = parts.iter().map(Self::of).collect::<Option<Vec<_>>>()?;
                Self::join(parts, " OR ")
            }
            Expr::Not(part) => {
                let part = Self::of(part).filter(|part| part.is_exact)?;
                Some(Self {
                    condition: format!("NOT {}", part.condition),
                    ..part
                })
            }
            Expr::Test(test) => Self::of_test(test),
            Expr::Entity(_) => None,
        }
    }

    fn join(parts: Vec<Self>, by: &str) -> Option<Self> {
        if parts.is_empty() {
            return None;
        }
        let conditions: Vec<&str> = parts.iter().map(|part| part.condition.as_str()).collect();
        Some(Self {
            condition: format!("({})", conditions.join(by)),
            is_exact: parts.iter().all(|part| part.is_exact),
            values: parts.into_iter().flat_map(|part| part.values).collect(),
        })
    }

    fn of_test(test: &Test) -> Option<Self> {
        let Subject::Asset(path) = &test.subject else {
            return None;
        };
        let wanted = "(SELECT value FROM json_each(?))";
        let condition = match path.source() {
            Source::Id => format!("id IN {wanted}"),
            Source::Kind => format!("kind IN {wanted}"),
            Source::Labels => {
                format!("seq IN (SELECT asset FROM labels WHERE label IN {wanted})")
            }
            _ => return None,
        };
        let texts: Vec<&str> = match &test.check {
            Check::Text(Relation::Equal, text) => vec![text],
            Check::OneOf(members) => members.texts.iter().map(String::as_str).collect(),
            _ => return None,
        };
        // SQL's texts end where C's do.
        if texts.iter().any(|text| text.contains('\0')) {
            return None;
        }
        Some(Self {
            condition: format!("({condition})"),
            values: vec![Value::from(texts).to_string()],
            is_exact: true,
        })
    }
}
