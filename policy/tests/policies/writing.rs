//! Policies written in the shortest way, and real signatures to judge by them.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::{Digest, ImageRef, PinnedRef, location, media_type, simple_signing};
use policy::{Asker, Door, Findings, Inquiry, Matched, PolicySet, Selection};
use rustls_pki_types::UnixTime;
use verifier::{Found, Gap, Place, SIGN_PREDICATE, Source, UntrustedSignature};

/// The image that all tests are about.
pub(crate) fn image() -> PinnedRef {
    PinnedRef::new("ghcr.io/acme/app".parse().expect("is a repository"), Digest::of(b"the image"))
}

/// The same, as a person writes it.
pub(crate) fn written() -> ImageRef {
    "ghcr.io/acme/app:1.2".parse().expect("is a reference")
}

/// A fresh key.
pub(crate) fn key() -> PrivateKey {
    PrivateKey::generate().expect("there is randomness")
}

fn place(index: usize) -> Place {
    Place { source: Source::SignatureTag, manifest: Digest::of(b"signatures").into(), index }
}

/// A legacy signature over an image.
pub(crate) fn legacy(key: &PrivateKey, image: &PinnedRef) -> UntrustedSignature {
    let payload = simple_signing::render(image.repository(), image.digest(), &BTreeMap::new());
    let signature = BASE64_STANDARD.encode(key.sign(&payload).expect("the key signs"));
    let annotations = BTreeMap::from([(location::SIGNATURE_ANNOTATION.to_owned(), signature)]);
    UntrustedSignature::layer(place(0), payload, annotations)
}

/// A bundle that signs an image.
pub(crate) fn bundle(key: &PrivateKey, image: &PinnedRef) -> UntrustedSignature {
    stated(key, image, SIGN_PREDICATE)
}

/// A bundle that says something of this type about an image.
pub(crate) fn stated(key: &PrivateKey, image: &PinnedRef, predicate_type: &str) -> UntrustedSignature {
    let statement = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": image.digest().hex()}}],
        "predicateType": predicate_type,
        "predicate": {},
    })
    .to_string();
    let kind = media_type::IN_TOTO;
    let pae = format!("DSSEv1 {} {kind} {} {statement}", kind.len(), statement.len());
    let bundle = serde_json::json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}},
        "dsseEnvelope": {
            "payload": BASE64_STANDARD.encode(&statement),
            "payloadType": kind,
            "signatures": [{"sig": BASE64_STANDARD.encode(key.sign(pae.as_bytes()).expect("the key signs")), "keyid": ""}],
        },
    });
    UntrustedSignature::bundle(place(1), bundle.to_string().into_bytes())
}

/// What is known after these signatures of [`image`] were examined.
pub(crate) fn evidence(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> Findings {
    answers(&matched(set), signatures)
}

/// The same, of what policies ask that were selected with more in mind.
pub(crate) fn answers(matched: &Matched<'_>, signatures: Vec<UntrustedSignature>) -> Findings {
    examine(matched, &Found { signatures, gaps: Vec::new() })
}

/// The same, if a source could not be read.
pub(crate) fn incomplete(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> Findings {
    let gap = Gap { source: Source::Referrers, why: "the registry answered 429".to_owned() };
    examine(&matched(set), &Found { signatures, gaps: vec![gap] })
}

/// When everything is examined and decided.
pub(crate) fn now() -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(1))
}

/// Nobody in particular.
pub(crate) fn asker() -> Asker {
    Asker { door: Door::Check, user: None, namespace: None }
}

/// The same signatures, wherever an inquiry looks.
fn examine(matched: &Matched<'_>, found: &Found) -> Findings {
    let answer = |inquiry: &Inquiry| verifier::examine(&image(), found.clone(), inquiry.trust(), now());
    matched.inquiries().fold(Findings::none(), |so_far, inquiry| so_far.with(inquiry, Arc::new(answer(inquiry))))
}

/// A policy of this name about [`image`], with this mode and these authorities in YAML's flow style.
pub(crate) fn policy(name: &str, mode: &str, authorities: &str) -> String {
    document(name, &format!("images: [{{glob: ghcr.io/acme/app@*}}], mode: {mode}, authorities: [{authorities}]"))
}

/// A policy with this `spec`.
pub(crate) fn document(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

/// A ConfigMap with this `no-match-policy`.
pub(crate) fn no_match(word: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config-policy-controller, namespace: x}}\ndata: {{no-match-policy: {word}}}\n"
    )
}

/// An authority that names a key, with these further fields.
pub(crate) fn by_key(key: &PrivateKey, further: &str) -> String {
    let pem = key.public().to_pem().replace('\n', "\\n");
    format!("{{key: {{data: \"{pem}\"}}{further}}}")
}

/// The policies of these documents.
pub(crate) fn set(documents: &[String]) -> PolicySet {
    PolicySet::parse(&[("policies.yaml".to_owned(), documents.join("---\n"))]).unwrap_or_else(|e| panic!("{e}"))
}

/// Those that are about [`image`].
pub(crate) fn matched(set: &PolicySet) -> Matched<'_> {
    match set.select(&written(), Some(image().digest()), None, &asker()) {
        Selection::Matched(matched) => matched,
        Selection::NeedsDigest => panic!("the digest was given"),
    }
}
