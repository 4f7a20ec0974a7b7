//! Reports for other programs: SARIF and JUnit.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};
use serde_json::{Value, json};

use crate::stage::Stage;

/// Two images, one of them twice, one that does not exist and one that no policy is for, in files with awkward names.
fn stage() -> Stage {
    let stage = Stage::with_images();
    stage.write("a & b/deploy <1>.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: \"<p>\"}\nspec:\n  containers:\n  - image: IMAGES/bad:1\n  - image: IMAGES/good:1\n  initContainers:\n  - image: IMAGES/bad:1\n");
    stage.write("a & b/more.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: IMAGES/none:1\n  - image: 127.0.0.1:9/x/y:1\n---\n- a\n");
    stage
}

fn run(stage: &Stage, output: &str) -> String {
    let policy = ["check", "--policy", "policy.json", "-o", output, "--manifest", "a & b"];
    let outcome = stage.sealgate.run(policy);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert_eq!(outcome.stderr, "error: 2 of 4 images denied, 1 undecided, 1 place could not be read\n");
    outcome.stdout
}

/// The rules of SARIF 2.1.0 that bind what is written here, by its schema.
fn check_schema(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().is_some_and(|schema| schema.ends_with("sarif-2.1.0.json")), "{log}");
    let known = |object: &Value, keys: &[&str]| {
        object.as_object().expect("an object").keys().for_each(|key| assert!(keys.contains(&key.as_str()), "{key}"));
    };
    known(log, &["$schema", "version", "runs"]);
    for run in log["runs"].as_array().expect("runs are a list") {
        known(run, &["tool", "columnKind", "invocations", "results"]);
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        let driver = &run["tool"]["driver"];
        known(driver, &["name", "version", "rules"]);
        assert!(driver["name"].is_string());
        let rules = driver["rules"].as_array().expect("rules are a list");
        let ids: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
        assert_eq!(ids.len(), rules.len(), "rules have ids of their own");
        rules.iter().for_each(|rule| assert!(rule["shortDescription"]["text"].is_string()));
        assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
        for result in run["results"].as_array().expect("results are a list") {
            known(result, &["ruleId", "ruleIndex", "level", "message", "locations"]);
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("a small number");
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["none", "note", "warning", "error"].iter().any(|level| result["level"] == *level));
            assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
            for location in result["locations"].as_array().expect("locations are a list") {
                known(location, &["physicalLocation", "logicalLocations"]);
                let Some(physical) = location.get("physicalLocation") else { continue };
                let uri = physical["artifactLocation"]["uri"].as_str().expect("a text");
                assert!(!uri.contains([' ', '<', '>', '&', '"']), "{uri}");
                assert!(["startLine", "startColumn"].iter().all(|key| physical["region"][key].as_u64() >= Some(1)));
            }
        }
    }
}

#[test]
fn sarif_has_a_result_for_each_place_of_what_is_not_allowed() {
    let log: Value = serde_json::from_str(&run(&stage(), "sarif")).expect("it is JSON");
    check_schema(&log);
    let run = &log["runs"][0];
    let rules: Vec<&Value> =
        run["tool"]["driver"]["rules"].as_array().expect("a list").iter().map(|rule| &rule["id"]).collect();
    assert_eq!(rules, ["sealgate/no-policy", "sealgate/undecided", "shop"]);
    assert_eq!(run["invocations"], json!([{ "executionSuccessful": false }]));
    let told: Vec<String> = run["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|result| {
            let physical = &result["locations"][0]["physicalLocation"];
            let place = &physical["region"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap_or_default();
            format!(
                "{} {uri}:{}:{}",
                result["ruleId"].as_str().unwrap_or_default(),
                place["startLine"],
                place["startColumn"]
            )
        })
        .collect();
    let wanted = [
        "shop a%20%26%20b/deploy%20%3C1%3E.yaml:6:12",
        "shop a%20%26%20b/deploy%20%3C1%3E.yaml:9:12",
        "sealgate/undecided a%20%26%20b/more.yaml:5:12",
        "sealgate/no-policy a%20%26%20b/more.yaml:6:12",
        "sealgate/undecided a%20%26%20b/more.yaml:8:1",
    ];
    assert_eq!(told, wanted);
    let first = &run["results"][0];
    assert_eq!(first["level"], "error");
    assert!(
        first["message"]["text"].as_str().is_some_and(|text| text.contains("bad:1: failed policy: shop")),
        "{first}"
    );
    let within = &first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
    assert_eq!(within, "spec.containers[0].image of Pod <p>");
}

#[test]
fn sarif_of_allowed_images_has_no_results_and_of_warnings_has_warnings() {
    let stage = stage();
    let log: Value = serde_json::from_str(&stage.check("-o sarif IMAGES/good:1").success()).expect("it is JSON");
    check_schema(&log);
    let run = &log["runs"][0];
    assert_eq!((&run["results"], &run["invocations"][0]["executionSuccessful"]), (&json!([]), &json!(true)));
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "shop");
    stage.write("policy.json", &stage.policy("shop", &json!({ "mode": "warn" })).to_string());
    let log: Value = serde_json::from_str(&stage.check("-o sarif IMAGES/bad:1").success()).expect("it is JSON");
    check_schema(&log);
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["level"], &result["ruleId"]), (&json!("warning"), &json!("shop")));
    let name = &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
    assert_eq!(*name, json!(stage.image("bad")));
}

#[test]
fn junit_has_a_test_case_for_each_image_with_the_reasons() {
    let stage = stage();
    let text = run(&stage, "junit");
    let document = Document::parse(&text).expect("it is XML");
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("name")), ("testsuites", Some("sealgate check")));
    let suite = root.children().find(Node::is_element).expect("there is a suite");
    for element in [root, suite] {
        let counts = ["tests", "failures", "errors"].map(|name| element.attribute(name));
        assert_eq!(counts, [Some("5"), Some("2"), Some("2")]);
    }
    let cases: Vec<Node<'_, '_>> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
    let outcome =
        |case: &Node<'_, '_>| case.first_element_child().expect("there is an outcome").tag_name().name().to_owned();
    let told: Vec<(String, String)> = cases
        .iter()
        .map(|case| {
            (
                case.attribute("name").unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned(),
                outcome(case),
            )
        })
        .collect();
    let wanted = [
        ("bad:1", "failure"),
        ("good:1", "system-out"),
        ("none:1", "error"),
        ("y:1", "failure"),
        ("more.yaml:8:1 can be read", "error"),
    ];
    assert_eq!(told, wanted.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())));
    let bad = &cases[0];
    assert_eq!((bad.attribute("file"), bad.attribute("line")), (Some("a & b/deploy <1>.yaml"), Some("6")));
    let failure = bad.first_element_child().expect("it failed");
    assert_eq!(failure.attribute("type"), Some("denied"));
    assert!(failure.attribute("message").is_some_and(|message| message.starts_with("failed policy: shop")));
    let text = failure.text().unwrap_or_default();
    assert!(text.contains("no signatures found"), "{text}");
    assert!(text.contains("at a & b/deploy <1>.yaml:9:12 spec.initContainers[0].image of Pod <p>"), "{text}");
}

#[test]
fn reports_of_nothing_are_reports() {
    let stage = stage();
    stage.write("config.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    let empty = |output: &str| stage.check(&format!("-o {output} --manifest config.yaml --allow-no-images")).success();
    check_schema(&serde_json::from_str(&empty("sarif")).expect("it is JSON"));
    let text = empty("junit");
    let document = Document::parse(&text).expect("it is XML");
    assert_eq!(document.root_element().attribute("tests"), Some("0"));
}
