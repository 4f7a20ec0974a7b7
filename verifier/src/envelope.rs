//! DSSE envelopes, decoded strictly: a payload and its one signature.

use oci::{json, json::JsonError};
use serde_json::Value;

use crate::{FieldError, fields::Fields};

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
    /// Reads an envelope by itself.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Self::read(&json::parse(bytes)?)
    }

    /// Reads an envelope in a larger document.
    pub(crate) fn read(value: &Value) -> Result<Self, EnvelopeError> {
        let fields = Fields::of(value, "an envelope", &["payload", "payloadType", "signatures"])?;
        let signatures = fields.get("signatures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let [signature] = signatures else {
            return Err(EnvelopeError::Signatures { found: signatures.len() });
        };
        let signature = Fields::of(signature, "a signature", &["sig", "keyid"])?;
        Ok(Self {
            payload: fields.base64("payload")?,
            payload_type: fields.text("payloadType")?.to_owned(),
            signature: signature.base64("sig")?,
        })
    }

    /// The bytes that a DSSE signature covers (DSSE 1.0, "PAE").
    #[must_use]
    pub fn pae(&self) -> Vec<u8> {
        let (kind, payload) = (&self.payload_type, &self.payload);
        let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
        bytes.extend_from_slice(payload);
        bytes
    }
}

/// Why something is not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are not JSON that can be read in one way only.
    #[error("envelope is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is unknown, missing or of the wrong kind.
    #[error("envelope: {0}")]
    Field(#[from] FieldError),
    /// It has no signature, or several.
    #[error("{found} signatures found in the envelope, wanted exactly one")]
    Signatures {
        /// How many.
        found: usize,
    },
}
