//! Keys that sign. Signing waits, since a key may be held elsewhere; a key at hand answers at once.

use keys::{PrivateKey, PublicKey, SigningFailed};

/// A key to sign with.
#[derive(Debug)]
pub enum SigningKey {
    /// A key in this process's memory.
    Local(PrivateKey),
}

impl SigningKey {
    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        match self {
            Self::Local(key) => key.public(),
        }
    }

    /// Signs a message.
    ///
    /// # Errors
    /// Fails if the key cannot be used.
    pub async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        match self {
            Self::Local(key) => key.sign(message),
        }
    }
}

impl From<PrivateKey> for SigningKey {
    fn from(key: PrivateKey) -> Self {
        Self::Local(key)
    }
}
