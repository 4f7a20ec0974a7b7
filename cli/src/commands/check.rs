//! `sealgate check`: the pipeline's door.

mod cases;
mod junit;
mod manifests;
mod sarif;
mod show;

use std::{
    io::IsTerminal as _,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use futures::stream::{self, StreamExt as _};
use gate::{Door, Gate, GateError, Judged, Request};
use indicatif::{ProgressBar, ProgressStyle};
use oci::ImageRef;
use policy::{Resource, Verdict};
use serde_json::Value;

pub(in crate::commands) use self::cases::resource;
use self::{
    cases::{Answered, Case, Subject},
    manifests::ManifestFlags,
};
use crate::{
    exit::{Exit, Failure},
    flags::{policy::PolicyFlags, registry::RegistryFlags},
    output,
};

/// Asks the policy about images, as every other door would.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required_unless_present = "manifest", value_name = "IMAGE")]
    images: Vec<ImageRef>,
    /// What to print: lines, a JSON object for each image, SARIF 2.1.0 or JUnit XML
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// How many images are asked about at once
    #[arg(long, value_name = "NUMBER", default_value = "8")]
    jobs: NonZeroUsize,
    #[command(flatten)]
    manifests: ManifestFlags,
    #[command(flatten)]
    policy: PolicyFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
    Sarif,
    Junit,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let until = Instant::now() + args.registry.timeout;
    let found = args.manifests.read(&args.images)?;
    let gate = args.policy.gate_for(&found.images(), &args.registry).await?;
    let cases = cases::of(found, &gate);
    let bar = progress(cases.len());
    let judged = stream::iter(cases).map(|case| answer(&gate, case, until, &bar)).buffered(args.jobs.get());
    let answered: Vec<Answered> = judged.collect().await;
    bar.finish_and_clear();
    match args.output {
        Output::Text => answered.iter().flat_map(show::text).for_each(output::line),
        Output::Json => answered.iter().for_each(|one| output::line(show::json(one))),
        Output::Sarif => output::line(sarif::report(&answered)),
        Output::Junit => output::line(junit::report(&answered)),
    }
    summary(&answered)
}

async fn answer(gate: &Gate, case: Case, until: Instant, bar: &ProgressBar) -> Answered {
    let answer = match &case.subject {
        Subject::Image { image, object } => {
            let left = until.saturating_duration_since(Instant::now());
            asked(gate, image, object.as_deref().cloned(), left).await.map_err(cases::Open::from)
        }
        Subject::Unread(open) => Err(open.clone()),
    };
    bar.inc(1);
    Answered { case, answer }
}

/// On a terminal, how far it got.
fn progress(count: usize) -> ProgressBar {
    if count < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count as u64);
    match ProgressStyle::with_template("{pos}/{len} images {bar:40} {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The failure that all answers add up to, unless every image is allowed.
fn summary(answered: &[Answered]) -> Result<(), Failure> {
    let count = |wanted: &dyn Fn(&Answered) -> bool| answered.iter().filter(|one| wanted(one)).count();
    let is_image = |one: &Answered| matches!(one.case.subject, Subject::Image { .. });
    let unread = count(&|one| !is_image(one));
    let all = answered.len() - unread;
    let denied = count(&|one| exit_of(&one.answer) == Some(Exit::Failed));
    let undecided = count(&|one| is_image(one) && exit_of(&one.answer) == Some(Exit::Undecided));
    let message = match (answered, denied, undecided) {
        (_, 0, 0) if unread == 0 => return Ok(()),
        ([Answered { case, .. }], 0, _) => format!("could not decide about `{}`", case.name()),
        ([Answered { case, .. }], ..) => format!("`{}` is denied", case.name()),
        (_, 0, 0) => format!("{all} of {all} images allowed"),
        (_, denied, 0) => format!("{denied} of {all} images denied"),
        (_, 0, undecided) => format!("{undecided} of {all} images undecided"),
        (_, denied, undecided) => format!("{denied} of {all} images denied, {undecided} undecided"),
    };
    let message = match (unread, answered.len()) {
        (0, _) | (_, 1) => message,
        (1, _) => format!("{message}, 1 place could not be read"),
        (unread, _) => format!("{message}, {unread} places could not be read"),
    };
    Err(Failure::new(if undecided + unread > 0 { Exit::Undecided } else { Exit::Failed }, message))
}

/// What the policy in force says about an image.
pub(super) async fn ask(gate: &Gate, image: &ImageRef, deadline: Duration) -> Result<Judged, GateError> {
    asked(gate, image, None, deadline).await
}

async fn asked(
    gate: &Gate,
    image: &ImageRef,
    object: Option<Resource>,
    deadline: Duration,
) -> Result<Judged, GateError> {
    let request = Request {
        image: image.clone(),
        object,
        door: Door::Check,
        asked_by: std::env::var("USER").unwrap_or_default(),
        // A variable is not who somebody is.
        user: None,
        namespace: None,
        deadline,
    };
    gate.check(&request).await
}

fn exit_of<E>(answer: &Result<Judged, E>) -> Option<Exit> {
    match answer {
        Ok(Judged { verdict: Verdict::Allow(_), .. }) => None,
        Ok(Judged { verdict: Verdict::Deny(_), .. }) => Some(Exit::Failed),
        Err(_) => Some(Exit::Undecided),
    }
}

/// The answer for people.
pub(super) fn lines(image: &ImageRef, answer: &Result<Judged, GateError>) -> Vec<String> {
    let answer = answer.as_ref().map_err(cases::Open::from);
    show::lines(&image.to_string(), answer.as_ref().map(|judged| *judged))
}

/// The answer for programs.
pub(super) fn object(image: &ImageRef, answer: &Result<Judged, GateError>) -> Value {
    let answer = answer.as_ref().map_err(cases::Open::from);
    let mut object = show::object(answer.as_ref().map(|judged| *judged));
    object["image"] = image.to_string().into();
    object
}
