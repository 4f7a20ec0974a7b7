//! Every form of file, by itself, in folders and beside images of the command line.

use crate::stage::{Stage, objects, pod};

/// `file:line image` of each place.
fn places(stage: &Stage, line: &str, code: i32) -> Vec<String> {
    let outcome = stage.check(&format!("-o json {line}"));
    assert_eq!(outcome.code, code, "{}{}", outcome.stdout, outcome.stderr);
    let mut told = Vec::new();
    for answer in objects(&outcome.stdout) {
        let image = answer["image"].as_str().unwrap_or("unread").rsplit('/').next().map(str::to_owned);
        for place in answer["places"].as_array().into_iter().flatten() {
            let file = place["file"].as_str().unwrap_or_default();
            told.push(format!("{file}:{} {}", place["line"], image.clone().unwrap_or_default()));
        }
    }
    told.sort();
    told
}

const COMPOSE: &str = "services:\n  web:\n    image: IMAGES/good:${TAG:-1}\n  own:\n    build: .\n";
const DOCKERFILE: &str = "ARG BASE=IMAGES/bad:1\nFROM $BASE AS build\nRUN <<EOF\nFROM hidden\nEOF\nFROM scratch\nCOPY --from=build /a /a\nCOPY --from=IMAGES/good:1 /b /b\n";

#[test]
fn each_form_is_known_by_name_or_content() {
    let stage = Stage::with_images();
    stage.write("compose.yaml", COMPOSE);
    stage.write("services.yml", COMPOSE);
    stage.write("Dockerfile", DOCKERFILE);
    stage.write("recipe.txt", DOCKERFILE);
    stage.write(
        "pod.json",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [{\"image\": \"IMAGES/good:1\"}]}}",
    );
    assert_eq!(places(&stage, "--manifest compose.yaml", 0), ["compose.yaml:3 good:1"]);
    assert_eq!(places(&stage, "--manifest services.yml", 0), ["services.yml:3 good:1"]);
    assert_eq!(places(&stage, "--manifest pod.json", 0), ["pod.json:1 good:1"]);
    assert_eq!(places(&stage, "--manifest Dockerfile", 1), ["Dockerfile:2 bad:1", "Dockerfile:8 good:1"]);
    assert_eq!(places(&stage, "--manifest recipe.txt", 1), ["recipe.txt:2 bad:1", "recipe.txt:8 good:1"]);
    let given = "--manifest Dockerfile --build-arg BASE=IMAGES/good:1";
    assert_eq!(places(&stage, given, 0), ["Dockerfile:2 good:1", "Dockerfile:8 good:1"]);
    let said = stage.check("--manifest compose.yaml");
    assert!(said.stderr.starts_with("note: service own is built"), "{}", said.stderr);
}

#[test]
fn form_that_is_given_counts_and_not_the_name() {
    let stage = Stage::with_images();
    stage.write("Dockerfile", &pod(&["IMAGES/good:1"]));
    assert_eq!(places(&stage, "--manifest Dockerfile --manifest-kind kubernetes", 0), ["Dockerfile:6 good:1"]);
    assert_eq!(stage.check("--manifest Dockerfile").code, 3);
}

#[test]
fn folders_are_read_with_the_folders_in_them_but_nothing_hidden() {
    let stage = Stage::with_images();
    let all = [
        ("a.yaml", true),
        ("sub/deep/b.yml", true),
        ("sub/c.json", true),
        (".hidden.yaml", false),
        (".git/d.yaml", false),
        ("e.txt", false),
    ];
    for (name, _) in all {
        stage.write(&format!("all/{name}"), &pod(&["IMAGES/good:1"]));
    }
    stage.write("all/sub/Dockerfile.web", "FROM IMAGES/good:1\n");
    let wanted = [
        "all/a.yaml:6 good:1",
        "all/sub/Dockerfile.web:1 good:1",
        "all/sub/c.json:6 good:1",
        "all/sub/deep/b.yml:6 good:1",
    ];
    assert_eq!(places(&stage, "--manifest all", 0), wanted);
}

#[test]
fn files_and_images_are_asked_about_together_and_each_image_once() {
    let stage = Stage::with_images();
    stage.write("Dockerfile", "FROM IMAGES/good:1\n");
    stage.write("compose.yaml", "services: {a: {image: \"IMAGES/good:1\"}}\n");
    let outcome = stage.check("IMAGES/good:1 IMAGES/good:1 --manifest Dockerfile --manifest compose.yaml");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(lines[0].starts_with("allowed    ") && lines[1].contains("policy shop: signed by key"), "{lines:?}");
    assert_eq!(lines[2..], ["           at Dockerfile:1:6 FROM", "           at compose.yaml:1:23 services.a.image"]);
}

#[test]
fn what_is_passed_over_is_counted_where_that_is_asked_for() {
    let stage = Stage::with_images();
    let more =
        "---\napiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: Secret\n---\napiVersion: v1\nkind: Service\n";
    stage.write("pod.yaml", &format!("{}{more}", pod(&["IMAGES/good:1"])));
    assert_eq!(stage.check("--manifest pod.yaml").stderr, "");
    assert_eq!(stage.check("--manifest pod.yaml -v").stderr, "passed over: 1 Secret, 2 Service\n");
}
