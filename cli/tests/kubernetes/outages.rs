//! What is missing is said to be missing, and never lets anything in.

use std::{fs, net::TcpListener};

use serde_json::{Value, json};

use crate::cluster::{Gated, pod, require_cluster};

#[test]
fn registry_that_is_down_is_the_reason_and_not_a_missing_signature() {
    require_cluster!();
    let mut gated = Gated::closed();
    let digest = gated.shop.signed("good");
    gated.shop.registry.stop();
    let image = gated.shop.image("good");
    let said = gated.create(&pod("it", &image)).failure(1);
    let host = gated.shop.registry.address();
    assert!(said.contains(&format!("could not decide about {image}: spec.containers[0].image")), "{said}");
    assert!(said.contains(host) && said.contains("refused"), "{said}");
    assert!(said.starts_with("Error from server (ServiceUnavailable)"), "{said}");
    assert!(!said.contains("no signatures") && !said.contains("unsigned"), "{said}");
    assert_eq!(gated.stored(&pod("it", "")), None);
    let said = gated.create(&pod("it", &gated.shop.by_digest(&digest))).failure(1);
    assert!(said.contains("could not decide") && !said.contains("no signatures"), "{said}");
}

#[test]
fn image_that_is_not_there_is_the_reason_and_not_a_missing_signature() {
    require_cluster!();
    let gated = Gated::closed();
    let image = gated.shop.image("nowhere");
    let words = gated.refused(&pod("it", &image));
    assert!(words.contains(&format!("image `{image}` does not exist in its registry")), "{words}");
    assert!(!words.contains("no signatures"), "{words}");
}

#[test]
fn registry_that_does_not_answer_is_the_reason_before_the_api_server_loses_patience() {
    require_cluster!();
    let gated = Gated::open();
    // Connections are taken by the system; nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let policy = gated.shop.policy().to_string().replace(gated.shop.registry.address(), &address);
    fs::write(gated.shop.folder().join("policies/silent.json"), policy.replace("signed-by-own", "silent")).unwrap();
    gated.close();
    gated.wait_until(|gated| gated.webhook.log().contains("policies changed"));
    let patience = r#"[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":2}]"#;
    let patch = ["patch", "mutatingwebhookconfiguration", "sealgate", "--type=json", "-p", patience];
    let _ = gated.kubernetes.kubectl(patch).success();
    let image = format!("{address}/shop/cart:1");
    let wanted = format!("could not decide about {image}: spec.containers[0].image\nno answer within 1.5 s");
    gated.wait_until(|gated| gated.tried(&pod("it", &image)).stderr.contains(&wanted));
}

#[test]
fn webhook_that_is_down_lets_nothing_in() {
    require_cluster!();
    let mut gated = Gated::closed();
    let _ = gated.shop.signed("good");
    let _ = gated.admitted(&pod("before", &gated.shop.image("good")));
    assert!(gated.webhook.stop().success());
    let said = gated.create(&pod("after", &gated.shop.image("good"))).failure(1);
    let call = "failed calling webhook \"mutate.sealgate.dev\": failed to call webhook: Post";
    assert!(said.contains(call) && said.contains("connection refused"), "{said}");
    assert_eq!(gated.stored(&pod("after", "")), None);
    let _ = gated.kubernetes.kubectl(["delete", "pod", "before", "--grace-period=0", "--force"]).success();
    assert_eq!(gated.stored(&pod("before", "")), None);
}

#[test]
fn validating_webhook_alone_refuses_what_is_not_pinned() {
    require_cluster!();
    let gated = Gated::closed();
    let digest = gated.shop.signed("good");
    let _ = gated.kubernetes.kubectl(["delete", "mutatingwebhookconfiguration", "sealgate"]).success();
    let image = gated.shop.image("good");
    let words = "admission webhook \"validate.sealgate.dev\" denied the request: validation failed: must be pinned to a \
        digest";
    let wanted = format!("{words}: {image}; is the mutating webhook installed?");
    gated.wait_until(|gated| gated.tried(&pod("it", &image)).stderr.contains(&wanted));
    let pinned = format!("{image}@{digest}");
    assert!(gated.admitted(&pod("it", &pinned)).contains(&pinned));
}

#[test]
fn malformed_reviews_are_answered_with_a_refusal() {
    require_cluster!();
    let gated = Gated::open();
    let good = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u-1", "operation": "CREATE", "kind": { "group": "", "version": "v1", "kind": "Pod" },
        "resource": { "group": "", "version": "v1", "resource": "pods" }, "userInfo": {},
        "object": pod("it", "127.0.0.1:1/a/b:c"), "oldObject": null } });
    let with = |pointer: &str, value: Value| {
        let mut review = good.clone();
        *review.pointer_mut(pointer).unwrap() = value;
        review.to_string()
    };
    let whole = good.to_string();
    let cases = [
        ("twice the object", whole.replacen("\"object\":", "\"object\":{},\"object\":", 1)),
        ("another version", with("/apiVersion", json!("admission.k8s.io/v7"))),
        ("an object that is none", with("/request/object", json!([]))),
        ("another kind", with("/request/kind/kind", json!("Role"))),
        ("no container", with("/request/object/spec/containers", json!([]))),
        ("an image that is none", with("/request/object/spec/containers/0/image", json!("A B"))),
        ("an operation that is none", with("/request/operation", json!("PATCH"))),
    ];
    for path in ["/mutate", "/validate"] {
        for (case, body) in &cases {
            let answer = gated.post(path, body).success();
            let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{case}: {answer}"));
            assert_eq!(answer["response"]["uid"], "u-1", "{case}: {answer}");
            assert_eq!(answer["response"]["allowed"], false, "{case}: {answer}");
            assert!(
                answer["response"]["status"]["message"].as_str().is_some_and(|m| !m.is_empty()),
                "{case}: {answer}"
            );
        }
        let cut_off = &whole[..whole.len() - 1];
        for nameless in ["", "{}", "null", "[", cut_off, &with("/request/uid", json!(7))] {
            let refused = gated.post(path, nameless);
            assert_eq!(refused.code, 22, "`{nameless}`: {refused:?}");
        }
    }
    assert_eq!(gated.post("/nowhere", &whole).code, 22);
}
