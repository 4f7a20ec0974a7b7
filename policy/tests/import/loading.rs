//! What is imported, loaded and asked.

use std::sync::Arc;

use keys::PrivateKey;
use oci::{ImageRef, PinnedRef};
use policy::{Findings, Inquiry, PolicySet, Selection, Verdict, import::Imported};
use verifier::{Found, UntrustedSignature};

use crate::writing::{asker, image, legacy, now};

/// What was written, as policies.
pub(crate) fn load(imported: &Imported) -> PolicySet {
    let files: Vec<(String, String)> =
        imported.documents.iter().enumerate().map(|(at, text)| (format!("{at}.yaml"), text.clone())).collect();
    PolicySet::parse(&files).unwrap_or_else(|e| panic!("{e}\n{}", imported.documents.join("---\n")))
}

/// Whether the image of this name is let in, if it has these signatures.
pub(crate) fn admits(set: &PolicySet, name: &str, signatures: Vec<UntrustedSignature>) -> bool {
    let name: ImageRef = name.parse().expect("is a reference");
    let pinned = PinnedRef::new(name.repository().clone(), *image().digest());
    let found = Found { signatures, gaps: Vec::new() };
    let answer = |inquiry: &Inquiry| Arc::new(verifier::examine(&pinned, found.clone(), inquiry.trust(), now()));
    let Selection::Matched(matched) = set.select(&name, Some(image().digest()), None, &asker()) else {
        panic!("digest given")
    };
    let findings = matched.inquiries().fold(Findings::none(), |so_far, inquiry| so_far.with(inquiry, answer(inquiry)));
    let verdict = matched.decide(&findings, now()).expect("the evidence is complete");
    matches!(verdict, Verdict::Allow(_))
}

/// The same, if these keys signed it.
pub(crate) fn admits_signed(set: &PolicySet, name: &str, by: &[&PrivateKey]) -> bool {
    admits(set, name, by.iter().map(|key| legacy(key, &image())).collect())
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
