//! A repository of images in each state that a gate must tell apart, and the policy that lets in only the good ones.
//!
//! Each image is named by its tag and, run, prints `hello from <tag>`. The keys are made by the program under test
//! and used by cosign too.

use std::{fs, path::Path};

use peers::{Cosign, Format, KeyPair, push_image_from};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sealgate::{EmbeddedRegistry, Sealgate};

/// A registry with the repository `shop/cart`, a key that the policy trusts and one that it does not.
#[derive(Debug)]
pub struct Shop {
    /// Runs with the registry's password, if it has one.
    pub sealgate: Sealgate,
    /// The registry.
    pub registry: EmbeddedRegistry,
    own: KeyPair,
    rival: KeyPair,
    folder: TempDir,
}

impl Shop {
    /// An empty one, open to everybody.
    ///
    /// # Panics
    /// If the program under test does not make keys or does not serve.
    #[must_use]
    pub fn open(program: &str) -> Self {
        Self::with(Sealgate::new(program), &[])
    }

    /// An empty one whose registry asks for this user and password.
    ///
    /// # Panics
    /// If the program under test does not make keys or does not serve.
    #[must_use]
    pub fn private(program: &str, user: &str, password: &str) -> Self {
        let shop = Self::with(Sealgate::new(program), &["--username", user, "--password", password]);
        shop.sealgate.log_in(shop.registry.address(), user, password);
        shop
    }

    fn with(mut sealgate: Sealgate, flags: &[&str]) -> Self {
        sealgate.client_mut().set("COSIGN_PASSWORD", PASSWORD);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let [own, rival] = ["own", "rival"].map(|name| new_key(&sealgate, &folder.path().join(name)));
        Self { registry: EmbeddedRegistry::start(&sealgate, flags), sealgate, own, rival, folder }
    }

    /// The image of that tag by its full name.
    #[must_use]
    pub fn image(&self, tag: &str) -> String {
        format!("{}:{tag}", self.repository())
    }

    /// The image of that tag by its digest: `repository@digest`.
    #[must_use]
    pub fn by_digest(&self, digest: &str) -> String {
        format!("{}@{digest}", self.repository())
    }

    /// `127.0.0.1:PORT/shop/cart`.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("{}/shop/cart", self.registry.address())
    }

    /// Pushes an image that nobody signs; returns its digest.
    ///
    /// # Panics
    /// If the registry does not take it.
    #[must_use]
    pub fn unsigned(&self, tag: &str) -> String {
        push_image_from(self.sealgate.client(), &self.image(tag), tag)
    }

    /// Pushes an image and signs it, as `sealgate sign` does it by default.
    ///
    /// # Panics
    /// If either fails.
    #[must_use]
    pub fn signed(&self, tag: &str) -> String {
        let digest = self.unsigned(tag);
        self.sign(&digest, &[]);
        digest
    }

    /// Signs what has this digest, with more flags.
    ///
    /// # Panics
    /// If that fails.
    pub fn sign(&self, digest: &str, flags: &[&str]) {
        self.sign_with(&self.own, digest, flags);
    }

    /// Signs an image of another registry, with more flags.
    ///
    /// # Panics
    /// If that fails.
    pub fn sign_elsewhere(&self, image: &str, flags: &[&str]) {
        self.sign_image(&self.own, image, flags);
    }

    /// Pushes an image and has a real cosign sign it.
    ///
    /// # Panics
    /// If either fails.
    #[must_use]
    pub fn signed_by(&self, cosign: &Cosign, format: Format, tag: &str) -> String {
        let digest = self.unsigned(tag);
        let _ = cosign.sign(format, &self.own, &self.by_digest(&digest), &[]).success();
        digest
    }

    /// Pushes an image and signs it with the key that the policy does not trust.
    ///
    /// # Panics
    /// If either fails.
    #[must_use]
    pub fn signed_by_rival(&self, tag: &str) -> String {
        let digest = self.unsigned(tag);
        self.sign_as_rival(&digest);
        digest
    }

    /// Signs what has this digest with the key that the policy does not trust.
    ///
    /// # Panics
    /// If that fails.
    pub fn sign_as_rival(&self, digest: &str) {
        self.sign_with(&self.rival, digest, &[]);
    }

    /// Pushes an image and puts the signature of another one where this one's would be.
    ///
    /// # Panics
    /// If any of that fails.
    #[must_use]
    pub fn with_a_moved_signature(&self, tag: &str) -> String {
        let digest = self.unsigned(tag);
        let other = self.unsigned(&format!("{tag}-origin"));
        self.sign(&other, &["--format", "legacy"]);
        let [from, to] =
            [&other, &digest].map(|digest| format!("{}:{}.sig", self.repository(), digest.replace(':', "-")));
        let _ = self.sealgate.client().run("crane", ["copy", &from, &to]).success();
        digest
    }

    /// Pushes and signs an image, then moves its tag to one that nobody signed; returns the digest there now.
    ///
    /// # Panics
    /// If any of that fails.
    #[must_use]
    pub fn swapped(&self, tag: &str) -> String {
        let _ = self.signed(tag);
        push_image_from(self.sealgate.client(), &self.image(tag), &format!("{tag} swapped"))
    }

    /// A policy for this registry: everything must be signed by the key of ours.
    #[must_use]
    pub fn policy(&self) -> Value {
        self.policy_by("own", &self.own)
    }

    /// The same with the rival's key.
    #[must_use]
    pub fn rival_policy(&self) -> Value {
        self.policy_by("rival", &self.rival)
    }

    fn policy_by(&self, name: &str, key: &KeyPair) -> Value {
        let key = fs::read_to_string(&key.public).expect("the key was made");
        json!({
            "apiVersion": "policy.sigstore.dev/v1beta1",
            "kind": "ClusterImagePolicy",
            "metadata": { "name": format!("signed-by-{name}") },
            "spec": {
                "images": [{ "glob": format!("{}/**", self.registry.address()) }],
                "authorities": [{ "name": name, "key": { "data": key } }],
            },
        })
    }

    /// A folder with the policy, `policy.json`.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn policy_folder(&self) -> String {
        let folder = self.folder.path().join("policies");
        fs::create_dir_all(&folder).expect("a temporary folder can be written");
        fs::write(folder.join("policy.json"), self.policy().to_string()).expect("a temporary folder can be written");
        folder.display().to_string()
    }

    /// A folder that lives as long as the shop.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn sign_with(&self, key: &KeyPair, digest: &str, flags: &[&str]) {
        self.sign_image(key, &self.by_digest(digest), flags);
    }

    fn sign_image(&self, key: &KeyPair, image: &str, flags: &[&str]) {
        let key = key.private.display().to_string();
        let _ = self.sealgate.run([&["sign", "--key", &key, image], flags].concat()).success();
    }
}

fn new_key(sealgate: &Sealgate, prefix: &Path) -> KeyPair {
    let _ = sealgate.run(["generate-key-pair", "--output-key-prefix", &prefix.display().to_string()]).success();
    KeyPair::named(prefix, PASSWORD)
}

const PASSWORD: &str = "a shop's own";
