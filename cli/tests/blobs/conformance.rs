//! Sigstore's conformance suite through the program: each case by file, by standard input and by digest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::Digest;
use peers::{Client, Outcome};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SUBJECT: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";

struct Case {
    folder: PathBuf,
    artifact: PathBuf,
    /// What its statement is called, if it holds one.
    stated: Option<String>,
    flags: Vec<String>,
}

impl Case {
    fn read(folder: PathBuf, corpus: &Path) -> Self {
        let own = |name: &str, other: PathBuf| Some(folder.join(name)).filter(|path| path.exists()).unwrap_or(other);
        let text = |name: &str, default: &str| match fs::read_to_string(folder.join(name)) {
            Ok(text) => text.trim().to_owned(),
            Err(_) => default.to_owned(),
        };
        let shown = |path: PathBuf| path.display().to_string();
        let root = own("trusted_root.json", corpus.join("public-good/trusted_root.json"));
        let bundle = folder.join("bundle.sigstore.json");
        let stated = stated(&bundle);
        let mut flags = vec!["--trusted-root".to_owned(), shown(root), "--bundle".to_owned(), shown(bundle)];
        let key = folder.join("key.pub");
        match key.exists() {
            true => flags.extend(["--key".to_owned(), shown(key)]),
            false => {
                flags.extend(["--certificate-identity".to_owned(), text("identity", SUBJECT)]);
                flags.extend(["--certificate-oidc-issuer".to_owned(), text("issuer", ISSUER)]);
            }
        }
        Self { artifact: own("artifact", corpus.join("bundles/a.txt")), folder, stated, flags }
    }

    fn name(&self) -> String {
        self.folder.file_name().expect("a case has a name").to_string_lossy().into_owned()
    }

    fn verify(&self, client: &Client, artifact: &str, input: &[u8]) -> Outcome {
        let command = match &self.stated {
            None => vec!["verify-blob"],
            Some(kind) => vec!["verify-blob-attestation", "--type", kind],
        };
        let args = command.into_iter().chain(self.flags.iter().map(String::as_str)).chain([artifact]);
        client.run_with_input(PROGRAM, args, input)
    }
}

/// What the statement in a bundle is called. A bundle that cannot be read holds none.
fn stated(bundle: &Path) -> Option<String> {
    let bundle: Value = serde_json::from_slice(&fs::read(bundle).ok()?).ok()?;
    let payload = BASE64_STANDARD.decode(bundle.pointer("/dsseEnvelope/payload")?.as_str()?).ok()?;
    let statement: Value = serde_json::from_slice(&payload).ok()?;
    Some(statement["predicateType"].as_str()?.to_owned())
}

#[test]
fn every_case_is_right_by_file_by_standard_input_and_by_digest() {
    let Some(corpus) = peers::corpus() else { return };
    let (client, mut wrong, mut made, mut stated) = (Client::new(), Vec::new(), [0, 0], 0);
    for entry in fs::read_dir(corpus.join("bundles")).expect("the corpus has bundles") {
        let folder = entry.expect("the corpus can be read").path();
        if !folder.is_dir() {
            continue;
        }
        let case = Case::read(folder, &corpus);
        let bytes = fs::read(&case.artifact).expect("a case has an artifact");
        let (path, digest) = (case.artifact.display().to_string(), Digest::of(&bytes).to_string());
        let refused = case.name().ends_with("_fail");
        made[usize::from(refused)] += 1;
        stated += usize::from(case.stated.is_some());
        for artifact in [path.as_str(), "-", digest.as_str()] {
            let outcome = case.verify(&client, artifact, &bytes);
            let right = match refused {
                false => outcome.code == 0 && outcome.stderr.starts_with("Verified OK\nSigned by "),
                true => outcome.code == 1 && outcome.stderr.starts_with("error: "),
            };
            wrong.extend(
                (!right).then(|| format!("{} by {artifact}: {}\n{}", case.name(), outcome.code, outcome.stderr)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(made[0] > 8 && made[1] > 20 && stated > 4, "{made:?} {stated}");
}
