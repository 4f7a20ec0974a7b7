//! The digest of bytes that arrive in pieces.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::{AnyDigest, Digest};

/// Hashes pieces, by the algorithm of the digest that they are expected to have.
#[derive(Debug, Clone)]
pub struct Hasher(Algorithm);

#[derive(Debug, Clone)]
enum Algorithm {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    /// By the same algorithm as this digest.
    #[must_use]
    pub fn like(digest: &AnyDigest) -> Self {
        Self(match digest {
            AnyDigest::Sha256(_) => Algorithm::Sha256(Sha256::new()),
            AnyDigest::Sha384(_) => Algorithm::Sha384(Sha384::new()),
            AnyDigest::Sha512(_) => Algorithm::Sha512(Sha512::new()),
        })
    }

    /// Takes in the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Algorithm::Sha256(hash) => hash.update(bytes),
            Algorithm::Sha384(hash) => hash.update(bytes),
            Algorithm::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> AnyDigest {
        match self.0 {
            Algorithm::Sha256(hash) => Digest::from_bytes(hash.finalize().into()).into(),
            Algorithm::Sha384(hash) => AnyDigest::Sha384(hash.finalize().into()),
            Algorithm::Sha512(hash) => AnyDigest::Sha512(hash.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_digest_of_the_whole() {
        for like in [Digest::of(b"").into(), AnyDigest::Sha384([0; 48]), AnyDigest::Sha512([0; 64])] {
            let mut hasher = Hasher::like(&like);
            hasher.update(b"ab");
            hasher.update(b"c");
            let digest = hasher.finish();
            assert_eq!(digest, like.same_algorithm(b"abc"));
            assert_ne!(digest, like.same_algorithm(b"ab"));
        }
    }
}
