//! How images are signed and attested: by cosign 2 in the older format, by cosign 3 in bundles, with the services of the
//! private Sigstore.

use std::{fs, path::Path};

use peers::{Client, Format, Log, Recipe, Sigstore, Subject};
use tempfile::TempDir;

/// Whom the policies expect, as their service account is spelt.
pub(crate) const ACCOUNT: Subject<'static> =
    Subject::Workload("kubernetes.io/namespaces/default/serviceaccounts/default");
/// Somebody else of the same issuer.
pub(crate) const OTHER_ACCOUNT: Subject<'static> =
    Subject::Workload("kubernetes.io/namespaces/other/serviceaccounts/default");
/// The type of attestations that cosign calls `custom`.
pub(crate) const CUSTOM: &str = "custom";

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// The key pair of that name.
    Key(&'static str),
    Name(Subject<'static>),
}

/// What is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Signature,
    /// Of that type, with this predicate.
    Attestation(&'static str, &'static str),
}

/// With which services; none where nobody but the key vouches.
#[derive(Debug, Clone, Copy)]
pub(crate) enum With {
    Recipe(Recipe),
    Nothing,
}

/// The programs that sign.
pub(crate) struct Signing<'a> {
    sigstore: &'a Sigstore,
    /// Told of the services by variables, as cosign 2 wants it.
    told: Client,
    /// The same, with another repository for signatures.
    elsewhere: Client,
    plain: Client,
    folder: TempDir,
}

impl<'a> Signing<'a> {
    /// With key pairs of these names in that folder. Signatures that belong elsewhere go to that repository.
    pub(crate) fn new(sigstore: &'a Sigstore, keys: &Path, elsewhere: &str) -> Self {
        let told = || {
            let mut client = with_keys(keys);
            sigstore.environment().iter().for_each(|(name, value)| client.set(name, value));
            client
        };
        let mut other = told();
        other.set("COSIGN_REPOSITORY", elsewhere);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { sigstore, told: told(), elsewhere: other, plain: with_keys(keys), folder }
    }

    /// Signs or attests an image.
    pub(crate) fn make(&self, by: By, what: What, format: Format, with: With, image: &str) {
        let args = self.args(by, what, format, with, image);
        match format {
            Format::Legacy => self.told.run("cosign-2", args).success(),
            Format::Bundle => self.plain.run("cosign-3", args).success(),
        };
    }

    /// Signs an image in the older format, and puts the signature elsewhere.
    pub(crate) fn make_elsewhere(&self, by: By, image: &str) {
        let args = self.args(by, What::Signature, Format::Legacy, With::Recipe(Recipe::Rekor1), image);
        self.elsewhere.run("cosign-2", args).success();
    }

    fn args(&self, by: By, what: What, format: Format, with: With, image: &str) -> Vec<String> {
        let mut args = self.what(what);
        args.push("--yes".to_owned());
        args.extend(match by {
            By::Key(name) => ["--key".to_owned(), format!("{name}.key")],
            By::Name(subject) => ["--identity-token".to_owned(), self.sigstore.token(subject)],
        });
        args.extend(match format {
            Format::Legacy => self.by_urls(by, with),
            Format::Bundle => self.by_config(with),
        });
        args.push(image.to_owned());
        args
    }

    fn what(&self, what: What) -> Vec<String> {
        match what {
            What::Signature => vec!["sign".to_owned()],
            What::Attestation(kind, predicate) => {
                let path = self.folder.path().join("predicate");
                fs::write(&path, predicate).expect("a temporary folder can be written");
                ["attest", "--type", kind, "--predicate", &path.display().to_string()].map(str::to_owned).to_vec()
            }
        }
    }

    fn by_urls(&self, by: By, with: With) -> Vec<String> {
        let With::Recipe(recipe) = with else { return vec!["--tlog-upload=false".to_owned()] };
        let mut args = vec![format!("--rekor-url={}", self.sigstore.log(Log::Rekor1))];
        if matches!(by, By::Name(_)) {
            args.push(format!("--fulcio-url={}", self.sigstore.fulcio()));
        }
        if recipe.is_timestamped() {
            args.push(format!("--timestamp-server-url={}", self.sigstore.timestamps()));
        }
        if recipe.log().is_none() {
            args.push("--tlog-upload=false".to_owned());
        }
        args
    }

    fn by_config(&self, with: With) -> Vec<String> {
        let With::Recipe(recipe) = with else { unreachable!("every bundle here is made with some service") };
        let mut args = vec![format!("--signing-config={}", self.sigstore.signing_config(recipe).display())];
        // cosign has no flag to do without the log of certificates, and so gets nothing to look by.
        if recipe != Recipe::NoCt {
            args.push(format!("--trusted-root={}", self.sigstore.trusted_root().display()));
        }
        args
    }
}

/// A client that finds the keys in its home.
fn with_keys(keys: &Path) -> Client {
    let mut client = Client::new();
    client.set("COSIGN_PASSWORD", "");
    for entry in fs::read_dir(keys).expect("the keys are there") {
        let path = entry.expect("the keys are there").path();
        let name = path.file_name().expect("a file has a name");
        fs::copy(&path, client.home().join(name)).expect("a temporary folder can be written");
    }
    client
}
