//! `policy lint`: exit codes and forms of output. What each rule finds is tested where the rules are.

use serde_json::Value;

use super::{shop, stage::Stage, write};

fn policy(glob: &str, further: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: p}}\nspec:\n  images:\n  - \
         glob: '{glob}'\n  authorities:\n  - static: {{action: fail}}\n  {further}"
    )
}

fn stage() -> Stage {
    let stage = Stage::set_up();
    write(&stage, "clean.yaml", &policy("ghcr.io/acme/app@*", ""));
    write(&stage, "note.yaml", &policy("ghcr.io/acme/app@*", "match: [{version: v1, resource: pods}]"));
    write(&stage, "warning.yaml", &policy("ghcr.io/acme/app*", "match: [{version: v1, resource: pods}]"));
    write(&stage, "broken.yaml", "kind: [");
    stage
}

#[test]
fn exit_code_says_clean_found_or_not_loaded() {
    let stage = stage();
    for (line, code) in [
        ("clean.yaml", 0),
        ("note.yaml", 0),
        ("note.yaml --strict", 1),
        ("warning.yaml", 1),
        ("clean.yaml note.yaml", 2), // the same name twice
        ("broken.yaml", 2),
        ("warning.yaml broken.yaml", 2),
        ("absent.yaml", 2),
        ("- < clean.yaml", 0),
        ("- < warning.yaml", 1),
        ("clean.yaml -o xml", 2),
        ("", 2),
    ] {
        let outcome = stage.shell(&format!("sealgate policy lint {line}"));
        assert_eq!(outcome.code, code, "{line}: {}", outcome.stdout);
    }
}

#[test]
fn text_names_the_place_the_rule_and_what_to_do() {
    let said = stage().shell("sealgate policy lint warning.yaml").stdout;
    let wanted = "warning.yaml:6:11: warning: sibling-glob: `ghcr.io/acme/app*` also matches `ghcr.io/acme/app-other`\n  \
                  hint: write `ghcr.io/acme/app@*` for that repository, `ghcr.io/acme/app/**` for those below it\n\
                  warning.yaml:9:10: note: needs-object: ";
    assert!(said.starts_with(wanted), "{said}");
    assert!(said.ends_with("error: 1 warning, 1 note\n"), "{said}");
}

#[test]
fn json_and_sarif_hold_the_same_findings() {
    let stage = stage();
    let run = |form: &str| stage.shell(&format!("sealgate policy lint warning.yaml -o {form} 2> errors")).stdout;
    let lines: Vec<Value> = run("json").lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["rule"], &lines[0]["line"], &lines[0]["severity"]),
        (&"sibling-glob".into(), &6.into(), &"warning".into())
    );
    let sarif: Value = serde_json::from_str(&run("sarif")).expect("is JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(results.len(), lines.len());
    for (result, line) in results.iter().zip(&lines) {
        assert_eq!((&result["ruleId"], &result["level"]), (&line["rule"], &line["severity"]));
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "warning.yaml");
        assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&line["line"], &line["column"]));
    }
}

#[test]
fn folder_is_looked_through_without_its_cases() {
    let stage = shop();
    write(&stage, "policies/shop.test.yaml", "kind: PolicyTest");
    let _ = stage.shell("sealgate policy lint policies").success();
    let said = stage.shell("mkdir empty; sealgate policy lint empty").stdout;
    assert!(said.contains("policy files at `empty`: it holds no such file"), "{said}");
}
