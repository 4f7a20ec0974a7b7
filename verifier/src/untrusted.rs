//! Signatures and attestations as a registry gave them, before anything about them is known.

use std::{collections::BTreeMap, fmt};

use oci::AnyDigest;
use serde::Serialize;

/// Where signatures are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// cosign's tag `sha256-<hex>.sig`.
    SignatureTag,
    /// cosign's tag `sha256-<hex>.att`.
    AttestationTag,
    /// The referrers API.
    Referrers,
    /// The index under the fallback tag `sha256-<hex>`.
    FallbackTag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignatureTag => "signature tag",
            Self::AttestationTag => "attestation tag",
            Self::Referrers => "referrers",
            Self::FallbackTag => "fallback tag",
        })
    }
}

/// Where a signature was found: the manifest that holds it, and the layer in that manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// How the manifest was found.
    pub source: Source,
    /// The digest of the manifest.
    pub manifest: AnyDigest,
    /// The layer's index.
    pub index: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.manifest.hex();
        match self.source {
            Source::SignatureTag | Source::AttestationTag => write!(f, "{} layer {}", self.source, self.index),
            Source::Referrers | Source::FallbackTag => write!(f, "{} {}", self.source, &hex[..12]),
        }
    }
}

/// Enough for two SHA-512 digests and a registry's name.
const MAX_REASON: usize = 400;

/// A signature or attestation as found. Nothing it says of itself is a fact, so it offers nothing but the place it came from.
#[derive(Clone)]
pub struct UntrustedSignature {
    pub(crate) place: Place,
    pub(crate) body: Body,
}

#[derive(Clone)]
pub(crate) enum Body {
    Layer { payload: Vec<u8>, annotations: BTreeMap<String, String> },
    Envelope { bytes: Vec<u8>, annotations: BTreeMap<String, String> },
    Bundle(Vec<u8>),
    Unreadable(String),
}

impl UntrustedSignature {
    /// A layer of cosign's legacy format: a simple-signing payload, its signature in the layer's annotations.
    #[must_use]
    pub fn layer(place: Place, payload: Vec<u8>, annotations: BTreeMap<String, String>) -> Self {
        Self { place, body: Body::Layer { payload, annotations } }
    }

    /// A layer of cosign's legacy attestations: a DSSE envelope, what vouches for it in the layer's annotations.
    #[must_use]
    pub fn envelope(place: Place, bytes: Vec<u8>, annotations: BTreeMap<String, String>) -> Self {
        Self { place, body: Body::Envelope { bytes, annotations } }
    }

    /// A Sigstore bundle.
    #[must_use]
    pub fn bundle(place: Place, bytes: Vec<u8>) -> Self {
        Self { place, body: Body::Bundle(bytes) }
    }

    /// A signature that is listed, but whose bytes could not be had in good order. Of the reason, 400 bytes are kept:
    /// whoever can list one signature that cannot be read can list a thousand.
    #[must_use]
    pub fn unreadable(place: Place, mut why: String) -> Self {
        why.truncate(why.floor_char_boundary(MAX_REASON));
        why.shrink_to_fit();
        Self { place, body: Body::Unreadable(why) }
    }

    /// Where it was found.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Debug for UntrustedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "untrusted signature at {}", self.place)
    }
}

/// A source that could not be read to its end: what it holds is unknown, which is not the same as nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The source.
    pub source: Source,
    /// What happened.
    pub why: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

/// Everything found for one image, and what could not be looked at.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The signatures and attestations.
    pub signatures: Vec<UntrustedSignature>,
    /// The sources that were not read to their end.
    pub gaps: Vec<Gap>,
}
