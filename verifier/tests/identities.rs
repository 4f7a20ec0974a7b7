//! Who signed: the chain from a signer's certificate to an authority, the logs that saw it, and keys under the same
//! demands.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use oci::{Digest, location, simple_signing};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;
use verifier::{CertificateAuthority, CertificateError, ChainFault, Demands, Fault, TrustRoot, Window};
use world::{Authority, T, World, image, judge, judge_layer, payload, stamped, stamps_only, statement, unlogged};

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
        assert_eq!(fault, Fault::NoCertificate);
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
