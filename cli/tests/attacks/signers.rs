//! T20: one signer who wants to be counted as two.

use serde_json::{Value, json};

use crate::stage::{Stage, denied, is_let_in};

/// Where copies of signatures are put.
const PREFIX: &str = "copy-";

#[test]
fn t20_one_signer_counts_once_however_often_he_signs_and_wherever_it_lies() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let key = |policy: &Value| policy["spec"]["authorities"][0]["key"].clone();
    let (own, rival) = (key(&stage.shop.policy()), key(&stage.shop.rival_policy()));
    let two_of = |authorities: Value| {
        let names: Vec<Value> = authorities.as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
        json!({
            "apiVersion": "sealgate.dev/v1", "kind": "ImagePolicy", "metadata": { "name": "two" },
            "spec": {
                "images": [{ "glob": "**" }], "authorities": authorities,
                "require": { "threshold": { "min": 2, "of": names } },
            },
        })
    };
    let copied = json!([{ "tagPrefix": PREFIX }]);
    let different = two_of(json!([{ "name": "own", "key": own }, { "name": "rival", "key": rival }]));
    let twice = two_of(json!([{ "name": "a", "key": own }, { "name": "b", "key": own }]));
    let elsewhere = two_of(json!([{ "name": "a", "key": own }, { "name": "b", "key": own, "source": copied }]));

    let digest = stage.shop.unsigned("1");
    let image = stage.shop.by_digest(&digest);
    stage.shop.sign(&digest, &["--format", "both"]);
    stage.shop.sign(&digest, &["--format", "legacy", "-a", "again=1"]);
    let tag = |prefix: &str| format!("{}:{prefix}{}.sig", stage.shop.repository(), digest.replace(':', "-"));
    let _ = stage.shop.sealgate.client().run("crane", ["copy", &tag(""), &tag(PREFIX)]).success();

    for policy in [&different, &twice, &elsewhere] {
        denied(&stage.check(std::slice::from_ref(policy), &image), "each by another signer");
    }
    assert!(is_let_in(&stage.check(&[two_of_one(&elsewhere)], &image)), "the copy is found");
    stage.shop.sign_as_rival(&digest);
    assert!(is_let_in(&stage.check(&[different], &image)));
    denied(&stage.check(&[twice], &image), "each by another signer");
}

/// The same policy, met by either.
fn two_of_one(policy: &Value) -> Value {
    let mut policy = policy.clone();
    policy["spec"]["require"] = json!({ "authority": "b" });
    policy["spec"]["authorities"].as_array_mut().expect("a list").remove(0);
    policy
}

#[test]
fn t20_a_condition_that_counts_counts_a_signature_once() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let mut counting = stage.shop.policy();
    let condition = "import \"list\"\nauthorityMatches: own: signatures: list.MinItems(2)";
    counting["spec"]["policy"] = json!({ "type": "cue", "data": condition });
    let digest = stage.shop.unsigned("1");
    let image = stage.shop.by_digest(&digest);
    stage.shop.sign(&digest, &["--format", "both"]);
    denied(&stage.check(&[counting], &image), "failed evaluating cue policy for ClusterImagePolicy");
    assert!(is_let_in(&stage.check(&[stage.shop.policy()], &image)));
}
