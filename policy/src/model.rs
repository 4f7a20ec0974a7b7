//! A checked policy: which images it is about, and what it asks of them.

use std::fmt;

use keys::PublicKey;
use verifier::{Format, VerifiedSignature};

use crate::Glob;

/// One ClusterImagePolicy. It has at least one glob, and authorities with distinct names.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) globs: Vec<Glob>,
    pub(crate) authorities: Vec<Authority>,
    pub(crate) unready: Option<NotReady>,
}

impl Policy {
    /// The policy's name, unique among the policies of a set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a failure refuses or warns.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The globs; one that matches selects the policy.
    #[must_use]
    pub fn globs(&self) -> &[Glob] {
        &self.globs
    }

    /// Whether this version can evaluate the policy.
    ///
    /// # Errors
    /// Fails with what it cannot evaluate; no image that the policy matches can meet it.
    pub fn readiness(&self) -> Result<(), &NotReady> {
        self.unready.as_ref().map_or(Ok(()), Err)
    }

    /// Whether a failure refuses the image. A policy without authorities does so in every mode.
    pub(crate) fn enforces(&self) -> bool {
        self.mode == Mode::Enforce || matches!(self.unready, Some(NotReady::NoAuthorities))
    }
}

/// What a policy's failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The image is refused.
    Enforce,
    /// The image is let in with a warning, unless another policy refuses it.
    Warn,
}

/// One way to satisfy a policy.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    pub(crate) name: String,
    pub(crate) requirement: Requirement,
}

/// What an authority asks. One signature must meet all of it.
#[derive(Debug, Clone)]
pub(crate) enum Requirement {
    /// A signature by this key, in this format where one is named.
    Key { key: PublicKey, format: Option<Format> },
    /// Nothing.
    Pass,
    /// The impossible, with a message.
    Fail { message: String },
    /// Something that this version cannot evaluate, which is said in [`Policy::readiness`].
    Unsupported,
}

impl Requirement {
    /// Whether this one signature meets the requirement. What needs no signature is met by none.
    pub(crate) fn met_by(&self, signature: &VerifiedSignature) -> bool {
        match self {
            Self::Key { key, format } => {
                *signature.signer() == verifier::Signer::Key(key.id())
                    && format.is_none_or(|wanted| signature.format() == wanted)
            }
            Self::Pass | Self::Fail { .. } | Self::Unsupported => false,
        }
    }
}

/// Why a policy cannot be evaluated. Whatever it matches is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// It uses these fields, by path, which this version cannot evaluate.
    Uses(Vec<String>),
    /// It has no authorities: nothing could satisfy it.
    NoAuthorities,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uses(fields) => write!(f, "uses {}, which this version cannot evaluate", fields.join(", ")),
            Self::NoAuthorities => f.write_str("has no authorities, so that nothing can satisfy it"),
        }
    }
}

impl std::error::Error for NotReady {}
