//! Which key is made for a signature by an identity, by cosign's names for them.

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{self, KeySize},
    signature::{self as sig, EcdsaKeyPair, EcdsaSigningAlgorithm},
};
use keys::{PrivateKey, SigningFailed};

/// A kind of key with the hash that it signs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256, which every verifier knows.
    #[default]
    P256,
    /// ECDSA on P-384 with SHA-384.
    P384,
    /// ECDSA on P-521 with SHA-512.
    P521,
    /// RSA with 2,048 bits, PKCS#1 v1.5 with SHA-256.
    Rsa2048,
    /// RSA with 3,072 bits, PKCS#1 v1.5 with SHA-256.
    Rsa3072,
    /// RSA with 4,096 bits, PKCS#1 v1.5 with SHA-256.
    Rsa4096,
}

impl SigningAlgorithm {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("ecdsa-sha2-256-nistp256", Self::P256),
        ("ecdsa-sha2-384-nistp384", Self::P384),
        ("ecdsa-sha2-512-nistp521", Self::P521),
        ("rsa-sign-pkcs1-2048-sha256", Self::Rsa2048),
        ("rsa-sign-pkcs1-3072-sha256", Self::Rsa3072),
        ("rsa-sign-pkcs1-4096-sha256", Self::Rsa4096),
    ];

    /// Makes a key.
    ///
    /// # Errors
    /// Fails if the system has no randomness to give.
    pub fn generate(self) -> Result<PrivateKey, SigningFailed> {
        match self {
            Self::P256 => PrivateKey::generate(),
            Self::P384 => curve(&sig::ECDSA_P384_SHA384_ASN1_SIGNING),
            Self::P521 => curve(&sig::ECDSA_P521_SHA512_ASN1_SIGNING),
            Self::Rsa2048 => rsa(KeySize::Rsa2048),
            Self::Rsa3072 => rsa(KeySize::Rsa3072),
            Self::Rsa4096 => rsa(KeySize::Rsa4096),
        }
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let named = Self::ALL.iter().find(|(name, _)| *name == text);
        named.map(|(_, algorithm)| *algorithm).ok_or_else(|| UnknownAlgorithm { found: oci::excerpt(text, 60) })
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(_, algorithm)| algorithm == self);
        f.write_str(named.expect("every algorithm is in the list").0)
    }
}

fn curve(algorithm: &'static EcdsaSigningAlgorithm) -> Result<PrivateKey, SigningFailed> {
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| SigningFailed)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| SigningFailed)?;
    PrivateKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| SigningFailed)
}

fn rsa(size: KeySize) -> Result<PrivateKey, SigningFailed> {
    let pair = rsa::KeyPair::generate(size).map_err(|_| SigningFailed)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningFailed)?;
    PrivateKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| SigningFailed)
}

/// There is no such algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signing algorithm `{found}` found, wanted one of {}", SigningAlgorithm::ALL.map(|(name, _)| name).join(", "))]
pub struct UnknownAlgorithm {
    /// The name.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use keys::KeyKind;

    use super::*;

    #[test]
    fn key_is_of_the_kind_asked_for_and_signs() {
        let kinds = [
            ("ecdsa-sha2-256-nistp256", KeyKind::P256),
            ("ecdsa-sha2-384-nistp384", KeyKind::P384),
            ("ecdsa-sha2-512-nistp521", KeyKind::P521),
            ("rsa-sign-pkcs1-2048-sha256", KeyKind::Rsa(2048)),
        ];
        for (name, kind) in kinds {
            let algorithm: SigningAlgorithm = name.parse().unwrap();
            assert_eq!(algorithm.to_string(), name);
            let key = algorithm.generate().unwrap();
            assert_eq!(key.public().kind(), kind);
            assert_eq!(key.public().verify(b"a", &key.sign(b"a").unwrap()), Ok(()));
        }
    }

    #[test]
    fn two_keys_are_never_alike() {
        let key = || SigningAlgorithm::P384.generate().unwrap().public().id();
        assert_ne!(key(), key());
    }

    #[test]
    fn name_that_is_not_cosigns_is_refused() {
        assert!("ed25519".parse::<SigningAlgorithm>().is_err());
        assert!("ECDSA-SHA2-256-NISTP256".parse::<SigningAlgorithm>().is_err());
    }
}
