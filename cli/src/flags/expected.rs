//! From whom commands that verify expect a signature: the holder of a key, or somebody whom a certificate names.

use keys::PublicKey;
use verifier::Signer;

use super::{
    identity::{ExpectedIdentity, IdentityFlags},
    variables,
};
use crate::{exit::Failure, key_source};

/// From whom a signature is expected.
#[derive(Debug)]
pub(crate) enum Expected {
    /// The holder of this key.
    Key(PublicKey),
    /// Whom a certificate names so.
    Identity(ExpectedIdentity),
}

impl Expected {
    /// Exactly one of the two must be asked for.
    pub(crate) fn of(key: Option<&str>, identity: &IdentityFlags) -> Result<Self, Failure> {
        match key {
            Some(_) if identity.is_given() => Err(Failure::failed(
                "a key and an identity are given, wanted exactly one of --key and --certificate-identity",
            )),
            Some(reference) => {
                variables::announce("COSIGN_KEY", reference);
                key_source::public(reference).map(Self::Key)
            }
            None => identity.expected().map(Self::Identity),
        }
    }

    /// The key, if it is one.
    pub(crate) fn key(&self) -> Option<&PublicKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Identity(_) => None,
        }
    }

    /// Whether whoever made a genuine signature is who should have.
    pub(crate) fn accepts(&self, signer: &Signer) -> bool {
        match (self, signer) {
            (Self::Key(key), Signer::Key(id)) => key.id() == *id,
            (Self::Identity(expected), Signer::Identity(identity)) => expected.accepts(identity),
            _ => false,
        }
    }

    /// What differs, for a message.
    pub(crate) fn difference(&self, signer: &Signer) -> String {
        match (self, signer) {
            (Self::Identity(expected), Signer::Identity(identity)) => expected.difference(identity),
            (Self::Identity(_), signer) => format!("signed by {signer}, wanted a certificate"),
            (Self::Key(key), signer) => format!("signed by {signer}, wanted key {}", key.id()),
        }
    }
}
