//! Each check of the examination, in a case where only that check fails.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::{Digest, PinnedRef, location, simple_signing};
use rustls_pki_types::UnixTime;
use serde_json::{Value, json};
use verifier::{
    Evidence, Fault, Format, Found, Gap, Place, SIGN_PREDICATE, Signer, Source, TrustRoot, Unexamined,
    UntrustedSignature, examine,
};

fn image() -> PinnedRef {
    PinnedRef::new("a.b/c".parse().unwrap(), Digest::of(b"image"))
}

fn place() -> Place {
    Place { source: Source::Referrers, manifest: Digest::of(b"manifest").into(), index: 0 }
}

fn run(signatures: Vec<UntrustedSignature>, keys: &[&PrivateKey]) -> Evidence {
    let trust = TrustRoot::new(keys.iter().map(|key| key.public().clone()).collect());
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
    examine(&image(), Found { signatures, gaps: vec![] }, &trust, now)
}

fn only_fault(signature: UntrustedSignature, key: &PrivateKey) -> Fault {
    let evidence = run(vec![signature], &[key]);
    assert!(evidence.verified().is_empty(), "accepted: {:?}", evidence.verified());
    evidence.refused()[0].fault.clone()
}

fn payload() -> Vec<u8> {
    let annotations = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    simple_signing::render(image().repository(), image().digest(), &annotations)
}

fn layer_of(payload: &[u8], key: &PrivateKey, more: &[(&str, &str)]) -> UntrustedSignature {
    let signature = BASE64_STANDARD.encode(key.sign(payload).unwrap());
    let mut annotations: BTreeMap<_, _> = more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    annotations.entry(location::SIGNATURE_ANNOTATION.to_owned()).or_insert(signature);
    UntrustedSignature::layer(place(), payload.to_vec(), annotations)
}

fn statement(digest: &str, predicate_type: &str) -> String {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": digest }, "annotations": { "env": "prod" } }],
        "predicateType": predicate_type, "predicate": {},
    })
    .to_string()
}

fn good_statement() -> String {
    statement(&image().digest().hex(), SIGN_PREDICATE)
}

/// A bundle around this payload, its signature genuine, before `change` is applied to the JSON.
fn bundle_with(payload: &str, key: &PrivateKey, change: impl FnOnce(&mut Value)) -> UntrustedSignature {
    let kind = "application/vnd.in-toto+json";
    let pae = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
    let mut bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "publicKey": { "hint": key.public().id().hint() } },
        "dsseEnvelope": {
            "payload": BASE64_STANDARD.encode(payload), "payloadType": kind,
            "signatures": [{ "sig": BASE64_STANDARD.encode(key.sign(pae.as_bytes()).unwrap()) }],
        },
    });
    change(&mut bundle);
    UntrustedSignature::bundle(place(), bundle.to_string().into_bytes())
}

fn bundle_of(payload: &str, key: &PrivateKey) -> UntrustedSignature {
    bundle_with(payload, key, |_| ())
}

fn key() -> PrivateKey {
    PrivateKey::generate().unwrap()
}

#[test]
fn genuine_layer_is_verified_with_its_claim() {
    let key = key();
    let evidence = run(vec![layer_of(&payload(), &key, &[])], &[&key]);
    let [good] = evidence.verified() else { panic!("{:?}", evidence.refused()) };
    assert_eq!(*good.signer(), Signer::Key(key.public().id()));
    assert_eq!(good.format(), Format::Legacy);
    assert_eq!(good.claim().docker_reference.as_deref(), Some("a.b/c"));
    assert!(good.has_annotations([("env", "prod")]));
    assert!(!good.has_annotations([("env", "dev")]));
    assert!(!good.has_annotations([("env", "prod"), ("build", "1")]));
}

#[test]
fn genuine_bundle_is_verified_with_its_claim() {
    let key = key();
    let evidence = run(vec![bundle_of(&good_statement(), &key)], &[&key]);
    let [good] = evidence.verified() else { panic!("{:?}", evidence.refused()) };
    assert_eq!(good.format(), Format::Bundle);
    assert_eq!(good.claim().docker_reference, None);
    assert!(good.has_annotations([("env", "prod")]));
    assert!(!good.has_annotations([("env", "dev")]));
}

#[test]
fn signature_by_another_key_does_not_count() {
    let (key, other) = (key(), key());
    assert!(matches!(only_fault(layer_of(&payload(), &other, &[]), &key), Fault::NoTrustedKey { trusted: 1 }));
    assert!(matches!(only_fault(bundle_of(&good_statement(), &other), &key), Fault::NoTrustedKey { .. }));
}

#[test]
fn no_trusted_keys_verify_nothing() {
    let evidence = run(vec![layer_of(&payload(), &key(), &[])], &[]);
    assert!(evidence.verified().is_empty());
}

#[test]
fn moved_layer_names_both_digests() {
    let key = key();
    let other = Digest::of(b"other");
    let moved = simple_signing::render(image().repository(), &other, &BTreeMap::new());
    let fault = only_fault(layer_of(&moved, &key, &[]), &key);
    assert_eq!(fault, Fault::WrongDigest { named: other, image: *image().digest() });
}

#[test]
fn edited_payload_is_by_nobody() {
    let key = key();
    let signed = simple_signing::render(image().repository(), &Digest::of(b"other"), &BTreeMap::new());
    let text = BASE64_STANDARD.encode(key.sign(&signed).unwrap());
    let edited = layer_of(&payload(), &key, &[(location::SIGNATURE_ANNOTATION, &text)]);
    assert!(matches!(only_fault(edited, &key), Fault::NoTrustedKey { .. }));
}

#[test]
fn layer_without_a_readable_signature_is_refused() {
    let key = key();
    let with = |text| layer_of(&payload(), &key, &[(location::SIGNATURE_ANNOTATION, text)]);
    assert_eq!(only_fault(with(""), &key), Fault::NoSignature);
    assert_eq!(only_fault(with("!!"), &key), Fault::Encoding);
    assert!(matches!(only_fault(with("AAAA"), &key), Fault::NoTrustedKey { .. }));
}

#[test]
fn signed_bytes_that_are_no_image_signature_are_refused() {
    let key = key();
    let text = String::from_utf8(payload()).unwrap();
    for changed in [
        text.replace("cosign container image", "atomic container"),
        format!("{text}{{}}"),
        "hello".to_owned(),
        text.replace("sha256:", "sha256:00"),
    ] {
        let fault = only_fault(layer_of(changed.as_bytes(), &key, &[]), &key);
        assert!(matches!(fault, Fault::Payload(_)), "{changed}: {fault}");
    }
}

#[test]
fn certificate_without_a_trusted_key_is_not_examined() {
    let (key, other) = (key(), key());
    let certified = layer_of(&payload(), &other, &[(location::CERTIFICATE_ANNOTATION, "PEM")]);
    assert_eq!(only_fault(certified, &key), Fault::NoAuthority);
    let bundle = bundle_with(&good_statement(), &key, |b| {
        b["verificationMaterial"] = json!({ "certificate": { "rawBytes": "AA==" } });
    });
    assert_eq!(only_fault(bundle, &key), Fault::NoAuthority);
}

#[test]
fn what_a_good_signature_carries_unexamined_is_said() {
    let key = key();
    let layer = layer_of(&payload(), &key, &[(location::BUNDLE_ANNOTATION, "{}")]);
    let bundle = bundle_with(&good_statement(), &key, |b| b["verificationMaterial"]["tlogEntries"] = json!([{}]));
    for signature in [layer, bundle] {
        let evidence = run(vec![signature], &[&key]);
        assert_eq!(evidence.verified()[0].unexamined(), [Unexamined::LogEntry]);
    }
}

#[test]
fn attestation_is_not_a_signature() {
    let key = key();
    let attestation = bundle_of(&statement(&image().digest().hex(), "https://spdx.dev/Document"), &key);
    let evidence = run(vec![attestation], &[&key]);
    assert!(evidence.verified().is_empty() && evidence.refused().is_empty());
    assert_eq!(evidence.attestations()[0].predicate_type(), "https://spdx.dev/Document");
}

#[test]
fn words_of_a_stranger_are_bounded_in_every_fault() {
    let (key, huge) = (key(), "\u{202e}".repeat(100_000));
    let bundle = |text: String| UntrustedSignature::bundle(place(), text.into_bytes());
    for signature in [
        UntrustedSignature::unreadable(place(), "ü".repeat(100_000)),
        bundle_of(&statement(&image().digest().hex(), &huge), &key),
        bundle(format!(r#"{{"{huge}":1}}"#)),
        bundle(format!(r#"{{"mediaType":"{huge}"}}"#)),
        bundle(format!(r#"{{"{huge}":1,"{huge}":1}}"#)),
    ] {
        let said = only_fault(signature, &key).to_string();
        assert!(said.len() <= 420, "{} bytes: {said}", said.len());
    }
}

#[test]
fn bundle_about_another_image_names_it() {
    let key = key();
    let other = Digest::of(b"other");
    let fault = only_fault(bundle_of(&statement(&other.hex(), SIGN_PREDICATE), &key), &key);
    assert_eq!(fault, Fault::OtherSubject { named: other.to_string(), image: *image().digest() });
    let none = good_statement().replace("sha256", "sha1");
    assert!(matches!(only_fault(bundle_of(&none, &key), &key), Fault::OtherSubject { .. }));
}

#[test]
fn statement_that_two_parsers_read_differently_is_refused() {
    let key = key();
    let good = good_statement();
    for changed in [
        good.replacen("\"predicate\":{}", "\"predicate\":{},\"predicate\":{}", 1),
        good.replacen("\"predicateType\"", "\"predicatetype\":\"x\",\"predicateType\"", 1),
        format!("{good}{good}"),
        good.replace("Statement/v1", "Statement/v9"),
        good.replace(&image().digest().hex(), &image().digest().hex().to_uppercase()),
    ] {
        let fault = only_fault(bundle_of(&changed, &key), &key);
        assert!(matches!(fault, Fault::Statement(_)), "{changed}: {fault}");
    }
}

#[test]
fn too_many_subjects_are_refused() {
    let key = key();
    let subjects = vec![json!({ "digest": { "sha256": image().digest().hex() } }); 1025];
    let mut statement: Value = serde_json::from_str(&good_statement()).unwrap();
    statement["subject"] = subjects.into();
    let fault = only_fault(bundle_of(&statement.to_string(), &key), &key);
    assert!(matches!(fault, Fault::Statement(verifier::StatementError::TooMany { found: 1025, .. })), "{fault}");
}

#[test]
fn malformed_bundle_is_refused_for_its_own_reason() {
    let key = key();
    let fault = |change: fn(&mut Value)| only_fault(bundle_with(&good_statement(), &key, change), &key).to_string();
    for (change, want) in [
        ((|b| b["more"] = json!(1)) as fn(&mut Value), "unknown member `more`"),
        (|b| b["dsseEnvelope"]["more"] = json!(1), "unknown member `more`"),
        (|b| b["verificationMaterial"]["publicKey"]["rawBytes"] = json!(""), "unknown member `rawBytes`"),
        (|b| b["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1"), "wanted version 0.3"),
        (|b| b["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.4+json"), "wanted version 0.3"),
        (|b| b["dsseEnvelope"]["signatures"] = json!([]), "0 signatures found"),
        (|b| b["dsseEnvelope"]["signatures"] = json!([{ "sig": "AA==" }, { "sig": "AA==" }]), "2 signatures found"),
        (|b| b["dsseEnvelope"]["payload"] = json!("e_8="), "`payload` is not standard base64"),
        (|b| b["verificationMaterial"] = json!({}), "exactly one of publicKey and certificate"),
        (|b| b["verificationMaterial"]["certificate"] = json!({}), "exactly one of publicKey and certificate"),
        (|b| b["verificationMaterial"]["tlogEntries"] = json!(vec![json!({}); 33]), "at most 32"),
        (|b| b["messageSignature"] = json!({}), "wanted a DSSE envelope"),
        (|b| b["dsseEnvelope"]["payloadType"] = json!("text/plain"), "not by a trusted key"),
    ] {
        let message = fault(change);
        assert!(message.contains(want), "{message} lacks {want}");
    }
}

#[test]
fn hint_is_only_a_hint() {
    let key = key();
    for hint in [json!({ "hint": "elsewhere" }), json!({})] {
        let signature = bundle_with(&good_statement(), &key, |b| b["verificationMaterial"]["publicKey"] = hint.clone());
        assert_eq!(run(vec![signature], &[&key]).verified().len(), 1);
    }
}

#[test]
fn bad_signatures_beside_a_good_one_are_reported_and_harmless() {
    let (key, other) = (key(), key());
    let moved = simple_signing::render(image().repository(), &Digest::of(b"x"), &BTreeMap::new());
    let evidence = run(
        vec![
            UntrustedSignature::unreadable(place(), "blob is missing".into()),
            layer_of(&payload(), &other, &[]),
            bundle_of(&good_statement(), &key),
            layer_of(&moved, &key, &[]),
        ],
        &[&key],
    );
    assert_eq!(evidence.verified().len(), 1);
    let kinds: Vec<u8> = evidence.refused().iter().map(|refused| refused.fault.rank()).collect();
    assert_eq!(kinds, [0, 3, 5], "most telling first");
}

#[test]
fn gaps_are_passed_on() {
    let gap = Gap { source: Source::SignatureTag, why: "throttled".into() };
    let found = Found { signatures: vec![], gaps: vec![gap.clone()] };
    let evidence = examine(&image(), found, &TrustRoot::new(vec![]), UnixTime::since_unix_epoch(Duration::ZERO));
    assert!(!evidence.is_complete());
    assert_eq!(evidence.gaps(), [gap]);
}

#[test]
fn same_keys_have_the_same_fingerprint() {
    let (a, b) = (key().public().clone(), key().public().clone());
    let one = TrustRoot::new(vec![a.clone(), b.clone(), a.clone()]);
    assert_eq!(one.fingerprint(), TrustRoot::new(vec![b.clone(), a.clone()]).fingerprint());
    assert_ne!(one.fingerprint(), TrustRoot::new(vec![a]).fingerprint());
    assert_eq!(one.keys().len(), 2);
}
