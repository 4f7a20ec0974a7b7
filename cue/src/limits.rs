//! How much of everything there may be. A policy of a thousand lines and a bill of materials of a hundred thousand
//! entries stay far below; what exceeds a limit is refused by name.

/// Bytes of a policy's text.
pub(crate) const MAX_TEXT: usize = 1 << 20;
/// Brackets within brackets of a policy.
pub(crate) const MAX_NESTING: usize = 64;
/// Levels of a policy's tree, where every operator is one.
pub(crate) const MAX_HEIGHT: usize = 160;
/// Clauses of one comprehension.
pub(crate) const MAX_CLAUSES: usize = 16;
/// `let` clauses of a policy.
pub(crate) const MAX_LETS: usize = 500;
/// Levels of evaluation inside one another: structs within structs, values that need values.
pub(crate) const MAX_DEPTH: usize = 96;
/// Scopes around one another: references to references, structs within structs.
pub(crate) const MAX_CHAIN: usize = 256;
/// Steps that compiling a regular expression costs.
pub(crate) const COMPILATION: usize = 5_000;
/// Steps of one evaluation.
pub(crate) const MAX_STEPS: usize = 2_000_000;
/// Bytes of a text that is computed.
pub(crate) const MAX_COMPUTED: usize = 1 << 20;
/// Items of a list that is computed.
pub(crate) const MAX_ITEMS: usize = 10_000;
/// Bytes of a regular expression.
pub(crate) const MAX_EXPRESSION: usize = 4096;
/// Bytes of a compiled regular expression.
pub(crate) const MAX_PATTERN: usize = 1 << 20;
/// Bytes of a value quoted in a message.
pub(crate) const MAX_QUOTED: usize = 200;
