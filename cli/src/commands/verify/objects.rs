//! cosign's objects, one for each signature, with a member `sealgate` more.

use serde_json::{Map, Value, json};
use verifier::{Evidence, Format, Identity, VerifiedSignature};

use super::super::vouched::{self, identity};
use crate::output;

/// Prints them on standard output.
pub(super) fn print(as_list: bool, typed: &str, evidence: &Evidence, good: &[&VerifiedSignature]) {
    let objects: Vec<Value> = good.iter().map(|signature| object(typed, evidence, signature)).collect();
    if as_list {
        return output::line(format_args!("\n{}", Value::from(objects)));
    }
    for object in objects {
        output::line(object);
    }
}

fn object(typed: &str, evidence: &Evidence, signature: &VerifiedSignature) -> Value {
    let claim = signature.claim();
    let mut own = vouched::members(signature.signer(), signature.proofs());
    own.insert("format".to_owned(), json!(signature.format()));
    own.insert("signed-name".to_owned(), json!(claim.docker_reference));
    own.insert("place".to_owned(), json!(signature.place()));
    json!({
        "critical": {
            "identity": { "docker-reference": claim.docker_reference.as_deref().unwrap_or(typed) },
            "image": { "docker-manifest-digest": evidence.image().digest() },
            "type": claim.kind,
        },
        "optional": optional(signature),
        "sealgate": own,
    })
}

/// What the signer claimed, and for a legacy signature by certificate who that is, as cosign adds it.
fn optional(signature: &VerifiedSignature) -> Value {
    let mut claimed = signature.claim().annotations.clone();
    if signature.format() == Format::Bundle {
        return Value::Object(claimed);
    }
    if let Some(identity) = identity(signature.signer()) {
        claimed.extend(certified(identity));
    }
    if claimed.is_empty() { Value::Null } else { Value::Object(claimed) }
}

fn certified(identity: &Identity) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, text: Option<&str>| {
        members.extend(text.map(|text| (name.to_owned(), Value::from(text))));
    };
    put("Subject", identity.names().first().map(verifier::SubjectName::as_str));
    put("Issuer", identity.issuer());
    for (number, name) in FACTS {
        put(&format!("1.3.6.1.4.1.57264.1.{number}"), identity.extension(number));
        put(name, identity.extension(number));
    }
    put("1.3.6.1.4.1.57264.1.1", identity.extension(1));
    members
}

/// cosign's names for what Fulcio's extensions say.
const FACTS: [(u8, &str); 5] = [
    (2, "githubWorkflowTrigger"),
    (3, "githubWorkflowSha"),
    (4, "githubWorkflowName"),
    (5, "githubWorkflowRepository"),
    (6, "githubWorkflowRef"),
];
