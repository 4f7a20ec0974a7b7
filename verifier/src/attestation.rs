//! Attestations that were found genuine: what somebody says about an image, which is not that it is good.

use std::fmt;

use keys::SignatureHash;
use oci::{Digest, excerpt};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Demands, Envelope, Fault, Format, Place, Proofs, Signer};

/// A statement about the image that was checked against a trusted key or authority, and meets what was demanded.
///
/// It never counts as a signature. What its predicate says, and whether that is good news, was not looked at.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedAttestation {
    pub(crate) signer: Signer,
    pub(crate) format: Format,
    pub(crate) predicate_type: String,
    pub(crate) annotations: Map<String, Value>,
    /// Left out of what is written: bills of material have megabytes.
    #[serde(skip)]
    pub(crate) envelope: Envelope,
    #[serde(skip)]
    pub(crate) stored: Digest,
    pub(crate) place: Place,
    pub(crate) proofs: Proofs,
}

impl VerifiedAttestation {
    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// In which format it is stored.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// What kind of thing is said, by the signed statement's own word.
    #[must_use]
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// The signed in-toto statement, as its signer wrote it: JSON without duplicate names.
    #[must_use]
    pub fn statement(&self) -> &[u8] {
        &self.envelope.payload
    }

    /// The statement with its signature.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// What the statement notes beside the image's digest.
    #[must_use]
    pub fn subject_annotations(&self) -> &Map<String, Value> {
        &self.annotations
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

    /// What tells its signature from others: the SHA-256 of its bytes, followed by its certificate in PEM if it has one.
    #[must_use]
    pub fn id(&self) -> Digest {
        self.proofs.signature()
    }

    /// The hash that its signature was checked with; none with Ed25519, which has no choice.
    #[must_use]
    pub fn hash(&self) -> Option<SignatureHash> {
        self.proofs.hash()
    }

    /// The digest of what is stored: of the layer with the envelope, or the bundle.
    #[must_use]
    pub fn stored(&self) -> &Digest {
        &self.stored
    }

    /// Whether its proofs meet these demands as well.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn meets(&self, demands: Demands) -> Result<(), Fault> {
        self.proofs.meet(demands, matches!(self.signer, Signer::Identity(_)))
    }
}

/// What it is, to whoever looked for a signature.
impl fmt::Display for VerifiedAttestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = excerpt(&self.predicate_type, MAX_SHOWN);
        write!(f, "{}: attestation of type `{kind}` by {}", self.place, self.signer)
    }
}

const MAX_SHOWN: usize = 200;
