//! The corpus, and the program with a registry that holds it.

use std::{fs, path::PathBuf};

use peers::{Outcome, Registry};
use serde_json::Value;
use suites::{layout_loader::CorpusLayout, sealgate::Sealgate};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
pub(crate) const ALICE: [&str; 4] =
    ["--certificate-identity", "alice@sealgate.test", "--certificate-oidc-issuer", "http://127.0.0.1:15001/email"];
/// Where the corpus's registry was.
const RECORDED_AT: &str = "127.0.0.1:15000";

/// The corpus with the program to judge it.
pub(crate) struct Stage {
    folder: PathBuf,
    registry: Registry,
    pub(crate) sealgate: Sealgate,
}

impl Stage {
    /// Nothing, said, where there is no corpus.
    pub(crate) fn set_up() -> Option<Self> {
        let folder = peers::corpus()?.join("golden-keyless");
        Some(Self { folder, registry: Registry::sealgate(PROGRAM, &[]), sealgate: Sealgate::new(PROGRAM) })
    }

    /// The names of all cases.
    pub(crate) fn cases(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join("cases")).expect("the corpus has cases");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("the corpus can be read").file_name().into_string().expect("names are text"))
            .collect();
        names.sort();
        names
    }

    /// The record of a case, whose repository is pushed.
    pub(crate) fn case(&self, name: &str) -> Value {
        let folder = self.folder.join("cases").join(name);
        CorpusLayout::open(&folder.join("layout")).push(&format!("{}/kl/{name}", self.registry.address()));
        serde_json::from_slice(&fs::read(folder.join("case.json")).expect("a case has a record")).expect("it is JSON")
    }

    /// A text of the corpus with our registry where the recorded one was.
    pub(crate) fn here(&self, text: &str) -> String {
        text.replace(RECORDED_AT, self.registry.address())
    }

    /// The image of a case.
    pub(crate) fn image(&self, case: &Value) -> String {
        self.here(case["reference"].as_str().expect("a case has an image"))
    }

    /// The path of a file of the corpus.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// A recorded output.
    pub(crate) fn recorded(&self, case: &str, file: &str) -> Vec<Value> {
        let path = self.folder.join("cases").join(case).join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        serde_json::from_str(&text).expect("cosign prints JSON")
    }

    /// `verify` of a case's image with this trusted root and these flags.
    pub(crate) fn verify(&self, root: &str, case: &Value, flags: &[&str]) -> Outcome {
        let (root, image) = (self.path(root), self.image(case));
        let args = ["verify", "--trusted-root", &root].into_iter().chain(flags.iter().copied()).chain([image.as_str()]);
        self.sealgate.run(args)
    }
}
