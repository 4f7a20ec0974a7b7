//! `policy test` and `policy record`: cases beside policies, asked of a registry and of recordings.

use serde_json::Value;

use super::{shop, stage::Stage, write};

/// A file of cases in `policies/`.
fn cases(stage: &Stage, cases: &str) {
    let text = format!("apiVersion: sealgate.dev/v1\nkind: PolicyTest\ncases:\n{cases}");
    write(stage, "policies/shop.test.yaml", &text);
}

const BY_REGISTRY: &str = "- {name: signed, image: '127.0.0.1:5000/shop/cart:1.4', expect: allow, reasons: [signed by key]}\n\
                           - {name: unsigned, image: '127.0.0.1:5000/shop/cart:1.5', expect: deny, reasons: [no signatures found]}\n\
                           - {name: absent, image: '127.0.0.1:5000/shop/cart:9', expect: undecided, reasons: [does not exist]}";

#[test]
fn cases_that_come_out_as_expected_end_with_0() {
    let stage = shop();
    cases(&stage, BY_REGISTRY);
    let said = stage.shell("sealgate policy test policies").success();
    let wanted = ["signed", "unsigned", "absent"].map(|name| format!("ok    policies/shop.test.yaml: {name}"));
    assert_eq!(said, wanted.join("\n"));
    let there = stage.shell("cd policies && sealgate policy test").success();
    assert!(there.starts_with("ok    ./shop.test.yaml: signed\n"), "{there}");
}

#[test]
fn each_case_that_does_not_is_shown_with_what_was_expected_and_what_was_said() {
    let stage = shop();
    cases(&stage, &BY_REGISTRY.replace("expect: deny", "expect: allow").replace("signed by key", "signed by nobody"));
    let outcome = stage.shell("sealgate policy test policies");
    assert_eq!(outcome.code, 1);
    for line in [
        "FAIL  policies/shop.test.yaml: signed\n        expected a reason with `signed by nobody`\n          policy shop: signed by key ",
        "FAIL  policies/shop.test.yaml: unsigned\n        expected allow, got deny\n          failed policy: shop\n",
        "ok    policies/shop.test.yaml: absent\n",
        "error: 2 of 3 cases failed\n",
    ] {
        assert!(outcome.stdout.contains(line), "{line}\n{}", outcome.stdout);
    }
}

#[test]
fn recorded_evidence_is_judged_without_a_registry_and_at_its_time() {
    let stage = shop();
    for (tag, name) in [("1.4", "signed"), ("1.5", "unsigned")] {
        let said = stage.shell(&format!("sealgate policy record --to policies/{name} 127.0.0.1:5000/shop/cart:{tag}"));
        let count = if name == "signed" { 2 } else { 0 };
        let said = said.success();
        assert!(said.ends_with(&format!(": {count} signatures and attestations")), "{said}");
    }
    let case = |name: &str, image: &str, evidence: &str, expect: &str| {
        format!(
            "- {{name: {name}, image: '{image}', evidence: {evidence}, at: '2026-01-01T00:00:00Z', expect: {expect}}}\n"
        )
    };
    // Nobody serves at that port: whatever asked there would be undecided.
    let globbed = "s|127.0.0.1:5000/shop/|127.0.0.1:1/shop/|";
    write(&stage, "sed", globbed);
    let _ = stage.shell("sed -i \"s|glob: .*|glob: '127.0.0.1:1/shop/**'|\" policies/shop.yaml").success();
    let text = case("good", "127.0.0.1:1/shop/cart:1.4", "signed", "allow")
        + &case("bad", "127.0.0.1:1/shop/cart:1.5", "unsigned", "deny")
        + &case("moved", "127.0.0.1:1/shop/web:1.4", "signed", "allow")
        + &case("elsewhere", "127.0.0.1:1/other/web:1.4", "signed", "deny");
    cases(&stage, &text);
    let said = stage.shell("sealgate policy test policies").success();
    assert_eq!(said.lines().count(), 4, "{said}");
    let _ =
        stage.shell("sed -i 's/^/ /; s/^ *$//' policies/signed/index.json && sealgate policy test policies").success();
    for broken in ["rm -r policies/signed", "mkdir policies/signed"] {
        let outcome = stage.shell(&format!("{broken} && sealgate policy test policies"));
        assert_eq!(outcome.code, 2, "{broken}: {}", outcome.stdout);
    }
}

#[test]
fn recording_cannot_claim_what_its_signatures_do_not_show() {
    let stage = shop();
    let _ = stage.shell("sealgate policy record --to policies/signed 127.0.0.1:5000/shop/cart:1.4").success();
    let _ = stage.shell("sealgate policy record --to policies/unsigned 127.0.0.1:5000/shop/cart:1.5").success();
    let case = |evidence: &str| {
        format!("- {{name: x, image: '127.0.0.1:5000/shop/cart:1.5', evidence: {evidence}, expect: deny}}")
    };
    // The signed image's signatures laid beside the unsigned one.
    let _ = stage.shell("cp -n policies/signed/blobs/sha256/* policies/unsigned/blobs/sha256/").success();
    cases(&stage, &case("unsigned"));
    let _ = stage.shell("sealgate policy test policies").success();
    // The unsigned image is not what another's evidence is about.
    let digest = stage.shell("sealgate triangulate 127.0.0.1:5000/shop/cart:1.5").success();
    let hex = digest.rsplit("sha256-").next().expect("a tag").trim_end_matches(".sig").to_owned();
    cases(&stage, &case("signed").replace("cart:1.5", &format!("cart@sha256:{hex}")));
    let outcome = stage.shell("sealgate policy test policies");
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("evidence in `policies/signed` is about sha256:"), "{}", outcome.stdout);
}

#[test]
fn recording_needs_an_image_and_an_empty_folder() {
    let stage = shop();
    let record = |image: &str, folder: &str| {
        stage.shell(&format!("sealgate policy record --to {folder} 127.0.0.1:5000/{image}"))
    };
    let said = record("shop/cart:9", "r").failure_text();
    assert!(said.contains("does not exist"), "{said}");
    let said = record("shop/cart:1.4", "policies").failure_text();
    assert!(said.contains("policies"), "{said}");
    let _ = record("shop/web:2.0", "index").success();
    let said = record("shop/web:2.0", "index").failure_text();
    assert!(said.contains("index"), "{said}");
}

trait FailureText {
    fn failure_text(self) -> String;
}

impl FailureText for peers::Outcome {
    /// What was said, both outputs in one, by a command that ended with 1.
    fn failure_text(self) -> String {
        assert_eq!(self.code, 1, "{}", self.stdout);
        self.stdout
    }
}

#[test]
fn object_of_a_case_selects_policies() {
    let stage = shop();
    let _ = stage.shell("echo '  match: [{version: v1, resource: pods, selector: {matchLabels: {app: cart}}}]' >> policies/shop.yaml").success();
    let object =
        |labels: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {labels}}}\nspec: {{}}");
    let _ = stage.shell("mkdir policies/objects").success();
    write(&stage, "policies/objects/cart.yaml", &object("{app: cart}"));
    write(&stage, "policies/objects/other.yaml", &object("{app: other}"));
    let case = |name: &str, object: &str, expect: &str| {
        format!("- {{name: {name}, image: '127.0.0.1:5000/shop/cart:1.4', {object}expect: {expect}}}\n")
    };
    let text = case("cart", "object: objects/cart.yaml, door: webhook, ", "allow")
        + &case("other", "object: objects/other.yaml, ", "deny")
        + &case("nobody said", "", "undecided");
    cases(&stage, &text);
    let _ = stage.shell("sealgate policy test policies").success();
}

#[test]
fn json_and_junit_hold_every_case() {
    let stage = shop();
    cases(&stage, &BY_REGISTRY.replace("expect: deny", "expect: allow"));
    let json = stage.shell("sealgate policy test policies -o json 2> errors").stdout;
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    let passed: Vec<_> = lines.iter().map(|line| line["passed"].as_bool()).collect();
    assert_eq!(passed, [Some(true), Some(false), Some(true)]);
    assert_eq!((&lines[1]["expected"], &lines[1]["got"]), (&"allow".into(), &"deny".into()));
    let junit = stage.shell("sealgate policy test policies -o junit 2> errors").stdout;
    assert!(junit.contains("tests=\"3\" failures=\"1\""), "{junit}");
    assert!(junit.contains("<failure message=\"expected allow, got deny\">"), "{junit}");
}

#[test]
fn cases_that_cannot_be_tried_end_with_2() {
    let stage = shop();
    let good = "- {name: a, image: 127.0.0.1:1/a, expect: deny}";
    for (wrong, said) in [
        (good.replace("expect: deny", "expect: perhaps"), "perhaps"),
        (good.replace("name: a", "named: a"), "named"),
        (good.replace("127.0.0.1:1/a", "'Bad:'"), "case `a`: image `Bad:`"),
        (format!("{good}\n{good}"), "case `a` found twice"),
        (good.replace("expect", "at: '2026-01-01T00:00:00Z', expect"), "`at` without `evidence`"),
        (good.replace("expect", "evidence: e, at: noon, expect"), "`at` is not a time"),
        (good.replace("expect", "reasons: [''], expect"), "an empty text found"),
        ("  []".to_owned(), "no case found"),
    ] {
        cases(&stage, &wrong);
        let outcome = stage.shell("sealgate policy test policies");
        assert_eq!(outcome.code, 2, "{wrong}: {}", outcome.stdout);
        assert!(outcome.stdout.contains(said), "{wrong}: {}", outcome.stdout);
    }
    for (line, said) in [
        ("rm policies/shop.test.yaml; sealgate policy test policies", "it holds no such file"),
        ("echo 'kind: X' > a.test.yaml; sealgate policy test a.test.yaml", "a.test.yaml"),
        ("sealgate policy test policies/shop.yaml", "shop.yaml"),
    ] {
        let outcome = stage.shell(line);
        assert_eq!(outcome.code, 2, "{line}: {}", outcome.stdout);
        assert!(outcome.stdout.contains(said), "{line}: {}", outcome.stdout);
    }
}
