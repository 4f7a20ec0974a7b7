//! A chart as Helm renders it: 40 images of which 30 are distinct.

use std::collections::BTreeMap;

use peers::Outcome;

use crate::stage::{PROGRAM, Stage, objects};

/// Twenty Deployments with two containers each, and what else charts are made of.
fn rendered() -> String {
    let mut text =
        String::from("---\n# Source: shop/templates/config.yaml\napiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n");
    for i in 0..20 {
        let (one, other) = (2 * i % 30, (2 * i + 1) % 30);
        text += &format!(
            "---\n# Source: shop/templates/deploy-{i}.yaml\napiVersion: apps/v1\nkind: Deployment\n\
             metadata:\n  name: d{i}\n  namespace: shop\nspec:\n  replicas: 1\n  template:\n    spec:\n      \
             containers:\n      - name: one\n        image: \"IMAGES/i{one}:1\"\n      - name: other\n        \
             image: IMAGES/i{other}:1\n"
        );
    }
    text
}

/// Thirty images: the first ten signed in one format, the next ten in the other, and five in this one.
fn stage(flags: &[&str], last: &str) -> Stage {
    let stage = Stage::beside(flags);
    let names: Vec<String> = (0..30).map(|i| format!("i{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.push(&names);
    stage.sign(&names[..10], &[]);
    stage.sign(&names[10..20], &["--format", "legacy"]);
    stage.sign(&names[20..25], &["--format", last]);
    stage
}

/// Checks the chart, of which each image may cost so many requests.
fn checked(stage: &Stage, most: usize) -> Outcome {
    let before = stage.registry.requests().len();
    let outcome = stage.check_input("--manifest - -o json", &rendered());
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert_eq!(outcome.stderr, "error: 5 of 30 images denied\n");
    let mut by_image: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in stage.registry.requests().split_off(before) {
        let repository = request.split("/v2/shop/").nth(1).and_then(|rest| rest.split('/').next());
        by_image.entry(repository.unwrap_or_default().to_owned()).or_default().push(request);
    }
    let shared = by_image.remove("").unwrap_or_default();
    assert!(shared.len() <= 1, "{shared:#?}");
    assert_eq!(by_image.len(), 30);
    for (image, requests) in &by_image {
        assert!(requests.len() <= most, "{image}: {requests:#?}");
        assert!(requests.iter().any(|request| request.contains("/manifests/1 ")), "{image}: {requests:#?}");
    }
    outcome
}

#[test]
fn chart_of_40_images_costs_at_most_six_requests_for_each_distinct_one() {
    let outcome = checked(&stage(&[], "both"), 6);
    let answers = objects(&outcome.stdout);
    let places = |answer: &serde_json::Value| answer["places"].as_array().map_or(0, Vec::len);
    assert_eq!((answers.len(), answers.iter().map(places).sum::<usize>()), (30, 40));
    let outcomes = |wanted: &str| answers.iter().filter(|answer| answer["outcome"] == wanted).count();
    assert_eq!((outcomes("allow"), outcomes("deny")), (25, 5));
    let twice = answers.iter().find(|answer| places(answer) == 2).expect("ten images stand there twice");
    let place = &twice["places"][0];
    assert_eq!(place["file"], "stdin");
    assert_eq!(place["source"], "shop/templates/deploy-0.yaml");
    assert_eq!(place["path"], "spec.template.spec.containers[0].image");
    assert_eq!((&place["line"], &place["column"]), (&serde_json::json!(19), &serde_json::json!(16)));
    let object = serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "d0"});
    assert_eq!(place["object"], object);
}

#[test]
fn registry_without_referrers_costs_one_request_more_for_images_signed_in_both_formats() {
    let flags = ["--no-referrers"];
    let _ = checked(&stage(&flags, "bundle"), 6);
    let _ = checked(&stage(&flags, "both"), 7);
}

#[test]
fn progress_is_shown_on_a_terminal_and_nowhere_else() {
    let stage = Stage::with_images();
    stage.write("pod.yaml", &crate::stage::pod(&["IMAGES/good:1", "IMAGES/bad:1"]));
    let piped = stage.check("--manifest pod.yaml");
    assert!(!piped.stderr.contains("/2 images") && !piped.stderr.contains('\u{1b}'), "{}", piped.stderr);
    let mut sealgate = stage.sealgate;
    sealgate.client_mut().set("TERM", "xterm");
    let command = format!("{PROGRAM} check --policy policy.json --manifest pod.yaml");
    let outcome = sealgate.client().run("script", ["-qec", &command, "/dev/null"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("/2 images "), "{:?}", outcome.stdout);
    assert!(outcome.stdout.contains("1 of 2 images denied"), "{:?}", outcome.stdout);
}

#[test]
fn one_job_at_a_time_gives_the_same_answers() {
    let stage = Stage::with_images();
    stage.write("pod.yaml", &crate::stage::pod(&["IMAGES/bad:1", "IMAGES/good:1", "IMAGES/none:1"]));
    let [one, many] = ["1", "64"].map(|jobs| stage.check(&format!("--manifest pod.yaml --jobs {jobs}")));
    assert_eq!((one.code, &one.stdout), (3, &many.stdout));
    assert_eq!(one.stderr, "error: 1 of 3 images denied, 1 undecided\n");
    assert!(stage.check("--manifest pod.yaml --jobs 0").failure(2).contains("--jobs"));
}
