//! Our registry as others use it: both Docker daemons, skopeo and crane push to it, pull from it and list it.

use std::path::Path;

use peers::{Docker, OLD_DOCKERD, ROOT, Registry, push_image, run};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn old_docker_pushes_and_pulls() {
    peers::require!(ROOT, OLD_DOCKERD, "docker", "crane");
    on_both_storages(|registry| docker_pushes_and_pulls(&Docker::old(), registry));
}

#[test]
fn new_docker_pushes_and_pulls() {
    peers::require!(ROOT, "dockerd", "containerd", "containerd-shim-runc-v2", "runc");
    peers::require!("docker", "crane");
    on_both_storages(|registry| docker_pushes_and_pulls(&Docker::new_(), registry));
}

/// Pulled from here, pushed here under another name, removed, and pulled again by the digest of the push.
fn docker_pushes_and_pulls(docker: &Docker, registry: &Registry) {
    let digest = push_image(registry, "shop/cart:1", "docker");
    let [first, copy] = ["cart:1", "copy:2"].map(|name| format!("{}/shop/{name}", registry.address()));
    let pulled = docker.docker(["pull", &first]).success();
    assert!(pulled.contains(&digest), "{pulled}");
    docker.docker(["tag", &first, &copy]).success();
    let said = docker.docker(["push", &copy]).success();

    let pushed = run("crane", ["digest", &copy]).success();
    assert!(said.contains(&pushed), "{said}: the registry has {pushed}");
    docker.docker(["rmi", &first, &copy]).success();
    let by_digest = format!("{}/shop/copy@{pushed}", registry.address());
    docker.docker(["pull", &by_digest]).success();
    let greeting = docker.docker(["run", "--rm", "--network", "none", &by_digest]).success();
    assert_eq!(greeting, "hello from docker");
    let missing = docker.docker(["pull", &format!("{copy}-missing")]).failure(1);
    assert!(missing.contains("manifest unknown") || missing.contains("not found"), "{missing}");
}

#[test]
fn skopeo_copies_an_image_in_and_out() {
    peers::require!("skopeo", "crane");
    on_both_storages(|registry| {
        let digest = push_image(registry, "shop/cart:1", "skopeo");
        let folder = tempfile::tempdir().unwrap();
        let [here, there] = ["cart:1", "copy:1"].map(|name| format!("docker://{}/shop/{name}", registry.address()));
        let layout = format!("oci:{}:cart", folder.path().join("layout").display());
        skopeo(&["copy", "--src-tls-verify=false", &here, &layout]);
        skopeo(&["copy", "--dest-tls-verify=false", &layout, &there]);
        let inspected: Value = serde_json::from_str(&skopeo(&["inspect", "--tls-verify=false", &there])).unwrap();
        assert_eq!(inspected["Digest"], digest);
    });
}

#[test]
fn skopeo_copies_an_index_with_all_its_platforms() {
    peers::require!("skopeo", "crane");
    on_both_storages(|registry| {
        let (_, children) = push_index(registry);
        let folder = tempfile::tempdir().unwrap();
        let [here, there] = ["multi:1", "copy:1"].map(|name| format!("docker://{}/shop/{name}", registry.address()));
        let layout = format!("oci:{}:multi", folder.path().join("layout").display());
        skopeo(&["copy", "--all", "--src-tls-verify=false", &here, &layout]);
        skopeo(&["copy", "--all", "--dest-tls-verify=false", &layout, &there]);
        // the index itself is rewritten on the way: this skopeo drops members that it does not know
        let copy = format!("{}/shop/copy", registry.address());
        let index: Value = serde_json::from_str(&run("crane", ["manifest", &format!("{copy}:1")]).success()).unwrap();
        let listed: Vec<_> = index["manifests"].as_array().unwrap().iter().map(|child| &child["digest"]).collect();
        assert_eq!(listed, children.each_ref());
        for child in children {
            run("crane", ["validate", "--remote", &format!("{copy}@{child}")]).success();
        }
    });
}

#[test]
fn crane_copies_an_index_with_all_its_platforms() {
    peers::require!("crane");
    on_both_storages(|registry| {
        let (index, children) = push_index(registry);
        let [here, copy] = ["multi", "copy"].map(|name| format!("{}/shop/{name}", registry.address()));
        run("crane", ["copy", &format!("{here}:1"), &format!("{copy}:1")]).success();
        assert_eq!(run("crane", ["digest", &format!("{copy}:1")]).success(), index);
        for child in children {
            run("crane", ["validate", "--remote", &format!("{copy}@{child}")]).success();
        }
    });
}

#[test]
fn crane_copies_lists_and_deletes() {
    peers::require!("crane");
    on_both_storages(|registry| {
        let digest = push_image(registry, "shop/cart:1", "crane");
        let repository = format!("{}/shop/cart", registry.address());
        let of = |tag: &str| format!("{repository}:{tag}");
        run("crane", ["copy", &of("1"), &of("2")]).success();
        run("crane", ["tag", &of("1"), "3"]).success();
        run("crane", ["copy", &of("1"), &format!("{}/other/place:1", registry.address())]).success();
        assert_eq!(run("crane", ["digest", &of("2")]).success(), digest);
        assert_eq!(run("crane", ["ls", &repository]).success(), "1\n2\n3");
        assert_eq!(run("crane", ["catalog", registry.address()]).success(), "other/place\nshop/cart");
        run("crane", ["validate", "--remote", &of("2")]).success();

        let error = run("crane", ["digest", &of("4")]).failure(1);
        assert!(error.contains("404"), "{error}");
        run("crane", ["delete", &format!("{repository}@{digest}")]).success();
        let error = run("crane", ["digest", &of("1")]).failure(1);
        assert!(error.contains("404"), "{error}");
    });
}

#[test]
fn a_folder_keeps_what_was_pushed_for_the_next_start() {
    peers::require!("crane");
    let folder = tempfile::tempdir().unwrap();
    let before = in_folder(folder.path());
    let digest = push_image(&before, "shop/cart:1", "kept");
    drop(before);
    let after = in_folder(folder.path());
    let image = format!("{}/shop/cart:1", after.address());
    assert_eq!(run("crane", ["digest", &image]).success(), digest);
    run("crane", ["validate", "--remote", &image]).success();
}

#[test]
fn memory_forgets_what_was_pushed() {
    peers::require!("crane");
    let before = Registry::sealgate(PROGRAM, &[]);
    let _ = push_image(&before, "shop/cart:1", "forgotten");
    assert!(before.requests().contains(&"PUT /v2/shop/cart/manifests/1 201".to_owned()), "{:#?}", before.requests());
    drop(before);
    let after = Registry::sealgate(PROGRAM, &[]);
    let error = run("crane", ["digest", &format!("{}/shop/cart:1", after.address())]).failure(1);
    assert!(error.contains("404"), "{error}");
}

/// Does it with a registry in memory, and with one in a folder.
fn on_both_storages(test: impl Fn(&Registry)) {
    test(&Registry::sealgate(PROGRAM, &[]));
    let folder = TempDir::new().expect("a temporary folder can be made");
    test(&in_folder(folder.path()));
}

fn in_folder(folder: &Path) -> Registry {
    Registry::sealgate(PROGRAM, &["--storage", &folder.join("storage").display().to_string()])
}

/// Pushes `shop/multi:1`, an index of two images; returns its digest and theirs.
fn push_index(registry: &Registry) -> (String, [String; 2]) {
    let children = ["one", "two"].map(|seed| push_image(registry, &format!("shop/multi:{seed}"), seed));
    let of = |tag: &str| format!("{}/shop/multi:{tag}", registry.address());
    run("crane", ["index", "append", "-m", &of("one"), "-m", &of("two"), "-t", &of("1")]).success();
    (run("crane", ["digest", &of("1")]).success(), children)
}

#[track_caller]
fn skopeo(args: &[&str]) -> String {
    run("skopeo", ["--insecure-policy"].iter().chain(args)).success()
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
