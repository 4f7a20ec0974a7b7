//! A good bundle, altered in one place: it is refused, or the place is one that nobody signs and nothing rests on.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::disallowed_methods, reason = "the corpus is on disk")]

mod corpus;

use std::{collections::BTreeSet, fs};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{Digest, PinnedRef};
use serde_json::{Value, json};
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

struct Sample {
    image: PinnedRef,
    bundle: Value,
    trust: TrustRoot,
}

impl Sample {
    fn read(case: &str) -> Option<Self> {
        let folder = corpus::folder("golden-keyless")?;
        let path = folder.join("cases").join(case);
        let about: Value = serde_json::from_slice(&corpus::read(&path.join("case.json"))).unwrap();
        let (name, digest) = about["reference"].as_str().unwrap().split_once('@').unwrap();
        let blobs = path.join("layout/blobs/sha256");
        let mut files = fs::read_dir(blobs).unwrap().map(|entry| corpus::read(&entry.unwrap().path()));
        let bundle = files.find_map(|bytes| {
            let value: Value = serde_json::from_slice(&bytes).ok()?;
            value.get("dsseEnvelope").is_some().then_some(value)
        });
        let trust = TrustRoot::parse_trusted_root(&corpus::read(&folder.join("trusted_root.json"))).unwrap();
        Some(Self {
            image: PinnedRef::new(name.parse().unwrap(), digest.parse::<Digest>().unwrap()),
            bundle: bundle.unwrap(),
            trust: trust.demanding(Demands { timestamp: true, ..Demands::LOGGED }),
        })
    }

    fn judge(&self, bundle: &Value) -> Option<VerifiedSignature> {
        let place = Place { source: Source::Referrers, manifest: Digest::of(b"manifest").into(), index: 0 };
        let signatures = vec![UntrustedSignature::bundle(place, bundle.to_string().into_bytes())];
        let found = Found { signatures, gaps: Vec::new() };
        examine(&self.image, found, &self.trust, corpus::now()).verified().first().cloned()
    }

    /// The places at which some alteration is not refused. Even then it must say the same as before.
    fn survivors(&self) -> BTreeSet<String> {
        let good = self.judge(&self.bundle).expect("the sample is good");
        let mut survivors = BTreeSet::new();
        for path in paths(&self.bundle, String::new()) {
            for altered in alterations(&self.bundle, &path) {
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

/// The JSON pointers of all members and items.
fn paths(value: &Value, at: String) -> Vec<String> {
    let mut list: Vec<String> = match value {
        Value::Object(map) => map.iter().flat_map(|(name, value)| paths(value, format!("{at}/{name}"))).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, value)| paths(value, format!("{at}/{index}"))).collect()
        }
        _ => Vec::new(),
    };
    if !at.is_empty() {
        list.push(at);
    }
    list
}

/// The document with what is at `path` changed in each of several ways, and without it.
fn alterations(document: &Value, path: &str) -> Vec<Value> {
    let mut list: Vec<Value> = changes(document.pointer(path).unwrap())
        .into_iter()
        .map(|change| {
            let mut altered = document.clone();
            *altered.pointer_mut(path).unwrap() = change;
            altered
        })
        .collect();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let mut altered = document.clone();
    match altered.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.shift_remove(name)),
        Value::Array(items) => drop(items.remove(name.parse().unwrap())),
        _ => unreachable!("only objects and lists have members"),
    }
    list.push(altered);
    list.retain(|altered| altered != document);
    list
}

fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => match BASE64_STANDARD.decode(text) {
            Ok(bytes) if text.len() > 8 => {
                bits(&bytes).iter().map(|bytes| BASE64_STANDARD.encode(bytes).into()).collect()
            }
            _ => vec![json!(format!("{text}x")), json!(format!("1{text}")), json!("1"), json!("")],
        },
        Value::Number(number) => vec![json!(number.as_u64().unwrap() + 1), json!(0)],
        Value::Array(items) => vec![json!([]), json!([items.clone(), items.clone()].concat())],
        _ => vec![Value::Null, json!({}), json!([])],
    }
}

/// One bit changed, at every byte of what is short and at some bytes of what is long.
fn bits(bytes: &[u8]) -> Vec<Vec<u8>> {
    let step = (bytes.len() / 700).max(1);
    let flip = |at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        changed
    };
    (0..bytes.len()).step_by(step).map(flip).collect()
}

fn check(case: &str) {
    let Some(sample) = Sample::read(case) else { return };
    let survivors = sample.survivors();
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
