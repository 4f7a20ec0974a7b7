//! Conditions in CUE or Rego: on what one attestation says, or on everything that was found of an image.
//!
//! A condition is parsed with the policy that holds it, so that what cannot be evaluated is known before any image is
//! judged. It is met or it is not: what cannot be known of the input is not met.

use std::fmt;

use serde_json::Value;

use crate::{
    RegoPolicy,
    object::Object,
    problem::{Objection, Why},
};

/// A condition that can be evaluated.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Cue(Box<cue::Policy>),
    Rego(Box<RegoPolicy>),
}

impl Condition {
    /// Holds it against this input.
    pub(crate) fn check(&self, input: &Value) -> Result<(), String> {
        match self {
            Self::Cue(policy) => {
                policy.check(input).map_err(|why| format!("failed to evaluate the policy with error: {why}"))
            }
            Self::Rego(policy) => policy.check(input).map_err(|why| why.to_string()),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cue(_) => "cue",
            Self::Rego(_) => "rego",
        })
    }
}

/// The condition of a whole policy, and what it wants to see beside what authorities found.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) condition: Condition,
    pub(crate) includes: Includes,
}

/// What goes into the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Includes {
    pub(crate) config: bool,
    pub(crate) spec: bool,
    pub(crate) metadata: bool,
    pub(crate) types: bool,
}

impl Includes {
    /// Whether the object that the image runs in has to be known.
    pub(crate) fn object(self) -> bool {
        self.spec || self.metadata || self.types
    }
}

/// The `policy` of a whole ClusterImagePolicy.
pub(crate) fn spec_policy(spec: &Object<'_>, unsupported: &mut Vec<String>) -> Option<Whole> {
    let policy = spec.object("policy", &FIELDS)?;
    let [config, spec, metadata, types] = INPUTS.map(|name| policy.flag(name));
    let condition = condition(&policy, unsupported)?;
    Some(Whole { condition, includes: Includes { config, spec, metadata, types } })
}

/// The `policy` of one attestation, which cannot ask for more than the attestation.
pub(crate) fn attestation_policy(attestation: &Object<'_>, unsupported: &mut Vec<String>) -> Option<Condition> {
    let policy = attestation.object("policy", &FIELDS)?;
    let set: Vec<&str> = INPUTS.into_iter().filter(|name| policy.flag(name)).collect();
    if !set.is_empty() {
        policy.object_to(policy.at(), Objection::Disallowed { paths: policy.paths_of(&set) });
    }
    condition(&policy, unsupported)
}

/// The condition itself; nothing where it is not at hand or cannot be evaluated, which is said.
fn condition(policy: &Object<'_>, unsupported: &mut Vec<String>) -> Option<Condition> {
    let language = policy.required_text("type");
    if let Some(text) = &language {
        text.expect(matches!(text.value, "cue" | "rego"), "cue or rego");
    }
    policy.exactly_one(&["data", "remote", "configMapRef"], &["configMapRef", "data", "remote"]);
    elsewhere(policy, unsupported);
    let data = policy.text("data")?;
    let refuse = |why: String| data.refuse(Why::Language(why));
    match language?.value {
        "cue" => cue::Policy::parse(data.value)
            .map(|read| Condition::Cue(Box::new(read)))
            .map_err(|why| refuse(why.to_string()))
            .ok(),
        "rego" => RegoPolicy::parse(data.value)
            .map(|read| Condition::Rego(Box::new(read)))
            .map_err(|why| refuse(why.to_string()))
            .ok(),
        _ => None,
    }
}

/// A text that is kept in another place is checked for form, and is not at hand.
fn elsewhere(policy: &Object<'_>, unsupported: &mut Vec<String>) {
    if let Some(remote) = policy.object("remote", &["url", "sha256sum"]) {
        if let Some(url) = remote.required_text("url") {
            let host =
                url.value.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
            url.expect(host, "https and a host");
        }
        remote.required_text("sha256sum");
        unsupported.push(policy.path_of("remote"));
    }
    if let Some(reference) = policy.object("configMapRef", &["name", "namespace", "key"]) {
        reference.required_text("name");
        reference.required_text("key");
        reference.text("namespace");
        unsupported.push(policy.path_of("configMapRef"));
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
