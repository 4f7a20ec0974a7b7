//! `sealgate generate-key-pair`.

use keys::PrivateKey;

use super::key_files;
use crate::{exit::Failure, password};

/// Makes a P-256 key pair. cosign 2 and 3 read the files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the files, `.key` and `.pub` added
    #[arg(long, value_name = "PREFIX", default_value = "cosign", env = "COSIGN_OUTPUT_KEY_PREFIX")]
    output_key_prefix: String,
    /// Overwrite existing files without asking
    #[arg(short, long)]
    yes: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    key_files::may_write(&args.output_key_prefix, args.yes)?;
    let password = password::new()?;
    let key = PrivateKey::generate().map_err(Failure::failed)?;
    key_files::write(&args.output_key_prefix, &key, &password)
}
