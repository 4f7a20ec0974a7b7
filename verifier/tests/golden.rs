//! Attestations that real cosigns made with keys, in both formats: each recorded check comes out as recorded.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::disallowed_methods, reason = "the corpus is on disk")]

mod corpus;
#[path = "corpus/layout.rs"]
mod layout;

use keys::PublicKey;
use layout::Layout;
use oci::{Digest, PinnedRef};
use serde_json::Value;
use verifier::{Source, TrustRoot, examine};

/// The predicate types behind cosign's short names; another name is itself the type.
const TYPES: [(&str, &str); 7] = [
    ("spdxjson", "https://spdx.dev/Document"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("openvex", "https://openvex.dev/ns"),
];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The digest of the image under this tag.
fn tagged(layout: &Layout, tag: &str) -> String {
    let index = layout.index();
    let is = |manifest: &&Value| manifest["annotations"]["org.opencontainers.image.ref.name"] == tag;
    text(&index.iter().find(is).unwrap()["digest"]).to_owned()
}

#[test]
fn recorded_checks_of_attestations_come_out_as_recorded() {
    let Some(folder) = corpus::folder("golden") else { return };
    let cases: Value = serde_json::from_slice(&corpus::read(&folder.join("cases.json"))).unwrap();
    let mut count = 0;
    for case in cases.as_array().unwrap() {
        let layout = Layout::new(&folder.join(text(&case["layout"])));
        for check in case["checks"].as_array().unwrap() {
            let Some(kind) = text(&check["kind"]).strip_prefix("attestation:") else { continue };
            let wanted = TYPES.iter().find(|(name, _)| *name == kind).map_or(kind, |(_, uri)| uri);
            let digest = match text(&check["ref"]).split_at(1) {
                (":", tag) => tagged(&layout, tag),
                (_, digest) => digest.to_owned(),
            };
            let image = PinnedRef::new("a.b/c".parse().unwrap(), digest.parse::<Digest>().unwrap());
            let key = PublicKey::from_pem(&corpus::read(&folder.join(text(&check["pub"])))).unwrap();
            let evidence = examine(
                &image,
                layout.found(&image, Source::AttestationTag),
                &TrustRoot::new(vec![key]),
                corpus::now(),
            );
            let found = evidence.attestations().iter().any(|one| one.predicate_type() == wanted);
            assert_eq!(found, check["expect"] == "accept", "{} {check}: {:?}", case["name"], evidence.refused());
            assert!(evidence.verified().is_empty(), "{}: an attestation counts", case["name"]);
            count += 1;
        }
    }
    assert!(count > 10, "the corpus has lost its attestations");
}
