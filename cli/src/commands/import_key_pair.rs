//! `sealgate import-key-pair`.

use keys::PrivateKey;

use super::key_files;
use crate::{exit::Failure, key_source, password};

/// Encrypts an RSA (2048 to 4096 bits), P-256, P-384, P-521 or Ed25519 key, from PKCS#8, SEC1 or PKCS#1 PEM.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The unencrypted private key
    #[arg(long, value_name = "FILE", env = "COSIGN_KEY")]
    key: String,
    /// Name of the files, `.key` and `.pub` added
    #[arg(long, short = 'o', value_name = "PREFIX", default_value = "import-cosign", env = "COSIGN_OUTPUT_KEY_PREFIX")]
    output_key_prefix: String,
    /// Overwrite existing files without asking
    #[arg(short, long, env = "COSIGN_YES", value_parser = clap::builder::FalseyValueParser::new())]
    yes: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let text =
        key_source::read(&args.key).map_err(|why| Failure::failed(format_args!("error importing key: {why}")))?;
    let key = PrivateKey::import(&text).map_err(|why| Failure::failed(format_args!("{}: {why}", args.key)))?;
    key_files::may_write(&args.output_key_prefix, args.yes)?;
    key_files::write(&args.output_key_prefix, &key, &password::new()?)
}
