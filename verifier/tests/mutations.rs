//! A good bundle, altered in one place: it is refused, or the place is one that nobody signs and nothing rests on.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::disallowed_methods, reason = "the corpus is on disk")]

#[path = "corpus/alter.rs"]
mod alter;
mod corpus;
#[path = "corpus/sample.rs"]
mod sample;

use std::collections::BTreeSet;

use alter::{alterations, paths};
use oci::Digest;
use sample::Sample;
use serde_json::Value;
use verifier::{Demands, Found, Place, Source, TrustRoot, UntrustedSignature, VerifiedSignature, examine};

/// Where an alteration changes nothing, and why.
const HARMLESS: [(&str, &str); 4] = [
    ("/verificationMaterial/tlogEntries", "the same entry twice counts once"),
    (
        "/verificationMaterial/tlogEntries/0/inclusionPromise",
        "without it the log's time is gone, the timestamp's is not",
    ),
    ("/verificationMaterial/timestampVerificationData/rfc3161Timestamps", "the same timestamp twice counts once"),
    (STAMP, "status 1 is granted too; versions and the set of hash functions are not signed, and are not read"),
];
const STAMP: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";

/// A sample, and what it is judged by.
struct Bench {
    sample: Sample,
    trust: TrustRoot,
}

impl Bench {
    fn of(case: &str) -> Option<Self> {
        let sample = Sample::read(case)?;
        let trust = TrustRoot::parse_trusted_root(&sample.root).unwrap();
        Some(Self { sample, trust: trust.demanding(Demands { timestamp: true, ..Demands::LOGGED }) })
    }

    fn judge(&self, bundle: &Value) -> Option<VerifiedSignature> {
        let place = Place { source: Source::Referrers, manifest: Digest::of(b"manifest").into(), index: 0 };
        let signatures = vec![UntrustedSignature::bundle(place, bundle.to_string().into_bytes())];
        let found = Found { signatures, gaps: Vec::new() };
        examine(&self.sample.image, found, &self.trust, corpus::now()).verified().first().cloned()
    }

    /// The places at which some alteration is not refused. Even then it must say the same as before.
    fn survivors(&self) -> BTreeSet<String> {
        let good = self.judge(&self.sample.bundle).expect("the sample is good");
        let mut survivors = BTreeSet::new();
        for path in paths(&self.sample.bundle, String::new()) {
            for altered in alterations(&self.sample.bundle, &path, 400) {
                if let Some(signature) = self.judge(&altered) {
                    assert_eq!(signature.signer(), good.signer(), "{path}");
                    assert_eq!(signature.claim(), good.claim(), "{path}");
                    let known = |time| good.proofs().times().contains(time);
                    assert!(signature.proofs().times().iter().all(known), "{path}: {:?}", signature.proofs());
                    survivors.insert(path.clone());
                }
            }
        }
        survivors
    }
}

fn check(case: &str) {
    let Some(bench) = Bench::of(case) else { return };
    let survivors = bench.survivors();
    let known = |path: &&String| HARMLESS.iter().any(|(harmless, _)| harmless == path);
    let unknown: Vec<_> = survivors.iter().filter(|path| !known(path)).collect();
    assert!(unknown.is_empty(), "{case}: alterations accepted at {unknown:#?}");
}

#[test]
fn altered_bundle_with_a_log_of_version_1_is_refused() {
    check("c3-rekor1-tsa");
}

#[test]
fn altered_bundle_with_a_log_of_version_2_is_refused() {
    check("c3-rekor2");
}
