//! A registry with a password: what `docker login` left in config.json is used for the signature and by the daemon.

use std::fs;

use peers::Engine;
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

fn host(engine: Engine) -> GatedHost {
    GatedHost::new(engine, Shop::private(env!("CARGO_BIN_EXE_sealgate"), "ann", PASSWORD))
}

const PASSWORD: &str = "a shop's password: with a colon";
