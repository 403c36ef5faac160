//! Statements held against assets: the examples, every function and operator, every decided point.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

mod bounds;
mod checks;
mod decisions;
mod examples;
mod functions;
mod operators;
mod properties;
mod support;
mod traces;
