//! The logs that are trusted: transparency logs for signatures, certificate transparency logs for certificates.

use keys::{KeyKind, PublicKey};
use oci::Digest;

use crate::Window;

/// A transparency log (Rekor, version 1 or 2) that is trusted to record what it says it recorded.
#[derive(Debug, Clone)]
pub struct TransparencyLog {
    key: PublicKey,
    name: String,
    origin: String,
    ids: Vec<Vec<u8>>,
    window: Window,
}

impl TransparencyLog {
    /// The log with this key at this address. The address's host is the origin that a log of version 2 signs with; where
    /// no address is known, no checkpoint of version 2 is this log's.
    #[must_use]
    pub fn new(key: PublicKey, base_url: &str, window: Window) -> Self {
        let name = name(base_url).to_owned();
        let origin = origin(&name);
        let ids = vec![key_hash(&key).to_vec(), note_key(&key, &origin).to_vec()];
        Self { key, name, origin, ids, window }
    }

    /// The same log, known by this id too.
    pub(crate) fn known_as(mut self, id: Vec<u8>) -> Self {
        self.ids.push(id);
        self
    }

    /// What people call it: the host of its address, and the port if there is one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it calls itself in a checkpoint of version 2: the host of its address.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// When it is trusted.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Whether entries name this log by this id.
    pub(crate) fn is(&self, id: &[u8]) -> bool {
        self.ids.iter().any(|known| known == id)
    }

    /// The number that marks this log's line in a checkpoint of version 1.
    pub(crate) fn hint(&self) -> [u8; 4] {
        first(key_hash(&self.key))
    }

    /// The number that marks this log's line in a checkpoint of version 2, under its own name.
    pub(crate) fn note_hint(&self) -> [u8; 4] {
        first(note_key(&self.key, &self.origin))
    }

    pub(crate) fn describe(&self) -> String {
        format!("log {} {} {:?} {}", self.name, self.key.id(), self.ids, self.window)
    }
}

/// A certificate transparency log (RFC 6962) that is trusted to have seen the certificates it signed for.
#[derive(Debug, Clone)]
pub struct CertificateLog {
    key: PublicKey,
    window: Window,
}

impl CertificateLog {
    /// The log with this key.
    #[must_use]
    pub fn new(key: PublicKey, window: Window) -> Self {
        Self { key, window }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// When it is trusted.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Whether this is the log's id (RFC 6962, 3.2).
    pub(crate) fn is(&self, id: &[u8]) -> bool {
        key_hash(&self.key) == id
    }

    pub(crate) fn describe(&self) -> String {
        format!("ct {} {}", self.key.id(), self.window)
    }
}

/// The place in an address.
fn name(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, place)| place)
}

/// The host of a place, as a log of version 2 is told its own: without a port, and an IPv6 address without brackets. No
/// place has no host.
fn origin(name: &str) -> String {
    let host = match name.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => name.split(':').next(),
    };
    host.unwrap_or_default().to_ascii_lowercase()
}

fn key_hash(key: &PublicKey) -> [u8; 32] {
    *Digest::of(key.to_der()).as_bytes()
}

/// The key id of a signed note, before it is cut to four bytes (C2SP signed-note, "Signature types"; for ECDSA the
/// hash of the key alone, as Rekor has it).
fn note_key(key: &PublicKey, name: &str) -> [u8; 32] {
    let kind: Vec<u8> = match key.kind() {
        KeyKind::Ed25519 => [&[1], &key.to_der()[key.to_der().len() - ED25519..]].concat(),
        KeyKind::Rsa(_) => [b"\xffPKIX-RSA-PKCS#1v1.5", key.to_der()].concat(),
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => return key_hash(key),
    };
    *Digest::of(&[name.as_bytes(), b"\n", &kind].concat()).as_bytes()
}

fn first(hash: [u8; 32]) -> [u8; 4] {
    [hash[0], hash[1], hash[2], hash[3]]
}

/// An Ed25519 key is the last 32 bytes of its SubjectPublicKeyInfo.
const ED25519: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_the_host_in_lower_case_without_a_port() {
        for (url, wanted) in [
            ("https://log.test", "log.test"),
            ("https://log.test:3003", "log.test"),
            ("https://LOG.test/api/v2?x#y", "log.test"),
            ("https://me@log.test:1/", "log.test"),
            ("http://[::1]:3003/x", "::1"),
            ("log.test:80", "log.test"),
            ("", ""),
        ] {
            assert_eq!(origin(name(url)), wanted, "{url}");
        }
    }
}
