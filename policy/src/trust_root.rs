//! TrustRoot: whose certificates, logs and clocks count, as an object of its own.
//!
//! Keys given in the object are read in full. A TUF repository, remote or packed, is validated in its structure; what
//! it holds is not known here, and policies that refer to it are not ready.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;
use verifier::{CertificateAuthority, CertificateLog, TimestampAuthority, TransparencyLog, TrustRoot, Window};

use crate::{object::Object, problem::Objection};

/// What a TrustRoot says, or why it can be used for nothing.
pub(crate) type Contents = Result<TrustRoot, String>;

/// Reads the `spec` of a TrustRoot. The result counts only if there was no problem.
pub(crate) fn read(top: &Object<'_>) -> Contents {
    const KINDS: [&str; 3] = ["remote", "repository", "sigstoreKeys"];
    let Some(spec) = top.object("spec", &KINDS) else {
        top.object_to(top.at(), Objection::Missing { paths: vec![top.path_of("spec")] });
        return Err("has no spec".to_owned());
    };
    spec.exactly_one(&KINDS, &KINDS);
    if let Some(remote) = spec.object("remote", &["root", "mirror", "targets", "trustedRootTarget"]) {
        require(&remote, &["root", "mirror"]);
        accept(&remote, &["targets", "trustedRootTarget"]);
        return Err("is a remote TUF repository, which policies cannot use yet".to_owned());
    }
    if let Some(repository) = spec.object("repository", &["root", "mirrorFS", "targets", "trustedRootTarget"]) {
        require(&repository, &["root", "mirrorFS"]);
        accept(&repository, &["targets", "trustedRootTarget"]);
        return Err("is a packed TUF repository, which policies cannot use yet".to_owned());
    }
    let keys = spec.object("sigstoreKeys", &[AUTHORITIES.as_slice(), LOGS.as_slice()].concat());
    keys.map_or_else(|| Err("has no keys".to_owned()), |keys| sigstore_keys(&keys))
}

/// All of them, or the fault of the first that cannot be used: a root of which a part is missing would refuse what it
/// should accept, and nobody would know why.
fn sigstore_keys(keys: &Object<'_>) -> Contents {
    if !AUTHORITIES.iter().any(|name| keys.given(name)) {
        keys.object_to(keys.at(), Objection::Missing { paths: keys.paths_of(&AUTHORITIES) });
    }
    let (names, clocks) = (authorities(keys, AUTHORITIES[0]), authorities(keys, AUTHORITIES[1]));
    let (logs, certificate_logs) = (logs(keys, LOGS[0]), logs(keys, LOGS[1]));
    let mut root = TrustRoot::new(Vec::new());
    for (path, chain) in names {
        let authority = CertificateAuthority::from_pem(&pem(&path, &chain)?, Window::UNBOUNDED);
        root = root.with_authority(authority.map_err(|why| unusable(&path, &why))?);
    }
    for (path, chain) in clocks {
        let authority = TimestampAuthority::from_pem(&pem(&path, &chain)?, Window::UNBOUNDED);
        root = root.with_timestamp_authority(authority.map_err(|why| unusable(&path, &why))?);
    }
    for Log { base_url, path, key } in logs {
        root = root.with_log(TransparencyLog::new(log_key(&path, &key)?, &base_url, Window::UNBOUNDED));
    }
    for Log { path, key, .. } in certificate_logs {
        root = root.with_certificate_log(CertificateLog::new(log_key(&path, &key)?, Window::UNBOUNDED));
    }
    Ok(root)
}

/// The chains of a list, each with the path of its field.
fn authorities(keys: &Object<'_>, list: &str) -> Vec<(String, String)> {
    let mut chains = Vec::new();
    for authority in keys.objects(list, &["subject", "uri", "certChain"]) {
        require(&authority, &["uri"]);
        match authority.object("subject", &["organization", "commonName"]) {
            Some(subject) => require(&subject, &["organization", "commonName"]),
            None => authority.object_to(authority.at(), Objection::Missing { paths: authority.paths_of(&["subject"]) }),
        }
        chains.extend(authority.required_text("certChain").map(|text| (text.path, text.value.to_owned())));
    }
    chains
}

struct Log {
    base_url: String,
    path: String,
    key: String,
}

fn logs(keys: &Object<'_>, list: &str) -> Vec<Log> {
    let mut logs = Vec::new();
    for log in keys.objects(list, &["baseURL", "hashAlgorithm", "publicKey"]) {
        let base_url = log.required_text("baseURL").map(|text| text.value.to_owned());
        if let Some(hash) = log.required_text("hashAlgorithm") {
            hash.expect(SHA256.iter().any(|name| hash.value.eq_ignore_ascii_case(name)), "sha-256");
        }
        let key = log.required_text("publicKey").map(|text| (text.path, text.value.to_owned()));
        logs.extend(base_url.zip(key).map(|(base_url, (path, key))| Log { base_url, path, key }));
    }
    logs
}

fn log_key(path: &str, text: &str) -> Result<PublicKey, String> {
    PublicKey::from_pem(pem(path, text)?.as_bytes()).map_err(|why| unusable(path, &why))
}

/// Text in base64, as Kubernetes writes bytes.
fn pem(path: &str, text: &str) -> Result<String, String> {
    let compact: String = text.split_ascii_whitespace().collect();
    let text = BASE64_STANDARD.decode(compact).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| unusable(path, &"not PEM in base64"))
}

fn unusable(path: &str, why: &dyn fmt::Display) -> String {
    format!("cannot be used: {path}: {why}")
}

fn require(object: &Object<'_>, names: &[&str]) {
    names.iter().for_each(|name| drop(object.required_text(name)));
}

fn accept(object: &Object<'_>, names: &[&str]) {
    names.iter().for_each(|name| drop(object.text(name)));
}

const AUTHORITIES: [&str; 2] = ["certificateAuthorities", "timestampAuthorities"];
const LOGS: [&str; 2] = ["tLogs", "ctLogs"];
const SHA256: [&str; 3] = ["sha256", "sha-256", "SHA2_256"];
