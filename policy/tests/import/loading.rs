//! What is imported, loaded and asked.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::{Digest, ImageRef, PinnedRef, location};
use policy::{Asker, Findings, Inquiry, PolicySet, Selection, Verdict, import::Imported};
use serde_json::{Value, json};
use verifier::{Found, Place, Source, UntrustedSignature};

use crate::writing::{asker, image, now};

/// What was written, as policies.
pub(crate) fn load(imported: &Imported) -> PolicySet {
    let files: Vec<(String, String)> =
        imported.documents.iter().enumerate().map(|(at, text)| (format!("{at}.yaml"), text.clone())).collect();
    PolicySet::parse(&files).unwrap_or_else(|e| panic!("{e}\n{}", imported.documents.join("---\n")))
}

/// Whether the image of this name is let in, if it has these signatures.
pub(crate) fn admits(set: &PolicySet, name: &str, signatures: Vec<UntrustedSignature>) -> bool {
    admits_for(set, &asker(), name, signatures)
}

/// The same, if this one asks.
pub(crate) fn admits_for(set: &PolicySet, asker: &Asker, name: &str, signatures: Vec<UntrustedSignature>) -> bool {
    let name: ImageRef = name.parse().expect("is a reference");
    let pinned = PinnedRef::new(name.repository().clone(), *image().digest());
    let found = Found { signatures, gaps: Vec::new() };
    let answer = |inquiry: &Inquiry| Arc::new(verifier::examine(&pinned, found.clone(), inquiry.trust(), now()));
    let Selection::Matched(matched) = set.select(&name, Some(image().digest()), None, asker) else {
        panic!("digest given")
    };
    let findings = matched.inquiries().fold(Findings::none(), |so_far, inquiry| so_far.with(inquiry, answer(inquiry)));
    let verdict = matched.decide(&findings, now()).expect("the evidence is complete");
    matches!(verdict, Verdict::Allow(_))
}

/// The same, if these keys signed it under its name and tag.
pub(crate) fn admits_signed(set: &PolicySet, name: &str, by: &[&PrivateKey]) -> bool {
    let asked: ImageRef = name.parse().expect("is a reference");
    let tag = asked.effective_tag().map_or_else(|| "1".to_owned(), |tag| tag.to_string());
    let tag = asked.tag().map_or(tag, ToString::to_string);
    admits(set, name, by.iter().map(|key| named(key, &format!("{}:{tag}", asked.repository()))).collect())
}

/// A legacy signature of [`image`]'s digest under this name.
pub(crate) fn named(key: &PrivateKey, name: &str) -> UntrustedSignature {
    annotated(key, name, &json!({}))
}

/// The same, with these annotations.
pub(crate) fn annotated(key: &PrivateKey, name: &str, annotations: &Value) -> UntrustedSignature {
    let critical = json!({
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": image().digest().to_string()},
        "type": "cosign container image signature",
    });
    let payload = json!({"critical": critical, "optional": annotations}).to_string().into_bytes();
    let signature = BASE64_STANDARD.encode(key.sign(&payload).expect("the key signs"));
    let beside = BTreeMap::from([(location::SIGNATURE_ANNOTATION.to_owned(), signature)]);
    let place = Place { source: Source::SignatureTag, manifest: Digest::of(b"signatures").into(), index: 0 };
    UntrustedSignature::layer(place, payload, beside)
}

/// Whether a policy that names the default root would let in the image, for all that is not about logs: the same
/// documents without what asks for a log.
pub(crate) fn without_logs(imported: &Imported) -> PolicySet {
    let strip = |text: &String| {
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("rekor.sigstore.dev")).collect();
        lines.join("\n").replace("    ctlog:\n", "") + "\n"
    };
    load(&Imported { documents: imported.documents.iter().map(strip).collect(), ..Imported::default() })
}

/// The places of all that is unsaid.
pub(crate) fn places(imported: &Imported) -> Vec<&str> {
    imported.unsaid.iter().map(|unsaid| unsaid.place.as_str()).collect()
}

/// Whether something unsaid is about this.
pub(crate) fn says(imported: &Imported, words: &str) -> bool {
    imported.unsaid.iter().any(|unsaid| unsaid.to_string().contains(words))
}

/// Text in YAML or JSON with a key's PEM in one line, quoted.
pub(crate) fn quoted(key: &PrivateKey) -> String {
    format!("\"{}\"", key.public().to_pem().replace('\n', "\\n"))
}
