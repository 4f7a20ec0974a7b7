//! Any, all, so many, and nestings of these.

use keys::PrivateKey;

use crate::{
    own::{Question, allowed, authority, denied, own, plain, signed},
    writing::{bundle, image, key},
};

/// Three authorities a, b and c with these keys.
fn three(keys: [&PrivateKey; 3], require: &str) -> String {
    let [a, b, c] = [("a", keys[0]), ("b", keys[1]), ("c", keys[2])].map(|(name, key)| authority(name, key, ""));
    own(&format!("authorities: [{a}, {b}, {c}], require: {require}"))
}

#[test]
fn without_require_any_authority_is_enough() {
    let (a, b) = (key(), key());
    let either = own(&format!("authorities: [{}, {}]", authority("a", &a, ""), authority("b", &b, "")));
    assert_eq!(allowed(&either, &Question::with(vec![plain(&b)])).met()[0].authority, "b");
    denied(&either, &Question::with(vec![plain(&key())]));
    denied(&either, &Question::with(Vec::new()));
}

#[test]
fn threshold_is_met_by_different_signers_of_different_members() {
    let (a, b, c) = (key(), key(), key());
    let two = three([&a, &b, &c], "{threshold: {min: 2, of: [a, b, c]}}");
    let approval = allowed(&two, &Question::with(vec![plain(&c), plain(&a)]));
    let by: Vec<&str> = approval.met().iter().map(|met| met.authority.as_str()).collect();
    assert_eq!(by, ["a", "c"]);
    let denial = denied(&two, &Question::with(vec![plain(&a)]));
    let said = denial.to_string();
    assert!(said.contains("1 found (a by key "), "{said}");
    assert!(said.contains("wanted 2 of a, b, c, each by another signer"), "{said}");
    denied(&two, &Question::with(vec![plain(&a), plain(&key())]));
}

#[test]
fn t20_same_signature_twice_or_in_two_formats_counts_once() {
    let (a, b, c) = (key(), key(), key());
    let two = three([&a, &b, &c], "{threshold: {min: 2, of: [a, b, c]}}");
    let here = ("ghcr.io/acme/app", *image().digest());
    denied(&two, &Question::with(vec![plain(&a), plain(&a)]));
    denied(&two, &Question::with(vec![signed(&a, here, &[("tag", "v1")], 0), signed(&a, here, &[("tag", "v2")], 1)]));
    denied(&two, &Question::with(vec![plain(&a), bundle(&a, &image())]));
    allowed(&two, &Question::with(vec![plain(&a), bundle(&b, &image())]));
}

#[test]
fn one_key_under_two_names_counts_once() {
    let (a, b) = (key(), key());
    let two = three([&a, &a, &b], "{threshold: {min: 2, of: [a, b, c]}}");
    denied(&two, &Question::with(vec![plain(&a)]));
    denied(&two, &Question::with(vec![plain(&a), bundle(&a, &image())]));
    allowed(&two, &Question::with(vec![plain(&a), plain(&b)]));
}

#[test]
fn all_of_and_any_of_nest() {
    let (a, b, c) = (key(), key(), key());
    let nested = three([&a, &b, &c], "{allOf: [{authority: a}, {anyOf: [{authority: b}, {authority: c}]}]}");
    allowed(&nested, &Question::with(vec![plain(&a), plain(&c)]));
    allowed(&nested, &Question::with(vec![plain(&b), plain(&a)]));
    let said = denied(&nested, &Question::with(vec![plain(&a)])).to_string();
    assert!(said.contains("authority b is not met, or authority c is not met"), "{said}");
    assert!(!said.contains("for authority a "), "a is not to blame: {said}");
    denied(&nested, &Question::with(vec![plain(&b), plain(&c)]));
}

#[test]
fn what_asks_for_nothing_does_not_stand_in_for_a_signature() {
    let a = key();
    let with = |require: &str| {
        own(&format!(
            "authorities: [{}, {{name: free, static: {{action: pass}}}}], require: {require}",
            authority("a", &a, "")
        ))
    };
    let both = with("{allOf: [{authority: free}, {authority: a}]}");
    denied(&both, &Question::with(Vec::new()));
    denied(&both, &Question::with(vec![plain(&key())]));
    allowed(&both, &Question::with(vec![plain(&a)]));
    allowed(&with("{anyOf: [{authority: a}, {authority: free}]}"), &Question::with(Vec::new()));
}

#[test]
fn incomplete_evidence_decides_only_what_more_could_not_turn_around() {
    let (a, b, c) = (key(), key(), key());
    let two = crate::writing::set(&[three([&a, &b, &c], "{threshold: {min: 2, of: [a, b, c]}}")]);
    assert!(Question::with(vec![plain(&a)]).incomplete().ask(&two).is_err());
    assert!(Question::with(vec![plain(&a), plain(&b)]).incomplete().ask(&two).is_ok());
}
