//! What a signature or an attestation in a registry says of itself, in a form for people. All of it is hearsay: no
//! signature was checked for it, and nothing that is said here may decide anything.

use oci::simple_signing::Payload;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    BundleDescription, Claimed, Envelope, UntrustedBundle, UntrustedSignature,
    bundle::{Bundle, Content},
    legacy,
    untrusted::Body,
};

/// What a signature or an attestation says of itself. Each of these words is whoever stored it there's.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub enum Hearsay {
    /// A bundle.
    Bundle(BundleDescription),
    /// A layer with a payload, in the form of a bundle but for that.
    Layer {
        /// What is said to be signed.
        payload: Claimed<ClaimedPayload>,
        /// What the layer's annotations hold.
        annotations: BundleDescription,
    },
    /// A layer with an envelope, in the form of a bundle.
    Envelope(BundleDescription),
    /// It cannot be read.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// A simple-signing payload.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedPayload {
    /// The name under which the image was signed.
    pub docker_reference: String,
    /// The image's digest.
    pub digest: String,
    /// The signer's annotations.
    pub annotations: Map<String, Value>,
}

impl UntrustedSignature {
    /// What it says of itself, unchecked.
    #[must_use]
    pub fn describe(&self) -> Hearsay {
        match &self.body {
            Body::Bundle(bytes) => match UntrustedBundle::parse(bytes) {
                Ok(bundle) => Hearsay::Bundle(bundle.describe()),
                Err(why) => unreadable(&why),
            },
            Body::Layer { payload, annotations } => {
                let signature = legacy::signature(annotations).unwrap_or_default();
                let content = Content::Message { noted: None, signature };
                Hearsay::Layer {
                    payload: Claimed::of(Payload::parse(payload).map(ClaimedPayload::of)),
                    annotations: described(&legacy::as_bundle(content, annotations)),
                }
            }
            Body::Envelope { bytes, annotations } => match Envelope::parse(bytes) {
                Ok(envelope) => {
                    Hearsay::Envelope(described(&legacy::as_bundle(Content::Envelope(envelope), annotations)))
                }
                Err(why) => unreadable(&why),
            },
            Body::Unreadable(why) => unreadable(why),
        }
    }
}

fn described(bundle: &Bundle) -> BundleDescription {
    BundleDescription::of(bundle, "layer and annotations", None)
}

fn unreadable(why: &dyn std::fmt::Display) -> Hearsay {
    Hearsay::Unreadable { why: why.to_string() }
}

impl ClaimedPayload {
    fn of(payload: Payload) -> Self {
        let Payload { docker_reference, digest, optional } = payload;
        Self { docker_reference, digest: digest.to_string(), annotations: optional }
    }
}
