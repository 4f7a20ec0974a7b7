//! Clients by the credentials that they show: the door's own, and for the signatures of an authority those of its pull
//! secrets.
//!
//! The one for pull secrets goes to the registry that holds the signatures, and never resolves an image.

use std::time::Duration;

use moka::sync::Cache;
use oci::{Digest, Repository};
use policy::{Inquiry, Login};
use registry::{Client, Credential, Credentials, Secret};

/// The door's own client, and those made of it.
pub(crate) struct Clients {
    own: Client,
    /// By the registry and the credential's fingerprint.
    others: Cache<(String, Digest), Client>,
}

impl Clients {
    pub(crate) fn new(own: Client) -> Self {
        let others = Cache::builder().max_capacity(MOST).time_to_idle(IDLE).build();
        Self { own, others }
    }

    /// The client for everything but signatures.
    pub(crate) fn own(&self) -> &Client {
        &self.own
    }

    /// The client that looks for what this inquiry asks in this repository.
    pub(crate) fn that_looks(&self, inquiry: &Inquiry, repository: &Repository) -> Client {
        let Some(login) = inquiry.login(repository) else { return self.own.clone() };
        let (registry, credential) = (repository.domain().to_owned(), credential(login));
        self.others.get_with((registry, credential.fingerprint()), || {
            self.own.with_credentials(Credentials::of_registry(repository.domain(), credential))
        })
    }
}

fn credential(login: &Login) -> Credential {
    let secret = |text: &str| Secret::new(text.to_owned());
    match login {
        Login::Password { user, password } => Credential::Password { user: user.clone(), password: secret(password) },
        Login::IdentityToken(token) => Credential::IdentityToken(secret(token)),
        Login::RegistryToken(token) => Credential::RegistryToken(secret(token)),
    }
}

/// Clients kept beside the door's own.
const MOST: u64 = 64;
/// How long one is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(3600);
