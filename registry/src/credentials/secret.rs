//! Credentials as values: never shown, wiped when dropped.

use std::fmt;

use oci::Digest;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A text that is not shown and is wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a registry or its token service is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password, or an access token in its place.
        password: Secret,
    },
    /// An OAuth refresh token, which a token service turns into access tokens.
    IdentityToken(Secret),
    /// A token for the registry itself, used as it is.
    RegistryToken(Secret),
}

impl Credential {
    /// Tells credentials apart without holding them. Not for printing: a weak password can be guessed from it.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let (kind, user, secret) = match self {
            Self::Password { user, password } => ("password", user.as_str(), password),
            Self::IdentityToken(token) => ("identity", "", token),
            Self::RegistryToken(token) => ("registry", "", token),
        };
        let text = Zeroizing::new(format!("{kind}\0{}\0{user}\0{}", user.len(), secret.reveal()));
        Digest::of(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(user: &str, password: &str) -> Credential {
        Credential::Password { user: user.into(), password: Secret::new(password.into()) }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown =
            format!("{:?}", [password("me", "hunter2"), Credential::IdentityToken(Secret::new("hunter2".into()))]);
        assert!(shown.contains("me") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn fingerprints_differ_wherever_credentials_do() {
        let all = [
            password("a", "b"),
            password("a", "c"),
            password("b", "b"),
            password("a\0b", ""),
            password("a", "\0b"),
            Credential::IdentityToken(Secret::new("b".into())),
            Credential::RegistryToken(Secret::new("b".into())),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().map(Credential::fingerprint).collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(password("a", "b").fingerprint(), all[0].fingerprint());
    }
}
