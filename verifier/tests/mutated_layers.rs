//! A good layer of an attestation, altered in one place: it is refused, or the place is one that nobody signs and
//! nothing rests on.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

#[path = "corpus/alter.rs"]
mod alter;
mod world;

use std::collections::BTreeMap;

use alter::{alterations, paths};
use oci::location;
use serde_json::{Value, json};
use verifier::{Demands, Fault, TrustRoot, VerifiedAttestation};
use world::{Layer, T, World, as_layer, attested_layer, stamped_layer, statement_of, unlogged};

/// Where an alteration changes nothing, and why.
const HARMLESS: [(&str, &str); 4] = [
    ("/annotations/dev.sigstore.cosign~1certificate", "words around the block of PEM are not read"),
    (STAMP, "status 1 is granted too; versions and the set of hash functions are not signed, and are not read"),
    ("/annotations/dev.cosignproject.cosign~1signature", "an envelope's signature is in it, and this is not read"),
    ("/annotations/predicateType", "the statement says what it is, and this is not read"),
];
const STAMP: &str = "/annotations/dev.sigstore.cosign~1rfc3161timestamp/SignedRFC3161Timestamp";

/// The annotations that hold JSON.
const DOCUMENTS: [&str; 2] = [location::BUNDLE_ANNOTATION, location::TIMESTAMP_ANNOTATION];

/// The layer as one document, JSON in annotations as JSON.
fn document((bytes, annotations): &Layer) -> Value {
    let text = |(name, text): (&String, &String)| {
        let value = if DOCUMENTS.contains(&name.as_str()) { serde_json::from_str(text).unwrap() } else { json!(text) };
        (name.clone(), value)
    };
    let annotations: serde_json::Map<String, Value> = annotations.iter().map(text).collect();
    json!({ "envelope": serde_json::from_slice::<Value>(bytes).unwrap(), "annotations": annotations })
}

fn layer(document: &Value) -> Layer {
    let text = |(name, value): (&String, &Value)| {
        (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let annotations: BTreeMap<_, _> = document["annotations"].as_object().into_iter().flatten().map(text).collect();
    (document["envelope"].to_string().into_bytes(), annotations)
}

fn judge(document: &Value, trust: &TrustRoot) -> Result<VerifiedAttestation, Fault> {
    attested_layer(layer(document), trust)
}

/// The places at which some alteration is not refused. Even then it must say the same as before.
fn survivors(good: &Value, trust: &TrustRoot) -> Vec<String> {
    let wanted = judge(good, trust).unwrap();
    let mut survivors = Vec::new();
    // JSON pointers write `/` in names as `~1`
    let escaped = |path: String| {
        let names = good["annotations"].as_object().unwrap().keys().filter(|name| name.contains('/'));
        names.fold(path, |path, name| path.replace(name, &name.replace('/', "~1")))
    };
    for path in paths(good, String::new()).into_iter().map(escaped) {
        for altered in alterations(good, &path, 200) {
            if let Ok(found) = judge(&altered, trust) {
                assert_eq!((found.signer(), found.statement()), (wanted.signer(), wanted.statement()), "{path}");
                let known = |time| wanted.proofs().times().contains(time);
                assert!(found.proofs().times().iter().all(known), "{path}: {:?}", found.proofs());
                survivors.push(path.clone());
            }
        }
    }
    survivors
}

#[test]
fn altered_layer_of_an_attestation_is_refused() {
    let world = World::new();
    let leaf = world.leaf();
    let mut bundle = unlogged(&leaf, &statement_of("https://spdx.dev/Document"));
    world.enter(&mut bundle, &leaf, T + 1);
    let bare = as_layer(&bundle);
    let trust = world.trust().demanding(Demands { timestamp: true, ..Demands::LOGGED });
    for stamped in [bare.0.clone(), world::signature(&bundle)] {
        let mut layer = stamped_layer(bare.clone(), &world.tsa.stamp(&stamped, T + 2));
        layer.1.insert("predicateType".into(), "https://spdx.dev/Document".into());
        let unknown: Vec<String> = survivors(&document(&layer), &trust)
            .into_iter()
            .filter(|path| !HARMLESS.iter().any(|(harmless, _)| harmless == path))
            .collect();
        assert!(unknown.is_empty(), "alterations accepted at {unknown:#?}");
    }
}
