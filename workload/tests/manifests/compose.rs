//! Compose files.

use workload::{Form, ManifestError, PassedOver};

use super::{found as found_in, problems, read as read_in, refused as refused_in, told};

fn found(text: &str) -> Vec<String> {
    found_in(Form::Compose, text)
}

#[track_caller]
fn refused(text: &str) -> ManifestError {
    refused_in(Form::Compose, text)
}

#[test]
fn image_of_every_service_is_found() {
    let text = "x-base: &base\n  image: a/base:1\nservices:\n  web:\n    image: a/web:${TAG:-1.2}\n  cart:\n    <<: *base\n    restart: always\n  db:\n    <<: *base\n    image: a/db:$$x\n    build: .\n  twin: {extends: {service: web}}\n";
    let images: Vec<String> = found(text).iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    let wanted = ["services.web.image a/web:1.2", "services.cart.image a/base:1", "services.db.image a/db:$x"];
    assert_eq!(images, wanted);
    assert!(found(text)[0].starts_with("5:12 "), "{:?}", found(text));
}

#[test]
fn image_volumes_and_contexts_of_builds_are_found() {
    let text = "services:\n  a:\n    image: x\n    volumes:\n    - ./data:/data\n    - {type: image, source: v, target: /y}\n    build:\n      context: .\n      additional_contexts: {base: \"docker-image://z:${V:-1}\", here: ../here}\n  b:\n    build: {additional_contexts: [\"q=docker-image://w\"]}\n";
    let wanted = [
        "3:12 services.a.image x",
        "9:35 services.a.build.additional_contexts.base z:1",
        "6:29 services.a.volumes[1].source v",
        "11:35 services.b.build.additional_contexts.q w",
    ];
    assert_eq!(found(text), wanted);
}

#[test]
fn built_services_are_said_and_what_is_built_in_the_file_is_read() {
    let text = "services:\n  a:\n    build: ./a\n  b:\n    build:\n      args: {BASE: c}\n      dockerfile_inline: |\n        ARG BASE=x\n        FROM $$BASE\n        COPY --from=d /x /x\n";
    let manifest = read_in(Form::Compose, text);
    assert_eq!(manifest.problems, []);
    let built = |service: &str| PassedOver::Built { service: service.to_owned() };
    assert_eq!(manifest.passed_over, [built("a"), built("b")]);
    let path = "services.b.build.dockerfile_inline";
    assert_eq!(told(&manifest), [format!("8:9 {path}: FROM c"), format!("8:9 {path}: COPY --from d")]);
    let from_outside = text.replace("{BASE: c}", "[BASE]");
    assert_eq!(refused(&from_outside), ManifestError::Unset("BASE".to_owned()));
}

#[test]
fn variable_without_a_default_is_refused_by_name() {
    for (image, name) in
        [("a:$TAG", "TAG"), ("${REGISTRY}/a:${TAG:-1}", "REGISTRY"), ("a${X:+-debug}", "X"), ("${A:?no}", "A")]
    {
        let text = format!("services: {{a: {{image: \"{image}\"}}}}\n");
        assert_eq!(refused(&text), ManifestError::Unset(name.to_owned()), "{image}");
    }
    assert!(matches!(refused("services: {a: {image: \"a:${X/y/z}\"}}\n"), ManifestError::Substitution(_)));
}

#[test]
fn services_of_other_files_are_a_problem() {
    let text = "include: [other.yaml]\nservices:\n  a: {extends: {file: other.yaml, service: x}}\n  b: {image: c}\n";
    let manifest = read_in(Form::Compose, text);
    let wanted = [
        "1 include: services of another file found, which is not read",
        "3 services.a.extends.file: services of another file found, which is not read",
    ];
    assert_eq!(problems(&manifest), wanted);
    assert_eq!(told(&manifest).len(), 1);
}

#[test]
fn service_that_runs_nothing_known_is_refused() {
    for text in [
        "services: {a: {}}\n",
        "services: {a: {image: ~}}\n",
        "services: {a: {image: \"\"}}\n",
        "services: {a: {image: \"${X:-}\"}}\n",
        "services: {a: {Image: x}}\n",
    ] {
        assert!(matches!(refused(text), ManifestError::NoImage { .. }), "{text}");
    }
    for text in [
        "services: {a: x}\n",
        "services: {a: {image: 1}}\n",
        "services: [a]\n",
        "a: b\n",
        "services: {a: {image: [b]}}\n",
    ] {
        assert!(matches!(refused(text), ManifestError::WrongType { .. }), "{text}");
    }
}
