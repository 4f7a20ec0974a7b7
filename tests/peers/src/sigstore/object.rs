//! A trusted root as the object that policies refer to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The TrustRoot of that name with the keys of a `trusted_root.json`.
///
/// # Panics
/// If that is not as cosign writes it.
#[must_use]
pub fn trust_root(name: &str, parts: &Value) -> Value {
    let list = |name: &str| parts[name].as_array().cloned().unwrap_or_default();
    let keys = json!({
        "certificateAuthorities": list("certificateAuthorities").iter().map(authority).collect::<Vec<_>>(),
        "timestampAuthorities": list("timestampAuthorities").iter().map(authority).collect::<Vec<_>>(),
        "tLogs": list("tlogs").iter().map(log).collect::<Vec<_>>(),
        "ctLogs": list("ctlogs").iter().map(log).collect::<Vec<_>>(),
    });
    json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "TrustRoot",
        "metadata": { "name": name },
        "spec": { "sigstoreKeys": keys },
    })
}

fn authority(authority: &Value) -> Value {
    let chain = authority["certChain"]["certificates"].as_array().expect("an authority has certificates");
    let chain: String = chain.iter().map(|one| pem("CERTIFICATE", one)).collect();
    json!({
        "subject": { "organization": "sealgate", "commonName": "test" },
        "uri": authority["uri"],
        "certChain": STANDARD.encode(chain),
    })
}

fn log(log: &Value) -> Value {
    let key = pem("PUBLIC KEY", &log["publicKey"]);
    json!({ "baseURL": log["baseUrl"], "hashAlgorithm": "sha-256", "publicKey": STANDARD.encode(key) })
}

/// What the file has in base64 on one line.
fn pem(label: &str, object: &Value) -> String {
    let bytes = object["rawBytes"].as_str().expect("certificates and keys have bytes");
    format!("-----BEGIN {label}-----\n{bytes}\n-----END {label}-----\n")
}
