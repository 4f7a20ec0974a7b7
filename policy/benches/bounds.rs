//! How long one condition takes at most: policies and inputs made to use up the bound, and what that costs.
//!
//! `cargo bench -p policy --bench bounds` shows the longest first. Nothing is asserted: the bound is one of steps.
#![expect(clippy::unwrap_used, reason = "in a measurement, a panic is a failure")]
#![expect(clippy::print_stdout, reason = "a measurement speaks to the person who started it")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::time::{Duration, Instant};

use policy::RegoPolicy;
use serde_json::{Value, json};

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("this is a measurement, not a test: cargo bench -p policy --bench bounds");
        return;
    }
    let mut found: Vec<(Duration, String)> = cue_conditions()
        .into_iter()
        .map(|(policy, input)| in_cue(policy, &input))
        .chain(rego_conditions().into_iter().map(|(rules, input)| in_rego(rules, &input)))
        .collect();
    found.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
    for (took, what) in found {
        println!("{:>7.1} ms  {what}", took.as_secs_f64() * 1e3);
    }
}

fn in_cue(policy: &str, input: &Value) -> (Duration, String) {
    let read = cue::Policy::parse(policy).unwrap();
    let (took, end) = timed(|| read.check(input).map_err(|why| why.first().to_string()));
    (took, format!("cue   {}: {end}", policy.lines().last().unwrap()))
}

fn in_rego(rules: &str, input: &Value) -> (Duration, String) {
    let read = RegoPolicy::parse(&format!("package sigstore\n{rules}\n")).unwrap();
    let (took, end) = timed(|| read.check(input).map_err(|why| why.to_string()));
    (took, format!("rego  {rules}: {end}"))
}

fn timed(judge: impl FnOnce() -> Result<(), String>) -> (Duration, String) {
    let start = Instant::now();
    let end = judge();
    (start.elapsed(), end.map_or_else(|why| why.chars().take(60).collect(), |()| "met".to_owned()))
}

fn cue_conditions() -> Vec<(&'static str, Value)> {
    let ones = |count: usize| json!({ "l": vec![1; count] });
    let texts = |length: usize, count: usize| json!({ "l": vec!["x".repeat(length); count] });
    vec![
        ("l: [...]\na: [for x in l for y in l {b: x, c: y, d: {e: x}}]", ones(400)),
        ("a: [...{b: string}]", json!({ "a": vec![json!({ "b": 1 }); 100_000] })),
        ("a: [...{b: {c: {d: string}}}]", json!({ "a": vec![json!({ "b": { "c": { "d": 1 } } }); 50_000] })),
        (
            "l: [...({x: 1} | {x: 2} | {x: string}) & ({y: 1} | {y: int})]",
            json!({ "l": (0..20_000).map(|n| json!({ "x": "a", "y": n })).collect::<Vec<_>>() }),
        ),
        ("l: [...!~\"(x+x+)+y\"]", texts(30_000, 1_000)),
        ("l: [...!~\"(xy|xz|x{20}w)\"]", texts(30_000, 1_000)),
        ("l: [...!~\"(x?){200}y\"]", texts(30_000, 1_000)),
        ("l: [...string]\na: [for x in l for y in l {\"\\(x)\\(y)\"}]", texts(1_000, 600)),
        ("import \"list\"\nl: list.UniqueItems()", json!({ "l": (0..1_500).collect::<Vec<_>>() })),
    ]
}

fn rego_conditions() -> Vec<(&'static str, Value)> {
    let texts = json!({ "l": vec!["x".repeat(3_000); 1_000], "t": "x".repeat(100_000) });
    vec![
        ("isCompliant { n := numbers.range(1, 200); x := [1 | n[_]; n[_]; n[_]; n[_]]; count(x) > 0 }", json!({})),
        ("isCompliant { n := numbers.range(1, 3000); x := {a | a := n[_] * n[_]}; count(x) > 0 }", json!({})),
        ("isCompliant { n := numbers.range(1, 20000); x := [1 | n[_]; n == n]; count(x) > 0 }", json!({})),
        (
            "isCompliant { n := numbers.range(1, 20000); x := [1 | n[_]; indexof(input.t, \"ab\") > 0]; count(x) > 0 }",
            texts.clone(),
        ),
        ("isCompliant { x := [1 | regex.match(\"(x?){200}y\", input.l[_])]; count(x) > 0 }", texts.clone()),
        ("isCompliant { x := [s | s := sprintf(\"%s%s\", [input.l[_], input.l[_]])]; count(x) > 0 }", texts.clone()),
        ("isCompliant { x := [s | s := json.marshal(input.l); input.l[_]; input.l[_]]; count(x) > 0 }", texts),
    ]
}
