//! Which form a file has, and how large it may be.

use workload::{At, Form, MAX_BYTES, ManifestError, Problem};

use super::read;

#[test]
fn name_says_the_form_where_it_can() {
    let cases = [
        ("Dockerfile", Some(Form::Dockerfile)),
        ("Dockerfile.web", Some(Form::Dockerfile)),
        ("web.dockerfile", Some(Form::Dockerfile)),
        ("Containerfile", Some(Form::Dockerfile)),
        ("compose.yaml", Some(Form::Compose)),
        ("docker-compose.override.yml", Some(Form::Compose)),
        ("dockerfile.yaml", None),
        ("deploy.yaml", None),
        ("composer.json", None),
        ("README", None),
    ];
    for (name, form) in cases {
        assert_eq!(Form::of_name(name), form, "{name}");
    }
}

#[test]
fn content_says_the_form_where_the_name_does_not() {
    let cases = [
        ("apiVersion: v1\nkind: Pod\n", Some(Form::Kubernetes)),
        ("# Source: x\n---\n\n# y\nkind: Pod\napiVersion: v1\n", Some(Form::Kubernetes)),
        ("{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}", Some(Form::Kubernetes)),
        ("", Some(Form::Kubernetes)),
        ("---\n# nothing\n---\n", Some(Form::Kubernetes)),
        ("name: x\nservices:\n  a: {image: b}\n", Some(Form::Compose)),
        ("x-services: 1\nservices :\n", Some(Form::Compose)),
        ("# syntax=a\nARG X=1\nfrom a\n", Some(Form::Dockerfile)),
        ("replicas: 3\nimage: a\n", None),
        ("  apiVersion: v1\n", None),
        ("hello\n", None),
    ];
    for (text, form) in cases {
        assert_eq!(Form::of_text(text), form, "{text}");
    }
}

#[test]
fn file_of_another_form_is_a_problem_and_never_one_without_images() {
    let texts =
        ["apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}]}\n", "services: {a: {image: b}}\n", "FROM a\n"];
    for (i, form) in [Form::Kubernetes, Form::Compose, Form::Dockerfile].into_iter().enumerate() {
        for (j, text) in texts.into_iter().enumerate() {
            let manifest = read(form, text);
            assert_eq!(manifest.problems.is_empty(), i == j, "{form:?} {text} {manifest:?}");
            assert_eq!(manifest.mentions.len(), usize::from(i == j), "{form:?} {text} {manifest:?}");
        }
    }
}

#[test]
fn larger_files_than_anybody_writes_are_refused() {
    let text = "#".repeat(MAX_BYTES + 1);
    for form in [Form::Kubernetes, Form::Compose, Form::Dockerfile] {
        let why = ManifestError::TooLarge { found: MAX_BYTES + 1 };
        assert_eq!(read(form, &text).problems, [Problem { at: At::START, why }]);
    }
    let many = "---\na: 1\n".repeat(10_001);
    let found = read(Form::Kubernetes, &many).problems;
    assert!(matches!(found[..], [Problem { why: ManifestError::TooManyDocuments { .. }, .. }]), "{found:?}");
}

#[test]
fn bombs_are_refused() {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let ten = format!("*a{}, ", i - 1).repeat(10);
        aliases += &format!("a{i}: &a{i} [{ten}]\n");
    }
    let deep = format!("a: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    for text in [aliases, deep] {
        for form in [Form::Kubernetes, Form::Compose] {
            let found = read(form, &text).problems;
            assert!(matches!(found[..], [Problem { why: ManifestError::Yaml(_), .. }]), "{found:?}");
        }
    }
}

#[test]
fn more_images_than_anybody_names_are_refused_and_values_do_not_grow() {
    let pod = format!("apiVersion: v1\nkind: Pod\nspec: {{containers: [{}]}}\n", "{image: a}, ".repeat(10_001));
    let stages = "FROM a\n".repeat(1_001);
    for (form, text) in [(Form::Kubernetes, &pod), (Form::Dockerfile, &stages)] {
        let found = read(form, text).problems;
        assert!(matches!(found[..], [Problem { why: ManifestError::TooManyImages { .. }, .. }]), "{found:?}");
    }
    let grown = format!("ARG A=xxxxxxxx\n{}FROM $A\n", "ARG A=$A$A\n".repeat(64));
    let found = read(Form::Dockerfile, &grown).problems;
    assert!(matches!(found[..], [Problem { why: ManifestError::Substitution(_), .. }]), "{found:?}");
    let many = "FROM a AS b\nCOPY --from=b / /\n".repeat(50_000);
    assert!(!read(Form::Dockerfile, &many).problems.is_empty());
}
