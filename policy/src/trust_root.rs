//! TrustRoot: whose certificates, logs and clocks count, as an object of its own.
//!
//! Keys given in the object are read in full. Of a TUF repository, remote or packed, only the structure is known here;
//! policies that refer to it are not ready until what it holds was brought.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;
use verifier::{CertificateAuthority, CertificateLog, TimestampAuthority, TransparencyLog, TrustRoot, Window};

use crate::{
    object::Object,
    problem::Objection,
    supplies::{Supplies, TufPlace, TufRepository, Wanted},
};

/// What a TrustRoot says, or why it can be used for nothing.
pub(crate) type Contents = Result<TrustRoot, String>;

/// A TrustRoot.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// The repository that must be asked for it, if one must.
    pub(crate) wanted: Option<Wanted>,
    pub(crate) contents: Contents,
}

impl Root {
    /// Takes up what was brought, or why it is not to be had.
    pub(crate) fn supply(&mut self, supplies: &Supplies) {
        let Some(wanted) = &self.wanted else { return };
        self.contents = match supplies.get(wanted) {
            Err(why) => Err(why.to_owned()),
            Ok(bytes) => TrustRoot::parse_trusted_root(bytes)
                .map_err(|why| format!("holds a trusted root that cannot be read: {why}")),
        };
    }
}

/// Reads the `spec` of a TrustRoot. The result counts only if there was no problem.
pub(crate) fn read(top: &Object<'_>) -> Root {
    const KINDS: [&str; 3] = ["remote", "repository", "sigstoreKeys"];
    let given = |contents| Root { wanted: None, contents };
    let Some(spec) = top.object("spec", &KINDS) else {
        top.object_to(top.at(), Objection::Missing { paths: vec![top.path_of("spec")] });
        return given(Err("has no spec".to_owned()));
    };
    spec.exactly_one(&KINDS, &KINDS);
    for (kind, place) in [("remote", "mirror"), ("repository", "mirrorFS")] {
        if let Some(object) = spec.object(kind, &["root", place, "targets", "trustedRootTarget"]) {
            return repository(&object, place).unwrap_or_else(|why| given(Err(why)));
        }
    }
    let keys = spec.object("sigstoreKeys", &[AUTHORITIES.as_slice(), LOGS.as_slice()].concat());
    given(keys.map_or_else(|| Err("has no keys".to_owned()), |keys| sigstore_keys(&keys)))
}

/// A TUF repository, whose contents are to be brought.
fn repository(object: &Object<'_>, place: &str) -> Result<Root, String> {
    require(object, &["root", place]);
    let text = |name: &str| object.text(name).map(|text| text.value.to_owned());
    let bytes = |name: &str| {
        let text = text(name).unwrap_or_default();
        decoded(&text).ok_or_else(|| unusable(&object.path_of(name), &"not base64"))
    };
    let root = bytes("root")?;
    let place = match place {
        "mirror" => TufPlace::Mirror(text(place).unwrap_or_default()),
        _ => TufPlace::Archive(bytes(place)?),
    };
    let targets = text("targets").unwrap_or_else(|| "targets".to_owned());
    let target = text("trustedRootTarget").unwrap_or_else(|| "trusted_root.json".to_owned());
    let wanted = Wanted::TrustedRoot(TufRepository { root, place, targets, target });
    Ok(Root { wanted: Some(wanted), contents: Err("is a TUF repository that was not asked".to_owned()) })
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
    let text = decoded(text).and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| unusable(path, &"not PEM in base64"))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(compact).ok()
}

fn unusable(path: &str, why: &dyn fmt::Display) -> String {
    format!("cannot be used: {path}: {why}")
}

fn require(object: &Object<'_>, names: &[&str]) {
    names.iter().for_each(|name| drop(object.required_text(name)));
}

const AUTHORITIES: [&str; 2] = ["certificateAuthorities", "timestampAuthorities"];
const LOGS: [&str; 2] = ["tLogs", "ctLogs"];
const SHA256: [&str; 3] = ["sha256", "sha-256", "SHA2_256"];
