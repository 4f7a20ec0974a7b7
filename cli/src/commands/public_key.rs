//! `sealgate public-key`.

use crate::{bounded_file, exit::Failure, key_source, output};

/// Prints the public half of an encrypted key file, as PKIX PEM.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The private key
    #[arg(long, value_name = "KEY", env = "COSIGN_KEY")]
    key: String,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTFILE")]
    outfile: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let pem = key_source::private(&args.key)?.public().to_pem();
    match &args.outfile {
        None => output::bytes(pem.as_bytes()),
        Some(path) => {
            std::fs::write(path, pem)
                .map_err(|error| Failure::failed(format_args!("writing {path}: {}", bounded_file::plain(&error))))?;
            output::note(format_args!("Public key written to {path}"));
        }
    }
    Ok(())
}
