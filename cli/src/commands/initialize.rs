//! `sealgate initialize`: cosign's command, which sets up the TUF cache.

use std::path::Path;

use clap::builder::NonEmptyStringValueParser;
use gate::trust::{STAGING_MIRROR, STAGING_ROOT};
use jiff::Timestamp;
use oci::{AnyDigest, Digest};

use crate::{bounded_file, exit::Failure, flags::boolean, output, trust_source};

/// Forgets the cached trust material and fetches it anew, from the public instance's mirror or another.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The TUF mirror; without it TUF_MIRROR, the one that was chosen last, or the public instance's
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_MIRROR")]
    mirror: Option<String>,
    /// The root.json that the mirror is checked against; the public instance's is built in
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_ROOT")]
    root: Option<String>,
    /// What the root.json must hash to: sha256:HEX, sha512:HEX, or the hexadecimal digits alone
    #[arg(long, value_name = "DIGEST", requires = "root", value_parser = checksum, env = "COSIGN_ROOT_CHECKSUM")]
    root_checksum: Option<AnyDigest>,
    /// The staging instance's mirror and root
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", conflicts_with_all = ["mirror", "root"], env = "COSIGN_STAGING")]
    staging: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (mirror, root) = match args.staging {
        true => (Some(STAGING_MIRROR.to_owned()), Some(STAGING_ROOT.to_vec())),
        false => (args.mirror.clone(), args.root.as_deref().map(|root| read(root, &args)).transpose()?),
    };
    let tuf = trust_source::tuf(mirror, root)?;
    tuf.initialize(Timestamp::now()).await.map_err(trust_source::failure)?;
    output::note(format_args!("trust material of {} is cached in {}", tuf.mirror(), tuf.cache().display()));
    Ok(())
}

fn read(root: &str, args: &Args) -> Result<Vec<u8>, Failure> {
    if root.starts_with("https://") || root.starts_with("http://") {
        return Err(Failure::failed(format_args!("--root: `{root}` found, wanted a file"))
            .hint("fetch it once, compare its digest by another way, and name the file"));
    }
    let bytes =
        bounded_file::read(Path::new(root), MAX_KIB).map_err(|why| Failure::failed(format_args!("--root: {why}")))?;
    match &args.root_checksum {
        Some(wanted) if !wanted.matches(&bytes) => {
            let found = Digest::of(&bytes);
            Err(Failure::failed(format_args!("--root-checksum: {root} hashes to {found}, wanted {wanted}")))
        }
        _ => Ok(bytes.to_vec()),
    }
}

/// A digest with its algorithm, or the digits of a SHA-256.
fn checksum(text: &str) -> Result<AnyDigest, String> {
    let text = if text.contains(':') { text.to_owned() } else { format!("sha256:{text}") };
    text.to_lowercase().parse().map_err(|why: oci::DigestError| why.to_string())
}

const MAX_KIB: u64 = 1024;
