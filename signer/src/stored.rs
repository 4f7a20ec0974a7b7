//! A signature that was stored before, fetched again, for whoever wants it in a file as well.
//!
//! Making it anew would put another entry into a public log, and leave a file that is not what is stored.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use oci::{Descriptor, Document, Repository, location, media_type};
use registry::{Limits, Lookup, Reference};
use serde_json::Value;
use verifier::{Format, Place, Source};

use crate::{Made, SignError, Signed, Signer};

impl Signer {
    /// Everything that a signing comes to: what was there before, and what was made.
    ///
    /// # Errors
    /// Fails if what was there before cannot be fetched now.
    pub async fn everything(&self, signed: &Signed) -> Result<Vec<Made>, SignError> {
        let mut all = Vec::new();
        for place in &signed.present {
            all.push(self.fetch(&signed.stored_in, place).await?);
        }
        all.extend(signed.made.iter().cloned());
        // as they would have been made
        all.sort_by_key(|made| made.format() == Format::Bundle);
        Ok(all)
    }

    async fn fetch(&self, repository: &Repository, place: &Place) -> Result<Made, SignError> {
        let gone = || SignError::Gone { place: place.clone() };
        let reference = Reference::Digest(place.manifest);
        let manifest = self.client.manifest(repository, &reference).await?.found().ok_or_else(gone)?;
        let Document::Manifest(_, manifest) = manifest.document else { return Err(gone()) };
        let layer = manifest.layers.get(place.index).ok_or_else(gone)?;
        match self.client.blob(repository, layer, Limits::default().bundle).await? {
            Lookup::Found(bytes) => Made::again(place.source, layer, bytes).ok_or_else(gone),
            Lookup::Absent => Err(gone()),
        }
    }
}

impl Made {
    /// What is stored in this layer.
    fn again(source: Source, layer: &Descriptor, stored: Bytes) -> Option<Self> {
        let json = || serde_json::from_slice::<Value>(&stored).ok();
        let (kind, (signed, signature)) = match source {
            Source::SignatureTag => {
                let signature = decode(layer.annotations.get(location::SIGNATURE_ANNOTATION)?)?;
                (media_type::SIMPLE_SIGNING, (stored.clone(), signature))
            }
            Source::AttestationTag => (media_type::DSSE_ENVELOPE, of_envelope(&json()?)?),
            Source::Referrers | Source::FallbackTag => (media_type::BUNDLE, of_envelope(json()?.get("dsseEnvelope")?)?),
        };
        let promise = layer.annotations.get(location::BUNDLE_ANNOTATION);
        Some(Self {
            format: if kind == media_type::BUNDLE { Format::Bundle } else { Format::Legacy },
            signed,
            signature,
            log_indexes: Vec::new(),
            promise: promise.map(|text| serde_json::from_str(text)).transpose().ok()?,
            timestamps: Vec::new(),
            certificate: layer.annotations.get(location::CERTIFICATE_ANNOTATION).cloned(),
            stored,
            kind,
            annotations: layer.annotations.clone(),
        })
    }
}

/// The payload and the signature of an envelope.
fn of_envelope(envelope: &Value) -> Option<(Bytes, Vec<u8>)> {
    let payload = decode(envelope.get("payload")?.as_str()?)?;
    let signature = decode(envelope.pointer("/signatures/0/sig")?.as_str()?)?;
    Some((payload.into(), signature))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}
