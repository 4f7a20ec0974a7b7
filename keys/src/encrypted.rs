//! cosign's encrypted key file: PEM around JSON around scrypt and NaCl's secretbox around PKCS#8.
//!
//! Parameters of scrypt are a stranger's when a file is read, and cost memory: only those that cosign has ever
//! written are accepted.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use crypto_secretbox::{KeyInit as _, Nonce, XSalsa20Poly1305, aead::Aead as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{KeyError, SigningFailed, error::excerpt};

const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const LABELS: &str = "ENCRYPTED SIGSTORE PRIVATE KEY or ENCRYPTED COSIGN PRIVATE KEY";
const MAX_FILE: usize = 64 * 1024;
const LOG_N: u8 = 16;
const R: u32 = 8;
const P: u32 = 1;

#[derive(Serialize, Deserialize)]
struct File {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u32,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Reads a key file and returns the PKCS#8 DER in it.
pub(crate) fn open(text: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let file = read(text)?;
    if file.kdf.name != "scrypt" || file.cipher.name != "nacl/secretbox" {
        let found = excerpt(&format!("{} and {}", file.kdf.name, file.cipher.name));
        return Err(DecryptError::Algorithm { found });
    }
    let Params { n, r, p } = file.kdf.params;
    let log_n = match (n, r, p) {
        (32_768 | 65_536 | 131_072, R, P) => n.ilog2() as u8,
        _ => return Err(DecryptError::Parameters { n, r, p }),
    };
    let key = derive(password, &bytes(&file.kdf.salt)?, log_n)?;
    let nonce: [u8; 24] = bytes(&file.cipher.nonce)?.try_into().map_err(|_| DecryptError::Malformed)?;
    let sealed = bytes(&file.ciphertext)?;
    let plain = XSalsa20Poly1305::new((&*key).into()).decrypt(Nonce::from_slice(&nonce), sealed.as_slice());
    plain.map(Zeroizing::new).map_err(|_| DecryptError::Password)
}

/// Writes a key file around PKCS#8 DER, with cosign's parameters.
pub(crate) fn seal(pkcs8: &[u8], password: &[u8]) -> Result<String, SigningFailed> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut nonce)).map_err(|_| SigningFailed)?;
    let key = derive(password, &salt, LOG_N).map_err(|_| SigningFailed)?;
    let sealed = XSalsa20Poly1305::new((&*key).into()).encrypt(Nonce::from_slice(&nonce), pkcs8);
    let file = File {
        kdf: Kdf {
            name: "scrypt".to_owned(),
            params: Params { n: 1 << LOG_N, r: R, p: P },
            salt: BASE64_STANDARD.encode(salt),
        },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: BASE64_STANDARD.encode(nonce) },
        ciphertext: BASE64_STANDARD.encode(sealed.map_err(|_| SigningFailed)?),
    };
    let json = serde_json::to_vec(&file).map_err(|_| SigningFailed)?;
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    Ok(pem::encode_config(&pem::Pem::new(LABEL, json), config))
}

fn read(text: &[u8]) -> Result<File, DecryptError> {
    if text.len() > MAX_FILE {
        return Err(DecryptError::Malformed);
    }
    let block = pem::parse(text).map_err(|_| DecryptError::Key(KeyError::NotPem))?;
    if block.tag() != LABEL && block.tag() != OLD_LABEL {
        return Err(DecryptError::Key(KeyError::Label { found: excerpt(block.tag()), wanted: LABELS }));
    }
    serde_json::from_slice(block.contents()).map_err(|_| DecryptError::Malformed)
}

fn derive(password: &[u8], salt: &[u8], log_n: u8) -> Result<Zeroizing<[u8; 32]>, DecryptError> {
    let params = scrypt::Params::new(log_n, R, P).map_err(|_| DecryptError::Malformed)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &params, &mut *key).map_err(|_| DecryptError::Malformed)?;
    Ok(key)
}

fn bytes(text: &str) -> Result<Vec<u8>, DecryptError> {
    BASE64_STANDARD.decode(text).map_err(|_| DecryptError::Malformed)
}

/// Why an encrypted key file cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// The file is no key file, or what it holds is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file's inside is damaged.
    #[error("encrypted key file is damaged")]
    Malformed,
    /// Another derivation or cipher than cosign's.
    #[error("key is encrypted by {found}, wanted scrypt and nacl/secretbox")]
    Algorithm {
        /// What was found.
        found: String,
    },
    /// scrypt parameters that cosign never writes; they could cost any amount of memory.
    #[error("scrypt parameters N={n}, r={r}, p={p} found, wanted N=32768, 65536 or 131072, r=8, p=1")]
    Parameters {
        /// Cost.
        n: u32,
        /// Block size.
        r: u32,
        /// Parallelism.
        p: u32,
    },
    /// The password is wrong, or the file was changed.
    #[error("decryption failed: wrong password, or the file was changed")]
    Password,
}
