//! Bytes from strangers: nothing panics, and nothing that was changed says anything but what was signed.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::{PrivateKey, PublicKey};
use oci::{AnyDigest, Digest, Document, ImageRef, PinnedRef, location, simple_signing, simple_signing::Payload};
use policy::PolicySet;
use proptest::prelude::*;
use rustls_pki_types::UnixTime;
use serde_json::json;
use verifier::{Evidence, Found, Place, SIGN_PREDICATE, Source, TrustRoot, UntrustedSignature, examine};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().expect("randomness"));
static IMAGE: LazyLock<PinnedRef> =
    LazyLock::new(|| PinnedRef::new("a.b/c".parse().expect("a repository"), Digest::of(b"image")));

fn payload() -> Vec<u8> {
    let annotations = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    simple_signing::render(IMAGE.repository(), IMAGE.digest(), &annotations)
}

static BUNDLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let kind = "application/vnd.in-toto+json";
    let statement =
        json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": SIGN_PREDICATE, "predicate": {},
        "subject": [{ "digest": { "sha256": IMAGE.digest().hex() }, "annotations": { "env": "prod" } }] })
        .to_string();
    let pae = format!("DSSEv1 {} {kind} {} {statement}", kind.len(), statement.len());
    let signature = KEY.sign(pae.as_bytes()).expect("a signature");
    json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "publicKey": { "hint": KEY.public().id().hint() } },
        "dsseEnvelope": { "payload": BASE64_STANDARD.encode(statement), "payloadType": kind,
            "signatures": [{ "sig": BASE64_STANDARD.encode(signature) }] } })
    .to_string()
    .into_bytes()
});

static SIGNATURE: LazyLock<String> =
    LazyLock::new(|| BASE64_STANDARD.encode(KEY.sign(&payload()).expect("a signature")));

fn judged(signature: UntrustedSignature) -> Evidence {
    let found = Found { signatures: vec![signature], gaps: vec![] };
    let trust = TrustRoot::new(vec![KEY.public().clone()]);
    examine(&IMAGE, found, &trust, UnixTime::since_unix_epoch(Duration::ZERO))
}

fn place() -> Place {
    Place { source: Source::Referrers, manifest: Digest::of(b"m").into(), index: 0 }
}

fn bundle(bytes: Vec<u8>) -> Evidence {
    judged(UntrustedSignature::bundle(place(), bytes))
}

fn layer(payload: Vec<u8>, signature: &str) -> Evidence {
    let annotations = BTreeMap::from([(location::SIGNATURE_ANNOTATION.to_owned(), signature.to_owned())]);
    judged(UntrustedSignature::layer(place(), payload, annotations))
}

#[test]
fn the_unchanged_ones_are_verified() {
    assert_eq!(bundle(BUNDLE.clone()).verified().len(), 1);
    assert_eq!(layer(payload(), &SIGNATURE).verified().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_payload_is_never_verified(at in 0..payload().len(), to: u8) {
        let mut changed = payload();
        prop_assume!(changed[at] != to);
        changed[at] = to;
        prop_assert!(layer(changed, &SIGNATURE).verified().is_empty());
    }

    #[test]
    fn changed_bundle_says_what_was_signed_or_nothing(at in 0..BUNDLE.len(), to: u8, cut in 0..BUNDLE.len()) {
        let mut changed = BUNDLE.clone();
        changed[at] = to;
        for signature in bundle(changed.clone()).verified() {
            prop_assert!(signature.has_annotations([("env", "prod")]));
            prop_assert_eq!(signature.claim().kind, SIGN_PREDICATE);
        }
        changed.truncate(cut);
        prop_assert!(bundle(changed).verified().is_empty());
    }

    #[test]
    fn reference_that_is_read_has_one_canonical_form(text in "\\PC{0,80}|[a-z0-9.:/@_\\[\\]-]{1,80}") {
        if let Ok(image) = text.parse::<ImageRef>() {
            let again: ImageRef = image.to_string().parse().expect("the canonical form is a reference");
            prop_assert_eq!(&again, &image);
            let familiar: ImageRef = image.familiar().parse().expect("the familiar form is a reference");
            prop_assert_eq!(&familiar, &image);
        }
    }

    #[test]
    fn digest_that_is_read_is_written_the_same(text in "(sha256|sha512|SHA256|md5)?:?[0-9a-fA-F]{0,130}") {
        if let Ok(digest) = text.parse::<AnyDigest>() {
            prop_assert_eq!(digest.to_string(), text);
        }
    }

    #[test]
    fn arbitrary_bytes_are_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Document::parse(&bytes, None).is_err());
        prop_assert!(Payload::parse(&bytes).is_err());
        prop_assert!(PublicKey::from_pem(&bytes).is_err());
        prop_assert!(PrivateKey::import(&bytes).is_err());
        prop_assert!(PrivateKey::decrypt(&bytes, b"").is_err());
        prop_assert!(bundle(bytes.clone()).verified().is_empty());
        prop_assert!(layer(payload(), &String::from_utf8_lossy(&bytes)).verified().is_empty());
    }

    #[test]
    fn policy_text_of_any_shape_is_read_or_refused(text in "(apiVersion|kind|spec|images|glob|- |: |\\{|\\}|\\[|\\]|&a|\\*a|\"|'|\n|  |[a-z]{1,5}){0,60}") {
        prop_assert!(PolicySet::parse(&[("p.yaml".to_owned(), text)]).is_err());
    }
}
