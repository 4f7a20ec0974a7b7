//! `sealgate bundle upgrade`: older bundles as registries and newer verifiers want them.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use oci::media_type;
use verifier::UntrustedBundle;

use super::{
    parts::{read, unreadable},
    upgraded, write,
};
use crate::{exit::Failure, output};

/// Brings a bundle of version 0.1 or 0.2 to version 0.3. A log is asked only for inclusion proofs that are missing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Where to write it, instead of standard output
    #[arg(long, value_name = "FILE", env = "COSIGN_OUT")]
    out: Option<PathBuf>,
    /// The log (Rekor, version 1) to ask for inclusion proofs that are missing; without it, none is asked
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_REKOR_URL")]
    rekor_url: Option<String>,
}

pub(super) async fn run(args: &Args) -> Result<(), Failure> {
    let (bytes, _) = read(&args.bundle)?;
    let bundle = UntrustedBundle::parse(&bytes).map_err(|why| unreadable(&args.bundle, &why))?;
    if bundle.describe().media_type == media_type::BUNDLE {
        output::note("Bundle is already at v0.3, no upgrade needed.");
        return write(&bytes, args.out.as_deref());
    }
    let bundle = upgraded(bundle, args.rekor_url.as_deref()).await?;
    write(&bundle.to_bytes(), args.out.as_deref())?;
    if let Some(path) = &args.out {
        output::note(format_args!("Successfully upgraded bundle written to {}", path.display()));
    }
    Ok(())
}
