//! The languages of conditions: CUE and Rego, on what one attestation says, or on everything that was found of an image.
//!
//! A condition is parsed with the policy that holds it, so that what cannot be evaluated is known before any image is
//! judged. It is met or it is not: what cannot be known of the input is not met.

use std::fmt;

use serde_json::Value;

use crate::{RegoPolicy, object::Text, problem::Why};

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

impl Condition {
    /// Reads it; nothing where that is a problem of the file that the text is in.
    pub(crate) fn parse(dialect: Dialect, text: &Text<'_>) -> Option<Self> {
        let refuse = |why: String| text.refuse(Why::Language(why));
        match dialect {
            Dialect::Cue => {
                let read = cue::Policy::parse(text.value).map(|read| Self::Cue(Box::new(read)));
                read.map_err(|why| refuse(why.to_string())).ok()
            }
            Dialect::Rego => {
                let read = RegoPolicy::parse(text.value).map(|read| Self::Rego(Box::new(read)));
                read.map_err(|why| refuse(why.to_string())).ok()
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
