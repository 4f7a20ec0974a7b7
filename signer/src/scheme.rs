//! How each kind of key signs, in the words of logs and bundles: the hash that is signed, and what the pair is called.

use aws_lc_rs::digest;
use keys::KeyKind;

/// The hash that a kind of key signs, and the names of hash and kind.
pub(crate) struct Scheme {
    /// As Rekor version 1 calls the hash.
    pub(crate) plain: &'static str,
    /// As Sigstore's protobuf messages call the hash.
    pub(crate) proto: &'static str,
    /// As Sigstore's protobuf messages call the kind of key with its hash; none for one that has no name.
    pub(crate) details: Option<&'static str>,
    /// Whether it is the hash that is signed, so that whoever has the hash alone can check the signature.
    pub(crate) signs_hash: bool,
    algorithm: &'static digest::Algorithm,
}

impl Scheme {
    pub(crate) fn of(kind: KeyKind) -> Self {
        let sha256 = |details, signs_hash| Self {
            plain: "sha256",
            proto: "SHA2_256",
            details,
            signs_hash,
            algorithm: &digest::SHA256,
        };
        match kind {
            KeyKind::P256 => sha256(Some("PKIX_ECDSA_P256_SHA_256"), true),
            KeyKind::P384 => Self {
                plain: "sha384",
                proto: "SHA2_384",
                algorithm: &digest::SHA384,
                ..sha256(Some("PKIX_ECDSA_P384_SHA_384"), true)
            },
            KeyKind::P521 => Self {
                plain: "sha512",
                proto: "SHA2_512",
                algorithm: &digest::SHA512,
                ..sha256(Some("PKIX_ECDSA_P521_SHA_512"), true)
            },
            KeyKind::Rsa(2048) => sha256(Some("PKIX_RSA_PKCS1V15_2048_SHA256"), true),
            KeyKind::Rsa(3072) => sha256(Some("PKIX_RSA_PKCS1V15_3072_SHA256"), true),
            KeyKind::Rsa(4096) => sha256(Some("PKIX_RSA_PKCS1V15_4096_SHA256"), true),
            KeyKind::Rsa(_) => sha256(None, true),
            KeyKind::Ed25519 => sha256(Some("PKIX_ED25519"), false),
        }
    }

    /// The hash of these bytes.
    pub(crate) fn hash(&self, bytes: &[u8]) -> Vec<u8> {
        digest::digest(self.algorithm, bytes).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_curve_signs_the_hash_of_its_own_size() {
        let sizes = [(KeyKind::P256, 32), (KeyKind::P384, 48), (KeyKind::P521, 64), (KeyKind::Rsa(4096), 32)];
        for (kind, size) in sizes {
            assert_eq!(Scheme::of(kind).hash(b"").len(), size, "{kind}");
        }
    }

    #[test]
    fn key_of_no_usual_size_has_no_name() {
        assert_eq!(Scheme::of(KeyKind::Rsa(2560)).details, None);
        assert!(Scheme::of(KeyKind::Rsa(2048)).details.is_some());
    }
}
