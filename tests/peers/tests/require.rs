//! A missing peer skips a test, and fails it where peers are required.

use std::env;
use std::process::{Command, Output};

#[test]
#[ignore = "the tests below run it"]
fn needs_what_nobody_has() {
    peers::require!("no-such-peer");
    panic!("went on without the peer");
}

#[test]
fn missing_peer_skips_the_test_and_says_so() {
    let output = run_the_needy_test(None);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("skipped: no-such-peer is missing; run tests/peers/install.sh"), "{said}");
}

#[test]
fn missing_peer_fails_the_test_where_peers_are_required() {
    let output = run_the_needy_test(Some("1"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("no-such-peer is missing") && !said.contains("skipped"), "{said}");
}

fn run_the_needy_test(required: Option<&str>) -> Output {
    let mut command = Command::new(env::current_exe().expect("this test is a program"));
    command.args(["--ignored", "--exact", "--nocapture", "needs_what_nobody_has"]);
    command.env_remove("SEALGATE_REQUIRE_PEERS");
    command.envs(required.map(|value| ("SEALGATE_REQUIRE_PEERS", value)));
    command.output().expect("this test is a program")
}
