//! The flags of policy-controller's `policy-tester`, and its way to answer: nothing and 0, or a JSON object and 1.
//!
//! The policies are the files that are given and nothing else; what matches none of them is refused.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
};

use gate::{Door, Request};
use oci::ImageRef;
use policy::{PolicySet, Reason, Verdict};
use serde_json::json;

use super::{super::files, gate, object, supplied, with_root};
use crate::{
    exit::{Exit, Failure},
    flags::registry::RegistryFlags,
    output,
};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "As policy-tester")]
pub(super) struct Question {
    /// A policy file
    #[arg(long, value_name = "FILE", requires = "image", conflicts_with_all = ["paths", "output"])]
    policy: Option<PathBuf>,
    /// The image to ask about
    #[arg(long, value_name = "IMAGE", requires = "policy")]
    image: Option<String>,
    /// A file with the Kubernetes object that the image runs in
    #[arg(long, value_name = "FILE", requires = "policy")]
    resource: Option<PathBuf>,
    /// A file with the TrustRoot that the policy refers to
    #[arg(long, value_name = "FILE", requires = "policy")]
    trustroot: Option<PathBuf>,
    /// Understood, and of no effect: there is no log here
    #[arg(long, value_name = "LEVEL", hide = true, value_parser = ["debug", "info", "warn", "error"])]
    log_level: Option<String>,
    /// Understood, and of no effect: referrers are always looked at, and always verified
    #[arg(long, hide = true)]
    enable_oci11: bool,
}

impl Question {
    pub(super) fn is_asked(&self) -> bool {
        self.policy.is_some()
    }
}

/// The arguments, with two dashes before `policy-tester`'s flags where it takes one.
pub(crate) fn with_two_dashes(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    if arguments.get(1).is_some_and(|one| one == "policy") && arguments.get(2).is_some_and(|one| one == "test") {
        arguments[3..].iter_mut().filter(|argument| is_foreign(argument)).for_each(|argument| {
            let mut long = OsString::from("-");
            long.push(&*argument);
            *argument = long;
        });
    }
    arguments
}

fn is_foreign(argument: &OsStr) -> bool {
    let name = argument.to_str().and_then(|text| text.strip_prefix('-')?.split('=').next());
    name.is_some_and(|name| FLAGS.contains(&name))
}

const FLAGS: [&str; 6] = ["policy", "image", "resource", "trustroot", "log-level", "enable-oci11"];

pub(super) async fn run(question: &Question, root: Option<&Path>, flags: &RegistryFlags) -> Result<(), Failure> {
    let (set, request) = read(question, root, flags).await.map_err(failed)?;
    let image = request.image.clone();
    let gate = gate(&set, [&image], flags).map_err(failed)?;
    let (errors, warnings) = match gate.check(&request).await.map(|judged| judged.verdict) {
        Ok(Verdict::Allow(approval)) => {
            texts(approval.warnings()).into_iter().for_each(output::warn);
            return Ok(());
        }
        Ok(Verdict::Deny(denial)) => (texts(denial.reasons()), texts(denial.warnings())),
        Err(error) => (vec![error.to_string()], Vec::new()),
    };
    let mut answer = json!({ "errors": errors });
    if !warnings.is_empty() {
        answer["warnings"] = json!(warnings);
    }
    output::line(answer);
    Err(Failure::failed(format_args!("`{image}` does not meet the policy")))
}

async fn read(
    question: &Question,
    root: Option<&Path>,
    flags: &RegistryFlags,
) -> Result<(Arc<PolicySet>, Request), Failure> {
    let paths: Vec<PathBuf> = question.policy.iter().chain(&question.trustroot).cloned().collect();
    if let Some(url) = paths.iter().find(|path| path.to_string_lossy().contains("://")) {
        let message = format!("policy `{}` found, wanted a file: addresses are not fetched", url.display());
        return Err(Failure::failed(message).hint("fetch it first, and look at it"));
    }
    let set = with_root(supplied(files::load(&paths)?, flags).await?, root).await?;
    let image = question.image.as_deref().unwrap_or_default();
    let image: ImageRef = image.parse().map_err(|why| Failure::failed(format_args!("image `{image}`: {why}")))?;
    let object = question.resource.as_deref().map(object::read).transpose()?;
    let request = Request {
        image,
        object,
        door: Door::Check,
        asked_by: String::new(),
        user: None,
        namespace: None,
        deadline: flags.timeout,
    };
    Ok((Arc::new(set), request))
}

fn texts(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

/// That program ends with 1 whatever is wrong.
fn failed(failure: Failure) -> Failure {
    Failure { exit: Exit::Failed, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(line: &str) -> String {
        let words = with_two_dashes(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_of_policy_tester_get_their_second_dash_after_policy_test_only() {
        assert_eq!(
            after("s policy test -policy a -image=b --resource c"),
            "s policy test --policy a --image=b --resource c"
        );
        assert_eq!(after("s policy test -p -policies -o json"), "s policy test -p -policies -o json");
        assert_eq!(after("s check -policy a"), "s check -policy a");
        assert_eq!(after("s policy"), "s policy");
    }
}
