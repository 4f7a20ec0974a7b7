//! The policy folder of a running webhook: edits are obeyed, broken edits change nothing.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use serde_json::{Value, json};

use crate::cluster::{Gated, pod, require_cluster};

#[test]
fn edited_policy_is_obeyed_and_a_broken_one_changes_nothing() {
    require_cluster!();
    let gated = Gated::closed();
    let (_, _) = (gated.shop.signed("ours"), gated.shop.signed_by_rival("theirs"));
    assert_eq!(let_in(&gated), ["ours"]);

    write(&gated, &gated.shop.rival_policy().to_string());
    wait_until_let_in(&gated, &["theirs"]);

    let told = "policies do not load; the last good revision stays in force for now";
    for broken in ["{", ""] {
        let before = gated.webhook.log().matches(told).count();
        write(&gated, broken);
        gated.wait_until(|gated| gated.webhook.log().matches(told).count() > before);
        assert_eq!(let_in(&gated), ["theirs"], "after `{broken}` was written");
    }

    write(&gated, &gated.shop.policy().to_string());
    wait_until_let_in(&gated, &["ours"]);
    let logged = gated.webhook.log();
    let revisions = logged.lines().filter(|line| line.contains("policies changed")).count();
    assert_eq!(revisions, 2, "{logged}");
}

#[test]
fn policy_that_stays_broken_lets_nothing_in_once_its_grace_is_over() {
    require_cluster!();
    let gated = Gated::open_with(&["--stale-policy-grace", "0s"]);
    gated.close();
    let _ = gated.shop.signed("ours");
    assert_eq!(let_in(&gated), ["ours"]);
    write(&gated, "{");
    wait_until_let_in(&gated, &[]);
    let said = gated.create(&pod("it", &gated.shop.image("ours"))).failure(1);
    assert!(said.starts_with("Error from server (ServiceUnavailable)"), "{said}");
    assert!(said.contains("no policy is in force\nsee the log for what is wrong with the policy files"), "{said}");
    write(&gated, &gated.shop.policy().to_string());
    wait_until_let_in(&gated, &["ours"]);
}

#[test]
fn policies_in_a_mounted_config_map_are_followed() {
    require_cluster!();
    let gated = Gated::closed();
    let (_, _) = (gated.shop.signed("ours"), gated.shop.signed_by_rival("theirs"));
    // As the kubelet does it: files are links through a link to a folder, and that link is replaced.
    let folder = policy_file(&gated).parent().unwrap().to_owned();
    let revision = |name: &str, policy: &Value| {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("policy.json"), policy.to_string()).unwrap();
        symlink(name, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    revision("..1", &gated.shop.policy());
    fs::remove_file(policy_file(&gated)).unwrap();
    symlink("..data/policy.json", policy_file(&gated)).unwrap();
    revision("..2", &gated.shop.rival_policy());
    wait_until_let_in(&gated, &["theirs"]);
}

#[test]
fn every_matching_policy_must_be_met() {
    require_cluster!();
    let gated = Gated::closed();
    let (_, _) = (gated.shop.signed("ours"), gated.shop.signed_by_rival("theirs"));
    let both = gated.shop.signed("both");
    let second = policy_file(&gated).with_file_name("rival.json");
    fs::write(second, gated.shop.rival_policy().to_string()).unwrap();
    wait_until_let_in(&gated, &[]);
    let words = gated.refused(&pod("it", &gated.shop.image("both")));
    assert!(words.starts_with("validation failed: failed policy: signed-by-rival: "), "{words}");
    gated.shop.sign_as_rival(&both);
    gated.wait_until(|gated| gated.tried(&pod("it", &gated.shop.image("both"))).code == 0);
}

#[test]
fn warning_policy_lets_in_and_kubectl_shows_why_it_would_not() {
    require_cluster!();
    let gated = Gated::closed();
    let mut policy = gated.shop.policy();
    policy["spec"]["mode"] = json!("warn");
    write(&gated, &policy.to_string());
    let digest = gated.shop.unsigned("bad");
    let image = gated.shop.image("bad");
    gated.wait_until(|gated| gated.tried(&pod("it", &image)).code == 0);
    let created = gated.create(&pod("it", &image));
    assert!(created.stderr.contains("Warning: failed policy: signed-by-own"), "{created:?}");
    assert!(created.stderr.contains("no signatures found"), "{created:?}");
    assert!(gated.stored(&pod("it", "")).unwrap().contains(&format!("{image}@{digest}")));
}

/// Which of the two images would be let in now.
fn let_in(gated: &Gated) -> Vec<&'static str> {
    let is_let_in = |tag: &&str| gated.tried(&pod("it", &gated.shop.image(tag))).code == 0;
    ["ours", "theirs"].into_iter().filter(is_let_in).collect()
}

#[track_caller]
fn wait_until_let_in(gated: &Gated, wanted: &[&str]) {
    gated.wait_until(|gated| let_in(gated) == wanted);
}

fn write(gated: &Gated, text: &str) {
    fs::write(policy_file(gated), text).unwrap();
}

fn policy_file(gated: &Gated) -> PathBuf {
    gated.shop.folder().join("policies/policy.json")
}
