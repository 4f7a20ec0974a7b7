//! `sealgate verify-blob-attestation`: cosign's command, for what somebody says about a file.

use oci::{AnyDigest, excerpt};
use signer::PredicateType;

use super::verify_blob::CheckFlags;
use crate::{
    artifact::{SignedFile, only_sha256},
    exit::Failure,
    flags::{boolean, predicate},
    output,
};

/// Checks that a statement about a file is signed by a key or an identity: exit 0 verified, 1 not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, `-` for standard input, or what it hashes to: `sha256:<hex>`
    #[arg(value_name = "FILE", required_unless_present = "digest")]
    blob: Option<String>,
    /// What the file hashes to, in hexadecimal, in place of the file
    #[arg(long, value_name = "HEX", env = "COSIGN_DIGEST")]
    digest: Option<String>,
    /// By which function: sha256
    #[arg(long = "digestAlg", value_name = "NAME", default_value = "sha256", env = "COSIGN_DIGESTALG")]
    digest_algorithm: String,
    /// What kind of statement: custom, slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson,
    /// cyclonedx, vuln, openvex, or an address
    #[arg(long = "type", value_name = "TYPE", default_value = "custom", value_parser = predicate::parse, env = "COSIGN_TYPE")]
    kind: PredicateType,
    /// Understood for the sake of scripts: the file's digest is always compared
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_CHECK_CLAIMS")]
    check_claims: bool,
    #[command(flatten)]
    check: CheckFlags,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    if !args.check_claims {
        output::warn("the file's digest is compared all the same");
    }
    let name = args.blob.as_deref().or(args.digest.as_deref()).unwrap_or_default();
    let blob = args.check.verified(name, || file(&args)).await?;
    match blob.predicate_type() {
        Some(kind) if kind == args.kind.uri() => {
            args.check.say(&blob);
            Ok(())
        }
        Some(kind) => {
            let found = excerpt(kind, 200);
            Err(Failure::failed(format_args!("invalid predicate type, expected {} got {found}", args.kind.uri())))
        }
        None => Err(Failure::failed(format_args!("{name}: the file itself is signed, wanted a statement about it"))),
    }
}

/// The file goes before a digest, as with cosign.
fn file(args: &Args) -> Result<SignedFile, Failure> {
    match (&args.blob, &args.digest) {
        (Some(name), given) => {
            if given.is_some() {
                output::warn("Ignoring provided --digest in favor of provided blob");
            }
            SignedFile::named(name)
        }
        (None, Some(hex)) => match format!("{}:{hex}", args.digest_algorithm).parse() {
            Ok(AnyDigest::Sha256(digest)) => Ok(SignedFile::Digest(digest)),
            Ok(other) => Err(only_sha256(other.algorithm())),
            Err(why) => Err(Failure::failed(format_args!("--digest: {why}"))),
        },
        (None, None) => Err(Failure::failed("no file is given, wanted one, or --digest")),
    }
}
