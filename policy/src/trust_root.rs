//! TrustRoot: read in full and validated in its structure. Its contents are not evaluated by this version, and the
//! policies that refer to it are not ready.

use crate::{object::Object, problem::Objection};

/// Checks the `spec` of a TrustRoot.
pub(crate) fn check(top: &Object<'_>) {
    const KINDS: [&str; 3] = ["remote", "repository", "sigstoreKeys"];
    let Some(spec) = top.object("spec", &KINDS) else {
        return top.object_to(top.at(), Objection::Missing { paths: vec![top.path_of("spec")] });
    };
    spec.exactly_one(&KINDS, &KINDS);
    if let Some(remote) = spec.object("remote", &["root", "mirror", "targets", "trustedRootTarget"]) {
        require(&remote, &["root", "mirror"]);
        accept(&remote, &["targets", "trustedRootTarget"]);
    }
    if let Some(repository) = spec.object("repository", &["root", "mirrorFS", "targets", "trustedRootTarget"]) {
        require(&repository, &["root", "mirrorFS"]);
        accept(&repository, &["targets", "trustedRootTarget"]);
    }
    if let Some(keys) = spec.object("sigstoreKeys", &[AUTHORITIES.as_slice(), LOGS.as_slice()].concat()) {
        sigstore_keys(&keys);
    }
}

fn sigstore_keys(keys: &Object<'_>) {
    if !AUTHORITIES.iter().any(|name| keys.given(name)) {
        keys.object_to(keys.at(), Objection::Missing { paths: keys.paths_of(&AUTHORITIES) });
    }
    for name in AUTHORITIES {
        for authority in keys.objects(name, &["subject", "uri", "certChain"]) {
            require(&authority, &["uri", "certChain"]);
            match authority.object("subject", &["organization", "commonName"]) {
                Some(subject) => require(&subject, &["organization", "commonName"]),
                None => {
                    authority.object_to(authority.at(), Objection::Missing { paths: authority.paths_of(&["subject"]) })
                }
            }
        }
    }
    for name in LOGS {
        for log in keys.objects(name, &["baseURL", "hashAlgorithm", "publicKey"]) {
            require(&log, &["baseURL", "hashAlgorithm", "publicKey"]);
        }
    }
}

fn require(object: &Object<'_>, names: &[&str]) {
    names.iter().for_each(|name| drop(object.required_text(name)));
}

fn accept(object: &Object<'_>, names: &[&str]) {
    names.iter().for_each(|name| drop(object.text(name)));
}

const AUTHORITIES: [&str; 2] = ["certificateAuthorities", "timestampAuthorities"];
const LOGS: [&str; 2] = ["tLogs", "ctLogs"];
