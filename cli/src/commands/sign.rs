//! `sealgate sign`: cosign's command, for keys.

use std::{collections::BTreeMap, io::IsTerminal as _};

use clap::ValueEnum;
use indicatif::ProgressBar;
use oci::ImageRef;
use signer::{Format, SignError, Signer, SigningKey, Target};

use crate::{
    exit::Failure,
    flags::{annotations, annotations::Annotations, boolean, registry::RegistryFlags, repository},
    key_source, output,
};

/// Signs images with a key and stores the signatures beside them. Nothing is written to a transparency log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<ImageRef>,
    /// The private key: an encrypted key file, or env://NAME
    #[arg(long, value_name = "KEY", env = "COSIGN_KEY")]
    key: Option<String>,
    /// An annotation to sign with the image, `name=value`; may be repeated
    #[arg(short, long = "annotations", value_name = "K=V", value_parser = annotations::parse, env = "COSIGN_ANNOTATIONS")]
    annotations: Vec<Annotations>,
    /// Also sign every manifest of an index
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_RECURSIVE")]
    recursive: bool,
    /// In which format: bundle (cosign 3), legacy (.sig, cosign 1 and 2), or both
    #[arg(long, value_enum)]
    format: Option<Written>,
    /// cosign's way to ask for a format: =false means --format legacy
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, conflicts_with = "format", env = "COSIGN_NEW_BUNDLE_FORMAT")]
    new_bundle_format: Option<bool>,
    /// Only =false: nothing is written to a transparency log yet
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, env = "COSIGN_TLOG_UPLOAD")]
    tlog_upload: Option<bool>,
    /// Only =false: signing configs are not used yet
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, env = "COSIGN_USE_SIGNING_CONFIG")]
    use_signing_config: Option<bool>,
    /// Answer every question with yes; nothing is asked
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, env = "COSIGN_YES")]
    yes: Option<bool>,
    #[command(flatten)]
    registry: RegistryFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    Bundle,
    Legacy,
    Both,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let reference = wanted_key(&args)?;
    let signer = Signer {
        client: args.registry.clone().with_environment()?.client(&args.images)?,
        stored_in: repository::from_environment()?,
        format: format(&args),
        annotations: args.annotations.iter().flat_map(|one| one.0.clone()).collect::<BTreeMap<_, _>>(),
    };
    args.images.iter().filter(|image| image.digest().is_none()).for_each(warn_of_tag);
    let late = || Failure::failed(format_args!("no answer within {:?}", args.registry.timeout));
    let work = sign(&args, &signer, &reference);
    tokio::time::timeout(args.registry.timeout, work).await.map_err(|_| late())?
}

/// The key is decrypted while the registry answers: scrypt takes far longer than that.
async fn sign(args: &Args, signer: &Signer, reference: &str) -> Result<(), Failure> {
    let reference = reference.to_owned();
    let key = tokio::task::spawn_blocking(move || key_source::private(&reference));
    let (key, targets) = tokio::join!(key, targets(args, signer));
    let key = SigningKey::from(key.map_err(|_| Failure::failed("reading key: the work was lost"))??);
    let targets = targets?;
    let progress = progress(targets.len());
    for target in &targets {
        let signed = signer.sign(&key, target).await.map_err(failure)?;
        let did = if signed.unchanged { "Signature was there already" } else { "Pushed signature" };
        progress.suspend(|| output::note(format_args!("{did}: {} in {}", signed.digest, signed.stored_in)));
        progress.inc(1);
    }
    progress.finish_and_clear();
    output::note("not logged; verify with --private-infrastructure");
    Ok(())
}

async fn targets(args: &Args, signer: &Signer) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for image in &args.images {
        targets.extend(signer.targets(image, args.recursive).await.map_err(failure)?);
    }
    Ok(targets)
}

fn wanted_key(args: &Args) -> Result<String, Failure> {
    if args.tlog_upload == Some(true) {
        return Err(Failure::failed("--tlog-upload: writing to a transparency log is not here yet"));
    }
    if args.use_signing_config == Some(true) {
        return Err(Failure::failed("--use-signing-config: signing configs are not here yet"));
    }
    args.key.clone().ok_or_else(|| {
        Failure::failed("--key is required: signing without a key is not here yet")
            .hint("`sealgate generate-key-pair` makes a key")
    })
}

fn format(args: &Args) -> Format {
    match (args.format, args.new_bundle_format) {
        (Some(Written::Legacy), _) | (None, Some(false)) => Format::Legacy,
        (Some(Written::Both), _) => Format::Both,
        (Some(Written::Bundle), _) | (None, _) => Format::Bundle,
    }
}

fn warn_of_tag(image: &ImageRef) {
    output::warn(format_args!(
        "Image reference {image} uses a tag, not a digest, to identify the image to sign.\n    \
         The tag may name another image by now than the one you mean; a digest cannot."
    ));
}

fn progress(count: usize) -> ProgressBar {
    match count > 1 && std::io::stderr().is_terminal() {
        true => ProgressBar::new(count as u64),
        false => ProgressBar::hidden(),
    }
}

fn failure(error: SignError) -> Failure {
    match error {
        SignError::Registry(error) => error.into(),
        other => Failure::failed(other),
    }
}
