//! The files of the corpus, with our keys, addresses and names in place of those that nobody here has.

use std::{fs, path::PathBuf};

use crate::{
    shelf::{ELSEWHERE, SERVER, SOLVER, Shelf},
    signing::ACCOUNT,
};

/// The folder; nothing, said, where it is missing.
pub(crate) fn folder() -> Option<PathBuf> {
    Some(peers::corpus()?.join("cluster-image-policy/e2e"))
}

/// The names of all files there.
pub(crate) fn names() -> Vec<String> {
    let Some(folder) = folder() else { return Vec::new() };
    let entries = fs::read_dir(&folder).expect("the corpus has that folder");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("names are text");
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("the corpus can be read"))).collect();
    names.sort();
    names
}

/// A file with that public key for every key, and the shelf's addresses and names; nothing where it was kept back.
pub(crate) fn policy(file: &str, shelf: &Shelf, key: &str) -> Option<String> {
    let text = fs::read_to_string(folder()?.join(file)).ok()?;
    let mut text = with_key(&text, &shelf.key(key));
    for (theirs, ours) in names_of(shelf) {
        text = text.replace(theirs, &ours);
    }
    Some(text)
}

/// The names of the trust roots that a policy refers to.
pub(crate) fn roots(policy: &str) -> Vec<&str> {
    let named = policy.lines().filter_map(|line| line.trim().strip_prefix("trustRootRef:"));
    let mut names: Vec<&str> = named.map(str::trim).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn names_of(shelf: &Shelf) -> [(&'static str, String); 7] {
    let address = shelf.address();
    let (_, issuer) = shelf.sigstore.identity(ACCOUNT);
    [
        ("http://rekor.rekor-system.svc", shelf.sigstore.log(peers::Log::Rekor1)),
        ("http://fulcio.fulcio-system.svc", shelf.sigstore.fulcio()),
        ("http://fulcio.sigstore.dev", shelf.sigstore.fulcio()),
        ("ghcr.io/sigstore/timestamp-server", format!("{address}/{SERVER}")),
        ("quay.io/jetstack/cert-manager-acmesolver", format!("{address}/{SOLVER}")),
        ("registry.local:5000/policy-controller/demo", format!("{address}/{ELSEWHERE}")),
        (".*kubernetes.default.*", issuer),
    ]
}

/// Every block of a public key, as deep as it stands, by this one.
fn with_key(text: &str, key: &str) -> String {
    let mut lines = Vec::new();
    let mut within = false;
    for line in text.lines() {
        if let Some((indent, _)) = line.split_once("-----BEGIN PUBLIC KEY-----") {
            within = true;
            lines.extend(key.lines().map(|own| format!("{indent}{own}")));
        }
        if !within {
            lines.push(line.to_owned());
        }
        within &= !line.contains("-----END PUBLIC KEY-----");
    }
    lines.join("\n") + "\n"
}
