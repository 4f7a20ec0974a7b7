//! `sealgate verify`: cosign's command, with every signature examined and every refusal explained.

mod expected;
mod objects;
mod report;

use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use oci::{AnyDigest, ImageRef, PinnedRef};
use registry::{Client, Discovery, Kind, Lookup, RegistryError};
use rustls_pki_types::UnixTime;
use verifier::{TrustRoot, examine};

use self::{expected::Expected, report::Findings};
use crate::{
    exit::{Exit, Failure},
    flags::{
        annotations, annotations::Annotations, boolean, identity::IdentityFlags, registry::RegistryFlags, repository,
        trust::TrustFlags,
    },
    output,
};

/// Checks that an image is signed by a key or an identity: exit 0 verified, 10 not signed, 11 no such image, 12 no signature counts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// The public key: a PEM file, or env://NAME
    #[arg(long, value_name = "KEY", env = "COSIGN_KEY")]
    key: Option<String>,
    /// An annotation that the signer must have made, `name=value`; may be repeated
    #[arg(short, long = "annotations", value_name = "K=V", value_parser = annotations::parse, env = "COSIGN_ANNOTATIONS")]
    annotations: Vec<Annotations>,
    /// Compare annotations with the signed ones (the digest is always compared)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_CHECK_CLAIMS")]
    check_claims: bool,
    /// Both formats are always looked at; understood for the sake of scripts
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, hide = true)]
    new_bundle_format: Option<bool>,
    /// What to print on standard output
    #[arg(short, long, value_enum, default_value = "json", env = "COSIGN_OUTPUT")]
    output: Output,
    #[command(flatten)]
    identity: IdentityFlags,
    #[command(flatten)]
    trust: TrustFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Json,
    Text,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let expected = Expected::of(&args)?;
    let trust = args.trust.root(expected.key().cloned())?;
    args.trust.announce();
    if !args.check_claims {
        output::warn("annotations are not compared; the digest is");
    }
    let images = args.images.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
    let client = args.registry.clone().with_environment()?.client(&images)?;
    for (text, image) in args.images.iter().zip(&images) {
        let work = verify(&args, &client, (&expected, &trust), text, image);
        let late = || late(image, args.registry.timeout);
        tokio::time::timeout(args.registry.timeout, work).await.map_err(|_| late())??;
    }
    Ok(())
}

fn parse(text: &str) -> Result<ImageRef, Failure> {
    text.parse().map_err(|why| Failure::failed(format_args!("image `{text}`: {why}")))
}

fn late(image: &ImageRef, after: Duration) -> Failure {
    let registry = image.repository().domain();
    Failure::failed(format_args!("registry {registry}: no answer within {:.1} s", after.as_secs_f64()))
}

async fn verify(
    args: &Args,
    client: &Client,
    (expected, trust): (&Expected, &TrustRoot),
    typed: &str,
    image: &ImageRef,
) -> Result<(), Failure> {
    let (pinned, discovery) = find(client, image).await?;
    let Discovery { found, errors } = discovery;
    let evidence = examine(&pinned, found, trust, now());
    // Not a map: of two values for one name, no signature has both.
    let wanted: Vec<(&str, &str)> = match args.check_claims {
        true => args.annotations.iter().flat_map(|one| &one.0).map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        false => Vec::new(),
    };
    let findings = Findings::part(&evidence, expected, &wanted);
    if findings.good.is_empty() {
        return Err(refusal(findings, errors));
    }
    findings.success(typed, !wanted.is_empty());
    objects::print(args.output == Output::Json, typed, &evidence, &findings.good);
    Ok(())
}

/// The image by digest, and its signatures. An image asked for by digest is looked up together with its signatures.
async fn find(client: &Client, image: &ImageRef) -> Result<(PinnedRef, Discovery), Failure> {
    let stored_in = repository::from_environment()?.unwrap_or_else(|| image.repository().clone());
    let absent = || Failure::new(Exit::NoImage, format_args!("image `{image}` does not exist in its registry"));
    let existing = |lookup: Result<Lookup<registry::Resolved>, RegistryError>| match lookup? {
        Lookup::Found(resolved) => Ok(resolved.pinned),
        Lookup::Absent => Err(absent()),
    };
    if let Some(digest) = image.digest().and_then(AnyDigest::sha256) {
        let pinned = PinnedRef::new(image.repository().clone(), digest);
        let (resolved, discovery) = tokio::join!(client.resolve(image), client.discover(&pinned, &stored_in, Kind::Signatures));
        return existing(resolved).map(|pinned| (pinned, discovery));
    }
    let pinned = existing(client.resolve(image).await)?;
    let discovery = client.discover(&pinned, &stored_in, Kind::Signatures).await;
    Ok((pinned, discovery))
}

/// Why there is no signature that counts: not all could be looked at, there is none, or each has its fault.
fn refusal(findings: Findings<'_>, errors: Vec<RegistryError>) -> Failure {
    let Findings { evidence, other, .. } = findings;
    let count = other.len();
    let refused = evidence.refused().iter().map(ToString::to_string);
    let attested = evidence.attestations().iter().map(|one| format!("{one}, which is not a signature"));
    let details: Vec<String> = other.into_iter().chain(attested).chain(refused).collect();
    if let Some(error) = errors.into_iter().next() {
        let hint = error.hint().map(str::to_owned);
        let gaps = evidence.gaps().iter().map(|gap| format!("could not look at {gap}"));
        let message = format!("signatures cannot be looked at: {error}");
        return Failure { hint, ..Failure::failed(message).details(gaps.chain(details).collect()) };
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
            Failure::new(Exit::NoMatch, message).details(details)
        }
    }
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO))
}
