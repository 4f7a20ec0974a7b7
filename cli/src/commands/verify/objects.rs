//! cosign's objects, one for each signature, with a member `sealgate` more.

use serde_json::{Map, Value, json};
use verifier::{Clock, Evidence, Format, Identity, Proofs, Signer, VerifiedSignature, VerifiedTime};

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
    let (claim, proofs) = (signature.claim(), signature.proofs());
    let times = proofs.times().into_iter();
    json!({
        "critical": {
            "identity": { "docker-reference": claim.docker_reference.as_deref().unwrap_or(typed) },
            "image": { "docker-manifest-digest": evidence.image().digest() },
            "type": claim.kind,
        },
        "optional": optional(signature),
        "sealgate": {
            "signer": signature.signer(),
            "issuer": identity(signature).and_then(Identity::issuer),
            "format": signature.format(),
            "signed-name": claim.docker_reference,
            "place": signature.place(),
            "times": times.map(|time| json!({ "at": at(time), "clock": clock(time, proofs) })).collect::<Vec<_>>(),
            "logs": proofs.log_entries(),
            "certificate-logs": proofs.certificate_logs(),
            "set-aside": proofs.set_aside(),
            "not-examined": signature.unexamined(),
        },
    })
}

/// What the signer claimed, and for a legacy signature by certificate who that is, as cosign adds it.
fn optional(signature: &VerifiedSignature) -> Value {
    let mut claimed = signature.claim().annotations.clone();
    if signature.format() == Format::Bundle {
        return Value::Object(claimed);
    }
    if let Some(identity) = identity(signature) {
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

fn identity(signature: &VerifiedSignature) -> Option<&Identity> {
    match signature.signer() {
        Signer::Identity(identity) => Some(identity),
        Signer::Key(_) => None,
    }
}

/// A verified time, as RFC 3339 has it.
pub(super) fn at(time: VerifiedTime) -> String {
    let moment = i64::try_from(time.at).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    moment.map_or_else(|| format!("{} s after 1970", time.at), |moment| moment.to_string())
}

/// Whose word a time is: a log by its name.
pub(super) fn clock(time: VerifiedTime, proofs: &Proofs) -> String {
    match time.clock {
        Clock::Authority(root) => format!("timestamp authority {root}"),
        Clock::Log(key) => {
            let name = proofs.log_entries().iter().find(|entry| entry.key == key).map(|entry| entry.log.as_str());
            match name.filter(|name| !name.is_empty()) {
                Some(name) => format!("log {name}"),
                None => format!("log {key}"),
            }
        }
    }
}

/// cosign's names for what Fulcio's extensions say.
const FACTS: [(u8, &str); 5] = [
    (2, "githubWorkflowTrigger"),
    (3, "githubWorkflowSha"),
    (4, "githubWorkflowName"),
    (5, "githubWorkflowRepository"),
    (6, "githubWorkflowRef"),
];
