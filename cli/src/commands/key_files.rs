//! The two files of a key pair, as cosign names and protects them.

use std::{
    io::{self, BufRead as _, Write as _},
    path::Path,
};

use keys::PrivateKey;

use crate::{bounded_file, exit::Failure, output, private_file};

/// Asks before files that exist are overwritten, in cosign's words.
pub(crate) fn may_write(prefix: &str, yes: bool) -> Result<(), Failure> {
    let private = format!("{prefix}.key");
    if yes || !Path::new(&private).exists() {
        return Ok(());
    }
    output::warn(format_args!("File {private} already exists. Overwrite?"));
    eprint_prompt("Are you sure you would like to continue? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::failed("user declined the prompt")),
    }
}

/// Writes `PREFIX.key`, which only its owner may read, and `PREFIX.pub`.
pub(crate) fn write(prefix: &str, key: &PrivateKey, password: &[u8]) -> Result<(), Failure> {
    let (private, public) = (format!("{prefix}.key"), format!("{prefix}.pub"));
    let sealed = key.encrypt(password).map_err(Failure::failed)?;
    write_file(&private, sealed.as_bytes(), 0o600)?;
    output::note(format_args!("Private key written to {private}"));
    write_file(&public, key.public().to_pem().as_bytes(), 0o644)?;
    output::note(format_args!("Public key written to {public}"));
    Ok(())
}

/// Kept before it takes the older one's place: a key that was lost with the power cannot be made again.
fn write_file(path: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let written = private_file::beside(Path::new(path), bytes, mode).and_then(|file| {
        file.as_file().sync_all()?;
        Ok(file.persist(path).map(drop)?)
    });
    written.map_err(|error| Failure::failed(format_args!("writing {path}: {}", bounded_file::plain(&error))))
}

fn eprint_prompt(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}
