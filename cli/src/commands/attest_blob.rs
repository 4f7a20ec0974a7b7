//! `sealgate attest-blob`: cosign's command for statements about files.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::Digest;
use serde_json::Value;
use signer::{Attestation, By, Credential, Format, Made, SigningAlgorithm, blob};
use verifier::Statement;

use super::{
    attest::RecordedFlags,
    sign::{Patience, failure, tell_if_unlogged, warn_of_ignored},
    sign_blob,
};
use crate::{
    exit::Failure,
    flags::{
        boolean, duration,
        predicate::PredicateFlags,
        signing::{Plan, SigningFlags},
    },
    output, private_file,
};

/// Signs what is said of a file. Everything needed to verify goes into a bundle.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, `-` for standard input; not needed with --hash, nor with --statement, which names what it is about
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The SHA-256 of a file that is elsewhere, in hexadecimal
    #[arg(long, value_name = "HEX", env = "COSIGN_HASH")]
    hash: Option<String>,
    #[command(flatten)]
    predicate: PredicateFlags,
    /// Write the bundle to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_BUNDLE")]
    bundle: Option<PathBuf>,
    /// =false writes what cosign 1 and 2 wrote: the envelope alone, and a bundle only where --bundle asks for it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_NEW_BUNDLE_FORMAT")]
    new_bundle_format: bool,
    /// With =false above: write the envelope to a file, not to standard output
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTPUT_SIGNATURE")]
    output_signature: Option<PathBuf>,
    /// With =false above: write the statement to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTPUT_ATTESTATION")]
    output_attestation: Option<PathBuf>,
    /// With =false above: write the certificate to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTPUT_CERTIFICATE")]
    output_certificate: Option<PathBuf>,
    /// With =false above: write the timestamp to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_RFC3161_TIMESTAMP_BUNDLE")]
    rfc3161_timestamp_bundle: Option<PathBuf>,
    #[command(flatten)]
    recorded: RecordedFlags,
    #[command(flatten)]
    signing: SigningFlags,
    /// How long to wait in all
    #[arg(short, long, value_name = "DURATION", default_value = "3m0s", value_parser = duration::parse, env = "COSIGN_TIMEOUT")]
    timeout: Duration,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    fit(&args)?;
    let what = args.predicate.read()?;
    let digest = digest(&args, &what)?;
    let format = if args.new_bundle_format { Format::Bundle } else { Format::Legacy };
    let mut plan = args.signing.plan(format).await?;
    plan.services = plan.services.recording(args.recorded.kind());
    let by = args.signing.by(&plan, SigningAlgorithm::default()).await?;
    Patience::new(args.timeout).wait(attest(&args, &plan, by, &digest, &what)).await
}

async fn attest(args: &Args, plan: &Plan, by: By, digest: &Digest, what: &Attestation) -> Result<(), Failure> {
    let by = Credential::ready(by, &plan.services).await.map_err(failure)?;
    let name = args.file.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let check = plan.check.as_ref();
    let made = blob::attest(&by, &plan.services, check, (&name, digest), what).await.map_err(failure)?;
    for index in made.log_indexes() {
        output::note(format_args!("tlog entry created with index: {index}"));
    }
    let envelope = envelope(&made);
    if let Some(path) = &args.bundle {
        let bundle = if args.new_bundle_format { made.stored().to_vec() } else { legacy_bundle(&made, &envelope) };
        private_file::write(path, bundle, "bundle")?;
        output::note(format_args!("Wrote bundle to file {}", path.display()));
    }
    if !args.new_bundle_format {
        write_parts(args, &made, &envelope)?;
    }
    tell_if_unlogged(&plan.services);
    Ok(())
}

fn fit(args: &Args) -> Result<(), Failure> {
    let legacy = [
        ("--output-signature", &args.output_signature),
        ("--output-attestation", &args.output_attestation),
        ("--output-certificate", &args.output_certificate),
        ("--rfc3161-timestamp-bundle", &args.rfc3161_timestamp_bundle),
    ];
    if args.new_bundle_format && args.bundle.is_none() {
        return Err(Failure::failed("must specify --bundle with --new-bundle-format"));
    }
    if args.new_bundle_format {
        warn_of_ignored(&legacy);
    }
    Ok(())
}

/// What the statement is about: the file, or what was said instead of it.
fn digest(args: &Args, what: &Attestation) -> Result<Digest, Failure> {
    if let Some(hex) = &args.hash {
        let wrong = |_| Failure::failed("--hash: wanted the 64 hexadecimal digits of a SHA-256");
        return format!("sha256:{}", hex.to_lowercase()).parse().map_err(wrong);
    }
    match (&args.file, what) {
        (Some(path), _) => Ok(Digest::of(&sign_blob::read(path)?)),
        (None, Attestation::Statement(bytes)) => {
            let invalid = |why: &dyn std::fmt::Display| Failure::failed(format_args!("invalid statement: {why}"));
            let statement = Statement::parse(bytes).map_err(|why| invalid(&why))?;
            statement.subjects.first().map(|(digest, _)| *digest).ok_or_else(|| invalid(&"it is about nothing"))
        }
        (None, _) => Err(Failure::failed("no file is given, wanted one, or --hash")),
    }
}

/// The envelope in a bundle.
fn envelope(made: &Made) -> Vec<u8> {
    let bundle: Value = serde_json::from_slice(made.stored()).unwrap_or_default();
    bundle.get("dsseEnvelope").map(|envelope| envelope.to_string().into_bytes()).unwrap_or_default()
}

/// What cosign 1 and 2 wrote to a file as bundle of an attestation: the envelope takes the signature's place.
pub(super) fn legacy_bundle(made: &Made, envelope: &[u8]) -> Vec<u8> {
    let mut bundle: Value = serde_json::from_str(&made.legacy_bundle()).unwrap_or_default();
    bundle["base64Signature"] = BASE64_STANDARD.encode(envelope).into();
    bundle.to_string().into_bytes()
}

/// What cosign 1 and 2 wrote: each part by itself.
fn write_parts(args: &Args, made: &Made, envelope: &[u8]) -> Result<(), Failure> {
    match &args.output_signature {
        Some(path) => {
            private_file::write(path, envelope, "signature")?;
            output::note(format_args!("Signature written in {}", path.display()));
        }
        None => output::line(String::from_utf8_lossy(envelope)),
    }
    if let Some(path) = &args.output_attestation {
        private_file::write(path, made.signed(), "attestation")?;
        output::note(format_args!("Attestation written in {}", path.display()));
    }
    if let Some(path) = &args.output_certificate {
        let pem = made.certificate().ok_or_else(|| Failure::failed("no certificate found in bundle"))?;
        private_file::write(path, pem, "certificate")?;
        output::note(format_args!("Certificate written to file {}", path.display()));
    }
    if let Some(path) = &args.rfc3161_timestamp_bundle {
        let stamp = made.timestamps().first().ok_or_else(|| Failure::failed("no RFC3161 timestamp found in bundle"))?;
        private_file::write(path, sign_blob::timestamp(stamp), "timestamp")?;
        output::note(format_args!("Timestamp wrote in the file {}", path.display()));
    }
    Ok(())
}
