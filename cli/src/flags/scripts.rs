//! Flags of cosign's verifying commands that change nothing here, understood so that scripts can go on saying them.

use clap::ValueEnum;
use verifier::Fault;

use super::boolean;
use crate::exit::Failure;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ScriptFlags {
    /// Both formats are always looked at
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, hide = true)]
    new_bundle_format: Option<bool>,
    /// Referrers are always looked at
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, hide = true, env = "COSIGN_EXPERIMENTAL_OCI11")]
    experimental_oci11: Option<bool>,
    /// Signatures are checked one after the other: it takes microseconds
    #[arg(long, value_name = "NUMBER", hide = true, env = "COSIGN_MAX_WORKERS")]
    max_workers: Option<u32>,
    /// Every hash that is right for the signer's key is tried
    #[arg(long, value_enum, value_name = "HASH", hide = true, env = "COSIGN_SIGNATURE_DIGEST_ALGORITHM")]
    signature_digest_algorithm: Option<Hash>,
    /// No log is asked anyway
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, hide = true, env = "COSIGN_OFFLINE")]
    offline: Option<bool>,
    /// No log is asked: entries are those that come with a signature
    #[arg(long, value_name = "URL", hide = true, env = "COSIGN_REKOR_URL")]
    rekor_url: Option<String>,
}

impl ScriptFlags {
    /// A refusal, with a hint for whoever counts on a log's being asked.
    pub(crate) fn with_hint<'a>(&self, failure: Failure, faults: impl IntoIterator<Item = &'a Fault>) -> Failure {
        let unlogged = faults.into_iter().any(|fault| matches!(fault, Fault::NoLogEntry { .. }));
        match self.rekor_url.is_some() && unlogged {
            true => failure.hint("--rekor-url is not asked: log entries are those that come with a signature"),
            false => failure,
        }
    }
}

/// Hash functions that signatures are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}
