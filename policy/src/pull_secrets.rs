//! Credentials among the policy files, which `source.signaturePullSecrets` names: for the lookup of an authority's
//! signatures, and for nothing else.
//!
//! The keys of a Docker config are matched as the kubelet does it, except that a path ends where a folder does: what is
//! for `team` is not for `team-evil`.

use std::{cmp::Ordering, collections::BTreeMap, fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{Digest, Repository};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    NotReady,
    object::{Object, Text},
    problem::excerpt,
    references::References,
};

/// A credential from a pull secret. Not shown, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password, or an access token in its place.
        password: Zeroizing<String>,
    },
    /// An OAuth refresh token.
    IdentityToken(Zeroizing<String>),
    /// A token for the registry itself.
    RegistryToken(Zeroizing<String>),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// What the pull secrets of one authority hold; nothing where it names none, or none that is there.
#[derive(Clone, Default)]
pub(crate) struct PullSecrets(Option<Arc<Held>>);

struct Held {
    /// The key that counts first of several comes first.
    logins: Vec<(Key, Login)>,
    /// Of the Secrets' texts.
    digest: Digest,
}

impl PullSecrets {
    /// Reads the Secrets of these names; one that is not there is passed over, as policy-controller does.
    ///
    /// # Errors
    /// Fails if one of them is no pull secret. What it holds is never said.
    pub(crate) fn read(names: &[Text<'_>], references: &References<'_>) -> Result<Self, NotReady> {
        let (mut logins, mut digests) = (Vec::new(), Vec::new());
        for name in names {
            let Some(secret) = references.pull_secret(name) else { continue };
            let unusable = |why| {
                let why = format!("Secret {} {why}", excerpt(name.value));
                NotReady::UnusableReference { field: name.path.clone(), why }
            };
            let (kind, text) = docker_config(secret).map_err(unusable)?;
            logins.extend(kind.logins(&text).map_err(unusable)?);
            digests.extend([Digest::of(kind.entry().as_bytes()), Digest::of(&text)]);
        }
        logins.sort_by(|(one, _), (other, _)| other.cmp(one));
        let bytes: Vec<u8> = digests.iter().flat_map(|digest| *digest.as_bytes()).collect();
        Ok(Self((!logins.is_empty()).then(|| Arc::new(Held { logins, digest: Digest::of(&bytes) }))))
    }

    /// The credential for this repository.
    pub(crate) fn login(&self, repository: &Repository) -> Option<&Login> {
        let name = repository.index_name();
        self.0.as_ref()?.logins.iter().find(|(key, _)| key.covers(&name)).map(|(_, login)| login)
    }

    /// Tells apart what must not share an answer. Not for printing: a weak password can be guessed from it.
    pub(crate) fn digest(&self) -> Option<&Digest> {
        self.0.as_ref().map(|held| &held.digest)
    }
}

impl fmt::Debug for PullSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PullSecrets(…)")
    }
}

impl PartialEq for PullSecrets {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for PullSecrets {}

impl PartialOrd for PullSecrets {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PullSecrets {
    fn cmp(&self, other: &Self) -> Ordering {
        self.digest().cmp(&other.digest())
    }
}

/// The two kinds of pull secrets.
#[derive(Clone, Copy)]
enum Kind {
    ConfigJson,
    Cfg,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name {
            "kubernetes.io/dockerconfigjson" => Some(Self::ConfigJson),
            "kubernetes.io/dockercfg" => Some(Self::Cfg),
            _ => None,
        }
    }

    fn entry(self) -> &'static str {
        match self {
            Self::ConfigJson => ".dockerconfigjson",
            Self::Cfg => ".dockercfg",
        }
    }

    /// At least one credential, with the keys that they are for.
    fn logins(self, text: &[u8]) -> Result<Vec<(Key, Login)>, String> {
        // What serde says may quote what it found.
        let place = |error: serde_json::Error| {
            format!("holds no Docker config: line {}, column {}", error.line(), error.column())
        };
        let auths = match self {
            Self::ConfigJson => serde_json::from_slice::<Config>(text).map_err(place)?.auths,
            Self::Cfg => serde_json::from_slice::<Auths>(text).map_err(place)?,
        };
        let mut logins = Vec::new();
        for (key, entry) in auths {
            let broken = |why| format!("holds a broken entry `{}`: {why}", excerpt(&key));
            let login = entry.map_or(Ok(None), Entry::login).map_err(broken)?;
            let place = Key::read(&key).ok_or_else(|| broken("it names no registry"))?;
            logins.extend(login.map(|login| (place, login)));
        }
        if logins.is_empty() { Err("holds no credential".to_owned()) } else { Ok(logins) }
    }
}

/// The Docker config in a Secret, decoded.
fn docker_config(secret: &Object<'_>) -> Result<(Kind, Zeroizing<Vec<u8>>), String> {
    let kind = secret.text("type").and_then(|text| Kind::of(text.value)).ok_or(WRONG_TYPE)?;
    let text = |field: &str| secret.any_object(field)?.text(kind.entry());
    if let Some(plain) = text("stringData") {
        return Ok((kind, Zeroizing::new(plain.value.as_bytes().to_vec())));
    }
    let encoded = text("data").ok_or_else(|| format!("has no entry `{}`", kind.entry()))?;
    let compact = Zeroizing::new(encoded.value.split_ascii_whitespace().collect::<String>());
    let decoded = BASE64_STANDARD.decode(compact.as_bytes());
    let decoded = decoded.map_err(|_| format!("has no base64 in its entry `{}`", kind.entry()))?;
    Ok((kind, Zeroizing::new(decoded)))
}

type Auths = BTreeMap<String, Option<Entry>>;

#[derive(Deserialize)]
struct Config {
    auths: Auths,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<Hidden>,
    username: Option<String>,
    password: Option<Hidden>,
    identitytoken: Option<Hidden>,
    registrytoken: Option<Hidden>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct Hidden(Zeroizing<String>);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Entry {
    /// By Docker's order: a registry token, an identity token, `auth`, `username` and `password`.
    fn login(self) -> Result<Option<Login>, &'static str> {
        let given = |hidden: Option<Hidden>| hidden.map(|hidden| hidden.0).filter(|text| !text.is_empty());
        let fields = |password: Option<Hidden>| {
            let user = self.username.filter(|user| !user.is_empty())?;
            Some(Login::Password { user, password: password?.0 })
        };
        let password = match given(self.auth) {
            Some(auth) => Some(decode(&auth)?),
            None => fields(self.password),
        };
        let token = given(self.registrytoken).map(Login::RegistryToken);
        Ok(token.or_else(|| given(self.identitytoken).map(Login::IdentityToken)).or(password))
    }
}

/// `auth`: the base64 of `user:password`.
fn decode(auth: &str) -> Result<Login, &'static str> {
    let compact = Zeroizing::new(auth.split_ascii_whitespace().collect::<String>());
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(compact.as_bytes()).map_err(|_| "`auth` is not base64")?);
    let text = std::str::from_utf8(&bytes).map_err(|_| "`auth` is not text")?;
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() => {
            let password = Zeroizing::new(password.trim_matches('\0').to_owned());
            Ok(Login::Password { user: user.to_owned(), password })
        }
        _ => Err("`auth` is not `user:password`"),
    }
}

/// For which repositories a credential is: host, perhaps with a port and `*` within its labels, and perhaps a folder.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key(String);

impl Key {
    /// Without the scheme, and the version of the registry protocol that old addresses have in them.
    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = match host.to_ascii_lowercase() {
            host if host == "docker.io" => "index.docker.io".to_owned(),
            host => host,
        };
        let path = path.trim_end_matches('/');
        let path = match path.split_once('/') {
            Some(("v1" | "v2", rest)) => rest,
            None if matches!(path, "v1" | "v2") => "",
            _ => path,
        };
        let name = if path.is_empty() { host.clone() } else { format!("{host}/{path}") };
        (!host.is_empty()).then_some(Self(name))
    }

    fn covers(&self, name: &str) -> bool {
        let (host, folder) = self.0.split_once('/').unwrap_or((&self.0, ""));
        let (domain, path) = name.split_once('/').unwrap_or((name, ""));
        let inside = folder.is_empty() || path.strip_prefix(folder).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        inside && is_host(host, &domain.to_ascii_lowercase())
    }
}

/// As many labels, each as the pattern has it, and the same port.
fn is_host(pattern: &str, domain: &str) -> bool {
    let port =
        |text: &str| text.rsplit_once(':').map_or((text.to_owned(), None), |(h, p)| (h.into(), Some(p.to_owned())));
    let ((pattern, wanted), (host, found)) = (port(pattern), port(domain));
    let (patterns, labels): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), host.split('.').collect());
    let alike = patterns.len() == labels.len() && patterns.iter().zip(labels).all(|(one, label)| is_label(one, label));
    wanted == found && alike
}

/// What stands before the first `*` and behind the last is there, and what stands between, in that order.
fn is_label(pattern: &str, label: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == label };
    let (between, after) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut left) = label.strip_prefix(before).and_then(|left| left.strip_suffix(after)) else { return false };
    between.split('*').all(|part| match left.split_once(part) {
        Some((_, rest)) => {
            left = rest;
            true
        }
        None => false,
    })
}

const WRONG_TYPE: &str = "is no pull secret: wanted the type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg";

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(key: &str, repository: &str) -> bool {
        Key::read(key).unwrap().covers(&repository.parse::<Repository>().unwrap().index_name())
    }

    #[test]
    fn key_is_for_its_own_host_and_port_and_folder() {
        for (key, repository) in [
            ("ghcr.io", "ghcr.io/team/app"),
            ("https://GHCR.io/v2/", "ghcr.io/team/app"),
            ("http://ghcr.io/v1/team", "ghcr.io/team/app"),
            ("ghcr.io/team/", "ghcr.io/team/app"),
            ("ghcr.io/team/app", "ghcr.io/team/app"),
            ("*.io", "ghcr.io/team/app"),
            ("*.*.example", "a.b.example/x"),
            ("a*c*e.io", "abcde.io/x"),
            ("localhost:5000", "localhost:5000/x"),
            ("https://index.docker.io/v1/", "busybox"),
            ("docker.io", "docker.io/team/app"),
        ] {
            assert!(covers(key, repository), "{key} is for {repository}");
        }
    }

    #[test]
    fn key_is_for_nothing_else() {
        for (key, repository) in [
            ("ghcr.io", "evil.ghcr.io/team/app"),
            ("ghcr.io", "ghcr.io.evil.example/team/app"),
            ("ghcr.io", "ghcr.io:5000/team/app"),
            ("localhost:5000", "localhost/x"),
            ("localhost:5000", "localhost:50000/x"),
            ("ghcr.io/team", "ghcr.io/team-evil/app"),
            ("ghcr.io/team/app", "ghcr.io/team"),
            ("ghcr.io/team", "ghcr.io/other/team/app"),
            ("*.io", "a.ghcr.io/team/app"),
            ("*", "ghcr.io/team/app"),
            ("a*c*e.io", "aecc.io/x"),
            ("ab*ba.io", "aba.io/x"),
            ("docker.io", "ghcr.io/team/app"),
        ] {
            assert!(!covers(key, repository), "{key} is not for {repository}");
        }
    }

    #[test]
    fn nothing_of_a_login_is_shown() {
        let password = Zeroizing::new("hunter2".to_owned());
        let shown = format!("{:?}", Login::Password { user: "me".to_owned(), password });
        assert_eq!(shown, "Login(…)");
    }
}
