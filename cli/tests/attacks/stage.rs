//! A shop, policies for it, and the question whether an image is let in.

use std::{fs, path::PathBuf};

use peers::Outcome;
use serde_json::{Value, json};
use suites::shop::Shop;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

pub(crate) struct Stage {
    pub(crate) shop: Shop,
}

impl Stage {
    pub(crate) fn set_up() -> Self {
        Self { shop: Shop::open(PROGRAM) }
    }

    /// The registry's address.
    pub(crate) fn address(&self) -> &str {
        self.shop.registry.address()
    }

    /// A new folder with these policies.
    pub(crate) fn policies(&self, policies: &[Value]) -> PathBuf {
        let folder = tempfile::tempdir_in(self.shop.folder()).expect("a temporary folder can be made").keep();
        for (index, policy) in policies.iter().enumerate() {
            fs::write(folder.join(format!("{index}.json")), policy.to_string()).expect("a temporary folder is written");
        }
        folder
    }

    /// `sealgate check` of these words by the policies in that folder.
    pub(crate) fn ask(&self, policies: &std::path::Path, words: &[&str]) -> Outcome {
        let policies = policies.display().to_string();
        self.shop.sealgate.run(["check", "--policy", &policies].iter().chain(words))
    }

    /// `sealgate check` of an image by these policies.
    pub(crate) fn check(&self, policies: &[Value], image: &str) -> Outcome {
        self.ask(&self.policies(policies), &[image])
    }

    /// What `sealgate policy lint` finds in these policies, by the names of its rules.
    pub(crate) fn findings(&self, policies: &[Value]) -> String {
        let folder = self.policies(policies).display().to_string();
        self.shop.sealgate.run(["policy", "lint", &folder]).stdout
    }
}

/// A ClusterImagePolicy about the images of this glob, with these authorities.
pub(crate) fn policy(name: &str, glob: &str, authorities: &Value) -> Value {
    json!({
        "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": { "name": name },
        "spec": { "images": [{ "glob": glob }], "authorities": authorities },
    })
}

/// The same that lets everything in.
pub(crate) fn pass(name: &str, glob: &str) -> Value {
    policy(name, glob, &json!([{ "static": { "action": "pass" } }]))
}

/// The settings by which images that no policy is about are let in.
pub(crate) fn lenient() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "config-policy-controller" },
        "data": { "no-match-policy": "allow" },
    })
}

/// Whether it was let in, and nothing else: the exit code and the word agree.
pub(crate) fn is_let_in(outcome: &Outcome) -> bool {
    let word = outcome.stdout.starts_with("allowed ");
    assert_eq!(outcome.code == 0, word, "{}{}", outcome.stdout, outcome.stderr);
    word
}

/// Refused for this reason.
#[track_caller]
pub(crate) fn denied(outcome: &Outcome, why: &str) {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.code == 1 && outcome.stdout.starts_with("denied ") && said.contains(why), "{why}: {said}");
}
