//! Flags that cosign or Docker have and sealgate does not have yet: refused by name, never ignored.

use clap::error::{ContextKind, ContextValue};

use crate::exit::Exit;

/// Commands that keep cosign's or Docker's exit code for a wrong command line.
const COSIGN_COMMANDS: [&str; 7] =
    ["generate-key-pair", "import-key-pair", "public-key", "sign", "verify", "triangulate", "version"];
/// Docker's CLI answers a wrong command line so.
const DOCKER_USAGE: u8 = 125;

/// The exit code for a command line that cannot be understood, by the command that was meant.
pub(crate) fn usage_code() -> u8 {
    match std::env::args().nth(1) {
        Some(command) if COSIGN_COMMANDS.contains(&command.as_str()) => Exit::Failed as u8,
        Some(command) if command == "pull" => DOCKER_USAGE,
        _ => Exit::Usage as u8,
    }
}

/// What to say of an unknown flag, if cosign or Docker know it.
pub(crate) fn explain(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = argument.trim_start_matches('-').split('=').next()?;
    let command = std::env::args().nth(1)?;
    let of = match command.as_str() {
        "pull" if DOCKER_FLAGS.contains(&name) => "docker",
        command if COSIGN_COMMANDS.contains(&command) && COSIGN_FLAGS.contains(&name) => "cosign",
        _ => return None,
    };
    Some(format!("error: {of}'s flag `--{name}` is not here yet\nhint: `sealgate {command} --help` lists what is"))
}

const DOCKER_FLAGS: [&str; 3] = ["all-tags", "a", "disable-content-trust"];

const COSIGN_FLAGS: &[&str] = &[
    "allow-certificate-chain",
    "attachment",
    "attachment-tag-prefix",
    "b64",
    "bundle",
    "ca-intermediates",
    "ca-roots",
    "certificate",
    "certificate-chain",
    "certificate-github-workflow-name",
    "certificate-github-workflow-ref",
    "certificate-github-workflow-repository",
    "certificate-github-workflow-sha",
    "certificate-github-workflow-trigger",
    "certificate-identity",
    "certificate-identity-regexp",
    "certificate-oidc-issuer",
    "certificate-oidc-issuer-regexp",
    "d",
    "experimental-oci11",
    "fulcio-auth-flow",
    "fulcio-url",
    "identity-token",
    "insecure-ignore-sct",
    "insecure-skip-verify",
    "issue-certificate",
    "k8s-keychain",
    "kms",
    "local-image",
    "max-workers",
    "offline",
    "oidc-client-id",
    "oidc-client-secret-file",
    "oidc-disable-ambient-providers",
    "oidc-issuer",
    "oidc-provider",
    "oidc-redirect-url",
    "output-certificate",
    "output-file",
    "output-payload",
    "output-signature",
    "payload",
    "record-creation-timestamp",
    "registry-referrers-mode",
    "registry-server-name",
    "rekor-entry-type",
    "rekor-url",
    "replace",
    "rfc3161-timestamp",
    "rfc3161-timestamp-bundle",
    "sct",
    "sign-container-identity",
    "signature",
    "signature-digest-algorithm",
    "signing-algorithm",
    "signing-config",
    "sk",
    "slot",
    "timestamp-certificate-chain",
    "timestamp-client-cacert",
    "timestamp-client-cert",
    "timestamp-client-key",
    "timestamp-server-name",
    "timestamp-server-url",
    "trusted-root",
    "tsa-client-cacert",
    "tsa-client-cert",
    "tsa-client-key",
    "tsa-server-name",
    "tsa-server-url",
    "upload",
    "use-signed-timestamps",
    "verbose",
    "predicate",
    "statement",
    "policy",
    "hash",
    "digestAlg",
];
