//! Dynamic value statements: fields of an action's form that are computed for each asset.
//!
//! ```text
//! text ─ parse ─▸ Statement ─ check ─▸ Program ─ evaluate ─▸ Evaluation
//!                     └─ format ─▸ text
//! ```
//!
//! Nothing here reads a file, a clock or the network: the asset, the time and what randomness there is are handed in. A
//! statement is small and trusted, the assets that it is held against are neither, so everything is bounded
//! ([`limits`]).
//!
//! ```
//! use tipstaff_dynamic::{Circumstances, Form, Statement};
//!
//! let text = r#"user all then form.reason set_value concat("left: ", [user.specific_data.data.mail]) or "left""#;
//! let form = Form::from_schema(&serde_json::json!({"properties": {"reason": {"type": "string"}}}));
//! let program = Statement::parse(text)?.check(Some(&form))?;
//!
//! let asset = serde_json::from_str(r#"{"id": "ada@contoso.com", "mail": "ada@contoso.com"}"#)?;
//! let evaluation = program.evaluate(&asset, &Circumstances::at("2026-11-24T08:00:00Z".parse()?), &mut ());
//! assert_eq!(evaluation.value("reason"), Some(&"left: ada@contoso.com".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `docs/dynamic-values.md` describes the language, and what was decided where its sources are silent.

mod ast;
mod check;
mod complete;
mod diagnostic;
mod evaluate;
mod evaluation;
mod fault;
mod form;
mod format;
mod functions;
mod lex;
pub mod limits;
mod nearest;
mod operators;
mod parse;
mod program;
mod types;
mod value;

pub use ast::Statement;
pub use complete::{Completion, CompletionKind, completions};
pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use evaluate::Node;
pub use evaluation::{Circumstances, Evaluation, Field, NoRandomness, Randomness, Trouble};
pub use form::{Form, FormField};
pub use functions::Function;
pub use operators::Operator;
pub use program::Program;
