//! `sealgate explain`: what is stored beside an image, what each piece says of itself, and how far each check got.
//!
//! It answers no question with yes or no: that is for `verify` and `check`. Whom to expect, whom to trust and a policy may
//! be given; what cannot be checked without them is said to be unchecked.

mod advice;
mod show;
mod steps;
mod story;

use std::path::PathBuf;

use clap::ValueEnum;
use verifier::TrustRoot;

use self::{show::Opinion, story::Story};
use super::{
    check,
    discovery::{self, late},
};
use crate::{
    exit::{Exit, Failure},
    flags::{
        certificates::CertificateFlags, expected::Expected, identity::IdentityFlags, policy::PolicyFlags,
        registry::RegistryFlags, trust::TrustFlags,
    },
    output,
};

/// Shows what is stored beside an image, and how far each check of each piece gets: exit 0 explained, 1 not all could be looked at, 11 no such image.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The public key of who should have signed: a PEM file, or env://NAME
    #[arg(long, value_name = "KEY", env = "COSIGN_KEY")]
    key: Option<String>,
    /// Also say what this policy says: a file, or a folder of them
    #[arg(long, value_name = "PATH", env = "SEALGATE_POLICY")]
    policy: Option<PathBuf>,
    /// What to print
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    identity: IdentityFlags,
    #[command(flatten)]
    trust: TrustFlags,
    #[command(flatten)]
    certificates: CertificateFlags,
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
    let expected = args.expected()?;
    let trust = args.root(expected.as_ref()).await?;
    args.trust.announce();
    let client = args.registry.clone().with_environment()?.client([&image])?;
    let (patience, telling) = (args.registry.timeout, Story::told(&client, &image, &trust, expected.as_ref()));
    let story = tokio::time::timeout(patience, telling).await.map_err(|_| late(&image, patience))??;
    let policy = match &args.policy {
        Some(path) => {
            let gate = PolicyFlags { policy: path.clone() }.gate_for(std::slice::from_ref(&image), &args.registry);
            let gate = gate.map_err(unexplained)?;
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

impl Args {
    /// Nobody needs to be expected.
    fn expected(&self) -> Result<Option<Expected>, Failure> {
        match self.key.is_some() || self.identity.is_given() {
            true => Expected::of(self.key.as_deref(), &self.identity).map(Some),
            false => Ok(None),
        }
    }

    /// Where nobody is trusted, nothing is checked, which is said.
    async fn root(&self, expected: Option<&Expected>) -> Result<TrustRoot, Failure> {
        let key = expected.and_then(Expected::key).cloned();
        match self.certificates.root(&self.trust, key.clone()).await {
            Err(failure) if !self.trust.names_a_root() => {
                output::warn(format_args!("{}", failure.message));
                Ok(TrustRoot::new(key.into_iter().collect()).demanding(self.trust.demands()))
            }
            result => result,
        }
    }
}
