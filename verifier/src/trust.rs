//! What signatures are checked against.

use keys::{KeyId, PublicKey};
use oci::Digest;

/// The keys that are trusted to make signatures. Immutable; two with the same keys have the same fingerprint.
#[derive(Debug, Clone)]
pub struct TrustRoot {
    keys: Vec<PublicKey>,
    fingerprint: Digest,
}

impl TrustRoot {
    /// Trust in these keys; one given twice counts once. With no keys, nothing is ever verified.
    #[must_use]
    pub fn new(mut keys: Vec<PublicKey>) -> Self {
        keys.sort_by_key(PublicKey::id);
        keys.dedup();
        let ids: Vec<String> = keys.iter().map(|key| key.id().to_string()).collect();
        let fingerprint = Digest::of(ids.join("\n").as_bytes());
        Self { keys, fingerprint }
    }

    /// The keys, in the order of their ids.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The digest of what is trusted, for caches and logs.
    #[must_use]
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// The trusted key that made this signature over these bytes.
    pub(crate) fn signer(&self, message: &[u8], signature: &[u8]) -> Option<KeyId> {
        self.keys.iter().find(|key| key.verify(message, signature).is_ok()).map(PublicKey::id)
    }
}
