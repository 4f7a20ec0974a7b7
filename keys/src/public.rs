//! Public keys and the check of a signature by one.
//!
//! Which hash belongs to which key is where implementations differ, cosign's releases among them: the algorithm
//! registry of Sigstore pairs P-384 with SHA-384 and P-521 with SHA-512, `cosign verify` asks for SHA-256, and cosign
//! signs Ed25519ph but checks Ed25519. A signature says nothing of its hash, so each admissible one is tried, the
//! registry's first. All of them are collision resistant; accepting several gives a forger nothing.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    error::KeyRejected,
    signature::{self as sig, ParsedPublicKey, VerificationAlgorithm},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::VerifyingKey;
use p256::pkcs8::{
    ObjectIdentifier, SubjectPublicKeyInfoRef,
    der::{Decode as _, Reader as _, SliceReader, asn1::UintRef},
};
use sha2::{Digest as _, Sha256, Sha512};

use crate::{KeyError, error::excerpt};

const MAX_PEM: usize = 64 * 1024;
const LABEL: &str = "PUBLIC KEY";

/// A public key. Two encodings of one key are equal and have one [`KeyId`].
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    kind: KeyKind,
    der: Vec<u8>,
    id: KeyId,
    schemes: Vec<(ParsedPublicKey, Option<SignatureHash>)>,
    prehashed: Option<VerifyingKey>,
}

impl PublicKey {
    /// Reads a PKIX public key from PEM text that holds exactly one.
    ///
    /// # Errors
    /// Fails on text without PEM, on blocks of other kinds, on several keys, and on unsupported keys.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        if text.len() > MAX_PEM {
            return Err(KeyError::NotPem);
        }
        match pem::parse_many(text).map_err(|_| KeyError::NotPem)?.as_slice() {
            [] => Err(KeyError::NotPem),
            [block] if block.tag() == LABEL => Self::from_der(block.contents()),
            [block] => Err(KeyError::Label { found: excerpt(block.tag()), wanted: LABEL }),
            blocks => Err(KeyError::Several { found: blocks.len() }),
        }
    }

    /// Reads a DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
    ///
    /// # Errors
    /// Fails on malformed and unsupported keys.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let kind = kind_of(der)?;
        let schemes: Vec<_> = algorithms(kind)
            .iter()
            .map(|(algorithm, hash)| Ok((ParsedPublicKey::new(*algorithm, der)?, *hash)))
            .collect::<Result<_, KeyRejected>>()
            .map_err(|_| KeyError::Unsupported)?;
        let canonical: PublicKeyX509Der<'_> = schemes[0].0.as_der().map_err(|_| KeyError::Unsupported)?;
        let der = canonical.as_ref().to_vec();
        let id = KeyId(Sha256::digest(&der).into());
        let prehashed = (kind == KeyKind::Ed25519).then(|| ed25519(&der)).transpose()?;
        Ok(Self(Arc::new(Inner { kind, der, id, schemes, prehashed })))
    }

    /// The key as PKIX PEM, with LF line ends, as cosign writes it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new(LABEL, self.0.der.clone()), config)
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn to_der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of the DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// The kind of key.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.0.kind
    }

    /// Checks that `signature` is by this key over `message`, under any admissible hash for its kind: ECDSA in ASN.1
    /// DER, RSA PKCS#1 v1.5, Ed25519 or Ed25519ph (RFC 8032).
    ///
    /// # Errors
    /// Fails if it is not.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify_hash(message, signature).map(drop)
    }

    /// Checks the same, and says under which hash it is. With Ed25519 there is none to choose.
    ///
    /// # Errors
    /// Fails if it is not.
    pub fn verify_hash(&self, message: &[u8], signature: &[u8]) -> Result<Option<SignatureHash>, BadSignature> {
        let by = |(key, _): &&(ParsedPublicKey, _)| key.verify_sig(message, signature).is_ok();
        match self.0.schemes.iter().find(by) {
            Some((_, hash)) => Ok(*hash),
            None if self.verify_prehashed(message, signature) => Ok(None),
            None => Err(BadSignature),
        }
    }

    fn verify_prehashed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = &self.0.prehashed else { return false };
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return false };
        key.verify_prehashed_strict(Sha512::new_with_prefix(message), None, &signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} key {}", self.0.kind, self.0.id)
    }
}

fn kind_of(der: &[u8]) -> Result<KeyKind, KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Unsupported)?;
    match info.algorithm.oid {
        OID_EC => {
            let curve = info.algorithm.parameters_oid().map_err(|_| KeyError::Unsupported)?;
            CURVES.iter().find(|(oid, _)| *oid == curve).map(|(_, kind)| *kind).ok_or(KeyError::Unsupported)
        }
        OID_RSA => rsa_size(info.subject_public_key.raw_bytes()).map(KeyKind::Rsa),
        OID_ED25519 => Ok(KeyKind::Ed25519),
        _ => Err(KeyError::Unsupported),
    }
}

/// The bits of the modulus of a PKCS#1 RSAPublicKey, within what is accepted.
fn rsa_size(der: &[u8]) -> Result<usize, KeyError> {
    let modulus = |reader: &mut SliceReader<'_>| {
        reader.sequence(|inner| {
            let n: UintRef<'_> = inner.decode()?;
            let _e: UintRef<'_> = inner.decode()?;
            Ok::<_, p256::pkcs8::der::Error>(n.as_bytes().to_vec())
        })
    };
    let n = SliceReader::new(der).and_then(|mut reader| modulus(&mut reader)).map_err(|_| KeyError::Unsupported)?;
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    match bits {
        2048..=4096 => Ok(bits),
        bits => Err(KeyError::RsaSize { bits }),
    }
}

fn ed25519(spki: &[u8]) -> Result<VerifyingKey, KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| KeyError::Unsupported)?;
    let point = info.subject_public_key.raw_bytes().try_into().map_err(|_| KeyError::Unsupported)?;
    VerifyingKey::from_bytes(point).map_err(|_| KeyError::Unsupported)
}

/// The admissible algorithms for a kind, the registry's pairing first.
fn algorithms(kind: KeyKind) -> &'static [(&'static dyn VerificationAlgorithm, Option<SignatureHash>)] {
    const SHA256: Option<SignatureHash> = Some(SignatureHash::Sha256);
    const SHA384: Option<SignatureHash> = Some(SignatureHash::Sha384);
    const SHA512: Option<SignatureHash> = Some(SignatureHash::Sha512);
    match kind {
        KeyKind::P256 => &[
            (&sig::ECDSA_P256_SHA256_ASN1, SHA256),
            (&sig::ECDSA_P256_SHA384_ASN1, SHA384),
            (&sig::ECDSA_P256_SHA512_ASN1, SHA512),
        ],
        KeyKind::P384 => &[
            (&sig::ECDSA_P384_SHA384_ASN1, SHA384),
            (&sig::ECDSA_P384_SHA256_ASN1, SHA256),
            (&sig::ECDSA_P384_SHA512_ASN1, SHA512),
        ],
        KeyKind::P521 => &[
            (&sig::ECDSA_P521_SHA512_ASN1, SHA512),
            (&sig::ECDSA_P521_SHA256_ASN1, SHA256),
            (&sig::ECDSA_P521_SHA384_ASN1, SHA384),
        ],
        KeyKind::Rsa(_) => &[
            (&sig::RSA_PKCS1_2048_8192_SHA256, SHA256),
            (&sig::RSA_PKCS1_2048_8192_SHA384, SHA384),
            (&sig::RSA_PKCS1_2048_8192_SHA512, SHA512),
        ],
        KeyKind::Ed25519 => &[(&sig::ED25519, None)],
    }
}

const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [(ObjectIdentifier, KeyKind); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), KeyKind::P256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), KeyKind::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), KeyKind::P521),
];

/// The hash that a signature by ECDSA or RSA is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureHash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl fmt::Display for SignatureHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on NIST P-256.
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// ECDSA on NIST P-521.
    P521,
    /// RSA with this many bits, signing by PKCS#1 v1.5.
    Rsa(usize),
    /// Ed25519.
    Ed25519,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

/// The name of a key: SHA-256 of its DER SubjectPublicKeyInfo, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The form in which a Sigstore bundle hints at a key: base64.
    #[must_use]
    pub fn hint(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// The first eight digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The signature is not by this key over this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signature is not by this key over these bytes")]
pub struct BadSignature;
