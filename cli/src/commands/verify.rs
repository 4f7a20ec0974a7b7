//! `sealgate verify`: cosign's command, with every signature examined and every refusal explained.

mod objects;
mod report;

use clap::ValueEnum;
use oci::PinnedRef;
use registry::{Discovery, Kind, RegistryError};
use verifier::{TrustRoot, examine};

use self::report::Findings;
use super::discovery::{Images, incomplete, now};
use crate::{
    exit::{Exit, Failure},
    flags::{
        against::AgainstFlags, annotations, annotations::Annotations, boolean, expected::Expected,
        registry::RegistryFlags, scripts::ScriptFlags,
    },
    output,
};

/// Checks that an image is signed by a key or an identity: exit 0 verified, 10 not signed, 11 no such image, 12 no signature counts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// An annotation that the signer must have made, `name=value`; may be repeated
    #[arg(short, long = "annotations", value_name = "K=V", value_parser = annotations::parse, env = "COSIGN_ANNOTATIONS")]
    annotations: Vec<Annotations>,
    /// Compare annotations with the signed ones (the digest is always compared)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_CHECK_CLAIMS")]
    check_claims: bool,
    /// The images are folders that `cosign save` has written
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_LOCAL_IMAGE")]
    local_image: bool,
    /// What to print on standard output
    #[arg(short, long, value_enum, default_value = "json", env = "COSIGN_OUTPUT")]
    output: Output,
    #[command(flatten)]
    against: AgainstFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    scripts: ScriptFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Json,
    Text,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (expected, trust) = args.against.read().await?;
    if !args.check_claims {
        output::warn("annotations are not compared; the digest is");
    }
    let images = Images::typed(&args.images, args.local_image, &args.registry)?;
    for (at, typed) in args.images.iter().enumerate() {
        let (pinned, discovery) = images.find(at, Kind::Signatures).await?;
        verify(&args, &expected, &trust, typed, (&pinned, discovery))?;
    }
    Ok(())
}

fn verify(
    args: &Args,
    expected: &Expected,
    trust: &TrustRoot,
    typed: &str,
    (pinned, Discovery { found, errors }): (&PinnedRef, Discovery),
) -> Result<(), Failure> {
    let evidence = examine(pinned, found, trust, now());
    // Not a map: of two values for one name, no signature has both.
    let wanted: Vec<(&str, &str)> = match args.check_claims {
        true => args.annotations.iter().flat_map(|one| &one.0).map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        false => Vec::new(),
    };
    let findings = Findings::part(&evidence, expected, &wanted);
    if findings.good.is_empty() {
        return Err(refusal(args, findings, &errors));
    }
    findings.success(typed, !wanted.is_empty());
    objects::print(args.output == Output::Json, typed, &evidence, &findings.good);
    Ok(())
}

/// Why there is no signature that counts: not all could be looked at, there is none, or each has its fault.
fn refusal(args: &Args, findings: Findings<'_>, errors: &[RegistryError]) -> Failure {
    let Findings { evidence, other, .. } = findings;
    let count = other.len();
    let refused = evidence.refused().iter().map(ToString::to_string);
    let attested = evidence.attestations().iter().map(|one| format!("{one}, which is not a signature"));
    let details: Vec<String> = other.into_iter().chain(attested).chain(refused).collect();
    if let Some(error) = errors.first() {
        return incomplete("signatures cannot be looked at", error, evidence.gaps(), details);
    }
    match (count, evidence.refused().len()) {
        (0, 0) if evidence.attestations().is_empty() => {
            Failure::new(Exit::NoSignature, format_args!("no signatures found for {}", evidence.image()))
        }
        (0, 0) => {
            let message = format!("no signatures found for {}: an attestation is not a signature", evidence.image());
            Failure::new(Exit::NoSignature, message).details(details)
        }
        (other, refused) => {
            let count = other + refused;
            let noun = if count == 1 { "signature" } else { "signatures" };
            let message = format!("no matching signatures: {count} {noun} found for {}", evidence.image());
            let failure = Failure::new(Exit::NoMatch, message).details(details);
            args.scripts.with_hint(failure, evidence.refused().iter().map(|refused| &refused.fault))
        }
    }
}
