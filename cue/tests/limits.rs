//! What is too large, too deep or takes too long ends in an error that names the limit, whoever wrote it.

use std::fmt::Write as _;

use cue::{ConflictKind, Policy, Problem};
use serde_json::{Value, json};

fn problem(policy: &str) -> Problem {
    Policy::parse(policy).expect_err(&policy[..policy.len().min(80)]).problem
}

fn first(policy: &str, data: &Value) -> ConflictKind {
    Policy::parse(policy).expect("it loads").check(data).expect_err("it is refused").first().kind
}

#[test]
fn a_long_text_is_too_large() {
    let policy = format!("// {}\n", "x".repeat(1 << 20));
    assert!(matches!(problem(&policy), Problem::TooLarge { what: "bytes", .. }));
    assert!(Policy::parse(&policy[..1 << 20]).is_ok());
}

#[test]
fn deep_brackets_are_too_deep() {
    for (open, close) in [("{a: ", "}"), ("[", "]"), ("(", ")"), ("-", ""), ("\"\\(", ")\"")] {
        let policy = format!("a: {}1{}", open.repeat(10_000), close.repeat(10_000));
        assert!(matches!(problem(&policy), Problem::TooLarge { .. }), "{open}");
    }
}

#[test]
fn long_chains_are_too_deep() {
    for part in [" + 1", " & 1", ".a", "[0]", " && true"] {
        let policy = format!("b: 1\na: b{}", part.repeat(10_000));
        assert!(matches!(problem(&policy), Problem::TooLarge { .. }), "{part}");
    }
}

#[test]
fn loops_within_loops_take_too_many_steps() {
    let list = (0..40).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let policy = format!("l: [{list}]\na: [for x in l for y in l for z in l for w in l {{x}}]");
    assert!(matches!(problem(&policy), Problem::Undecided(text) if text.contains("steps")));
}

#[test]
fn loops_over_data_take_too_many_steps() {
    let policy = "l: [...]\na: [for x in l for y in l for z in l {x}]";
    let data = json!({ "l": vec![1; 300] });
    assert_eq!(first(policy, &data), ConflictKind::Undecided);
}

#[test]
fn a_text_that_doubles_is_too_long() {
    let mut policy = "a0: \"xxxxxxxx\"\n".to_owned();
    for n in 0..40 {
        writeln!(policy, "a{}: a{n} + a{n}", n + 1).expect("a string takes text");
    }
    assert!(matches!(problem(&policy), Problem::Undecided(_)));
    assert!(matches!(problem("a: \"x\" * 1000000000000"), Problem::Undecided(_)));
}

#[test]
fn structs_that_double_take_too_many_steps() {
    let mut policy = "a0: {x: 1}\n".to_owned();
    for n in 0..40 {
        writeln!(policy, "a{}: {{l: a{n}, r: a{n}}}", n + 1).expect("a string takes text");
    }
    assert!(matches!(problem(&policy), Problem::Undecided(_)));
}

#[test]
fn alternatives_that_multiply_take_too_many_steps() {
    let policy = format!("a: {}", vec!["({x: 1} | {y: 1})"; 24].join(" & "));
    assert!(matches!(problem(&policy), Problem::Undecided(text) if text.contains("steps")));
}

#[test]
fn references_to_references_are_too_many() {
    let mut policy = "a0: {x: 1}\n".to_owned();
    for n in 0..10_000 {
        writeln!(policy, "a{}: a{n}", n + 1).expect("a string takes text");
    }
    assert!(matches!(problem(&policy), Problem::Undecided(_)));
}

#[test]
fn expressions_from_data_are_compiled_a_few_hundred_times() {
    let policy = "l: [...string]\nm: [for x in l {\"a\" =~ \"\\(x)\\\\w{900}\"}]";
    let expressions: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    assert_eq!(first(policy, &json!({ "l": expressions })), ConflictKind::Undecided);
}

#[test]
fn long_texts_that_are_compared_count_by_their_length() {
    let texts: Vec<String> = (0..1_000).map(|n| format!("{}{n}", "x".repeat(10_000))).collect();
    let data = json!({ "l": texts });
    assert_eq!(first("import \"list\"\nl: list.UniqueItems()", &data), ConflictKind::Undecided);
    assert_eq!(first("l: [...string]\nm: [for x in l for y in l if x == y {x}]", &data), ConflictKind::Undecided);
}

#[test]
fn long_texts_that_are_matched_count_by_what_matching_takes() {
    let data = json!({ "l": vec!["x".repeat(3_000); 1_000] });
    assert_eq!(first("l: [...!~\"^y{1000}\"]", &data), ConflictKind::Undecided);
    assert_eq!(first("l: [...!~\"^(y{100}|(z{20}|v){40})\"]", &data), ConflictKind::Undecided);
    assert!(Policy::parse("l: [...!~\"^y\"]").expect("it loads").check(&data).is_ok());
}

#[test]
fn a_list_by_the_million_is_too_long() {
    let policy = "import \"list\"\na: list.Range(0, 100000000, 1)";
    assert!(matches!(problem(policy), Problem::Undecided(_)));
}

#[test]
fn a_value_inside_itself_has_no_end() {
    for policy in ["a: {b: a}", "#L: {n: null | #L}\na: #L", "a: [a]", "a: b\nb: {c: a}"] {
        assert!(matches!(problem(policy), Problem::Undecided(_)), "{policy}");
    }
}

#[test]
fn deep_data_are_too_deep() {
    let mut data = json!(1);
    for _ in 0..120 {
        data = json!({ "a": data });
    }
    assert_eq!(first("b?: int", &data), ConflictKind::Undecided);
}

#[test]
fn a_large_regular_expression_is_refused() {
    for expression in ["(a{1000}){1000}", "(((a{100}){100}){100}){100}", &"(x+x+)+y".repeat(1000)] {
        assert!(Policy::parse(&format!("a: =~\"{expression}\"")).is_err());
    }
}

#[test]
fn a_hundred_thousand_entries_are_judged() {
    let entry = json!({ "name": "a", "version": "1.2.3", "licenses": ["MIT"] });
    let policy = "packages: [...{name: string, version: =~\"^[0-9.]+$\", licenses: [...!~\"GPL\"]}]";
    let policy = Policy::parse(policy).expect("it loads");
    let mut packages = vec![entry; 20_000];
    assert!(policy.check(&json!({ "packages": packages })).is_ok());
    packages[19_999]["licenses"] = json!(["GPL-3.0"]);
    let why = policy.check(&json!({ "packages": packages })).expect_err("one has another licence");
    assert_eq!(why.first().path, "packages.19999.licenses.0");
}
