//! A signature, what it is over, and who made it: what all other evidence must be about.

use aws_lc_rs::{
    digest::{self, Digest as Hashed},
    signature::{self as sig, ParsedPublicKey, VerificationAlgorithm},
};
use keys::{BadSignature, KeyKind, PublicKey, SignatureHash};
use oci::Digest;

use crate::certificate::Certificate;

/// A signature that was checked: `signer` made `signature` over `message`.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) message: Message<'a>,
    /// The payload of the envelope that `message` encodes, if it is one.
    pub(crate) payload: Option<&'a [u8]>,
    pub(crate) signature: &'a [u8],
    /// The envelope as it is stored, its signature in it, where timestamps may be of that.
    pub(crate) stored: Option<&'a [u8]>,
    pub(crate) signer: SignedBy<'a>,
    /// The hash that it was checked with, where the signer's key admits several.
    pub(crate) hash: Option<SignatureHash>,
}

impl Signed<'_> {
    /// The digest that policy-controller calls a signature's `id`: of its bytes and its certificate in PEM, if it has one.
    pub(crate) fn id(&self) -> Digest {
        let pem = match self.signer {
            SignedBy::Certificate(certificate) | SignedBy::Given(certificate) => {
                let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
                pem::encode_config(&pem::Pem::new("CERTIFICATE", certificate.der().to_vec()), config)
            }
            SignedBy::Key(_) => String::new(),
        };
        Digest::of(&[self.signature, pem.as_bytes()].concat())
    }
}

/// What was used to check a signature.
#[derive(Clone, Copy)]
pub(crate) enum SignedBy<'a> {
    /// The certificate that came with it.
    Certificate(&'a Certificate),
    /// The certificate that whoever asks has given: the signer may have been known by its key alone.
    Given(&'a Certificate),
    Key(&'a PublicKey),
}

/// What a signature is over: bytes, or bytes of which only the SHA-256 is known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Message<'a> {
    Bytes(&'a [u8]),
    Digest(Digest),
}

impl Message<'_> {
    /// Checks that `key` made `signature` over this, and says with which hash.
    pub(crate) fn signed_by(&self, key: &PublicKey, signature: &[u8]) -> Result<Option<SignatureHash>, BadSignature> {
        match self {
            Self::Bytes(bytes) => key.verify_hash(bytes, signature),
            Self::Digest(digest) if over_digest(key, digest, signature) => Ok(Some(SignatureHash::Sha256)),
            Self::Digest(_) => Err(BadSignature),
        }
    }

    /// What it hashes to, if that can be known.
    pub(crate) fn hash(&self, algorithm: HashAlgorithm) -> Option<Vec<u8>> {
        match (self, algorithm) {
            (Self::Bytes(bytes), algorithm) => Some(algorithm.of(bytes)),
            (Self::Digest(digest), HashAlgorithm::Sha256) => Some(digest.as_bytes().to_vec()),
            (Self::Digest(_), _) => None,
        }
    }
}

/// Ed25519 signs no SHA-256 digest, so it signs none of these messages.
fn over_digest(key: &PublicKey, digest: &Digest, signature: &[u8]) -> bool {
    let algorithm: &dyn VerificationAlgorithm = match key.kind() {
        KeyKind::P256 => &sig::ECDSA_P256_SHA256_ASN1,
        KeyKind::P384 => &sig::ECDSA_P384_SHA256_ASN1,
        KeyKind::P521 => &sig::ECDSA_P521_SHA256_ASN1,
        KeyKind::Rsa(_) => &sig::RSA_PKCS1_2048_8192_SHA256,
        KeyKind::Ed25519 => return false,
    };
    let hashed = Hashed::import_less_safe(digest.as_bytes(), &digest::SHA256).expect("SHA-256 has 32 bytes");
    ParsedPublicKey::new(algorithm, key.to_der()).is_ok_and(|key| key.verify_digest_sig(&hashed, signature).is_ok())
}

/// A hash function that evidence may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl HashAlgorithm {
    /// The function of this name, as Rekor and Sigstore's protobuf messages write it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "sha256" | "SHA2_256" => Some(Self::Sha256),
            "sha384" | "SHA2_384" => Some(Self::Sha384),
            "sha512" | "SHA2_512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// How many bytes its hashes have.
    pub(crate) fn length(self) -> usize {
        self.function().output_len
    }

    /// The hash of these bytes.
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        digest::digest(self.function(), bytes).as_ref().to_vec()
    }

    fn function(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}
