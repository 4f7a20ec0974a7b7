//! Why an object's images cannot be told.

use std::fmt;

use oci::json::JsonError;
use serde_json::Value;

/// Why an object's images cannot be told. Whoever asked must refuse the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// The kind is none that we know the images of.
    #[error("kind `{kind}` of `{api_version}` found, wanted a Kubernetes workload")]
    UnknownKind {
        /// Its `apiVersion`, escaped and cut.
        api_version: String,
        /// Its `kind`, escaped and cut.
        kind: String,
    },
    /// A field has another type than Kubernetes gives it.
    #[error("{path}: {found} found, wanted {wanted}")]
    WrongType {
        /// Where, for people; empty at the top.
        path: String,
        /// What Kubernetes has there.
        wanted: Shape,
        /// What is there.
        found: Shape,
    },
    /// A key that some readers take for one that counts, since the two differ by case alone.
    #[error("{path}: {found}")]
    OtherCase {
        /// Where the one that counts stands or would stand, for people.
        path: String,
        /// Which key, and which was wanted.
        found: JsonError,
    },
    /// A pod without a container.
    #[error("{path}: no container found, wanted at least one")]
    NoContainers {
        /// Where, for people.
        path: String,
    },
    /// A container without an image.
    #[error("{path}: no image found, wanted one")]
    NoImage {
        /// Where, for people.
        path: String,
    },
}

impl WorkloadError {
    /// Where, for people; none where it is about the object as a whole.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::UnknownKind { .. } => None,
            Self::WrongType { path, .. }
            | Self::OtherCase { path, .. }
            | Self::NoContainers { path }
            | Self::NoImage { path } => Some(path),
        }
    }
}

/// What a JSON value is, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Absent or null.
    Nothing,
    /// A boolean.
    Truth,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

impl Shape {
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Truth,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Truth => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

/// A stranger's word in our message: short, and without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}
