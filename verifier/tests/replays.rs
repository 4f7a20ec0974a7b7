//! Flaws that verifiers of signatures have had, replayed: one test for each advisory, named after it, and one for each
//! finding that was fixed without one. A genuine signature from the same world is accepted beside each.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use std::collections::BTreeSet;

use oci::{Digest, location};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::{Value, json};
use verifier::{
    Artifact, CertificateAuthority, ChainFault, Demands, Fault, LogFault, Signer, TextMatcher, TimestampAuthority,
    TimestampFault, TrustRoot, Window, examine_blob,
};
use world::{
    Authority, NOW, T, Tsa, World, attested, b64, judge, judge_layer, log_fault, payload, stamp_fault, stamped,
    stamps_only, statement, statement_of, unlogged,
};

#[test]
fn genuine_signatures_of_this_world_are_accepted() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = world.bundle(&leaf, T + 1);
    let signature = judge(&bundle, &world.trust()).unwrap();
    let Signer::Identity(identity) = signature.signer() else { panic!("{}", signature.signer()) };
    assert_eq!(identity.to_string(), "alice@a.test (https://issuer.test)");
    assert_eq!(signature.proofs().certificate_logs().len(), 1);
    let both = stamped(bundle.clone(), &[world.tsa.stamp(&world::signature(&bundle), T + 2)]);
    assert_eq!(judge(&both, &world.trust()).unwrap().proofs().times().len(), 2);
    assert!(judge_layer(&payload(), world.layer(&leaf, &payload(), T + 1), &world.trust()).is_ok());
    let alone = stamped(unlogged(&leaf, &statement()), &[world.tsa.stamp(&world::signature(&bundle), T + 2)]);
    assert!(matches!(judge(&alone, &world.trust()), Err(Fault::NoLogEntry { .. })));
}

#[test]
fn cve_2022_23649_log_entry_of_another_signature_in_a_layer() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    let mut annotations = world.layer(&leaf, &payload(), T + 1);
    let foreign = world.layer(&other, b"something else", T + 1);
    annotations.insert(location::BUNDLE_ANNOTATION.into(), foreign[location::BUNDLE_ANNOTATION].clone());
    let fault = judge_layer(&payload(), annotations, &world.trust()).unwrap_err();
    assert!(matches!(log_fault(fault), LogFault::OtherDigest { .. }));
}

#[test]
fn cve_2026_22703_log_entry_of_another_signature_over_the_same_payload() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    let again = world.layer(&leaf, &payload(), T + 1);
    for foreign in [world.layer(&other, &payload(), T + 1), again] {
        let mut annotations = world.layer(&leaf, &payload(), T + 1);
        annotations.insert(location::BUNDLE_ANNOTATION.into(), foreign[location::BUNDLE_ANNOTATION].clone());
        let fault = judge_layer(&payload(), annotations, &world.trust()).unwrap_err();
        assert_eq!(log_fault(fault), LogFault::OtherSignature);
    }
}

#[test]
fn cve_2024_53267_log_entries_of_two_good_bundles_swapped() {
    let world = World::new();
    let (mut one, other) = (world.bundle(&world.leaf(), T + 1), world.bundle(&world.leaf(), T + 1));
    one["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    assert_eq!(log_fault(judge(&one, &world.trust()).unwrap_err()), LogFault::OtherSignature);
}

#[test]
fn cve_2024_51746_entry_that_records_our_signature_by_another_signer() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    let mut bundle = unlogged(&leaf, &statement());
    world.enter(&mut bundle, &other, T + 1);
    assert_eq!(log_fault(judge(&bundle, &world.trust()).unwrap_err()), LogFault::OtherSigner);
}

#[test]
fn cve_2022_35929_attestation_of_another_type() {
    let world = World::new();
    let leaf = world.leaf();
    let mut bundle = unlogged(&leaf, &statement_of("https://spdx.dev/Document"));
    world.enter(&mut bundle, &leaf, T + 1);
    // its type is what the signed statement says, and it is no signature
    assert_eq!(attested(&bundle, &world.trust()).unwrap().predicate_type(), "https://spdx.dev/Document");
}

#[test]
fn cve_2022_36056_bundle_of_another_blob_and_expired_certificate_without_a_time() {
    let world = World::new();
    let leaf = world.leaf();
    let blob = |content: &[u8]| {
        json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "certificate": { "rawBytes": b64(&leaf.der) } },
            "messageSignature": { "messageDigest": { "algorithm": "SHA2_256", "digest": b64(Digest::of(content).as_bytes()) },
                "signature": b64(leaf.key.sign(b"blob A").unwrap()) } })
        .to_string()
        .into_bytes()
    };
    let judge = |artifact: &[u8], bundle: Vec<u8>, trust: &TrustRoot| {
        examine_blob(Artifact::Bytes(artifact), bundle, trust, world::time(NOW)).map(drop)
    };
    let unlogged = world.trust().demanding(Demands::NOTHING);
    assert!(matches!(judge(b"blob B", blob(b"blob A"), &unlogged), Err(Fault::OtherArtifact { .. })));
    assert_eq!(judge(b"blob B", blob(b"blob B"), &unlogged), Err(Fault::NotByCertificate));
    assert_eq!(judge(b"blob A", blob(b"blob A"), &unlogged), Err(Fault::NoTime { set_aside: vec![] }));
}

#[test]
fn cve_2026_24122_intermediate_that_had_expired_when_it_signed() {
    let world = World::new();
    for (from, to) in [(T - 1000, T - 1), (T + 5, T + 1000)] {
        let ca = Authority::new("names", &ExtendedKeyUsagePurpose::CodeSigning, from, to);
        let leaf = ca.issue(world::signer(T), Some(&world.ct));
        let authority = CertificateAuthority::from_pem(&ca.pem(), Window::UNBOUNDED).unwrap();
        let trust = world.trust().with_authority(authority);
        let fault = judge(&world.bundle(&leaf, T + 1), &trust).unwrap_err();
        assert!(matches!(fault, Fault::Chain(ChainFault::IssuerOutside { .. })), "{fault}");
    }
}

#[test]
fn cve_2026_39395_malformed_statement_missing_payload_wrong_type() {
    let world = World::new();
    let leaf = world.leaf();
    let judge_payload = |text: &str, change: fn(&mut Value)| {
        let mut bundle = unlogged(&leaf, text);
        world.enter(&mut bundle, &leaf, T + 1);
        change(&mut bundle);
        judge(&bundle, &world.trust())
    };
    assert!(judge_payload(&statement(), |_| ()).is_ok());
    assert!(matches!(judge_payload("{", |_| ()), Err(Fault::Statement(_))));
    assert!(matches!(judge_payload("", |_| ()), Err(Fault::Statement(_))));
    let removed = judge_payload(&statement(), |b| drop(b["dsseEnvelope"].as_object_mut().unwrap().remove("payload")));
    assert!(matches!(removed, Err(Fault::Bundle(_))));
    assert!(matches!(
        judge_payload(&statement(), |b| b["dsseEnvelope"]["payloadType"] = json!("x")),
        Err(Fault::NotByCertificate)
    ));
}

#[test]
fn cve_2024_45395_more_entries_timestamps_and_subjects_than_are_looked_at() {
    let world = World::new();
    let leaf = world.leaf();
    let mut bundle = world.bundle(&leaf, T + 1);
    bundle["verificationMaterial"]["tlogEntries"] = json!(vec![json!({}); 33]);
    assert!(judge(&bundle, &world.trust()).unwrap_err().to_string().contains("33 of `tlogEntries` found, at most 32"));
    let stamps = stamped(world.bundle(&leaf, T + 1), &vec![vec![0]; 33]);
    assert!(judge(&stamps, &world.trust()).unwrap_err().to_string().contains("33 of `rfc3161Timestamps` found"));
    let mut many: Value = serde_json::from_str(&statement()).unwrap();
    many["subject"] = json!(vec![many["subject"][0].clone(); 1025]);
    let mut bundle = unlogged(&leaf, &many.to_string());
    world.enter(&mut bundle, &leaf, T + 1);
    assert!(matches!(judge(&bundle, &world.trust()), Err(Fault::Statement(_))));
}

#[test]
fn cve_2026_49834_two_entries_and_two_timestamps_are_one_log_and_one_authority() {
    let world = World::new();
    let leaf = world.leaf();
    let mut bundle = world.bundle(&leaf, T + 1);
    let mut second = bundle["verificationMaterial"]["tlogEntries"][0].clone();
    second["logIndex"] = json!("0");
    second.as_object_mut().unwrap().remove("inclusionPromise");
    bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(second);
    let made = world::signature(&bundle);
    let bundle = stamped(bundle, &[world.tsa.stamp(&made, T + 2), world.tsa.stamp(&made, T + 3)]);
    let signature = judge(&bundle, &world.trust()).unwrap();
    let logs: BTreeSet<_> = signature.proofs().log_entries().iter().map(|entry| entry.key).collect();
    let authorities: BTreeSet<_> =
        signature.proofs().timestamps().iter().map(|stamp| stamp.authority.to_string()).collect();
    assert_eq!((signature.proofs().log_entries().len(), logs.len(), authorities.len()), (2, 1, 1));
}

#[test]
fn cve_2026_39984_checks_made_on_another_certificate_than_the_signers() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = unlogged(&leaf, &statement());
    let made = world::signature(&bundle);
    let authority = TimestampAuthority::from_pem(&world.tsa.pem(false), Window::UNBOUNDED).unwrap();
    let trust = stamps_only(world.trust_without_time().with_timestamp_authority(authority));
    let genuine = world.tsa.leaf.der.as_slice();
    // a code signing certificate of the same authority stamps, a good one lies beside it, in either order
    let wrong = world.tsa.authority.issue(world::signer(T), None);
    for certificates in [[wrong.der.as_slice(), genuine], [genuine, wrong.der.as_slice()]] {
        let stamp = world::token(&wrong, &wrong, &made, T + 1, &certificates);
        let fault = stamp_fault(judge(&stamped(bundle.clone(), &[stamp]), &trust).unwrap_err());
        assert!(matches!(fault, TimestampFault::Chain(_) | TimestampFault::Signature), "{fault}");
    }
    let stamp = world::token(&world.tsa.leaf, &world.tsa.leaf, &made, T + 1, &[genuine]);
    assert!(judge(&stamped(bundle, &[stamp]), &trust).is_ok());
}

#[test]
fn cve_2025_52556_timestamp_with_a_made_up_signer() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = unlogged(&leaf, &statement());
    let made = world::signature(&bundle);
    let forger = Tsa::new();
    let trust = stamps_only(world.trust());
    // signed by the forger in the name of the trusted one, then in its own name
    let named = world::token(&world.tsa.leaf, &forger.leaf, &made, T + 1, &[]);
    assert_eq!(stamp_fault(judge(&stamped(bundle.clone(), &[named]), &trust).unwrap_err()), TimestampFault::Signature);
    let own = world::token(&forger.leaf, &forger.leaf, &made, T + 1, &[&forger.leaf.der]);
    // both authorities go by one name, so the certificate that is known answers for it
    assert_eq!(stamp_fault(judge(&stamped(bundle, &[own]), &trust).unwrap_err()), TimestampFault::Signature);
}

#[test]
fn cve_2026_33753_injected_certificates_change_nothing() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = unlogged(&leaf, &statement());
    let made = world::signature(&bundle);
    let forger = Tsa::new();
    let authority = TimestampAuthority::from_pem(&world.tsa.pem(false), Window::UNBOUNDED).unwrap();
    let trust = stamps_only(world.trust_without_time().with_timestamp_authority(authority));
    let stamp = world::token(&forger.leaf, &forger.leaf, &made, T + 1, &[&world.tsa.leaf.der, &forger.leaf.der]);
    let fault = stamp_fault(judge(&stamped(bundle, &[stamp]), &trust).unwrap_err());
    assert!(matches!(fault, TimestampFault::Signature | TimestampFault::Chain(_) | TimestampFault::Foreign), "{fault}");
}

#[test]
fn cve_2023_33199_and_cve_2026_23831_malformed_entries_are_refused_without_a_panic() {
    let world = World::new();
    let leaf = world.leaf();
    for (kind, body) in [
        ("intoto", r#"{"apiVersion":"0.0.1","kind":"intoto","spec":{}}"#),
        ("intoto", r#"{"apiVersion":"0.0.1","kind":"intoto","spec":{"content":null,"publicKey":null}}"#),
        ("dsse", r#"{"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{},"payloadHash":{},"signatures":[]}}"#),
        ("cose", r#"{"apiVersion":"0.0.1","kind":"cose","spec":{}}"#),
        ("dsse", "null"),
        ("dsse", ""),
    ] {
        let mut bundle = unlogged(&leaf, &statement());
        bundle["verificationMaterial"]["tlogEntries"] = json!([world.entry((kind, "0.0.1"), body, T + 1)]);
        let fault = log_fault(judge(&bundle, &world.trust()).unwrap_err());
        assert!(matches!(fault, LogFault::Field(_) | LogFault::Json(_) | LogFault::Kind { .. }), "{body}: {fault}");
    }
}

#[test]
fn cve_2023_47122_log_that_is_not_trusted_proves_nothing() {
    let (world, elsewhere) = (World::new(), World::new());
    let leaf = world.leaf();
    let bundle = elsewhere.bundle(&leaf, T + 1);
    assert!(matches!(log_fault(judge(&bundle, &world.trust()).unwrap_err()), LogFault::Foreign { .. }));
}

#[test]
fn cve_2026_22772_anchored_pattern_is_not_found_inside_another_name() {
    let pattern = TextMatcher::whole("https://github.com/acme/.*").unwrap();
    assert!(pattern.matches("https://github.com/acme/app"));
    assert!(!pattern.matches("https://evil.test/?https://github.com/acme/app"));
}

#[test]
fn cve_2026_44309_signature_covers_the_bytes_as_they_are() {
    let world = World::new();
    let leaf = world.leaf();
    let spaced = [&payload()[..], b"\n"].concat();
    let annotations = world.layer(&leaf, &payload(), T + 1);
    assert_eq!(judge_layer(&spaced, annotations, &world.trust()).unwrap_err(), Fault::NotByCertificate);
}
