//! What examination found out. Values of these types are made in this crate only: to hold one is to have checked.

use std::fmt;

use keys::{KeyId, SignatureHash};
use oci::{Digest, PinnedRef};
use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Demands, Fault, Gap, Identity, Place, Proofs, VerifiedAttestation};

/// Everything that is known about the signatures and attestations of one image, good and bad, and what could not be
/// looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence {
    #[serde(serialize_with = "as_text")]
    pub(crate) image: PinnedRef,
    pub(crate) verified: Vec<VerifiedSignature>,
    pub(crate) attestations: Vec<VerifiedAttestation>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) gaps: Vec<Gap>,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) examined_at: UnixTime,
}

impl Evidence {
    /// The image.
    #[must_use]
    pub fn image(&self) -> &PinnedRef {
        &self.image
    }

    /// The signatures that are genuine and name this image.
    #[must_use]
    pub fn verified(&self) -> &[VerifiedSignature] {
        &self.verified
    }

    /// The attestations that are genuine and about this image. None of them is a signature, and those under the `.att`
    /// tag are among them only where that was looked at.
    #[must_use]
    pub fn attestations(&self) -> &[VerifiedAttestation] {
        &self.attestations
    }

    /// The others, each with its fault, most telling first.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// The sources that were not read to their end.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Whether every source was read to its end, so that what is not here does not exist.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// When this was examined, by the clock of whoever asked.
    #[must_use]
    pub fn examined_at(&self) -> UnixTime {
        self.examined_at
    }
}

/// A signature that was checked against a trusted key or authority, meets what was demanded, and names the image.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedSignature {
    pub(crate) signer: Signer,
    pub(crate) format: Format,
    pub(crate) claim: Claim,
    pub(crate) place: Place,
    pub(crate) proofs: Proofs,
}

impl VerifiedSignature {
    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// In which format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// What the signer claimed beside the digest.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Where it was found.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Which logs and clocks vouch for it.
    #[must_use]
    pub fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    /// What tells it from other signatures: the SHA-256 of its bytes, followed by its certificate in PEM if it has one.
    #[must_use]
    pub fn id(&self) -> Digest {
        self.proofs.signature()
    }

    /// The hash that its signature was checked with; none with Ed25519, which has no choice.
    #[must_use]
    pub fn hash(&self) -> Option<SignatureHash> {
        self.proofs.hash()
    }

    /// Whether its proofs meet these demands as well.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn meets(&self, demands: Demands) -> Result<(), Fault> {
        self.proofs.meet(demands, matches!(self.signer, Signer::Identity(_)))
    }

    /// What else it carries that was not examined, since nothing is trusted that it could be checked against. It
    /// proves nothing therefore.
    #[must_use]
    pub fn unexamined(&self) -> &[Unexamined] {
        self.proofs.unexamined()
    }

    /// Whether the signer claimed every one of these annotations.
    #[must_use]
    pub fn has_annotations<'a>(&self, wanted: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
        wanted.into_iter().all(|(key, value)| self.claim.annotations.get(key).and_then(Value::as_str) == Some(value))
    }
}

/// What a signer claimed beside the image's digest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// The name under which the image was signed; bundles carry none.
    pub docker_reference: Option<String>,
    /// The signer's annotations.
    pub annotations: Map<String, Value>,
    /// The signed type: `cosign container image signature`, or the predicate type of a bundle.
    pub kind: &'static str,
}

/// Who made a signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signer {
    /// The holder of this key.
    Key(KeyId),
    /// Whom a trusted authority named. Whether that is who was expected is for an [`crate::IdentityMatcher`] to say.
    Identity(Identity),
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key {id}"),
            Self::Identity(identity) => identity.fmt(f),
        }
    }
}

impl Serialize for Signer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How a signature is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// cosign's layers: simple-signing payloads, and envelopes of attestations.
    Legacy,
    /// A Sigstore bundle.
    Bundle,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Bundle => "bundle",
        })
    }
}

/// What a signature carries without its being examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unexamined {
    /// A certificate.
    Certificate,
    /// Entries of a transparency log.
    LogEntry,
    /// RFC 3161 timestamps.
    Timestamp,
}

impl fmt::Display for Unexamined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::LogEntry => "log entry",
            Self::Timestamp => "timestamp",
        })
    }
}

/// A signature that does not count, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    /// Where it was found.
    pub place: Place,
    /// Why it does not count.
    pub fault: Fault,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

fn as_text<S: Serializer>(image: &PinnedRef, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(image)
}

fn as_seconds<S: Serializer>(time: &UnixTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}
