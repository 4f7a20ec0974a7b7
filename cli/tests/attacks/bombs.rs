//! T28: conditions that would take forever or all memory, or reach out.

use std::fmt::Write as _;

use serde_json::json;
use suites::hostile::Sink;

use crate::stage::{Stage, is_let_in};

/// What a process may take, in kibibytes of address space: a bomb takes it all and dies, which the exit code tells.
const MEMORY: &str = "4194304";

#[test]
fn t28_bombs_in_conditions_end_in_a_refusal() {
    peers::require!("crane", "sh");
    let stage = Stage::set_up();
    let image = stage.shop.by_digest(&stage.shop.signed("1"));
    let doubled = |first: &str, next: fn(usize) -> String| {
        let mut text = first.to_owned();
        (0..64).for_each(|n| writeln!(text, "{}", next(n)).expect("a text can be written"));
        text
    };
    let texts = doubled("a0: \"xxxxxxxx\"\n", |n| format!("a{}: a{n} + a{n}", n + 1));
    let structs = doubled("a0: {x: 1}\n", |n| format!("a{}: {{x: a{n}, y: a{n}}}", n + 1));
    let list = (0..40).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let loops = format!("l: [{list}]\na: [for x in l for y in l for z in l for w in l for v in l {{x}}]");
    let rego = |rule: &str| format!("package sigstore\nisCompliant {{ {rule} }}");
    for (kind, data) in [
        ("cue", texts),
        ("cue", structs),
        ("cue", loops),
        ("rego", rego("n := numbers.range(1, 200); x := [1 | n[_]; n[_]; n[_]; n[_]]; count(x) > 0")),
        ("rego", rego("count(numbers.range(1, 1000000000)) > 0")),
        (
            "rego",
            rego(
                "x := [y | y := input.authorityMatches[_]; numbers.range(1, 100000)[_]]; count(x) > 0; count({p | p := x[_]; x[_]; x[_]}) > 0",
            ),
        ),
    ] {
        let mut bomb = stage.shop.policy();
        bomb["spec"]["policy"] = json!({ "type": kind, "data": data });
        let folder = stage.policies(&[bomb]).display().to_string();
        let script = format!("ulimit -v {MEMORY}; exec \"$@\"");
        let args = ["-c", &script, "sh", stage.shop.sealgate.program(), "check", "--policy", &folder, &image];
        let outcome = stage.shop.sealgate.client().run("sh", args);
        let start: String = data.chars().take(60).collect();
        assert!(!is_let_in(&outcome), "{start}");
        assert!([1, 3].contains(&outcome.code), "{start}: {} {}", outcome.code, outcome.stderr);
    }
}

#[test]
fn t28_conditions_reach_neither_network_nor_environment() {
    peers::require!("crane");
    let mut stage = Stage::set_up();
    let image = stage.shop.by_digest(&stage.shop.signed("1"));
    let sink = Sink::start();
    stage.shop.sealgate.client_mut().set("SECRET", "open");
    let url = format!("http://{}/", sink.address());
    for rule in [
        format!("http.send({{\"method\": \"get\", \"url\": \"{url}\"}}).status_code == 200"),
        "opa.runtime().env.SECRET == \"open\"".to_owned(),
        "count(net.lookup_ip_addr(\"localhost\")) > 0".to_owned(),
        "time.now_ns() > 0".to_owned(),
        "rand.intn(\"x\", 2) >= 0".to_owned(),
    ] {
        let mut policy = stage.shop.policy();
        policy["spec"]["policy"] =
            json!({ "type": "rego", "data": format!("package sigstore\nisCompliant {{ {rule} }}") });
        let outcome = stage.check(&[policy], &image);
        assert!(!is_let_in(&outcome), "{rule}");
        let function = rule.split_once('(').map_or(rule.as_str(), |(before, _)| before.trim_start_matches("count"));
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!([1, 3].contains(&outcome.code) && said.contains(function), "{rule}: {said}");
    }
    assert_eq!(sink.arrived(), Vec::<String>::new());
}
