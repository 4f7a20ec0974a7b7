//! A Docker daemon, a shop full of images, and `sealgate pull` between them.

use peers::{Docker, Engine, Outcome};
use serde_json::json;
use suites::shop::Shop;

/// A daemon that has nothing yet, and a registry that has nothing yet.
pub(crate) struct GatedHost {
    pub(crate) docker: Docker,
    pub(crate) shop: Shop,
    pub(crate) engine: Engine,
}

impl GatedHost {
    pub(crate) fn new(engine: Engine, shop: Shop) -> Self {
        let docker = match engine {
            Engine::Old => Docker::old(),
            Engine::New => Docker::new_(),
        };
        Self { docker, shop, engine }
    }

    /// A new daemon that stores images as the old one does, as on hosts that were upgraded.
    pub(crate) fn upgraded(shop: Shop) -> Self {
        let settings = json!({ "features": { "containerd-snapshotter": false }, "storage-driver": "overlay2" });
        Self { docker: Docker::start(Engine::New, &settings), shop, engine: Engine::New }
    }

    /// `sealgate pull` into this daemon, by this shop's policy.
    pub(crate) fn pull(&self, args: &[&str]) -> Outcome {
        let host = self.host();
        self.pull_with(&[&["-H", &host], args].concat())
    }

    /// `sealgate pull` by this shop's policy.
    pub(crate) fn pull_with(&self, args: &[&str]) -> Outcome {
        let policy = self.shop.policy_folder();
        self.shop.sealgate.run([&["pull", "--policy", &policy], args].concat())
    }

    /// The daemon's address.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.docker.socket().display())
    }

    /// What `docker` prints, with this template for each thing.
    #[track_caller]
    pub(crate) fn docker(&self, args: &[&str], format: &str) -> String {
        self.docker.docker(args.iter().copied().chain(["--format", format])).success()
    }

    /// All images that the daemon has, as `repository:tag@digest`.
    #[track_caller]
    pub(crate) fn images(&self) -> Vec<String> {
        let listed = self.docker(&["images", "--all", "--digests"], "{{.Repository}}:{{.Tag}}@{{.Digest}}");
        listed.lines().map(str::to_owned).collect()
    }

    /// Has the daemon forget all its images.
    pub(crate) fn forget_images(&self) {
        let ids = self.docker(&["images", "--all"], "{{.ID}}");
        let args = ["rmi", "--force"].into_iter().chain(ids.lines());
        let _ = self.docker.docker(args).success();
    }

    /// The digests of an image's configuration and layers: what must be had to run it.
    pub(crate) fn content(&self, image: &str) -> Vec<String> {
        let manifest = self.shop.sealgate.client().run("crane", ["manifest", image]).success();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let digest = |descriptor: &serde_json::Value| descriptor["digest"].as_str().unwrap().to_owned();
        let layers = manifest["layers"].as_array().unwrap().iter().map(digest);
        std::iter::once(digest(&manifest["config"])).chain(layers).collect()
    }
}

/// Runs the test on both daemons, each with a shop of its own that is open to everybody.
#[expect(clippy::print_stdout, reason = "a failed test says on which daemon")]
pub(crate) fn on_both(test: impl Fn(&GatedHost)) {
    for engine in [Engine::Old, Engine::New] {
        println!("the daemon is {engine:?}");
        test(&GatedHost::new(engine, Shop::open(env!("CARGO_BIN_EXE_sealgate"))));
    }
}

/// Returns from the test that calls it unless everything for both daemons is there.
macro_rules! require_daemons {
    () => {
        peers::require!(peers::ROOT, peers::OLD_DOCKERD, "dockerd", "containerd", "containerd-shim-runc-v2", "runc");
        peers::require!("docker", "crane");
    };
}
pub(crate) use require_daemons;
