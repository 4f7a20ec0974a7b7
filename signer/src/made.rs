//! One signature as it is stored: a bundle, or a layer of cosign's legacy formats.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use oci::{AnyDigest, Descriptor, Digest, location, media_type};
use serde_json::{Value, json};
use verifier::{Format, Place, Source, UntrustedSignature};

use crate::{
    Credential,
    content::{Content, envelope_json},
    log_entry::LogEntry,
    scheme::Scheme,
    services::Sealed,
};

/// A signature that was made, with all that it consists of.
#[derive(Debug, Clone)]
pub struct Made {
    pub(crate) format: Format,
    pub(crate) signed: Bytes,
    pub(crate) signature: Vec<u8>,
    pub(crate) log_indexes: Vec<u64>,
    /// A log's promise, as layers carry it.
    pub(crate) promise: Option<Value>,
    pub(crate) timestamps: Vec<Vec<u8>>,
    pub(crate) certificate: Option<String>,
    pub(crate) stored: Bytes,
    pub(crate) kind: &'static str,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Made {
    /// A bundle of version 0.3, as cosign 3 writes it.
    pub(crate) fn bundle(by: &Credential, content: Content<'_>, sealed: Sealed) -> Self {
        let mut material = match by.certificate() {
            Some(chain) => json!({ "certificate": { "rawBytes": BASE64_STANDARD.encode(chain.leaf()) } }),
            None => json!({ "publicKey": { "hint": by.public().id().hint() } }),
        };
        if !sealed.log_entries.is_empty() {
            material["tlogEntries"] = sealed.log_entries.iter().map(|entry| entry.in_bundle().clone()).collect();
        }
        if !sealed.timestamps.is_empty() {
            let stamp = |stamp: &Vec<u8>| json!({ "signedTimestamp": BASE64_STANDARD.encode(stamp) });
            let stamps: Value = sealed.timestamps.iter().map(stamp).collect();
            material["timestampVerificationData"] = json!({ "rfc3161Timestamps": stamps });
        }
        let mut bundle = json!({ "mediaType": media_type::BUNDLE, "verificationMaterial": material });
        match content {
            Content::Statement(payload) => bundle["dsseEnvelope"] = envelope_json(payload, &sealed.signature),
            Content::Message(bytes) => bundle["messageSignature"] = message(by, bytes, &sealed.signature),
        }
        let stored = bundle.to_string().into_bytes();
        Self::new(Format::Bundle, by, content, sealed, (stored, media_type::BUNDLE))
    }

    /// A layer: of a payload, its signature in the annotations; or of an envelope, which holds its own.
    pub(crate) fn layer(by: &Credential, content: Content<'_>, sealed: Sealed, more: &[(&str, &str)]) -> Self {
        let (stored, signature) = match content {
            Content::Message(bytes) => {
                ((bytes.to_vec(), media_type::SIMPLE_SIGNING), BASE64_STANDARD.encode(&sealed.signature))
            }
            Content::Statement(payload) => {
                let envelope = envelope_json(payload, &sealed.signature).to_string();
                ((envelope.into_bytes(), media_type::DSSE_ENVELOPE), String::new())
            }
        };
        let mut annotations = vec![(location::SIGNATURE_ANNOTATION, signature)];
        if let Some(chain) = by.certificate() {
            annotations.push((location::CERTIFICATE_ANNOTATION, chain.leaf_pem()));
            annotations.push((CHAIN_ANNOTATION, chain.others_pem()));
        }
        let entry = sealed.log_entries.iter().find_map(|entry| entry.annotation());
        annotations.extend(entry.map(|entry| (location::BUNDLE_ANNOTATION, entry.to_string())));
        let stamp = |stamp: &Vec<u8>| json!({ "SignedRFC3161Timestamp": BASE64_STANDARD.encode(stamp) }).to_string();
        let stamp = sealed.timestamps.first().map(stamp);
        annotations.extend(stamp.map(|stamp| (location::TIMESTAMP_ANNOTATION, stamp)));
        annotations.extend(more.iter().map(|(name, text)| (*name, (*text).to_owned())));
        let annotations = annotations.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        Self { annotations, ..Self::new(Format::Legacy, by, content, sealed, stored) }
    }

    fn new(
        format: Format,
        by: &Credential,
        content: Content<'_>,
        sealed: Sealed,
        (stored, kind): (Vec<u8>, &'static str),
    ) -> Self {
        let (Content::Message(signed) | Content::Statement(signed)) = content;
        Self {
            format,
            signed: Bytes::copy_from_slice(signed),
            signature: sealed.signature,
            log_indexes: sealed.log_entries.iter().filter_map(LogEntry::index).collect(),
            promise: sealed.log_entries.iter().find_map(LogEntry::annotation),
            timestamps: sealed.timestamps,
            certificate: by.certificate().map(crate::Chain::leaf_pem),
            stored: stored.into(),
            kind,
            annotations: BTreeMap::new(),
        }
    }

    /// In which format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// What was signed: a payload, a statement, or a file's bytes.
    #[must_use]
    pub fn signed(&self) -> &Bytes {
        &self.signed
    }

    /// The signature itself.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The signer's certificate as PEM, if there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// What is stored: the bundle, or the layer's bytes.
    #[must_use]
    pub fn stored(&self) -> &Bytes {
        &self.stored
    }

    /// The indexes that logs gave it just now, as they say.
    #[must_use]
    pub fn log_indexes(&self) -> &[u64] {
        &self.log_indexes
    }

    /// Its timestamps, each a DER TimeStampResp.
    #[must_use]
    pub fn timestamps(&self) -> &[Vec<u8>] {
        &self.timestamps
    }

    /// What cosign 1 and 2 wrote to a file as bundle: signature, certificate, and the log's promise if there is one.
    #[must_use]
    pub fn legacy_bundle(&self) -> String {
        let mut bundle = json!({ "base64Signature": BASE64_STANDARD.encode(&self.signature) });
        if let Some(pem) = &self.certificate {
            bundle["cert"] = Value::from(BASE64_STANDARD.encode(pem));
        }
        if let Some(promise) = &self.promise {
            bundle["rekorBundle"] = promise.clone();
        }
        bundle.to_string()
    }

    /// As the layer of a manifest.
    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor { annotations: self.annotations.clone(), ..Descriptor::of(self.kind, &self.stored) }
    }

    /// As a verifier finds it.
    pub(crate) fn as_found(&self) -> UntrustedSignature {
        let source = match (self.format, self.kind) {
            (Format::Bundle, _) => Source::Referrers,
            (Format::Legacy, media_type::DSSE_ENVELOPE) => Source::AttestationTag,
            (Format::Legacy, _) => Source::SignatureTag,
        };
        let place = Place { source, manifest: AnyDigest::from(Digest::of(&self.stored)), index: 0 };
        let (stored, annotations) = (self.stored.to_vec(), self.annotations.clone());
        match source {
            Source::SignatureTag => UntrustedSignature::layer(place, stored, annotations),
            Source::AttestationTag => UntrustedSignature::envelope(place, stored, annotations),
            Source::Referrers | Source::FallbackTag => UntrustedSignature::bundle(place, stored),
        }
    }
}

fn message(by: &Credential, bytes: &[u8], signature: &[u8]) -> Value {
    let scheme = Scheme::of(by.public().kind());
    json!({
        "messageDigest": { "algorithm": scheme.proto, "digest": BASE64_STANDARD.encode(scheme.hash(bytes)) },
        "signature": BASE64_STANDARD.encode(signature),
    })
}

/// cosign's certificates between the signer's and a root, in PEM.
const CHAIN_ANNOTATION: &str = "dev.sigstore.cosign/chain";
