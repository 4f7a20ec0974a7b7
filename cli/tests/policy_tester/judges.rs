//! The two programs, each asked as its users ask it, and what they say of an image.

use std::{
    fs,
    path::{Path, PathBuf},
};

use peers::{Client, Outcome, PolicyTester, Question, Ruling};
use serde_json::Value;
use tempfile::TempDir;

use crate::{case::Case, roots::trust_root, shelf::Shelf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

/// What a program says of an image and a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted,
    Refused,
    /// The policy, or a file that goes with it, cannot be used.
    Invalid,
    /// It said neither, or died.
    Undecided,
}

/// A verdict with its reasons.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) reasons: String,
}

/// Both programs, with homes of their own.
pub(crate) struct Judges {
    tester: PolicyTester,
    sealgate: Client,
    folder: TempDir,
}

/// The files of one case.
pub(crate) struct Files {
    /// What our program reads: the policy, and the root that it may refer to.
    folder: PathBuf,
    policy: PathBuf,
    root: Option<PathBuf>,
    object: Option<PathBuf>,
}

impl Judges {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { tester: PolicyTester::new(), sealgate: Client::new(), folder }
    }

    /// Writes what the programs are given. JSON is YAML.
    pub(crate) fn files(&self, case: &Case, shelf: &Shelf) -> Files {
        let folder = self.folder.path().join(case.name);
        let beside = self.folder.path().join(format!("{}.objects", case.name));
        let root = case.root.map(|root| write(&folder, "root.yaml", &trust_root(&shelf.sigstore, root)));
        let object = case.object.as_ref().map(|object| write(&beside, "object.yaml", object));
        Files { policy: write(&folder, "policy.yaml", &case.policy), folder, root, object }
    }

    pub(crate) fn tester(&self, files: &Files, image: &str) -> Answer {
        let question = Question {
            policy: &files.policy,
            image,
            resource: files.object.as_deref(),
            trust_root: files.root.as_deref(),
        };
        let (verdict, reasons) = match self.tester.ask(&question) {
            Ruling::Pass => (Verdict::Admitted, String::new()),
            Ruling::Fail { errors, .. } => (Verdict::Refused, errors.join("\n")),
            Ruling::Invalid(log) => (Verdict::Invalid, log),
            Ruling::Panic(log) => (Verdict::Undecided, log),
        };
        Answer { verdict, reasons }
    }

    pub(crate) fn sealgate(&self, files: &Files, image: &str) -> Answer {
        let mut args = vec!["check".to_owned(), image.to_owned(), format!("--policy={}", files.folder.display())];
        args.extend(files.object.as_deref().map(|path| format!("--resource={}", path.display())));
        let outcome = self.sealgate.run(PROGRAM, args);
        Answer { verdict: verdict(&outcome), reasons: format!("{}{}", outcome.stdout, outcome.stderr) }
    }
}

/// The words of the answer as well as the exit code, so that no accident is taken for an answer.
fn verdict(outcome: &Outcome) -> Verdict {
    match (outcome.code, outcome.stdout.split(' ').next()) {
        (0, Some("allowed")) => Verdict::Admitted,
        (1, Some("denied")) => Verdict::Refused,
        (3, Some("")) if outcome.stderr.contains("policy.yaml:") || outcome.stderr.contains("root.yaml:") => {
            Verdict::Invalid
        }
        _ => Verdict::Undecided,
    }
}

fn write(folder: &Path, name: &str, object: &Value) -> PathBuf {
    fs::create_dir_all(folder).expect("a temporary folder can be written");
    let path = folder.join(name);
    let text = serde_json::to_string_pretty(object).expect("an object can be written");
    fs::write(&path, text).expect("a temporary folder can be written");
    path
}
