//! Policies made to take forever, or all memory, or the whole stack: each ends in an error that says which.
//!
//! Each is evaluated in a process of its own, whose time and memory the system counts.

use std::env;
use std::fmt::Write as _;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use wait4::Wait4 as _;

use super::compliance;

/// Evaluates the bomb in a process of its own, and expects this in what becomes of it.
fn ends_with(rules: &str, wanted: &str) {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["--exact", "bounds::evaluates_what_it_is_told", "--ignored", "--nocapture"]);
    let mut child =
        command.env(BOMB, rules).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("this program starts");
    let mut said = String::new();
    let mut output = child.stdout.take().expect("a pipe");
    output.read_to_string(&mut said).expect("it writes text");
    let used = child.wait4().expect("a child of ours");
    let start = rules.chars().take(80).collect::<String>();
    assert!(used.status.success(), "{start}: {said}");
    assert!(said.contains(wanted), "{start}: {said}");
    let (time, memory) = (used.rusage.utime + used.rusage.stime, used.rusage.maxrss);
    assert!(time < Duration::from_secs(2), "{start}: {time:?}");
    assert!(memory < 256 << 20, "{start}: {memory} bytes");
}

#[test]
#[ignore = "a part of the tests here, which run it in another process"]
fn evaluates_what_it_is_told() {
    let rules = env::var(BOMB).expect("run by another test");
    println!("{:?}", compliance(&rules, &json!({"text": "a".repeat(100_000)})));
}

#[test]
fn loops_within_loops_run_out_of_steps() {
    ends_with("isCompliant { n := numbers.range(1, 200); x := [1 | n[_]; n[_]; n[_]; n[_]]; count(x) > 0 }", "Steps");
    ends_with("isCompliant { n := numbers.range(1, 3000); x := {a | a := n[_] * n[_]}; count(x) > 0 }", "Steps");
}

#[test]
fn large_ranges_are_not_begun() {
    ends_with("isCompliant { count(numbers.range(1, 1000000000)) > 0 }", "Size");
    ends_with("isCompliant { count(numbers.range_step(1, 1000000000, 1)) > 0 }", "Size");
}

#[test]
fn texts_that_double_end() {
    ends_with(&doubled("\"aaaaaaaa\"", "concat(\"\", [X, X])"), "Size");
    ends_with(&doubled("\"aaaaaaaa\"", "sprintf(\"%s%s\", [X, X])"), "Size");
    ends_with(&doubled("\"aaaaaaaa\"", "hex.encode(X)"), "Size");
    ends_with(&doubled("\"aaaaaaaa\"", "replace(X, \"a\", \"aa\")"), "Size");
    ends_with(&doubled("\"aaaaaaaa\"", "regex.replace(X, \"a\", \"aa\")"), "Size");
    ends_with(&doubled("\"aaaaaaaa\"", "json.marshal([X, X])"), "Size");
    ends_with(r#"isCompliant { x := sprintf("%4000000000d", [1]) }"#, "Size");
    ends_with(r#"isCompliant { x := sprintf("%*d", [4000000000, 1]) }"#, "Size");
}

#[test]
fn values_that_double_end_though_their_parts_are_shared() {
    ends_with(&doubled("[\"a\"]", "[X, X]"), "Size");
    ends_with(&doubled("[\"a\"]", "array.concat(X, X)"), "Size");
    ends_with(&doubled("[\"a\"]", "{\"l\": X, \"r\": X}"), "Size");
    ends_with(&doubled("[\"a\"]", "[y | y := [[X, X], X][_]]"), "Size");
    ends_with(&doubled("[\"a\"]", "{[X, 1], [X, 2]}"), "Bound");
    let mut unified = "isCompliant { x0 = [1]; y0 = [1]; ".to_owned();
    for n in 0..40 {
        write!(unified, "x{} = [x{n}, x{n}]; y{} = [y{n}, y{n}]; ", n + 1, n + 1).unwrap();
    }
    ends_with(&format!("{unified} x40 = y40 }}"), "Size");
}

#[test]
fn numbers_that_square_end() {
    ends_with(&doubled("3", "X * X"), "Size");
    ends_with("isCompliant { x := bits.lsh(1, 4000000000) }", "Size");
}

#[test]
fn values_that_deepen_end() {
    let mut rules = "f0(x) = [x] { true }\n".to_owned();
    for n in 0..18 {
        writeln!(rules, "f{}(x) = f{n}(f{n}(x)) {{ true }}", n + 1).unwrap();
    }
    ends_with(&format!("{rules}isCompliant {{ f18(1) }}"), "Size");
}

#[test]
fn rules_that_need_each_other_without_end_do_not_use_up_the_stack() {
    let chain = |n: usize| (0..n).fold(String::new(), |chain, n| format!("{chain}a{} := a{n} + 1\n", n + 1));
    ends_with(&format!("a0 := 1\n{}isCompliant {{ a3000 > 0 }}", chain(3000)), "Nesting");
    ends_with("a = b { true }\nb = a { true }\nisCompliant { a }", "recursion");
}

#[test]
fn large_values_in_loops_count_as_often_as_they_are_handled() {
    let n = "n := numbers.range(1, 20000)";
    ends_with(&format!("isCompliant {{ {n}; r := [1 | n[_]; n == n]; count(r) > 0 }}"), "Steps");
    ends_with(&format!("isCompliant {{ {n}; m := numbers.range(1, 20000); r := [1 | n[_]; n = m]; r }}"), "Steps");
    ends_with(
        &format!("isCompliant {{ {n}; s := {{x | x := n[_]}}; r := [z | i := n[_]; z := s | {{0 - i}}]; r }}"),
        "Steps",
    );
    ends_with(&format!("isCompliant {{ {n}; r := [1 | n[_]; indexof(input.text, \"ab\") > 0]; r }}"), "Steps");
    let text = "regex.match(sprintf(\"(a{1,%d}){1,50}\", [i % 900]), \"x\")";
    ends_with(&format!("isCompliant {{ {n}; r := [1 | i := n[_]; not {text}]; r }}"), "Steps");
}

#[test]
fn texts_that_no_parser_should_descend_into_are_not_parsed() {
    for (open, close) in [("[", "]"), ("(", ")"), ("{", "}"), ("{1: ", "}"), ("[x | x = ", "]"), ("-", ""), ("f(", ")")]
    {
        let rules = format!("isCompliant {{ x := {}1{} }}", open.repeat(9000), close.repeat(9000));
        ends_with(&rules, "TooMuch");
    }
    for link in ["+1", " == 1", "[1]", ".a", "|x", "\n- 1"] {
        ends_with(&format!("isCompliant {{ x := y{} }}", link.repeat(9000)), "TooMuch");
    }
    ends_with(&format!("isCompliant {{ {} }}", vec!["true"; 9000].join("; ")), "TooMuch");
}

/// As deep and as long as texts may be, in an eighth of the stack that this process has.
#[test]
fn the_highest_texts_that_are_parsed_fit_the_stack() {
    for link in ["+1", "[1]", ".a", " - 1", "|x"] {
        let outcome = compliance(&format!("isCompliant {{ x := input.y{} }}", link.repeat(58)), &json!({}));
        assert!(!format!("{outcome:?}").contains("TooMuch"), "{outcome:?}");
    }
    let brackets = format!("isCompliant {{ x := {}1{}; x }}", "[".repeat(17), "]".repeat(17));
    let outcome = compliance(&brackets, &json!({}));
    assert!(matches!(outcome, super::Outcome::Complies), "{outcome:?}");
}

#[test]
fn ten_thousand_packages_are_within_bounds() {
    let package = |n: usize| json!({"name": format!("p{n}"), "version": "1.0", "license": "MIT"});
    let input = json!({"packages": (0..10_000).map(package).collect::<Vec<_>>()});
    for rules in [
        r#"isCompliant { not bad } bad { startswith(input.packages[_].name, "evil") }"#,
        r#"isCompliant { count([p | p := input.packages[_]; p.license == "MIT"]) == 10000 }"#,
        r#"isCompliant { names := {p.name | p := input.packages[_]}; not names["evil"]; count(names) == 10000 }"#,
    ] {
        let rules = rules.replace(" bad {", "\nbad {");
        let outcome = compliance(&rules, &input);
        assert!(matches!(outcome, super::Outcome::Complies), "{rules}: {outcome:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(tokens in proptest::collection::vec(proptest::sample::select(&TOKENS[..]), 0..60)) {
        let _ = compliance(&format!("isCompliant {{ {} }}", tokens.join(" ")), &json!({"a": [1, "é"]}));
        let _ = compliance(&tokens.concat(), &json!({"a": {"b": 1}}));
    }

    #[test]
    fn no_characters_make_it_panic(text in "\\PC{0,80}") {
        let _ = compliance(&text, &json!({}));
        let _ = compliance(&format!("isCompliant {{ x := {text} }}"), &json!({}));
        let _ = compliance(&format!("isCompliant {{ input.a[\"{text}\"] = [`{text}`] }}"), &json!({}));
    }
}

/// Rules in which forty values are made of the one before, each in the same body, so that no rule waits for another.
fn doubled(first: &str, next: &str) -> String {
    let body = (0..40).fold(format!("v0 := {first}"), |body, n| {
        format!("{body}\n v{} := {}", n + 1, next.replace('X', &format!("v{n}")))
    });
    let other = body.replace('v', "w").replace("repwace", "replace");
    format!("isCompliant {{ {body}\n {other}\n v40 == w40 }}")
}

const BOMB: &str = "SEALGATE_TEST_REGO";

const TOKENS: [&str; 56] = [
    "a",
    "x",
    "_",
    "input",
    "data",
    "input.a",
    "isCompliant",
    "1",
    "-1",
    "1.5e3",
    "\"é\"",
    "`r\"é`",
    "true",
    "null",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    ":",
    ";",
    "\n",
    ":=",
    "=",
    "==",
    "!=",
    "<",
    "|",
    "&",
    "+",
    "-",
    "*",
    "/",
    "%",
    ".",
    "not",
    "some",
    "every",
    "in",
    "with",
    "as",
    "else",
    "default",
    "import",
    "package",
    "if",
    "contains",
    "count(x)",
    "sprintf(\"%5é\", [1])",
    "walk(input, [p, v])",
    "set(",
    "#",
    "\\",
    "f(x) = y { y := x }",
];
