//! A registry with a password: what `docker login` left in config.json is used for the signature and by the daemon.

use std::fs;

use peers::{Engine, RefsOptions, Registry, push_image};
use suites::shop::Shop;

use crate::gated_host::{GatedHost, require_daemons};

#[test]
fn credentials_of_the_docker_configuration_reach_the_daemon() {
    require_daemons!();
    for engine in [Engine::Old, Engine::New] {
        let host = host(engine);
        let _ = host.shop.signed("1");
        let image = host.shop.image("1");
        let said = host.docker.docker(["pull", &image]).failure(1);
        assert!(said.contains("no basic auth credentials") || said.contains("401"), "{engine:?}: {said}");
        let _ = host.pull(&[&image]).success();
        let said = host.docker.docker(["run", "--rm", "--network", "none", &image]).success();
        assert_eq!(said, "hello from 1", "{engine:?}");
    }
}

#[test]
fn wrong_and_missing_passwords_are_the_reason_and_not_a_missing_signature() {
    require_daemons!();
    let host = host(Engine::New);
    let _ = host.shop.signed("1");
    let image = host.shop.image("1");
    host.shop.sealgate.log_in(host.shop.registry.address(), "ann", "a wrong one");
    let wrong = host.pull(&[&image]).failure(1);
    fs::remove_file(host.shop.sealgate.client().home().join("config.json")).unwrap();
    let missing = host.pull(&[&image]).failure(1);
    for said in [&wrong, &missing] {
        assert!(said.contains("could not decide") && !said.contains("no signatures"), "{said}");
        assert!(!said.contains("a wrong one"), "{said}");
    }
    assert_ne!(wrong, missing);
    assert!(host.images().is_empty());
}

#[test]
fn password_given_by_flags_reaches_the_daemon_too() {
    require_daemons!();
    let host = host(Engine::New);
    let _ = host.shop.signed("1");
    fs::remove_file(host.shop.sealgate.client().home().join("config.json")).unwrap();
    let flags = ["--registry-username", "ann", "--registry-password", PASSWORD, &host.shop.image("1")];
    let _ = host.pull(&flags).success();
    assert_eq!(host.images().len(), 1, "{:?}", host.images());
}

#[test]
fn authority_in_dockers_folder_is_used_by_both() {
    require_daemons!();
    peers::require!("registry-refs", "nsenter");
    let registry = Registry::refs(RefsOptions { tls: true, ..RefsOptions::default() });
    let authority = registry.authority().unwrap().certificate();
    let host = GatedHost::new(Engine::New, Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let digest = push_image(&registry, "shop/cart:1", "1");
    let image = format!("{}/shop/cart:1", registry.address());
    let ca = host.shop.folder().join("ca.pem");
    fs::write(&ca, authority).unwrap();
    let by_digest = format!("{}/shop/cart@{digest}", registry.address());
    host.shop.sign_elsewhere(&by_digest, &["--registry-cacert", &ca.display().to_string()]);
    let policy = host.shop.folder().join("elsewhere.json");
    let text = host.shop.policy().to_string();
    fs::write(&policy, text.replace(host.shop.registry.address(), registry.address())).unwrap();

    // In the daemon's mount namespace, where /etc/docker is a folder of its own.
    let namespace = format!("--mount=/proc/{}/ns/mnt", host.docker.process().pid());
    let pull = || {
        let (policy, host_flag) = (policy.display().to_string(), host.host());
        let sealgate = [host.shop.sealgate.program(), "pull", "--policy", &policy, "-H", &host_flag, &image];
        host.shop.sealgate.client().run("nsenter", [&[namespace.as_str()], sealgate.as_slice()].concat())
    };
    let said = pull().failure(1);
    assert!(said.contains("could not decide") && said.contains("certificate"), "{said}");
    let folder = host.docker.etc().join("certs.d").join(registry.address());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ca.crt"), authority).unwrap();
    let _ = pull().success();
    assert!(host.images().contains(&format!("{image}@{digest}")), "{:?}", host.images());
}

fn host(engine: Engine) -> GatedHost {
    GatedHost::new(engine, Shop::private(env!("CARGO_BIN_EXE_sealgate"), "ann", PASSWORD))
}

const PASSWORD: &str = "a shop's password: with a colon";
