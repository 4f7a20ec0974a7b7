//! policy-controller's judge passes, fails and rejects.

use std::fs;

use peers::{Cosign, Format, PolicyTester, Question, RefsOptions, Registry, Ruling, push_image};
use serde_json::{Value, json};

#[test]
fn policy_tester_judges_by_key_and_tells_a_bad_policy_apart() {
    peers::require!("policy-tester", "cosign-2", "crane", "registry-refs");
    let (registry, cosign, folder) = (Registry::refs(RefsOptions::default()), Cosign::v2(), tempfile::tempdir());
    let folder = folder.expect("a temporary folder can be made");
    let image = |name: &str| {
        let digest = push_image(&registry, &format!("{name}:1"), name);
        format!("{}/{name}@{digest}", registry.address())
    };
    let (signed, unsigned) = (image("signed"), image("unsigned"));
    let key = cosign.generate_key_pair(&folder.path().join("k"), "");
    cosign.sign(Format::Legacy, &key, &signed, &[]).success();

    let tester = PolicyTester::new();
    let ask = |policy: &Value, image: &str| {
        let path = folder.path().join("policy.yaml");
        fs::write(&path, policy.to_string()).expect("a temporary folder can be written");
        tester.ask(&Question { policy: &path, image, resource: None, trust_root: None })
    };
    let public = fs::read_to_string(&key.public).expect("cosign has written it");
    let policy = policy(&json!({ "key": { "data": public } }));
    assert_eq!(ask(&policy, &signed), Ruling::Pass);
    let Ruling::Fail { errors, warnings } = ask(&policy, &unsigned) else { panic!("it is not signed") };
    assert!(errors.len() == 1 && errors[0].contains("no signatures found") && warnings.is_empty(), "{errors:?}");

    let Ruling::Invalid(why) = ask(&self::policy(&json!({ "static": { "action": "maybe" } })), &signed) else {
        panic!("there is no such action")
    };
    assert!(why.contains("CIP is invalid: ") && why.contains("spec.authorities[0].static.action"), "{why}");
}

fn policy(authority: &Value) -> Value {
    json!({
        "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": { "name": "shop" },
        "spec": { "images": [{ "glob": "**" }], "authorities": [authority] },
    })
}
