//! The languages of conditions: CUE and Rego, on what one attestation says, or on everything that was found of an image.
//!
//! A condition is parsed with the policy that holds it, so that what cannot be evaluated is known before any image is
//! judged. It is met or it is not: what cannot be known of the input is not met.

use std::fmt;

use serde_json::Value;

use crate::{RegoError, RegoPolicy};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Cue,
    Rego,
}

impl Dialect {
    /// The language of this name, as `type` writes it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "cue" => Some(Self::Cue),
            "rego" => Some(Self::Rego),
            _ => None,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cue => "cue",
            Self::Rego => "rego",
        })
    }
}

/// A condition that can be evaluated.
#[derive(Debug)]
pub(crate) enum Condition {
    Cue(Box<cue::Policy>),
    Rego(Box<RegoPolicy>),
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Line and column in the text, where it lies at a place.
    pub(crate) place: Option<(u32, u32)>,
    pub(crate) what: String,
    /// Whether the text is of the language all the same, and has in it what is not evaluated here.
    pub(crate) is_language: bool,
}

impl Condition {
    /// Reads it.
    pub(crate) fn parse(dialect: Dialect, text: &str) -> Result<Self, Unread> {
        match dialect {
            Dialect::Cue => cue::Policy::parse(text).map(|read| Self::Cue(Box::new(read))).map_err(|why| of_cue(&why)),
            Dialect::Rego => {
                RegoPolicy::parse(text).map(|read| Self::Rego(Box::new(read))).map_err(|why| of_rego(&why))
            }
        }
    }

    /// Holds it against this input.
    ///
    /// # Errors
    /// Fails with what does not hold.
    pub(crate) fn check(&self, input: &Value) -> Result<(), String> {
        match self {
            Self::Cue(policy) => {
                policy.check(input).map_err(|why| format!("failed to evaluate the policy with error: {why}"))
            }
            Self::Rego(policy) => policy.check(input).map_err(|why| why.to_string()),
        }
    }
}

fn of_cue(why: &cue::CueError) -> Unread {
    use cue::Problem::{
        Contradiction, Incomplete, Redeclared, Syntax, TooLarge, Undecided, Unresolved, Unsupported, Unused,
    };
    let is_language = match why.problem {
        Syntax { .. } | Unresolved(_) | Unused(_) | Redeclared(_) => false,
        Unsupported(_) | Contradiction(_) | Undecided(_) | Incomplete(_) | TooLarge { .. } => true,
    };
    Unread { place: Some((why.line, why.column)), what: why.problem.to_string(), is_language }
}

fn of_rego(why: &RegoError) -> Unread {
    use RegoError::{
        Arguments, Impure, Keyword, NoRule, Recursion, Syntax, TooLong, TooMuch, Unbounded, Unknown, Unsafe,
    };
    let is_language = match why {
        Syntax { .. } | Arguments { .. } | Recursion { .. } | Unsafe { .. } | Keyword { .. } | NoRule { .. } => false,
        TooLong { .. } | TooMuch { .. } | Impure { .. } | Unknown { .. } | Unbounded => true,
    };
    let (place, words) = (why.place(), why.to_string());
    let prefix = place.map(|(line, column)| format!("line {line}, column {column}: ")).unwrap_or_default();
    Unread { place, what: words.strip_prefix(&prefix).unwrap_or(&words).to_owned(), is_language }
}
