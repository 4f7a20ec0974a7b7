//! `sealgate triangulate`.

use clap::ValueEnum;
use oci::{ImageRef, location};
use registry::Lookup;

use crate::{
    exit::{Exit, Failure},
    flags::{registry::RegistryFlags, repository},
    output,
};

/// Prints the reference under which cosign's legacy format stores what belongs to an image.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: ImageRef,
    /// What is looked for
    #[arg(long = "type", value_enum, default_value = "signature", env = "COSIGN_TYPE")]
    kind: Kind,
    #[command(flatten)]
    registry: RegistryFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Signature,
    Attestation,
    Sbom,
    Digest,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.registry.clone().with_environment()?.client([&args.image])?;
    let resolved = match tokio::time::timeout(args.registry.timeout, client.resolve(&args.image)).await {
        Ok(resolved) => resolved?,
        Err(_) => return Err(Failure::failed("no answer in time")),
    };
    let Lookup::Found(resolved) = resolved else {
        return Err(Failure::new(Exit::Failed, format_args!("image `{}` not found in its registry", args.image)));
    };
    let stored_in = repository::from_environment()?.unwrap_or_else(|| args.image.repository().clone());
    let name = stored_in.index_name(); // cosign's scripts know Docker Hub by that name
    let tag = |attachment| format!("{name}:{}", location::attachment_tag(resolved.pinned.digest(), attachment));
    output::line(match args.kind {
        Kind::Signature => tag(location::Attachment::Signature),
        Kind::Attestation => tag(location::Attachment::Attestation),
        Kind::Sbom => tag(location::Attachment::Sbom),
        Kind::Digest => format!("{name}@{}", resolved.pinned.digest()),
    });
    Ok(())
}
