//! `policy.json`: scopes, and requirements that are not signatures.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use policy::import::{ContainerPolicy, ImportError, Imported, container_policy};

use crate::{
    loading::{admits_signed, load, places, says},
    writing::key,
};

fn import(text: &str) -> Imported {
    let files = BTreeMap::new();
    let source = ContainerPolicy { name: "policy.json", text, files: &files, registries: None };
    container_policy(&source).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(text: &str) -> ImportError {
    let files = BTreeMap::new();
    let source = ContainerPolicy { name: "policy.json", text, files: &files, registries: None };
    container_policy(&source).expect_err("it does not parse")
}

fn signed(key: &PrivateKey) -> String {
    format!(
        r#"{{"type": "sigstoreSigned", "keyData": "{}", "signedIdentity": {{"type": "matchRepository"}}}}"#,
        BASE64_STANDARD.encode(key.public().to_pem())
    )
}

fn with_default(default: &str, scopes: &[(&str, &str)]) -> String {
    let scopes: Vec<String> = scopes.iter().map(|(scope, list)| format!("\"{scope}\": [{list}]")).collect();
    format!(r#"{{"default": [{default}], "transports": {{"docker": {{{}}}}}}}"#, scopes.join(", "))
}

const REJECT: &str = r#"{"type": "reject"}"#;
const ACCEPT: &str = r#"{"type": "insecureAcceptAnything"}"#;

#[test]
fn a_key_for_a_repository_lets_in_what_it_signed_there_and_nothing_else() {
    let (key, other) = (key(), key());
    let imported = import(&with_default(REJECT, &[("docker.io/acme/app", &signed(&key))]));
    let set = load(&imported);
    for (name, by, wanted) in [
        ("acme/app", vec![&key], true),
        ("acme/app/part", vec![&key], true),
        ("acme/app", vec![], false),
        ("acme/app", vec![&other], false),
        ("acme/app-evil", vec![&key], false),
        ("ghcr.io/acme/app", vec![&key], false),
    ] {
        assert_eq!(admits_signed(&set, name, &by), wanted, "{name} {}", by.len());
    }
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    assert!(imported.documents[0].starts_with("# note: policy.json: transports.docker"), "{}", imported.documents[0]);
    assert!(imported.remarks[0].what.contains("an ImagePolicy"), "{:?}", imported.remarks);
}

#[test]
fn accepting_anything_becomes_a_pass_and_is_remarked() {
    let imported = import(&with_default(ACCEPT, &[]));
    assert!(admits_signed(&load(&imported), "any.example/x", &[]));
    assert!(imported.unsaid.is_empty());
    assert!(imported.remarks[0].what.contains("static: pass"), "{:?}", imported.remarks);
}

#[test]
fn rejecting_everything_is_a_policy_that_refuses() {
    let imported = import(&with_default(REJECT, &[]));
    assert!(!admits_signed(&load(&imported), "any.example/x", &[]));
    assert!(imported.unsaid.is_empty());
}

#[test]
fn within_what_is_accepted_a_scope_may_ask_or_reject() {
    let key = key();
    let scopes = [("docker.io/acme", signed(&key)), ("docker.io/evil", REJECT.to_owned())];
    let scopes: Vec<(&str, &str)> = scopes.iter().map(|(scope, list)| (*scope, list.as_str())).collect();
    let imported = import(&with_default(ACCEPT, &scopes));
    let set = load(&imported);
    assert!(admits_signed(&set, "docker.io/library/busybox", &[]));
    assert!(admits_signed(&set, "docker.io/acme/app", &[&key]));
    assert!(!admits_signed(&set, "docker.io/acme/app", &[]));
    assert!(!admits_signed(&set, "docker.io/evil/app", &[&key]));
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
}

#[test]
fn all_requirements_of_a_scope_are_met() {
    let (one, other) = (key(), key());
    let both = format!("{}, {}, {ACCEPT}", signed(&one), signed(&other));
    let set = load(&import(&with_default(REJECT, &[("ghcr.io/acme", &both)])));
    assert!(admits_signed(&set, "ghcr.io/acme/app", &[&one, &other]));
    assert!(!admits_signed(&set, "ghcr.io/acme/app", &[&one]));
    assert!(!admits_signed(&set, "ghcr.io/acme/app", &[&other]));
}

#[test]
fn a_more_specific_scope_is_asked_beside_the_wider_one_and_told_of() {
    let (wide, narrow) = (key(), key());
    let scopes = [("ghcr.io", signed(&wide)), ("ghcr.io/acme", signed(&narrow)), ("ghcr.io/free", ACCEPT.to_owned())];
    let scopes: Vec<(&str, &str)> = scopes.iter().map(|(scope, list)| (*scope, list.as_str())).collect();
    let imported = import(&with_default(REJECT, &scopes));
    let set = load(&imported);
    assert!(admits_signed(&set, "ghcr.io/else/x", &[&wide]));
    assert!(admits_signed(&set, "ghcr.io/acme/x", &[&wide, &narrow]));
    assert!(!admits_signed(&set, "ghcr.io/acme/x", &[&narrow]));
    assert!(!admits_signed(&set, "ghcr.io/acme/x", &[&wide]), "never looser than the specific one");
    assert!(!admits_signed(&set, "ghcr.io/free/x", &[]));
    for scope in ["ghcr.io/acme", "ghcr.io/free"] {
        let place = format!("policy.json: transports.docker[\"{scope}\"]");
        assert!(places(&imported).contains(&place.as_str()), "{place}: {:?}", imported.unsaid);
    }
}

#[test]
fn what_is_rejected_between_two_that_accept_is_never_let_in() {
    let scopes = [("ghcr.io", REJECT), ("ghcr.io/acme", ACCEPT)];
    let imported = import(&with_default(ACCEPT, &scopes));
    let set = load(&imported);
    assert!(!admits_signed(&set, "ghcr.io/x", &[]));
    assert!(!admits_signed(&set, "ghcr.io/acme/x", &[]));
    assert!(says(&imported, "both are asked"));
    let unopposed = load(&import(&with_default(REJECT, &scopes)));
    assert!(admits_signed(&unopposed, "ghcr.io/acme/x", &[]));
    assert!(!admits_signed(&unopposed, "ghcr.io/x", &[]));
}

#[test]
fn what_is_rejected_by_another_digest_than_sha256_is_rejected_with_its_repository() {
    let (sha512, sha256) = ("5".repeat(128), "5".repeat(64));
    for (scope, whole) in
        [(format!("ghcr.io/acme/app@sha512:{sha512}"), true), (format!("ghcr.io/acme/app@sha256:{sha256}"), false)]
    {
        let imported = import(&with_default(ACCEPT, &[(&scope, REJECT)]));
        let set = load(&imported);
        assert_eq!(admits_signed(&set, "ghcr.io/acme/app", &[]), !whole, "{scope}");
        assert!(admits_signed(&set, "ghcr.io/acme/other", &[]), "{scope}");
        assert_eq!(says(&imported, "all tags"), whole, "{scope}");
    }
    let accepted = import(&with_default(REJECT, &[(&format!("ghcr.io/acme/app@sha512:{sha512}"), ACCEPT)]));
    assert!(!admits_signed(&load(&accepted), "ghcr.io/acme/app", &[]));
    assert!(says(&accepted, "the image is refused"));
}

#[test]
fn a_tag_is_never_let_in_for_another() {
    let key = key();
    let scope = "ghcr.io/acme/app:1.2";
    let imported = import(&with_default(REJECT, &[(scope, &signed(&key))]));
    assert!(!admits_signed(&load(&imported), "ghcr.io/acme/app:1.2", &[&key]));
    assert!(says(&imported, "a tag selects no policy"));
    let accepted = import(&with_default(REJECT, &[(scope, ACCEPT), ("ghcr.io/acme", &signed(&key))]));
    assert!(!admits_signed(&load(&accepted), "ghcr.io/acme/app:1.2", &[]));
    assert!(admits_signed(&load(&accepted), "ghcr.io/acme/app:1.2", &[&key]));
    for list in [REJECT, signed(&key).as_str()] {
        let asked = import(&with_default(ACCEPT, &[(scope, list)]));
        assert!(!admits_signed(&load(&asked), "ghcr.io/acme/app:2", &[]), "{list}");
        assert!(says(&asked, "all tags"));
    }
    let nothing = import(&with_default(REJECT, &[(scope, REJECT)]));
    assert!(nothing.unsaid.is_empty());
}

#[test]
fn subdomains_and_digests_are_scopes_too() {
    let digest = crate::writing::image().digest().to_string();
    let set = load(&import(&with_default(
        REJECT,
        &[("*.example.com", ACCEPT), (&format!("ghcr.io/acme/app@{digest}"), ACCEPT)],
    )));
    assert!(admits_signed(&set, "a.b.example.com/x", &[]));
    assert!(!admits_signed(&set, "example.com/x", &[]));
    assert!(admits_signed(&set, "ghcr.io/acme/app", &[]));
    assert!(!admits_signed(&set, "ghcr.io/acme/other", &[]));
}

#[test]
fn signatures_by_gpg_are_refused_and_told_of() {
    let imported = import(&with_default(
        REJECT,
        &[("ghcr.io/acme", r#"{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/pki/key"}"#)],
    ));
    assert!(!admits_signed(&load(&imported), "ghcr.io/acme/x", &[&key()]));
    assert!(says(&imported, "GPG"));
}

#[test]
fn other_transports_are_told_of() {
    let text = format!(
        r#"{{"default": [{REJECT}], "transports": {{"dir": {{"": [{ACCEPT}]}}, "oci": {{"/x": [{REJECT}]}}}}}}"#
    );
    let imported = import(&text);
    assert_eq!(places(&imported), ["policy.json: transports.oci"]);
    assert!(imported.remarks.iter().any(|remark| remark.place == "policy.json: transports.dir"));
}

#[test]
fn the_transports_own_default_comes_before_the_global_one() {
    let set = load(&import(&with_default(ACCEPT, &[("", REJECT)])));
    assert!(!admits_signed(&set, "ghcr.io/x/y", &[]));
}

#[test]
fn a_scope_that_matches_nothing_here_is_told_of() {
    let imported = import(&with_default(REJECT, &[("example*.*.com", ACCEPT)]));
    assert!(!admits_signed(&load(&imported), "example1.a.com/x", &[]));
    assert!(says(&imported, "matches no image"));
}

#[test]
fn docker_hub_by_its_name_here_is_no_scope_there() {
    for scope in ["index.docker.io", "index.docker.io/acme", "index.docker.io/acme/app"] {
        let imported = import(&with_default(REJECT, &[(scope, ACCEPT)]));
        assert!(!admits_signed(&load(&imported), "acme/app", &[]), "{scope}");
        assert!(says(&imported, "matches no image"), "{scope}");
    }
}

#[test]
fn subdomains_of_docker_hub_are_never_let_in_for_want_of_a_glob() {
    let rejected = import(&with_default(ACCEPT, &[("*.docker.io", REJECT)]));
    assert!(!admits_signed(&load(&rejected), "sub.docker.io/x/y", &[]));
    assert!(admits_signed(&load(&rejected), "quay.io/x/y", &[]));
    let accepted = import(&with_default(REJECT, &[("*.docker.io", ACCEPT)]));
    assert!(!admits_signed(&load(&accepted), "acme/app", &[]), "Docker Hub is not among them there");
    assert!(says(&rejected, "Docker Hub") && says(&accepted, "Docker Hub"));
}

#[test]
fn what_the_format_does_not_know_is_no_policy() {
    for text in [
        "{}",
        "[]",
        "{\"default\": []}",
        "{\"default\": [{}]}",
        "{\"default\": [{\"type\": \"signedBaseLayer\"}]}",
        "{\"default\": [{\"type\": \"reject\", \"keyPath\": \"x\"}]}",
        "{\"default\": [{\"type\": \"reject\"}], \"other\": 1}",
        "{\"default\": [{\"type\": \"reject\"}], \"default\": [{\"type\": \"insecureAcceptAnything\"}]}",
        "{\"default\": [{\"type\": \"reject\"}], \"transports\": {\"docker\": {\"a.b/c\": []}}}",
        "{",
    ] {
        let _: ImportError = refused(text);
    }
}
