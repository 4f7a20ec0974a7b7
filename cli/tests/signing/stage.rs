//! The program with a key, a registry and files.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use peers::{KeyPair, Outcome, push_image_from};
use serde_json::Value;
use suites::sealgate::{EmbeddedRegistry, Sealgate};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

pub(crate) struct Stage {
    pub(crate) sealgate: Sealgate,
    pub(crate) registry: EmbeddedRegistry,
}

impl Stage {
    /// With the key pair `k`, and the file `f` that says `hello`.
    pub(crate) fn set_up() -> Self {
        let mut sealgate = Sealgate::new(PROGRAM);
        sealgate.client_mut().set("COSIGN_PASSWORD", "");
        let registry = EmbeddedRegistry::start(&sealgate, &[]);
        let stage = Self { sealgate, registry };
        let _ = stage.run("generate-key-pair --output-key-prefix k").success();
        stage.write("f", "hello");
        stage
    }

    /// Runs a line whose words have no blanks in them.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        self.sealgate.run(line.split_whitespace())
    }

    /// Runs it with this token in the environment, as jobs have it.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.sealgate.client_mut().set("SIGSTORE_ID_TOKEN", token);
        self
    }

    /// Pushes an image; its name by digest.
    pub(crate) fn image(&self, tag: &str) -> String {
        let repository = format!("{}/shop/cart", self.registry.address());
        let digest = push_image_from(self.sealgate.client(), &format!("{repository}:{tag}"), tag);
        format!("{repository}@{digest}")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.sealgate.client().home().join(name)
    }

    pub(crate) fn key(&self) -> KeyPair {
        KeyPair::named(&self.path("k"), "")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The text of a file that only its owner may read.
    pub(crate) fn written(&self, name: &str) -> String {
        let mode = fs::metadata(self.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.written(name)).unwrap()
    }

    /// Whether anything was stored in the registry since so many requests.
    pub(crate) fn stored_since(&self, before: usize) -> bool {
        self.registry.requests()[before..]
            .iter()
            .any(|request| request.starts_with("PUT") || request.starts_with("POST"))
    }
}
