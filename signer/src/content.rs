//! What is signed: bytes as they are, or a statement in an envelope.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::media_type;
use serde_json::{Value, json};
use verifier::Envelope;

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    /// These bytes.
    Message(&'a [u8]),
    /// This in-toto statement, in a DSSE envelope.
    Statement(&'a [u8]),
}

impl Content<'_> {
    /// The bytes that the signature covers.
    pub(crate) fn to_be_signed(self) -> Vec<u8> {
        match self {
            Self::Message(bytes) => bytes.to_vec(),
            Self::Statement(payload) => envelope(payload, &[]).pae(),
        }
    }
}

/// The envelope as JSON. Where it is stored and where it is logged, it is these very bytes: version 1 of the log
/// records what they hash to.
pub(crate) fn envelope_json(statement: &[u8], signature: &[u8]) -> Value {
    let Envelope { payload, payload_type, signature } = envelope(statement, signature);
    json!({
        "payload": BASE64_STANDARD.encode(payload),
        "payloadType": payload_type,
        "signatures": [{ "sig": BASE64_STANDARD.encode(signature) }],
    })
}

fn envelope(statement: &[u8], signature: &[u8]) -> Envelope {
    Envelope {
        payload: statement.to_vec(),
        payload_type: media_type::IN_TOTO.to_owned(),
        signature: signature.to_vec(),
    }
}
