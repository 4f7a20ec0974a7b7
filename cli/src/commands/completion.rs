//! `sealgate completion`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{arguments::Arguments, output};

/// Prints a completion script.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "sealgate", &mut script);
    output::bytes(&script);
}
