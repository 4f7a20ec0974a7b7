//! Sigstore bundles, decoded strictly: only the members that the format has, exactly one signature, standard base64.
//!
//! The decoder takes a bundle apart; it checks no signature. Log entries and timestamps are noted, not examined.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{excerpt, json, json::JsonError, media_type};
use serde_json::{Map, Value};

/// The predicate type that makes a bundle a signature (cosign 3).
pub const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

/// What a bundle holds.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) envelope: Envelope,
    pub(crate) has_certificate: bool,
    pub(crate) log_entries: usize,
    pub(crate) timestamps: usize,
}

/// A DSSE envelope with its one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What was signed, in [`Self::pae`]'s form.
    pub payload: Vec<u8>,
    /// The type of the payload.
    pub payload_type: String,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Envelope {
    /// The bytes that a DSSE signature covers (DSSE 1.0, "PAE").
    #[must_use]
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }
}

/// DSSE's pre-authentication encoding.
#[must_use]
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Bundle {
    /// Reads a bundle of version 0.3 or later, as registries hold them. The bytes are given up once they are taken
    /// apart: a bundle may be large, and no more than two forms of it are ever held.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, BundleError> {
        let Value::Object(top) = json::parse(&bytes)? else { return Err(BundleError::Missing("an object")) };
        drop(bytes);
        only(&top, &["mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"])?;
        check_version(text(&top, "mediaType")?)?;
        let material = object(&top, "verificationMaterial")?;
        only(
            material,
            &["certificate", "publicKey", "x509CertificateChain", "tlogEntries", "timestampVerificationData"],
        )?;
        if top.contains_key("messageSignature") {
            return Err(BundleError::MessageSignature);
        }
        Ok(Self {
            envelope: envelope(object(&top, "dsseEnvelope")?)?,
            has_certificate: signed_by_certificate(material)?,
            log_entries: count(material.get("tlogEntries"), MAX_LOG_ENTRIES)?,
            timestamps: timestamps(material)?,
        })
    }
}

/// The bundle's media type is not signed, so an older version could be claimed to shed what a newer one must carry.
fn check_version(found: &str) -> Result<(), BundleError> {
    match found {
        media_type::BUNDLE | "application/vnd.dev.sigstore.bundle+json;version=0.3" => Ok(()),
        other => Err(BundleError::Version { found: excerpt(other, 80) }),
    }
}

/// Exactly one way of naming the signer; with a public key, the hint is a hint and is not read.
fn signed_by_certificate(material: &Map<String, Value>) -> Result<bool, BundleError> {
    let chain = material.contains_key("x509CertificateChain");
    match (material.get("publicKey"), material.contains_key("certificate") || chain) {
        (Some(Value::Object(key)), false) => only(key, &["hint"]).map(|()| false),
        (None, true) => Ok(true),
        _ => Err(BundleError::Signer),
    }
}

fn timestamps(material: &Map<String, Value>) -> Result<usize, BundleError> {
    let Some(Value::Object(data)) = material.get("timestampVerificationData") else { return Ok(0) };
    only(data, &["rfc3161Timestamps"])?;
    count(data.get("rfc3161Timestamps"), MAX_TIMESTAMPS)
}

fn count(list: Option<&Value>, most: usize) -> Result<usize, BundleError> {
    match list {
        None | Some(Value::Null) => Ok(0),
        Some(Value::Array(entries)) if entries.len() <= most => Ok(entries.len()),
        Some(Value::Array(entries)) => Err(BundleError::TooMany { found: entries.len(), most }),
        Some(_) => Err(BundleError::Missing("a list of log entries or timestamps")),
    }
}

fn envelope(object: &Map<String, Value>) -> Result<Envelope, BundleError> {
    only(object, &["payload", "payloadType", "signatures"])?;
    let signatures = object.get("signatures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [Value::Object(signature)] = signatures else {
        return Err(BundleError::Signatures { found: signatures.len() });
    };
    only(signature, &["sig", "keyid"])?;
    Ok(Envelope {
        payload: base64(object, "payload")?,
        payload_type: text(object, "payloadType")?.to_owned(),
        signature: base64(signature, "sig")?,
    })
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), BundleError> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(BundleError::Unknown { member: excerpt(key, 60) }),
        None => Ok(()),
    }
}

fn object<'a>(parent: &'a Map<String, Value>, name: &'static str) -> Result<&'a Map<String, Value>, BundleError> {
    parent.get(name).and_then(Value::as_object).ok_or(BundleError::Missing(name))
}

fn text<'a>(parent: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, BundleError> {
    parent.get(name).and_then(Value::as_str).ok_or(BundleError::Missing(name))
}

fn base64(parent: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, BundleError> {
    BASE64_STANDARD.decode(text(parent, name)?).map_err(|_| BundleError::Base64(name))
}

const MAX_LOG_ENTRIES: usize = 32;
const MAX_TIMESTAMPS: usize = 32;

/// Why bytes are not a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes are not JSON that can be read in one way only.
    #[error("bundle is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// The media type is not that of version 0.3.
    #[error("bundle of media type `{found}` found, wanted version 0.3")]
    Version {
        /// The media type found.
        found: String,
    },
    /// A member that the format does not have.
    #[error("bundle has the unknown member `{member}`")]
    Unknown {
        /// Its name.
        member: String,
    },
    /// A member is missing or of the wrong kind.
    #[error("bundle lacks `{0}`")]
    Missing(&'static str),
    /// Neither or both of public key and certificate.
    #[error("bundle must name its signer by exactly one of publicKey and certificate")]
    Signer,
    /// The envelope has no signature, or several.
    #[error("{found} signatures found in the envelope, wanted exactly one")]
    Signatures {
        /// How many.
        found: usize,
    },
    /// A signature over a digest instead of a statement: no image signature is made so.
    #[error("bundle signs a message, wanted a DSSE envelope")]
    MessageSignature,
    /// A member is not standard base64.
    #[error("`{0}` is not standard base64")]
    Base64(&'static str),
    /// More log entries or timestamps than are looked at.
    #[error("{found} log entries or timestamps found, at most {most} are read")]
    TooMany {
        /// How many.
        found: usize,
        /// The limit.
        most: usize,
    },
}
