//! How each program is told to sign with the private Sigstore, and to verify by it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use peers::{Client, Format, Outcome, Recipe, RefsOptions, Registry, Sigstore, Subject, push_image};
use suites::signers::Tool;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
pub(crate) const ALICE: Subject<'static> = Subject::Email("alice@sealgate.test");
pub(crate) const MALLORY: Subject<'static> = Subject::Email("mallory@sealgate.test");
/// What attestations of the tests say.
pub(crate) const KIND: &str = "https://sealgate.test/scan/v1";

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Signature,
    Attestation,
}

/// Who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Identity,
    Key,
}

/// One way to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) what: What,
    pub(crate) by: By,
    pub(crate) format: Format,
    pub(crate) recipe: Recipe,
}

/// Whom a verifier expects, and whom it trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expecting {
    /// Whoever made it, under the instance's root.
    Signer,
    /// Somebody else with the same issuer, or another key, under the same root.
    Stranger,
    /// The same name by another issuer, under the same root.
    OtherIssuer,
    /// Whoever made it, under the root of another instance.
    SignerElsewhere,
}

impl Expecting {
    /// What can be expected of a signature made so.
    pub(crate) fn all(by: By) -> &'static [Self] {
        match by {
            By::Identity => &[Self::Signer, Self::Stranger, Self::OtherIssuer, Self::SignerElsewhere],
            By::Key => &[Self::Signer, Self::Stranger, Self::SignerElsewhere],
        }
    }
}

pub(crate) struct Stage {
    pub(crate) sigstore: Arc<Sigstore>,
    pub(crate) registry: Registry,
    /// With the variables that name the instance.
    told: Client,
    /// With those variables, of another instance.
    told_wrongly: Client,
    plain: Client,
    folder: TempDir,
}

impl Stage {
    /// Nothing, said, where a peer is missing.
    pub(crate) fn set_up() -> Option<Self> {
        let present = peers::present(&Sigstore::PROGRAMS) && peers::present(&["crane", "registry-refs", "cosign-2"]);
        present.then(Self::start)
    }

    fn start() -> Self {
        let sigstore = Sigstore::shared();
        let plain = knowing(&[]);
        let (told, told_wrongly) = (knowing(&sigstore.environment()), knowing(&sigstore.environment_of_others()));
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("scan.json"), r#"{"found": 0}"#).expect("it can be written");
        for prefix in ["key", "stranger"] {
            let prefix = folder.path().join(prefix).display().to_string();
            plain.run(PROGRAM, ["generate-key-pair", "--output-key-prefix", &prefix]).success();
        }
        let registry = Registry::refs(RefsOptions::default());
        Self { sigstore, registry, told, told_wrongly, plain, folder }
    }

    /// Pushes an image of its own, and returns its name.
    pub(crate) fn push(&self, name: &str) -> String {
        let digest = push_image(&self.registry, &format!("{name}:1"), name);
        format!("{}/{name}@{digest}", self.registry.address())
    }

    pub(crate) fn sign(&self, tool: Tool, way: Way, image: &str) -> Outcome {
        let mut args = vec![command(way.what, "sign", "attest"), "--yes".to_owned()];
        if way.what == What::Attestation {
            args.extend(["--type".to_owned(), KIND.to_owned(), "--predicate".to_owned(), self.file("scan.json")]);
        }
        match way.by {
            By::Identity => args.extend(["--identity-token".to_owned(), self.sigstore.token(ALICE)]),
            By::Key => args.extend(["--key".to_owned(), self.file("key.key")]),
        }
        match (tool, way.format) {
            (Tool::Sealgate, Format::Legacy) => {
                args.extend(["--format".to_owned(), "legacy".to_owned()]);
                args.extend(self.by_config(tool, way.recipe));
            }
            (_, Format::Legacy) => args.extend(self.by_urls(tool, way)),
            (_, Format::Bundle) => args.extend(self.by_config(tool, way.recipe)),
        }
        args.push(image.to_owned());
        self.run(tool, way.format, &args)
    }

    pub(crate) fn verify(&self, tool: Tool, way: Way, expecting: Expecting, image: &str) -> Outcome {
        let root = match expecting {
            Expecting::SignerElsewhere => self.sigstore.trusted_root_of_others(),
            _ => self.sigstore.trusted_root(),
        };
        let args = self.verifying_args(tool, way, expecting, &root, image);
        match (tool, way.format, expecting) {
            (Tool::Cosign2, Format::Legacy, Expecting::SignerElsewhere) => self.told_wrongly.run("cosign-2", args),
            _ => self.run(tool, way.format, &args),
        }
    }

    /// How a program is told to verify by this root; cosign 2 takes one for bundles only.
    pub(crate) fn verifying_args(
        &self,
        tool: Tool,
        way: Way,
        expecting: Expecting,
        root: &Path,
        image: &str,
    ) -> Vec<String> {
        let mut args = vec![command(way.what, "verify", "verify-attestation")];
        if way.what == What::Attestation {
            args.extend(["--type".to_owned(), KIND.to_owned()]);
        }
        args.extend(self.expected(way, expecting));
        args.extend(waived(way.recipe));
        match (tool, way.format) {
            (Tool::Cosign2, Format::Legacy) => args.push("--rekor-url=http://127.0.0.1:9".to_owned()),
            (Tool::Cosign2, Format::Bundle) => args.extend(["--new-bundle-format".to_owned(), trusting(root)]),
            (Tool::Cosign3, Format::Legacy) => args.extend(["--new-bundle-format=false".to_owned(), trusting(root)]),
            _ => args.push(trusting(root)),
        }
        // Rekor v2 tells no time, and cosign 2 has to be told that somebody else does.
        if tool == Tool::Cosign2 && way.by == By::Identity && is_rekor2(way.recipe) {
            args.push("--use-signed-timestamps".to_owned());
        }
        args.push(image.to_owned());
        args
    }

    fn run(&self, tool: Tool, format: Format, args: &[String]) -> Outcome {
        match tool {
            Tool::Sealgate => self.plain.run(PROGRAM, args),
            Tool::Cosign2 if format == Format::Legacy => self.told.run("cosign-2", args),
            Tool::Cosign2 => self.plain.run("cosign-2", args),
            Tool::Cosign3 if format == Format::Legacy && args.iter().any(|arg| arg == "--yes") => {
                self.told.run("cosign-3", args)
            }
            Tool::Cosign3 => self.plain.run("cosign-3", args),
        }
    }

    /// The services that a signing config names, and the root by which what they made is looked at once more.
    fn by_config(&self, tool: Tool, recipe: Recipe) -> Vec<String> {
        let mut args = vec!["--signing-config".to_owned(), shown(&self.sigstore.signing_config(recipe))];
        if tool == Tool::Cosign2 {
            args.push("--new-bundle-format".to_owned());
        }
        match (tool, recipe) {
            (Tool::Sealgate, Recipe::NoCt) => args.extend(["--insecure-skip-verify".to_owned(), self.own_root()]),
            // cosign has no flag to do without the log of certificates, and so gets nothing to look by.
            (_, Recipe::NoCt) => {}
            _ => args.push(self.own_root()),
        }
        args
    }

    /// The same services by their addresses, as cosign writes the older format.
    fn by_urls(&self, tool: Tool, way: Way) -> Vec<String> {
        let mut args = Vec::new();
        if tool == Tool::Cosign3 {
            args.extend(["--new-bundle-format=false", "--use-signing-config=false"].map(str::to_owned));
        }
        if way.by == By::Identity {
            args.push(format!("--fulcio-url={}", self.sigstore.fulcio()));
        }
        args.push(format!("--rekor-url={}", self.sigstore.log(peers::Log::Rekor1)));
        if way.recipe.is_timestamped() {
            args.push(format!("--timestamp-server-url={}", self.sigstore.timestamps()));
        }
        if way.recipe == Recipe::TsaOnly {
            args.push("--tlog-upload=false".to_owned());
        }
        args
    }

    fn expected(&self, way: Way, expecting: Expecting) -> Vec<String> {
        let stranger = expecting == Expecting::Stranger;
        let other_issuer = self.sigstore.identity(Subject::Workflow("shop/cart")).1;
        match way.by {
            By::Key => vec!["--key".to_owned(), self.file(if stranger { "stranger.pub" } else { "key.pub" })],
            By::Identity => {
                let (name, issuer) = self.sigstore.identity(if stranger { MALLORY } else { ALICE });
                let issuer = if expecting == Expecting::OtherIssuer { other_issuer } else { issuer };
                vec![format!("--certificate-identity={name}"), format!("--certificate-oidc-issuer={issuer}")]
            }
        }
    }

    fn own_root(&self) -> String {
        trusting(&self.sigstore.trusted_root())
    }

    /// How sealgate is told to sign an image with another signing config, and to look at what it made.
    pub(crate) fn signing_args(&self, way: Way, config: &Path, image: &str) -> Vec<String> {
        self.signing_args_of(ALICE, way, config, image)
    }

    /// The same in the name of somebody else.
    pub(crate) fn signing_args_of(&self, who: Subject<'_>, way: Way, config: &Path, image: &str) -> Vec<String> {
        let format = if way.format == Format::Legacy { "legacy" } else { "bundle" };
        let config = config.display().to_string();
        let mut args = ["sign", "--yes", "--format", format, "--signing-config", &config].map(str::to_owned).to_vec();
        args.extend(["--identity-token".to_owned(), self.sigstore.token(who), self.own_root(), image.to_owned()]);
        args
    }

    /// A client that knows nothing of the instance.
    pub(crate) fn plain(&self) -> &Client {
        &self.plain
    }

    /// A file of that name in a folder that goes with the stage.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        shown(&self.scratch(name))
    }
}

/// A client with these variables.
fn knowing(variables: &[(&'static str, String)]) -> Client {
    let mut client = Client::new();
    client.set("COSIGN_PASSWORD", "");
    variables.iter().for_each(|(name, value)| client.set(name, value));
    client
}

/// What a verifier must be told not to ask for.
fn waived(recipe: Recipe) -> Vec<String> {
    match recipe {
        Recipe::TsaOnly => vec!["--insecure-ignore-tlog=true".to_owned(), "--use-signed-timestamps".to_owned()],
        Recipe::NoCt => vec!["--insecure-ignore-sct=true".to_owned()],
        _ => Vec::new(),
    }
}

pub(crate) fn is_rekor2(recipe: Recipe) -> bool {
    matches!(recipe, Recipe::Rekor2 | Recipe::Rekor2Dsse)
}

fn command(what: What, signature: &str, attestation: &str) -> String {
    if what == What::Signature { signature.to_owned() } else { attestation.to_owned() }
}

fn trusting(root: &Path) -> String {
    format!("--trusted-root={}", shown(root))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
