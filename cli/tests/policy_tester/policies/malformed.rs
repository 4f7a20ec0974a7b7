//! What is no policy.

use serde_json::{Value, json};

use super::{cue, key, pass, rego, with};
use crate::{
    case::Case,
    shelf::{Key, SCAN, Shelf},
};

pub(super) fn cases(shelf: &Shelf) -> Vec<Case> {
    let team = || key(shelf, Key::Team);
    let bad = |name, authority: Value| Case::new(name, &[authority]).few().alike();
    // No policy here, and one there.
    let mixed = |name, authority: Value| Case::new(name, &[authority]).few();
    let identities = |identity: Value| json!({ "keyless": { "identities": [identity] } });
    let attested = |attestation: Value| with(team(), "attestations", json!([attestation]));
    let one = || json!({ "name": "scan", "predicateType": SCAN });
    vec![
        bad("bad-no-images", pass()).without("images"),
        bad("bad-empty-images", pass()).with("images", json!([])),
        bad("bad-no-authorities", pass()).without("authorities"),
        bad("bad-empty-authorities", pass()).with("authorities", json!([])),
        bad("bad-mode", pass()).with("mode", json!("audit")),
        bad("bad-unknown-field", pass()).with("colour", json!("red")),
        bad("bad-authority-field", with(team(), "colour", json!("red"))),
        bad("bad-two-kinds", with(team(), "static", json!({ "action": "pass" }))),
        bad("bad-no-kind", json!({ "name": "nobody" })),
        bad("bad-action", json!({ "static": { "action": "allow" } })),
        bad("bad-static-attested", with(pass(), "attestations", json!([one()]))),
        bad("bad-key", json!({ "key": { "data": "---somedata---" } })),
        mixed("bad-two-keys-in-one", json!({ "key": { "data": shelf.key(Key::Team) + &shelf.key(Key::Release) } })),
        bad("bad-hash", json!({ "key": { "data": shelf.key(Key::Team), "hashAlgorithm": "md5" } })),
        mixed("bad-format", with(team(), "signatureFormat", json!("tar"))),
        bad("bad-identity-empty", identities(json!({}))),
        bad("bad-identity-no-subject", identities(json!({ "issuer": "https://a.test" }))),
        bad("bad-identity-both", identities(json!({ "issuer": "a", "issuerRegExp": "a", "subject": "b" }))),
        bad("bad-identity-pattern", identities(json!({ "issuer": "a", "subjectRegExp": "(" }))),
        bad("bad-no-identities", json!({ "keyless": { "url": "https://fulcio.sigstore.dev" } })),
        bad("bad-two-sources", with(team(), "source", json!([{ "oci": "a.test/b" }, { "oci": "a.test/c" }]))),
        bad("bad-attestation-no-name", attested(json!({ "predicateType": SCAN }))),
        bad("bad-attestation-no-type", attested(json!({ "name": "scan" }))),
        bad("bad-language", pass()).with("policy", json!({ "type": "cel", "data": "true" })),
        bad("bad-no-data", pass()).with("policy", json!({ "type": "cue" })),
        bad(
            "bad-include-in-attestation",
            attested(with(one(), "policy", with(cue("a: 1"), "includeSpec", json!(true)))),
        ),
        bad("bad-match-resource", pass()).with("match", json!([{ "version": "v1", "resource": "services" }])),
        bad("bad-match-selector-alone", pass()).with("match", json!([{ "selector": { "matchLabels": { "a": "b" } } }])),
        bad("bad-cue-text", pass()).with("policy", cue("authorityMatches: {")),
        bad("bad-cue-reference", pass()).with("policy", cue("authorityMatches: nowhere")),
        bad("bad-rego-text", pass()).with("policy", rego("package sigstore\nisCompliant {")),
        bad("bad-rego-package", pass()).with("policy", rego("package other\nisCompliant = true")),
    ]
}
