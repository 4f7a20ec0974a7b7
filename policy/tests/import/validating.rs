//! Kyverno's ImageValidatingPolicy.

use keys::PrivateKey;
use policy::{
    Mode,
    import::{ImportError, Imported, kyverno},
};

use crate::{
    loading::{admits, admits_signed, load, places, quoted, says, without_logs},
    writing::{key, stated},
};

const IMAGE: &str = "ghcr.io/acme/app:1";
const USUAL: &str = "images.containers.map(image, verifyImageSignatures(image, [attestors.a])).all(e, e > 0)";

fn read(spec: &str) -> Result<Imported, ImportError> {
    let head = "apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nmetadata: {name: check}\n";
    kyverno(&[("k.yaml".to_owned(), format!("{head}spec: {{{spec}}}\n"))])
}

fn import(spec: &str) -> Imported {
    read(spec).unwrap_or_else(|e| panic!("{e}"))
}

/// A policy about the usual images, with these attestors and this expression.
fn checked(attestors: &str, expression: &str) -> Imported {
    import(&format!(
        "matchImageReferences: [{{glob: 'ghcr.io/acme/*'}}], attestors: [{attestors}], \
         attestations: [{{name: sbom, intoto: {{type: 'https://spdx.dev/Document'}}}}, {{name: other, referrer: {{type: x}}}}], \
         validations: [{{expression: '{expression}'}}]"
    ))
}

fn attestor(name: &str, key: &PrivateKey, further: &str) -> String {
    format!(
        "{{name: {name}, cosign: {{key: {{data: {}}}, ctlog: {{insecureIgnoreTlog: true}}{further}}}}}",
        quoted(key)
    )
}

#[test]
fn the_usual_validation_asks_for_one_of_its_attestors() {
    let (a, b) = (key(), key());
    let attestors = format!("{}, {}", attestor("a", &a, ""), attestor("b", &b, ""));
    let one = checked(&attestors, USUAL);
    assert!(admits_signed(&load(&one), IMAGE, &[&a]));
    assert!(!admits_signed(&load(&one), IMAGE, &[&b]));
    assert!(!admits_signed(&load(&one), IMAGE, &[]));
    assert!(one.unsaid.is_empty(), "{:?}", one.unsaid);
    let either = load(&checked(&attestors, &USUAL.replace("[attestors.a]", "[attestors.a, attestors.b]")));
    assert!(admits_signed(&either, IMAGE, &[&b]));
}

#[test]
fn every_validation_is_met() {
    let (a, b) = (key(), key());
    let both = import(&format!(
        "attestors: [{}, {}], validations: [{{expression: '{USUAL}'}}, {{expression: '{}'}}]",
        attestor("a", &a, ""),
        attestor("b", &b, ""),
        USUAL.replace("attestors.a", "attestors.b")
    ));
    let set = load(&both);
    assert!(admits_signed(&set, "any.example/x", &[&a, &b]), "no reference names all images");
    assert!(!admits_signed(&set, "any.example/x", &[&a]));
    assert!(!admits_signed(&set, "any.example/x", &[&b]));
}

#[test]
fn attestations_are_asked_for() {
    let key = key();
    let attestor = attestor("a", &key, "");
    let call = |name: &str| {
        USUAL.replace(
            "verifyImageSignatures(image,",
            &format!("verifyAttestationSignatures(image, attestations.{name},"),
        )
    };
    let set = load(&checked(&attestor, &call("sbom")));
    let say = |kind| stated(&key, &crate::writing::image(), kind);
    assert!(admits(&set, IMAGE, vec![say("https://spdx.dev/Document")]));
    assert!(!admits(&set, IMAGE, vec![say("https://other")]));
    assert!(!admits_signed(&set, IMAGE, &[&key]));
    let referrer = checked(&attestor, &call("other"));
    assert!(!admits(&load(&referrer), IMAGE, vec![say("x")]));
    assert!(says(&referrer, "in-toto"));
}

#[test]
fn any_other_expression_refuses() {
    let key = key();
    for expression in ["true", "images.containers.all(image, true)", &USUAL.replace("> 0", ">= 0")] {
        let imported = checked(&attestor("a", &key, ""), expression);
        assert!(!admits_signed(&load(&imported), IMAGE, &[&key]), "{expression}");
        assert_eq!(places(&imported), ["k.yaml: ImageValidatingPolicy check: spec.validations[0].expression"]);
    }
}

#[test]
fn logs_keys_identities_and_sources_are_taken_over() {
    let key = key();
    let pem = quoted(&key);
    let logged = checked(&format!("{{name: a, cosign: {{key: {{data: {pem}}}}}}}"), USUAL);
    assert!(load(&logged).needs_default_root());
    assert!(admits_signed(&without_logs(&logged), IMAGE, &[&key]));
    let keyless = "{name: a, cosign: {keyless: {identities: [{issuer: i, subjectRegExp: '^s$'}, {subject: s}]}, \
                   source: {repository: ghcr.io/acme/signatures, tagPrefix: x-}}}";
    let imported = checked(keyless, USUAL);
    for words in
        ["issuer: i", "subjectRegExp: ^s$", "issuerRegExp: .*", "oci: ghcr.io/acme/signatures", "tagPrefix: x-"]
    {
        assert!(imported.documents[0].contains(words), "{words}: {}", imported.documents[0]);
    }
    load(&imported);
}

#[test]
fn attestors_without_counterpart_let_nothing_in() {
    let key = key();
    for (attestor, words) in [
        ("{name: a, notary: {certs: {value: x}}}".to_owned(), "`notary`"),
        ("{name: a, cosign: {certificate: {cert: {value: x}}}}".to_owned(), "`certificate`"),
        ("{name: a, cosign: {key: {expression: x}}}".to_owned(), "a key by expression"),
        ("{name: a, cosign: {}}".to_owned(), "names nobody"),
        (attestor("a", &key, ", annotations: {a: b}"), "`annotations`"),
        (attestor("a", &key, ", tuf: {mirror: x}"), "`tuf`"),
        (attestor("a", &key, ", source: {repository: '::'}"), "`::`"),
    ] {
        let imported = checked(&attestor, USUAL);
        assert!(!admits_signed(&load(&imported), IMAGE, &[&key]), "{attestor}");
        assert!(says(&imported, words), "{attestor}: {:?}", imported.unsaid);
    }
}

#[test]
fn what_loosens_or_narrows_is_told_of() {
    let key = key();
    let attestor = attestor("a", &key, "");
    for (field, place) in [
        ("matchConditions: [{name: a, expression: b}]", "matchConditions"),
        ("matchConstraints: {namespaceSelector: {matchLabels: {a: b}}}", "matchConstraints.namespaceSelector"),
        ("failurePolicy: Ignore", "failurePolicy"),
        ("validationConfigurations: {mutateDigest: false}", "validationConfigurations.mutateDigest"),
        ("images: [{name: a, expression: b}]", "images"),
        ("matchImageReferences: [{expression: a}]", "matchImageReferences[0]"),
    ] {
        let imported = import(&format!("{field}, attestors: [{attestor}], validations: [{{expression: '{USUAL}'}}]"));
        let wanted = format!("k.yaml: ImageValidatingPolicy check: spec.{place}");
        assert_eq!(places(&imported), [wanted.as_str()]);
        assert!(!admits_signed(&load(&imported), "any.example/x", &[]), "{field}");
    }
}

#[test]
fn without_deny_it_warns() {
    for (actions, mode) in [
        ("[Audit]", Mode::Warn),
        ("[Warn, Audit]", Mode::Warn),
        ("[Deny, Audit]", Mode::Enforce),
        ("[]", Mode::Enforce),
    ] {
        let attestor = attestor("a", &key(), "");
        let text =
            format!("validationActions: {actions}, attestors: [{attestor}], validations: [{{expression: '{USUAL}'}}]");
        assert_eq!(load(&import(&text)).policies().next().map(|policy| policy.mode()), Some(mode), "{actions}");
    }
    assert!(admits_signed(&load(&import("attestors: []")), IMAGE, &[]), "no validation asks for nothing");
}

#[test]
fn an_attestor_that_is_not_there_is_no_policy() {
    let error = read(&format!("attestors: [], validations: [{{expression: '{USUAL}'}}]")).expect_err("it names a");
    assert!(error.to_string().contains("`attestors.a`"), "{error}");
}

#[test]
fn an_identity_said_in_two_ways_is_no_policy() {
    let keyless = "{name: a, cosign: {keyless: {identities: [{issuer: i, subject: s, subjectRegExp: t}]}}}";
    let error =
        read(&format!("attestors: [{keyless}], validations: [{{expression: '{USUAL}'}}]")).expect_err("two ways");
    assert!(error.to_string().contains("one of the two"), "{error}");
}
