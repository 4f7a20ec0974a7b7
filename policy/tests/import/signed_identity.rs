//! `signedIdentity`: which names count in signatures, for which images.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use policy::import::{ContainerPolicy, Imported, container_policy};

use crate::{
    loading::{admits, load, named},
    writing::{image, key},
};

/// One key for all images, and this identity.
fn import(key: &PrivateKey, identity: &str) -> Imported {
    let data = BASE64_STANDARD.encode(key.public().to_pem());
    let text = format!(r#"{{"default": [{{"type": "sigstoreSigned", "keyData": "{data}"{identity}}}]}}"#);
    let files = BTreeMap::new();
    let source = ContainerPolicy { name: "p", text: &text, files: &files, registries: None };
    container_policy(&source).unwrap_or_else(|e| panic!("{e}"))
}

/// What is asked for, the name that was signed, and whether that lets it in.
type Case<'a> = (&'a str, &'a str, bool);

fn decides(identity: &str, cases: &[Case<'_>]) {
    let key = key();
    let imported = import(&key, identity);
    let set = load(&imported);
    for (asked, signed, wanted) in cases {
        let asked = asked.replace("DIGEST", &image().digest().to_string());
        let signed = signed.replace("DIGEST", &image().digest().to_string());
        let in_it = admits(&set, &asked, vec![named(&key, &signed)]);
        assert_eq!(in_it, *wanted, "{identity}: {asked} signed as {signed}\n{}", imported.documents.join("---\n"));
    }
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    assert!(imported.documents.iter().all(|text| text.contains("kind: ImagePolicy")), "{:?}", imported.documents);
}

#[test]
fn repository_is_compared_and_no_tag() {
    decides(
        r#", "signedIdentity": {"type": "matchRepository"}"#,
        &[
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app", true),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app:2", true),
            ("nginx", "docker.io/library/nginx:1", true),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/other:1", false),
            ("ghcr.io/acme/app:1", "", false),
        ],
    );
}

#[test]
fn unless_it_says_otherwise_the_tag_must_be_signed_and_beside_a_digest_any() {
    for identity in ["", r#", "signedIdentity": {"type": "matchRepoDigestOrExact"}"#] {
        decides(
            identity,
            &[
                ("ghcr.io/acme/app:1", "ghcr.io/acme/app:1", true),
                ("ghcr.io/acme/app", "ghcr.io/acme/app:latest", true),
                ("nginx:1", "docker.io/library/nginx:1", true),
                ("localhost:5000/app@DIGEST", "localhost:5000/app:7", true),
                ("ghcr.io/acme/app@DIGEST", "ghcr.io/acme/app@DIGEST", true),
                ("ghcr.io/acme/app:1", "ghcr.io/acme/app", false),
                ("ghcr.io/acme/app:1", "ghcr.io/acme/app:2", false),
                ("ghcr.io/acme/app:1", "ghcr.io/acme/app@DIGEST", false),
                ("ghcr.io/acme/app:1", "ghcr.io/acme/app:1@DIGEST", false),
                ("ghcr.io/acme/app", "ghcr.io/acme/app", false),
                ("localhost:5000/app@DIGEST", "localhost:5000/app", false),
                ("ghcr.io/acme/app@DIGEST", "ghcr.io/acme/other:1", false),
            ],
        );
    }
}

#[test]
fn exact_is_tag_for_tag_and_digest_for_digest() {
    decides(
        r#", "signedIdentity": {"type": "matchExact"}"#,
        &[
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app:1", true),
            ("ghcr.io/acme/app@DIGEST", "ghcr.io/acme/app@DIGEST", true),
            ("ghcr.io/acme/app@DIGEST", "ghcr.io/acme/app:1", false),
            ("ghcr.io/acme/app@DIGEST", "ghcr.io/acme/app:1@DIGEST", false),
            ("ghcr.io/acme/app@DIGEST", &format!("ghcr.io/acme/app@sha256:{}", "0".repeat(64)), false),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app:2", false),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app", false),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/other:1", false),
        ],
    );
}

#[test]
fn fixed_name_counts_for_every_image_and_no_other_does() {
    decides(
        r#", "signedIdentity": {"type": "exactRepository", "dockerRepository": "docker.io/library/nginx"}"#,
        &[
            ("ghcr.io/acme/app:1", "index.docker.io/library/nginx", true),
            ("ghcr.io/acme/app:1", "nginx:2", true),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app:1", false),
            ("ghcr.io/acme/app:1", "docker.io/library/nginx-2", false),
        ],
    );
    decides(
        r#", "signedIdentity": {"type": "exactReference", "dockerReference": "ghcr.io/acme/base:7"}"#,
        &[
            ("ghcr.io/acme/app:1", "ghcr.io/acme/base:7", true),
            ("ghcr.io/acme/base:8", "ghcr.io/acme/base:8", false),
            ("ghcr.io/acme/base:7", "ghcr.io/acme/base", false),
            ("ghcr.io/acme/base:7", "ghcr.io/acme/base:7@DIGEST", false),
            ("ghcr.io/acme/base:7", "ghcr.io/acme/other:7", false),
        ],
    );
}

#[test]
fn mirror_wants_the_name_of_what_it_mirrors() {
    decides(
        r#", "signedIdentity": {"type": "remapIdentity", "prefix": "mirror.example/acme", "signedPrefix": "ghcr.io/acme/x"}"#,
        &[
            ("mirror.example/acme/app:1", "ghcr.io/acme/x/app:1", true),
            ("mirror.example/acme:1", "ghcr.io/acme/x:1", true),
            ("mirror.example/acme-2/app:1", "mirror.example/acme-2/app:1", true),
            ("mirror.example/acme/app:1", "mirror.example/acme/app:1", false),
            ("mirror.example/acme/app:1", "ghcr.io/acme/x/app:2", false),
            ("mirror.example/acme/app:1", "ghcr.io/acme/x/app", false),
            ("mirror.example/acme-2/app:1", "ghcr.io/acme/x-2/app:1", false),
        ],
    );
    decides(
        r#", "signedIdentity": {"type": "remapIdentity", "prefix": "mirror.example/hub", "signedPrefix": "docker.io"}"#,
        &[
            ("mirror.example/hub/library/nginx:1", "docker.io/library/nginx:1", true),
            ("mirror.example/hub/nginx:1", "docker.io/library/nginx:1", false),
            ("mirror.example/hub:1", "mirror.example/hub:1", false),
            ("mirror.example/hub:1", "docker.io/library/docker.io:1", false),
        ],
    );
}

#[test]
fn prefix_that_begins_no_name_remaps_nothing_and_lets_nothing_more_in() {
    for prefix in ["library", "index.docker.io/library"] {
        decides(
            &format!(
                r#", "signedIdentity": {{"type": "remapIdentity", "prefix": "{prefix}", "signedPrefix": "ghcr.io/x"}}"#
            ),
            &[("nginx:1", "docker.io/library/nginx:1", true), ("nginx:1", "ghcr.io/x/nginx:1", false)],
        );
    }
    let key = key();
    let imported =
        import(&key, r#", "signedIdentity": {"type": "remapIdentity", "prefix": "a.b", "signedPrefix": "library"}"#);
    assert!(imported.unsaid[0].what.contains("`library`"), "{:?}", imported.unsaid);
    assert!(!admits(&load(&imported), "a.b/nginx:1", vec![named(&key, "docker.io/library/nginx:1")]));
}
