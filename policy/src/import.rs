//! Policies of other programs, as ours: containers/image's `policy.json`, Kyverno's and Connaisseur's.
//!
//! What a policy here cannot say is told, with its place, and never dropped. Nothing widens: where a rule has no
//! counterpart, what it is about is refused, or is under no policy, which refuses as well. Since every policy that
//! matches must be met, while other programs let the most specific rule win, images that several rules are about may
//! be judged more strictly than there; that is told too. What a ClusterImagePolicy can say is one, since other programs
//! read it too; the rest is an ImagePolicy. [`export`] goes the other way.

mod attestor;
mod authority;
mod cel;
mod connaisseur;
mod container_policy;
mod draft;
pub mod export;
mod kyverno;
mod matching;
mod need;
mod pattern;
mod registries;
mod scope;
mod sheet;
mod signed_identity;
mod sigstore_signed;
mod tree;
mod validating;
mod validator;
mod verify_images;
mod whole;

use std::fmt;

pub use connaisseur::connaisseur;
pub use container_policy::{ContainerPolicy, container_policy, key_files};
pub use kyverno::kyverno;

use crate::problem::excerpt;

/// Which program's policy a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// containers-policy.json(5), of Podman, Skopeo, Buildah and CRI-O.
    ContainerPolicy,
    /// Kyverno's ClusterPolicy, Policy, ImageValidatingPolicy or NamespacedImageValidatingPolicy.
    Kyverno,
    /// Connaisseur's Helm values.
    Connaisseur,
}

impl Kind {
    /// Recognises a text by what it holds, whatever its name.
    ///
    /// # Errors
    /// Fails on a text that is not YAML or JSON, and on one that is none of these.
    pub fn of(name: &str, text: &str) -> Result<Self, ImportError> {
        let documents = tree::documents(name, text)?;
        let has = |name: &str| documents.iter().any(|document| document.get(name).is_some());
        let is_kyverno = |document: &serde_json::Value| {
            let group = document.get("apiVersion").and_then(serde_json::Value::as_str).unwrap_or_default();
            group.split('/').next().is_some_and(|group| group == "kyverno.io" || group == "policies.kyverno.io")
        };
        if documents.iter().any(is_kyverno) {
            Ok(Self::Kyverno)
        } else if has("application") || has("validators") {
            Ok(Self::Connaisseur)
        } else if has("default") {
            Ok(Self::ContainerPolicy)
        } else {
            Err(ImportError::Unknown { file: excerpt(name) })
        }
    }
}

/// Policies of another program in our format, and what became of the rest of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Objects in YAML, at least one of them a policy, each with comments on what it leaves unsaid.
    pub documents: Vec<String>,
    /// What is worth knowing, though it is said in full.
    pub remarks: Vec<Remark>,
    /// What could not be said.
    pub unsaid: Vec<Unsaid>,
}

/// Something translated in full that may surprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where it stood: file and path of the field.
    pub place: String,
    /// What it has become.
    pub what: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Something without a counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaid {
    /// Where it stood: file and path of the field.
    pub place: String,
    /// What it said.
    pub what: String,
    /// Why that is not said here, and what holds instead.
    pub why: String,
    /// What a person can do about it.
    pub hint: String,
}

impl fmt::Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, what, why, hint } = self;
        write!(f, "{place}: {what}: {why}")?;
        match hint.is_empty() {
            true => Ok(()),
            false => write!(f, "; {hint}"),
        }
    }
}

/// Why a text is not read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is no YAML, has a key twice, or exceeds a limit.
    #[error("{file}: not readable as YAML or JSON: {why}")]
    Syntax {
        /// The name of the text.
        file: String,
        /// What the parser says.
        why: String,
    },
    /// A field is not what its format says.
    #[error("{place}: {found}, wanted {wanted}")]
    Shape {
        /// The field.
        place: String,
        /// What is there.
        found: String,
        /// What should be.
        wanted: &'static str,
    },
    /// A format that knows no other fields has one.
    #[error("{place}: the format knows no such field")]
    Field {
        /// The field.
        place: String,
    },
    /// It is no policy of a known program.
    #[error("{file}: neither a policy.json nor a policy of Kyverno nor Connaisseur's values")]
    Unknown {
        /// The name of the text.
        file: String,
    },
}
