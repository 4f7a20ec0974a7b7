//! The images that are judged, and who signed them.

use std::{collections::BTreeMap, fs, sync::Arc};

use peers::{Client, Cosign, Format, Recipe, RefsOptions, Registry, Sigstore, push_image};
use suites::signers::KeyType;
use tempfile::TempDir;

use crate::signing::{ACCOUNT, By, CUSTOM, OTHER_ACCOUNT, Signing, What, With};
use Format::{Bundle, Legacy};

/// The images, and what they were signed with.
pub(crate) struct Shelf {
    pub(crate) sigstore: Arc<Sigstore>,
    registry: Registry,
    keys: TempDir,
    images: BTreeMap<String, String>,
}

impl Shelf {
    /// Nothing, said, where a peer is missing.
    pub(crate) fn set_up() -> Option<Self> {
        let others = ["crane", "registry-refs", "cosign-2", "openssl"];
        (peers::present(&Sigstore::PROGRAMS) && peers::present(&others)).then(Self::fill)
    }

    fn fill() -> Self {
        let sigstore = Sigstore::shared();
        let registry = Registry::refs(RefsOptions::default());
        let mut shelf = Self { sigstore, registry, keys: keys(), images: BTreeMap::new() };
        let elsewhere = format!("{}/{ELSEWHERE}", shelf.address());
        let sigstore = Arc::clone(&shelf.sigstore);
        let signing = Signing::new(&sigstore, shelf.keys.path(), &elsewhere);
        for (name, makings) in IMAGES {
            let repository = if name.starts_with("solver") { SOLVER.to_owned() } else { format!("demo/{name}") };
            let image = shelf.push(&repository, name);
            makings.iter().for_each(|(by, what, format, with)| signing.make(*by, *what, *format, *with, &image));
        }
        let image = shelf.push("demo/name-elsewhere", "name-elsewhere");
        signing.make_elsewhere(By::Name(ACCOUNT), &image);
        shelf.push_servers();
        shelf
    }

    /// The registry's address.
    pub(crate) fn address(&self) -> &str {
        self.registry.address()
    }

    /// The image of that name, by digest.
    pub(crate) fn reference(&self, name: &str) -> &str {
        self.images.get(name).unwrap_or_else(|| panic!("no image `{name}`"))
    }

    /// The public key of that name, in PEM.
    pub(crate) fn key(&self, name: &str) -> String {
        let path = self.keys.path().join(format!("{name}.pub"));
        fs::read_to_string(path).expect("cosign has written it")
    }

    fn push(&mut self, repository: &str, name: &str) -> String {
        let digest = push_image(&self.registry, &format!("{repository}:1"), name);
        let reference = format!("{}/{repository}@{digest}", self.address());
        self.images.insert(name.to_owned(), reference.clone());
        reference
    }

    /// Images that run as one user or another, and indexes of them.
    fn push_servers(&mut self) {
        let crane = Client::new();
        let repository = format!("{}/{SERVER}", self.address());
        let mut by_user = BTreeMap::new();
        for (name, user) in [("server", "65532"), ("server-root", "0")] {
            let image = self.push(SERVER, name);
            let tag = format!("{repository}:{name}");
            let pushed = crane.run("crane", ["mutate", "--user", user, "--tag", &tag, &image]).success();
            let arm = ["mutate", "--set-platform", "linux/arm/v7", "--tag", &format!("{tag}-arm"), &pushed];
            let arm = crane.run("crane", arm).success();
            by_user.insert(user, [pushed.clone(), arm]);
            self.images.insert(name.to_owned(), pushed);
        }
        for (name, arm) in [("server-index", "65532"), ("server-index-root", "0")] {
            let tag = format!("{repository}:{name}");
            let append = ["index", "append", "-m", &by_user["65532"][0], "-m", &by_user[arm][1], "-t", &tag];
            let pushed = crane.run("crane", append).success();
            self.images.insert(name.to_owned(), pushed);
        }
    }
}

/// A folder with key pairs.
fn keys() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let cosign = Cosign::v2();
    for name in ["team", "stranger"] {
        let _ = cosign.generate_key_pair(&folder.path().join(name), "");
    }
    let pem = folder.path().join("p521.pem");
    KeyType::P521.write_pem(&pem);
    let _ = cosign.import_key_pair(&pem, &folder.path().join("p521"), "");
    folder
}

type Making = (By, What, Format, With);

const TEAM: By = By::Key("team");
const STRANGER: By = By::Key("stranger");
const P521: By = By::Key("p521");
const NAME: By = By::Name(ACCOUNT);
const OTHER_NAME: By = By::Name(OTHER_ACCOUNT);
const LOGGED: With = With::Recipe(Recipe::Rekor1);
const STAMPED: With = With::Recipe(Recipe::TsaOnly);
const LOGGED_AND_STAMPED: With = With::Recipe(Recipe::Rekor1Tsa);
const SIGN: What = What::Signature;
const BY_KEY: What = What::Attestation(CUSTOM, "foobar key e2e test");
const BY_NAME: What = What::Attestation(CUSTOM, "foobar e2e test");
const OTHER_WORDS: What = What::Attestation(CUSTOM, "foobar");
const SCAN: What = What::Attestation("vuln", SCANNED);
const LATER_SCAN: What = What::Attestation("vuln", SCANNED_LATER);

/// Where the signature of one image is, in the same registry.
pub(crate) const ELSEWHERE: &str = "policy-controller/demo";

/// The repositories that policies name.
pub(crate) const SERVER: &str = "timestamp-server";
pub(crate) const SOLVER: &str = "cert-manager-acmesolver";

/// Names, and what is made for each.
const IMAGES: &[(&str, &[Making])] = &[
    ("unsigned", &[]),
    ("key", &[(TEAM, SIGN, Legacy, LOGGED)]),
    ("key-bundle", &[(TEAM, SIGN, Bundle, LOGGED)]),
    ("key-unlogged", &[(TEAM, SIGN, Legacy, With::Nothing)]),
    ("key-stranger", &[(STRANGER, SIGN, Legacy, LOGGED)]),
    ("key-stamped", &[(TEAM, SIGN, Legacy, STAMPED)]),
    ("key-stamped-bundle", &[(TEAM, SIGN, Bundle, STAMPED)]),
    ("key-stamped-stranger", &[(STRANGER, SIGN, Bundle, STAMPED)]),
    ("key-attested", &[(TEAM, BY_KEY, Legacy, LOGGED)]),
    ("key-attested-bundle", &[(TEAM, BY_KEY, Bundle, LOGGED)]),
    ("key-attested-unlogged", &[(TEAM, BY_KEY, Legacy, With::Nothing)]),
    ("key-attested-other", &[(TEAM, SIGN, Legacy, LOGGED), (TEAM, OTHER_WORDS, Legacy, LOGGED)]),
    ("key-attested-scan", &[(TEAM, SCAN, Bundle, LOGGED)]),
    ("key-attested-stranger", &[(STRANGER, BY_KEY, Bundle, LOGGED)]),
    ("name", &[(NAME, SIGN, Legacy, LOGGED)]),
    ("name-bundle", &[(NAME, SIGN, Bundle, LOGGED_AND_STAMPED)]),
    ("name-rekor2", &[(NAME, SIGN, Bundle, With::Recipe(Recipe::Rekor2))]),
    ("name-stranger", &[(OTHER_NAME, SIGN, Bundle, LOGGED)]),
    ("name-uncertified", &[(NAME, SIGN, Bundle, With::Recipe(Recipe::NoCt))]),
    ("name-attested", &[(NAME, BY_NAME, Legacy, LOGGED)]),
    ("name-attested-bundle", &[(NAME, BY_NAME, Bundle, LOGGED_AND_STAMPED)]),
    ("name-attested-other", &[(NAME, OTHER_WORDS, Bundle, LOGGED)]),
    ("name-attested-stranger", &[(OTHER_NAME, BY_NAME, Bundle, LOGGED)]),
    ("all", &[KEY_SIGNS, NAME_SIGNS, KEY_ATTESTS, NAME_ATTESTS, SCANNER_ATTESTS]),
    ("all-bundles", IN_BUNDLES),
    ("all-bundles-twice", IN_BUNDLES_TWICE),
    ("all-but-key", &[NAME_SIGNS, KEY_ATTESTS, NAME_ATTESTS, SCANNER_ATTESTS]),
    ("all-but-name", &[KEY_SIGNS, KEY_ATTESTS, NAME_ATTESTS, SCANNER_ATTESTS]),
    ("all-but-word", &[KEY_SIGNS, NAME_SIGNS, NAME_ATTESTS, SCANNER_ATTESTS]),
    ("all-but-scan", &[KEY_SIGNS, NAME_SIGNS, KEY_ATTESTS, NAME_ATTESTS]),
    ("all-scanned-later", &[KEY_SIGNS, NAME_SIGNS, KEY_ATTESTS, NAME_ATTESTS, (NAME, LATER_SCAN, Legacy, LOGGED)]),
    ("all-in-both", &[KEY_SIGNS, KEY_SIGNS_AGAIN, NAME_SIGNS, KEY_ATTESTS, NAME_ATTESTS, SCANNER_ATTESTS]),
    ("solver", &[(P521, SIGN, Legacy, With::Nothing)]),
    ("solver-unsigned", &[]),
    ("solver-stranger", &[(TEAM, SIGN, Legacy, With::Nothing)]),
];
const KEY_SIGNS: Making = (TEAM, SIGN, Legacy, LOGGED);
const KEY_SIGNS_AGAIN: Making = (TEAM, SIGN, Bundle, LOGGED);
const NAME_SIGNS: Making = (NAME, SIGN, Legacy, LOGGED);
const KEY_ATTESTS: Making = (TEAM, BY_KEY, Legacy, LOGGED);
const NAME_ATTESTS: Making = (NAME, BY_NAME, Legacy, LOGGED);
const SCANNER_ATTESTS: Making = (NAME, SCAN, Legacy, LOGGED);
const IN_BUNDLES: &[Making] = &[
    (TEAM, SIGN, Bundle, LOGGED),
    (NAME, SIGN, Bundle, LOGGED),
    (TEAM, BY_KEY, Bundle, LOGGED),
    (NAME, BY_NAME, Bundle, LOGGED),
    (NAME, SCAN, Bundle, LOGGED),
];
const IN_BUNDLES_TWICE: &[Making] =
    &[IN_BUNDLES[0], IN_BUNDLES[0], IN_BUNDLES[1], IN_BUNDLES[2], IN_BUNDLES[3], IN_BUNDLES[4]];

const SCANNED: &str = r#"{
    "invocation": { "uri": "invocation.example.com/cosign-testing" },
    "scanner": { "uri": "fakescanner.example.com/cosign-testing" },
    "metadata": { "scanStartedOn": "2022-04-12T00:00:00Z", "scanFinishedOn": "2022-04-12T00:10:00Z" }
}"#;
const SCANNED_LATER: &str = r#"{
    "invocation": { "uri": "invocation.example.com/cosign-testing" },
    "scanner": { "uri": "fakescanner.example.com/cosign-testing" },
    "metadata": { "scanStartedOn": "2022-04-16T00:00:00Z", "scanFinishedOn": "2022-04-16T00:10:00Z" }
}"#;
