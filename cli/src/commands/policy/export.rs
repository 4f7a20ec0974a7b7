//! `sealgate policy export`: our policies in another program's format.

use std::path::PathBuf;

use policy::import::export;

use super::files;
use crate::{
    exit::{Exit, Failure},
    output,
};

/// Turns policies into another program's: exit 0 all is said, 1 --partial and not all of it, 2 not all can be said.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Policy files, or folders of policy files; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Whose format
    #[arg(long, value_enum, default_value = "container-policy")]
    to: To,
    /// Print what can be said, and reject what can't
    #[arg(long)]
    partial: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// policy.json of Podman, Skopeo, Buildah and CRI-O
    ContainerPolicy,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let set = files::load(&args.paths)?;
    let exported = match args.to {
        To::ContainerPolicy => export::container_policy(&set),
    };
    for remark in &exported.remarks {
        output::note(format_args!("note: {remark}"));
    }
    for unsaid in &exported.unsaid {
        output::note(format_args!("note: unsaid: {unsaid}"));
    }
    let count = match exported.unsaid.len() {
        0 => {
            output::bytes(exported.text.as_bytes());
            return Ok(());
        }
        1 => "one thing".to_owned(),
        several => format!("{several} things"),
    };
    if args.partial {
        output::bytes(exported.text.as_bytes());
        return Err(Failure::failed(format_args!("{count} unsaid, and rejected instead")));
    }
    Err(Failure::new(Exit::Usage, format_args!("{count} cannot be said in policy.json"))
        .hint("--partial writes the rest, and rejects these"))
}
