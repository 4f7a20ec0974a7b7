//! Signing without a key, killed at every request: what is left is nothing or a whole signature, and the next run
//! leaves exactly one, and nothing that could be taken for another.

use std::{fs, path::PathBuf};

use peers::{Format, Outcome, Recipe, RefsOptions, Registry, push_image, run};
use serde_json::Value;
use suites::{
    interrupter::{Interrupter, Moment},
    signers::Tool,
};

use crate::stage::{
    By::Identity,
    Expecting, PROGRAM, Stage, Way,
    What::{Attestation, Signature},
};

#[test]
fn bundle_with_rekor_1() {
    killed_everywhere("killed-bundle-1", Format::Bundle, Recipe::Rekor1);
}

#[test]
fn bundle_with_rekor_2_and_a_timestamp() {
    killed_everywhere("killed-bundle-2", Format::Bundle, Recipe::Rekor2);
}

#[test]
fn legacy_with_rekor_1_and_a_timestamp() {
    killed_everywhere("killed-legacy", Format::Legacy, Recipe::Rekor1Tsa);
}

fn killed_everywhere(name: &str, format: Format, recipe: Recipe) {
    let Some(stage) = Stage::set_up() else { return };
    let way = Way { what: Signature, by: Identity, format, recipe };
    let clean = Scene::new(&stage, way).undisturbed(&format!("{name}/clean"));
    let mut left = Vec::new();
    for request in 1..=clean {
        left.extend(Scene::new(&stage, way).killed(
            &format!("{name}/before-{request}"),
            Moment::Before(request),
            request,
        ));
        left.extend(Scene::new(&stage, way).killed(
            &format!("{name}/after-{request}"),
            Moment::After(request),
            request,
        ));
    }
    // Two blobs are pushed side by side, and whether both ask the same first question is chance.
    assert!(left.len() >= 2 * (clean - 1), "{} of {} runs were killed", left.len(), 2 * clean);
    let whole: usize = left.iter().sum();
    // Where the registry has taken what refers to the rest, and before it has not.
    assert!((1..clean).contains(&whole), "{whole} of {} killed runs had signed", 2 * clean);
}

/// A registry of its own, since what one image left there would spare the next its requests, and proxies in front of
/// it and of all services.
struct Scene<'a> {
    stage: &'a Stage,
    way: Way,
    registry: Registry,
    proxies: Interrupter,
    /// Where the proxy in front of the registry is.
    through: String,
    config: PathBuf,
}

impl<'a> Scene<'a> {
    fn new(stage: &'a Stage, way: Way) -> Self {
        let (registry, proxies) = (Registry::refs(RefsOptions::default()), Interrupter::new());
        let through = proxies.in_front_of(registry.address());
        let config = config_through(&proxies, stage, way.recipe, &through);
        Self { stage, way, registry, proxies, through, config }
    }

    /// Signs, and says how many requests that takes.
    fn undisturbed(&self, name: &str) -> usize {
        let image = self.push(name);
        self.sign(&image, Moment::Never).success();
        let requests = self.proxies.requests();
        assert_eq!(self.logged(), 1, "{:?}", self.proxies.passed());
        self.one_signature(name, &image);
        requests
    }

    /// Signs, killed at this moment of this request, then once more in peace. Returns how many signatures the first run
    /// left; nothing, if it ended without making so many requests.
    fn killed(&self, name: &str, moment: Moment, request: usize) -> Option<usize> {
        let image = self.push(name);
        let first = self.sign(&image, moment);
        if self.proxies.requests() < request {
            assert_eq!(first.code, 0, "{name}: {}", first.stderr);
            self.one_signature(name, &image);
            return None;
        }
        assert_eq!(first.code, 128 + 9, "{name}: the first run was not killed: {}", first.stderr);
        let logged = self.logged();
        let left = self.left_by_the_killed(name, &image);
        self.sign(&image, Moment::Never).success();
        self.one_signature(name, &image);
        let more = self.logged();
        assert!(logged <= 1, "{name}: the first run made {logged} entries");
        assert_eq!(more, 1 - left, "{name}: the second run made {more} entries: {:?}", self.proxies.passed());
        Some(left)
    }

    fn push(&self, name: &str) -> String {
        let digest = push_image(&self.registry, &format!("{name}:1"), name);
        format!("{}/{name}@{digest}", self.registry.address())
    }

    /// One run through the proxies.
    fn sign(&self, image: &str, moment: Moment) -> Outcome {
        self.proxies.arm(moment);
        let image = image.replace(self.registry.address(), &self.through);
        let args = self.stage.signing_args(self.way, &self.config, &image);
        self.stage.plain().run_watched(PROGRAM, args, |pid| self.proxies.watch(pid))
    }

    /// How many entries the log took in this run, whether or not the run heard of it.
    fn logged(&self) -> usize {
        let entry = |target: &str| target.ends_with("/log/entries");
        self.proxies
            .passed()
            .iter()
            .filter(|one| one.method == "POST" && entry(&one.target) && one.status == 201)
            .count()
    }

    /// A whole signature, or none; never one that is there and does not count.
    fn left_by_the_killed(&self, name: &str, image: &str) -> usize {
        let found = self.stage.verify(Tool::Sealgate, self.way, Expecting::Signer, image);
        let left = match found.code {
            0 => proofs(&found),
            10 => 0,
            _ => panic!("{name}: wanted a signature or none: {found:?}"),
        };
        assert_eq!(self.stored(image), left, "{name}");
        left
    }

    /// There is one, it is good for all three programs, and it is nobody else's and nothing else.
    fn one_signature(&self, name: &str, image: &str) {
        assert_eq!(self.stored(image), 1, "{name}");
        for verifier in Tool::ALL {
            let found = self.stage.verify(verifier, self.way, Expecting::Signer, image);
            assert_eq!((found.code, proofs(&found)), (0, 1), "{name}: {}: {found:?}", verifier.name());
        }
        let refused = |way, expecting| self.stage.verify(Tool::Sealgate, way, expecting, image);
        let _ = refused(self.way, Expecting::Stranger).failure(12);
        let as_attestation = refused(Way { what: Attestation, ..self.way }, Expecting::Signer);
        assert!(as_attestation.stderr.contains("no attestations"), "{name}: {as_attestation:?}");
        let _ = as_attestation.failure(10);
    }

    /// How many signatures the registry has for the image, good or not.
    fn stored(&self, image: &str) -> usize {
        let (repository, digest) = image.split_once('@').expect("images are named by digest");
        match self.way.format {
            Format::Legacy => layers(&format!("{repository}:{}.sig", digest.replace(':', "-"))),
            Format::Bundle => self.registry.referrers(image).len(),
        }
    }
}

/// Of the manifest under this tag; none where there is none.
fn layers(tag: &str) -> usize {
    let manifest = run("crane", ["manifest", tag]);
    if manifest.code != 0 {
        assert!(manifest.stderr.contains("MANIFEST_UNKNOWN"), "{manifest:?}");
        return 0;
    }
    let manifest: Value = serde_json::from_str(&manifest.stdout).expect("a manifest is JSON");
    manifest["layers"].as_array().expect("a manifest has layers").len()
}

/// How many signatures were printed: cosign prints legacy ones as one list, and so does sealgate everything.
fn proofs(found: &Outcome) -> usize {
    serde_json::from_str::<Vec<Value>>(found.stdout.trim()).map_or(0, |proofs| proofs.len())
}

/// The signing config with a proxy in front of each service that signing talks to.
fn config_through(proxies: &Interrupter, stage: &Stage, recipe: Recipe, name: &str) -> PathBuf {
    let text = fs::read_to_string(stage.sigstore.signing_config(recipe)).expect("it is there");
    let mut config: Value = serde_json::from_str(&text).expect("it is JSON");
    for list in ["caUrls", "rekorTlogUrls", "tsaUrls"] {
        for service in config[list].as_array_mut().into_iter().flatten() {
            let (address, path) = split(service["url"].as_str().expect("services have addresses"));
            service["url"] = format!("http://{}{path}", proxies.in_front_of(address)).into();
        }
    }
    let path = stage.scratch(&format!("{name}.json"));
    fs::write(&path, config.to_string()).expect("a temporary folder can be written");
    path
}

/// Host and port of an address, and the path behind them.
fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").expect("the services of tests speak HTTP");
    rest.find('/').map_or((rest, ""), |at| rest.split_at(at))
}
