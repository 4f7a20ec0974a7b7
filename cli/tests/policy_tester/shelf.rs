//! The images that are judged, each signed in another way by real cosign, with keys and with the private Sigstore.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use peers::{Client, Cosign, Format, KeyPair, Log, Recipe, RefsOptions, Registry, Sigstore, Subject, push_image};
use serde_json::json;
use suites::signers::KeyType;
use tempfile::TempDir;

pub(crate) const ALICE: Subject<'static> = Subject::Email("alice@sealgate.test");
pub(crate) const RELEASE: Subject<'static> = Subject::Workflow("shop/cart");
/// The predicate type of the attestations about scans.
pub(crate) const SCAN: &str = "https://sealgate.test/scan/v1";
/// Before the tags of the signatures of one image.
pub(crate) const PREFIX: &str = "release-";
/// Where the signatures of one image are, in the same registry.
pub(crate) const ELSEWHERE: &str = "signatures";

/// All images, and who signed them.
pub(crate) struct Shelf {
    pub(crate) sigstore: Arc<Sigstore>,
    pub(crate) images: Vec<Image>,
    /// Serves the referrers API.
    registry: Registry,
    /// Does not, so that bundles are under the fallback tag.
    _older: Registry,
    keys: [KeyPair; 4],
    _folder: TempDir,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// By digest.
    pub(crate) reference: String,
}

/// One of the keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    /// Signs most images.
    Team,
    /// Signs one of them beside the other.
    Release,
    /// Signs one that nobody trusts it with.
    Stranger,
    /// Signs one, and is of another curve.
    P384,
}

impl Shelf {
    /// Nothing, said, where a peer is missing.
    pub(crate) fn set_up() -> Option<Self> {
        let others = ["crane", "registry-refs", "cosign-2", "policy-tester", "openssl"];
        (peers::present(&Sigstore::PROGRAMS) && peers::present(&others)).then(Self::fill)
    }

    fn fill() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let cosign = Cosign::v2();
        let [team, release, stranger] =
            ["team", "release", "stranger"].map(|name| cosign.generate_key_pair(&folder.path().join(name), ""));
        let keys = [team, release, stranger, p384(&cosign, folder.path())];
        let sigstore = Sigstore::shared();
        let registry = Registry::refs(RefsOptions::default());
        let older = Registry::refs(RefsOptions { referrers: false, ..RefsOptions::default() });
        let mut signing = Signing::new(&sigstore, &keys, folder.path());
        let mut images = Vec::new();
        for (name, sign) in IN_BOTH.iter().chain(IN_NEWER) {
            let image = push(&registry, name, name);
            sign(&mut signing, &image);
            images.push(image);
        }
        images.extend(indexes(&registry, &signing));
        for (name, sign) in IN_BOTH {
            let image = push(&older, name, &format!("{name}-older"));
            sign(&mut signing, &image);
            images.push(image);
        }
        Self { sigstore, images, registry, _older: older, keys, _folder: folder }
    }

    /// A public key, in PEM.
    pub(crate) fn key(&self, key: Key) -> String {
        fs::read_to_string(&self.keys[key as usize].public).expect("cosign has written it")
    }

    /// The address of the registry with most images.
    pub(crate) fn registry(&self) -> &str {
        self.registry.address()
    }

    /// The image of that name.
    pub(crate) fn reference(&self, name: &str) -> &str {
        let found = self.images.iter().find(|image| image.name == name);
        &found.expect("the image is on the shelf").reference
    }
}

fn p384(cosign: &Cosign, folder: &Path) -> KeyPair {
    let pem = folder.join("p384.pem");
    KeyType::P384.write_pem(&pem);
    cosign.import_key_pair(&pem, &folder.join("p384"), "")
}

fn push(registry: &Registry, repository: &str, name: &str) -> Image {
    let digest = push_image(registry, &format!("shop/{repository}:1"), name);
    let reference = format!("{}/shop/{repository}@{digest}", registry.address());
    Image { name: name.to_owned(), reference }
}

/// A signed index of an unsigned image, and an unsigned one of a signed image.
fn indexes(registry: &Registry, signing: &Signing<'_>) -> [Image; 2] {
    [("index", true), ("index-of-signed", false)].map(|(name, signed)| {
        let child = push(registry, name, name);
        let tag = format!("{}/shop/{name}:index", registry.address());
        let index = signing.plain.run("crane", ["index", "append", "-m", &child.reference, "-t", &tag]).success();
        let index = Image { name: name.to_owned(), reference: index };
        signing.by_key(Key::Team, Format::Legacy, if signed { &index } else { &child });
        index
    })
}

/// The programs that sign, and what they sign with.
struct Signing<'a> {
    sigstore: &'a Sigstore,
    keys: &'a [KeyPair; 4],
    folder: PathBuf,
    /// Told of the private Sigstore.
    told: Client,
    plain: Client,
    cosign2: Cosign,
    cosign3: Cosign,
    /// The image `key`, once it is signed.
    signed: Option<Image>,
}

impl<'a> Signing<'a> {
    fn new(sigstore: &'a Sigstore, keys: &'a [KeyPair; 4], folder: &Path) -> Self {
        let mut told = Client::new();
        told.set("COSIGN_PASSWORD", "");
        sigstore.environment().iter().for_each(|(name, value)| told.set(name, value));
        Self {
            sigstore,
            keys,
            folder: folder.to_owned(),
            told,
            plain: Client::new(),
            cosign2: Cosign::v2(),
            cosign3: Cosign::v3(),
            signed: None,
        }
    }

    fn by_key(&self, key: Key, format: Format, image: &Image) {
        let cosign = if format == Format::Legacy { &self.cosign2 } else { &self.cosign3 };
        cosign.sign(format, &self.keys[key as usize], &image.reference, &[]).success();
    }

    fn attest_by_key(&self, format: Format, kind: &str, predicate: &serde_json::Value, image: &Image) {
        let cosign = if format == Format::Legacy { &self.cosign2 } else { &self.cosign3 };
        let key = &self.keys[Key::Team as usize];
        cosign.attest(format, key, &image.reference, kind, &self.predicate(predicate)).success();
    }

    /// In the older format, by these flags and variables.
    fn by_cosign2(&self, flags: &[&str], image: &Image) {
        let key = self.keys[Key::Team as usize].private.display().to_string();
        let flags = ["sign", "--yes", "--key", &key].into_iter().chain(flags.iter().copied());
        self.told.run("cosign-2", flags.chain([image.reference.as_str()])).success();
    }

    /// What the older format is told of the services by.
    fn services(&self, recipe: Recipe) -> Vec<String> {
        let mut flags = vec![format!("--fulcio-url={}", self.sigstore.fulcio())];
        flags.push(format!("--rekor-url={}", self.sigstore.log(Log::Rekor1)));
        if recipe.is_timestamped() {
            flags.push(format!("--timestamp-server-url={}", self.sigstore.timestamps()));
        }
        if recipe.log().is_none() {
            flags.push("--tlog-upload=false".to_owned());
        }
        flags
    }

    fn by_name(&self, who: Subject<'_>, format: Format, recipe: Recipe, what: &[&str], image: &Image) {
        let token = self.sigstore.token(who);
        let mut args: Vec<String> = what.iter().map(|&word| word.to_owned()).collect();
        args.extend(["--yes".to_owned(), format!("--identity-token={token}")]);
        match format {
            Format::Legacy => args.extend(self.services(recipe)),
            Format::Bundle => {
                args.push(format!("--signing-config={}", self.sigstore.signing_config(recipe).display()));
                args.push(format!("--trusted-root={}", self.sigstore.trusted_root().display()));
            }
        }
        args.push(image.reference.clone());
        match format {
            Format::Legacy => self.told.run("cosign-2", args).success(),
            Format::Bundle => self.plain.run("cosign-3", args).success(),
        };
    }

    fn sign_by_name(&self, who: Subject<'_>, format: Format, recipe: Recipe, image: &Image) {
        self.by_name(who, format, recipe, &["sign"], image);
    }

    fn attest_by_name(&self, format: Format, found: u32, image: &Image) {
        let predicate = self.predicate(&scan(found)).display().to_string();
        let what = ["attest", "--type", SCAN, "--predicate", &predicate];
        self.by_name(ALICE, format, Recipe::Rekor1Tsa, &what, image);
    }

    fn predicate(&self, predicate: &serde_json::Value) -> PathBuf {
        let path = self.folder.join("predicate.json");
        fs::write(&path, predicate.to_string()).expect("a temporary folder can be written");
        path
    }

    /// Puts the signatures of another image where this one's belong.
    fn copy_signatures(&self, image: &Image) {
        let from = signature_tag(&self.signed.as_ref().expect("that image comes first").reference);
        self.plain.run("crane", ["copy", &from, &signature_tag(&image.reference)]).success();
    }
}

fn signature_tag(reference: &str) -> String {
    let (repository, digest) = reference.split_once('@').expect("images are named by digest");
    format!("{repository}:{}.sig", digest.replace(':', "-"))
}

/// What a scan says.
fn scan(found: u32) -> serde_json::Value {
    json!({
        "found": found, "scanner": { "name": "grype", "version": "0.80.1" }, "at": "2026-11-20T10:00:00Z",
        "ignored": ["CVE-2026-1", "CVE-2026-2"],
    })
}

/// What `cosign attest --type vuln` takes.
fn vulnerabilities() -> serde_json::Value {
    json!({
        "invocation": { "parameters": null, "uri": "", "event_id": "", "builder.id": "" },
        "scanner": { "uri": "pkg:github/aquasecurity/trivy", "version": "0.50", "db": { "uri": "", "version": "" },
            "result": { "vulnerabilities": [] } },
        "metadata": { "scanStartedOn": "2026-11-20T10:00:00Z", "scanFinishedOn": "2026-11-20T10:01:00Z" },
    })
}

type Sign = fn(&mut Signing<'_>, &Image);

/// Bundles and what has none, in either registry.
const IN_BOTH: &[(&str, Sign)] = &[
    ("key-bundle", |signing, image| signing.by_key(Key::Team, Format::Bundle, image)),
    ("name-bundle", |signing, image| signing.sign_by_name(ALICE, Format::Bundle, Recipe::Rekor1Tsa, image)),
];

const IN_NEWER: &[(&str, Sign)] = &[
    ("unsigned", |_, _| {}),
    ("key", |signing, image| {
        signing.by_key(Key::Team, Format::Legacy, image);
        signing.signed = Some(image.clone());
    }),
    ("key-copied", |signing, image| signing.copy_signatures(image)),
    ("key-both-formats", |signing, image| {
        signing.by_key(Key::Team, Format::Legacy, image);
        signing.by_key(Key::Team, Format::Bundle, image);
    }),
    ("key-stranger", |signing, image| signing.by_key(Key::Stranger, Format::Legacy, image)),
    ("key-p384", |signing, image| signing.by_key(Key::P384, Format::Legacy, image)),
    ("key-two", |signing, image| {
        signing.by_key(Key::Team, Format::Legacy, image);
        signing.by_key(Key::Release, Format::Legacy, image);
    }),
    ("key-logged", |signing, image| {
        let services = signing.services(Recipe::Rekor1Tsa);
        signing.by_cosign2(&[&services[1], &services[2]], image);
    }),
    ("key-prefix", |signing, image| {
        signing.by_cosign2(&["--tlog-upload=false", "--attachment-tag-prefix", PREFIX], image);
    }),
    ("key-elsewhere", |signing, image| {
        let (registry, _) = image.reference.split_once('/').expect("images are named with their registry");
        let mut cosign = Cosign::v2();
        cosign.client_mut().set("COSIGN_REPOSITORY", &format!("{registry}/{ELSEWHERE}"));
        cosign.sign(Format::Legacy, &signing.keys[0], &image.reference, &[]).success();
    }),
    ("name", |signing, image| signing.sign_by_name(ALICE, Format::Legacy, Recipe::Rekor1Tsa, image)),
    ("name-release", |signing, image| signing.sign_by_name(RELEASE, Format::Legacy, Recipe::Rekor1, image)),
    ("name-unlogged", |signing, image| signing.sign_by_name(ALICE, Format::Legacy, Recipe::TsaOnly, image)),
    ("attested", |signing, image| {
        signing.attest_by_key(Format::Legacy, SCAN, &scan(0), image);
        signing.attest_by_key(Format::Legacy, "vuln", &vulnerabilities(), image);
    }),
    ("attested-bad", |signing, image| signing.attest_by_key(Format::Legacy, SCAN, &scan(3), image)),
    ("attested-bundle", |signing, image| signing.attest_by_key(Format::Bundle, SCAN, &scan(0), image)),
    ("attested-name", |signing, image| signing.attest_by_name(Format::Legacy, 0, image)),
    ("attested-name-bundle", |signing, image| signing.attest_by_name(Format::Bundle, 3, image)),
];
