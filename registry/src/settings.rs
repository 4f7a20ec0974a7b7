//! How a client reaches registries: credentials, certificates, exceptions, limits.
//!
//! Nothing here is read from the environment; whoever builds the settings does that. Two things the libraries below
//! read for themselves, when a registry beyond loopback is first asked: the system's certificate authorities (with
//! `SSL_CERT_FILE` and `SSL_CERT_DIR`), and proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).

use std::{net::IpAddr, path::PathBuf};

use crate::{Credentials, Limits};

/// Everything that a [`crate::Client`] is told. The default trusts the system's certificate authorities, speaks plain
/// HTTP to loopback only, and has no credential.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where credentials are looked up, after a registry asked for one.
    pub credentials: Credentials,
    /// Folders laid out as Docker's `/etc/docker/certs.d`: `<host[:port]>/*.crt` are certificate authorities beside
    /// the system's, `X.cert` with `X.key` a client certificate. The first folder that knows the host counts.
    pub certs_d: Vec<PathBuf>,
    /// Certificate authorities in PEM, trusted instead of the system's, for every registry.
    pub ca_file: Option<PathBuf>,
    /// A client certificate shown to every registry that has none of its own in `certs_d`.
    pub client_cert: Option<ClientCert>,
    /// Plain HTTP may be spoken to registries other than loopback, where HTTPS is not answered. Whoever can answer
    /// for such a registry reads what is sent to it, credentials included.
    pub allow_http: bool,
    /// Any certificate will do. Whoever can answer for a registry reads what is sent to it, credentials included.
    pub allow_insecure: bool,
    /// What the client calls itself. Harbor lets signatures in past its content gate only if `cosign` is part of it.
    pub user_agent: String,
    /// Link-local or metadata addresses that may be contacted all the same.
    pub allowed_addresses: Vec<IpAddr>,
    /// Hosts that may be any registry's token service, beside those that follow from the registry's own name.
    pub trusted_realms: Vec<String>,
    /// Limits.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credentials: Credentials::anonymous(),
            certs_d: Vec::new(),
            ca_file: None,
            client_cert: None,
            allow_http: false,
            allow_insecure: false,
            user_agent: USER_AGENT.to_owned(),
            allowed_addresses: Vec::new(),
            trusted_realms: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// A client certificate and its key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCert {
    /// The certificate, perhaps followed by intermediates.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

const USER_AGENT: &str = concat!("sealgate/", env!("CARGO_PKG_VERSION"), " (cosign compatible)");
