//! Exit codes: an interface. The table is in docs/exit-codes.md, and a test compares the two.

use std::fmt;

/// Why a command ends with something other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// `check`: a policy refused an image. Commands of cosign and Docker: any failure without a code of its own.
    Failed = 1,
    /// The command line cannot be understood, of commands that are not cosign's. `policy`: the files do not load.
    Usage = 2,
    /// `check`: no decision was possible.
    Undecided = 3,
    /// `verify`: the image has no signature.
    NoSignature = 10,
    /// `verify`: the image does not exist.
    NoImage = 11,
    /// `verify`: there are signatures, none of them counts.
    NoMatch = 12,
}

/// A command's failure, as its user sees it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) details: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), details: Vec::new(), hint: None }
    }

    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    pub(crate) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}

impl From<registry::RegistryError> for Failure {
    fn from(error: registry::RegistryError) -> Self {
        Self { hint: error.hint().map(str::to_owned), ..Self::failed(error) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}
