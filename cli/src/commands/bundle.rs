//! `sealgate bundle`: Sigstore bundles as documents. Nothing here checks a signature.

mod create;
mod inspect;
pub(super) mod parts;
mod upgrade;

pub(super) use inspect::tree;

use std::path::Path;

use verifier::{RebuildError, UntrustedBundle};

use crate::{exit::Failure, output, private_file};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Put a bundle together from a signature and what belongs to it
    Create(create::Args),
    /// Show what a bundle says of itself, unchecked
    Inspect(inspect::Args),
    /// Bring a bundle of version 0.1 or 0.2 to version 0.3
    Upgrade(upgrade::Args),
}

pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(&args).await,
        Command::Inspect(args) => inspect::run(&args),
        Command::Upgrade(args) => upgrade::run(&args).await,
    }
}

/// The bundle in version 0.3, with proofs from this log for entries that have none. Where no log is named, none is
/// asked: it would learn who looks at what.
async fn upgraded(bundle: UntrustedBundle, log: Option<&str>) -> Result<UntrustedBundle, Failure> {
    let bytes = bundle.to_bytes();
    let unproven = match bundle.upgraded() {
        Err(RebuildError::Unproven { entries }) => entries,
        result => return result.map_err(upgrading),
    };
    let mut bundle = UntrustedBundle::parse(&bytes).map_err(upgrading)?;
    for (_, index) in unproven {
        let log = log.ok_or_else(|| {
            upgrading(format_args!("log entry {index} has no inclusion proof, and no log is named to ask for it"))
                .hint(format_args!("--rekor-url {REKOR} asks Sigstore's public log"))
        })?;
        output::note(format_args!("Fetching missing inclusion proof from Rekor for log index {index}..."));
        let entry = signer::logged_entry(log, index).await.map_err(upgrading)?;
        bundle = bundle.with_proven_entry(&entry).map_err(upgrading)?;
    }
    bundle.upgraded().map_err(upgrading)
}

fn upgrading(why: impl std::fmt::Display) -> Failure {
    Failure::failed(format_args!("upgrading bundle: {why}"))
}

/// Into a file, or on standard output.
fn write(bundle: &[u8], out: Option<&Path>) -> Result<(), Failure> {
    match out {
        Some(path) => private_file::write(path, bundle, "bundle"),
        None => {
            output::bytes(bundle);
            output::bytes(b"\n");
            Ok(())
        }
    }
}

const REKOR: &str = "https://rekor.sigstore.dev";
