//! Sigstore bundles, decoded strictly: only the members that the format has, exactly one signature, standard base64.
//!
//! The decoder takes a bundle apart; it checks no signature. Log entries and timestamps stay as they are found: one
//! that cannot be read is its own fault, not the bundle's.

use oci::{excerpt, json, json::JsonError, media_type};
use serde_json::Value;

use crate::{
    CertificateError, Envelope, EnvelopeError, FieldError, LogFault, TimestampFault, TrustRoot,
    certificate::{Certificate, MAX_CHAIN},
    fields::Fields,
    log_entry::{LogEntry, Must},
};

/// The predicate type that makes a bundle a signature (cosign 3).
pub const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

/// What a bundle holds.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) content: Content,
    pub(crate) signer: BundleSigner,
    pub(crate) log_entries: Vec<Result<LogEntry, LogFault>>,
    pub(crate) timestamps: Vec<Result<Vec<u8>, TimestampFault>>,
}

/// What was signed.
#[derive(Debug)]
pub(crate) enum Content {
    Envelope(Envelope),
    Message { noted: Option<Noted>, signature: Vec<u8> },
}

/// What a bundle notes beside a signature: the hash of what was signed. It is not signed itself.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) algorithm: String,
    pub(crate) digest: Vec<u8>,
}

/// What the signature is to be checked with.
#[derive(Debug)]
pub(crate) enum BundleSigner {
    Key,
    Certificate { leaf: Vec<u8>, others: Vec<Vec<u8>> },
}

/// Which bundles are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Version 0.3 with an envelope, as registries hold them. The media type is not signed, so an older version could
    /// be claimed to shed what a newer one must carry.
    Registry,
    /// Any version, for files.
    All,
}

/// Whether a bundle of version 0.3 may carry more certificates than its signer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chains {
    LeafOnly,
    Carried,
}

impl Chains {
    pub(crate) fn under(trust: &TrustRoot) -> Self {
        if trust.takes_carried_chains() { Self::Carried } else { Self::LeafOnly }
    }
}

impl Bundle {
    /// Reads a bundle. The bytes are given up once they are taken apart: a bundle may be large, and no more than two
    /// forms of it are ever held.
    pub(crate) fn parse(bytes: Vec<u8>, versions: Versions, chains: Chains) -> Result<Self, BundleError> {
        let value = json::parse(&bytes)?;
        drop(bytes);
        Self::read(&value, versions, chains)
    }

    /// Reads a bundle that is JSON already.
    pub(crate) fn read(value: &Value, versions: Versions, chains: Chains) -> Result<Self, BundleError> {
        let top = Fields::of(value, "an object", &["mediaType", "verificationMaterial", "dsseEnvelope", MESSAGE])?;
        let version = version(top.text("mediaType")?, versions)?;
        let material = top.object("verificationMaterial", &[KEY, CERTIFICATE, CHAIN, "tlogEntries", TIMESTAMPS])?;
        if versions == Versions::Registry && top.has(MESSAGE) {
            return Err(BundleError::MessageSignature);
        }
        let must = if version == 1 { Must::Promise } else { Must::Proof };
        let entries = material.list("tlogEntries", MAX_LOG_ENTRIES)?;
        Ok(Self {
            content: content(&top)?,
            signer: signer(&material, version, chains)?,
            log_entries: entries.iter().map(|value| LogEntry::parse(value, must)).collect(),
            timestamps: timestamps(&material)?,
        })
    }
}

/// The minor version that a media type stands for.
fn version(found: &str, versions: Versions) -> Result<u8, BundleError> {
    match (found, versions) {
        (media_type::BUNDLE | "application/vnd.dev.sigstore.bundle+json;version=0.3", _) => Ok(3),
        ("application/vnd.dev.sigstore.bundle+json;version=0.2", Versions::All) => Ok(2),
        ("application/vnd.dev.sigstore.bundle+json;version=0.1", Versions::All) => Ok(1),
        (other, _) => Err(BundleError::Version { found: excerpt(other, 80) }),
    }
}

/// Exactly one way of naming the signer; with a public key, the hint is a hint and is not read.
fn signer(material: &Fields<'_>, version: u8, chains: Chains) -> Result<BundleSigner, BundleError> {
    match (material.has(KEY), material.has(CERTIFICATE), material.has(CHAIN)) {
        (true, false, false) => material.object(KEY, &["hint"]).map(|_| BundleSigner::Key).map_err(Into::into),
        (false, true, false) => Ok(BundleSigner::Certificate { leaf: certificate(material)?, others: Vec::new() }),
        (false, false, true) if version < 3 || chains == Chains::Carried => chain(material),
        (false, false, true) => Err(BundleError::Chain),
        _ => Err(BundleError::Signer),
    }
}

fn certificate(material: &Fields<'_>) -> Result<Vec<u8>, BundleError> {
    Ok(material.object(CERTIFICATE, &["rawBytes"])?.base64("rawBytes")?)
}

fn chain(material: &Fields<'_>) -> Result<BundleSigner, BundleError> {
    let list = material.object(CHAIN, &["certificates"])?.list("certificates", MAX_CHAIN)?;
    let raw = |value| Fields::of(value, "a certificate", &["rawBytes"])?.base64("rawBytes");
    let mut others = list.iter().map(raw).collect::<Result<Vec<_>, FieldError>>()?;
    if others.is_empty() {
        return Err(CertificateError::Absent.into());
    }
    let leaf = others.remove(0);
    Ok(BundleSigner::Certificate { leaf, others })
}

fn timestamps(material: &Fields<'_>) -> Result<Vec<Result<Vec<u8>, TimestampFault>>, BundleError> {
    let Some(data) = material.optional(TIMESTAMPS, &["rfc3161Timestamps"])? else { return Ok(Vec::new()) };
    let raw = |value: &Value| Ok(Fields::of(value, "a timestamp", &["signedTimestamp"])?.base64("signedTimestamp")?);
    Ok(data.list("rfc3161Timestamps", MAX_TIMESTAMPS)?.iter().map(raw).collect())
}

fn content(top: &Fields<'_>) -> Result<Content, BundleError> {
    if !top.has(MESSAGE) {
        let envelope = top.get("dsseEnvelope").ok_or(FieldError::Missing("dsseEnvelope"))?;
        return Ok(Content::Envelope(Envelope::read(envelope)?));
    }
    if top.has("dsseEnvelope") {
        return Err(BundleError::TwoContents);
    }
    let message = top.object(MESSAGE, &["messageDigest", "signature"])?;
    let noted = message.optional("messageDigest", &["algorithm", "digest"])?;
    let read = |noted: Fields<'_>| {
        Ok::<_, FieldError>(Noted { algorithm: noted.text("algorithm")?.to_owned(), digest: noted.base64("digest")? })
    };
    Ok(Content::Message { noted: noted.map(read).transpose()?, signature: message.base64("signature")? })
}

const KEY: &str = "publicKey";
const CERTIFICATE: &str = "certificate";
const CHAIN: &str = "x509CertificateChain";
const TIMESTAMPS: &str = "timestampVerificationData";
const MESSAGE: &str = "messageSignature";
const MAX_LOG_ENTRIES: usize = 32;
const MAX_TIMESTAMPS: usize = 32;

/// The certificates of a bundle: the signer's, and others that may lie between it and a root, but no root.
pub(crate) fn certificates(
    leaf: &[u8],
    others: &[Vec<u8>],
) -> Result<(Certificate, Vec<Certificate>), CertificateError> {
    let leaf = Certificate::parse(leaf)?;
    let others = others.iter().map(|der| Certificate::parse(der)).collect::<Result<Vec<_>, _>>()?;
    if leaf.is_self_issued() || others.iter().any(Certificate::is_self_issued) {
        return Err(CertificateError::Root);
    }
    Ok((leaf, others))
}

/// Why bytes are not a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes are not JSON that can be read in one way only.
    #[error("bundle is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is unknown, missing or of the wrong kind.
    #[error("bundle: {0}")]
    Field(#[from] FieldError),
    /// The media type is not that of version 0.3.
    #[error("bundle of media type `{found}` found, wanted version 0.3")]
    Version {
        /// The media type found.
        found: String,
    },
    /// Neither or both of public key and certificate.
    #[error("bundle must name its signer by exactly one of publicKey and certificate")]
    Signer,
    /// A chain, which version 0.3 does not have.
    #[error("bundle of version 0.3 with x509CertificateChain found, wanted certificate")]
    Chain,
    /// The chain of an older version is empty.
    #[error("bundle: {0}")]
    Certificate(#[from] CertificateError),
    /// The envelope is malformed.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A signature over a digest instead of a statement: no image signature is made so.
    #[error("bundle signs a message, wanted a DSSE envelope")]
    MessageSignature,
    /// An envelope and a message.
    #[error("bundle holds both an envelope and a message, wanted one")]
    TwoContents,
}
