//! Why a signature that was found does not count, with what was found and what was wanted.

use oci::{Digest, simple_signing::PayloadError};
use serde::{Serialize, Serializer};

use crate::{BundleError, CertificateError, ChainFault, EnvelopeError, SetAside, StatementError};

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
    /// It is made with a certificate, and no authority is trusted that could have issued it.
    #[error("not examined: it is made with a certificate, and no certificate authority is trusted")]
    NoAuthority,
    /// The certificate cannot be read, or must not be there.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The certificate's key did not make it.
    #[error("signature is not by the certificate it comes with")]
    NotByCertificate,
    /// A certificate was given, and its key did not make it.
    #[error("signature is not by the certificate that was given")]
    NotByGivenCertificate,
    /// It is made with a key, and no key is trusted, but authorities that name signers.
    #[error("made with a key and without a certificate, wanted a certificate that names the signer")]
    NoCertificate,
    /// The certificate does not lead to a trusted authority at the time it was used.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// Nobody who is trusted says when it was made, and its certificate was valid for a while only.
    #[error("no trusted time: neither a log nor a timestamp authority vouches for one{}", listed(set_aside))]
    NoTime {
        /// What was found and proves nothing.
        set_aside: Vec<SetAside>,
    },
    /// A log entry was demanded.
    #[error("no valid log entry{}", listed(set_aside))]
    NoLogEntry {
        /// What was found and proves nothing.
        set_aside: Vec<SetAside>,
    },
    /// A log of certificates was demanded to have seen the certificate.
    #[error("no valid certificate timestamp{}", listed(set_aside))]
    NoCertificateLog {
        /// What was found and proves nothing.
        set_aside: Vec<SetAside>,
    },
    /// A timestamp was demanded.
    #[error("no valid timestamp{}", listed(set_aside))]
    NoTimestamp {
        /// What was found and proves nothing.
        set_aside: Vec<SetAside>,
    },
    /// The digest that a bundle notes beside its signature is not the artifact's.
    #[error("bundle is for {named}, artifact is {artifact}")]
    OtherArtifact {
        /// The digest noted.
        named: String,
        /// The artifact's.
        artifact: String,
    },
    /// The signature is over a hash of the artifact that its SHA-256 does not tell.
    #[error("signature is over a `{algorithm}` hash, which takes the artifact itself to check")]
    NeedsBytes {
        /// The algorithm.
        algorithm: String,
    },
    /// The layer has no signature annotation.
    #[error("layer carries no signature")]
    NoSignature,
    /// The signature is not base64.
    #[error("signature is not standard base64")]
    Encoding,
    /// The bundle is malformed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The layer is no envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
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
            Self::NoLogEntry { .. } | Self::NoTime { .. } | Self::OtherArtifact { .. } => 2,
            Self::NoCertificateLog { .. } | Self::NoTimestamp { .. } | Self::NeedsBytes { .. } => 2,
            Self::Chain(ChainFault::UnknownIssuer) | Self::NoTrustedKey { .. } => 3,
            Self::NotByGivenCertificate | Self::NoCertificate => 3,
            Self::Chain(_) => 2,
            Self::NoAuthority | Self::NotByCertificate => 4,
            Self::Certificate(_) => 5,
            Self::NoSignature | Self::Encoding | Self::Bundle(_) | Self::Envelope(_) | Self::Unreadable { .. } => 5,
        }
    }
}

/// What was found instead, as far as a reader wants to know.
fn listed(set_aside: &[SetAside]) -> String {
    let some: Vec<String> = set_aside.iter().take(MAX_LISTED).map(SetAside::to_string).collect();
    if some.is_empty() { String::new() } else { format!(": {}", some.join("; ")) }
}

const MAX_LISTED: usize = 4;

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
