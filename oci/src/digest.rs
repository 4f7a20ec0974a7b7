//! Digests as types that can hold nothing else.
//!
//! [`Digest`] is SHA-256, the only algorithm that signatures are judged by. [`AnyDigest`] is what a reference or a
//! descriptor may name: the algorithms registered by the OCI image specification (descriptor, "Registered algorithms")
//! plus SHA-384, which Docker's reference grammar registers too.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::excerpt;

/// The SHA-256 of some bytes, written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest whose 32 bytes these are, for a hash computed while bytes arrived.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits, without `sha256:`.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.parse()? {
            AnyDigest::Sha256(digest) => Ok(digest),
            other => Err(DigestError::NotSha256 { found: other.algorithm().to_owned() }),
        }
    }
}

/// A digest by any registered algorithm, as references and descriptors name content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnyDigest {
    /// SHA-256.
    Sha256(Digest),
    /// SHA-384.
    Sha384([u8; 48]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl AnyDigest {
    /// The registered name of the algorithm: `sha256`, `sha384` or `sha512`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha384(_) => "sha384",
            Self::Sha512(_) => "sha512",
        }
    }

    /// Whether these bytes hash to this digest.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Sha256(want) => Digest::of(bytes) == *want,
            Self::Sha384(want) => Sha384::digest(bytes).as_slice() == want,
            Self::Sha512(want) => Sha512::digest(bytes).as_slice() == want,
        }
    }

    /// The digest of these bytes by the same algorithm as this one.
    #[must_use]
    pub fn same_algorithm(&self, bytes: &[u8]) -> Self {
        match self {
            Self::Sha256(_) => Self::Sha256(Digest::of(bytes)),
            Self::Sha384(_) => Self::Sha384(Sha384::digest(bytes).into()),
            Self::Sha512(_) => Self::Sha512(Sha512::digest(bytes).into()),
        }
    }

    /// The SHA-256 digest, where that is what this is.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        match self {
            Self::Sha256(digest) => Some(*digest),
            _ => None,
        }
    }

    /// The hexadecimal digits, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        match self {
            Self::Sha256(digest) => digest.hex(),
            Self::Sha384(bytes) => hex::encode(bytes),
            Self::Sha512(bytes) => hex::encode(bytes),
        }
    }
}

impl From<Digest> for AnyDigest {
    fn from(digest: Digest) -> Self {
        Self::Sha256(digest)
    }
}

impl fmt::Display for AnyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for AnyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AnyDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, digits) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        match algorithm {
            "sha256" => Ok(Self::Sha256(Digest(bytes_of(digits)?))),
            "sha384" => Ok(Self::Sha384(bytes_of(digits)?)),
            "sha512" => Ok(Self::Sha512(bytes_of(digits)?)),
            other => Err(DigestError::UnknownAlgorithm { found: excerpt(other, 40) }),
        }
    }
}

fn bytes_of<const N: usize>(digits: &str) -> Result<[u8; N], DigestError> {
    if digits.len() != 2 * N {
        return Err(DigestError::Length { found: digits.len(), wanted: 2 * N });
    }
    if digits.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(DigestError::UpperCase);
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| DigestError::NotHex)?;
    Ok(bytes)
}

macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Digest, AnyDigest);

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no colon.
    #[error("no algorithm found, wanted `sha256:` and 64 hexadecimal digits")]
    NoAlgorithm,
    /// The algorithm is none of the registered ones.
    #[error("algorithm `{found}` is not known, wanted sha256, sha384 or sha512")]
    UnknownAlgorithm {
        /// What stood before the colon.
        found: String,
    },
    /// The algorithm is registered, but only SHA-256 serves here.
    #[error("algorithm {found} does not serve here, wanted sha256")]
    NotSha256 {
        /// The algorithm named.
        found: String,
    },
    /// The number of hexadecimal digits does not fit the algorithm.
    #[error("{found} hexadecimal digits found, wanted {wanted}")]
    Length {
        /// How many there were.
        found: usize,
        /// How many the algorithm has.
        wanted: usize,
    },
    /// A digit is upper case: two spellings of one digest would be two names.
    #[error("upper-case hexadecimal digit found, wanted lower case")]
    UpperCase,
    /// A character is not a hexadecimal digit.
    #[error("a character that is not a hexadecimal digit found")]
    NotHex,
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digest_of_nothing_is_the_known_one() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse::<Digest>(), Ok(Digest::of(b"")));
    }

    #[test]
    fn upper_case_digits_are_refused() {
        let text = EMPTY.replace("e3b0", "E3B0");
        assert_eq!(text.parse::<Digest>(), Err(DigestError::UpperCase));
        assert_eq!(text.parse::<AnyDigest>(), Err(DigestError::UpperCase));
    }

    #[test]
    fn length_must_fit_the_algorithm() {
        assert_eq!(EMPTY[..70].parse::<Digest>(), Err(DigestError::Length { found: 63, wanted: 64 }));
        let long = EMPTY.replace("sha256", "sha512");
        assert_eq!(long.parse::<AnyDigest>(), Err(DigestError::Length { found: 64, wanted: 128 }));
    }

    #[test]
    fn unknown_algorithm_and_non_hex_are_refused() {
        let md5 = EMPTY.replace("sha256", "md5").parse::<AnyDigest>();
        assert_eq!(md5, Err(DigestError::UnknownAlgorithm { found: "md5".into() }));
        assert_eq!(EMPTY.replace("e3b0", "zzzz").parse::<Digest>(), Err(DigestError::NotHex));
        assert_eq!("latest".parse::<Digest>(), Err(DigestError::NoAlgorithm));
    }

    #[test]
    fn sha512_round_trips_and_checks_bytes() {
        let digest = AnyDigest::Sha512([0; 64]).same_algorithm(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.matches(b"x"));
        assert!(!digest.matches(b"y"));
        assert!(digest.to_string().parse::<Digest>().is_err());
    }
}
