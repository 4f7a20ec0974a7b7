//! What can be wrong: with a policy when it is loaded, with some data when it is judged.

use std::fmt;

/// Why a text is no policy that we can hold somebody to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}\n  {excerpt}")]
pub struct CueError {
    /// What is wrong, with the construct's name.
    pub problem: Problem,
    /// The line, from one.
    pub line: u32,
    /// The column in characters, from one.
    pub column: u32,
    /// The line itself, at most 200 bytes, control characters escaped.
    pub excerpt: String,
}

/// What is wrong at a place of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is not CUE.
    #[error("found {found}, wanted {wanted}")]
    Syntax {
        /// What stands there.
        found: String,
        /// What could have stood there.
        wanted: String,
    },
    /// The text may be CUE, but uses what this evaluator refuses.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// A name that nothing declares.
    #[error("reference `{0}` not found")]
    Unresolved(String),
    /// A `let`, an alias or an import that nothing uses, which CUE refuses.
    #[error("`{0}` is declared and not used")]
    Unused(String),
    /// A name declared twice, or as two kinds of thing.
    #[error("`{0}` is declared twice in one scope")]
    Redeclared(String),
    /// The policy contradicts itself, whatever the data.
    #[error("no data can meet this policy: {0}")]
    Contradiction(String),
    /// The policy may be met, but whether it is cannot be found out: its outcome could depend on an order of
    /// evaluation, or takes more than a limit allows.
    #[error("cannot be evaluated: {0}")]
    Undecided(String),
    /// The policy computes at its top with what is not known, whatever the data.
    #[error("computes with what is not known: {0}")]
    Incomplete(String),
    /// The policy is larger or deeper than anybody writes one.
    #[error("more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
}

/// Why some data do not meet a policy: one reason at least, at most a hundred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicts {
    first: Conflict,
    others: Vec<Conflict>,
}

impl Conflicts {
    /// `None` where there is no reason.
    pub(crate) fn new(reasons: Vec<Conflict>) -> Option<Self> {
        let mut reasons = reasons.into_iter().take(MAX_REASONS);
        let first = reasons.next()?;
        Some(Self { first, others: reasons.collect() })
    }

    /// The reason that was found first.
    #[must_use]
    pub fn first(&self) -> &Conflict {
        &self.first
    }

    /// All reasons, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Conflict> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl std::error::Error for Conflicts {}

impl fmt::Display for Conflicts {
    /// The first reason, and how many more there are, as CUE words it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        match self.others.len() {
            0 => Ok(()),
            more => write!(f, " (and {more} more errors)"),
        }
    }
}

const MAX_REASONS: usize = 100;

/// One reason why some data do not meet a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where in the data, as CUE writes paths; empty for the whole.
    pub path: String,
    /// What kind of reason.
    pub kind: ConflictKind,
    /// What there is, as CUE writes values, at most 200 bytes.
    pub found: String,
    /// What the policy wants, as CUE writes values, at most 200 bytes.
    pub wanted: String,
    /// The policy's line, from one; zero where no line can be named.
    pub line: u32,
}

/// The kinds of reason why data do not meet a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// Two values that exclude each other.
    Conflicting,
    /// A value outside a bound or refused by a validator.
    Invalid,
    /// A field that a closed struct does not have.
    NotAllowed,
    /// A field that must be there and is not.
    Missing,
    /// The policy refers to a field that is not there: CUE itself lets such data pass, most often.
    Undefined,
    /// The policy computes with something that is not known: CUE itself lets such data pass.
    Incomplete,
    /// Judging the data exceeds a limit, or depends on an order that this evaluator does not follow.
    Undecided,
}

impl fmt::Display for Conflict {
    /// Writes the reason as CUE words it: scripts compare these texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        let Self { found, wanted, .. } = self;
        match self.kind {
            ConflictKind::Conflicting => write!(f, "conflicting values {found} and {wanted}"),
            ConflictKind::Invalid => write!(f, "invalid value {found} ({wanted})"),
            ConflictKind::NotAllowed => write!(f, "field not allowed"),
            ConflictKind::Missing => write!(f, "field is required but not present"),
            ConflictKind::Undefined => write!(f, "undefined field: {found}"),
            ConflictKind::Incomplete => write!(f, "incomplete: {found}, wanted {wanted}"),
            ConflictKind::Undecided => write!(f, "undecided: {found}, wanted {wanted}"),
        }
    }
}
