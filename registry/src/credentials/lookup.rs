//! One lookup, by Docker's order: what was given on the command line, `DOCKER_AUTH_CONFIG`, `credHelpers`,
//! `credsStore`, `auths`. A helper that is chosen is the only source: if it stores nothing, the registry is asked
//! anonymously.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
};

use super::{Credential, docker_config, docker_config::DockerConfig, helper};

/// Where credentials are looked up. Files are read and helpers run at each lookup, not before.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    given: Option<Credential>,
    /// The one registry that is given it; all where there is none.
    given_to: Option<String>,
    environment: BTreeMap<String, Credential>,
    config_dir: Option<PathBuf>,
    helper_path: Option<OsString>,
}

/// Where a credential was found, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialOrigin {
    /// Given outright.
    Given,
    /// `DOCKER_AUTH_CONFIG`.
    Environment,
    /// A helper, by its name.
    Helper(String),
    /// `auths` in `config.json`.
    File,
}

impl fmt::Display for CredentialOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("given"),
            Self::Environment => f.write_str("DOCKER_AUTH_CONFIG"),
            Self::Helper(name) => write!(f, "docker-credential-{name}"),
            Self::File => f.write_str("config.json"),
        }
    }
}

impl Credentials {
    /// No credential for any registry.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// This credential for the registry of this domain, and none for any other.
    #[must_use]
    pub fn of_registry(domain: &str, credential: Credential) -> Self {
        Self { given: Some(credential), given_to: Some(domain.to_owned()), ..Self::default() }
    }

    /// Docker's sources: the folder with `config.json`, if there is one, and the text of `DOCKER_AUTH_CONFIG`. A text
    /// that Docker would not accept is ignored with a warning in the log, since other programs give that variable
    /// other forms.
    #[must_use]
    pub fn from_docker(config_dir: Option<PathBuf>, auth_config: Option<&str>) -> Self {
        let environment = match auth_config.filter(|text| !text.is_empty()).map(docker_config::from_environment) {
            None => BTreeMap::new(),
            Some(Ok(entries)) => entries,
            Some(Err(why)) => {
                tracing::warn!(%why, "DOCKER_AUTH_CONFIG is ignored");
                BTreeMap::new()
            }
        };
        Self { environment, config_dir, ..Self::default() }
    }

    /// These sources, and before them a credential that goes to every registry that asks.
    #[must_use]
    pub fn with_given(self, credential: Credential) -> Self {
        Self { given: Some(credential), given_to: None, ..self }
    }

    /// These sources, with helpers looked for on this path instead of the process's `PATH`.
    #[must_use]
    pub fn with_helper_path(self, path: OsString) -> Self {
        Self { helper_path: Some(path), ..self }
    }

    /// The credential for the registry of this domain (`docker.io`, `localhost:5000`), and where it was found.
    ///
    /// # Errors
    /// Fails on a broken `config.json`, and on a helper that is missing or fails: neither is taken for "none stored".
    pub async fn lookup(&self, domain: &str) -> Result<Option<(Credential, CredentialOrigin)>, CredentialError> {
        let server = if domain == "docker.io" { HUB_SERVER } else { domain };
        let is_meant = self.given_to.as_deref().is_none_or(|only| only == domain);
        if let Some(credential) = self.given.as_ref().filter(|_| is_meant) {
            return Ok(Some((credential.clone(), CredentialOrigin::Given)));
        }
        if let Some(credential) = self.environment.get(server) {
            return Ok(Some((credential.clone(), CredentialOrigin::Environment)));
        }
        let Some(dir) = &self.config_dir else { return Ok(None) };
        let config = DockerConfig::read(dir)?;
        let path = self.helper_path.clone().or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        match chosen_helper(&config, server, &path) {
            Some(name) => {
                let found = helper::get(&name, server, &path).await?;
                Ok(found.map(|credential| (credential, CredentialOrigin::Helper(name))))
            }
            None => Ok(config.credential(server).map(|credential| (credential, CredentialOrigin::File))),
        }
    }
}

/// The helper for this server, the store for all servers, or, where nothing at all is configured, the platform's own
/// store if it is installed.
fn chosen_helper(config: &DockerConfig, server: &str, path: &OsStr) -> Option<String> {
    if let Some(name) = config.helper(server).or(config.store.as_deref().filter(|name| !name.is_empty())) {
        return Some(name.to_owned());
    }
    let default = match std::env::consts::OS {
        "macos" => "osxkeychain",
        "windows" => "wincred",
        _ if helper::on_path("pass", path).is_some() => "pass",
        _ => "secretservice",
    };
    (config.is_silent() && helper::is_installed(default, path)).then(|| default.to_owned())
}

/// Why a credential could not be looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// `config.json` cannot be read, or Docker would refuse it.
    #[error("{}: {why}", .path.display())]
    BrokenFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A helper's name could lead to another program.
    #[error("credential helper `{helper}`: wanted letters, digits, `_`, `.` and `-`")]
    HelperName {
        /// The name, cut and escaped.
        helper: String,
    },
    /// The configured helper is not installed.
    #[error("credential helper `{program}` is not on the path")]
    HelperMissing {
        /// The program.
        program: String,
    },
    /// The helper failed.
    #[error("credential helper `{helper}`: {why}")]
    Helper {
        /// Its name.
        helper: String,
        /// What it said, cut and escaped.
        why: String,
    },
}

const HUB_SERVER: &str = "https://index.docker.io/v1/";
