//! Kubernetes manifests and what Helm renders.

use workload::{At, Form, ManifestError, Object, PassedOver, Shape};

use super::{found as found_in, problems, read as read_in, refused as refused_in, told};

fn found(text: &str) -> Vec<String> {
    found_in(Form::Kubernetes, text)
}

#[track_caller]
fn refused(text: &str) -> ManifestError {
    refused_in(Form::Kubernetes, text)
}

const RENDERED: &str = r#"---
# Source: shop/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: cart
---
# Source: shop/templates/cart.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
  labels: {app: cart, replicas: 3}
spec:
  template:
    spec:
      initContainers:
      - name: migrate
        image: "a/migrate:1"
      containers:
      - {name: cart, image: a/cart:1}
      volumes:
      - name: model
        image: {reference: a/model:1}
---
# Source: shop/templates/job.yaml
apiVersion: batch/v1
kind: CronJob
metadata: {name: clean}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: a/cart:1}]}}}}}
"#;

#[test]
fn every_image_of_every_document_is_found_with_its_line_and_object() {
    let manifest = read_in(Form::Kubernetes, RENDERED);
    assert_eq!(manifest.problems, []);
    let wanted = [
        "22:29 spec.template.spec.containers[0].image a/cart:1",
        "20:16 spec.template.spec.initContainers[0].image a/migrate:1",
        "25:28 spec.template.spec.volumes[0].image.reference a/model:1",
        "31:77 spec.jobTemplate.spec.template.spec.containers[0].image a/cart:1",
    ];
    assert_eq!(told(&manifest), wanted);
    let object = manifest.mentions[0].object.as_deref().unwrap();
    assert_eq!((object.api_version(), object.kind()), ("apps/v1", "Deployment"));
    assert_eq!((object.namespace(), object.name()), ("shop", "cart"));
    assert_eq!(object.source.as_deref(), Some("shop/templates/cart.yaml"));
    assert_eq!(object.labels().into_iter().collect::<Vec<_>>(), [("app".to_owned(), "cart".to_owned())]);
    assert_eq!(manifest.passed_over, [PassedOver::Object { kind: "Service".to_owned() }]);
}

#[test]
fn lists_are_read_with_the_kind_that_they_give_their_members() {
    let own =
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: a\n";
    assert_eq!(found(own), ["8:14 spec.containers[0].image a"]);
    let typed =
        "apiVersion: apps/v1\nkind: DeploymentList\nitems: [{spec: {template: {spec: {containers: [{image: a}]}}}}]\n";
    assert_eq!(found(typed), ["3:56 spec.template.spec.containers[0].image a"]);
    let nested = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": \"PodList\",\n\
        \t\"items\": [{\"spec\": {\"containers\": [{\"image\": \"a\"}]}}]}]}";
    assert_eq!(found(nested).len(), 1);
    assert_eq!(found("apiVersion: v1\nkind: List\nitems: []\n"), [""; 0]);
}

#[test]
fn members_of_lists_are_not_hidden_by_another_spelling() {
    let pod = "{apiVersion: v1, kind: Pod, spec: {containers: [{image: a}]}}";
    for text in [
        format!("apiVersion: v1\nkind: List\nItems: [{pod}]\n"),
        format!("apiVersion: v1\nkind: List\nitems: []\nITEMS: [{pod}]\n"),
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}], InitContainers: [{image: b}]}\n".to_owned(),
    ] {
        assert!(matches!(refused(&text), ManifestError::Workload(_)), "{text}");
    }
    let list = "apiVersion: v1\nkind: List\nitems: {a: 1}\n";
    assert_eq!(refused(list).to_string(), "items: an object found, wanted a list");
}

#[test]
fn unknown_kinds_are_counted_and_those_that_run_images_are_said_not_to_be_understood() {
    let harmless = "apiVersion: v1\nkind: ConfigMap\ndata: {image: a, containers: b}\n---\napiVersion: x.example/v1\nkind: Own\nspec: {image: a}\n";
    let manifest = read_in(Form::Kubernetes, harmless);
    assert_eq!((manifest.problems.len(), manifest.passed_over.len()), (0, 2));
    let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec:\n  template:\n    spec:\n      containers:\n      - image: a\n";
    let manifest = read_in(Form::Kubernetes, rollout);
    let wanted = "7 spec.template.spec.containers[0].image: an image found, and `Rollout` of `argoproj.io/v1alpha1` is not understood";
    assert_eq!(problems(&manifest), [wanted]);
    for running in [
        "steps: [{image: a}]",
        "templates: [{container: {image: a}}]",
        "Containers: [{Image: a}]",
        "a: [[{initContainers: [{name: x}, {image: a}]}]]",
    ] {
        let text = format!("apiVersion: x.example/v1\nkind: Own\nspec: {{{running}}}\n");
        assert!(matches!(refused(&text), ManifestError::NotUnderstood { .. }), "{text}");
    }
    let old =
        "apiVersion: extensions/v1beta1\nkind: Deployment\nspec: {template: {spec: {containers: [{image: a}]}}}\n";
    assert!(matches!(refused(old), ManifestError::NotUnderstood { .. }));
}

#[test]
fn what_cannot_be_read_is_placed_and_does_not_hide_the_next_document() {
    let text = "apiVersion: v1\nkind: Pod\nspec: {containers: [}\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: 7\n---\n- a\n---\napiVersion: v1\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}]}\n";
    let manifest = read_in(Form::Kubernetes, text);
    let told_problems = problems(&manifest);
    assert_eq!(told_problems.len(), 4, "{told_problems:?}");
    assert!(told_problems[0].starts_with("3 "), "{told_problems:?}");
    assert_eq!(told_problems[1], "9 spec.containers[0].image: a number found, wanted a text");
    assert_eq!(told_problems[2], "11 document: a list found, wanted an object");
    assert_eq!(told_problems[3], "13 kind: nothing found, wanted a text");
    assert_eq!(told(&manifest), ["17:29 spec.containers[0].image a"]);
}

#[test]
fn line_ends_that_hide_an_object_from_some_parsers_are_refused() {
    for end in ["\r", "\u{85}", "\u{2028}", "\u{2029}"] {
        // to kubectl's parser the comment ends there, and a pod begins
        let hidden = format!("# x{end}apiVersion: v1{end}kind: Pod{end}spec: {{containers: [{{image: a}}]}}\n");
        assert!(matches!(refused(&hidden), ManifestError::Yaml(why) if why.contains("line end")), "{end:?}");
    }
}

#[test]
fn keys_that_stand_twice_and_foreign_tags_are_refused() {
    for body in ["image: a, image: b", "image: !vault a", "\"image\": a, image: b"] {
        let text = format!("apiVersion: v1\nkind: Pod\nspec: {{containers: [{{{body}}}]}}\n");
        assert!(matches!(refused(&text), ManifestError::Yaml(_)), "{text}");
    }
}

#[test]
fn anchors_are_followed() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {i: &i a/b:1}}\nspec:\n  containers:\n  - &c {image: *i}\n  - *c\n  - {<<: *c, name: x}\n";
    let images: Vec<String> = found(text).iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(images, ["a/b:1", "a/b:1", "a/b:1"]);
}

#[test]
fn one_object_is_wanted_where_one_is() {
    let pod = "# Source: x\napiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\nspec: {}\n";
    let object = Object::read(pod).unwrap();
    assert_eq!((object.kind(), object.name(), object.value["spec"].is_object()), ("Pod", "p", true));
    let two = format!("{pod}---\n{pod}");
    assert_eq!(Object::read(&two).unwrap_err().why, ManifestError::NotOne { found: 2 });
    assert_eq!(Object::read("# nothing\n").unwrap_err().why, ManifestError::NotOne { found: 0 });
    let kindless = Object::read("\n\napiVersion: v1\n").unwrap_err();
    let (path, wanted, found) = ("kind".to_owned(), Shape::Text, Shape::Nothing);
    assert_eq!(
        (kindless.why, kindless.at),
        (ManifestError::WrongType { path, wanted, found }, At { line: 3, column: 1 })
    );
    assert!(matches!(Object::read("a: [").unwrap_err().why, ManifestError::Yaml(_)));
}
