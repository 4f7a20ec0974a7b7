//! `sealgate explain`: what is stored beside an image, what each piece says of itself, and how far each check got.
//!
//! It answers no question with yes or no: that is for `verify` and `check`. Whom to expect, whom to trust and a policy may
//! be given; what cannot be checked without them is said to be unchecked.

mod advice;
mod show;
mod steps;
mod story;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use self::{show::Opinion, story::Story};
use super::{
    check,
    discovery::{self, late},
};
use crate::{
    exit::{Exit, Failure},
    flags::{against::AgainstFlags, policy::PolicyFlags, registry::RegistryFlags},
    output,
};

/// Shows what is stored beside an image, and how far each check of each piece gets: exit 0 explained, 1 not all could be looked at, 11 no such image.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Also say what this policy says: a file, or a folder of them
    #[arg(long, value_name = "PATH", env = "SEALGATE_POLICY")]
    policy: Option<PathBuf>,
    /// What to print
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    against: AgainstFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let image = discovery::parse(&args.image)?;
    let (expected, trust) = args.against.read_leniently().await?;
    let client = args.registry.clone().with_environment()?.client([&image])?;
    let (patience, telling) = (args.registry.timeout, Story::told(&client, &image, &trust, expected.as_ref()));
    let story = tokio::time::timeout(patience, telling).await.map_err(|_| late(&image, patience))??;
    let policy = match &args.policy {
        Some(path) => {
            let flags =
                PolicyFlags { policy: path.clone(), trusted_root: args.against.trusted_root().map(Path::to_owned) };
            let gate = flags.gate_for(std::slice::from_ref(&image), &args.registry).await.map_err(unexplained)?;
            Some(Opinion { answer: check::ask(&gate, &image, patience).await, image })
        }
        None => None,
    };
    match args.output {
        Output::Text => show::text(&args.image, &story, policy.as_ref()).into_iter().for_each(output::line),
        Output::Json => output::line(show::object(&args.image, &story, policy.as_ref())),
    }
    story.gap()
}

/// What `check` would end with 3 for is here one thing more that could not be looked at.
fn unexplained(failure: Failure) -> Failure {
    match failure.exit {
        Exit::Undecided => Failure { exit: Exit::Failed, ..failure },
        _ => failure,
    }
}
