//! What signatures are checked against beside a key, and what they must carry.

use std::{
    env,
    path::{Path, PathBuf},
};

use keys::PublicKey;
use verifier::{Demands, TrustRoot};

use super::{boolean, variables};
use crate::{bounded_file, exit::Failure, output, trust_source};

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Trust")]
pub(crate) struct TrustFlags {
    /// Whom to trust: a trusted_root.json with certificate authorities, logs and timestamp authorities
    #[arg(long, value_name = "FILE", env = "COSIGN_TRUSTED_ROOT")]
    trusted_root: Option<PathBuf>,
    /// Ask for a timestamp by a trusted authority
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_USE_SIGNED_TIMESTAMPS")]
    use_signed_timestamps: bool,
    /// Do not ask for an entry in a transparency log
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_INSECURE_IGNORE_TLOG")]
    insecure_ignore_tlog: bool,
    /// Do not ask for a certificate to be in a log of certificates
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_INSECURE_IGNORE_SCT")]
    insecure_ignore_sct: bool,
    /// The image was signed on private infrastructure, without a transparency log
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_PRIVATE_INFRASTRUCTURE")]
    private_infrastructure: bool,
}

/// Switches that weaken `verify`, as its environment has them.
const WEAKENING: [&str; 4] = [
    "COSIGN_INSECURE_IGNORE_TLOG",
    "COSIGN_INSECURE_IGNORE_SCT",
    "COSIGN_PRIVATE_INFRASTRUCTURE",
    "COSIGN_CHECK_CLAIMS",
];

impl TrustFlags {
    /// What these flags say, and this key if there is one. Without a file, trust material comes from the environment's
    /// files or by TUF, where something needs it. What is demanded comes from flags, never from what is found.
    pub(crate) async fn root(&self, key: Option<PublicKey>) -> Result<TrustRoot, Failure> {
        let demands = self.demands();
        let alone = key.is_some() && !demands.log_entry && !demands.timestamp;
        let keys = key.into_iter().collect();
        match &self.trusted_root {
            Some(path) => {
                variables::announce("COSIGN_TRUSTED_ROOT", path);
                Ok(read(path)?.with_keys(keys).demanding(demands))
            }
            None if alone => Ok(TrustRoot::new(keys)),
            None => {
                trust_source::announce();
                Ok(trust_source::trusted_root().await?.with_keys(keys).demanding(demands))
            }
        }
    }

    /// The file that is named.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.trusted_root.as_deref()
    }

    pub(crate) fn demands(&self) -> Demands {
        Demands {
            log_entry: !self.insecure_ignore_tlog && !self.private_infrastructure,
            certificate_log: !self.insecure_ignore_sct,
            timestamp: self.use_signed_timestamps,
        }
    }

    /// Says what is not asked for.
    pub(crate) fn announce(&self) {
        for name in WEAKENING.into_iter().filter(|name| env::var_os(name).is_some()) {
            output::warn(format_args!("{name} is set in the environment"));
        }
        if self.insecure_ignore_tlog {
            output::warn(
                "Skipping tlog verification is an insecure practice that lacks transparency and auditability \
                 verification for the signature.",
            );
        }
        if self.insecure_ignore_sct {
            output::warn("certificates need not be in a log: that one was issued to somebody else stays unseen");
        }
    }
}

/// The trusted root in a file.
pub(crate) fn read(path: &Path) -> Result<TrustRoot, Failure> {
    let loading = |why: &dyn std::fmt::Display| Failure::failed(format_args!("loading trusted root: {why}"));
    let bytes = bounded_file::read(path, MAX_KIB).map_err(|why| loading(&why))?;
    TrustRoot::parse_trusted_root(&bytes).map_err(|why| loading(&format_args!("{}: {why}", path.display())))
}

/// The most that a trusted root is read to.
const MAX_KIB: u64 = 1024;
