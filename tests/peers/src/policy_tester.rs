//! policy-controller's own `policy-tester`: what that project says about an image and a policy.
//!
//! It looks outside for everything that needs Sigstore's public root, and is kept from it by the proxy of
//! [`command`](crate::command); such a policy fails there. References of policies to other objects
//! (`remote`, `configMapRef`, secrets) it ignores or dies of: it is no authority on those.

use std::path::Path;

use serde_json::Value;

use crate::client::{Client, Outcome};

/// The program with a private home. It may be asked from several threads at once.
#[derive(Debug, Default)]
pub struct PolicyTester {
    client: Client,
}

/// What it is asked: the policy alone, which must not begin with a document of comments, or with more files.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// A file with one ClusterImagePolicy.
    pub policy: &'a Path,
    /// The image, best named by its digest.
    pub image: &'a str,
    /// A file with the object in which the image is to run.
    pub resource: Option<&'a Path>,
    /// A file with the one TrustRoot that the policy refers to.
    pub trust_root: Option<&'a Path>,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The image meets the policy, or fails one that only warns, which it does not tell apart.
    Pass,
    /// The image does not meet the policy, or no policy is about it.
    Fail {
        /// Why, one text a policy.
        errors: Vec<String>,
        /// What it remarked beside that.
        warnings: Vec<String>,
    },
    /// A file, the policy or the image's name is not as it should be; the end of its log says how.
    Invalid(String),
    /// It died; the end of its log.
    Panic(String),
}

impl PolicyTester {
    /// A new home, where it knows no credentials.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs it once.
    ///
    /// # Panics
    /// If it takes longer than two minutes, or ends as it never does.
    #[must_use]
    pub fn ask(&self, question: &Question<'_>) -> Ruling {
        let mut args = vec!["-log-level=error".to_owned(), format!("-image={}", question.image)];
        args.push(format!("-policy={}", question.policy.display()));
        args.extend(question.resource.map(|path| format!("-resource={}", path.display())));
        args.extend(question.trust_root.map(|path| format!("-trustroot={}", path.display())));
        ruling(&self.client.run("policy-tester", args))
    }
}

/// Exit code 1 stands for every no; only a judged one has an object on standard output.
fn ruling(outcome: &Outcome) -> Ruling {
    match (outcome.code, outcome.stdout.trim()) {
        (0, "") => Ruling::Pass,
        (1, "") => Ruling::Invalid(end_of(&outcome.stderr)),
        (1, answer) => fail(answer),
        (2, _) => Ruling::Panic(end_of(&outcome.stderr)),
        _ => panic!("policy-tester never ends so: {outcome:?}"),
    }
}

fn fail(answer: &str) -> Ruling {
    let object: Value = serde_json::from_str(answer).unwrap_or_else(|why| panic!("{why}: {answer}"));
    let texts = |name: &str| {
        let list = object[name].as_array().into_iter().flatten();
        list.map(|text| text.as_str().expect("its lists hold texts").to_owned()).collect()
    };
    Ruling::Fail { errors: texts("errors"), warnings: texts("warnings") }
}

fn end_of(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32, stdout: &str, stderr: &str) -> Ruling {
        ruling(&Outcome { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() })
    }

    #[test]
    fn each_way_to_end_is_told_apart() {
        assert_eq!(of(0, "", "a log"), Ruling::Pass);
        let fail = Ruling::Fail { errors: vec!["no".to_owned()], warnings: vec!["hm".to_owned()] };
        assert_eq!(of(1, "{\"errors\":[\"no\"],\"warnings\":[\"hm\"]}\n", ""), fail);
        assert_eq!(of(1, "", "CIP is invalid"), Ruling::Invalid("CIP is invalid".to_owned()));
        assert_eq!(of(2, "", "panic: nil"), Ruling::Panic("panic: nil".to_owned()));
    }

    #[test]
    #[should_panic(expected = "never ends so")]
    fn what_it_never_does_is_no_answer() {
        let _ = of(0, "words", "");
    }
}
