//! Bundles as documents: what is said of them, and what they become, which the judge then takes or refuses.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use std::collections::BTreeMap;

use keys::PrivateKey;
use oci::{Digest, location};
use serde_json::{Value, json};
use verifier::{
    Artifact, BundleError, BundleMaker, CertificateError, EnvelopeError, Fault, LogFault, RebuildError, TrustRoot,
    UntrustedBundle, VerifiedBlob, examine_blob,
};
use world::{Leaf, NOW, T, World, b64, image, payload, stamped, unlogged};

fn read(bundle: &Value) -> UntrustedBundle {
    UntrustedBundle::parse(bundle.to_string().as_bytes()).unwrap()
}

fn written(bundle: &UntrustedBundle) -> Value {
    serde_json::from_slice(&bundle.to_bytes()).unwrap()
}

fn described(bundle: &UntrustedBundle) -> Value {
    serde_json::to_value(bundle.describe()).unwrap()
}

fn judge(artifact: &[u8], bundle: &UntrustedBundle, trust: &TrustRoot) -> Result<VerifiedBlob, Fault> {
    examine_blob(Artifact::Bytes(artifact), bundle.to_bytes(), trust, world::time(NOW))
}

fn pem_of(leaf: &Leaf) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", leaf.der.clone()))
}

/// The same bundle in an older version, with the chain in full, and the proof as that version has it.
fn older(world: &World, mut bundle: Value, version: &str) -> Value {
    bundle["mediaType"] = json!(format!("application/vnd.dev.sigstore.bundle+json;version={version}"));
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    let leaf = material.shift_remove("certificate").unwrap();
    let between = pem::parse_many(world.ca.pem()).unwrap().remove(0);
    material.insert(
        "x509CertificateChain".into(),
        json!({ "certificates": [leaf, { "rawBytes": b64(between.contents()) }] }),
    );
    bundle
}

#[test]
fn bundle_is_described_by_its_own_words() {
    let world = World::new();
    let bundle = world.bundle(&world.leaf(), T + 1);
    let bundle = stamped(bundle.clone(), &[world.tsa.stamp(&world::signature(&bundle), T + 2)]);
    let said = described(&read(&bundle));
    assert_eq!(said["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(said["content"]["kind"], "dsse-envelope");
    assert_eq!(said["content"]["statement"]["predicateType"], verifier::SIGN_PREDICATE);
    assert_eq!(said["content"]["statement"]["subjects"][0][0], image().digest().to_string());
    let certificate = &said["signer"]["certificates"][0];
    assert_eq!(certificate["names"][0], json!({ "email": "alice@a.test" }));
    assert_eq!(certificate["issuer"], "https://issuer.test");
    assert_eq!(certificate["validity"], "2026-01-01T00:00:00Z to 2026-01-01T00:10:00Z");
    let entry = &said["logEntries"][0];
    assert_eq!((&entry["kind"], &entry["index"]), (&json!("dsse 0.0.1"), &json!(5)));
    assert_eq!((&entry["integrated"], &entry["promised"]), (&json!("2026-01-01T00:00:01Z"), &json!(true)));
    assert_eq!(entry["includedBy"], "log.test - 1");
    assert_eq!(said["timestamps"][0]["time"], "2026-01-01T00:00:02Z");
}

#[test]
fn what_cannot_be_read_is_described_as_that() {
    let world = World::new();
    let mut bundle = stamped(world.bundle(&world.leaf(), T + 1), &[b"nonsense".to_vec()]);
    bundle["verificationMaterial"]["tlogEntries"][0] = json!({});
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = json!(b64("nonsense"));
    bundle["dsseEnvelope"]["payload"] = json!(b64("{}"));
    let said = described(&read(&bundle));
    for pointer in ["/logEntries/0", "/timestamps/0", "/signer/certificates/0", "/content/statement"] {
        assert!(said.pointer(pointer).unwrap()["unreadable"].is_string(), "{pointer}: {said}");
    }
}

#[test]
fn bundle_of_a_key_and_a_file_is_described() {
    let digest = b64(Digest::of(b"file").as_bytes());
    let said = described(&read(&json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "publicKey": { "hint": "abc" } },
        "messageSignature": { "messageDigest": { "algorithm": "SHA2_256", "digest": digest }, "signature": "AAAA" } })));
    assert_eq!(said["signer"], json!({ "kind": "public-key", "hint": "abc" }));
    assert_eq!(said["content"]["digest"], json!(["SHA2_256", Digest::of(b"file").hex()]));
}

#[test]
fn what_no_judge_would_read_is_no_bundle() {
    let world = World::new();
    let good = world.bundle(&world.leaf(), T + 1);
    let refused = |change: fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        UntrustedBundle::parse(bundle.to_string().as_bytes()).unwrap_err()
    };
    assert!(matches!(refused(|b| b["more"] = json!(1)), BundleError::Field(_)));
    assert!(matches!(refused(|b| b["mediaType"] = json!("x.v0.4")), BundleError::Version { .. }));
    assert!(matches!(refused(|b| b["verificationMaterial"]["publicKey"] = json!({})), BundleError::Signer));
    let twice = good.to_string().replacen("{\"mediaType\"", "{\"mediaType\":1,\"mediaType\"", 1);
    assert!(matches!(UntrustedBundle::parse(twice.as_bytes()), Err(BundleError::Json(_))));
}

#[test]
fn older_bundle_becomes_one_of_version_0_3_that_says_the_same() {
    let world = World::new();
    let good = world.bundle(&world.leaf(), T + 1);
    for version in ["0.1", "0.2"] {
        let upgraded = read(&older(&world, good.clone(), version)).upgraded().unwrap();
        assert_eq!(written(&upgraded), good, "the leaf alone, and all else as it was");
        assert!(world::judge(&written(&upgraded), &world.trust()).is_ok());
    }
    assert_eq!(written(&read(&good).upgraded().unwrap()), good);
}

#[test]
fn entry_without_a_proof_is_named_and_may_be_given_one() {
    let world = World::new();
    let leaf = world.leaf();
    let good = world.bundle(&leaf, T + 1);
    let proven = good["verificationMaterial"]["tlogEntries"][0].clone();
    let without = |pointer: &str| {
        let mut bundle = older(&world, good.clone(), "0.1");
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
        entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name);
        read(&bundle)
    };
    for pointer in ["/inclusionProof", "/inclusionProof/checkpoint"] {
        let fault = without(pointer).upgraded().unwrap_err();
        let log = Digest::of(world.rekor.public().to_der()).hex();
        assert_eq!(fault, RebuildError::Unproven { entries: vec![(log, 5)] });
        let fixed = without(pointer).with_proven_entry(proven.to_string().as_bytes()).unwrap();
        assert_eq!(written(&fixed.upgraded().unwrap()), good);
    }
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut entry = proven.clone();
        change(&mut entry);
        without("/inclusionProof").with_proven_entry(entry.to_string().as_bytes()).unwrap_err()
    };
    assert_eq!(refused(&|entry| entry["logIndex"] = json!("6")), RebuildError::OtherEntry);
    assert_eq!(refused(&|entry| entry["canonicalizedBody"] = json!(b64("{}"))), RebuildError::OtherEntry);
    assert_eq!(refused(&|entry| entry["logId"]["keyId"] = json!(b64("another"))), RebuildError::OtherEntry);
    let unproven = refused(&|entry| drop(entry.as_object_mut().unwrap().shift_remove("inclusionProof")));
    assert_eq!(unproven, RebuildError::Entry(LogFault::NoProof));
}

#[test]
fn upgrade_of_a_bundle_with_an_unreadable_entry_is_refused() {
    let world = World::new();
    let mut bundle = older(&world, world.bundle(&world.leaf(), T + 1), "0.1");
    bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("-1");
    assert!(matches!(read(&bundle).upgraded(), Err(RebuildError::Entry(_))));
}

/// The annotations of a layer's signature over a file, and the signature.
fn parts(world: &World, leaf: &Leaf) -> (BTreeMap<String, String>, Vec<u8>) {
    let annotations = world.layer(leaf, &payload(), T + 1);
    let signature =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, &annotations[location::SIGNATURE_ANNOTATION]);
    (annotations, signature.unwrap())
}

#[test]
fn older_parts_make_a_bundle_that_is_judged_as_they_were() {
    let world = World::new();
    let leaf = world.leaf();
    let (annotations, signature) = parts(&world, &leaf);
    let maker = BundleMaker::certificate(&format!("{}{}", pem_of(&leaf), world.ca.pem())).unwrap();
    let bare = || UntrustedBundle::of_message(&Digest::of(&payload()), &signature, &maker).unwrap();
    let logged = || bare().with_rekor_bundle(&annotations[location::BUNDLE_ANNOTATION]).unwrap();
    assert!(judge(&payload(), &logged(), &world.trust()).is_ok(), "an old bundle, with the log's promise");
    assert!(matches!(judge(&payload(), &bare(), &world.trust()), Err(Fault::NoLogEntry { .. })));
    assert!(matches!(judge(b"other", &logged(), &world.trust()), Err(Fault::OtherArtifact { .. })));
    assert!(matches!(logged().upgraded(), Err(RebuildError::Unproven { .. })));
    let stamped = bare().with_timestamp(&world.tsa.stamp(&signature, T + 1)).unwrap().upgraded().unwrap();
    assert_eq!(written(&stamped)["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert!(judge(&payload(), &stamped, &world::stamps_only(world.trust())).is_ok());
}

#[test]
fn envelope_and_key_make_a_bundle() {
    let signer = Leaf { der: Vec::new(), key: PrivateKey::generate().unwrap() };
    let envelope = unlogged(&signer, &world::statement())["dsseEnvelope"].to_string();
    let maker = BundleMaker::key(signer.key.public());
    let bundle = UntrustedBundle::of_envelope(envelope.as_bytes(), &maker).unwrap().upgraded().unwrap();
    let trust = TrustRoot::new(vec![signer.key.public().clone()]);
    assert!(world::judge(&written(&bundle), &trust).is_ok());
    assert_eq!(described(&bundle)["signer"]["hint"], signer.key.public().id().hint());
    let two = envelope.replace("\"signatures\":[", "\"signatures\":[{\"sig\":\"AAAA\"},");
    let fault = UntrustedBundle::of_envelope(two.as_bytes(), &maker).unwrap_err();
    assert_eq!(fault, BundleError::Envelope(EnvelopeError::Signatures { found: 2 }));
}

#[test]
fn parts_that_are_none_make_no_bundle() {
    let world = World::new();
    assert_eq!(BundleMaker::certificate("PEM").unwrap_err(), CertificateError::NotPem);
    assert_eq!(BundleMaker::certificate(&world.ca.root_pem()).unwrap_err(), CertificateError::Root);
    let maker = BundleMaker::certificate(&pem_of(&world.leaf())).unwrap();
    let bare = || UntrustedBundle::of_message(&Digest::of(b"file"), b"signature", &maker).unwrap();
    for text in ["", "{}", r#"{"SignedEntryTimestamp":"AAAA","Payload":{}}"#] {
        assert!(matches!(bare().with_rekor_bundle(text), Err(RebuildError::Entry(_))), "{text}");
    }
    let full = (0..32).fold(bare(), |bundle, _| bundle.with_timestamp(b"stamp").unwrap());
    assert!(full.with_timestamp(b"one more").is_err());
}
