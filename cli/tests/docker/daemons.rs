//! Which daemon is meant is found out as Docker's CLI finds it out.

use std::{
    fs, io,
    net::{Shutdown, TcpListener},
    os::unix::net::UnixStream,
    path::PathBuf,
    thread,
};

use peers::Engine;
use suites::shop::Shop;

use crate::gated_host::{GatedHost, require_daemons};

#[test]
fn environment_and_contexts_lead_to_the_daemon() {
    require_daemons!();
    let mut host = GatedHost::new(Engine::New, Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let _ = host.shop.signed("1");
    let (image, address) = (host.shop.image("1"), host.host());
    // The real program makes the context, in the folder that ours reads.
    let context = ["context", "create", "there", "--docker", &format!("host={address}")];
    let _ = host.shop.sealgate.client().run("docker", context).success();
    assert_pulls(&host, &["--context", "there", &image]);
    assert_pulls(&host, &["-c", "there", &image]);
    let _ = host.shop.sealgate.client().run("docker", ["context", "use", "there"]).success();
    assert_pulls(&host, &[&image]);
    let _ = host.shop.sealgate.client().run("docker", ["context", "use", "default"]).success();
    host.shop.sealgate.client_mut().set("DOCKER_CONTEXT", "there");
    assert_pulls(&host, &[&image]);
    host.shop.sealgate.client_mut().set("DOCKER_HOST", "unix:///no/such/socket");
    let said = host.pull_with(&[&image]).failure(1);
    assert!(said.contains("unix:///no/such/socket"), "DOCKER_HOST comes before DOCKER_CONTEXT: {said}");
    assert_pulls(&host, &["-H", &address, &image]);
    assert_pulls(&host, &["-c", "there", &image]);
}

#[test]
fn daemon_address_in_the_environment_is_used() {
    require_daemons!();
    let mut host = GatedHost::new(Engine::Old, Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let _ = host.shop.signed("1");
    let address = host.host();
    host.shop.sealgate.client_mut().set("DOCKER_HOST", &address);
    assert_pulls(&host, &[&host.shop.image("1")]);
}

#[test]
fn daemon_behind_a_tcp_address_is_used() {
    require_daemons!();
    let mut host = GatedHost::new(Engine::New, Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let _ = host.shop.signed("1");
    let (image, address) = (host.shop.image("1"), relay(host.docker.socket()));
    assert_pulls(&host, &["--host", &address, &image]);
    host.shop.sealgate.client_mut().set("DOCKER_HOST", &address);
    assert_pulls(&host, &[&image]);
}

/// Passes connections to a free port of loopback on to the socket, for as long as the test program runs.
fn relay(socket: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut daemon) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
            let (mut from_client, mut from_daemon) = (client.try_clone().unwrap(), daemon.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from_client, &mut daemon);
                let _ = daemon.shutdown(Shutdown::Write);
            });
            thread::spawn(move || {
                let _ = io::copy(&mut from_daemon, &mut client);
                let _ = client.shutdown(Shutdown::Write);
            });
        }
    });
    format!("tcp://{address}")
}

#[test]
fn wrong_daemons_are_named() {
    peers::require!("crane");
    let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
    let _ = shop.signed("1");
    let (image, policy) = (shop.image("1"), shop.policy_folder());
    let nobody = shop.folder().join("docker.sock");
    let dead = format!("unix://{}", nobody.display());
    let cases = [
        (vec!["-H", dead.as_str()], format!("cannot connect to the Docker daemon at {dead}")),
        (vec!["-H", "tcp://127.0.0.1:1"], "cannot connect to the Docker daemon at tcp://127.0.0.1:1".to_owned()),
        (vec!["-H", "ssh://somewhere"], "daemon address `ssh://somewhere` is not supported".to_owned()),
        (vec!["-c", "nowhere"], "context `nowhere` not found".to_owned()),
        (vec!["-c", "nowhere", "-H", dead.as_str()], "both a host and a context given".to_owned()),
    ];
    for (flags, wanted) in cases {
        let args = [&["pull", "--policy", &policy], flags.as_slice(), &[&image]].concat();
        let said = shop.sealgate.run(args).failure(1);
        assert!(said.contains(&wanted), "{flags:?}: {said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
    fs::write(&nobody, "no socket").unwrap();
    let said = shop.sealgate.run(["pull", "--policy", &policy, "-H", &dead, &image]).failure(1);
    assert!(said.contains(&format!("cannot connect to the Docker daemon at {dead}")), "{said}");
}

#[track_caller]
fn assert_pulls(host: &GatedHost, args: &[&str]) {
    let _ = host.pull_with(args).success();
    assert_eq!(host.images().len(), 1, "{args:?}: {:?}", host.images());
    host.forget_images();
}
