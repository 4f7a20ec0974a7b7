//! Reasons in CUE's own words, with path and line.

use cue::{ConflictKind, Policy};
use serde_json::{Value, json};

fn words(policy: &str, data: &Value) -> String {
    Policy::parse(policy).expect("it loads").check(data).expect_err("it is refused").to_string()
}

#[test]
fn reasons_are_worded_as_cue_words_them() {
    let config = json!({ "config": { "linux/amd64": { "config": { "User": "65532" } } } });
    for (policy, data, expected) in [
        (
            "config: \"linux/amd64\": config: User: \"65530\"",
            config,
            "config.\"linux/amd64\".config.User: conflicting values \"65532\" and \"65530\"",
        ),
        (
            "a: labels: foo: \"non-bar\"",
            json!({"a": {"labels": {"foo": "bar"}}}),
            "a.labels.foo: conflicting values \"bar\" and \"non-bar\"",
        ),
        ("runAsUser: !=0", json!({"runAsUser": 0}), "runAsUser: invalid value 0 (out of bound !=0)"),
        ("a: int", json!({"a": "x"}), "a: conflicting values int and \"x\" (mismatched types int and string)"),
        ("a!: int", json!({}), "a: field is required but not present"),
        ("#A: {b: 1}\na: #A", json!({"a": {"c": 1}}), "a.c: field not allowed"),
    ] {
        assert_eq!(words(policy, &data), expected);
    }
}

#[test]
fn a_reason_has_path_values_and_line() {
    let policy = Policy::parse("a: {\n  b: [...>5]\n}").expect("it loads");
    let why = policy.check(&json!({ "a": { "b": [6, 4, 3] } })).expect_err("4 is refused");
    let first = why.first();
    assert_eq!((first.path.as_str(), first.found.as_str(), first.line), ("a.b.1", "4", 2));
    assert_eq!(first.kind, ConflictKind::Invalid);
    assert_eq!(why.iter().count(), 2);
    assert_eq!(why.to_string(), "a.b.1: invalid value 4 (out of bound >5) (and 1 more errors)");
}

#[test]
fn a_strangers_value_is_shown_short_and_escaped() {
    let text = format!("\u{1b}{}", "x".repeat(5000));
    let why = words("a: \"y\"", &json!({ "a": text }));
    assert!(why.len() < 500 && !why.contains('\u{1b}'), "{why}");
}
