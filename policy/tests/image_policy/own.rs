//! ImagePolicies in the shortest way, and what is asked of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::{Digest, ImageRef, PinnedRef, location, simple_signing};
use policy::{Approval, Asker, Denial, Findings, Matched, PolicySet, Selection, Undecided, Verdict};
use rustls_pki_types::UnixTime;
use verifier::{Found, Gap, Place, Source, UntrustedSignature, examine};

use crate::writing::{asker, image, set, written};

/// A policy about [`image`] with these further fields of its `spec`, in YAML's flow style.
pub(crate) fn own(spec: &str) -> String {
    named("p", spec)
}

/// The same under another name.
pub(crate) fn named(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {{name: {name}}}\nspec: {{images: [{{glob: ghcr.io/acme/app@*}}], {spec}}}\n"
    )
}

/// An authority of this name that names a key, with these further fields.
pub(crate) fn authority(name: &str, key: &PrivateKey, further: &str) -> String {
    let pem = key.public().to_pem().replace('\n', "\\n");
    format!("{{name: {name}, key: {{data: \"{pem}\"}}{further}}}")
}

/// A legacy signature of an image under a name, with annotations, stored at this place of its list.
pub(crate) fn signed(
    key: &PrivateKey,
    (name, digest): (&str, Digest),
    annotations: &[(&str, &str)],
    index: usize,
) -> UntrustedSignature {
    let annotations: BTreeMap<String, String> =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let payload = simple_signing::render(&name.parse().expect("is a repository"), &digest, &annotations);
    let signature = BASE64_STANDARD.encode(key.sign(&payload).expect("the key signs"));
    let annotations = BTreeMap::from([(location::SIGNATURE_ANNOTATION.to_owned(), signature)]);
    let place = Place { source: Source::SignatureTag, manifest: Digest::of(b"signatures").into(), index };
    UntrustedSignature::layer(place, payload, annotations)
}

/// A signature of [`image`] under its own name.
pub(crate) fn plain(key: &PrivateKey) -> UntrustedSignature {
    signed(key, ("ghcr.io/acme/app", *image().digest()), &[], 0)
}

/// One question to policies.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) image: ImageRef,
    pub(crate) asker: Asker,
    pub(crate) now: UnixTime,
    pub(crate) signatures: Vec<UntrustedSignature>,
    pub(crate) gap: bool,
}

impl Question {
    /// About [`image`], by nobody in particular, in the beginning.
    pub(crate) fn with(signatures: Vec<UntrustedSignature>) -> Self {
        Self { image: written(), asker: asker(), now: at(1), signatures, gap: false }
    }

    pub(crate) fn about(self, image: &str) -> Self {
        Self { image: image.parse().expect("is a reference"), ..self }
    }

    pub(crate) fn by(self, asker: Asker) -> Self {
        Self { asker, ..self }
    }

    pub(crate) fn at(self, seconds: u64) -> Self {
        Self { now: at(seconds), ..self }
    }

    pub(crate) fn incomplete(self) -> Self {
        Self { gap: true, ..self }
    }

    /// What is found of one manifest.
    pub(crate) fn found(&self) -> Found {
        let gap = Gap { source: Source::Referrers, why: "the registry answered 429".to_owned() };
        Found { signatures: self.signatures.clone(), gaps: self.gap.then_some(gap).into_iter().collect() }
    }

    /// The answers to all inquiries about the image itself.
    pub(crate) fn findings(&self, set: &PolicySet) -> Findings {
        let subject = PinnedRef::new(self.image.repository().clone(), *image().digest());
        self.matched(set).inquiries().fold(Findings::none(), |so_far, inquiry| {
            let evidence = examine(&subject, self.found(), inquiry.trust(), self.now);
            so_far.with(inquiry, Arc::new(evidence))
        })
    }

    pub(crate) fn ask(&self, set: &PolicySet) -> Result<Verdict, Undecided> {
        self.ask_with(set, &self.findings(set))
    }

    pub(crate) fn ask_with(&self, set: &PolicySet, findings: &Findings) -> Result<Verdict, Undecided> {
        self.matched(set).decide(findings, self.now)
    }

    pub(crate) fn matched<'s>(&self, set: &'s PolicySet) -> Matched<'s> {
        match set.select(&self.image, Some(image().digest()), None, &self.asker) {
            Selection::Matched(matched) => matched,
            Selection::NeedsDigest => panic!("the digest was given"),
        }
    }
}

/// So many seconds after 1970.
pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// The approval of the policies in one document.
pub(crate) fn allowed(text: &str, question: &Question) -> Approval {
    match question.ask(&set(&[text.to_owned()])) {
        Ok(Verdict::Allow(approval)) => approval,
        other => panic!("not allowed: {other:?}\n{text}"),
    }
}

/// Their refusal.
pub(crate) fn denied(text: &str, question: &Question) -> Denial {
    match question.ask(&set(&[text.to_owned()])) {
        Ok(Verdict::Deny(denial)) => denial,
        other => panic!("not denied: {other:?}\n{text}"),
    }
}
