//! Where a key is: a file, or an environment variable as `env://NAME`.

use std::{fs::File, io::Read as _};

use keys::{PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::{exit::Failure, password};

const MAX: u64 = 64 * 1024;
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
        _ => read_file(reference).map_err(|error| format!("open {reference}: {}", plain(&error))),
    }
}

fn read_file(path: &str) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::new());
    File::open(path)?.take(MAX + 1).read_to_end(&mut text)?;
    match text.len() as u64 > MAX {
        true => Err(std::io::Error::other("it is larger than 64 KiB, which no key is")),
        false => Ok(text),
    }
}

/// The system's words without Rust's "(os error 2)", in lower case.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
