//! Where documents play: an embedded registry with the images that they speak of, and a shell in an empty folder.

use std::{env, fs, path::Path, time::Duration};

use oci::{ImageRef, media_type};
use peers::{Outcome, Process, Registry, command};
use registry::{Client, Lookup, Precondition, Reference, Settings};
use serde_json::json;
use suites::small_image::{push_image, push_manifest};

/// A registry that holds `shop/cart:1.4` and `shop/cart:1.5`, two images, and `shop/web:2.0`, an index for two
/// platforms; nobody has signed them.
pub(crate) struct Stage {
    home: peers::Client,
    registry: Registry,
}

impl Stage {
    pub(crate) fn set_up() -> Self {
        let mut home = peers::Client::new();
        let registry = Registry::sealgate(PROGRAM, &[]);
        let folder = Path::new(PROGRAM).parent().expect("a program is in a folder").display();
        let path = env::var("PATH").unwrap_or_default();
        home.set("PATH", &format!("{folder}:{path}"));
        home.set("COSIGN_PASSWORD", "the password of the documents");
        push_images(registry.address());
        Self { home, registry }
    }

    /// Runs a shell command, with the registry of the documents where this one is. Both outputs are in one, in order.
    pub(crate) fn shell(&self, command: &str) -> Outcome {
        let script = format!("exec 2>&1\n{}", self.here(command));
        self.home.run("sh", ["-c", &script])
    }

    /// A text with the address of the documents' registry replaced by this one's.
    pub(crate) fn here(&self, text: &str) -> String {
        text.replace("127.0.0.1:5000", self.registry.address())
    }

    /// Puts the manifest of one tag under another one too, as anybody may who may push.
    pub(crate) fn copy_manifest(&self, repository: &str, from: &str, to: &str) {
        let [from, to] = [from, to].map(|tag| named(self.registry.address(), repository, tag));
        wait(async {
            let client = client();
            let Ok(Lookup::Found(found)) = client.manifest(from.repository(), &Reference::from(&from)).await else {
                panic!("{from} is not there");
            };
            let kind = found.document.media_type();
            let target = Reference::from(&to);
            let pushed = client.push_manifest(to.repository(), &target, kind, found.bytes.clone(), Precondition::None);
            pushed.await.expect("the registry takes a manifest");
        });
    }

    /// Starts a command of the program that serves, in the stage's folder, and waits until it says this.
    pub(crate) fn start(&self, args: &[&str], ready: &str) -> Process {
        let mut program = command(PROGRAM);
        program.args(args).current_dir(self.home.home()).env("HOME", self.home.home());
        let mut process = Process::start("serving", program, self.home.home());
        let log = self.home.home().join("serving.log");
        process.wait_until(START, || fs::read_to_string(&log).is_ok_and(|log| log.contains(ready)));
        process
    }
}

fn push_images(registry: &str) {
    wait(async {
        let client = client();
        for tag in ["1.4", "1.5"] {
            push_image(&client, &named(registry, "shop/cart", tag), tag, "amd64").await;
        }
        push_index(&client, registry).await;
    });
}

fn wait(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(work);
}

fn client() -> Client {
    Client::new(Settings::default()).expect("default settings serve")
}

async fn push_index(client: &Client, registry: &str) {
    let mut manifests = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let image = named(registry, "shop/web", architecture);
        let descriptor = push_image(client, &image, architecture, architecture).await;
        let mut entry = json!(descriptor);
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        manifests.push(entry);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests });
    push_manifest(client, &named(registry, "shop/web", "2.0"), media_type::OCI_INDEX, &index).await;
}

fn named(registry: &str, repository: &str, tag: &str) -> ImageRef {
    format!("{registry}/{repository}:{tag}").parse().expect("an address, a name and a tag are a reference")
}

const START: Duration = Duration::from_secs(30);

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

/// A policy by `team.pub`, in a text in which the shell replaces its words.
pub(crate) const POLICY: &str = r#"apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: shop
spec:
  images:
  - glob: "127.0.0.1:5000/shop/**"
  authorities:
  - name: team
    key:
      data: |
$(sed 's/^/        /' team.pub)"#;
