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
    let (reserved, claimed) = claimed(&claim.annotations);
    if !reserved.is_empty() {
        own.insert("claimed".to_owned(), Value::Object(reserved));
    }
    json!({
        "critical": {
            "identity": { "docker-reference": claim.docker_reference.as_deref().unwrap_or(typed) },
            "image": { "docker-manifest-digest": evidence.image().digest() },
            "type": claim.kind,
        },
        "optional": optional(signature, claimed),
        "sealgate": own,
    })
}

/// What the signer claimed: under names that cosign gives to what was certified, and under others. Whoever holds a key
/// may claim to be anybody, and a script that reads `optional.Subject` takes it for checked.
fn claimed(annotations: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    annotations.clone().into_iter().partition(|(name, _)| is_reserved(name))
}

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with(FULCIO) || FACTS.iter().any(|(_, fact)| *fact == name)
}

/// What the signer claimed, and for a legacy signature by certificate who that is, as cosign adds it.
fn optional(signature: &VerifiedSignature, mut claimed: Map<String, Value>) -> Value {
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
        put(&format!("{FULCIO}{number}"), identity.extension(number));
        put(name, identity.extension(number));
    }
    put(&format!("{FULCIO}1"), identity.extension(1));
    members
}

const RESERVED: [&str; 4] = ["Subject", "Issuer", "Bundle", "RFC3161Timestamp"];
const FULCIO: &str = "1.3.6.1.4.1.57264.1.";
/// cosign's names for what Fulcio's extensions say.
const FACTS: [(u8, &str); 5] = [
    (2, "githubWorkflowTrigger"),
    (3, "githubWorkflowSha"),
    (4, "githubWorkflowName"),
    (5, "githubWorkflowRepository"),
    (6, "githubWorkflowRef"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_under_names_of_certified_facts_are_set_apart() {
        let reserved = [
            "Subject",
            "Issuer",
            "Bundle",
            "RFC3161Timestamp",
            "githubWorkflowTrigger",
            "githubWorkflowSha",
            "githubWorkflowName",
            "githubWorkflowRepository",
            "githubWorkflowRef",
            "1.3.6.1.4.1.57264.1.1",
            "1.3.6.1.4.1.57264.1.24",
        ];
        let free = ["env", "subject", "githubWorkflow", "1.3.6.1.4.1.57264.2"];
        let all = reserved.iter().chain(&free).map(|name| ((*name).to_owned(), Value::from("x"))).collect();
        let (found, others) = claimed(&all);
        assert_eq!(found.keys().collect::<Vec<_>>(), reserved);
        assert_eq!(others.keys().collect::<Vec<_>>(), free);
    }
}
