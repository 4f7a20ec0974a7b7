//! `sealgate man`, for packagers.

use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::{arguments::Arguments, exit::Failure};

/// Writes a man page for each command into a folder.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder, which must exist
    folder: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    clap_mangen::generate_to(Arguments::command(), &args.folder).map_err(Failure::from)
}
