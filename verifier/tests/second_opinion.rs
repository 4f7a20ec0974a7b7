//! A second opinion: the `sigstore-verify` crate judges every bundle of the corpus too, and a list names each one on
//! which it and we disagree, with the reason.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::disallowed_methods, reason = "the corpus is on disk")]

#[path = "corpus/alter.rs"]
mod alter;
mod corpus;
#[path = "corpus/disagreements.rs"]
mod disagreements;
#[path = "corpus/sample.rs"]
mod sample;

use std::{collections::BTreeSet, fs, path::Path};

use alter::{alterations, paths};
use disagreements::ALTERED;
use keys::PublicKey;
use sample::Sample;
use verifier::{Artifact, TrustRoot, examine_blob};

/// The bundle, and why we are right about it.
const DISAGREEMENTS: [(&str, &str); 2] = [
    ("blob.rekor2.ecdsa-sha2-384-nistp384.sigstore.json trusted_root.json", P384),
    ("blob.rekor2.ecdsa-sha2-384-nistp384.sigstore.json trusted_root.no-rekor1.json", P384),
];
const P384: &str = "it knows no P-384 key in entries of version 2; cosign made this one and verifies it";

struct Case {
    name: String,
    artifact: Vec<u8>,
    bundle: Vec<u8>,
    root: Vec<u8>,
    key: Option<Vec<u8>>,
}

fn conformance() -> Vec<Case> {
    let Some(folder) = corpus::folder("bundles") else { return Vec::new() };
    let read = |folder: &Path, own: &str, other: &str| {
        let path = folder.join(own);
        corpus::read(&if path.exists() { path } else { folder.join(other) })
    };
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            cases.push(Case {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                artifact: read(&path, "artifact", "../a.txt"),
                bundle: corpus::read(&path.join("bundle.sigstore.json")),
                root: read(&path, "trusted_root.json", "../../public-good/trusted_root.json"),
                key: fs::read(path.join("key.pub")).ok(),
            });
        }
    }
    cases
}

fn blobs() -> Vec<Case> {
    let Some(folder) = corpus::folder("golden-keyless") else { return Vec::new() };
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder.join("blobs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            for root in [
                "trusted_root.json",
                "trusted_root.no-rekor1.json",
                "trusted_root.no-tsa.json",
                "trusted_root.other.json",
            ] {
                cases.push(Case {
                    name: format!("{} {root}", path.file_name().unwrap().to_str().unwrap()),
                    artifact: corpus::read(&folder.join("blobs/blob.txt")),
                    bundle: corpus::read(&path),
                    root: corpus::read(&folder.join(root)),
                    key: None,
                });
            }
        }
    }
    cases
}

impl Case {
    fn ours(&self) -> Result<(), String> {
        let key = self.key.as_ref().map(|pem| PublicKey::from_pem(pem)).transpose().map_err(|why| why.to_string())?;
        let root = TrustRoot::parse_trusted_root(&self.root).map_err(|why| why.to_string())?;
        let root = root.with_keys(key.into_iter().collect());
        let artifact = Artifact::Bytes(&self.artifact);
        examine_blob(artifact, self.bundle.clone(), &root, corpus::now()).map(drop).map_err(|why| why.to_string())
    }

    fn theirs(&self) -> Result<(), String> {
        use sigstore_verify::{
            PublicKeyVerificationPolicy, VerificationPolicy,
            trust_root::TrustedRoot,
            types::{Bundle, DerPublicKey},
            verify,
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|why| why.to_string());
        let bundle = Bundle::from_json(&text(&self.bundle)?).map_err(|why| why.to_string())?;
        let root = TrustedRoot::from_json(&text(&self.root)?).map_err(|why| why.to_string())?;
        let artifact = self.artifact.as_slice();
        let verdict = match &self.key {
            Some(pem) => {
                let key = DerPublicKey::from_pem(&text(pem)?).map_err(|why| why.to_string())?;
                verify(artifact, &bundle, &PublicKeyVerificationPolicy::new(key), &root)
            }
            None => verify(artifact, &bundle, &VerificationPolicy::any_identity(), &root),
        };
        verdict.map(drop).map_err(|why| why.to_string())
    }
}

#[test]
fn both_verifiers_agree_save_where_the_list_says_why() {
    let mut surprises = Vec::new();
    for case in conformance().into_iter().chain(blobs()) {
        let (ours, theirs) = (case.ours(), case.theirs());
        let listed = DISAGREEMENTS.iter().any(|(name, _)| *name == case.name);
        if (ours.is_ok() == theirs.is_ok()) == listed {
            surprises.push(format!("{}: {ours:?} against {theirs:?}", case.name));
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

#[test]
fn both_verifiers_agree_on_altered_bundles_save_where_the_list_says_why() {
    use sigstore_verify::{
        VerificationPolicy,
        trust_root::TrustedRoot,
        types::{Bundle, Sha256Hash},
        verify,
    };
    let mut surprises = BTreeSet::new();
    for case in ["c3-rekor1-tsa", "c3-rekor2"] {
        let Some(sample) = Sample::read(case) else { return };
        let ours = TrustRoot::parse_trusted_root(&sample.root).unwrap();
        let theirs = TrustedRoot::from_json(std::str::from_utf8(&sample.root).unwrap()).unwrap();
        let digest = Sha256Hash::from_hex(&sample.image.digest().hex()).unwrap();
        for path in paths(&sample.bundle, String::new()) {
            for altered in alterations(&sample.bundle, &path, 30) {
                let text = altered.to_string();
                let artifact = Artifact::Digest(*sample.image.digest());
                let we = examine_blob(artifact, text.clone().into_bytes(), &ours, corpus::now()).is_ok();
                let policy = VerificationPolicy::any_identity();
                let they =
                    Bundle::from_json(&text).is_ok_and(|bundle| verify(digest, &bundle, &policy, &theirs).is_ok());
                if we != they && !ALTERED.iter().any(|(place, who, _)| (*place, *who) == (path.as_str(), we)) {
                    surprises.insert((path.clone(), we));
                }
            }
        }
    }
    assert!(surprises.is_empty(), "place, whether we take it: {surprises:#?}");
}
