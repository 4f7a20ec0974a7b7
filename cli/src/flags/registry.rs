//! How registries are reached: cosign's flags, Docker's files, and the environment that both read.

use std::{collections::BTreeSet, convert::Infallible, env, path::PathBuf, time::Duration};

use oci::ImageRef;
use registry::{Client, ClientCert, Credential, Credentials, Secret, Settings};

use super::{boolean, duration, repository};
use crate::{exit::Failure, output};

/// Docker's folders of certificates, by host.
const CERTS_D: &str = "/etc/docker/certs.d";

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Registry")]
pub(crate) struct RegistryFlags {
    /// User name for registries that ask for one
    #[arg(long, value_name = "USER", env = "COSIGN_REGISTRY_USERNAME", requires = "registry_password")]
    registry_username: Option<String>,
    /// Password for registries that ask for one
    #[arg(
        long,
        value_name = "PASSWORD",
        value_parser = secret,
        env = "COSIGN_REGISTRY_PASSWORD",
        requires = "registry_username",
        hide_env_values = true
    )]
    registry_password: Option<Secret>,
    /// Bearer token for registries that ask for one
    #[arg(
        long,
        value_name = "TOKEN",
        value_parser = secret,
        env = "COSIGN_REGISTRY_TOKEN",
        conflicts_with = "registry_username",
        hide_env_values = true
    )]
    registry_token: Option<Secret>,
    /// Certificate authorities to trust instead of the system's, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_REGISTRY_CACERT")]
    registry_cacert: Option<PathBuf>,
    /// Client certificate, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_REGISTRY_CLIENT_CERT", requires = "registry_client_key")]
    registry_client_cert: Option<PathBuf>,
    /// Key of the client certificate, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_REGISTRY_CLIENT_KEY", requires = "registry_client_cert")]
    registry_client_key: Option<PathBuf>,
    /// Accept any certificate of a registry: whoever answers for it is believed
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false")]
    allow_insecure_registry: Option<bool>,
    /// Speak plain HTTP to registries that do not answer HTTPS, not only to loopback
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false")]
    allow_http_registry: Option<bool>,
    /// Accept this host as token service of any registry
    #[arg(long, value_name = "HOST")]
    trust_realm: Vec<String>,
    /// How long to wait in all
    #[arg(short, long, value_name = "DURATION", default_value = "3m0s", value_parser = duration::parse, env = "COSIGN_TIMEOUT")]
    pub(crate) timeout: Duration,
}

/// cosign's switches that take certificates and TLS out of the question, as its environment variables.
pub(crate) const WEAKENING: [&str; 2] = ["COSIGN_ALLOW_INSECURE_REGISTRY", "COSIGN_ALLOW_HTTP_REGISTRY"];

impl RegistryFlags {
    /// For cosign's own commands: these flags, and what cosign would take from the environment, announced.
    pub(crate) fn with_environment(mut self) -> Result<Self, Failure> {
        let switches = [&mut self.allow_insecure_registry, &mut self.allow_http_registry];
        for (name, switch) in WEAKENING.into_iter().zip(switches) {
            let Some(text) = env::var(name).ok().filter(|text| !text.is_empty()) else { continue };
            let set = boolean::parse(&text).map_err(|wanted| {
                let found: String = text.chars().take(20).flat_map(char::escape_debug).collect();
                Failure::failed(format_args!("{name} is `{found}`, {wanted}"))
            })?;
            if set {
                output::warn(format_args!("{name} is set in the environment"));
                *switch = Some(true);
            }
        }
        Ok(self)
    }

    /// A client for these images, set up as these flags, the environment and Docker's files say.
    pub(crate) fn client<'a>(&self, images: impl IntoIterator<Item = &'a ImageRef>) -> Result<Client, Failure> {
        if self.given().is_some() {
            only_one_registry(images)?;
        }
        Client::new(self.settings()).map_err(Failure::failed)
    }

    /// A client for whatever images strangers name. What was given outright would go to any registry that asks.
    pub(crate) fn client_for_strangers(&self) -> Result<Client, Failure> {
        match self.given() {
            None => Client::new(self.settings()).map_err(Failure::failed),
            Some(_) => {
                let message = "a credential is given that would go to every registry that an image names";
                Err(Failure::failed(message).hint("`docker login` stores credentials by registry"))
            }
        }
    }

    fn settings(&self) -> Settings {
        let cert = self.registry_client_cert.clone().zip(self.registry_client_key.clone());
        Settings {
            credentials: self.credentials(),
            certs_d: vec![PathBuf::from(CERTS_D)],
            ca_file: self.registry_cacert.clone(),
            client_cert: cert.map(|(cert, key)| ClientCert { cert, key }),
            allow_http: self.allow_http_registry.unwrap_or_default(),
            allow_insecure: self.allow_insecure_registry.unwrap_or_default(),
            trusted_realms: self.trust_realm.clone(),
            ..Settings::default()
        }
    }

    /// What the flags give first, then Docker's configuration, as with cosign.
    pub(crate) fn credentials(&self) -> Credentials {
        let docker = Credentials::from_docker(docker_folder(), env::var("DOCKER_AUTH_CONFIG").ok().as_deref());
        match self.given() {
            Some(credential) => docker.with_given(credential),
            None => docker,
        }
    }

    fn given(&self) -> Option<Credential> {
        if let (Some(user), Some(password)) = (&self.registry_username, &self.registry_password) {
            return Some(Credential::Password { user: user.clone(), password: password.clone() });
        }
        self.registry_token.clone().map(Credential::RegistryToken)
    }
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

/// A credential that was given outright is for one registry: another one must not get it for having been named.
fn only_one_registry<'a>(images: impl IntoIterator<Item = &'a ImageRef>) -> Result<(), Failure> {
    let stored_in = repository::from_environment()?;
    let of_images = images.into_iter().map(|image| image.repository().domain().to_owned());
    let registries: BTreeSet<String> = of_images.chain(stored_in.map(|stored| stored.domain().to_owned())).collect();
    match registries.len() {
        0 | 1 => Ok(()),
        _ => {
            let list: Vec<String> = registries.into_iter().collect();
            let message = format!("one credential given, and several registries: {}", list.join(", "));
            Err(Failure::failed(message).hint("`docker login` stores credentials by registry"))
        }
    }
}

/// Docker's folder: `DOCKER_CONFIG`, or `.docker` at home.
pub(crate) fn docker_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    set("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(PathBuf::from(set("HOME")?).join(".docker")))
}
