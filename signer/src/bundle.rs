//! A signature as a Sigstore bundle: an in-toto statement in a DSSE envelope, as cosign 3 makes it.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::SigningFailed;
use oci::{Digest, media_type};
use serde_json::json;
use verifier::{Envelope, SIGN_PREDICATE};

use crate::SigningKey;

/// The bundle's bytes for an image with this digest.
pub(crate) async fn make(
    key: &SigningKey,
    digest: &Digest,
    annotations: &BTreeMap<String, String>,
) -> Result<Vec<u8>, SigningFailed> {
    let payload = statement(digest, annotations);
    let mut envelope = Envelope { payload, payload_type: media_type::IN_TOTO.to_owned(), signature: Vec::new() };
    envelope.signature = key.sign(&envelope.pae()).await?;
    let bundle = json!({
        "mediaType": media_type::BUNDLE,
        "verificationMaterial": { "publicKey": { "hint": key.public().id().hint() } },
        "dsseEnvelope": {
            "payload": BASE64_STANDARD.encode(&envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": [{ "sig": BASE64_STANDARD.encode(&envelope.signature) }],
        },
    });
    Ok(bundle.to_string().into_bytes())
}

fn statement(digest: &Digest, annotations: &BTreeMap<String, String>) -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": digest.hex() }, "annotations": annotations }],
        "predicateType": SIGN_PREDICATE,
        "predicate": {},
    });
    statement.to_string().into_bytes()
}
