//! `sealgate policy test`: the cases that a team writes beside its policies; or, with the flags of policy-controller's
//! `policy-tester`, one question that is answered as that program does.

mod answer;
mod cases;
mod junit;
mod object;
mod recorded;
mod tester;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::join_all;
use gate::{DecisionLog, Gate, Supplier};
use oci::ImageRef;
use policy::PolicySet;
use serde_json::{Value, json};
use verifier::TrustRoot;

pub(crate) use self::tester::with_two_dashes;
use self::{
    answer::Answer,
    cases::{Case, Cases},
};
use super::files;
use crate::{
    exit::{Exit, Failure},
    flags::{registry::RegistryFlags, repository, trust},
    output, trust_source,
};

/// Runs the cases written beside policies: exit 0 all as expected, 1 some are not, 2 something does not load.
///
/// With --policy and --image it is policy-tester: silent and 0, or a JSON object and 1. Its flags may have one dash.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files of cases, or folders that hold some (.test.yaml, .test.yml, .test.json)
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// What to print
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// Whose certificates, logs and clocks count where neither policy nor cases name any: a trusted_root.json
    #[arg(long, value_name = "FILE", env = "SEALGATE_TRUSTED_ROOT")]
    trusted_root: Option<PathBuf>,
    #[command(flatten)]
    question: tester::Question,
    #[command(flatten)]
    registry: RegistryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    /// An object a line
    Json,
    /// One JUnit document
    Junit,
}

/// What a file's cases came to, in their order.
struct Ran {
    file: PathBuf,
    results: Vec<(Case, Answer)>,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    if args.question.is_asked() {
        return tester::run(&args.question, args.trusted_root.as_deref(), &args.registry).await;
    }
    let mut runs = Vec::new();
    for path in &args.paths {
        for file in files::tests(path)? {
            let cases = Cases::parse(&file)?;
            runs.push(Ran { results: judge(cases, &args).await?, file });
        }
    }
    match args.output {
        Output::Text => runs.iter().flat_map(Ran::lines).for_each(output::line),
        Output::Json => runs.iter().flat_map(Ran::objects).for_each(output::line),
        Output::Junit => output::bytes(junit::document(&runs).as_bytes()),
    }
    let all: Vec<bool> =
        runs.iter().flat_map(|run| &run.results).map(|(case, answer)| case.faults(answer).is_empty()).collect();
    let failed = all.iter().filter(|met| !**met).count();
    match failed {
        0 => Ok(()),
        _ => Err(Failure::failed(format_args!("{failed} of {} cases failed", all.len()))),
    }
}

async fn judge(cases: Cases, args: &Args) -> Result<Vec<(Case, Answer)>, Failure> {
    let set = supplied(files::load(&cases.policies)?, &args.registry).await?;
    let root = cases.trusted_root.as_deref().or(args.trusted_root.as_deref());
    let set = Arc::new(with_root(set, root).await?);
    let asked: Vec<&ImageRef> =
        cases.cases.iter().filter(|case| case.evidence.is_none()).map(|case| &case.image).collect();
    let gate = (!asked.is_empty()).then(|| gate(&set, asked, &args.registry)).transpose()?;
    let answers = join_all(cases.cases.iter().map(|case| answer::of(case, &set, gate.as_ref(), args.registry.timeout)));
    let answers = answers.await.into_iter().collect::<Result<Vec<Answer>, Failure>>()?;
    Ok(cases.cases.into_iter().zip(answers).collect())
}

/// A gate with these policies, for these images.
fn gate<'a>(
    set: &Arc<PolicySet>,
    images: impl IntoIterator<Item = &'a ImageRef>,
    flags: &RegistryFlags,
) -> Result<Gate, Failure> {
    let client = flags.client(images).map_err(unusable)?;
    let gate = Gate::new(client, repository::from_environment()?, DecisionLog::Off);
    gate.put_in_force(set.clone());
    Ok(gate)
}

/// The policies with what they refer to at an address, as doors have them.
async fn supplied(set: PolicySet, flags: &RegistryFlags) -> Result<PolicySet, Failure> {
    if set.wanted().is_empty() {
        return Ok(set);
    }
    Ok(Supplier::new(flags.client([]).map_err(unusable)?).supply(set).await)
}

/// The policies with the root for those that name none; not even looked for where each names its own.
async fn with_root(set: PolicySet, file: Option<&Path>) -> Result<PolicySet, Failure> {
    let root: Option<TrustRoot> = match file {
        Some(path) => Some(trust::read(path).map_err(unusable)?),
        None if set.needs_default_root() => Some(trust_source::trusted_root().await.map_err(unusable)?),
        None => None,
    };
    Ok(match root {
        Some(root) => set.with_default_root(&root),
        None => set,
    })
}

/// A case that could not be tried has not failed.
fn unusable(failure: Failure) -> Failure {
    Failure { exit: Exit::Usage, ..failure }
}

impl Ran {
    fn lines(&self) -> Vec<String> {
        let file = self.file.display();
        let mut lines = Vec::new();
        for (case, answer) in &self.results {
            let faults = case.faults(answer);
            let word = if faults.is_empty() { "ok  " } else { "FAIL" };
            lines.push(format!("{word}  {file}: {}", case.name));
            if !faults.is_empty() {
                lines.extend(faults.iter().map(|fault| format!("        {fault}")));
                lines.extend(answer.lines.iter().flat_map(|line| output::folded(&format!("          {line}"))));
            }
        }
        lines
    }

    fn objects(&self) -> Vec<Value> {
        let object = |(case, answer): &(Case, Answer)| {
            let faults = case.faults(answer);
            json!({
                "file": self.file.display().to_string(), "case": case.name, "image": case.image.to_string(),
                "passed": faults.is_empty(), "expected": case.expect.word(), "got": answer.outcome.word(),
                "faults": faults, "reasons": answer.lines,
            })
        };
        self.results.iter().map(object).collect()
    }
}
