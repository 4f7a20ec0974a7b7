//! `explain` with registries that answer, do not answer, and lie: absent, unreachable and invalid are three things.

use serde_json::{Value, json};
use suites::hostile::{Reply, Scene, Server, Shelf};

use peers::{Client, Outcome};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

/// The command on the scene's image, with the key that signed it.
fn explain(scene: &Scene, server: &Server, flags: &[&str]) -> Outcome {
    let client = Client::new();
    let pem = scene.key.public().to_pem();
    std::fs::write(client.home().join("team.pub"), &pem).expect("the home can be written");
    let policy = json!({
        "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": { "name": "shop" },
        "spec": { "images": [{ "glob": "**" }], "authorities": [{ "name": "team", "key": { "data": pem.as_str() } }] },
    });
    std::fs::write(client.home().join("policy.json"), policy.to_string()).expect("the home can be written");
    let name = Shelf::name(&server.address()).to_string();
    client.run(PROGRAM, ["explain"].into_iter().chain(flags.iter().copied()).chain([name.as_str()]))
}

const KEY: [&str; 3] = ["--private-infrastructure", "--key", "team.pub"];

#[test]
fn signature_by_the_key_passes_every_step_that_is_asked_for() {
    let scene = Scene::signed(PROGRAM);
    let server = scene.serve();
    let text = explain(&scene, &server, &KEY).success();
    for line in [
        "  signature tag: 1 found",
        "  attestation tag: nothing there",
        "  referrers: nothing there",
        "1. signature tag layer 0: genuine signature, by whom it should be",
        "     passed      read",
        "     not asked   log entry: none that counts",
        "     passed      signer: who was to have signed",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}:\n{text}");
    }
    let told: Value = serde_json::from_str(&explain(&scene, &server, &[&KEY[..], &["-o", "json"]].concat()).success())
        .expect("it is JSON");
    assert_eq!(told["pieces"][0]["unchecked"]["payload"]["digest"], scene.image.digest.to_string());
}

#[test]
fn nobody_needs_to_be_expected_or_trusted() {
    let scene = Scene::signed(PROGRAM);
    let server = scene.serve();
    let text = explain(&scene, &server, &["--private-infrastructure"]).success();
    assert!(text.contains("1. signature tag layer 0: does not count\n   says of itself, unchecked:\n"), "{text}");
    assert!(text.contains("   to count: --key with the public key of whoever made it: no certificate "), "{text}");
}

#[test]
fn absent_unreachable_and_invalid_are_told_apart() {
    let mut scene = Scene::unsigned(PROGRAM);
    let server = scene.serve();
    let absent = explain(&scene, &server, &KEY).success();
    assert!(absent.contains("  signature tag: nothing there\n") && !absent.contains("1. "), "{absent}");
    drop(server);
    scene.shelf.rule(|seen| seen.target.ends_with(".sig").then(|| Reply::status(429)));
    let server = scene.serve();
    let outcome = explain(&scene, &server, &KEY);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("  signature tag: could not be looked at: registry "), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("  attestation tag: nothing there\n"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("error: not everything could be looked at: ") && outcome.stderr.contains("429"));
    drop(server);
    let mut scene = Scene::unsigned(PROGRAM);
    let (_, layer) = scene.image.signature(&scene.key);
    scene.shelf.sig(&scene.image, &[layer]);
    let server = scene.serve();
    let invalid = explain(&scene, &server, &KEY);
    assert!(invalid.stdout.contains("1. signature tag layer 0: does not count\n"), "{}", invalid.stdout);
    assert!(invalid.stdout.contains("     failed      read: cannot be read: "), "{}", invalid.stdout);
    assert_eq!(invalid.code, 0, "{}", invalid.stderr);
}

#[test]
fn image_that_cannot_be_asked_for_is_not_explained() {
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.put(&scene.image.by_tag(), Reply::status(404));
    let server = scene.serve();
    let said = explain(&scene, &server, &KEY).failure(11);
    assert!(said.contains("does not exist in its registry"), "{said}");
    let client = Client::new();
    let said = client.run(PROGRAM, ["explain", "--private-infrastructure", "127.0.0.1:9/shop/cart:1"]).failure(1);
    assert!(said.contains("cannot be reached"), "{said}");
    let said = client.run(PROGRAM, ["explain", "--trusted-root", "absent", "127.0.0.1:9/shop/cart:1"]).failure(1);
    assert!(said.contains("loading trusted root: open absent: "), "{said}");
}

#[test]
fn policy_is_quoted_beside_what_was_found() {
    for (scene, word) in [(Scene::signed(PROGRAM), "allowed"), (Scene::unsigned(PROGRAM), "denied")] {
        let server = scene.serve();
        let flags = [&KEY[..], &["--policy", "policy.json"]].concat();
        let text = explain(&scene, &server, &flags).success();
        assert!(text.contains(&format!("\npolicy\n  {word} ")), "{text}");
        let told = explain(&scene, &server, &[&flags[..], &["-o", "json"]].concat()).success();
        let told: Value = serde_json::from_str(&told).expect("it is JSON");
        assert_eq!(told["policy"]["outcome"], if word == "allowed" { "allow" } else { "deny" });
    }
}
