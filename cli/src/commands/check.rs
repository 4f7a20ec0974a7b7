//! `sealgate check`: the pipeline's door.

use std::time::Duration;

use futures::future::join_all;
use gate::{Door, Gate, GateError, Judged, Request};
use oci::ImageRef;
use policy::Verdict;
use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure},
    flags::{policy::PolicyFlags, registry::RegistryFlags},
    output,
};

/// Asks the policy about images, as every other door would.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<ImageRef>,
    /// Print a JSON object for each image
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    policy: PolicyFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let gate = args.policy.gate_for(&args.images, &args.registry).await?;
    let answers = join_all(args.images.iter().map(|image| ask(&gate, image, args.registry.timeout))).await;
    for (image, answer) in args.images.iter().zip(&answers) {
        match args.output {
            Output::Text => lines(image, answer).into_iter().for_each(output::line),
            Output::Json => output::line(object(image, answer)),
        }
    }
    let count = |exit| answers.iter().filter(|answer| exit_of(answer) == Some(exit)).count();
    summary(&args.images, count(Exit::Failed), count(Exit::Undecided))
}

/// The failure that all answers add up to, unless every image is allowed.
fn summary(images: &[ImageRef], denied: usize, undecided: usize) -> Result<(), Failure> {
    let all = images.len();
    let message = match (images, denied, undecided) {
        (_, 0, 0) => return Ok(()),
        ([image], _, 0) => format!("`{image}` is denied"),
        ([image], _, _) => format!("could not decide about `{image}`"),
        (_, denied, 0) => format!("{denied} of {all} images denied"),
        (_, 0, undecided) => format!("{undecided} of {all} images undecided"),
        (_, denied, undecided) => format!("{denied} of {all} images denied, {undecided} undecided"),
    };
    Err(Failure::new(if undecided > 0 { Exit::Undecided } else { Exit::Failed }, message))
}

/// What the policy in force says about an image.
pub(super) async fn ask(gate: &Gate, image: &ImageRef, deadline: Duration) -> Result<Judged, GateError> {
    let request = Request {
        image: image.clone(),
        object: None,
        door: Door::Check,
        asked_by: std::env::var("USER").unwrap_or_default(),
        deadline,
    };
    gate.check(&request).await
}

fn exit_of(answer: &Result<Judged, GateError>) -> Option<Exit> {
    match answer {
        Ok(Judged { verdict: Verdict::Allow(_), .. }) => None,
        Ok(Judged { verdict: Verdict::Deny(_), .. }) => Some(Exit::Failed),
        Err(_) => Some(Exit::Undecided),
    }
}

/// The answer for people.
pub(super) fn lines(image: &ImageRef, answer: &Result<Judged, GateError>) -> Vec<String> {
    match answer {
        Ok(Judged { verdict, pinned, .. }) => {
            let at = pinned.as_ref().map_or("not resolved".to_owned(), |pinned| pinned.digest().to_string());
            let word = if matches!(verdict, Verdict::Allow(_)) { "allowed  " } else { "denied   " };
            let reasons = gate::lines(verdict);
            let reasons = reasons.iter().flat_map(|line| output::folded(&format!("           {line}")));
            std::iter::once(format!("{word}  {image} ({at})")).chain(reasons).collect()
        }
        Err(error) => {
            let hint = error.hint().map(|hint| format!("           hint: {hint}"));
            [format!("undecided  {image}"), format!("           {error}")].into_iter().chain(hint).collect()
        }
    }
}

/// The answer for programs.
pub(super) fn object(image: &ImageRef, answer: &Result<Judged, GateError>) -> Value {
    let mut object = match answer {
        Ok(judged) => {
            let (outcome, verdict) = match &judged.verdict {
                Verdict::Allow(approval) => ("allow", json!(approval)),
                Verdict::Deny(denial) => ("deny", json!(denial)),
            };
            json!({
                "outcome": outcome, "verdict": verdict, "policy": judged.revision,
                "digest": judged.pinned.as_ref().map(oci::PinnedRef::digest), "evidence": judged.evidence.iter().map(|one| &**one).collect::<Vec<_>>(),
            })
        }
        Err(error) => json!({ "outcome": "undecided", "error": error.to_string(), "hint": error.hint() }),
    };
    object["image"] = image.to_string().into();
    object
}
