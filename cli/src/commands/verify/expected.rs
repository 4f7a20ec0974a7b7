//! From whom `verify` expects a signature: the holder of a key, or somebody whom a certificate names.

use keys::PublicKey;
use verifier::{Signer, VerifiedSignature};

use super::Args;
use crate::{exit::Failure, flags::identity::ExpectedIdentity, key_source};

/// From whom a signature is expected.
#[derive(Debug)]
pub(super) enum Expected {
    /// The holder of this key.
    Key(PublicKey),
    /// Whom a certificate names so.
    Identity(ExpectedIdentity),
}

impl Expected {
    /// Exactly one of the two must be asked for.
    pub(super) fn of(args: &Args) -> Result<Self, Failure> {
        match &args.key {
            Some(_) if args.identity.is_given() => Err(Failure::failed(
                "a key and an identity are given, wanted exactly one of --key and --certificate-identity",
            )),
            Some(reference) => key_source::public(reference).map(Self::Key),
            None => args.identity.expected().map(Self::Identity),
        }
    }

    pub(super) fn key(&self) -> Option<&PublicKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Identity(_) => None,
        }
    }

    /// Whether this genuine signature is from whom it should be.
    pub(super) fn accepts(&self, signature: &VerifiedSignature) -> bool {
        match (self, signature.signer()) {
            (Self::Key(key), Signer::Key(id)) => key.id() == *id,
            (Self::Identity(expected), Signer::Identity(identity)) => expected.accepts(identity),
            _ => false,
        }
    }

    /// What differs, for a message.
    pub(super) fn difference(&self, signature: &VerifiedSignature) -> String {
        match (self, signature.signer()) {
            (Self::Identity(expected), Signer::Identity(identity)) => expected.difference(identity),
            (Self::Identity(_), signer) => format!("signed by {signer}, wanted a certificate"),
            (Self::Key(key), signer) => format!("signed by {signer}, wanted key {}", key.id()),
        }
    }
}
