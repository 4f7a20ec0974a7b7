//! T22: policies that cannot be read or evaluated, beside others that would let everything in.

use std::{fs, os::unix::fs::symlink};

use serde_json::{Value, json};

use crate::stage::{Stage, denied, is_let_in, lenient, pass, policy};

#[test]
fn t22_a_policy_that_cannot_be_evaluated_refuses_what_it_is_about_and_says_why() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.shop.by_digest(&stage.shop.signed("1"));
    let about = format!("{}/shop/**", stage.address());
    let key = stage.shop.policy()["spec"]["authorities"][0]["key"].clone();
    let broken = |authority: Value| policy("broken", &about, &json!([authority]));
    let identities = json!([{ "issuer": "https://a.example", "subject": "b" }]);
    let conditioned = |further: Value| {
        let mut policy = broken(json!({ "key": key }));
        policy["spec"]["policy"] = further;
        policy
    };
    for (broken, why) in [
        (broken(json!({ "key": { "secretRef": { "name": "absent" } } })), "not ready"),
        (broken(json!({ "key": { "kms": "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k" } })), "not ready"),
        (broken(json!({ "key": key, "ctlog": { "trustRootRef": "absent" } })), "absent"),
        (broken(json!({ "keyless": { "identities": identities, "trustRootRef": "absent" } })), "absent"),
        (conditioned(json!({ "type": "cue", "configMapRef": { "name": "absent", "key": "policy" } })), "not ready"),
    ] {
        let policies = [broken, pass("everything", "**"), lenient()];
        let outcome = stage.ask(&stage.policies(&policies), &["--trusted-root", &root(&stage), &image]);
        denied(&outcome, "failed policy: broken");
        denied(&outcome, why);
    }
    assert!(is_let_in(&stage.check(&[pass("everything", "**"), lenient()], &image)));
}

#[test]
fn t22_what_does_not_load_lets_nothing_in() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.shop.by_digest(&stage.shop.signed("1"));
    let conditioned = |kind: &str, data: &str| {
        let mut policy = stage.shop.policy();
        policy["spec"]["policy"] = json!({ "type": kind, "data": data });
        policy.to_string()
    };
    let settings = |data: Value| {
        let mut settings = lenient();
        settings["data"] = data;
        settings.to_string()
    };
    for (name, text) in [
        ("broken.yaml", "spec: [\n".to_owned()),
        ("half.json", stage.shop.policy().to_string()[..100].to_owned()),
        ("other.yaml", "apiVersion: policy.sigstore.dev/v1\nkind: ClusterImagePolicy\n".to_owned()),
        ("cue.json", conditioned("cue", "a: {")),
        ("rego.json", conditioned("rego", "package sigstore\nisCompliant { ")),
        ("python.json", conditioned("python", "True")),
        ("settings.json", settings(json!({ "fail-on-empty-authorities": "perhaps" }))),
    ] {
        let folder = stage.policies(&[pass("everything", "**"), lenient()]);
        if name == "settings.json" {
            fs::remove_file(folder.join("1.json")).expect("it was written");
        }
        fs::write(folder.join(name), text).expect("a temporary folder can be written");
        let outcome = stage.ask(&folder, &[&image]);
        assert!(!is_let_in(&outcome), "{name}: {}", outcome.stdout);
        assert!(outcome.code == 3 && outcome.stderr.contains(name), "{name}: {}", outcome.stderr);
    }
    let folder = stage.policies(&[pass("everything", "**"), lenient()]);
    symlink("/nowhere", folder.join("strict.yaml")).expect("a temporary folder can be written");
    assert!(stage.ask(&folder, &[&image]).failure(3).contains("strict.yaml"));
    let settings = json!({ "no-match-policy": "allow all" });
    let mut odd = lenient();
    odd["data"] = settings;
    denied(&stage.check(&[pass("another", "ghcr.io/**"), odd], &image), "no matching policies");
}

/// Some trusted root, so that nobody looks for one.
fn root(stage: &Stage) -> String {
    let path = stage.shop.folder().join("root.json");
    let text = json!({ "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1" });
    fs::write(&path, text.to_string()).expect("a temporary folder can be written");
    path.display().to_string()
}
