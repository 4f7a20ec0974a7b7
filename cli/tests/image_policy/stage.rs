//! A registry, cosign with its keys, and the program with one policy.

use std::{collections::BTreeMap, fs, path::PathBuf};

use peers::{Cosign, Format, KeyPair, Outcome, push_image_from};
use suites::sealgate::{EmbeddedRegistry, Sealgate};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

pub(crate) struct Stage {
    pub(crate) sealgate: Sealgate,
    pub(crate) registry: EmbeddedRegistry,
    cosign: Cosign,
    keys: BTreeMap<&'static str, KeyPair>,
    root: Option<PathBuf>,
}

impl Stage {
    /// With keys of these names. Nothing, said, where a peer is missing.
    pub(crate) fn with_keys(names: &[&'static str]) -> Option<Self> {
        peers::present(&["cosign-3", "crane"]).then(|| {
            let (sealgate, mut cosign) = (Sealgate::new(PROGRAM), Cosign::v3());
            cosign.client_mut().set("COSIGN_PASSWORD", "");
            let registry = EmbeddedRegistry::start(&sealgate, &[]);
            let pair = |name: &&'static str| (*name, cosign.generate_key_pair(&cosign.client().home().join(name), ""));
            let keys = names.iter().map(pair).collect();
            Self { sealgate, registry, cosign, keys, root: None }
        })
    }

    /// The same, with this trusted root where the policy names none.
    pub(crate) fn with_root(self, root: PathBuf) -> Self {
        Self { root: Some(root), ..self }
    }

    /// The full name of `shop/cart:1`.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.address())
    }

    /// Pushes the image of this seed under this name; its full name by digest.
    pub(crate) fn push(&self, name: &str, seed: &str) -> String {
        let digest = push_image_from(self.sealgate.client(), &self.name(name), seed);
        self.by_digest(name, &digest)
    }

    /// The full name of what this tag's repository has under a digest.
    pub(crate) fn by_digest(&self, name: &str, digest: &str) -> String {
        format!("{}@{digest}", self.name(name.split(':').next().unwrap()))
    }

    /// Has cosign sign what is named by its digest, by the key of this name.
    pub(crate) fn sign(&self, key: &str, image: &str, annotations: &[(&str, &str)]) {
        self.cosign.sign(Format::Legacy, &self.keys[key], image, annotations).success();
    }

    /// Has cosign sign with services, by the key of this name or else as these further words say.
    pub(crate) fn sign_with(&self, key: Option<&str>, words: &[String], image: &str) {
        let key = key.map(|key| format!("--key={}", self.keys[key].private.display()));
        let words = ["sign", "--yes"].map(str::to_owned).into_iter().chain(key).chain(words.iter().cloned());
        self.cosign.run(words.chain([image.to_owned()])).success();
    }

    /// Runs crane, which copies and makes indexes.
    pub(crate) fn crane<const N: usize>(&self, words: [&str; N]) -> String {
        self.sealgate.client().run("crane", words).success()
    }

    /// An entry of `authorities` of this name with the key of that name, and these further fields.
    pub(crate) fn authority_of(&self, name: &str, key: &str, further: &str) -> String {
        let pem = fs::read_to_string(&self.keys[key].public).unwrap().replace('\n', "\\n");
        format!("{{name: {name}, key: {{data: \"{pem}\"}}{further}}}")
    }

    /// The same, named as its key.
    pub(crate) fn authority(&self, key: &str, further: &str) -> String {
        self.authority_of(key, key, further)
    }

    /// The id of a key, as revocations name it.
    pub(crate) fn key_id(&self, key: &str) -> String {
        let pem = fs::read_to_string(&self.keys[key].public).unwrap();
        keys::PublicKey::from_pem(pem.as_bytes()).unwrap().id().to_string()
    }

    /// Writes the one policy: for everything in the registry, with these fields.
    pub(crate) fn policy(&self, spec: &str) {
        self.write_policy(&format!("images: [{{glob: '{}/**'}}], {spec}", self.registry.address()));
    }

    /// Writes the one policy.
    pub(crate) fn write_policy(&self, spec: &str) {
        let text =
            format!("apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {{name: own}}\nspec: {{{spec}}}\n");
        fs::write(self.file("policy.yaml"), text).unwrap();
    }

    /// A file in the program's home.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.sealgate.client().home().join(name)
    }

    /// What the policy says about an image.
    pub(crate) fn check(&self, image: &str, flags: &[&str]) -> Outcome {
        let root = self.root.as_ref().map(|root| format!("--trusted-root={}", root.display()));
        let words = ["check", "--policy", "policy.yaml", image].into_iter().chain(flags.iter().copied());
        self.sealgate.run(words.chain(root.as_deref()))
    }

    /// What is said about an image that is let in.
    #[track_caller]
    pub(crate) fn allowed(&self, image: &str) -> String {
        let said = self.check(image, &[]).success();
        assert!(said.starts_with(&format!("allowed    {image} (")), "{said}");
        said
    }

    /// Checks that an image is refused, and that all of this is said about it.
    #[track_caller]
    pub(crate) fn refused(&self, image: &str, wanted: &[&str]) {
        let outcome = self.check(image, &[]);
        assert_eq!(outcome.code, 1, "{outcome:?}");
        assert!(outcome.stdout.starts_with(&format!("denied     {image} (")), "{}", outcome.stdout);
        assert!(outcome.stderr.ends_with(&format!("error: `{image}` is denied\n")), "{}", outcome.stderr);
        for words in wanted {
            assert!(outcome.stdout.contains(words), "{words}\n{}", outcome.stdout);
        }
    }

    /// Checks that no decision is possible about an image, for this reason.
    #[track_caller]
    pub(crate) fn undecided(&self, image: &str, wanted: &str) {
        let outcome = self.check(image, &[]);
        assert_eq!(outcome.code, 3, "{outcome:?}");
        assert!(outcome.stdout.starts_with(&format!("undecided  {image}\n")), "{}", outcome.stdout);
        assert!(outcome.stdout.contains(wanted), "{wanted}\n{}", outcome.stdout);
    }
}
