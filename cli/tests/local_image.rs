//! `--local-image`: what `cosign save` has written is judged as it was in the registry.

use std::{
    fs,
    path::{Path, PathBuf},
};

use peers::{Cosign, Format, KeyPair, RefsOptions, Registry, push_image};
use serde_json::Value;
use suites::as_cosign::AsCosign;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

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
        fs::write(cosign.client().home().join("predicate"), r#"{"a":1}"#).expect("the home can be written");
        Self { sealgate: AsCosign::new(PROGRAM), registry: Registry::refs(RefsOptions::default()), key, other, cosign }
    }

    /// The folder of an image that is signed and attested in these formats.
    fn saved(&self, name: &str, formats: &[Format]) -> PathBuf {
        let digest = push_image(&self.registry, &format!("{name}:1"), name);
        let image = format!("{}/{name}@{digest}", self.registry.address());
        let predicate = self.cosign.client().home().join("predicate");
        for format in formats {
            let _ = self.cosign.sign(*format, &self.key, &image, &[("env", "prod")]).success();
            let _ = self.cosign.attest(*format, &self.key, &image, "custom", &predicate).success();
        }
        let folder = self.cosign.client().home().join(name.replace('/', "-"));
        let _ = self.cosign.run(["save".as_ref(), "--dir".as_ref(), folder.as_os_str(), image.as_ref()]).success();
        folder
    }

    fn verify(&self, key: &KeyPair, folder: &Path, extra: &[&str]) -> peers::Outcome {
        let flags = [&["--local-image"], extra].concat();
        self.sealgate.verify(&key.public, &folder.display().to_string(), &flags)
    }

    fn attested(&self, key: &KeyPair, folder: &Path) -> peers::Outcome {
        self.sealgate.verify_attestation(&key.public, &folder.display().to_string(), "custom", &["--local-image"])
    }
}

const FORMATS: [(&str, &[Format], usize); 3] = [
    ("shop/legacy", &[Format::Legacy], 1),
    ("shop/bundle", &[Format::Bundle], 1),
    ("shop/both", &[Format::Legacy, Format::Bundle], 2),
];

#[test]
fn signatures_and_attestations_count_as_in_a_registry() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let stage = Stage::set_up();
    for (name, formats, count) in FORMATS {
        let folder = stage.saved(name, formats);
        let text = stage.verify(&stage.key, &folder, &["-a", "env=prod"]).success();
        let list: Vec<Value> = serde_json::from_str(&text).expect("it is a list");
        assert_eq!(list.len(), count, "{name}: {text}");
        let lines = stage.attested(&stage.key, &folder).success();
        assert_eq!(lines.lines().count(), count, "{name}: {lines}");
        let said = stage.verify(&stage.key, &folder, &["-a", "env=test"]).failure(12);
        assert!(said.contains("env is \"prod\", wanted test"), "{name}: {said}");
        let said = stage.verify(&stage.other, &folder, &[]).failure(12);
        assert!(said.contains("not by a trusted key: 1 tried"), "{name}: {said}");
        let _ = stage.attested(&stage.other, &folder).failure(12);
    }
}

#[test]
fn what_is_no_signed_image_is_refused() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let stage = Stage::set_up();
    let bare = stage.saved("shop/bare", &[]);
    let said = stage.verify(&stage.key, &bare, &[]).failure(10);
    assert!(said.starts_with("error: no signatures found for localhost/local-image@sha256:"), "{said}");
    let said = stage.attested(&stage.key, &bare).failure(10);
    assert!(said.starts_with("error: no attestations found for "), "{said}");
    let said = stage.verify(&stage.key, Path::new("/absent"), &[]).failure(1);
    assert!(said.starts_with("error: image in `/absent`: "), "{said}");
    let folder = stage.saved("shop/cart", &[Format::Legacy, Format::Bundle]);
    let index = folder.join("index.json");
    let text = fs::read_to_string(&index).expect("cosign wrote it");
    let entries: Value = serde_json::from_str(&text).expect("it is JSON");
    let digest = |at: usize| entries["manifests"][at]["digest"].as_str().expect("a digest").to_owned();
    let other = fs::read_to_string(bare.join("index.json")).expect("cosign wrote it");
    let other: Value = serde_json::from_str(&other).expect("it is JSON");
    let moved = other["manifests"][0]["digest"].as_str().expect("a digest");
    // the signatures are those of another image
    fs::copy(blob(&bare, moved), blob(&folder, moved)).expect("it can be copied");
    fs::write(&index, text.replacen(&digest(0), moved, 1)).expect("it can be written");
    let said = stage.verify(&stage.key, &folder, &[]).failure(12);
    assert!(said.contains("signature is for sha256:"), "{said}");
    // the image is not what it is said to be
    fs::write(&index, &text).expect("it can be written");
    fs::copy(blob(&bare, moved), blob(&folder, &digest(0))).expect("it can be copied");
    let said = stage.verify(&stage.key, &folder, &[]).failure(1);
    assert!(said.starts_with("error: image in `"), "{said}");
    // two images
    fs::write(&index, text.replace("dev.cosignproject.cosign/sigs", "dev.cosignproject.cosign/image")).expect("it can");
    let said = stage.verify(&stage.key, &folder, &[]).failure(1);
    assert!(said.contains(": 2 images found, wanted one\n"), "{said}");
}

fn blob(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs").join(digest.replace(':', "/"))
}
