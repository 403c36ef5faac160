//! What a statement and its evaluation may use. Exceeding one is an error of the statement or of the asset at hand,
//! never more.

/// The longest statement, in bytes.
pub const STATEMENT_BYTES: usize = 256 * 1024;

/// How deep functions may stand in each other.
pub const DEPTH: usize = 128;

/// The longest regular expression, in bytes.
pub const PATTERN_BYTES: usize = 1_000;

/// How large a regular expression may be when it is compiled, in bytes. Matching takes time in proportion to the text,
/// whatever the expression.
pub const PATTERN_COMPILED_BYTES: usize = 512 * 1024;

/// The longest text that a function may make, in bytes.
pub const TEXT_BYTES: usize = 1024 * 1024;

/// The longest list that a function may make.
pub const LIST_MEMBERS: usize = 100_000;

/// Members of lists, and kilobytes of text, that one evaluation may look at.
pub const STEPS: u64 = 2_000_000;

/// The longest text that `generate_string` makes, in characters.
pub const GENERATED_CHARACTERS: u64 = 256;
