//! Where a cosign goes wrong, shown with the real program, and that sealgate does not.
//!
//! Keys that cosign signs with and cannot verify are in `interop_matrix.rs`, lost signatures in
//! `concurrent_signing.rs`. A test here that fails because a cosign has got better is good news.

use std::{collections::BTreeSet, fs, path::PathBuf};

use peers::{Cosign, Format, KeyPair, RefsOptions, Registry, push_image};
use suites::as_cosign::AsCosign;
use tempfile::TempDir;

#[test]
fn an_attestation_is_no_signature() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new(Registry::sealgate(PROGRAM, &[]));
    let (key, image) = (world.key("team"), world.image("attested"));
    let predicate = world.folder.path().join("predicate.json");
    fs::write(&predicate, r#"{"spdxVersion":"SPDX-2.3"}"#).unwrap();
    world.cosign3.attest(Format::Bundle, &key, &image, "spdxjson", &predicate).success();
    world.cosign2.verify(&key.public, &image, &[]).success();
    world.cosign3.verify(&key.public, &image, &[]).success();

    let refusal = world.sealgate.verify(&key.public, &image, &[]).failure(10);
    assert!(refusal.contains("an attestation is not a signature"), "{refusal}");
    world.sealgate.sign(Format::Bundle, &key, &image, &[]).success();
    world.sealgate.verify(&key.public, &image, &[]).success();
}

#[test]
fn a_bundle_hides_no_signature() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new(Registry::sealgate(PROGRAM, &[]));
    let (key, stranger, image) = (world.key("team"), world.key("stranger"), world.image("hidden"));
    world.cosign2.sign(Format::Legacy, &key, &image, &[]).success();
    for cosign in [&world.cosign2, &world.cosign3] {
        cosign.verify(&key.public, &image, &[]).success();
    }
    world.cosign3.sign(Format::Bundle, &stranger, &image, &[]).success();
    for cosign in [&world.cosign2, &world.cosign3] {
        let refusal = cosign.verify(&key.public, &image, &[]).failure(1);
        assert!(refusal.contains("no matching attestations"), "{refusal}");
    }

    let verified = world.sealgate.verify(&key.public, &image, &[]);
    assert!(verified.stderr.contains("1 further found, not counted"), "{verified:?}");
    verified.success();
    let _ = world.sealgate.verify(&world.key("third").public, &image, &[]).failure(12);
}

#[test]
fn annotations_are_compared_in_bundles_too() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new(Registry::sealgate(PROGRAM, &[]));
    let (key, image) = (world.key("team"), world.image("annotated"));
    world.cosign3.sign(Format::Bundle, &key, &image, &[("env", "prod")]).success();
    world.cosign2.verify(&key.public, &image, &["-a", "env=dev"]).success();
    world.cosign2.verify(&key.public, &image, &["-a", "never=signed"]).success();

    world.sealgate.verify(&key.public, &image, &["-a", "env=prod"]).success();
    let refusal = world.sealgate.verify(&key.public, &image, &["-a", "env=dev"]).failure(12);
    assert!(refusal.contains(r#"env is "prod", wanted dev"#), "{refusal}");
    let refusal = world.sealgate.verify(&key.public, &image, &["-a", "never=signed"]).failure(12);
    assert!(refusal.contains("never is missing, wanted signed"), "{refusal}");
}

#[test]
fn a_wrong_key_and_a_registry_that_is_down_have_different_codes() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new(Registry::sealgate(PROGRAM, &[]));
    let (key, stranger, image) = (world.key("team"), world.key("stranger"), world.image("down"));
    world.cosign3.sign(Format::Bundle, &key, &image, &[]).success();
    for cosign in [&world.cosign2, &world.cosign3] {
        let _ = cosign.verify(&stranger.public, &image, &[]).failure(1);
    }
    let wrong = world.sealgate.verify(&stranger.public, &image, &[]).failure(12);
    assert!(wrong.contains("no matching signatures"), "{wrong}");

    let World { cosign2, cosign3, sealgate, registry, folder: _keys } = world;
    drop(registry);
    for cosign in [&cosign2, &cosign3] {
        let _ = cosign.verify(&key.public, &image, &[]).failure(1);
    }
    let down = sealgate.verify(&key.public, &image, &[]).failure(1);
    assert!(down.contains("refused") && !down.contains("signatures found"), "{down}");
}

#[test]
fn signatures_beyond_the_first_page_are_seen() {
    peers::require!("cosign-3", "crane", "registry-refs");
    let world = World::new(Registry::refs(RefsOptions { spec: true, page: Some(2), ..RefsOptions::default() }));
    let image = world.image("paged");
    let keys = ["one", "two", "three", "four"].map(|name| world.key(name));
    for key in &keys {
        world.cosign3.sign(Format::Bundle, key, &image, &[]).success();
    }
    let codes = keys.each_ref().map(|key| world.cosign3.verify(&key.public, &image, &[]).code);
    assert_eq!(BTreeSet::from(codes), BTreeSet::from([0, 1]), "cosign sees the first page alone: {codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 2, "{codes:?}");

    for key in &keys {
        world.sealgate.verify(&key.public, &image, &[]).success();
    }
}

#[test]
fn nothing_is_said_of_a_log_that_nobody_asked() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new(Registry::sealgate(PROGRAM, &[]));
    let (key, image) = (world.key("team"), world.image("unlogged"));
    world.cosign3.sign(Format::Bundle, &key, &image, &[]).success();
    for cosign in [&world.cosign2, &world.cosign3] {
        let verified = cosign.verify(&key.public, &image, &[]);
        let said = "Existence of the claims in the transparency log was verified offline";
        assert!(verified.stderr.contains(said), "{verified:?}");
    }
    let verified = world.sealgate.verify(&key.public, &image, &[]);
    assert!(verified.stderr.contains("The cosign claims were validated"), "{verified:?}");
    assert!(!verified.stderr.contains("transparency log"), "{verified:?}");
    verified.success();
}

struct World {
    cosign2: Cosign,
    cosign3: Cosign,
    sealgate: AsCosign,
    registry: Registry,
    folder: TempDir,
}

impl World {
    fn new(registry: Registry) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let sealgate = AsCosign::new(PROGRAM);
        Self { cosign2: Cosign::v2(), cosign3: Cosign::v3(), sealgate, registry, folder }
    }

    /// A new image by its digest.
    fn image(&self, name: &str) -> String {
        let digest = push_image(&self.registry, &format!("shop/{name}:1"), name);
        format!("{}/shop/{name}@{digest}", self.registry.address())
    }

    /// A new key.
    fn key(&self, name: &str) -> KeyPair {
        let prefix: PathBuf = self.folder.path().join(name);
        self.sealgate.generate_key_pair(&prefix, "secret")
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
