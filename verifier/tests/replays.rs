//! Flaws that verifiers of signatures have had, replayed: one test for each advisory, named after it, and one for each
//! finding that was fixed without one. A genuine signature from the same world is accepted beside each.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use std::collections::BTreeSet;

use oci::{Digest, location, simple_signing};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::{Value, json};
use verifier::{
    Artifact, CertificateAuthority, CertificateError, ChainFault, Demands, Fault, LogFault, SetAside, Signer,
    TextMatcher, TimestampAuthority, TimestampFault, TrustRoot, Window, examine_blob,
};
use world::{
    Authority, MINUTES, NOW, T, Tsa, World, b64, image, judge, judge_layer, payload, stamped, statement, unlogged,
};

/// Why no log entry counted.
fn log_fault(fault: Fault) -> LogFault {
    match fault {
        Fault::NoLogEntry { set_aside } => match set_aside.as_slice() {
            [SetAside::LogEntry { why, .. }] => why.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other}"),
    }
}

/// Why no timestamp counted.
fn stamp_fault(fault: Fault) -> TimestampFault {
    match fault {
        Fault::NoTime { set_aside } | Fault::NoTimestamp { set_aside } => match set_aside.as_slice() {
            [SetAside::Timestamp { why, .. }] => why.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other}"),
    }
}

/// Timestamps instead of log entries.
fn stamps_only(trust: TrustRoot) -> TrustRoot {
    trust.demanding(Demands { log_entry: false, timestamp: true, ..Demands::LOGGED })
}

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
    let mut bundle =
        unlogged(&leaf, &statement().replace("https://sigstore.dev/cosign/sign/v1", "https://spdx.dev/Document"));
    world.enter(&mut bundle, &leaf, T + 1);
    assert!(matches!(judge(&bundle, &world.trust()), Err(Fault::Attestation { .. })));
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
fn older_bundles_of_files_need_what_their_version_needs() {
    let world = World::new();
    let leaf = world.leaf();
    let fault = |version: &str, gone: &[&str]| {
        let mut bundle = world.bundle(&leaf, T + 1);
        bundle["mediaType"] = json!(format!("application/vnd.dev.sigstore.bundle+json;version={version}"));
        for pointer in gone {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
            entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        }
        let artifact = Artifact::Digest(*image().digest());
        let verdict = examine_blob(artifact, bundle.to_string().into_bytes(), &world.trust(), world::time(NOW));
        verdict.map(drop).map_err(log_fault)
    };
    assert_eq!(fault("0.1", &[]), Ok(()));
    assert_eq!(fault("0.1", &["/inclusionProof/checkpoint"]), Ok(()), "a proof without checkpoint is as good as none");
    assert_eq!(fault("0.1", &["/inclusionProof"]), Ok(()));
    assert!(fault("0.1", &["/inclusionPromise"]).is_err());
    assert!(fault("0.2", &["/inclusionProof/checkpoint"]).is_err());
    assert_eq!(fault("0.2", &["/inclusionProof"]), Err(LogFault::NoProof));
    assert_eq!(fault("0.3", &["/inclusionProof"]), Err(LogFault::NoProof));
}

#[test]
fn digest_noted_beside_a_signature_may_be_absent_but_not_wrong() {
    let world = World::new();
    let leaf = world.leaf();
    let signature = leaf.key.sign(b"file").unwrap();
    let judge = |noted: Option<&[u8]>| {
        let mut bundle = json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "certificate": { "rawBytes": b64(&leaf.der) } },
            "messageSignature": { "signature": b64(&signature) } });
        if let Some(noted) = noted {
            let digest = b64(Digest::of(noted).as_bytes());
            bundle["messageSignature"]["messageDigest"] = json!({ "algorithm": "SHA2_256", "digest": digest });
        }
        let bundle = stamped(bundle, &[world.tsa.stamp(&signature, T + 1)]);
        let trust = stamps_only(world.trust());
        examine_blob(Artifact::Bytes(b"file"), bundle.to_string().into_bytes(), &trust, world::time(NOW)).map(drop)
    };
    assert_eq!(judge(None), Ok(()));
    assert_eq!(judge(Some(b"file")), Ok(()));
    assert!(matches!(judge(Some(b"other")), Err(Fault::OtherArtifact { .. })));
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

#[test]
fn one_foreign_entry_and_timestamp_beside_good_ones_are_reported_and_harmless() {
    let (world, elsewhere) = (World::new(), World::new());
    let leaf = world.leaf();
    let mut bundle = world.bundle(&leaf, T + 1);
    let mut foreign = unlogged(&leaf, &statement());
    foreign["dsseEnvelope"] = bundle["dsseEnvelope"].clone();
    elsewhere.enter(&mut foreign, &leaf, T + 1);
    let entry = foreign["verificationMaterial"]["tlogEntries"][0].clone();
    bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().insert(0, entry);
    let bundle = stamped(bundle, &[b"no token".to_vec()]);
    let signature = judge(&bundle, &world.trust()).unwrap();
    assert_eq!(signature.proofs().log_entries().len(), 1);
    let reported: Vec<String> = signature.proofs().set_aside().iter().map(ToString::to_string).collect();
    assert!(reported[0].contains("malformed") && reported[1].contains("unknown log"), "{reported:?}");
}

#[test]
fn log_time_counts_only_after_the_logs_signature_over_it() {
    let world = World::new();
    let leaf = world.leaf();
    let late = T + MINUTES + 50;
    // logged after the certificate had ended, and the time moved back
    let mut bundle = world.bundle(&leaf, late);
    assert!(matches!(judge(&bundle, &world.trust()), Err(Fault::Chain(ChainFault::Outside { .. }))));
    bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = json!((T + 1).to_string());
    assert_eq!(log_fault(judge(&bundle, &world.trust()).unwrap_err()), LogFault::Promise);
    // without a promise there is no time at all
    bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionPromise");
    bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("0");
    assert_eq!(judge(&bundle, &world.trust()).unwrap_err(), Fault::NoTime { set_aside: vec![] });
}

#[test]
fn certificate_must_be_valid_at_every_verified_time() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = world.bundle(&leaf, T + 1);
    let made = world::signature(&bundle);
    for at in [T + MINUTES + 1, T + MINUTES + 500] {
        let both = stamped(bundle.clone(), &[world.tsa.stamp(&made, T + 2), world.tsa.stamp(&made, at)]);
        assert!(matches!(judge(&both, &world.trust()), Err(Fault::Chain(ChainFault::Outside { .. }))), "{at}");
    }
    // the last second belongs to it
    assert!(judge(&stamped(bundle, &[world.tsa.stamp(&made, T + MINUTES)]), &world.trust()).is_ok());
}

#[test]
fn time_in_the_future_is_no_time() {
    let world = World::new();
    let leaf = world.ca.issue(world::signer(NOW - 10), Some(&world.ct));
    let bundle = world.bundle(&leaf, NOW + 1);
    assert!(matches!(log_fault(judge(&bundle, &world.trust()).unwrap_err()), LogFault::Future { .. }));
    let bundle = stamped(unlogged(&leaf, &statement()), &[]);
    let stamp = world.tsa.stamp(&world::signature(&bundle), NOW + 1);
    let fault = judge(&stamped(bundle, &[stamp]), &stamps_only(world.trust())).unwrap_err();
    assert!(matches!(stamp_fault(fault), TimestampFault::Future { .. }));
    assert!(judge(&world.bundle(&leaf, NOW), &world.trust()).is_ok());
}

#[test]
fn each_timestamp_authority_has_its_own_window() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = unlogged(&leaf, &statement());
    let stamp = world.tsa.stamp(&world::signature(&bundle), T + 1);
    let bundle = stamped(bundle, &[stamp]);
    let authority = |pem: String, window| TimestampAuthority::from_pem(&pem, window).unwrap();
    let trust = |window| {
        let other = authority(Tsa::new().pem(true), Window::UNBOUNDED);
        let own = authority(world.tsa.pem(true), window);
        stamps_only(world.trust_without_time().with_timestamp_authority(other).with_timestamp_authority(own))
    };
    assert!(judge(&bundle, &trust(world::window(T + 1, T + 1))).is_ok());
    for ended in [world::window(T - 9, T), world::window(T + 2, T + 9)] {
        assert!(judge(&bundle, &trust(ended)).is_err());
    }
}

#[test]
fn timestamp_of_another_signature_is_none_of_this_one() {
    let world = World::new();
    let bundle = unlogged(&world.leaf(), &statement());
    let stamp = world.tsa.stamp(b"another signature", T + 1);
    let fault = stamp_fault(judge(&stamped(bundle, &[stamp]), &stamps_only(world.trust())).unwrap_err());
    assert!(matches!(fault, TimestampFault::OtherSignature { .. }));
}

#[test]
fn timestamp_signer_that_may_do_more_is_refused() {
    let mut world = World::new();
    let mut params = Tsa::stamper();
    params.custom_extensions.clear();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
    world.tsa.leaf = world.tsa.authority.issue(params, None);
    let bundle = unlogged(&world.leaf(), &statement());
    let stamp = world.tsa.stamp(&world::signature(&bundle), T + 1);
    let fault = stamp_fault(judge(&stamped(bundle, &[stamp]), &stamps_only(world.trust())).unwrap_err());
    assert_eq!(fault, TimestampFault::Purpose, "not critical");
}

#[test]
fn two_authorities_of_one_name_are_told_apart_by_the_path() {
    let world = World::new();
    let twin = Authority::names();
    let twin_leaf = twin.issue(world::signer(T), Some(&world.ct));
    let authority = CertificateAuthority::from_pem(&twin.pem(), Window::UNBOUNDED).unwrap();
    let trust = world.trust().with_authority(authority);
    for leaf in [world.leaf(), twin_leaf] {
        judge(&world.bundle(&leaf, T + 1), &trust).unwrap();
    }
}

#[test]
fn certificate_timestamp_of_another_certificate_or_log_proves_nothing() {
    let world = World::new();
    let other = World::new();
    let bare = world.ca.issue(world::signer(T), None);
    let foreign = world.ca.issue(world::signer(T), Some(&other.ct));
    for leaf in [bare, foreign] {
        let fault = judge(&world.bundle(&leaf, T + 1), &world.trust()).unwrap_err();
        assert!(matches!(fault, Fault::NoCertificateLog { .. }), "{fault}");
        let lenient = world.trust().demanding(Demands { certificate_log: false, ..Demands::LOGGED });
        assert!(judge(&world.bundle(&leaf, T + 1), &lenient).is_ok());
    }
}

#[test]
fn certificate_for_another_purpose_or_by_a_stranger_is_refused() {
    let world = World::new();
    let mut server = world::signer(T);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut any = world::signer(T);
    any.extended_key_usages.clear();
    for params in [server, any] {
        let leaf = world.ca.issue(params, Some(&world.ct));
        let fault = judge(&world.bundle(&leaf, T + 1), &world.trust()).unwrap_err();
        assert!(matches!(fault, Fault::Chain(ChainFault::Purpose { .. })), "{fault}");
    }
    let stranger = Authority::new("strangers", &ExtendedKeyUsagePurpose::CodeSigning, T - 1000, T + 1_000_000);
    let leaf = stranger.issue(world::signer(T), Some(&world.ct));
    let fault = judge(&world.bundle(&leaf, T + 1), &world.trust()).unwrap_err();
    assert_eq!(fault, Fault::Chain(ChainFault::UnknownIssuer));
}

#[test]
fn certificate_that_names_nobody_or_two_issuers_is_refused() {
    let world = World::new();
    let mut nameless = world::signer(T);
    nameless.subject_alt_names.clear();
    let mut twofold = world::signer(T);
    let old =
        rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 1], b"https://other.test".to_vec());
    twofold.custom_extensions.push(old);
    for (params, wanted) in [(nameless, CertificateError::Nameless), (twofold, CertificateError::TwoIssuers)] {
        let leaf = world.ca.issue(params, Some(&world.ct));
        assert_eq!(judge(&world.bundle(&leaf, T + 1), &world.trust()).unwrap_err(), Fault::Certificate(wanted));
    }
}

#[test]
fn empty_and_blank_certificates_of_a_layer_are_no_certificate() {
    let world = World::new();
    let leaf = world.leaf();
    for text in ["", " \n\t"] {
        let mut annotations = world.layer(&leaf, &payload(), T + 1);
        annotations.insert(location::CERTIFICATE_ANNOTATION.into(), text.into());
        let fault = judge_layer(&payload(), annotations, &world.trust()).unwrap_err();
        assert_eq!(fault, Fault::NoTrustedKey { trusted: 0 });
    }
    for text in ["PEM", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"] {
        let mut annotations = world.layer(&leaf, &payload(), T + 1);
        annotations.insert(location::CERTIFICATE_ANNOTATION.into(), text.into());
        assert!(matches!(judge_layer(&payload(), annotations, &world.trust()), Err(Fault::Certificate(_))), "{text}");
    }
}

#[test]
fn intermediates_of_a_layer_may_fill_a_gap_but_its_root_is_never_trusted() {
    let world = World::new();
    let leaf = world.leaf();
    let chained = |pem: String| {
        let mut annotations = world.layer(&leaf, &payload(), T + 1);
        annotations.insert("dev.sigstore.cosign/chain".into(), pem);
        annotations
    };
    let trust = |pem: &str| {
        let authority = CertificateAuthority::from_pem(pem, Window::UNBOUNDED).unwrap();
        TrustRoot::new(vec![]).with_authority(authority).with_log(world.log())
    };
    let root = trust(&world.ca.root_pem());
    assert!(judge_layer(&payload(), chained(world.ca.pem()), &root).is_ok());
    let unknown = Fault::Chain(ChainFault::UnknownIssuer);
    assert_eq!(judge_layer(&payload(), chained(String::new()), &root).unwrap_err(), unknown);
    let elsewhere = trust(&Authority::names().root_pem());
    assert!(matches!(judge_layer(&payload(), chained(world.ca.pem()), &elsewhere), Err(Fault::Chain(_))));
    let many = world.ca.pem().repeat(6);
    assert!(matches!(
        judge_layer(&payload(), chained(many), &root),
        Err(Fault::Certificate(CertificateError::TooMany { .. }))
    ));
}

#[test]
fn layer_of_another_image_is_refused_however_well_it_is_logged() {
    let world = World::new();
    let leaf = world.leaf();
    let other = simple_signing::render(image().repository(), &Digest::of(b"other"), &std::collections::BTreeMap::new());
    let fault = judge_layer(&other, world.layer(&leaf, &other, T + 1), &world.trust()).unwrap_err();
    assert!(matches!(fault, Fault::WrongDigest { .. }));
}

#[test]
fn key_signatures_meet_the_same_demands() {
    let world = World::new();
    let key = keys::PrivateKey::generate().unwrap();
    let signer = world::Leaf { der: Vec::new(), key };
    let mut bundle = unlogged(&signer, &statement());
    bundle["verificationMaterial"] = json!({ "publicKey": { "hint": "" } });
    let keyed = |trust: TrustRoot| trust.with_keys(vec![signer.key.public().clone()]);
    assert!(judge(&bundle, &keyed(TrustRoot::new(vec![]))).is_ok());
    assert!(matches!(judge(&bundle, &keyed(world.trust())), Err(Fault::NoLogEntry { .. })));
    let made = world::signature(&bundle);
    let stamped = stamped(bundle, &[world.tsa.stamp(&made, T + 1)]);
    let signature = judge(&stamped, &keyed(stamps_only(world.trust()))).unwrap();
    assert_eq!(signature.proofs().times()[0].at, T + 1);
    assert!(signature.meets(Demands { log_entry: true, ..Demands::NOTHING }).is_err());
}
