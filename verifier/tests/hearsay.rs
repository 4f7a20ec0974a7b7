//! What signatures in registries say of themselves: each part as it is, and none of it a fact.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::collections::BTreeMap;

use oci::Digest;
use serde_json::{Value, json};
use verifier::{Place, Source, UntrustedSignature};

fn place() -> Place {
    Place { source: Source::SignatureTag, manifest: Digest::of(b"manifest").into(), index: 0 }
}

fn described(signature: &UntrustedSignature) -> Value {
    serde_json::to_value(signature.describe()).unwrap()
}

fn annotations(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn layer_says_what_its_payload_and_its_annotations_say() {
    let digest = Digest::of(b"image").to_string();
    let payload = json!({
        "critical": {
            "identity": { "docker-reference": "shop/cart" }, "image": { "docker-manifest-digest": digest },
            "type": "cosign container image signature",
        },
        "optional": { "env": "prod" },
    });
    let layer = UntrustedSignature::layer(place(), payload.to_string().into_bytes(), annotations(&[]));
    let said = described(&layer);
    assert_eq!(said["form"], "layer");
    assert_eq!(said["payload"]["digest"], digest);
    assert_eq!(said["payload"]["dockerReference"], "shop/cart");
    assert_eq!(said["payload"]["annotations"]["env"], "prod");
    assert_eq!(said["annotations"]["signer"]["kind"], "public-key");
}

#[test]
fn part_that_cannot_be_read_hides_no_other() {
    let bad = annotations(&[
        ("dev.sigstore.cosign/certificate", "no certificate"),
        ("dev.sigstore.cosign/bundle", "{"),
        ("dev.sigstore.cosign/rfc3161timestamp", "{}"),
        ("dev.cosignproject.cosign/signature", "*"),
    ]);
    let said = described(&UntrustedSignature::layer(place(), b"{".to_vec(), bad));
    assert!(said["payload"]["unreadable"].is_string(), "{said}");
    let rest = &said["annotations"];
    assert!(rest["signer"]["certificates"][0]["unreadable"].is_string(), "{said}");
    assert!(rest["logEntries"][0]["unreadable"].is_string(), "{said}");
    assert!(rest["timestamps"][0]["unreadable"].is_string(), "{said}");
}

#[test]
fn what_is_no_bundle_or_envelope_says_only_why() {
    let bundle = UntrustedSignature::bundle(place(), b"{}".to_vec());
    let envelope = UntrustedSignature::envelope(place(), b"[]".to_vec(), annotations(&[]));
    let broken = UntrustedSignature::unreadable(place(), "its blob is listed, but absent".to_owned());
    for signature in [bundle, envelope, broken] {
        let said = described(&signature);
        assert_eq!(said["form"], "unreadable", "{said}");
        assert!(said["why"].as_str().is_some_and(|why| !why.is_empty()), "{said}");
    }
}

#[test]
fn envelope_says_what_its_statement_says() {
    let digest = Digest::of(b"image");
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://shop.example/scan/v1",
        "subject": [{ "name": "shop/cart", "digest": { "sha256": digest.hex() } }], "predicate": {},
    });
    let payload = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, statement.to_string());
    let envelope = json!({
        "payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{ "sig": "YQ==" }],
    });
    let envelope = UntrustedSignature::envelope(place(), envelope.to_string().into_bytes(), annotations(&[]));
    let said = described(&envelope);
    assert_eq!(said["form"], "envelope");
    assert_eq!(said["content"]["statement"]["predicateType"], "https://shop.example/scan/v1");
    assert_eq!(said["content"]["statement"]["subjects"][0][0], digest.to_string());
}
