//! `sealgate sign-blob`: cosign's command for files.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use signer::{By, Credential, Format, Made, Purpose, SignError, SigningAlgorithm, blob};

use super::sign::{Patience, failure, tell_if_unlogged, warn_of_ignored};
use crate::{
    bounded_file,
    exit::Failure,
    flags::{
        boolean, duration,
        signing::{Plan, SigningFlags},
    },
    output, private_file,
};

/// Signs files, with a key or in the name of whoever logs in. Everything needed to verify goes into a bundle.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the bundle to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_BUNDLE")]
    bundle: Option<PathBuf>,
    /// =false writes what cosign 1 and 2 wrote: the signature alone, and a bundle only where --bundle asks for it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_NEW_BUNDLE_FORMAT")]
    new_bundle_format: bool,
    /// With =false above: whether signature and certificate are written in base64
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_B64")]
    b64: bool,
    /// With =false above: write the signature to a file, not to standard output
    #[arg(long, value_name = "FILE", visible_alias = "output", env = "COSIGN_OUTPUT_SIGNATURE")]
    output_signature: Option<PathBuf>,
    /// With =false above: write the certificate to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTPUT_CERTIFICATE")]
    output_certificate: Option<PathBuf>,
    /// With =false above: write the timestamp to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_RFC3161_TIMESTAMP")]
    rfc3161_timestamp: Option<PathBuf>,
    /// Which kind of key is made, if none is given: ecdsa-sha2-256-nistp256, ecdsa-sha2-384-nistp384,
    /// ecdsa-sha2-512-nistp521, rsa-sign-pkcs1-2048-sha256, rsa-sign-pkcs1-3072-sha256, rsa-sign-pkcs1-4096-sha256
    #[arg(long, value_name = "ALGORITHM", default_value = "ecdsa-sha2-256-nistp256", value_parser = algorithm, env = "COSIGN_SIGNING_ALGORITHM")]
    signing_algorithm: SigningAlgorithm,
    #[command(flatten)]
    signing: SigningFlags,
    /// How long to wait in all
    #[arg(short, long, value_name = "DURATION", default_value = "3m0s", value_parser = duration::parse, env = "COSIGN_TIMEOUT")]
    timeout: Duration,
}

fn algorithm(text: &str) -> Result<SigningAlgorithm, signer::UnknownAlgorithm> {
    text.parse()
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    fit(&args)?;
    let files: Vec<Vec<u8>> = args.files.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    args.files.iter().zip(&files).try_for_each(|(path, bytes)| admit(path, bytes))?;
    let plan = args.signing.plan(if args.new_bundle_format { Format::Bundle } else { Format::Legacy }).await?;
    let by = args.signing.by(&plan, args.signing_algorithm).await?;
    Patience::new(args.timeout).wait(sign(&args, &plan, by, &files)).await
}

async fn sign(args: &Args, plan: &Plan, by: By, files: &[Vec<u8>]) -> Result<(), Failure> {
    let by = Credential::ready(by, &plan.services).await.map_err(failure)?;
    for bytes in files {
        let made = blob::sign(&by, &plan.services, plan.check.as_ref(), bytes).await.map_err(failure)?;
        write(args, &made)?;
    }
    tell_if_unlogged(&plan.services);
    Ok(())
}

/// Before anybody is asked for anything: a certificate is a public record.
fn admit(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let Some(other) = Purpose::of(bytes) else { return Ok(()) };
    let hint = match other {
        Purpose::ImageSignature => "`sealgate sign` signs an image",
        Purpose::Attestation => "`sealgate attest-blob` signs what is said of a file, `sealgate attest` of an image",
    };
    Err(Failure::failed(format_args!("{}: {}", path.display(), SignError::Purpose(other))).hint(hint))
}

fn fit(args: &Args) -> Result<(), Failure> {
    let legacy = [
        ("--output-signature", &args.output_signature),
        ("--output-certificate", &args.output_certificate),
        ("--rfc3161-timestamp", &args.rfc3161_timestamp),
    ];
    match (args.new_bundle_format, &args.bundle, args.files.len()) {
        (true, None, _) => Err(Failure::failed("must specify --bundle with --new-bundle-format")),
        (_, Some(_), 2..) => Err(Failure::failed("--bundle names one file, and several are to be signed")),
        (true, Some(_), _) => {
            warn_of_ignored(&legacy);
            Ok(())
        }
        (false, _, _) => Ok(()),
    }
}

/// The bytes of a file, or of standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure::failed(format_args!("{}: it is larger than {MAX_MIB} MiB", path.display()));
    if path != Path::new("-") {
        output::note(format_args!("Using payload from: {}", path.display()));
        return bounded_file::read(path, MAX_MIB * 1024).map(|bytes| bytes.to_vec()).map_err(Failure::failed);
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(MAX_MIB * 1024 * 1024 + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_MIB * 1024 * 1024 { Err(too_large()) } else { Ok(bytes) }
}

fn write(args: &Args, made: &Made) -> Result<(), Failure> {
    for index in made.log_indexes() {
        output::note(format_args!("tlog entry created with index: {index}"));
    }
    if let Some(path) = &args.bundle {
        let bundle = if args.new_bundle_format { made.stored().to_vec() } else { made.legacy_bundle().into_bytes() };
        private_file::write(path, bundle, "bundle")?;
        output::note(format_args!("Wrote bundle to file {}", path.display()));
    }
    if args.new_bundle_format { Ok(()) } else { write_parts(args, made) }
}

/// What cosign 1 and 2 wrote: each part by itself.
fn write_parts(args: &Args, made: &Made) -> Result<(), Failure> {
    let written = |bytes: &[u8]| if args.b64 { BASE64_STANDARD.encode(bytes).into_bytes() } else { bytes.to_vec() };
    let signature = written(made.signature());
    match &args.output_signature {
        Some(path) => {
            private_file::write(path, &signature, "signature")?;
            output::note(format_args!("Wrote signature to file {}", path.display()));
        }
        None if args.b64 => output::line(String::from_utf8_lossy(&signature)),
        None => output::bytes(&signature),
    }
    if let (Some(path), Some(pem)) = (&args.output_certificate, made.certificate()) {
        private_file::write(path, written(pem.as_bytes()), "certificate")?;
        output::note(format_args!("Wrote certificate to file {}", path.display()));
    }
    if let (Some(path), Some(stamp)) = (&args.rfc3161_timestamp, made.timestamps().first()) {
        private_file::write(path, timestamp(stamp), "timestamp")?;
        output::note(format_args!("Wrote timestamp to file {}", path.display()));
    }
    Ok(())
}

/// A timestamp as cosign 2 wrote it to a file.
pub(super) fn timestamp(stamp: &[u8]) -> String {
    serde_json::json!({ "SignedRFC3161Timestamp": BASE64_STANDARD.encode(stamp) }).to_string()
}

/// Files are signed in memory.
const MAX_MIB: u64 = 1024;
