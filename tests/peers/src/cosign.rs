//! cosign, old and new, always offline.
//!
//! Each version has its own set of flags that keep it from asking a log, a timestamp authority or a TUF
//! repository; they are all here, so that no test has to know them. The proxy of
//! [`command`](crate::command) stands behind them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::client::{Client, Outcome, finish};

/// One version of cosign with a private home.
#[derive(Debug)]
pub struct Cosign {
    version: Version,
    client: Client,
}

/// What cosign writes beside an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The tag `sha256-<hex>.sig` (`.att` for attestations).
    Legacy,
    /// A bundle as a referrer, or under the fallback tag.
    Bundle,
}

/// A key pair in cosign's files.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The encrypted private key.
    pub private: PathBuf,
    /// The public key, PEM.
    pub public: PathBuf,
    /// What the private key is encrypted with. A test's own, so it may be printed.
    pub password: String,
}

impl Cosign {
    /// The flags by which either version verifies without asking anybody but the registry, from its own home.
    ///
    /// With a trusted root both find out the format themselves; without one cosign 2 asks TUF.
    pub const VERIFYING_FLAGS: [&str; 3] = ["--insecure-ignore-tlog=true", "--trusted-root", TRUSTED_ROOT];

    /// cosign 2.6.5, installed as `cosign-2`.
    #[must_use]
    pub fn v2() -> Self {
        Self::new(Version::Two)
    }

    /// cosign 3.1.3, installed as `cosign-3`.
    #[must_use]
    pub fn v3() -> Self {
        Self::new(Version::Three)
    }

    fn new(version: Version) -> Self {
        let client = Client::new();
        fs::write(client.home().join(TRUSTED_ROOT), EMPTY_TRUSTED_ROOT).expect("a temporary folder can be written");
        fs::write(client.home().join(SIGNING_CONFIG), EMPTY_SIGNING_CONFIG).expect("a temporary folder can be written");
        Self { version, client }
    }

    /// The home it runs from.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The home it runs from, to give it a registry's password or another variable.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Makes a P-256 key pair, `<prefix>.key` and `<prefix>.pub`.
    ///
    /// # Panics
    /// If cosign fails.
    #[must_use]
    pub fn generate_key_pair(&self, prefix: &Path, password: &str) -> KeyPair {
        let args = args(["generate-key-pair", "--output-key-prefix"]).path(prefix);
        self.with_password(password, args).success();
        KeyPair::named(prefix, password)
    }

    /// Takes over a plain private key (PKCS#8, PKCS#1 or SEC1 PEM), as [`generate_key_pair`] writes it.
    ///
    /// # Panics
    /// If cosign fails.
    ///
    /// [`generate_key_pair`]: Self::generate_key_pair
    #[must_use]
    pub fn import_key_pair(&self, pem: &Path, prefix: &Path, password: &str) -> KeyPair {
        let args = args(["import-key-pair", "--yes", "--key"]).path(pem).all(["--output-key-prefix"]).path(prefix);
        self.with_password(password, args).success();
        KeyPair::named(prefix, password)
    }

    /// Signs an image, best named by its digest.
    pub fn sign(&self, format: Format, key: &KeyPair, image: &str, annotations: &[(&str, &str)]) -> Outcome {
        let mut args = args(["sign"]).all(self.signing_flags(format)).all(["--key"]).path(&key.private);
        for (name, value) in annotations {
            args = args.all(["-a", &format!("{name}={value}")]);
        }
        self.with_password(&key.password, args.all([image]))
    }

    /// Signs an image in the legacy format under another name than its own.
    pub fn sign_as(&self, key: &KeyPair, image: &str, name: &str) -> Outcome {
        let args = args(["sign"]).all(self.signing_flags(Format::Legacy)).all(["--key"]).path(&key.private);
        self.with_password(&key.password, args.all(["--sign-container-identity", name, image]))
    }

    /// Attests a predicate of a type that cosign knows (`spdxjson`, `vuln`, …) or a URI.
    pub fn attest(&self, format: Format, key: &KeyPair, image: &str, kind: &str, predicate: &Path) -> Outcome {
        let args = args(["attest"]).all(self.signing_flags(format)).all(["--key"]).path(&key.private);
        self.with_password(&key.password, args.all(["--type", kind, "--predicate"]).path(predicate).all([image]))
    }

    /// Verifies an image's signatures, of either format, by key and without a log. `extra` are more flags.
    pub fn verify(&self, public: &Path, image: &str, extra: &[&str]) -> Outcome {
        let args = args(["verify"]).all(Self::VERIFYING_FLAGS).all(["--key"]).path(public);
        self.run(args.all(extra).all([image]).0)
    }

    /// Verifies an image's attestations of that type, of either format, by key and without a log.
    pub fn verify_attestation(&self, public: &Path, image: &str, kind: &str, extra: &[&str]) -> Outcome {
        let args = args(["verify-attestation"]).all(Self::VERIFYING_FLAGS).all(["--type", kind, "--key"]).path(public);
        self.run(args.all(extra).all([image]).0)
    }

    /// Prints where an image's legacy signatures are.
    pub fn triangulate(&self, image: &str) -> Outcome {
        self.run(["triangulate", image])
    }

    /// Runs any other command. Here the caller has to bring the flags that keep it offline.
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.client.run(self.version.program(), args)
    }

    fn with_password(&self, password: &str, args: Args) -> Outcome {
        let mut command = self.client.prepare(self.version.program(), args.0);
        command.env("COSIGN_PASSWORD", password);
        finish(command, &[])
    }

    /// The flags by which this version signs in that format without asking anybody but the registry, from its own home.
    #[must_use]
    pub fn signing_flags(&self, format: Format) -> &'static [&'static str] {
        match (self.version, format) {
            (Version::Two, Format::Legacy) => &["--yes", "--tlog-upload=false"],
            (Version::Two, Format::Bundle) => &["--yes", "--tlog-upload=false", "--new-bundle-format"],
            (Version::Three, Format::Legacy) => {
                &["--yes", "--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"]
            }
            (Version::Three, Format::Bundle) => {
                &["--yes", "--signing-config", SIGNING_CONFIG, "--trusted-root", TRUSTED_ROOT]
            }
        }
    }
}

impl KeyPair {
    /// The files that cosign makes for that prefix.
    #[must_use]
    pub fn named(prefix: &Path, password: &str) -> Self {
        let with = |ending: &str| PathBuf::from(format!("{}.{ending}", prefix.display()));
        Self { private: with("key"), public: with("pub"), password: password.to_owned() }
    }
}

#[derive(Debug, Clone, Copy)]
enum Version {
    Two,
    Three,
}

impl Version {
    fn program(self) -> &'static str {
        match self {
            Self::Two => "cosign-2",
            Self::Three => "cosign-3",
        }
    }
}

/// An argument list in which words and paths mix.
struct Args(Vec<OsString>);

fn args<const N: usize>(words: [&str; N]) -> Args {
    Args(Vec::new()).all(words)
}

impl Args {
    fn all(mut self, words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.extend(words.into_iter().map(|word| OsString::from(word.as_ref())));
        self
    }

    fn path(mut self, path: &Path) -> Self {
        self.0.push(path.as_os_str().to_owned());
        self
    }
}

/// Names in the client's home, which is the folder that cosign runs in.
const TRUSTED_ROOT: &str = "trusted-root.json";
const SIGNING_CONFIG: &str = "signing-config.json";
const EMPTY_TRUSTED_ROOT: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;
const EMPTY_SIGNING_CONFIG: &str =
    r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
