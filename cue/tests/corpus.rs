//! The policies in CUE that Sigstore's own documentation and tests have.
#![expect(clippy::disallowed_methods, reason = "the corpus is files")]

#[path = "corpus/snippets.rs"]
mod snippets;

use std::fs;

use cue::Policy;
use serde_json::{Value, json};

#[test]
fn every_policy_of_the_corpus_loads() {
    let Some(corpus) = peers::corpus() else { return };
    let found = snippets::all(&corpus);
    assert!(found.len() >= 20, "{} policies", found.len());
    for (name, policy) in found {
        assert!(Policy::parse(&policy).is_ok(), "{name}: {:?}\n{policy}", Policy::parse(&policy));
    }
}

#[test]
fn a_policy_of_two_attestations_wants_two() {
    let Some(corpus) = peers::corpus() else { return };
    let file = corpus.join("cluster-image-policy/e2e/cip-requires-two-signatures-and-two-attestations.yaml");
    let text = fs::read_to_string(file).expect("the corpus has it");
    let policy = snippets::of(&text).pop().expect("the last one is for the whole policy");
    let policy = Policy::parse(&policy).expect("it loads");
    let data = |keyless: Value| {
        let one = json!([{ "id": "x" }]);
        json!({ "authorityMatches": {
            "keyatt": { "attestations": { "custom": one } },
            "keysignature": { "signatures": one },
            "keylesssignature": { "signatures": one },
            "keylessatt": { "attestations": keyless },
        } })
    };
    assert!(policy.check(&data(json!({ "a": [], "b": [] }))).is_ok());
    let why = policy.check(&data(json!({ "a": [] }))).expect_err("one is too few");
    let expected = "authorityMatches.keylessattMinAttestations: conflicting values 2 and \"Error\" (mismatched types int and string)";
    assert_eq!(why.to_string(), expected);
}
