//! Which credential belongs to which registry, by Docker's rules.

mod docker_config;
mod helper;
mod lookup;
mod secret;

pub use lookup::{CredentialError, CredentialOrigin, Credentials};
pub use secret::{Credential, Secret};
