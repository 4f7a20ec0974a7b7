//! Both Docker daemons pull from a loopback registry, run what they pulled, and leave nothing behind.

mod leftovers;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use peers::{Docker, Engine, OLD_DOCKERD, ROOT, Registry, push_image};
use serde_json::json;

#[test]
fn old_daemon_pulls_and_runs() {
    peers::require!(ROOT, OLD_DOCKERD, "docker", "docker-registry", "crane");
    pulls_and_runs(Docker::old(), "20.10");
}

#[test]
fn new_daemon_pulls_and_runs() {
    peers::require!(ROOT, "dockerd", "containerd", "containerd-shim-runc-v2", "runc");
    peers::require!("docker", "docker-registry", "crane");
    pulls_and_runs(Docker::new_(), "29.");
}

fn pulls_and_runs(docker: Docker, version: &str) {
    let registry = Registry::debian();
    let digest = push_image(&registry, "shop/cart:1", version);
    let image = format!("{}/shop/cart:1", registry.address());
    assert!(docker.docker(["version", "--format", "{{.Server.Version}}"]).success().starts_with(version));
    let pulled = docker.docker(["pull", &image]).success();
    assert!(pulled.contains(&digest), "{pulled}");
    let said = docker.docker(["run", "--rm", "--network", "none", &image]).success();
    assert_eq!(said, format!("hello from {version}"));
    let error = docker.docker(["pull", &format!("{image}-missing")]).failure(1);
    assert!(error.contains("manifest unknown") || error.contains("not found"), "{error}");
    let error = docker.docker(["pull", "busybox"]).failure(1);
    assert!(error.contains("proxyconnect"), "looks outside: {error}");

    let folder = docker.socket().with_file_name("");
    assert!(folder.join("data").is_dir());
    drop(docker);
    leftovers::assert_none(&folder);
}

#[test]
fn daemon_has_its_own_settings_and_etc() {
    peers::require!(ROOT, OLD_DOCKERD, "docker");
    let docker = Docker::start(Engine::Old, &json!({ "labels": ["door=pull"] }));
    assert_eq!(docker.docker(["info", "--format", "{{.Labels}}"]).success(), "[door=pull]");
    let seen = Path::new("/proc").join(docker.process().pid().to_string()).join("root/etc/docker/only-here");
    fs::write(docker.etc().join("only-here"), "").unwrap();
    assert!(seen.exists());
    assert!(!Path::new("/etc/docker/only-here").exists());
}

#[test]
fn daemon_that_does_not_start_says_why() {
    peers::require!(ROOT, OLD_DOCKERD);
    let panic = catch_unwind(|| Docker::start(Engine::Old, &json!({ "no-such-setting": 1 }))).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains("Ended") && said.contains("no-such-setting"), "{said}");
}
