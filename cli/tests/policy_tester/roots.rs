//! TrustRoot objects made of the trusted roots of the private Sigstore.

use std::{fs, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::{Part, Sigstore};
use serde_json::{Value, json};

use crate::case::Root;

/// The object, named `root`.
pub(crate) fn trust_root(sigstore: &Sigstore, root: Root) -> Value {
    let text = fs::read(file(sigstore, root)).expect("cosign has written it");
    let parts: Value = serde_json::from_slice(&text).expect("cosign writes JSON");
    let list = |name: &str| parts[name].as_array().cloned().unwrap_or_default();
    let has_rekor2 = root == Root::WithRekor2;
    let logs = list("tlogs").into_iter().filter(|log| has_rekor2 || !is_rekor2(log));
    let keys = json!({
        "certificateAuthorities": list("certificateAuthorities").iter().map(authority).collect::<Vec<_>>(),
        "timestampAuthorities": list("timestampAuthorities").iter().map(authority).collect::<Vec<_>>(),
        "tLogs": logs.map(|entry| log(&entry)).collect::<Vec<_>>(),
        "ctLogs": list("ctlogs").iter().map(log).collect::<Vec<_>>(),
    });
    json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "TrustRoot",
        "metadata": { "name": "root" },
        "spec": { "sigstoreKeys": keys },
    })
}

fn file(sigstore: &Sigstore, root: Root) -> PathBuf {
    match root {
        Root::Whole | Root::WithRekor2 => sigstore.trusted_root(),
        Root::NoCertificateLog => sigstore.trusted_root_without(Part::CertificateLog),
        Root::OfOthers => sigstore.trusted_root_of_others(),
    }
}

fn is_rekor2(log: &Value) -> bool {
    log["baseUrl"].as_str().is_some_and(|url| url.contains("//rekor2"))
}

fn authority(authority: &Value) -> Value {
    let chain = authority["certChain"]["certificates"].as_array().expect("an authority has certificates");
    let chain: String = chain.iter().map(|one| pem("CERTIFICATE", one)).collect();
    json!({
        "subject": { "organization": "sealgate", "commonName": "test" },
        "uri": authority["uri"],
        "certChain": BASE64_STANDARD.encode(chain),
    })
}

fn log(log: &Value) -> Value {
    let key = pem("PUBLIC KEY", &log["publicKey"]);
    json!({ "baseURL": log["baseUrl"], "hashAlgorithm": "sha-256", "publicKey": BASE64_STANDARD.encode(key) })
}

/// What the file has in base64 on one line.
fn pem(label: &str, object: &Value) -> String {
    let bytes = object["rawBytes"].as_str().expect("certificates and keys have bytes");
    format!("-----BEGIN {label}-----\n{bytes}\n-----END {label}-----\n")
}
