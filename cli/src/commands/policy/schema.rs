//! `sealgate policy schema`: what editors complete and check policies by.

use crate::{exit::Failure, output};

/// Prints a JSON Schema (draft 2020-12).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of which kind
    #[arg(long, value_enum, default_value = "ClusterImagePolicy")]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    #[value(name = "ClusterImagePolicy")]
    ClusterImagePolicy,
    #[value(name = "ImagePolicy")]
    ImagePolicy,
    #[value(name = "TrustRoot")]
    TrustRoot,
    #[value(name = "PolicyTest")]
    PolicyTest,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let text = match args.kind {
        Kind::ClusterImagePolicy => policy::schema::CLUSTER_IMAGE_POLICY,
        Kind::ImagePolicy => policy::schema::IMAGE_POLICY,
        Kind::TrustRoot => policy::schema::TRUST_ROOT,
        Kind::PolicyTest => policy::schema::POLICY_TEST,
    };
    output::bytes(text.as_bytes());
    Ok(())
}
