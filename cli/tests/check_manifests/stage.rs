//! A registry with signed and unsigned images, a policy that tells them apart, and files that name them.

use std::fs;

use peers::Outcome;
use registry::{Client, Settings};
use serde_json::{Value, json};
use suites::{
    sealgate::{EmbeddedRegistry, Sealgate},
    small_image::push_image,
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

pub(crate) struct Stage {
    pub(crate) sealgate: Sealgate,
    pub(crate) registry: EmbeddedRegistry,
}

impl Stage {
    /// With the key pair `team` and `policy.json`, by which everything in this registry must be signed by it.
    pub(crate) fn set_up() -> Self {
        Self::beside(&[])
    }

    /// The same with a registry that is started with these flags.
    pub(crate) fn beside(flags: &[&str]) -> Self {
        let mut sealgate = Sealgate::new(PROGRAM);
        sealgate.client_mut().set("COSIGN_PASSWORD", "");
        let registry = EmbeddedRegistry::start(&sealgate, flags);
        let stage = Self { sealgate, registry };
        let _ = stage.run("generate-key-pair --output-key-prefix team").success();
        let policy = stage.policy("shop", &json!({}));
        stage.write("policy.json", &policy.to_string());
        stage
    }

    /// The same with `shop/good:1`, which is signed, and `shop/bad:1`, which is not.
    pub(crate) fn with_images() -> Self {
        let stage = Self::set_up();
        stage.push(&["good", "bad"]);
        stage.sign(&["good"], &[]);
        stage
    }

    /// A policy for everything in this registry, with more fields in its spec.
    pub(crate) fn policy(&self, name: &str, more: &Value) -> Value {
        let key = self.read("team.pub");
        let mut policy = json!({
            "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": { "name": name },
            "spec": {
                "images": [{ "glob": format!("{}/**", self.registry.address()) }],
                "authorities": [{ "name": "team", "key": { "data": key } }],
            },
        });
        let spec = policy["spec"].as_object_mut().expect("it is an object");
        spec.extend(more.as_object().expect("more is an object").clone());
        policy
    }

    /// `ADDRESS/shop/NAME:1`.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/shop/{name}:1", self.registry.address())
    }

    /// The text with `IMAGES` replaced by where the images are.
    pub(crate) fn here(&self, text: &str) -> String {
        text.replace("IMAGES", &format!("{}/shop", self.registry.address()))
    }

    /// Pushes an image of each name, each to a repository of its own.
    pub(crate) fn push(&self, names: &[&str]) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        runtime.block_on(async {
            let client = Client::new(Settings::default()).expect("default settings serve");
            for name in names {
                push_image(&client, &self.image(name).parse().expect("it is a reference"), name, "amd64").await;
            }
        });
    }

    /// Signs them with the team's key.
    pub(crate) fn sign(&self, names: &[&str], flags: &[&str]) {
        let images: Vec<String> = names.iter().map(|name| self.image(name)).collect();
        let mut args = vec!["sign", "--key", "team.key"];
        args.extend(flags);
        args.extend(images.iter().map(String::as_str));
        let _ = self.sealgate.run(args).success();
    }

    /// Runs a line whose words have no blanks in them.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        self.sealgate.run(self.here(line).split_whitespace())
    }

    /// `sealgate check --policy policy.json` with these further words.
    pub(crate) fn check(&self, line: &str) -> Outcome {
        self.run(&format!("check --policy policy.json {line}"))
    }

    /// The same with a text on standard input.
    pub(crate) fn check_input(&self, line: &str, input: &str) -> Outcome {
        let line = self.here(&format!("check --policy policy.json {line}"));
        self.sealgate.client().run_with_input(PROGRAM, line.split_whitespace(), self.here(input).as_bytes())
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.sealgate.client().home().join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a temporary folder can be written");
        fs::write(path, self.here(text)).expect("a temporary folder can be written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.sealgate.client().home().join(name)).expect("it was written")
    }
}

/// The objects of `-o json`, a line each.
pub(crate) fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// A pod that runs these.
pub(crate) fn pod(images: &[&str]) -> String {
    let containers: String = images.iter().map(|image| format!("  - image: {image}\n")).collect();
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n{containers}")
}
