//! `sealgate attest`: cosign's command.

use clap::ValueEnum;
use oci::ImageRef;
use signer::{Attestation, By, Credential, EnvelopeKind, Format, Made, Signer, SigningAlgorithm, Target};

use super::sign::{Attached, Patience, failure, tell, tell_if_unlogged, warn_of_tag};
use crate::{
    exit::Failure,
    flags::{
        boolean,
        format::FormatFlags,
        predicate::PredicateFlags,
        registry::RegistryFlags,
        repository,
        signing::{Plan, SigningFlags},
    },
    output, private_file,
};

/// Signs what is said of images, and stores it beside them. An attestation never counts as a signature.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<ImageRef>,
    #[command(flatten)]
    predicate: PredicateFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// Do not store the attestation: --bundle writes it to a file, --format legacy to standard output
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_UPLOAD")]
    no_upload: bool,
    /// Write the bundle to a file: all that is needed to verify the attestation
    #[arg(long, value_name = "FILE", env = "COSIGN_BUNDLE")]
    bundle: Option<std::path::PathBuf>,
    /// With the legacy format: take the place of attestations of the same type. Not here yet; bundles stay beside each
    /// other, as with cosign
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_REPLACE")]
    replace: bool,
    #[command(flatten)]
    recorded: RecordedFlags,
    #[command(flatten)]
    signing: SigningFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

/// As what a log of version 1 records an envelope.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RecordedFlags {
    /// As what a log of version 1 records an attestation
    #[arg(long, value_enum, default_value = "dsse", value_name = "TYPE", env = "COSIGN_REKOR_ENTRY_TYPE")]
    rekor_entry_type: EntryType,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EntryType {
    Dsse,
    Intoto,
}

impl RecordedFlags {
    pub(super) fn kind(&self) -> EnvelopeKind {
        match self.rekor_entry_type {
            EntryType::Dsse => EnvelopeKind::Dsse,
            EntryType::Intoto => EnvelopeKind::InToto,
        }
    }
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let format = args.format.format()?;
    fit(&args, format)?;
    let what = args.predicate.read()?;
    let client = args.registry.clone().with_environment()?.client(&args.images)?;
    let plan = args.signing.plan(format).await?;
    let signer = Signer {
        stored_in: repository::from_environment()?,
        format,
        services: plan.services.clone().recording(args.recorded.kind()),
        check: plan.check.clone(),
        upload: !args.no_upload,
        ..Signer::new(client)
    };
    args.images.iter().filter(|image| image.digest().is_none()).for_each(warn_of_tag);
    attest(&args, &signer, &plan, &what).await
}

fn fit(args: &Args, format: Format) -> Result<(), Failure> {
    if format == Format::Bundle && args.no_upload && args.bundle.is_none() {
        return Err(Failure::failed(
            "must enable upload to the OCI registry or specify a local --bundle path with --new-bundle-format",
        ));
    }
    match (args.replace, format) {
        (false, _) => {}
        (true, Format::Bundle) => output::warn("--replace: bundles are never replaced, the older ones stay"),
        (true, _) => return Err(Failure::failed("--replace is not here yet for the legacy format")),
    }
    match args.bundle.is_some() && args.images.len() > 1 {
        true => {
            Err(Failure::failed(format_args!("--bundle names one file, and {} images are given", args.images.len())))
        }
        false => Ok(()),
    }
}

async fn attest(args: &Args, signer: &Signer, plan: &Plan, what: &Attestation) -> Result<(), Failure> {
    let mut patience = Patience::new(args.registry.timeout);
    let targets = patience.wait(targets(args, signer)).await?;
    let by = args.signing.by(plan, SigningAlgorithm::default()).await?;
    patience.wait(attest_all(args, signer, by, &targets, what)).await
}

async fn attest_all(
    args: &Args,
    signer: &Signer,
    by: By,
    targets: &[Target],
    what: &Attestation,
) -> Result<(), Failure> {
    let by = Credential::ready(by, &signer.services).await.map_err(failure)?;
    for target in targets {
        let signed = signer.attest(&by, target, what).await.map_err(failure)?;
        tell(&signed, Attached::Attestation, signer.upload);
        let made = match args.bundle.is_some() {
            true => signer.everything(&signed).await.map_err(failure)?,
            false => signed.made,
        };
        write(args, &made)?;
    }
    tell_if_unlogged(&signer.services);
    Ok(())
}

fn write(args: &Args, made: &[Made]) -> Result<(), Failure> {
    let Some(last) = made.last() else { return Ok(()) };
    let is_bundle = last.format() == verifier::Format::Bundle;
    if let Some(path) = &args.bundle {
        let legacy = || super::attest_blob::legacy_bundle(last, last.stored());
        private_file::write(path, if is_bundle { last.stored().to_vec() } else { legacy() }, "bundle")?;
        output::note(format_args!("Wrote bundle to file {}", path.display()));
    } else if args.no_upload {
        output::bytes(last.stored());
        output::line("");
    }
    Ok(())
}

async fn targets(args: &Args, signer: &Signer) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for image in &args.images {
        targets.extend(signer.targets(image, false).await.map_err(failure)?);
    }
    Ok(targets)
}
