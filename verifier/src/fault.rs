//! Why a signature that was found does not count, with what was found and what was wanted.

use oci::{Digest, simple_signing::PayloadError};
use serde::{Serialize, Serializer};

use crate::{BundleError, SIGN_PREDICATE, StatementError};

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A trusted key signed, but for another image: this signature was moved here.
    #[error("signature is for {named}, image is {image}")]
    WrongDigest {
        /// The digest that was signed.
        named: Digest,
        /// The image's digest.
        image: Digest,
    },
    /// A trusted key signed a statement whose subjects do not include the image.
    #[error("statement is about {named}, image is {image}")]
    OtherSubject {
        /// The subjects named, as far as they have a SHA-256 digest.
        named: String,
        /// The image's digest.
        image: Digest,
    },
    /// A trusted key signed, but not a signature: an attestation says something about an image, not that it is good.
    #[error("attestation of type `{predicate_type}` found, wanted a signature (`{SIGN_PREDICATE}`)")]
    Attestation {
        /// The predicate type.
        predicate_type: String,
    },
    /// A trusted key signed bytes that are no signature payload.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A trusted key signed bytes that are no in-toto statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// None of the trusted keys made it.
    #[error("not by a trusted key: {trusted} tried, none made this signature")]
    NoTrustedKey {
        /// How many keys were tried.
        trusted: usize,
    },
    /// It rests on evidence that this version does not examine.
    #[error("not examined: it is made with a certificate, and certificates cannot be examined yet")]
    NotExamined,
    /// The layer has no signature annotation.
    #[error("layer carries no signature")]
    NoSignature,
    /// The signature is not base64.
    #[error("signature is not standard base64")]
    Encoding,
    /// The bundle is malformed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its bytes could not be had.
    #[error("cannot be read: {why}")]
    Unreadable {
        /// What happened.
        why: String,
    },
}

impl Fault {
    /// How telling the fault is, the most telling first: a trusted signer's words before a stranger's.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::WrongDigest { .. } | Self::OtherSubject { .. } => 0,
            Self::Payload(_) | Self::Statement(_) => 1,
            Self::Attestation { .. } => 2,
            Self::NoTrustedKey { .. } => 3,
            Self::NotExamined => 4,
            Self::NoSignature | Self::Encoding | Self::Bundle(_) | Self::Unreadable { .. } => 5,
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
