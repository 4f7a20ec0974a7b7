//! T31: addresses in policies and trust roots that lead inside, or out of TLS.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use suites::hostile::Sink;

use crate::stage::{Stage, is_let_in, policy};

#[test]
fn t31_addresses_in_policies_lead_neither_inside_nor_out_of_tls() {
    peers::require!("crane");
    let mut stage = Stage::set_up();
    let image = stage.shop.by_digest(&stage.shop.signed("1"));
    let (proxy, inside) = (Sink::start(), Sink::start());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        stage.shop.sealgate.client_mut().set(name, &format!("http://{}", proxy.address()));
    }
    let key = stage.shop.policy()["spec"]["authorities"][0]["key"].clone();
    let loopback = inside.address();
    for address in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://2852039166/".to_owned(),
        "https://[::ffff:169.254.169.254]/".to_owned(),
        format!("http://{loopback}/"),
        "file:///etc/passwd".to_owned(),
        "http://policies.example/p".to_owned(),
    ] {
        for (place, policies) in places(&address, &key) {
            let outcome = stage.check(&policies, &image);
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(!is_let_in(&outcome), "{place} {address}: {said}");
            assert!([1, 3].contains(&outcome.code), "{place} {address}: {} {said}", outcome.code);
            let arrived = [proxy.arrived(), inside.arrived()].concat();
            assert_eq!(arrived, Vec::<String>::new(), "{place} {address}");
        }
    }
}

#[test]
fn t31_signatures_are_not_looked_for_at_metadata_addresses() {
    peers::require!("crane");
    let mut stage = Stage::set_up();
    let image = stage.shop.by_digest(&stage.shop.signed("1"));
    let proxy = Sink::start();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        stage.shop.sealgate.client_mut().set(name, &format!("http://{}", proxy.address()));
    }
    let key = stage.shop.policy()["spec"]["authorities"][0]["key"].clone();
    for host in ["169.254.169.254", "[fd00:ec2::254]:80", "[::ffff:169.254.169.254]"] {
        let elsewhere = json!([{ "key": key, "source": [{ "oci": format!("{host}/signatures") }] }]);
        let outcome = stage.check(&[policy("p", "**", &elsewhere)], &image);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!is_let_in(&outcome), "{host}: {said}");
        assert!(outcome.code == 3 && said.contains("is link-local or a metadata service"), "{host}: {said}");
    }
    assert_eq!(proxy.arrived(), Vec::<String>::new());
}

/// Policies that name the address, each in another place, and that nothing meets unless somebody goes there.
fn places(address: &str, key: &Value) -> [(&'static str, Vec<Value>); 5] {
    let remote = json!({ "type": "cue", "remote": { "url": address, "sha256sum": "0".repeat(64) } });
    let conditioned = |authority: Value, field: &str| {
        let mut policy = policy("p", "**", &json!([authority]));
        policy["spec"][field] = remote.clone();
        policy
    };
    let attested = json!({ "key": key, "attestations": [{ "name": "a", "predicateType": "https://a.example", "policy": remote }] });
    let logged = json!({ "key": key, "ctlog": { "url": address, "trustRootRef": "mirror" } });
    let identities = json!([{ "issuer": "https://a.example", "subject": "b" }]);
    let named = json!({ "keyless": { "url": address, "identities": identities, "trustRootRef": "mirror" } });
    let mirror = json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1", "kind": "TrustRoot", "metadata": { "name": "mirror" },
        "spec": { "remote": { "mirror": address, "root": BASE64_STANDARD.encode("{\"signatures\":[]}") } },
    });
    let about = |authority: Value| policy("p", "**", &json!([authority]));
    [
        ("policy.remote", vec![conditioned(json!({ "key": key }), "policy")]),
        ("attestations.policy.remote", vec![about(attested)]),
        ("ctlog.url", vec![about(logged), mirror.clone()]),
        ("keyless.url", vec![about(named.clone()), mirror.clone()]),
        ("remote.mirror", vec![about(named), mirror]),
    ]
}
