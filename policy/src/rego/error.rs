//! Why a policy in Rego is not taken, and why an evaluated one says no.

use thiserror::Error;

/// Why a policy in Rego cannot be used. Line and column count from one; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegoError {
    /// More text than a policy may have.
    #[error("a policy in Rego of {bytes} bytes; at most {most} are read")]
    TooLong {
        /// What it has.
        bytes: usize,
        /// What it may have.
        most: usize,
    },
    /// Text that is no Rego.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Where the text stops to make sense.
        line: u32,
        /// Where in the line.
        column: u32,
        /// What the parser says about it.
        message: String,
    },
    /// Text that would cost more to read, or to hold, than a policy may.
    #[error("line {line}, column {column}: {what}; at most {most} are evaluated")]
    TooMuch {
        /// Where the bound is passed.
        line: u32,
        /// Where in the line.
        column: u32,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// A function whose answer does not follow from its arguments: of a clock, a network, chance, the environment.
    #[error("line {line}, column {column}: {function} is refused: its answer does not follow from the input")]
    Impure {
        /// Where it is called, or put in another's place.
        line: u32,
        /// Where in the line.
        column: u32,
        /// Its name.
        function: String,
    },
    /// A function that is neither defined in the policy nor known.
    #[error("line {line}, column {column}: no function {function} in this version of Rego")]
    Unknown {
        /// Where it is called.
        line: u32,
        /// Where in the line.
        column: u32,
        /// Its name.
        function: String,
    },
    /// A function called with fewer or more arguments than it has.
    #[error("line {line}, column {column}: {function} has {wanted} arguments, {found} are given")]
    Arguments {
        /// Where it is called.
        line: u32,
        /// Where in the line.
        column: u32,
        /// Its name.
        function: String,
        /// How many it has.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// A function that calls itself, at once or through others.
    #[error("line {line}, column {column}: {function} calls itself")]
    Recursion {
        /// Where it is defined.
        line: u32,
        /// Where in the line.
        column: u32,
        /// Its name.
        function: String,
    },
    /// A name behind `not` that nothing before gives a value, `_` among them.
    #[error("line {line}, column {column}: {name} has no value that could be negated")]
    Unsafe {
        /// Where it stands.
        line: u32,
        /// Where in the line.
        column: u32,
        /// The name.
        name: String,
    },
    /// A keyword of the newer version of Rego in a policy that does not ask for it.
    #[error("line {line}, column {column}: the keyword {keyword} needs \"import rego.v1\"")]
    Keyword {
        /// Where it stands.
        line: u32,
        /// Where in the line.
        column: u32,
        /// The keyword.
        keyword: &'static str,
    },
    /// A module that lacks what is asked of it, so that nothing could comply.
    #[error("no rule {wanted}: the policy must define it, and its package must be the one of that name")]
    NoRule {
        /// The rule's full name.
        wanted: &'static str,
    },
    /// Evaluation in this process cannot be bounded.
    #[error("the evaluation of Rego has lost its bounds: another part of the process has taken its counter")]
    Unbounded,
}

impl RegoError {
    /// Line and column, where it lies at a place.
    pub(crate) fn place(&self) -> Option<(u32, u32)> {
        match self {
            RegoError::Syntax { line, column, .. }
            | RegoError::TooMuch { line, column, .. }
            | RegoError::Impure { line, column, .. }
            | RegoError::Unknown { line, column, .. }
            | RegoError::Arguments { line, column, .. }
            | RegoError::Recursion { line, column, .. }
            | RegoError::Unsafe { line, column, .. }
            | RegoError::Keyword { line, column, .. } => Some((*line, *column)),
            RegoError::TooLong { .. } | RegoError::NoRule { .. } | RegoError::Unbounded => None,
        }
    }

    /// The same at another place.
    pub(super) fn moved(mut self, place: impl Fn(u32, u32) -> (u32, u32)) -> RegoError {
        if let RegoError::Syntax { line, column, .. }
        | RegoError::TooMuch { line, column, .. }
        | RegoError::Impure { line, column, .. }
        | RegoError::Unknown { line, column, .. }
        | RegoError::Arguments { line, column, .. }
        | RegoError::Recursion { line, column, .. }
        | RegoError::Unsafe { line, column, .. }
        | RegoError::Keyword { line, column, .. } = &mut self
        {
            (*line, *column) = place(*line, *column);
        }
        self
    }
}

/// Why an evaluated policy does not let pass.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegoDenial {
    /// Its rule is false, undefined, or no answer of the wanted kind.
    #[error("policy is not compliant for query '{query}'")]
    NotCompliant {
        /// What was asked.
        query: &'static str,
    },
    /// Its answer is a set of none.
    #[error("policy is not compliant for query \"{query}\"")]
    Silent {
        /// What was asked.
        query: &'static str,
    },
    /// The rule that cosign's `verify-attestation` asks for has no value.
    #[error("result is undefined for query '{query}'")]
    Undefined {
        /// What was asked.
        query: &'static str,
    },
    /// The rule that cosign's `verify-attestation` asks for has another value than true.
    #[error("expression value, {value}, is not true")]
    NotTrue {
        /// The value, its beginning if it is long.
        value: String,
    },
    /// It gave reasons.
    #[error("policy is not compliant for query '{query}' with errors: {error}")]
    Errors {
        /// What was asked.
        query: &'static str,
        /// The policy's own words.
        error: String,
    },
    /// It answered with fields of other kinds than `result`, `error` and `warning` have.
    #[error("policy is not compliant for query '{query}' due to parsing errors: {field} is not of its kind")]
    Malformed {
        /// What was asked.
        query: &'static str,
        /// The field.
        field: &'static str,
    },
    /// It complies, but warns, which is not enough.
    #[error("warning: {0}")]
    Warning(String),
    /// It could not be evaluated.
    #[error("line {line}: {message}")]
    Failed {
        /// The line where evaluation ended, or 0.
        line: u32,
        /// What the evaluator says.
        message: String,
    },
    /// Evaluation was given up.
    #[error("evaluation was given up: {0}")]
    Bound(RegoBound),
}

/// What an evaluation used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RegoBound {
    /// Too many steps.
    #[error("more than {} steps", super::meter::MOST_STEPS)]
    Steps,
    /// Rules or functions that stand too deep within each other.
    #[error("rules or functions nested too deep")]
    Nesting,
    /// A value too large or too deep.
    #[error("a value of more than {} bytes or {} levels", super::measure::MOST_BYTES, super::measure::MOST_LEVELS)]
    Size,
}
