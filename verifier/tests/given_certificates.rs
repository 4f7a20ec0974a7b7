//! Certificates that whoever asks has given, authorities from pools of certificates, and chains in bundles: each
//! refused in a case where only that is wrong.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use std::collections::BTreeMap;

use keys::PrivateKey;
use oci::{Digest, location};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::{Value, json};
use verifier::{
    BundleError, CertificateAuthority, CertificateError, ChainFault, Demands, Fault, LogFault, Signer, TrustRoot,
    Unexamined, VerifiedSignature, Window,
};
use world::{
    Authority, Leaf, T, World, as_layer, attested_layer, b64, judge, judge_layer, log_fault, payload, stamped,
    stamped_layer, stamps_only, statement, statement_of, unlogged,
};

fn pem_of(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

/// Trust in the world, and this certificate given.
fn given(world: &World, leaf: &Leaf) -> TrustRoot {
    world.trust().with_given_certificate(&pem_of(&leaf.der)).unwrap()
}

/// A layer's annotations without the certificate; the log records the certificate, or its key alone.
fn bare(world: &World, leaf: &Leaf, recorded: &str) -> BTreeMap<String, String> {
    let mut annotations = world.layer(leaf, &payload(), T + 1);
    annotations.remove(location::CERTIFICATE_ANNOTATION);
    let signature = annotations[location::SIGNATURE_ANNOTATION].clone();
    let body = json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": { "hash": { "algorithm": "sha256", "value": Digest::of(&payload()).hex() } },
        "signature": { "content": signature, "publicKey": { "content": b64(recorded) } },
    } })
    .to_string();
    let entry = json!({ "SignedEntryTimestamp": b64(world.promise(&body, T + 1)), "Payload": {
        "body": b64(&body), "integratedTime": T + 1, "logIndex": 5,
        "logID": Digest::of(world.rekor.public().to_der()).hex() } });
    annotations.insert(location::BUNDLE_ANNOTATION.into(), entry.to_string());
    annotations
}

fn keyed(mut bundle: Value) -> Value {
    bundle["verificationMaterial"].as_object_mut().unwrap().shift_remove("certificate");
    bundle["verificationMaterial"]["publicKey"] = json!({ "hint": "" });
    bundle
}

fn names_alice(verdict: Result<VerifiedSignature, Fault>) -> bool {
    let signature = verdict.unwrap();
    matches!(signature.signer(), Signer::Identity(identity) if identity.names()[0].as_str() == "alice@a.test")
}

#[test]
fn signature_without_a_certificate_is_by_the_one_that_was_given() {
    let world = World::new();
    let leaf = world.leaf();
    let trust = given(&world, &leaf);
    for recorded in [pem_of(&leaf.der), leaf.key.public().to_pem()] {
        let annotations = bare(&world, &leaf, &recorded);
        assert!(names_alice(judge_layer(&payload(), annotations.clone(), &trust)));
        assert_eq!(judge_layer(&payload(), annotations, &world.trust()).unwrap_err(), Fault::NoCertificate);
    }
    assert!(names_alice(judge(&keyed(world.bundle(&leaf, T + 1)), &trust)));
    let attestation = as_layer(&keyed(unlogged(&leaf, &statement_of("https://p.test"))));
    let stamp = world.tsa.stamp(&attestation.0, T + 1);
    assert!(attested_layer(stamped_layer(attestation, &stamp), &stamps_only(trust)).is_ok());
}

#[test]
fn signature_by_another_is_refused_whatever_certificate_it_carries() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    let trust = given(&world, &leaf);
    let bundle = world.bundle(&other, T + 1);
    for signature in [bundle.clone(), keyed(bundle)] {
        assert_eq!(judge(&signature, &trust).unwrap_err(), Fault::NotByGivenCertificate);
    }
    let layer = world.layer(&other, &payload(), T + 1);
    assert_eq!(judge_layer(&payload(), layer, &trust).unwrap_err(), Fault::NotByGivenCertificate);
}

#[test]
fn carried_certificate_is_not_looked_at_and_that_is_said() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    let trust = given(&world, &leaf);
    let same = judge_layer(&payload(), world.layer(&leaf, &payload(), T + 1), &trust).unwrap();
    assert!(same.unexamined().is_empty());
    let mut annotations = bare(&world, &leaf, &pem_of(&leaf.der));
    for carried in [pem_of(&other.der), "PEM".to_owned()] {
        annotations.insert(location::CERTIFICATE_ANNOTATION.into(), carried);
        let signature = judge_layer(&payload(), annotations.clone(), &trust).unwrap();
        assert_eq!(signature.unexamined(), [Unexamined::Certificate]);
    }
}

#[test]
fn log_entry_must_be_of_the_given_certificate_or_its_key() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    for foreign in [pem_of(&other.der), other.key.public().to_pem()] {
        let fault = judge_layer(&payload(), bare(&world, &leaf, &foreign), &given(&world, &leaf)).unwrap_err();
        assert_eq!(log_fault(fault), LogFault::OtherSigner);
    }
    // whoever comes with a certificate is recorded by that certificate alone
    let mut annotations = bare(&world, &leaf, &leaf.key.public().to_pem());
    annotations.insert(location::CERTIFICATE_ANNOTATION.into(), pem_of(&leaf.der));
    let fault = judge_layer(&payload(), annotations, &world.trust()).unwrap_err();
    assert_eq!(log_fault(fault), LogFault::OtherSigner);
}

#[test]
fn given_certificate_must_lead_to_an_authority_at_a_trusted_time_and_be_logged() {
    let world = World::new();
    let judge = |leaf: &Leaf, trust: &TrustRoot| {
        judge_layer(&payload(), bare(&world, leaf, &pem_of(&leaf.der)), trust).unwrap_err()
    };
    let stranger = Authority::new("strangers", &ExtendedKeyUsagePurpose::CodeSigning, T - 1000, T + 1_000_000);
    let foreign = stranger.issue(world::signer(T), Some(&world.ct));
    assert_eq!(judge(&foreign, &given(&world, &foreign)), Fault::Chain(ChainFault::UnknownIssuer));
    let late = world.ca.issue(world::signer(T + 100), Some(&world.ct));
    assert!(matches!(judge(&late, &given(&world, &late)), Fault::Chain(ChainFault::Outside { .. })));
    let unseen = world.ca.issue(world::signer(T), None);
    assert!(matches!(judge(&unseen, &given(&world, &unseen)), Fault::NoCertificateLog { .. }));
    let leaf = world.leaf();
    let timeless = given(&world, &leaf).demanding(Demands::NOTHING);
    let mut annotations = bare(&world, &leaf, &pem_of(&leaf.der));
    annotations.remove(location::BUNDLE_ANNOTATION);
    assert!(matches!(judge_layer(&payload(), annotations, &timeless), Err(Fault::NoTime { .. })));
    let nobody = TrustRoot::new(vec![]).with_given_certificate(&pem_of(&leaf.der)).unwrap();
    assert_eq!(judge(&leaf, &nobody), Fault::NoAuthority);
}

#[test]
fn certificates_after_the_given_one_may_fill_a_gap_but_its_root_is_never_trusted() {
    let world = World::new();
    let leaf = world.leaf();
    let trust = |root: &str, chain: &str| {
        let authority = CertificateAuthority::from_pem(root, Window::UNBOUNDED).unwrap();
        let trust = TrustRoot::new(vec![]).with_authority(authority).with_log(world.log());
        trust.with_given_certificate(&format!("{}{chain}", pem_of(&leaf.der))).unwrap()
    };
    let judge = |trust: TrustRoot| judge_layer(&payload(), bare(&world, &leaf, &pem_of(&leaf.der)), &trust);
    assert!(judge(trust(&world.ca.root_pem(), &world.ca.pem())).is_ok());
    let unknown = Fault::Chain(ChainFault::UnknownIssuer);
    assert_eq!(judge(trust(&world.ca.root_pem(), "")).unwrap_err(), unknown);
    assert!(matches!(judge(trust(&Authority::names().root_pem(), &world.ca.pem())), Err(Fault::Chain(_))));
}

#[test]
fn trusted_keys_still_count_beside_a_given_certificate() {
    let world = World::new();
    let signer = Leaf { der: Vec::new(), key: PrivateKey::generate().unwrap() };
    let bundle = keyed(unlogged(&signer, &statement()));
    let trust = given(&world, &world.leaf()).with_keys(vec![signer.key.public().clone()]);
    let signature = judge(&bundle, &trust.clone().demanding(Demands::NOTHING)).unwrap();
    assert_eq!(*signature.signer(), Signer::Key(signer.key.public().id()));
    assert!(matches!(judge(&bundle, &trust), Err(Fault::NoLogEntry { .. })));
}

#[test]
fn what_is_given_is_part_of_the_fingerprint() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    let chained = world.trust().with_given_certificate(&format!("{}{}", pem_of(&leaf.der), world.ca.pem())).unwrap();
    let all =
        [world.trust(), given(&world, &leaf), given(&world, &other), chained, world.trust().with_carried_chains()];
    let distinct: std::collections::BTreeSet<String> = all.iter().map(|one| one.fingerprint().to_string()).collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn text_that_is_no_certificate_cannot_be_given() {
    let world = World::new();
    let certificate = pem_of(&world.leaf().der);
    let key = world.leaf().key.public().to_pem();
    for (text, wanted) in [
        (String::new(), CertificateError::NotPem),
        (key.clone(), CertificateError::NotPem),
        (format!("{certificate}{key}"), CertificateError::NotPem),
        (pem_of(b"nonsense"), CertificateError::Malformed),
        (certificate.repeat(11), CertificateError::TooMany { found: 11, most: 10 }),
        (" ".repeat(300_000), CertificateError::TooLarge { found: 300_000, most: 262_144 }),
    ] {
        assert_eq!(world.trust().with_given_certificate(&text).unwrap_err(), wanted);
        assert_eq!(
            CertificateAuthority::pool(&world.ca.root_pem(), Some(&text), Window::UNBOUNDED).unwrap_err(),
            wanted
        );
    }
}

#[test]
fn every_root_of_a_pool_has_all_the_intermediates() {
    let world = World::new();
    let twin = Authority::new("twin", &ExtendedKeyUsagePurpose::CodeSigning, T - 1000, T + 100_000_000);
    let middle = |authority: &Authority| authority.pem().replace(&authority.root_pem(), "");
    let (roots, between) =
        (format!("{}{}", world.ca.root_pem(), twin.root_pem()), format!("{}{}", middle(&world.ca), middle(&twin)));
    let trust = |authorities: Vec<CertificateAuthority>| {
        authorities.into_iter().fold(TrustRoot::new(vec![]).with_log(world.log()), TrustRoot::with_authority)
    };
    let pool = |between: Option<&str>| trust(CertificateAuthority::pool(&roots, between, Window::UNBOUNDED).unwrap());
    for leaf in [world.leaf(), twin.issue(world::signer(T), None)] {
        let bundle = world.bundle(&leaf, T + 1);
        assert!(judge(&bundle, &pool(Some(&between))).is_ok());
        assert_eq!(judge(&bundle, &pool(None)).unwrap_err(), Fault::Chain(ChainFault::UnknownIssuer));
    }
    let many = world.ca.root_pem().repeat(65);
    let fault = CertificateAuthority::pool(&many, None, Window::UNBOUNDED).unwrap_err();
    assert_eq!(fault, CertificateError::TooMany { found: 65, most: 64 });
}

#[test]
fn bundle_carries_a_chain_only_where_that_is_allowed_and_never_a_root() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = unlogged(&leaf, &statement());
    let stamp = world.tsa.stamp(&world::signature(&bundle), T + 1);
    let chained = |pem: &str| {
        let mut bundle = stamped(bundle.clone(), std::slice::from_ref(&stamp));
        let others = pem::parse_many(pem).unwrap();
        let ders = [leaf.der.clone()].into_iter().chain(others.into_iter().map(pem::Pem::into_contents));
        let list: Vec<Value> = ders.map(|der| json!({ "rawBytes": b64(der) })).collect();
        bundle["verificationMaterial"].as_object_mut().unwrap().shift_remove("certificate");
        bundle["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": list });
        bundle
    };
    let authority = CertificateAuthority::from_pem(&world.ca.root_pem(), Window::UNBOUNDED).unwrap();
    let tsa = verifier::TimestampAuthority::from_pem(&world.tsa.pem(true), Window::UNBOUNDED).unwrap();
    let trust = TrustRoot::new(vec![]).with_authority(authority).with_timestamp_authority(tsa);
    let middle = world.ca.pem().replace(&world.ca.root_pem(), "");
    assert_eq!(judge(&chained(&middle), &trust).unwrap_err(), Fault::Bundle(BundleError::Chain));
    let allowed = trust.with_carried_chains();
    assert!(names_alice(judge(&chained(&middle), &allowed)));
    assert_eq!(judge(&chained(""), &allowed).unwrap_err(), Fault::Chain(ChainFault::UnknownIssuer));
    let root = Fault::Certificate(CertificateError::Root);
    assert_eq!(judge(&chained(&world.ca.pem()), &allowed).unwrap_err(), root);
}

#[test]
fn signature_by_a_key_says_that_an_identity_was_wanted() {
    let world = World::new();
    let signer = Leaf { der: Vec::new(), key: PrivateKey::generate().unwrap() };
    let bundle = keyed(unlogged(&signer, &statement()));
    let fault = judge(&bundle, &world.trust()).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "made with a key and without a certificate, wanted a certificate that names the signer"
    );
    let other = PrivateKey::generate().unwrap();
    let trusting = world.trust().with_keys(vec![other.public().clone()]);
    assert_eq!(judge(&bundle, &trusting).unwrap_err(), Fault::NoTrustedKey { trusted: 1 });
    assert_eq!(judge(&bundle, &TrustRoot::new(vec![])).unwrap_err(), Fault::NoTrustedKey { trusted: 0 });
}
