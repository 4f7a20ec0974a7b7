//! Both cosigns sign, attest and verify offline, each what the other wrote.

use std::fs;
use std::path::Path;

use peers::{Authority, Cosign, Format, RefsOptions, Registry, push_image};

#[test]
fn each_cosign_accepts_what_either_signed_and_refuses_the_wrong_key() {
    peers::require!("cosign-2", "cosign-3", "registry-refs", "crane");
    let (two, three) = (Cosign::v2(), Cosign::v3());
    let folder = tempfile::tempdir().unwrap();
    let key = two.generate_key_pair(&folder.path().join("k"), "one password");
    let other = three.generate_key_pair(&folder.path().join("other"), "");
    let registry = Registry::refs(RefsOptions { spec: true, ..RefsOptions::default() });
    for (name, signer) in [("two", &two), ("three", &three)] {
        for format in [Format::Legacy, Format::Bundle] {
            let image = pushed(&registry, &format!("{name}-{format:?}").to_lowercase());
            signer.sign(format, &key, &image, &[("env", "prod")]).success();
            for verifier in [&two, &three] {
                let proof = verifier.verify(&key.public, &image, &[]).success();
                assert!(proof.contains(digest(&image)), "{proof}");
                let code = if format == Format::Legacy { 12 } else { 1 };
                let _ = verifier.verify(&other.public, &image, &[]).failure(code);
            }
        }
    }
}

#[test]
fn formats_are_stored_where_they_say() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let cosign = Cosign::v3();
    let folder = tempfile::tempdir().unwrap();
    let key = cosign.generate_key_pair(&folder.path().join("k"), "p");
    let registry = Registry::refs(RefsOptions::default());
    let image = pushed(&registry, "where");
    let stored = || registry.requests().into_iter().filter(|line| line.starts_with("PUT") && line.ends_with("201"));
    let legacy = format!("/manifests/{}.sig 201", digest(&image).replace(':', "-"));
    cosign.sign(Format::Bundle, &key, &image, &[]).success();
    assert!(!stored().any(|line| line.ends_with(&legacy)));
    cosign.sign(Format::Legacy, &key, &image, &[]).success();
    assert!(stored().any(|line| line.ends_with(&legacy)), "{:#?}", registry.requests());
    let place = cosign.triangulate(&image).success();
    assert!(place.ends_with(".sig") && place.contains(&digest(&image)["sha256:".len()..]), "{place}");
}

#[test]
fn annotations_are_signed() {
    peers::require!("cosign-3", "docker-registry", "crane");
    let cosign = Cosign::v3();
    let folder = tempfile::tempdir().unwrap();
    let key = cosign.generate_key_pair(&folder.path().join("k"), "p");
    let registry = Registry::debian();
    let image = pushed(&registry, "annotated");
    cosign.sign(Format::Bundle, &key, &image, &[("env", "prod")]).success();
    cosign.verify(&key.public, &image, &["-a", "env=prod"]).success();
    let _ = cosign.verify(&key.public, &image, &["-a", "env=dev"]).failure(1);
    let _ = cosign.verify(&key.public, &image, &["-a", "team=shop"]).failure(1);
}

#[test]
fn attestation_by_one_cosign_is_read_by_the_other() {
    peers::require!("cosign-2", "cosign-3", "docker-registry", "crane");
    let (two, three) = (Cosign::v2(), Cosign::v3());
    let folder = tempfile::tempdir().unwrap();
    let key = three.generate_key_pair(&folder.path().join("k"), "p");
    let predicate = folder.path().join("predicate.json");
    fs::write(&predicate, r#"{"spdxVersion":"SPDX-2.3"}"#).unwrap();
    let registry = Registry::debian();
    for (format, signer, verifier) in [(Format::Legacy, &two, &three), (Format::Bundle, &three, &two)] {
        let image = pushed(&registry, &format!("attested-{format:?}").to_lowercase());
        signer.attest(format, &key, &image, "spdxjson", &predicate).success();
        verifier.verify_attestation(&key.public, &image, "spdxjson", &[]).success();
        let _ = verifier.verify_attestation(&key.public, &image, "openvex", &[]).failure(1);
    }
}

#[test]
fn imported_key_signs() {
    peers::require!("cosign-2", "docker-registry", "crane");
    let cosign = Cosign::v2();
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("plain.pem");
    fs::write(&pem, Authority::new("any").server(&["localhost"]).key).unwrap();
    let key = cosign.import_key_pair(&pem, &folder.path().join("imported"), "p");
    let registry = Registry::debian();
    let image = pushed(&registry, "imported");
    cosign.sign(Format::Legacy, &key, &image, &[]).success();
    cosign.verify(&key.public, &image, &[]).success();
}

#[test]
fn wrong_password_signs_nothing() {
    peers::require!("cosign-2", "docker-registry", "crane");
    let cosign = Cosign::v2();
    let folder = tempfile::tempdir().unwrap();
    let mut key = cosign.generate_key_pair(&folder.path().join("k"), "right");
    key.password = "wrong".to_owned();
    let registry = Registry::debian();
    let image = pushed(&registry, "password");
    let error = cosign.sign(Format::Legacy, &key, &image, &[]).failure(1);
    assert!(error.contains("decryption failed"), "{error}");
    let _ = cosign.verify(&key.public, &image, &[]).failure(10);
}

#[test]
fn cosign_reaches_a_registry_with_password_and_own_authority() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let mut cosign = Cosign::v3();
    let basic = Some(("alice".to_owned(), "secret".to_owned()));
    let registry = Registry::refs(RefsOptions { basic, tls: true, ..RefsOptions::default() });
    let image = pushed(&registry, "guarded");
    let key = cosign.generate_key_pair(Path::new("k"), "p");
    let _ = cosign.sign(Format::Bundle, &key, &image, &[]).failure(1);
    cosign.client_mut().trust(&registry);
    cosign.sign(Format::Bundle, &key, &image, &[]).success();
    cosign.verify(&key.public, &image, &[]).success();
}

fn pushed(registry: &Registry, name: &str) -> String {
    let digest = push_image(registry, &format!("app/{name}:1"), name);
    format!("{}/app/{name}@{digest}", registry.address())
}

fn digest(image: &str) -> &str {
    image.split_once('@').expect("the image has a digest").1
}
