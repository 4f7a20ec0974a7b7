//! Bundles as documents: looked at, brought up to date, put together from older parts. Nothing here checks a signature,
//! and nothing that is said here may decide anything.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;
use oci::{Digest, json, media_type};
use serde_json::{Value, json};

use crate::{
    BundleDescription, BundleError, CertificateError, EnvelopeError, LogFault,
    bundle::{Bundle, BundleSigner, Chains, Versions},
    certificate::Certificate,
    log_entry::{LogEntry, Must},
};

/// A bundle that is well-formed, and about which nothing else is known.
///
/// To have it judged, hand [`Self::to_bytes`] to [`crate::examine_blob`].
#[derive(Debug)]
pub struct UntrustedBundle {
    value: Value,
    read: Bundle,
}

impl UntrustedBundle {
    /// Reads a bundle of version 0.1, 0.2 or 0.3.
    ///
    /// # Errors
    /// Fails on what [`crate::examine_blob`] would not read either.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::checked(json::parse(bytes)?)
    }

    fn checked(value: Value) -> Result<Self, BundleError> {
        let read = Bundle::read(&value, Versions::All, Chains::Carried)?;
        Ok(Self { value, read })
    }

    /// A bundle around the signature of a file with this SHA-256.
    ///
    /// # Errors
    /// Never, unless a limit was changed that this keeps.
    pub fn of_message(digest: &Digest, signature: &[u8], signer: &BundleMaker) -> Result<Self, BundleError> {
        let digest = json!({ "algorithm": "SHA2_256", "digest": BASE64_STANDARD.encode(digest.as_bytes()) });
        let signature = BASE64_STANDARD.encode(signature);
        Self::around("messageSignature", json!({ "messageDigest": digest, "signature": signature }), signer)
    }

    /// A bundle around a DSSE envelope in JSON.
    ///
    /// # Errors
    /// Fails on what is not an envelope with one signature.
    pub fn of_envelope(envelope: &[u8], signer: &BundleMaker) -> Result<Self, BundleError> {
        let value = json::parse(envelope).map_err(EnvelopeError::from)?;
        Self::around("dsseEnvelope", value, signer)
    }

    /// In the oldest version, which may hold a log's promise without a proof, as the oldest parts do.
    fn around(kind: &str, content: Value, signer: &BundleMaker) -> Result<Self, BundleError> {
        let mut value = json!({ "mediaType": VERSION_1, "verificationMaterial": signer.0 });
        value[kind] = content;
        Self::checked(value)
    }

    /// The same, and the log entry in this text: what cosign keeps in the annotation `dev.sigstore.cosign/bundle` and in
    /// `rekorBundle` of its old files.
    ///
    /// # Errors
    /// Fails on what is not such an entry, and if there are 32 already.
    pub fn with_rekor_bundle(mut self, text: &str) -> Result<Self, RebuildError> {
        let entry = LogEntry::parse_annotation(text)?.to_json()?;
        push(&mut self.value["verificationMaterial"], "tlogEntries", entry);
        Ok(Self::checked(self.value)?)
    }

    /// The same, and this RFC 3161 timestamp, as its authority answered.
    ///
    /// # Errors
    /// Fails if there are 32 already. Whether it is a timestamp is told by [`Self::describe`].
    pub fn with_timestamp(mut self, response: &[u8]) -> Result<Self, BundleError> {
        let stamp = json!({ "signedTimestamp": BASE64_STANDARD.encode(response) });
        push(&mut self.value["verificationMaterial"]["timestampVerificationData"], "rfc3161Timestamps", stamp);
        Self::checked(self.value)
    }

    /// The same with this entry (`TransparencyLogEntry` in JSON, with its proof) in place of the one that has the same
    /// log, index and body.
    ///
    /// # Errors
    /// Fails on what is not an entry with a proof, and if it is not the entry of any that the bundle has.
    pub fn with_proven_entry(mut self, entry: &[u8]) -> Result<Self, RebuildError> {
        let value = json::parse(entry).map_err(LogFault::from)?;
        let proven = LogEntry::parse(&value, Must::Proof)?;
        if !proven.is_proven() {
            return Err(LogFault::NoProof.into());
        }
        let entries = self.value["verificationMaterial"]["tlogEntries"].as_array_mut();
        let same = |old: &&mut Value| LogEntry::parse(old, Must::Promise).is_ok_and(|old| old.is_same_place(&proven));
        let old = entries.into_iter().flatten().find(same).ok_or(RebuildError::OtherEntry)?;
        *old = value;
        Ok(Self::checked(self.value)?)
    }

    /// The same in version 0.3: of a chain of certificates, the signer's alone.
    ///
    /// # Errors
    /// Fails if entries lack the proof that version 0.3 demands, and says which.
    pub fn upgraded(&self) -> Result<Self, RebuildError> {
        let mut unproven = Vec::new();
        for entry in &self.read.log_entries {
            let entry = entry.as_ref().map_err(Clone::clone)?;
            unproven.extend((!entry.is_proven()).then(|| entry.place()));
        }
        if !unproven.is_empty() {
            return Err(RebuildError::Unproven { entries: unproven });
        }
        let mut value = self.value.clone();
        if let BundleSigner::Certificate { leaf, .. } = &self.read.signer {
            let material = value["verificationMaterial"].as_object_mut().ok_or(BundleError::Signer)?;
            material.shift_remove("x509CertificateChain");
            material.insert("certificate".to_owned(), json!({ "rawBytes": BASE64_STANDARD.encode(leaf) }));
        }
        value["mediaType"] = json!(media_type::BUNDLE);
        Ok(Self::checked(value)?)
    }

    /// What the bundle says of itself.
    #[must_use]
    pub fn describe(&self) -> BundleDescription {
        let hint = self.value.pointer("/verificationMaterial/publicKey/hint").and_then(Value::as_str);
        let media_type = self.value["mediaType"].as_str().unwrap_or_default();
        BundleDescription::of(&self.read, media_type, hint)
    }

    /// The bundle in JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.value.to_string().into_bytes()
    }
}

fn push(parent: &mut Value, list: &str, item: Value) {
    match parent[list].as_array_mut() {
        Some(list) => list.push(item),
        None => parent[list] = Value::Array(vec![item]),
    }
}

/// How a bundle that is put together names its signer.
#[derive(Debug, Clone)]
pub struct BundleMaker(Value);

impl BundleMaker {
    /// By the hint to this key.
    #[must_use]
    pub fn key(key: &PublicKey) -> Self {
        Self(json!({ "publicKey": { "hint": key.id().hint() } }))
    }

    /// By the first certificate of PEM text; others after it, roots aside, lie between it and a root.
    ///
    /// # Errors
    /// Fails on text that holds anything but certificates, and if the first one is a root.
    pub fn certificate(pem: &str) -> Result<Self, CertificateError> {
        let mut all = Certificate::parse_pem(pem)?;
        if all.first().is_some_and(Certificate::is_self_issued) {
            return Err(CertificateError::Root);
        }
        all.retain(|one| !one.is_self_issued());
        let raw = |one: &Certificate| json!({ "rawBytes": BASE64_STANDARD.encode(one.der()) });
        let list: Vec<Value> = all.iter().map(raw).collect();
        Ok(Self(json!({ "x509CertificateChain": { "certificates": list } })))
    }
}

const VERSION_1: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";

/// Why a bundle cannot be brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// Entries lack a proof that they are included; their logs can give one.
    #[error("{} of the log entries lack the inclusion proof that version 0.3 demands", entries.len())]
    Unproven {
        /// Each one's log, by its id in hexadecimal, and its index there.
        entries: Vec<(String, u64)>,
    },
    /// The entry is none of the bundle's.
    #[error("log entry is of another log, index or body than those in the bundle")]
    OtherEntry,
    /// An entry cannot be read.
    #[error(transparent)]
    Entry(#[from] LogFault),
    /// The result would not be a bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}
