//! Could not decide. Never a yes.

use std::{fmt, sync::Arc, time::Duration};

use oci::ImageRef;
use policy::Undecided;
use registry::RegistryError;

/// Why the gate could not decide about an image.
#[derive(Debug)]
pub enum GateError {
    /// No policy is in force: none was loaded, or the last good one has outlived its grace.
    NotLoaded,
    /// The registry says that there is no such image.
    ImageAbsent(Box<ImageRef>),
    /// The image could not be resolved.
    Registry(Box<RegistryError>),
    /// Signatures that might exist could not be looked at.
    Incomplete(Box<Undecided>),
    /// A policy looks into the image's configuration, which cannot be had, for this reason.
    Config(String),
    /// A policy asks about what the image lists, which holds this.
    Index(String),
    /// The time that the caller gives was over.
    Deadline(Duration),
    /// The fetch ended without an answer, or the examination of what it brought.
    Failed,
    /// The same fetch failed for everybody who waited for it.
    Shared(Arc<GateError>),
}

impl GateError {
    /// What it is, in a word of our own.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotLoaded => "not-loaded",
            Self::ImageAbsent(_) => "image-absent",
            Self::Registry(_) => "registry",
            Self::Incomplete(_) => "incomplete",
            Self::Config(_) => "config",
            Self::Index(_) => "index",
            Self::Deadline(_) => "deadline",
            Self::Failed => "failed",
            Self::Shared(error) => error.kind(),
        }
    }

    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotLoaded => Some("see the log for what is wrong with the policy files".to_owned()),
            Self::Registry(error) => error.hint().map(str::to_owned),
            Self::Shared(error) => error.hint(),
            _ => None,
        }
    }
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoaded => f.write_str("no policy is in force"),
            Self::ImageAbsent(image) => write!(f, "image `{image}` does not exist in its registry"),
            Self::Registry(error) => error.fmt(f),
            Self::Incomplete(undecided) => undecided.fmt(f),
            Self::Config(why) => write!(f, "the image's configuration cannot be had: {why}"),
            Self::Index(found) => write!(f, "a policy asks about all that the image lists, and there is {found}"),
            Self::Deadline(after) => write!(f, "no answer within {:.1} s", after.as_secs_f64()),
            Self::Shared(error) => error.fmt(f),
            Self::Failed => f.write_str("the fetch ended without an answer"),
        }
    }
}

impl std::error::Error for GateError {}

impl From<RegistryError> for GateError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(Box::new(error))
    }
}
