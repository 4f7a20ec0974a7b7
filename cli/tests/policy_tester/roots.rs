//! TrustRoot objects made of the trusted roots of the private Sigstore.

use std::{fs, path::PathBuf};

use peers::{Part, Sigstore};
use serde_json::Value;

use crate::case::Root;

/// The object, named `root`.
pub(crate) fn trust_root(sigstore: &Sigstore, root: Root) -> Value {
    let text = fs::read(file(sigstore, root)).expect("cosign has written it");
    let mut parts: Value = serde_json::from_slice(&text).expect("cosign writes JSON");
    if root != Root::WithRekor2 {
        parts["tlogs"].as_array_mut().expect("the trusted root has logs").retain(|log| !is_rekor2(log));
    }
    peers::trust_root("root", &parts)
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
