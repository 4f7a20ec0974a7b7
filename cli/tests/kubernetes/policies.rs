//! The policy folder of a running webhook: edits are obeyed, broken edits change nothing.

use std::{fs, path::PathBuf};

use crate::cluster::{Gated, SOON, pod, require_cluster};

#[test]
fn edited_policy_is_obeyed_and_a_broken_one_changes_nothing() {
    require_cluster!();
    let mut gated = Gated::closed();
    let (_, _) = (gated.shop.signed("ours"), gated.shop.signed_by_rival("theirs"));
    assert_eq!(let_in(&gated), ["ours"]);

    write(&gated, &gated.shop.rival_policy().to_string());
    wait_until_let_in(&mut gated, &["theirs"]);

    for (broken, told) in [("{", "policies do not load"), ("", "policies do not load")] {
        let said_before = gated.webhook.log().matches(told).count();
        write(&gated, broken);
        let log = gated.shop.folder().join("webhook.log");
        gated.webhook.wait_until(SOON, || fs::read_to_string(&log).unwrap().matches(told).count() > said_before);
        assert_eq!(let_in(&gated), ["theirs"], "after `{broken}` was written");
        assert!(gated.webhook.log().contains("the last good revision stays in force for now"));
    }

    write(&gated, &gated.shop.policy().to_string());
    wait_until_let_in(&mut gated, &["ours"]);
    let logged = gated.webhook.log();
    let revisions = logged.lines().filter(|line| line.contains("policies changed")).count();
    assert_eq!(revisions, 2, "{logged}");
}

#[test]
fn every_matching_policy_must_be_met() {
    require_cluster!();
    let mut gated = Gated::closed();
    let (_, _) = (gated.shop.signed("ours"), gated.shop.signed_by_rival("theirs"));
    let second = policy_file(&gated).with_file_name("rival.json");
    fs::write(second, gated.shop.rival_policy().to_string()).unwrap();
    wait_until_let_in(&mut gated, &[]);
}

/// Which of the two images would be let in now. Nothing is stored.
fn let_in(gated: &Gated) -> Vec<&'static str> {
    let tried = |tag: &&str| {
        let object = pod("it", &gated.shop.image(tag));
        gated.kubernetes.kubectl_stdin(["create", "--dry-run=server", "-f", "-"], &object.to_string())
    };
    ["ours", "theirs"].into_iter().filter(|tag| tried(tag).code == 0).collect()
}

/// Fails if that takes longer than a few seconds.
fn wait_until_let_in(gated: &mut Gated, wanted: &[&str]) {
    let start = std::time::Instant::now();
    while let_in(gated) != wanted {
        assert!(start.elapsed() < SOON, "{}", gated.webhook.log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn write(gated: &Gated, text: &str) {
    fs::write(policy_file(gated), text).unwrap();
}

fn policy_file(gated: &Gated) -> PathBuf {
    gated.shop.folder().join("policies/policy.json")
}
