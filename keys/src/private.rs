//! Private keys: made, imported, and used to sign bytes.
//!
//! A key is held as PKCS#8 DER, zeroed when dropped; its signer is built when it signs.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa,
    signature::{self as sig, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _},
};
use p256::{elliptic_curve::Generate as _, pkcs8::EncodePrivateKey as _};
use zeroize::Zeroizing;

use crate::{DecryptError, KeyError, KeyKind, PublicKey, encrypted, error::excerpt};

const MAX_PEM: usize = 64 * 1024;
const LABELS: &str = "PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY";

/// A private key with its public half.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new P-256 key.
    ///
    /// # Errors
    /// Fails if the system has no randomness to give.
    pub fn generate() -> Result<Self, SigningFailed> {
        let secret = p256::SecretKey::try_generate().map_err(|_| SigningFailed)?;
        let der = secret.to_pkcs8_der().map_err(|_| SigningFailed)?;
        Self::from_pkcs8(der.as_bytes()).map_err(|_| SigningFailed)
    }

    /// Reads an unencrypted key from PEM: PKCS#8, SEC1 (RFC 5915) or PKCS#1.
    ///
    /// # Errors
    /// Fails on text without a private key, on encrypted and unsupported ones, and on several.
    pub fn import(text: &[u8]) -> Result<Self, KeyError> {
        if text.len() > MAX_PEM {
            return Err(KeyError::NotPem);
        }
        let mut blocks = blocks(text)?;
        blocks.retain(|(label, _)| label != "EC PARAMETERS"); // `openssl ecparam -genkey` writes them first
        let [(label, der)] = blocks.as_slice() else {
            return Err(if blocks.is_empty() { KeyError::NotPem } else { KeyError::Several { found: blocks.len() } });
        };
        match label.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8(der),
            "EC PRIVATE KEY" => Self::from_sec1(der),
            "RSA PRIVATE KEY" => Self::from_rsa(rsa::KeyPair::from_der(der)),
            other => Err(KeyError::Label { found: excerpt(other), wanted: LABELS }),
        }
    }

    /// Reads a PKCS#8 DER key (RFC 5208).
    ///
    /// # Errors
    /// Fails on malformed and unsupported keys.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_sec1(der)
            .or_else(|_| Self::from_ed25519(der))
            .or_else(|_| Self::from_rsa(rsa::KeyPair::from_pkcs8(der)))
    }

    /// Reads a key file encrypted by cosign or by [`Self::encrypt`].
    ///
    /// # Errors
    /// Fails on other files, on a wrong password, and on parameters that cosign does not write.
    pub fn decrypt(text: &[u8], password: &[u8]) -> Result<Self, DecryptError> {
        encrypted::open(text, password).and_then(|der| Self::from_pkcs8(&der).map_err(DecryptError::Key))
    }

    /// The key file as cosign 2 and 3 write and read it: PEM `ENCRYPTED SIGSTORE PRIVATE KEY`.
    ///
    /// # Errors
    /// Fails if the system has no randomness to give.
    pub fn encrypt(&self, password: &[u8]) -> Result<String, SigningFailed> {
        encrypted::seal(&self.pkcs8, password)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs: ECDSA with the curve's own hash in ASN.1 DER, RSA PKCS#1 v1.5 with SHA-256, or pure Ed25519, which is
    /// the variant that every verifier checks.
    ///
    /// # Errors
    /// Fails if the system has no randomness to give.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        match self.public.kind() {
            KeyKind::P256 => self.sign_ecdsa(&sig::ECDSA_P256_SHA256_ASN1_SIGNING, message),
            KeyKind::P384 => self.sign_ecdsa(&sig::ECDSA_P384_SHA384_ASN1_SIGNING, message),
            KeyKind::P521 => self.sign_ecdsa(&sig::ECDSA_P521_SHA512_ASN1_SIGNING, message),
            KeyKind::Rsa(_) => self.sign_rsa(message),
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&self.pkcs8).map_err(|_| SigningFailed)?;
                Ok(pair.try_sign(message).map_err(|_| SigningFailed)?.as_ref().to_vec())
            }
        }
    }

    fn sign_ecdsa(&self, algorithm: &'static EcdsaSigningAlgorithm, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &self.pkcs8).map_err(|_| SigningFailed)?;
        let signature = pair.sign(&SystemRandom::new(), message).map_err(|_| SigningFailed)?;
        Ok(signature.as_ref().to_vec())
    }

    fn sign_rsa(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let pair = rsa::KeyPair::from_pkcs8(&self.pkcs8).map_err(|_| SigningFailed)?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&sig::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(|_| SigningFailed)?;
        Ok(signature)
    }

    /// SEC1 and PKCS#8 alike: the library reads both, and the curve is found by trying.
    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let curves = [
            &sig::ECDSA_P256_SHA256_ASN1_SIGNING,
            &sig::ECDSA_P384_SHA384_ASN1_SIGNING,
            &sig::ECDSA_P521_SHA512_ASN1_SIGNING,
        ];
        let pair = curves
            .into_iter()
            .find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok())
            .ok_or(KeyError::Unsupported)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Unsupported)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Unsupported)?;
        Self::new(pkcs8.as_ref(), public.as_ref())
    }

    fn from_ed25519(der: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyError::Unsupported)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Unsupported)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Unsupported)?;
        Self::new(pkcs8.as_ref(), public.as_ref())
    }

    fn from_rsa(pair: Result<rsa::KeyPair, aws_lc_rs::error::KeyRejected>) -> Result<Self, KeyError> {
        let pair = pair.map_err(|_| KeyError::Unsupported)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Unsupported)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Unsupported)?;
        Self::new(pkcs8.as_ref(), public.as_ref())
    }

    fn new(pkcs8: &[u8], public: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { pkcs8: Zeroizing::new(pkcs8.to_vec()), public: PublicKey::from_der(public)? })
    }
}

/// A label and what stands below it.
type Block = (String, Zeroizing<Vec<u8>>);

/// The labels of PEM blocks, and what stands in them, which is wiped when dropped. The library's own base64 text is not
/// ours to wipe.
fn blocks(text: &[u8]) -> Result<Vec<Block>, KeyError> {
    let blocks = pem::parse_many(text).map_err(|_| KeyError::NotPem)?.into_iter();
    Ok(blocks.map(|block| (block.tag().to_owned(), Zeroizing::new(block.into_contents()))).collect())
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "private half of {:?}", self.public)
    }
}

/// The cryptographic library or the system's randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library or the system's randomness failed")]
pub struct SigningFailed;
