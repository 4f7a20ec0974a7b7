//! What is refused before it is evaluated, and where.

use policy::{RegoError, RegoPolicy};
use serde_json::json;

use super::{Outcome, compliance};

fn refusal(rules: &str) -> RegoError {
    match compliance(rules, &json!({})) {
        Outcome::NotTaken(error) => error,
        other => panic!("{rules}: {other:?}"),
    }
}

#[test]
fn functions_of_a_clock_a_network_or_chance_are_refused_however_they_are_reached() {
    for (rules, function) in [
        ("isCompliant { time.now_ns() > 0 }", "time.now_ns"),
        (r#"isCompliant { time["now_ns"]() > 0 }"#, "time.now_ns"),
        ("isCompliant { x := [y | y := time.now_ns()]; x }", "time.now_ns"),
        ("isCompliant { not time.now_ns() < 5 }", "time.now_ns"),
        ("isCompliant { true with time.now_ns as 5 }", "time.now_ns"),
        ("f(x) = 1 { true }\nisCompliant { f(1) with f as time.now_ns }", "time.now_ns"),
        ("isCompliant = true { true } else = time.now_ns() { true }", "time.now_ns"),
        ("p[time.now_ns()] { true }\nisCompliant { p[_] }", "time.now_ns"),
        ("p[x] = time.now_ns() { x := 1 }\nisCompliant { p[_] }", "time.now_ns"),
        (r#"isCompliant { http.send({"url": "http://a.test"}) }"#, "http.send"),
        ("isCompliant { opa.runtime().env.HOME }", "opa.runtime"),
        (r#"isCompliant { rand.intn("a", 2) == 1 }"#, "rand.intn"),
        (r#"isCompliant { uuid.rfc4122("a") }"#, "uuid.rfc4122"),
        (r#"isCompliant { net.lookup_ip_addr("a.test") }"#, "net.lookup_ip_addr"),
        (r#"isCompliant { io.jwt.decode_verify("a", {}) }"#, "io.jwt.decode_verify"),
    ] {
        assert!(matches!(&refusal(rules), RegoError::Impure { function: found, .. } if found == function), "{rules}");
    }
}

#[test]
fn their_names_are_only_names_in_strings_comments_and_rules_of_the_policy() {
    for rules in [
        r#"isCompliant { "time.now_ns()" == input.a } # time.now_ns()"#,
        "isCompliant { input.a == `time.now_ns()` }",
        "isCompliant { input.time.now_ns == 1 }",
    ] {
        assert!(RegoPolicy::parse(&format!("package sigstore\n{rules}")).is_ok(), "{rules}");
    }
}

#[test]
fn the_place_is_that_of_the_original_text() {
    let rules = "isCompliant {\n  count(input.a) > 0; x := [input.b]; y = x\n  # é\n  \"é\" != http.send({})\n}";
    assert!(matches!(refusal(rules), RegoError::Impure { line: 5, column: 10, .. }), "{:?}", refusal(rules));
    let rules = "isCompliant { not input.x == 1; y := [input.z]; y == }";
    assert!(matches!(refusal(rules), RegoError::Syntax { line: 2, column: 1.., .. }), "{:?}", refusal(rules));
    let rules = "isCompliant {\n x := [input.a]\n zz > 1\n}";
    assert!(matches!(refusal(rules), RegoError::Syntax { line: 4, column: 2, .. }), "{:?}", refusal(rules));
}

#[test]
fn unknown_functions_and_wrong_numbers_of_arguments_are_refused() {
    assert!(matches!(refusal("isCompliant { nosuch(1) }"), RegoError::Unknown { line: 2, .. }));
    assert!(matches!(refusal("isCompliant { graph.reachable_paths({}, {}) }"), RegoError::Unknown { .. }));
    assert!(matches!(refusal("isCompliant { count() }"), RegoError::Arguments { wanted: 1, found: 0, .. }));
    assert!(matches!(refusal("isCompliant { count(1, 2, 3) }"), RegoError::Arguments { found: 3, .. }));
    assert!(matches!(refusal("f(x) { x }\nisCompliant { f() }"), RegoError::Arguments { wanted: 1, .. }));
}

#[test]
fn functions_that_call_themselves_are_refused() {
    let rules = "f(x) = g(x) { true }\ng(x) = f(x) { true }\nisCompliant { f(1) }";
    assert!(matches!(refusal(rules), RegoError::Recursion { line: 2, .. }));
    assert!(matches!(refusal("f(x) = f(x) { true }\nisCompliant { f(1) }"), RegoError::Recursion { .. }));
}

#[test]
fn what_has_no_value_cannot_be_negated() {
    let rules = "isCompliant { not input.a[_] == 1 }";
    assert!(matches!(refusal(rules), RegoError::Unsafe { name, .. } if name == "_"));
    let rules = "isCompliant { not startswith(input.a[i], \"x\") }";
    assert!(matches!(refusal(rules), RegoError::Unsafe { name, .. } if name == "i"));
    let bound = compliance("isCompliant { input.a[i]; not startswith(input.a[i], \"x\") }", &json!({"a": ["y"]}));
    assert!(matches!(bound, Outcome::Complies), "{bound:?}");
}

#[test]
fn keywords_need_their_import() {
    assert!(matches!(refusal("isCompliant if { true }"), RegoError::Keyword { keyword: "if", line: 2, column: 13 }));
    let set = r#"isCompliant contains {"result": true}"#;
    assert!(matches!(refusal(set), RegoError::Keyword { keyword: "contains", .. }));
    for import in ["rego.v1", "future.keywords", "future.keywords.if"] {
        let imported = compliance(&format!("import {import}\nisCompliant if {{ true }}"), &json!({}));
        assert!(matches!(imported, Outcome::Complies), "{import}: {imported:?}");
    }
}

#[test]
fn the_gates_own_names_are_no_names_of_a_policy() {
    let rules = "__sealgate_weighed(x) = 1 { true }\nisCompliant { true }";
    assert!(matches!(refusal(rules), RegoError::TooMuch { line: 2, .. }));
}

#[test]
fn longer_texts_are_not_read() {
    let text = format!("package sigstore\nisCompliant = true\n#{}", "x".repeat(256 << 10));
    assert!(matches!(RegoPolicy::parse(&text), Err(RegoError::TooLong { most: 262_144, .. })));
    assert!(RegoPolicy::parse(&text[..256 << 10]).is_ok());
}
