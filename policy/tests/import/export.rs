//! Ours as `policy.json`, and back.

use std::collections::BTreeMap;

use oci::Digest;
use policy::{
    PolicySet,
    import::{ContainerPolicy, container_policy, export, export::Exported},
};
use serde_json::{Value, json};

use crate::{
    loading::{admits_signed, load},
    writing::{by_key, document, key, no_match, set},
};

const PASS: &str = "{static: {action: pass}}";
const FAIL: &str = "{static: {action: fail}}";

fn policy(name: &str, globs: &[&str], authorities: &str) -> String {
    let globs: Vec<String> = globs.iter().map(|glob| format!("{{glob: '{glob}'}}")).collect();
    document(name, &format!("images: [{}], authorities: [{authorities}]", globs.join(", ")))
}

fn export(documents: &[String]) -> (Exported, Value) {
    let exported = export::container_policy(&set(documents));
    let value = serde_json::from_str(&exported.text).expect("it is JSON");
    (exported, value)
}

/// What comes back when the export is imported.
fn back(exported: &Exported) -> PolicySet {
    let files = BTreeMap::new();
    let text = exported.text.as_str();
    let source = ContainerPolicy { name: "policy.json", text, files: &files, registries: None };
    load(&container_policy(&source).unwrap_or_else(|e| panic!("{e}")))
}

fn types(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|one| one["type"].as_str().expect("a type")).collect()
}

#[test]
fn a_key_for_a_repository_is_a_scope_that_asks_for_its_signature() {
    let key = key();
    let globs = ["ghcr.io/acme/app@*", "ghcr.io/acme/app/**"];
    let (exported, value) = export(&[policy("p", &globs, &by_key(&key, ""))]);
    assert!(exported.unsaid.is_empty(), "{:?}", exported.unsaid);
    assert_eq!(types(&value["default"]), ["reject"]);
    let asked = &value["transports"]["docker"]["ghcr.io/acme/app"][0];
    assert_eq!(asked["type"], "sigstoreSigned");
    assert_eq!(asked["signedIdentity"], json!({"type": "matchRepository"}));
    assert!(exported.remarks.iter().any(|remark| remark.what.contains("use-sigstore-attachments")));
    let set = back(&exported);
    assert!(admits_signed(&set, "ghcr.io/acme/app", &[&key]));
    assert!(!admits_signed(&set, "ghcr.io/acme/app", &[]));
    assert!(!admits_signed(&set, "ghcr.io/acme/other", &[&key]));
}

#[test]
fn globs_of_which_a_scope_says_the_same_are_scopes() {
    for (globs, scope) in [
        (vec!["**"], ""),
        (vec!["ghcr.io/**"], "ghcr.io"),
        (vec!["localhost:5000/**"], "localhost:5000"),
        (vec!["*.example.com/**"], "*.example.com"),
        (vec!["index.docker.io/**"], "docker.io"),
        (vec!["index.docker.io/library/**", "index.docker.io/library@*"], "docker.io/library"),
    ] {
        let (exported, value) = export(&[policy("p", &globs, PASS)]);
        assert!(exported.unsaid.is_empty(), "{:?}", exported.unsaid);
        assert_eq!(value["transports"]["docker"], json!({scope: [{"type": "insecureAcceptAnything"}]}), "{globs:?}");
    }
}

#[test]
fn a_glob_that_a_scope_would_widen_is_rejected_with_a_way_out() {
    let digest = Digest::of(b"x");
    for (glob, scope) in [
        ("ghcr.io/acme/**", "ghcr.io/acme"),
        ("ghcr.io/acme/app@*", "ghcr.io/acme/app"),
        ("ghcr.io/acme/*", "ghcr.io/acme"),
        ("ghcr.io/acme/app*", "ghcr.io/acme"),
        ("ghcr.io/*/app@*", "ghcr.io"),
        ("*/*", "docker.io"),
        ("*.docker.io/**", ""),
        (&format!("ghcr.io/acme/app@{digest}"), "ghcr.io/acme/app"),
    ] {
        let (exported, value) = export(&[policy("p", &[glob], PASS)]);
        assert_eq!(value["transports"]["docker"], json!({scope: [{"type": "reject"}]}), "{glob}");
        assert_eq!(exported.unsaid.len(), 1, "{glob}");
        assert!(!exported.unsaid[0].hint.is_empty());
    }
}

#[test]
fn every_policy_about_a_scope_is_asked_in_it() {
    let (wide, narrow) = (key(), key());
    let globs = ["ghcr.io/acme@*", "ghcr.io/acme/**"];
    let (exported, value) =
        export(&[policy("wide", &["ghcr.io/**"], &by_key(&wide, "")), policy("narrow", &globs, &by_key(&narrow, ""))]);
    assert_eq!(value["transports"]["docker"]["ghcr.io"].as_array().map(Vec::len), Some(1));
    assert_eq!(value["transports"]["docker"]["ghcr.io/acme"].as_array().map(Vec::len), Some(2));
    let set = back(&exported);
    assert!(admits_signed(&set, "ghcr.io/acme/x", &[&wide, &narrow]));
    assert!(!admits_signed(&set, "ghcr.io/acme/x", &[&narrow]));
    assert!(admits_signed(&set, "ghcr.io/x", &[&wide]));
}

#[test]
fn what_cannot_be_said_of_some_images_rejects_all_scopes_about_them() {
    let key = key();
    let globs = ["ghcr.io/acme/app@*", "ghcr.io/acme/app/**"];
    let documents = [
        policy("all", &["**"], PASS),
        policy("app", &globs, &by_key(&key, "")),
        policy("odd", &["ghcr.io/acme/*"], &by_key(&key, "")),
    ];
    let (exported, value) = export(&documents);
    let docker = &value["transports"]["docker"];
    assert_eq!(types(&docker[""]), ["insecureAcceptAnything"]);
    assert_eq!(types(&docker["ghcr.io/acme"]), ["reject"]);
    assert_eq!(types(&docker["ghcr.io/acme/app"]), ["reject"]);
    assert_eq!(exported.unsaid.len(), 1);
}

#[test]
fn several_keys_are_one_requirement_and_refusing_is_rejecting() {
    let (one, other) = (key(), key());
    let either = format!("{}, {}, {FAIL}", by_key(&one, ""), by_key(&other, ""));
    let (exported, value) = export(&[policy("p", &["**"], &either)]);
    assert_eq!(value["transports"]["docker"][""][0]["keyDatas"].as_array().map(Vec::len), Some(2));
    assert!(exported.unsaid.is_empty());
    assert!(admits_signed(&back(&exported), "ghcr.io/x", &[&other]));
    let (exported, value) = export(&[policy("p", &["**"], FAIL)]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["reject"]);
    assert!(exported.unsaid.is_empty());
    let (_, value) = export(&[policy("p", &["**"], &format!("{}, {PASS}", by_key(&one, "")))]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["insecureAcceptAnything"]);
}

#[test]
fn authorities_that_cannot_be_said_let_nothing_in() {
    let key = key();
    for (authority, words) in [
        (by_key(&key, ", signatureFormat: bundle"), "bundles"),
        (by_key(&key, ", ctlog: {url: 'https://rekor.sigstore.dev'}"), "logs"),
        (by_key(&key, ", rfc3161timestamp: {trustRootRef: x}"), "clocks"),
        (by_key(&key, ", source: [{oci: ghcr.io/a/b}]"), "beside the image"),
        (by_key(&key, ", source: [{tagPrefix: x}]"), "beside the image"),
        (by_key(&key, ", attestations: [{name: a, predicateType: 'https://b'}]"), "attestations"),
        ("{keyless: {identities: [{issuer: i, subject: s}]}}".to_owned(), "identities"),
        ("{key: {kms: 'gcpkms://x'}}".to_owned(), "kms"),
    ] {
        let (exported, value) = export(&[policy("p", &["**"], &authority)]);
        assert_eq!(types(&value["transports"]["docker"][""]), ["reject"], "{authority}");
        assert!(exported.unsaid[0].to_string().contains(words), "{:?}", exported.unsaid);
    }
    let beside = format!("{}, {{keyless: {{identities: [{{issuer: i, subject: s}}]}}}}", by_key(&key, ""));
    let (exported, value) = export(&[policy("p", &["**"], &beside)]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["sigstoreSigned"]);
    assert_eq!(exported.unsaid.len(), 1);
}

/// A policy of our own kind about everything.
fn own(spec: &str) -> String {
    let text = document("p", &format!("images: [{{glob: '**'}}], {spec}"));
    text.replace("policy.sigstore.dev/v1beta1", "sealgate.dev/v1").replace("ClusterImagePolicy", "ImagePolicy")
}

#[test]
fn a_threshold_is_requirements_of_which_so_many_keys_meet_all() {
    let (a, b, c) = (key(), key(), key());
    let (first, second, third) = (by_key(&a, ", name: a"), by_key(&b, ", name: b"), by_key(&c, ", name: c"));
    let all = format!("authorities: [{first}, {second}, {third}]");
    let (exported, value) = export(&[own(&format!("{all}, require: {{threshold: {{min: 2, of: [a, b, c]}}}}"))]);
    assert!(exported.unsaid.is_empty(), "{:?}", exported.unsaid);
    let asked = value["transports"]["docker"][""].as_array().expect("a list").clone();
    assert_eq!(asked.iter().map(|one| one["keyDatas"].as_array().map(Vec::len)).collect::<Vec<_>>(), [Some(2); 3]);
    let set = back(&exported);
    for (by, wanted) in [(vec![&a, &c], true), (vec![&a, &b, &c], true), (vec![&b], false), (vec![], false)] {
        assert_eq!(admits_signed(&set, "ghcr.io/x", &by), wanted, "{}", by.len());
    }
    let nested = "require: {anyOf: [{authority: a}, {allOf: [{authority: b}, {authority: c}]}]}";
    let (exported, _) = export(&[own(&format!("{all}, {nested}"))]);
    let set = back(&exported);
    for (by, wanted) in [(vec![&a], true), (vec![&b, &c], true), (vec![&b], false), (vec![&c], false)] {
        assert_eq!(admits_signed(&set, "ghcr.io/x", &by), wanted, "{}", by.len());
    }
    assert!(exported.unsaid.is_empty(), "{:?}", exported.unsaid);
}

#[test]
fn a_key_that_is_there_twice_is_not_counted_twice() {
    let a = key();
    let all = format!("authorities: [{}, {}]", by_key(&a, ", name: a"), by_key(&a, ", name: b"));
    let (exported, value) = export(&[own(&format!("{all}, require: {{threshold: {{min: 2, of: [a, b]}}}}"))]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["reject"]);
    assert!(exported.unsaid[0].what.contains("require"), "{:?}", exported.unsaid);
}

#[test]
fn a_signed_name_is_the_repository_and_a_mirror_is_a_prefix() {
    let a = key();
    let with = |further: &str| export(&[own(&format!("authorities: [{}]", by_key(&a, further)))]);
    let (exported, value) = with(", signedName: {}");
    assert_eq!(value["transports"]["docker"][""][0]["signedIdentity"], json!({"type": "matchRepository"}));
    assert!(exported.unsaid.is_empty());
    let (exported, value) = with(", signedName: {remap: [{from: mirror.example/, to: index.docker.io/}]}");
    let wanted = json!({"type": "remapIdentity", "prefix": "mirror.example", "signedPrefix": "docker.io"});
    assert_eq!(value["transports"]["docker"][""][0]["signedIdentity"], wanted);
    assert!(exported.unsaid.is_empty());
    assert!(exported.remarks.iter().any(|remark| remark.what.contains("must name the tag too")));
    let (exported, value) = with(", signedName: {remap: [{from: mirror.example/x/, to: ghcr.io/}]}");
    assert_eq!(types(&value["transports"]["docker"][""]), ["reject"]);
    assert!(exported.unsaid[0].why.contains("from one prefix to another"), "{:?}", exported.unsaid);
}

#[test]
fn names_compared_in_two_ways_are_not_one_requirement() {
    let mirror = ", name: b, signedName: {remap: [{from: mirror.example/, to: ghcr.io/}]}";
    let (a, b) = (by_key(&key(), ", name: a"), by_key(&key(), mirror));
    let (exported, value) = export(&[own(&format!("authorities: [{a}, {b}]"))]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["reject"]);
    assert!(exported.unsaid[0].what.contains("signedName"), "{:?}", exported.unsaid);
    let both = format!("authorities: [{a}, {b}], require: {{allOf: [{{authority: a}}, {{authority: b}}]}}");
    let (exported, value) = export(&[own(&both)]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["sigstoreSigned", "sigstoreSigned"]);
    assert!(exported.unsaid.is_empty());
}

#[test]
fn what_only_an_image_policy_says_is_never_dropped() {
    let (plain, a) = (by_key(&key(), ""), key());
    let person = "keyless: {identities: [{issuer: i, subject: s}]}";
    for (spec, kind) in [
        (format!("doors: [webhook], authorities: [{plain}]"), "reject"),
        (format!("users: [ann], authorities: [{plain}]"), "reject"),
        (format!("namespaces: [prod], authorities: [{plain}]"), "reject"),
        (format!("platforms: every, authorities: [{plain}]"), "reject"),
        (format!("revoked: {{digests: ['sha256:{}']}}, authorities: [{plain}]", "0".repeat(64)), "reject"),
        (format!("authorities: [{}]", by_key(&a, ", validUntil: '2026-01-01T00:00:00Z'")), "reject"),
        (format!("revoked: {{keys: ['{}']}}, authorities: [{plain}]", "0".repeat(64)), "reject"),
        (format!("expressions: [{{cel: 'true'}}], authorities: [{plain}]"), "reject"),
        (format!("authorities: [{}]", by_key(&a, ", maxAge: 90d")), "reject"),
        (format!("authorities: [{}]", by_key(&a, ", annotations: {a: b}")), "reject"),
        (format!("authorities: [{}]", by_key(&a, ", signedTag: {}")), "reject"),
        (
            format!("authorities: [{{name: p, {person}}}], require: {{threshold: {{min: 1, ofIdentities: p}}}}"),
            "reject",
        ),
        (format!("mode: audit, authorities: [{plain}]"), "sigstoreSigned"),
        (format!("index: accepted, authorities: [{plain}]"), "sigstoreSigned"),
        (format!("breakGlass: {{until: '2026-01-05T12:00:00Z', reason: r}}, authorities: [{plain}]"), "sigstoreSigned"),
    ] {
        let (exported, value) = export(&[own(&spec)]);
        assert_eq!(types(&value["transports"]["docker"][""]), [kind], "{spec}");
        assert!(!exported.unsaid.is_empty(), "{spec}");
    }
}

#[test]
fn hash_that_policy_json_does_not_know_is_never_dropped() {
    let pem = key().public().to_pem().replace('\n', "\\n");
    for (hash, kind) in [("sha256", "sigstoreSigned"), ("sha384", "reject"), ("sha512", "reject")] {
        let authority = format!("{{key: {{data: \"{pem}\", hashAlgorithm: {hash}}}}}");
        let (exported, value) = export(&[policy("p", &["**"], &authority)]);
        assert_eq!(types(&value["transports"]["docker"][""]), [kind], "{hash}");
        assert_eq!(exported.unsaid.is_empty(), hash == "sha256", "{hash}");
    }
}

#[test]
fn conditions_objects_and_warnings_are_never_dropped() {
    let authority = by_key(&key(), "");
    for (field, kinds) in [
        ("policy: {type: rego, data: \"package sigstore\\nisCompliant { true }\"}", ["reject"]),
        ("match: [{version: v1, resource: pods}]", ["reject"]),
        ("mode: warn", ["sigstoreSigned"]),
    ] {
        let text = document("p", &format!("images: [{{glob: '**'}}], {field}, authorities: [{authority}]"));
        let (exported, value) = export(&[text]);
        assert_eq!(types(&value["transports"]["docker"][""]), kinds, "{field}");
        assert_eq!(exported.unsaid.len(), 1, "{field}");
    }
}

#[test]
fn what_no_policy_names_is_rejected_unless_all_of_it_is_let_in() {
    let pass = policy("p", &["ghcr.io/**"], PASS);
    let (_, value) = export(std::slice::from_ref(&pass));
    assert_eq!(value["transports"]["docker"].get(""), None);
    let (exported, value) = export(&[pass.clone(), no_match("allow")]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["insecureAcceptAnything"]);
    assert!(exported.unsaid.is_empty());
    let (exported, value) = export(&[pass, no_match("warn")]);
    assert_eq!(value["transports"]["docker"].get(""), None);
    assert_eq!(exported.unsaid.len(), 1);
    let (_, value) = export(&[policy("p", &["**"], FAIL), no_match("allow")]);
    assert_eq!(types(&value["transports"]["docker"][""]), ["reject"]);
}
