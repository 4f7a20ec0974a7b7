//! Docker's credential helpers: programs `docker-credential-<name>`, asked by `get` with the server on stdin.
//!
//! A helper is the user's own program. Its name is checked, its output and its time are bounded, and what it says when
//! it fails is passed on, except for the one text that means "nothing stored".

use std::{ffi::OsStr, path::PathBuf, process::Stdio, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{Credential, Secret, lookup::CredentialError};
use crate::error::excerpt;

/// Asks a helper found on this path for the credential of this server; none if it says that it stores none.
pub(super) async fn get(name: &str, server: &str, path: &OsStr) -> Result<Option<Credential>, CredentialError> {
    let program = find(name, path)?;
    let failed = |why: String| CredentialError::Helper { helper: name.to_owned(), why };
    let child = spawn(&program, path).map_err(|error| failed(error.to_string()))?;
    let run = timeout(DEADLINE, converse(child, server)).await;
    let (success, output) = match run {
        Err(_) => return Err(failed(format!("no answer within {} s", DEADLINE.as_secs()))),
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Ok(Ok(answer)) => answer,
    };
    if output.len() as u64 > MAX_OUTPUT {
        return Err(failed(format!("answered more than {MAX_OUTPUT} bytes")));
    }
    match success {
        true => {
            parse(&output).map(Some).ok_or_else(|| failed("the answer holds no `Username` and `Secret`".to_owned()))
        }
        false if output.trim_ascii() == NOT_FOUND.as_bytes() => Ok(None),
        false => Err(failed(match excerpt(&output) {
            said if said.is_empty() => "failed without a word".to_owned(),
            said => said,
        })),
    }
}

/// Whether a helper of this name is installed.
pub(super) fn is_installed(name: &str, path: &OsStr) -> bool {
    find(name, path).is_ok()
}

/// Whether a program of this name is on the path.
pub(super) fn on_path(program: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

fn find(name: &str, path: &OsStr) -> Result<PathBuf, CredentialError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(CredentialError::HelperName { helper: excerpt(name.as_bytes()) });
    }
    let program = format!("docker-credential-{name}");
    on_path(&program, path).ok_or(CredentialError::HelperMissing { program })
}

fn spawn(program: &PathBuf, path: &OsStr) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    command.arg("get").env("PATH", path).kill_on_drop(true);
    for secret in SECRETS {
        command.env_remove(secret);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

async fn converse(mut child: Child, server: &str) -> std::io::Result<(bool, Zeroizing<Vec<u8>>)> {
    let mut stdin = child.stdin.take().expect("stdin was piped");
    // a helper that does not read its input may close it early; its answer counts
    let _ = stdin.write_all(server.as_bytes()).await;
    drop(stdin);
    let stdout = child.stdout.take().expect("stdout was piped");
    let mut output = Zeroizing::new(Vec::with_capacity(4096));
    stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output).await?;
    if output.len() as u64 > MAX_OUTPUT {
        child.kill().await?;
        return Ok((false, output));
    }
    Ok((child.wait().await?.success(), output))
}

fn parse(output: &[u8]) -> Option<Credential> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: Secret,
    }
    let Answer { username, secret } = serde_json::from_slice(output).ok()?;
    match username.as_str() {
        "" => None,
        "<token>" => Some(Credential::IdentityToken(secret)),
        _ => Some(Credential::Password { user: username, password: secret }),
    }
}

/// Meant for us alone; a helper has no use for them.
const SECRETS: [&str; 4] =
    ["COSIGN_PASSWORD", "COSIGN_REGISTRY_PASSWORD", "COSIGN_REGISTRY_TOKEN", "SEALGATE_REGISTRY_PASSWORD"];
const NOT_FOUND: &str = "credentials not found in native keychain";
const DEADLINE: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 64 * 1024;
