//! The password of a key file, from where cosign takes it: `COSIGN_PASSWORD` (also empty), a terminal, or everything
//! on standard input, unchanged.

use std::io::{self, IsTerminal as _, Read as _};

use zeroize::Zeroizing;

use crate::exit::Failure;

const VARIABLE: &str = "COSIGN_PASSWORD";
const MAX: u64 = 64 * 1024;

/// The password of an existing key.
pub(crate) fn existing() -> Result<Zeroizing<Vec<u8>>, Failure> {
    given(|| prompt("Enter password for private key: "))
}

/// The password of a key to be written: asked for twice at a terminal.
pub(crate) fn new() -> Result<Zeroizing<Vec<u8>>, Failure> {
    given(|| {
        let first = prompt("Enter password for private key: ")?;
        let second = prompt("Enter password for private key again: ")?;
        match *first == *second {
            true => Ok(first),
            false => Err(Failure::failed("passwords do not match")),
        }
    })
}

fn given(ask: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, Failure>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(password) = std::env::var_os(VARIABLE) {
        return Ok(Zeroizing::new(password.into_encoded_bytes()));
    }
    if io::stdin().is_terminal() {
        return ask();
    }
    let mut password = Zeroizing::new(Vec::new());
    io::stdin().take(MAX + 1).read_to_end(&mut password)?;
    match password.len() as u64 > MAX {
        true => Err(Failure::failed("the password on standard input is longer than 64 KiB")),
        false => Ok(password),
    }
}

fn prompt(text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    Ok(Zeroizing::new(rpassword::prompt_password(text)?.into_bytes()))
}
