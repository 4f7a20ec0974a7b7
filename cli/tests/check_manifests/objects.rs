//! Policies that are for some objects and not for others.

use serde_json::json;

use crate::stage::{Stage, objects};

/// A stage whose policy is for Deployments in production alone; everything else is let in.
fn stage() -> Stage {
    let stage = Stage::with_images();
    let about = |labels: serde_json::Value| json!([{ "group": "apps", "version": "v1", "resource": "deployments", "selector": labels }]);
    let production = json!({ "matchLabels": { "env": "production" } });
    let others = json!({ "matchExpressions": [{ "key": "env", "operator": "NotIn", "values": ["production"] }] });
    let strict = stage.policy("strict", &json!({ "match": about(production) }));
    let lax = json!({ "match": about(others), "authorities": [{ "static": { "action": "pass" } }] });
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [strict, stage.policy("lax", &lax)] });
    stage.write("policy.json", &list.to_string());
    stage
}

fn deployment(name: &str, env: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, labels: {{env: {env}}}}}\n\
         spec: {{template: {{metadata: {{labels: {{env: other}}}}, spec: {{containers: [{{image: \"IMAGES/bad:1\"}}]}}}}}}\n"
    )
}

#[test]
fn an_image_is_judged_once_for_all_objects_that_the_same_policies_are_for() {
    let stage = stage();
    let text = [("a", "test"), ("b", "production"), ("c", "test"), ("d", "production")].map(|(n, e)| deployment(n, e));
    let outcome = stage.check_input("--manifest - -o json", &text.concat());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, "error: 1 of 2 images denied\n"), "{}", outcome.stdout);
    let answers = objects(&outcome.stdout);
    let told: Vec<(String, Vec<String>)> = answers
        .iter()
        .map(|answer| {
            let places = answer["places"].as_array().expect("there are places").iter();
            let names = places.map(|place| place["object"]["name"].as_str().unwrap_or_default().to_owned());
            (answer["outcome"].as_str().unwrap_or_default().to_owned(), names.collect())
        })
        .collect();
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    assert_eq!(told, [("allow".to_owned(), names(["a", "c"])), ("deny".to_owned(), names(["b", "d"]))]);
}

#[test]
fn images_of_the_command_line_run_in_the_object_that_is_given() {
    let stage = stage();
    stage.write("test.yaml", &deployment("a", "test"));
    stage.write("production.yaml", &deployment("a", "production"));
    let kinds = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"labels\": {\"env\": \"test\"}}}";
    stage.write("pod.json", kinds);
    assert_eq!(stage.check("IMAGES/bad:1 --resource test.yaml").code, 0);
    assert_eq!(stage.check("IMAGES/bad:1 --resource production.yaml").code, 1);
    assert_eq!(stage.check("IMAGES/good:1 --resource production.yaml").code, 0);
    let pod = stage.check("IMAGES/bad:1 --resource pod.json");
    assert!(pod.code == 1 && pod.stdout.contains("no matching policies"), "{}", pod.stdout);
    let files = stage.check("IMAGES/good:1 --resource production.yaml --manifest test.yaml");
    assert_eq!(files.code, 0, "{}{}", files.stdout, files.stderr);
}

#[test]
fn object_that_cannot_be_read_is_no_object_and_no_yes() {
    let stage = stage();
    stage.write("two.yaml", &[deployment("a", "test"), deployment("b", "test")].concat());
    stage.write("broken.yaml", "a: [\n");
    stage.write("kindless.yaml", "apiVersion: v1\n");
    for (file, why) in [
        ("two.yaml", "two.yaml: line 1: 2 objects found, wanted one"),
        ("broken.yaml", "broken.yaml: line "),
        ("kindless.yaml", "kindless.yaml: line 1: kind: nothing found, wanted a text"),
        ("absent.yaml", "open absent.yaml: no such file or directory"),
    ] {
        let said = stage.check(&format!("IMAGES/good:1 --resource {file}")).failure(3);
        assert!(said.starts_with(&format!("error: {why}")), "{said}");
    }
    let said = stage.check("--manifest two.yaml --resource two.yaml").failure(2);
    assert!(said.contains("IMAGE"), "{said}");
}
