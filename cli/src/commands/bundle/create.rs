//! `sealgate bundle create`: one bundle out of what older cosigns kept in files of their own.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use verifier::BundleMaker;

use super::{
    parts::{Held, PartFlags},
    upgraded, write,
};
use crate::{artifact::SignedFile, bounded_file, exit::Failure, flags::certificates, key_source};

/// Puts a bundle of version 0.3 together. Whether what goes into it is genuine is not checked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file that is signed, `-` for standard input, or what it hashes to: `sha256:<hex>`
    #[arg(long, value_name = "FILE", env = "COSIGN_ARTIFACT")]
    artifact: String,
    #[command(flatten)]
    parts: PartFlags,
    /// What is said of the file, with its signature: an envelope in JSON
    #[arg(long, value_name = "FILE", env = "COSIGN_ATTESTATION")]
    attestation: Option<PathBuf>,
    /// The signer's certificate, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_CERTIFICATE")]
    certificate: Option<PathBuf>,
    /// The signer's public key: a PEM file, or env://NAME
    #[arg(long, value_name = "KEY", env = "COSIGN_KEY")]
    key: Option<String>,
    /// The signature is in no log
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = crate::flags::boolean::parse, default_value = "false", env = "COSIGN_IGNORE_TLOG")]
    ignore_tlog: bool,
    /// Where to write the bundle, instead of standard output
    #[arg(long, value_name = "FILE", env = "COSIGN_OUT")]
    out: Option<PathBuf>,
    /// The log (Rekor, version 1) to ask for the inclusion proof of the signature's entry, if that is missing; without it, none is asked
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_REKOR_URL")]
    rekor_url: Option<String>,
}

pub(super) async fn run(args: &Args) -> Result<(), Failure> {
    let file = SignedFile::named(&args.artifact)?;
    let attestation = args.attestation.as_deref().map(envelope).transpose()?;
    let Held::Parts(parts) = args.parts.held(attestation)? else {
        return Err(Failure::failed("--bundle names a Sigstore bundle already")
            .hint("`sealgate bundle upgrade` brings an older one to version 0.3"));
    };
    match (args.ignore_tlog, parts.is_logged()) {
        (true, true) => {
            let message = "cannot ignore transparency log when the provided bundle contains a Signed Entry Timestamp";
            return Err(Failure::failed(message));
        }
        (false, false) => {
            return Err(Failure::failed("no log entry is given, wanted one in --bundle, or --ignore-tlog"));
        }
        _ => {}
    }
    let bundle = parts.assembled(&file.digest(), maker(args)?)?;
    write(&upgraded(bundle, args.rekor_url.as_deref()).await?.to_bytes(), args.out.as_deref())
}

/// A certificate goes before a key, as with cosign.
fn maker(args: &Args) -> Result<Option<BundleMaker>, Failure> {
    if let Some(path) = &args.certificate {
        return certificates::maker(path).map(Some);
    }
    let key = args.key.as_deref().map(key_source::public).transpose()?;
    Ok(key.as_ref().map(BundleMaker::key))
}

fn envelope(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = bounded_file::read(path, MAX_KIB);
    bytes.map(|bytes| bytes.to_vec()).map_err(|why| Failure::failed(format_args!("reading attestation: {why}")))
}

/// Bills of material grow to megabytes.
const MAX_KIB: u64 = 64 * 1024;
