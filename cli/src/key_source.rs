//! Where a key is: a file, or an environment variable as `env://NAME`.

use std::path::Path;

use keys::{PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::{bounded_file, exit::Failure, password};

const MAX_KIB: u64 = 64;
/// Schemes of cosign's key references that name a key kept elsewhere.
const ELSEWHERE: [&str; 11] =
    ["awskms", "azurekms", "gcpkms", "hashivault", "openbao", "k8s", "gitlab", "github", "pkcs11", "http", "https"];

/// The private key in an encrypted key file. Its password is asked for only once the file has been read.
pub(crate) fn private(reference: &str) -> Result<PrivateKey, Failure> {
    let text = read(reference).map_err(|why| Failure::failed(format_args!("reading key: {why}")))?;
    let password = password::existing()?;
    PrivateKey::decrypt(&text, &password).map_err(|error| {
        let failure = Failure::failed(format_args!("reading key: decrypt: {reference}: {error}"));
        match error {
            keys::DecryptError::Key(keys::KeyError::Label { .. }) => {
                failure.hint("`sealgate import-key-pair` makes an encrypted key file of an unencrypted key")
            }
            _ => failure,
        }
    })
}

/// The public key in a PEM file.
pub(crate) fn public(reference: &str) -> Result<PublicKey, Failure> {
    let loading = |why: &dyn std::fmt::Display| Failure::failed(format_args!("loading public key: {why}"));
    let text = read(reference).map_err(|why| loading(&why))?;
    PublicKey::from_pem(&text).map_err(|error| {
        let failure = loading(&format_args!("{reference}: {error}"));
        match error {
            keys::KeyError::Label { .. } => failure.hint("`sealgate public-key` prints the public half of a key file"),
            _ => failure,
        }
    })
}

/// The bytes that a reference names.
pub(crate) fn read(reference: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    match reference.split_once("://") {
        Some(("env", name)) => match std::env::var_os(name) {
            Some(value) => Ok(Zeroizing::new(value.into_encoded_bytes())),
            None => Err(format!("environment variable `{name}` is not set")),
        },
        Some((scheme, _)) if ELSEWHERE.contains(&scheme) => {
            Err(format!("keys kept at `{scheme}://` cannot be used yet, wanted a file or env://NAME"))
        }
        _ => bounded_file::read(Path::new(reference), MAX_KIB),
    }
}
