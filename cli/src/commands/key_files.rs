//! The two files of a key pair, as cosign names and protects them.

use std::{
    fs::OpenOptions,
    io::{self, BufRead as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use keys::PrivateKey;

use crate::{bounded_file, exit::Failure, output};

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

/// Written beside and renamed: an interruption leaves the old file or the new one, never half of one.
fn write_file(path: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::failed(format_args!("writing {path}: {}", bounded_file::plain(&error)));
    let beside = format!("{path}.{}.tmp", std::process::id());
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).and_then(|mut file| {
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&beside, path)).map_err(|error| {
        drop(std::fs::remove_file(&beside));
        failed(error)
    })
}

fn eprint_prompt(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}
