//! What kinds of predicates there are, by cosign's short names and by their addresses.

use std::{fmt, str::FromStr};

use oci::{Digest, json::JsonError};
use verifier::StatementError;

/// What kind of thing is said of an image or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PredicateType {
    /// `custom`: any text, kept as text beside the time.
    Custom,
    /// `slsaprovenance`, `slsaprovenance02`.
    Slsa02,
    /// `slsaprovenance1`.
    Slsa1,
    /// `spdx`: a bill of material in SPDX's own text form.
    Spdx,
    /// `spdxjson`.
    SpdxJson,
    /// `cyclonedx`, in JSON.
    CycloneDx,
    /// `link`.
    Link,
    /// `vuln`: what a scanner found.
    Vuln,
    /// `openvex`.
    OpenVex,
    /// Any other, by its address; a JSON object.
    Uri(String),
}

impl PredicateType {
    /// cosign's short names.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("custom", Self::Custom),
        ("slsaprovenance", Self::Slsa02),
        ("slsaprovenance02", Self::Slsa02),
        ("slsaprovenance1", Self::Slsa1),
        ("link", Self::Link),
        ("spdx", Self::Spdx),
        ("spdxjson", Self::SpdxJson),
        ("cyclonedx", Self::CycloneDx),
        ("vuln", Self::Vuln),
        ("openvex", Self::OpenVex),
    ];

    /// The address that statements name.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Custom => "https://cosign.sigstore.dev/attestation/v1",
            Self::Slsa02 => "https://slsa.dev/provenance/v0.2",
            Self::Slsa1 => "https://slsa.dev/provenance/v1",
            Self::Spdx | Self::SpdxJson => "https://spdx.dev/Document",
            Self::CycloneDx => "https://cyclonedx.org/bom",
            Self::Link => "https://in-toto.io/Link/v1",
            Self::Vuln => "https://cosign.sigstore.dev/attestation/vuln/v1",
            Self::OpenVex => "https://openvex.dev/ns",
            Self::Uri(uri) => uri,
        }
    }

    /// The members without which it is none of this kind.
    pub(crate) fn required(&self) -> &'static [&'static str] {
        match self {
            Self::Link => &["_type", "name", "materials", "products", "byproducts", "command", "environment"],
            Self::Vuln => &["invocation", "scanner", "metadata"],
            _ => &[],
        }
    }
}

impl FromStr for PredicateType {
    type Err = UnknownPredicate;

    fn from_str(text: &str) -> Result<Self, UnknownPredicate> {
        if let Some((_, kind)) = Self::NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(kind.clone());
        }
        match url::Url::parse(text) {
            Ok(_) if text.len() <= MAX_URI => Ok(Self::Uri(text.to_owned())),
            _ => Err(UnknownPredicate { found: oci::excerpt(text, 60) }),
        }
    }
}

impl fmt::Display for PredicateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri())
    }
}

const MAX_URI: usize = 1024;

/// There is no such kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("predicate type `{found}` found, wanted an address or one of {}", names())]
pub struct UnknownPredicate {
    /// The name.
    pub found: String,
}

fn names() -> String {
    PredicateType::NAMES.map(|(name, _)| name).join(", ")
}

/// Why a predicate or a statement cannot be signed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PredicateError {
    /// It is no JSON, or can be read in two ways.
    #[error("predicate is not strict JSON: {error}")]
    Json {
        /// Where.
        error: JsonError,
    },
    /// It is JSON, but no object.
    #[error("predicate of type {kind} must be a JSON object")]
    NotObject {
        /// Its type.
        kind: PredicateType,
    },
    /// It is no text.
    #[error("predicate of type {kind} must be text in UTF-8")]
    NotText {
        /// Its type.
        kind: PredicateType,
    },
    /// It lacks a member.
    #[error("predicate of type {kind} has no `{name}`")]
    Missing {
        /// Its type.
        kind: PredicateType,
        /// The member.
        name: &'static str,
    },
    /// The statement is none.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The statement is about something else.
    #[error("statement is about {named}, wanted {wanted}")]
    OtherSubject {
        /// What it is about.
        named: String,
        /// What was to be signed.
        wanted: Digest,
    },
}
