//! Policies within a policy, in CUE or Rego: read and validated, not evaluated.

use crate::{object::Object, problem::Objection};

/// The `policy` of a whole ClusterImagePolicy.
pub(crate) fn spec_policy(spec: &Object<'_>, unsupported: &mut Vec<String>) {
    if let Some(policy) = spec.object("policy", &FIELDS) {
        check(&policy);
        unsupported.push(spec.path_of("policy"));
    }
}

/// The `policy` of one attestation, which cannot ask for more than the attestation.
pub(crate) fn attestation_policy(attestation: &Object<'_>) {
    let Some(policy) = attestation.object("policy", &FIELDS) else { return };
    check(&policy);
    let set: Vec<&str> = INPUTS.into_iter().filter(|name| policy.flag(name)).collect();
    if !set.is_empty() {
        policy.object_to(policy.at(), Objection::Disallowed { paths: policy.paths_of(&set) });
    }
}

fn check(policy: &Object<'_>) {
    if let Some(text) = policy.required_text("type") {
        text.expect(matches!(text.value, "cue" | "rego"), "cue or rego");
    }
    policy.exactly_one(&["data", "remote", "configMapRef"], &["configMapRef", "data", "remote"]);
    policy.text("data");
    if let Some(remote) = policy.object("remote", &["url", "sha256sum"]) {
        if let Some(url) = remote.required_text("url") {
            let host =
                url.value.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
            url.expect(host, "https and a host");
        }
        remote.required_text("sha256sum");
    }
    if let Some(reference) = policy.object("configMapRef", &["name", "namespace", "key"]) {
        reference.required_text("name");
        reference.required_text("key");
        reference.text("namespace");
    }
    for name in INPUTS {
        policy.flag(name);
    }
}

const INPUTS: [&str; 4] = ["fetchConfigFile", "includeSpec", "includeObjectMeta", "includeTypeMeta"];
const FIELDS: [&str; 8] = [
    "type",
    "data",
    "remote",
    "configMapRef",
    "fetchConfigFile",
    "includeSpec",
    "includeObjectMeta",
    "includeTypeMeta",
];
