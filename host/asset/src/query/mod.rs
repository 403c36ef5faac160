//! Queries over assets: the text form that users of the product know ("AQL").
//!
//! ```
//! use tipstaff_asset::query::{Query, Terms};
//!
//! let now = "2026-11-23T08:00:00Z".parse()?;
//! let terms = Terms { now, saved: &[], catalog: None };
//! let text = r#"("specific_data.data.account_disabled" == false) and not ("labels" in ["vip"])"#;
//! let query = Query::read(text, terms)?;
//! let ada = serde_json::from_str(r#"{"id":"a","adapters":[{"adapter":"azure_ad_adapter","data":{"account_disabled":false}}]}"#)?;
//! assert!(query.matches(&ada));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `docs/queries.md` describes the language. A query is read once, with every saved query that it uses and with the
//! time that `NOW` is; after that it needs nothing, and evaluating it cannot fail.
//!
//! Nothing here reads the inventory. What the inventory needs to find assets quickly is derived here: `narrow`, what
//! SQL can decide, and `wanted`, what has to be read of an asset.

mod error;
mod evaluate;
mod lex;
mod narrow;
mod operand;
mod parse;
mod saved;
mod syntax;
mod wanted;

pub use error::{Mistake, QueryError};
pub use parse::Terms;
pub use saved::{InvalidName, SavedQuery, nearest};

pub(crate) use narrow::Narrowing;
pub(crate) use saved::checked_name;
pub(crate) use wanted::Wanted;

use crate::asset::Asset;
use syntax::Expr;

/// The longest query, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How deeply brackets, `not`, `match` and saved queries may be nested.
pub const MAX_DEPTH: usize = 128;

/// The most members of a list.
pub const MAX_MEMBERS: usize = 100_000;

/// The most tests, those of saved queries included.
pub const MAX_TESTS: usize = 10_000;

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 8 * 1024;

/// How large a pattern may become when it is compiled, in bytes.
pub const MAX_PROGRAM_BYTES: usize = 2 * 1024 * 1024;

/// A query that was read.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    expr: Expr,
    narrowing: Option<Narrowing>,
    wanted: Wanted,
}

impl Query {
    /// Reads `text`.
    ///
    /// # Errors
    ///
    /// [`QueryError`] says what is wrong with it, and where.
    pub fn read(text: &str, terms: Terms<'_>) -> Result<Self, QueryError> {
        Ok(Self::new(text, parse::parse(text, terms, None)?))
    }

    /// Reads the text of a query that is about to be saved, and may therefore not use itself.
    ///
    /// # Errors
    ///
    /// [`QueryError`] says what is wrong with it, and where.
    pub fn read_saved(query: &SavedQuery, terms: Terms<'_>) -> Result<Self, QueryError> {
        let expr = parse::parse(&query.text, terms, Some(query))?;
        Ok(Self::new(&query.text, expr))
    }

    fn new(text: &str, expr: Expr) -> Self {
        Self {
            text: text.to_owned(),
            narrowing: Narrowing::of(&expr),
            wanted: Wanted::of(&expr),
            expr,
        }
    }

    /// The text that was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether `asset` fulfils it.
    #[must_use]
    pub fn matches(&self, asset: &Asset) -> bool {
        evaluate::matches(&self.expr, asset)
    }

    pub(crate) fn narrowing(&self) -> Option<&Narrowing> {
        self.narrowing.as_ref()
    }

    pub(crate) fn wanted(&self) -> &Wanted {
        &self.wanted
    }
}

#[cfg(test)]
mod examples;
#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
mod tests;
