//! One authority of a ClusterImagePolicy: a key, identities, or a fixed answer, and what goes with it.
//!
//! All of it is read and validated; what cannot be evaluated is named, so that the policy is not ready.

use keys::PublicKey;
use oci::Repository;
use verifier::Format;

use crate::{
    kms,
    language::attestation_policy,
    model::{Authority, Requirement},
    object::{Object, Text},
    problem::{Objection, Why},
};

/// The fields of an authority.
pub(crate) const FIELDS: [&str; 9] =
    ["name", "key", "keyless", "static", "source", "ctlog", "rfc3161timestamp", "attestations", "signatureFormat"];

/// Reads the authority at this index of its list.
pub(crate) fn authority(entry: &Object<'_>, index: usize, unsupported: &mut Vec<String>) -> Authority {
    let name = entry.text("name").map_or_else(|| format!("authority-{index}"), |text| text.value.to_owned());
    entry.exactly_one(&["key", "keyless", "static"], &["key", "keyless", "static"]);
    let format = format(entry);
    let key = entry.object("key", &KEY_FIELDS).map(|object| key(&object, unsupported));
    if let Some(object) = entry.object("keyless", &KEYLESS_FIELDS) {
        keyless(&object);
        unsupported.push(entry.path_of("keyless"));
    }
    let fixed = entry.object("static", &["action", "message"]).map(|object| fixed(entry, &object));
    sources(entry, unsupported);
    clocks_and_logs(entry, unsupported);
    attestations(entry, unsupported);
    let requirement = match (key, fixed) {
        (Some(Some(key)), None) => Requirement::Key { key, format },
        (None, Some(fixed)) => fixed,
        _ => Requirement::Unsupported,
    };
    Authority { name, requirement }
}

fn format(entry: &Object<'_>) -> Option<Format> {
    let text = entry.text("signatureFormat")?;
    match text.value {
        "legacy" => Some(Format::Legacy),
        value => {
            text.expect(value == "bundle", "bundle or legacy");
            Some(Format::Bundle)
        }
    }
}

/// The key itself, or nothing where it lies elsewhere.
fn key(object: &Object<'_>, unsupported: &mut Vec<String>) -> Option<PublicKey> {
    key_reference(object);
    for elsewhere in ["kms", "secretRef"] {
        if object.given(elsewhere) {
            unsupported.push(object.path_of(elsewhere));
        }
    }
    if let Some(text) = object.text("hashAlgorithm") {
        let name = text.value.trim().to_ascii_lowercase();
        text.expect(HASHES.contains(&name.as_str()), "sha224, sha256, sha384 or sha512");
        if name == "sha224" {
            unsupported.push(text.path);
        }
    }
    let text = object.text("data")?;
    PublicKey::from_pem(text.value.as_bytes()).map_err(|why| text.refuse(Why::Key(why))).ok()
}

/// Where a key or certificate is to be had: exactly one place, well formed.
fn key_reference(object: &Object<'_>) {
    object.exactly_one(&["data", "kms", "secretRef"], &["data", "kms", "secretref"]);
    if let Some(text) = object.text("kms")
        && let Err(wanted) = kms::check(text.value)
    {
        text.refuse(Why::Wanted(wanted));
    }
    if let Some(secret) = object.object("secretRef", &["name", "namespace"]) {
        secret.required_text("name");
        secret.text("namespace");
    }
}

fn keyless(object: &Object<'_>) {
    object.at_most_one(&["ca-cert", "url"]);
    url(object, "url");
    object.text("trustRootRef");
    object.flag("insecureIgnoreSCT");
    if let Some(certificate) = object.object("ca-cert", &KEY_FIELDS) {
        key_reference(&certificate);
        certificate.text("data");
        certificate.text("hashAlgorithm");
    }
    let identities = object.objects("identities", &["issuer", "issuerRegExp", "subject", "subjectRegExp"]);
    if !object.has("identities") {
        object.object_to(object.at(), Objection::MissingList { path: object.path_of("identities") });
    } else if identities.is_empty() {
        object.object_to(object.at(), Objection::Missing { paths: vec![object.path_of("identities")] });
    }
    for identity in &identities {
        one_of(identity, "issuer", "issuerRegExp");
        one_of(identity, "subject", "subjectRegExp");
    }
}

/// Checks that either the exact text or the regular expression is given.
fn one_of(identity: &Object<'_>, exact: &str, regex: &str) {
    let found = identity.text(exact).is_some();
    let pattern = identity.text(regex);
    if let Some(text) = &pattern
        && let Err(why) = regex_syntax::parse(text.value)
    {
        let why = why.to_string();
        let last = why.lines().last().unwrap_or_default();
        text.refuse(Why::Regex(last.trim_start_matches("error: ").to_owned()));
    }
    let paths = identity.paths_of(&[exact, regex]);
    match (found, pattern.is_some()) {
        (false, false) => identity.object_to(identity.at(), Objection::Missing { paths }),
        (true, true) => identity.object_to(identity.at(), Objection::Both { paths }),
        _ => {}
    }
}

fn fixed(entry: &Object<'_>, object: &Object<'_>) -> Requirement {
    for other in ["attestations", "ctlog", "rfc3161timestamp", "source"] {
        if entry.given(other) {
            entry.object_to(entry.at(), Objection::Both { paths: entry.paths_of(&[other, "static"]) });
        }
    }
    let message = object.text("message").map(|text| text.value.to_owned()).unwrap_or_default();
    let action = object.required_text("action");
    if let Some(text) = &action {
        text.expect(matches!(text.value, "pass" | "fail"), "pass or fail");
    }
    match action.map(|text| text.value) {
        Some("pass") => Requirement::Pass,
        _ => Requirement::Fail { message },
    }
}

fn sources(entry: &Object<'_>, unsupported: &mut Vec<String>) {
    let sources = entry.objects("source", &["oci", "signaturePullSecrets", "tagPrefix"]);
    if sources.len() > 1 {
        let objection = Objection::invalid(&sources.len().to_string(), entry.path_of("source"), Why::Sources);
        entry.object_to(entry.at_field("source"), objection);
    }
    for source in &sources {
        if let Some(text) = source.text("oci") {
            text.expect(is_place(&text), "a repository or a registry's host");
        }
        source.text("tagPrefix");
        for secret in source.objects("signaturePullSecrets", &["name"]) {
            secret.required_text("name");
        }
    }
    if !sources.is_empty() {
        unsupported.push(entry.path_of("source"));
    }
}

fn is_place(text: &Text<'_>) -> bool {
    text.value.parse::<Repository>().is_ok() || format!("{}/x", text.value).parse::<Repository>().is_ok()
}

fn clocks_and_logs(entry: &Object<'_>, unsupported: &mut Vec<String>) {
    if let Some(log) = entry.object("ctlog", &["url", "trustRootRef"]) {
        url(&log, "url");
        log.text("trustRootRef");
        unsupported.push(entry.path_of("ctlog"));
    }
    if let Some(clock) = entry.object("rfc3161timestamp", &["trustRootRef"]) {
        clock.text("trustRootRef");
        unsupported.push(entry.path_of("rfc3161timestamp"));
    }
}

fn attestations(entry: &Object<'_>, unsupported: &mut Vec<String>) {
    for attestation in entry.objects("attestations", &["name", "predicateType", "policy"]) {
        attestation.required_text("name");
        attestation.required_text("predicateType");
        attestation_policy(&attestation);
    }
    if entry.given("attestations") {
        unsupported.push(entry.path_of("attestations"));
    }
}

/// A URL that is never contacted by this version, so that its characters are all there is to check.
fn url(object: &Object<'_>, name: &str) {
    if let Some(text) = object.text(name) {
        let good = text.value.chars().all(|c| !c.is_control() && !c.is_whitespace());
        text.expect(good, "a URL without blanks and control characters");
    }
}

const HASHES: [&str; 4] = ["sha224", "sha256", "sha384", "sha512"];
const KEY_FIELDS: [&str; 4] = ["data", "kms", "secretRef", "hashAlgorithm"];
const KEYLESS_FIELDS: [&str; 5] = ["url", "ca-cert", "identities", "trustRootRef", "insecureIgnoreSCT"];
