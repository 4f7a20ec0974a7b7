//! Eight people sign one image at once, each with a certificate of their own: every signature is found.

use std::{collections::BTreeSet, sync::Barrier, thread};

use peers::{Client, Format, Outcome, Recipe, Registry, Subject, push_image};
use serde_json::Value;

use crate::stage::{By::Identity, PROGRAM, Stage, Way, What::Signature};

#[test]
fn bundles_with_rekor_1() {
    race(Format::Bundle, Recipe::Rekor1);
}

#[test]
fn bundles_with_rekor_2_and_a_timestamp() {
    race(Format::Bundle, Recipe::Rekor2);
}

#[test]
fn legacy_signatures_with_rekor_1() {
    race(Format::Legacy, Recipe::Rekor1);
}

fn race(format: Format, recipe: Recipe) {
    let Some(stage) = Stage::set_up() else { return };
    // Its manifests can be written on condition, as a list under a tag must be to lose nothing.
    let registry = Registry::sealgate(PROGRAM, &["--latency", "20ms"]);
    let name = format!("race/{format:?}/{}", recipe.name()).to_lowercase();
    let digest = push_image(&registry, &format!("{name}:1"), &name);
    let image = format!("{}/{name}@{digest}", registry.address());
    let way = Way { what: Signature, by: Identity, format, recipe };
    for (signer, outcome) in sign_at_once(&stage, way, &image).into_iter().enumerate() {
        assert_eq!(outcome.code, 0, "signer {signer}: {outcome:?}");
    }
    assert_eq!(found(&stage, &image), people().collect());
}

/// All of them as nearly at the same time as processes can.
fn sign_at_once(stage: &Stage, way: Way, image: &str) -> Vec<Outcome> {
    let config = stage.sigstore.signing_config(way.recipe);
    let barrier = Barrier::new(SIGNERS);
    thread::scope(|scope| {
        let start = |person: String| {
            let (barrier, config) = (&barrier, &config);
            scope.spawn(move || {
                let args = stage.signing_args_of(Subject::Email(&person), way, config, image);
                barrier.wait();
                Client::new().run(PROGRAM, args)
            })
        };
        let signing: Vec<_> = people().map(start).collect();
        signing.into_iter().map(|thread| thread.join().expect("a signer does not panic")).collect()
    })
}

/// The names on the good signatures; one that appears twice, or is not good, is a failure.
fn found(stage: &Stage, image: &str) -> BTreeSet<String> {
    let root = stage.sigstore.trusted_root();
    let issuer = stage.sigstore.identity(Subject::Email("anybody")).1;
    let args = ["verify", "--certificate-identity-regexp", "^[a-z0-9]+@sealgate[.]test$", "--certificate-oidc-issuer"];
    let args = args.map(str::to_owned).into_iter().chain([issuer, format!("--trusted-root={}", root.display())]);
    let said = stage.plain().run(PROGRAM, args.chain([image.to_owned()])).success();
    let proofs: Vec<Value> = serde_json::from_str(&said).expect("verify prints JSON");
    // The name, then who vouched for it.
    let name = |proof: &Value| Some(proof["sealgate"]["signer"].as_str()?.split_once(' ')?.0.to_owned());
    let names: Vec<_> = proofs.iter().map(name).collect();
    let distinct: BTreeSet<_> = names.iter().flatten().cloned().collect();
    assert_eq!(names.len(), distinct.len(), "{said}");
    distinct
}

fn people() -> impl Iterator<Item = String> {
    (1..=SIGNERS).map(|number| format!("signer{number}@sealgate.test"))
}

const SIGNERS: usize = 8;
