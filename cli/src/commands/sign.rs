//! `sealgate sign`: cosign's command.

mod files;

use std::{
    collections::BTreeMap,
    future::Future,
    io::IsTerminal as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use files::Files;
use indicatif::ProgressBar;
use oci::ImageRef;
use signer::{Credential, Services, SignError, Signed, Signer, SigningAlgorithm, Target};

use crate::{
    exit::Failure,
    flags::{
        annotations,
        annotations::Annotations,
        boolean,
        format::FormatFlags,
        registry::RegistryFlags,
        repository,
        signing::{Plan, SigningFlags},
    },
    output,
};

/// Signs images, with a key or in the name of whoever logs in, and stores the signatures beside them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<ImageRef>,
    /// An annotation to sign with the image, `name=value`; may be repeated
    #[arg(short, long = "annotations", value_name = "K=V", value_parser = annotations::parse, env = "COSIGN_ANNOTATIONS")]
    annotations: Vec<Annotations>,
    /// Also sign every manifest of an index
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_RECURSIVE")]
    recursive: bool,
    #[command(flatten)]
    format: FormatFlags,
    /// Whether to store the signature beside the image
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_UPLOAD")]
    upload: bool,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    signing: SigningFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let format = args.format.format()?;
    args.files.fit(format, args.upload)?;
    let client = args.registry.clone().with_environment()?.client(&args.images)?;
    let plan = args.signing.plan(format).await?;
    let signer = Signer {
        stored_in: repository::from_environment()?,
        format,
        annotations: args.annotations.iter().flat_map(|one| one.0.clone()).collect::<BTreeMap<_, _>>(),
        services: plan.services.clone(),
        check: plan.check.clone(),
        upload: args.upload,
        ..Signer::new(client)
    };
    args.images.iter().filter(|image| image.digest().is_none()).for_each(warn_of_tag);
    sign(&args, &signer, &plan).await
}

/// The key is decrypted while the registry answers: scrypt takes far longer than that. A person logs in when everything
/// else is known to be there.
async fn sign(args: &Args, signer: &Signer, plan: &Plan) -> Result<(), Failure> {
    let mut patience = Patience::new(args.registry.timeout);
    let by = args.signing.by(plan, SigningAlgorithm::default());
    let (by, targets) = match args.signing.by_identity() {
        false => {
            let (by, targets) = patience.wait(async { Ok(tokio::join!(by, targets(args, signer))) }).await?;
            (by?, targets?)
        }
        true => {
            let targets = patience.wait(targets(args, signer)).await?;
            (by.await?, targets)
        }
    };
    args.files.fit_targets(targets.len())?;
    patience.wait(sign_all(args, signer, by, &targets)).await
}

async fn sign_all(args: &Args, signer: &Signer, by: signer::By, targets: &[Target]) -> Result<(), Failure> {
    let by = Credential::ready(by, &signer.services).await.map_err(failure)?;
    let progress = progress(targets.len());
    for target in targets {
        let signed = signer.sign(&by, target).await.map_err(failure)?;
        progress.suspend(|| tell(&signed, Attached::Signature, signer.upload));
        if args.files.any() {
            let all = signer.everything(&signed).await.map_err(failure)?;
            args.files.write(&all, &by, target.digest(), args.recursive)?;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    tell_if_unlogged(&signer.services);
    Ok(())
}

/// A verifier asks for a log entry unless told otherwise.
pub(super) fn tell_if_unlogged(services: &Services) {
    if !services.has_log() {
        output::note("not logged; verify with --private-infrastructure");
    }
}

/// Says of these files that they are asked for and will not be written.
pub(super) fn warn_of_ignored<'a>(files: impl IntoIterator<Item = &'a (&'static str, &'a Option<PathBuf>)>) {
    for (name, _) in files.into_iter().filter(|(_, path)| path.is_some()) {
        output::warn(format_args!("{name} is deprecated when using --new-bundle-format and will be ignored"));
    }
}

async fn targets(args: &Args, signer: &Signer) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for image in &args.images {
        targets.extend(signer.targets(image, args.recursive).await.map_err(failure)?);
    }
    Ok(targets)
}

/// What is stored beside an image.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attached {
    Signature,
    Attestation,
}

/// Says what was done.
pub(super) fn tell(signed: &Signed, what: Attached, upload: bool) {
    for index in signed.made.iter().flat_map(signer::Made::log_indexes) {
        output::note(format_args!("tlog entry created with index: {index}"));
    }
    let did = match (signed.unchanged, upload, what) {
        (false, false, _) => return,
        (true, _, Attached::Signature) => "Signature was there already",
        (true, _, Attached::Attestation) => "Attestation was there already",
        (false, true, Attached::Signature) => "Pushed signature",
        (false, true, Attached::Attestation) => "Pushed attestation",
    };
    output::note(format_args!("{did}: {} in {}", signed.digest, signed.stored_in));
}

/// How long a command waits in all, a person's login aside.
pub(super) struct Patience {
    whole: Duration,
    left: Duration,
}

impl Patience {
    pub(super) fn new(whole: Duration) -> Self {
        Self { whole, left: whole }
    }

    /// Waits for a part of the work.
    pub(super) async fn wait<T>(&mut self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let begun = Instant::now();
        let late = |_| Failure::failed(format_args!("no answer within {:?}", self.whole));
        let result = tokio::time::timeout(self.left, work).await.map_err(late)?;
        self.left = self.left.saturating_sub(begun.elapsed());
        result
    }
}

pub(super) fn warn_of_tag(image: &ImageRef) {
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

pub(super) fn failure(error: SignError) -> Failure {
    match error {
        SignError::Registry(error) => error.into(),
        other => Failure::failed(other),
    }
}
