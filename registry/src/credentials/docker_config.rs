//! Docker's `config.json` and the environment variable `DOCKER_AUTH_CONFIG`, as far as credentials go.
//!
//! Where the docker command line warns about a broken file and goes on without credentials, this refuses the file: a
//! pull that silently became anonymous is found by nobody.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Credential, Secret, lookup::CredentialError};

/// The members of `config.json` that say where credentials are.
#[derive(Default, Deserialize)]
pub(super) struct DockerConfig {
    #[serde(default)]
    auths: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(default, rename = "credsStore")]
    pub(super) store: Option<String>,
    #[serde(default, rename = "credHelpers")]
    helpers: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<Secret>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<Secret>,
    #[serde(default)]
    identitytoken: Option<Secret>,
    #[serde(default)]
    registrytoken: Option<Secret>,
}

impl DockerConfig {
    /// Reads `config.json` in this folder; a file that is not there is an empty one. Every entry is checked, since a
    /// broken one fails the whole file for Docker too. Blocks, for one small local file.
    pub(super) fn read(dir: &Path) -> Result<Self, CredentialError> {
        let path = dir.join("config.json");
        let broken = |why: String| CredentialError::BrokenFile { path: path.clone(), why };
        let mut text = Zeroizing::new(Vec::new());
        match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(broken(error.to_string())),
            Ok(file) => file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(|error| broken(error.to_string()))?,
        };
        if text.len() as u64 > MAX_FILE {
            return Err(broken(format!("larger than {MAX_FILE} bytes")));
        }
        let config = Self::parse(&text).map_err(|error| broken(error.to_string()))?;
        for (server, entry) in config.entries() {
            entry.credential().map_err(|why| broken(format!("entry `{}`: {why}", server.escape_debug())))?;
        }
        Ok(config)
    }

    /// Reads the first JSON value; what follows is ignored, as Docker does.
    fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        match serde_json::Deserializer::from_slice(text).into_iter().next() {
            None => Ok(Self::default()),
            Some(config) => config,
        }
    }

    /// Whether anything about credentials is configured at all; if not, Docker looks for a default store.
    pub(super) fn is_silent(&self) -> bool {
        let no_helper = self.helpers.as_ref().is_none_or(BTreeMap::is_empty);
        no_helper && self.store.as_deref().unwrap_or_default().is_empty() && self.entries().next().is_none()
    }

    /// The helper for exactly this server.
    pub(super) fn helper(&self, server: &str) -> Option<&str> {
        self.helpers.as_ref()?.get(server).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The credential in the file: by the exact key, else by the first key, in order, that names this server as an
    /// address.
    pub(super) fn credential(&self, server: &str) -> Option<Credential> {
        let all = self.auths.as_ref()?;
        let exact = all.get(server);
        let entry = exact.or_else(|| all.iter().find(|(key, _)| host_of(key) == server).map(|(_, entry)| entry));
        entry?.as_ref()?.credential().expect("entries were checked when the file was read")
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.auths.iter().flatten().filter_map(|(server, entry)| Some((server, entry.as_ref()?)))
    }
}

impl Entry {
    /// A registry token is ready for use, an identity token beats a password, `auth` beats `username` and `password`.
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let given = |text: &Option<Secret>| text.clone().filter(|text| !text.reveal().is_empty());
        let fields = || {
            let user = self.username.clone().filter(|user| !user.is_empty())?;
            Some(Credential::Password { user, password: self.password.clone()? })
        };
        let password = match given(&self.auth) {
            Some(auth) => Some(decode(&auth)?),
            None => fields(),
        };
        let token = given(&self.registrytoken).map(Credential::RegistryToken);
        Ok(token.or_else(|| given(&self.identitytoken).map(Credential::IdentityToken)).or(password))
    }
}

/// Reads `DOCKER_AUTH_CONFIG`: one object with `auths` alone, each entry with `auth` alone.
pub(super) fn from_environment(text: &str) -> Result<BTreeMap<String, Credential>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        auths: BTreeMap<String, StrictEntry>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct StrictEntry {
        auth: Secret,
    }
    let parsed: Strict = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let read = |(server, entry): (String, StrictEntry)| match decode(&entry.auth) {
        Ok(credential) => Ok((server, credential)),
        Err(why) => Err(format!("entry `{}`: {why}", server.escape_debug())),
    };
    parsed.auths.into_iter().map(read).collect()
}

/// `auth`: the standard base64 of `user:password`, split at the first colon, line breaks in it and NULs around the
/// password dropped.
fn decode(auth: &Secret) -> Result<Credential, &'static str> {
    let clean = Zeroizing::new(auth.reveal().replace(['\r', '\n'], ""));
    let bytes = Zeroizing::new(STANDARD.decode(clean.as_bytes()).map_err(|_| "`auth` is not base64")?);
    let text = std::str::from_utf8(&bytes).map_err(|_| "`auth` is not text")?;
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() => {
            let password = Secret::new(password.trim_matches('\0').to_owned());
            Ok(Credential::Password { user: user.to_owned(), password })
        }
        _ => Err("`auth` is not `user:password`"),
    }
}

fn host_of(key: &str) -> &str {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    rest.split('/').next().unwrap_or_default()
}

const MAX_FILE: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(auths: &str, server: &str) -> Option<Credential> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), format!(r#"{{"auths":{auths}}}"#)).unwrap();
        DockerConfig::read(dir.path()).unwrap().credential(server)
    }

    fn broken(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), text).unwrap();
        DockerConfig::read(dir.path()).err().expect("the file is broken").to_string()
    }

    fn password(user: &str, password: &str) -> Option<Credential> {
        Some(Credential::Password { user: user.into(), password: Secret::new(password.into()) })
    }

    #[test]
    fn password_may_hold_colons_and_is_trimmed_of_nuls() {
        let auth = STANDARD.encode("me:a:b\0\0");
        assert_eq!(lookup(&format!(r#"{{"a.b":{{"auth":"{auth}"}}}}"#), "a.b"), password("me", "a:b"));
    }

    #[test]
    fn exact_key_beats_an_address_and_a_path_does_not_matter() {
        let auths = r#"{"https://a.b/v1/":{"username":"old","password":"x"},"a.b":{"username":"new","password":"x"}}"#;
        assert_eq!(lookup(auths, "a.b"), password("new", "x"));
        assert_eq!(lookup(r#"{"http://a.b:5/x":{"username":"u","password":"p"}}"#, "a.b:5"), password("u", "p"));
        assert_eq!(lookup(r#"{"a.b":{"username":"u","password":"p"}}"#, "a.b:5"), None);
    }

    #[test]
    fn tokens_beat_passwords_and_auth_beats_fields() {
        let auth = STANDARD.encode("me:x");
        let identity = format!(r#"{{"a.b":{{"auth":"{auth}","identitytoken":"t"}}}}"#);
        assert_eq!(lookup(&identity, "a.b"), Some(Credential::IdentityToken(Secret::new("t".into()))));
        let both = format!(r#"{{"a.b":{{"auth":"{auth}","username":"other","password":"y"}}}}"#);
        assert_eq!(lookup(&both, "a.b"), password("me", "x"));
        assert_eq!(lookup(r#"{"a.b":{}}"#, "a.b"), None);
    }

    #[test]
    fn broken_entry_fails_the_whole_file_by_name() {
        let not_base64 = broken(r#"{"auths":{"other":{"auth":"@@@@"}}}"#);
        assert!(not_base64.contains("config.json") && not_base64.contains("`other`"), "{not_base64}");
        for auth in ["bm9jb2xvbg==", "OnB3", "bWU6cHc", "bWU6_-8="] {
            broken(&format!(r#"{{"auths":{{"x":{{"auth":"{auth}"}}}}}}"#));
        }
        broken("{");
        broken(r#"{"auths":[]}"#);
    }

    #[test]
    fn what_follows_the_first_value_is_ignored_and_no_file_is_silent() {
        assert!(DockerConfig::parse(b"{} trailing").unwrap().is_silent());
        let dir = tempfile::tempdir().unwrap();
        assert!(DockerConfig::read(dir.path()).unwrap().is_silent());
    }

    #[test]
    fn environment_variable_is_read_strictly() {
        let auth = STANDARD.encode("me:x");
        assert_eq!(from_environment(&format!(r#"{{"auths":{{"a":{{"auth":"{auth}"}}}}}}"#)).unwrap().len(), 1);
        for text in [
            format!(r#"{{"auths":{{"a":{{"auth":"{auth}","email":"x"}}}}}}"#),
            format!(r#"{{"auths":{{"a":{{"auth":"{auth}"}}}}}} {{}}"#),
            format!(r#"{{"auths":{{"a":{{"auth":"{auth}"}}}},"credsStore":"x"}}"#),
            r#"{"auths":{"a":{}}}"#.to_owned(),
        ] {
            assert!(from_environment(&text).is_err(), "{text}");
        }
    }
}
