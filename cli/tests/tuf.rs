//! Trust material by TUF, as the program has it: of a mirror on loopback, many at once, and in one cache with cosign.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

#[expect(dead_code, reason = "there is more to test of the library than of the program")]
#[path = "../../gate/tests/trust_caches/repository.rs"]
mod repository;
#[path = "../../gate/tests/trust_caches/server.rs"]
mod server;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use peers::{Client, Outcome, Registry};
use repository::Repository;
use server::Server;
use suites::layout_loader::CorpusLayout;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const CASE: &str = "c3-rekor1-tsa";
const ALICE: [&str; 4] =
    ["--certificate-identity", "alice@sealgate.test", "--certificate-oidc-issuer", "http://127.0.0.1:15001/email"];

/// An image that is signed without a key, and a mirror with the trusted root that it takes to verify it.
struct Stage {
    registry: Registry,
    server: Server,
    /// What the mirror runs in.
    _runtime: Runtime,
    repository: Repository,
    folder: TempDir,
}

impl Stage {
    /// Nothing, said, where there is no corpus.
    fn set_up() -> Option<Self> {
        let corpus = peers::corpus()?.join("golden-keyless");
        let text = |name: &str| fs::read_to_string(corpus.join(name)).unwrap();
        let (trusted_root, signing_config) = (text("trusted_root.json"), text("signing_config.rekor1-tsa.json"));
        let targets = [("trusted_root.json", &*trusted_root), ("signing_config.v0.2.json", &*signing_config)];
        let repository = Repository::new(&targets, false);
        let registry = Registry::sealgate(PROGRAM, &[]);
        CorpusLayout::open(&corpus.join("cases").join(CASE).join("layout")).push(&image(&registry));
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::start(&repository.files));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("root.json"), repository.root()).unwrap();
        Some(Self { registry, server, _runtime: runtime, repository, folder })
    }

    /// A client with this cache, which knows mirror and root, or has to find them there.
    fn client(&self, cache: &Path, knows: bool) -> Client {
        let mut client = Client::new();
        client.set("TUF_ROOT", &cache.display().to_string());
        if knows {
            client.set("TUF_MIRROR", self.server.address());
            client.set("TUF_ROOT_JSON", &self.root());
        }
        client
    }

    fn verify(&self, client: &Client, program: &str) -> Outcome {
        let image = format!("{}:v1", image(&self.registry));
        client.run(program, ["verify"].iter().chain(&ALICE).chain(&[image.as_str()]))
    }

    fn initialize(&self, client: &Client, program: &str) -> Outcome {
        client.run(program, ["initialize", "--mirror", self.server.address(), "--root", &self.root()])
    }

    /// The path of the root that the mirror is checked against.
    fn root(&self) -> String {
        self.folder.path().join("root.json").display().to_string()
    }

    /// A folder for a cache, which is not there yet.
    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Where the cache has the mirror's documents.
    fn kept(&self) -> PathBuf {
        self.cache().join(self.server.address().trim_start_matches("http://").replace(':', "-"))
    }

    /// Twenty programs verify at once, with one cache.
    fn twenty(&self) -> Vec<Outcome> {
        thread::scope(|scope| {
            let verify = || self.verify(&self.client(&self.cache(), true), PROGRAM);
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(verify)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn timestamps(&self) -> usize {
        self.server.asked().iter().filter(|path| *path == "timestamp.json").count()
    }
}

fn image(registry: &Registry) -> String {
    format!("{}/kl/{CASE}", registry.address())
}

fn contents(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

#[test]
fn twenty_at_once_fill_one_cache() {
    let Some(stage) = Stage::set_up() else { return };
    for outcome in stage.twenty() {
        assert!(outcome.success().contains("critical"));
    }
    let timestamps = stage.timestamps();
    assert!((1..=3).contains(&timestamps), "{timestamps} refreshes");
    for (kept, served) in
        [("timestamp.json", "timestamp.json"), ("snapshot.json", "1.snapshot.json"), ("targets.json", "1.targets.json")]
    {
        let kept = fs::read_to_string(stage.kept().join(kept)).unwrap();
        assert_eq!(kept, contents(&stage.repository.files, served));
    }
    stage.verify(&stage.client(&stage.cache(), true), PROGRAM).success();
    assert_eq!(stage.server.asked(), [""; 0], "what they left is whole");
    let names: Vec<_> = fs::read_dir(stage.kept()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 6, "four documents, two folders, and nothing by halves: {names:?}");
}

#[test]
fn twenty_at_once_refuse_a_stranger_s_mirror() {
    let Some(stage) = Stage::set_up() else { return };
    let stranger = Repository::new(&[("trusted_root.json", "{}")], false);
    stage.server.has(&stranger.files);
    for outcome in stage.twenty() {
        let said = outcome.failure(1);
        assert!(said.contains("is not valid: signature threshold not met for role timestamp: 0/1"), "{said}");
    }
    assert!(!stage.kept().exists(), "nothing of it is kept");
}

#[test]
fn initialized_mirror_needs_no_variable() {
    let Some(stage) = Stage::set_up() else { return };
    let client = stage.client(&stage.cache(), false);
    let said = stage.initialize(&client, PROGRAM);
    let wanted = format!("trust material of {} is cached in {}", stage.server.address(), stage.cache().display());
    assert!(said.stderr.contains(&wanted), "{said:?}");
    said.success();
    stage.server.asked();
    assert!(stage.verify(&client, PROGRAM).success().contains("critical"));
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[test]
fn named_root_wins_over_the_cached_one() {
    let Some(stage) = Stage::set_up() else { return };
    stage.initialize(&stage.client(&stage.cache(), false), PROGRAM).success();
    let other = stage.folder.path().join("other.json");
    fs::write(&other, Repository::new(&[], false).root()).unwrap();
    let mut client = stage.client(&stage.cache(), false);
    client.set("TUF_ROOT_JSON", &other.display().to_string());
    let said = stage.verify(&client, PROGRAM).failure(1);
    assert!(said.contains(&format!("trust material of TUF mirror {} is not valid", stage.server.address())), "{said}");
}

#[test]
fn root_of_another_checksum_sets_up_nothing() {
    let Some(stage) = Stage::set_up() else { return };
    let client = stage.client(&stage.cache(), false);
    let (mirror, root) = (stage.server.address(), stage.root());
    let args = ["initialize", "--mirror", mirror, "--root", &root, "--root-checksum"];
    let wrong = "0".repeat(64);
    let said = client.run(PROGRAM, args.iter().chain(&[wrong.as_str()])).failure(1);
    assert!(said.contains("--root-checksum: ") && said.contains(&format!("wanted sha256:{wrong}")), "{said}");
    assert_eq!(stage.server.asked(), [""; 0]);
    assert!(!stage.cache().exists());
    let right = oci::Digest::of(&fs::read(&root).unwrap());
    for checksum in [right.to_string(), right.hex().to_uppercase()] {
        client.run(PROGRAM, args.iter().chain(&[checksum.as_str()])).success();
    }
}

#[test]
fn mirror_without_a_root_names_the_way_out() {
    let Some(stage) = Stage::set_up() else { return };
    let mut client = stage.client(&stage.cache(), false);
    client.set("TUF_MIRROR", stage.server.address());
    let said = stage.verify(&client, PROGRAM).failure(1);
    assert!(said.contains(&format!("no TUF root for mirror {}", stage.server.address())), "{said}");
    assert!(said.contains("sealgate initialize --mirror URL --root FILE"), "{said}");
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[test]
fn cache_that_cosign_made_is_enough() {
    peers::require!("cosign-3");
    let Some(stage) = Stage::set_up() else { return };
    let client = stage.client(&stage.cache(), false);
    stage.initialize(&client, "cosign-3").success();
    assert!(stage.timestamps() > 0, "cosign asked the mirror");
    assert!(stage.verify(&client, PROGRAM).success().contains("critical"));
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[test]
fn cache_that_sealgate_made_is_enough_for_cosign() {
    peers::require!("cosign-3");
    let Some(stage) = Stage::set_up() else { return };
    let client = stage.client(&stage.cache(), false);
    stage.initialize(&client, PROGRAM).success();
    stage.server.asked();
    assert!(stage.verify(&client, "cosign-3").success().contains("critical"));
    let asked = stage.server.asked();
    assert!(!asked.iter().any(|path| path.starts_with("targets/")), "the targets are taken from the cache: {asked:?}");
    assert!(stage.verify(&client, PROGRAM).success().contains("critical"));
    assert_eq!(stage.server.asked(), [""; 0], "what cosign left is enough for us");
}
