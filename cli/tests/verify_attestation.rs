//! `verify-attestation` beside cosign: the same envelopes, and a code for each reason why there is none.

use std::fs;

use peers::{Cosign, Format, KeyPair, Outcome, RefsOptions, Registry, push_image};
use serde_json::{Value, json};
use suites::as_cosign::AsCosign;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const FORMATS: [Format; 2] = [Format::Legacy, Format::Bundle];

struct Stage {
    cosign: Cosign,
    sealgate: AsCosign,
    registry: Registry,
    key: KeyPair,
    other: KeyPair,
}

impl Stage {
    fn set_up() -> Self {
        let cosign = Cosign::v3();
        let pair = |name: &str| cosign.generate_key_pair(&cosign.client().home().join(name), "p");
        let (key, other) = (pair("k"), pair("o"));
        fs::write(cosign.client().home().join("predicate"), r#"{"a":"<&>"}"#).expect("the home can be written");
        let registry = Registry::refs(RefsOptions::default());
        Self { sealgate: AsCosign::new(PROGRAM), registry, key, other, cosign }
    }

    fn image(&self, name: &str) -> String {
        let digest = push_image(&self.registry, &format!("{name}:1"), name);
        format!("{}/{name}@{digest}", self.registry.address())
    }

    fn attest(&self, format: Format, key: &KeyPair, image: &str, kind: &str) {
        let predicate = self.cosign.client().home().join("predicate");
        let _ = self.cosign.attest(format, key, image, kind, &predicate).success();
    }

    fn verify(&self, image: &str, kind: &str) -> Outcome {
        self.sealgate.verify_attestation(&self.key.public, image, kind, &[])
    }
}

/// The envelopes, one on each line; a key hint that says nothing is no member.
fn envelopes(text: &str) -> Vec<Value> {
    let read = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        for signature in value["signatures"].as_array_mut().expect("signatures") {
            if signature["keyid"] == json!("") {
                signature.as_object_mut().expect("an object").remove("keyid");
            }
        }
        value
    };
    let mut all: Vec<Value> = text.lines().map(read).collect();
    all.sort_by_key(ToString::to_string);
    all
}

#[test]
fn envelopes_are_those_that_cosign_prints() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let stage = Stage::set_up();
    for format in FORMATS {
        let image = stage.image(&format!("shop/{format:?}").to_lowercase());
        for kind in ["custom", "openvex", "https://example.test/x"] {
            stage.attest(format, &stage.key, &image, kind);
        }
        for kind in ["custom", "openvex", "https://example.test/x", "https://cosign.sigstore.dev/attestation/v1"] {
            let theirs = stage.cosign.verify_attestation(&stage.key.public, &image, kind, &[]).success();
            let ours = stage.verify(&image, kind);
            let said = ours.stderr.clone();
            let ours = envelopes(&ours.success());
            assert_eq!(ours, envelopes(&theirs), "{format:?} {kind}");
            assert_eq!(ours.len(), 1, "{format:?} {kind}");
            assert!(said.contains("The signatures were verified against the specified public key"), "{said}");
            assert!(said.contains("2 further found, not counted:\n"), "{said}");
        }
        // of two images, both are judged, and what is printed is printed before the second is refused
        let bare = stage.image("shop/bare");
        let both = stage.verify(&image, "custom").stdout;
        let outcome = stage.sealgate.verify_attestation(&stage.key.public, &bare, "custom", &[&image]);
        assert_eq!((outcome.code, outcome.stdout), (10, both), "{}", outcome.stderr);
    }
}

#[test]
fn each_reason_for_a_refusal_has_its_code() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let mut stage = Stage::set_up();
    let bare = stage.image("shop/none");
    let said = stage.verify(&bare, "custom").failure(10);
    assert!(said.starts_with("error: no attestations found for ") && said.lines().count() == 1, "{said}");
    for format in FORMATS {
        let image = stage.image(&format!("shop/refused{format:?}").to_lowercase());
        let _ = stage.cosign.sign(format, &stage.key, &image, &[]).success();
        let said = stage.verify(&image, "custom").failure(10);
        // a signature under `.sig` is not looked at, one in a bundle is met on the way
        let met = said.contains(", which is not an attestation\n");
        assert!(said.starts_with("error: no attestations found for ") && met == (format == Format::Bundle), "{said}");
        stage.attest(format, &stage.other, &image, "custom");
        let said = stage.verify(&image, "custom").failure(12);
        assert!(said.starts_with("error: no matching attestations: 1 attestation found for "), "{said}");
        stage.attest(format, &stage.key, &image, "openvex");
        let said = stage.verify(&image, "custom").failure(12);
        let wanted = "error: none of the attestations matched the predicate type: \
                      https://cosign.sigstore.dev/attestation/v1, found: https://openvex.dev/ns\n";
        assert!(said.starts_with(wanted), "{said}");
        let _ = stage.verify(&image, "openvex").success();
    }
    let absent = format!("{}/shop/none:absent", stage.registry.address());
    let said = stage.verify(&absent, "custom").failure(11);
    assert!(said.contains("does not exist in its registry"), "{said}");
    stage.registry.stop();
    let said = stage.verify(&bare, "custom").failure(1);
    assert!(said.contains("cannot be reached"), "{said}");
}

#[test]
fn kind_that_is_none_is_refused_before_anything_is_asked() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let stage = Stage::set_up();
    for (flags, wanted) in [
        (&["--type", "sbom"][..], "predicate type `sbom` found, wanted an address or one of custom, "),
        (&["--policy", "x.cue"], "cosign's flag `--policy` is not here yet"),
    ] {
        let args = ["verify-attestation", "--private-infrastructure", "--key", "k"].iter().chain(flags).chain(&["a/b"]);
        let said = stage.sealgate.run(args).failure(1);
        assert!(said.contains(wanted), "{said}");
    }
}
