//! What `verify` prints: cosign's summary on standard error, one JSON object for each signature on standard output.

use serde_json::{Value, json};
use verifier::{Evidence, Format, VerifiedSignature};

use crate::output;

/// The summary, and what else was found.
pub(crate) fn success(
    typed: &str,
    evidence: &Evidence,
    good: &[&VerifiedSignature],
    other: &[&VerifiedSignature],
    annotations: bool,
) {
    output::note(format_args!(
        "\nVerification for {typed} --\nThe following checks were performed on each of these signatures:"
    ));
    if annotations {
        output::note("  - The specified annotations were verified.");
    }
    output::note("  - The cosign claims were validated");
    output::note("  - The signatures were verified against the specified public key");
    for signature in good {
        for carried in signature.unexamined() {
            output::note(format_args!("not examined: {carried} of {}", signature.place()));
        }
    }
    let refused = other.len() + evidence.refused().len();
    if refused > 0 {
        output::note(format_args!("{refused} further found, not counted:"));
    }
    for signature in other {
        output::note(format_args!("  - {}: its annotations are not the wanted ones", signature.place()));
    }
    for refused in evidence.refused() {
        output::note(format_args!("  - {refused}"));
    }
    for gap in evidence.gaps() {
        output::warn(format_args!("could not look at {gap}"));
    }
}

/// Which annotations a genuine signature lacks.
pub(crate) fn wrong_annotations(signature: &VerifiedSignature, wanted: &[(&str, &str)]) -> String {
    let lacks: Vec<String> = wanted
        .iter()
        .filter(|wanted| !signature.has_annotations([**wanted]))
        .map(|(key, value)| match signature.claim().annotations.get(*key) {
            None => format!("{key} is missing, wanted {value}"),
            Some(found) => format!("{key} is {}, wanted {value}", short(found)),
        })
        .collect();
    format!("{}: missing or incorrect annotation: {}", signature.place(), lacks.join("; "))
}

/// cosign's objects, with a member `sealgate` more.
pub(crate) fn stdout(as_list: bool, typed: &str, evidence: &Evidence, good: &[&VerifiedSignature]) {
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
    let optional = match (signature.format(), claim.annotations.is_empty()) {
        (Format::Legacy, true) => Value::Null,
        _ => Value::Object(claim.annotations.clone()),
    };
    json!({
        "critical": {
            "identity": { "docker-reference": claim.docker_reference.as_deref().unwrap_or(typed) },
            "image": { "docker-manifest-digest": evidence.image().digest() },
            "type": claim.kind,
        },
        "optional": optional,
        "sealgate": {
            "signer": signature.signer(),
            "format": signature.format(),
            "signed-name": claim.docker_reference,
            "place": signature.place(),
            "not-examined": signature.unexamined(),
        },
    })
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
