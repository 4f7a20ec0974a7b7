//! From a review to a signature in a registry and back.

use std::time::{Duration, Instant};

use keys::PrivateKey;
use oci::Digest;
use serde_json::{Value, json};

use crate::world::{World, created, patch, patched, pod, review};

fn message(response: &Value) -> &str {
    response["status"]["message"].as_str().unwrap_or_else(|| panic!("no refusal: {response}"))
}

async fn signed_world() -> (World, Digest) {
    let world = World::new().await;
    let digest = world.push("shop/cart", "1", "v1").await;
    world.sign("shop/cart", &digest, &world.key).await;
    (world, digest)
}

#[tokio::test]
async fn signed_tag_is_pinned_and_then_valid() {
    let (world, digest) = signed_world().await;
    let pinned = format!("{}@{digest}", world.name("shop/cart:1"));
    let asked = created(&[&world.name("shop/cart:1")]);
    let response = world.ask("/mutate?timeout=10s", &asked).await;
    assert_eq!(patch(&response), [json!({"op": "replace", "path": "/spec/containers/0/image", "value": pinned})]);
    assert_eq!(response["auditAnnotations"]["decision"], "allowed");
    let stored = patched(&asked["request"]["object"], &response);
    let response = world.ask("/validate?timeout=10s", &review("CREATE", &stored, &Value::Null)).await;
    assert_eq!((&response["allowed"], patch(&response).len(), response.get("warnings")), (&json!(true), 0, None));
    let again = world.ask("/mutate", &review("CREATE", &stored, &Value::Null)).await;
    assert_eq!((&again["allowed"], patch(&again).len()), (&json!(true), 0));
}

#[tokio::test]
async fn what_was_judged_is_what_runs_after_the_tag_moved() {
    let (world, digest) = signed_world().await;
    let asked = created(&[&world.name("shop/cart:1")]);
    let response = world.ask("/mutate", &asked).await;
    let evil = world.push("shop/cart", "1", "evil").await;
    assert_ne!(evil, digest);
    let stored = patched(&asked["request"]["object"], &response);
    assert!(stored.pointer("/spec/containers/0/image").unwrap().as_str().unwrap().ends_with(&digest.to_string()));
    assert_eq!(world.ask("/validate", &review("CREATE", &stored, &Value::Null)).await["allowed"], true);
    assert!(message(&world.ask("/mutate", &asked).await).contains("no signatures found"));
}

#[tokio::test]
async fn signed_tag_that_nobody_pinned_is_refused_at_validation() {
    let (world, _) = signed_world().await;
    let image = world.name("shop/cart:1");
    let response = world.ask("/validate", &created(&[&image])).await;
    let wanted = format!(
        "validation failed: must be pinned to a digest: {image}; is the mutating webhook installed?: \
         spec.containers[0].image"
    );
    assert_eq!((message(&response), &response["status"]["code"]), (wanted.as_str(), &json!(400)));
}

#[tokio::test]
async fn unsigned_and_wrongly_signed_images_are_refused_at_both_doors() {
    let world = World::new().await;
    let unsigned = world.push("shop/unsigned", "1", "a").await;
    let foreign = world.push("shop/foreign", "1", "b").await;
    world.sign("shop/foreign", &foreign, &PrivateKey::generate().unwrap()).await;
    let cases =
        [("shop/unsigned", unsigned, "no signatures found"), ("shop/foreign", foreign, "no matching signatures")];
    for (path, digest, why) in cases {
        for image in [world.name(&format!("{path}:1")), world.name(&format!("{path}@{digest}"))] {
            for hook in ["/mutate", "/validate"] {
                let response = world.ask(hook, &created(&[&image])).await;
                let text = message(&response);
                assert!(
                    text.starts_with("validation failed: failed policy: signed: spec.containers[0].image\n"),
                    "{text}"
                );
                assert!(text.contains(why), "{text}");
                assert_eq!(response["status"]["code"], 400);
                assert_eq!(patch(&response).len(), 0);
            }
        }
    }
}

#[tokio::test]
async fn update_that_changes_what_a_condition_sees_is_judged_and_no_other() {
    let world = World::without_policy().await.with_policy_on_replicas();
    let digest = world.push("small/cart", "1", "v1").await;
    let image = format!("{}@{digest}", world.name("small/cart"));
    let deployment = |replicas: u8, note: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"annotations": {"note": note}},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
    };
    let update = async |from: &Value, to: &Value| world.ask("/validate", &review("UPDATE", to, from)).await;
    assert_eq!(world.ask("/validate", &review("CREATE", &deployment(1, ""), &Value::Null)).await["allowed"], true);
    let grown = update(&deployment(1, ""), &deployment(3, "")).await;
    assert!(message(&grown).contains("failed evaluating rego policy for ClusterImagePolicy"), "{grown}");
    assert_eq!(update(&deployment(1, ""), &deployment(2, "")).await["auditAnnotations"]["decision"], "allowed");
    let noted = update(&deployment(3, ""), &deployment(3, "still three")).await;
    assert_eq!(noted["allowed"], true, "what the condition sees is as it was");
    let unread = |replicas: u8| {
        let mut object = deployment(replicas, "");
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "No Image".into();
        object
    };
    assert_eq!(update(&unread(1), &unread(3)).await["allowed"], true, "no policy is about what is no image");
}

#[tokio::test]
async fn image_that_no_policy_is_about_is_refused() {
    let world = World::new().await;
    world.push("elsewhere/x", "1", "a").await;
    let response = world.ask("/mutate", &created(&[&world.name("elsewhere/x:1")])).await;
    assert!(message(&response).starts_with("validation failed: no matching policies: spec.containers[0].image\n"));
}

#[tokio::test]
async fn one_unsigned_image_anywhere_in_a_pod_refuses_it() {
    let (world, digest) = signed_world().await;
    world.push("shop/evil", "1", "evil").await;
    let (good, evil) = (format!("{}@{digest}", world.name("shop/cart")), world.name("shop/evil:1"));
    let spec = |key: &str, value: Value| {
        let mut spec = json!({"containers": [{"name": "c", "image": good}]});
        spec[key] = value;
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}})
    };
    let places = [
        ("initContainers", json!([{"image": evil}]), "initContainers[0].image"),
        ("ephemeralContainers", json!([{"image": evil}]), "ephemeralContainers[0].image"),
        ("volumes", json!([{"name": "v", "image": {"reference": evil}}]), "volumes[0].image.reference"),
    ];
    for (key, value, place) in places {
        let response = world.ask("/mutate", &review("CREATE", &spec(key, value), &Value::Null)).await;
        assert!(message(&response).contains(&format!(": spec.jobTemplate.spec.template.spec.{place}\n")));
        assert_eq!(patch(&response).len(), 0);
    }
    let fine = spec("volumes", json!([]));
    assert_eq!(world.ask("/mutate", &review("CREATE", &fine, &Value::Null)).await["allowed"], true);
}

#[tokio::test]
async fn ephemeral_container_is_judged_and_pinned_on_its_way_in() {
    let (world, digest) = signed_world().await;
    world.push("shop/evil", "1", "evil").await;
    let running = pod(&[&format!("{}@{digest}", world.name("shop/cart"))]);
    for (image, allowed) in [("shop/cart:1", true), ("shop/evil:1", false)] {
        let mut debugged = running.clone();
        debugged["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": world.name(image)}]);
        let mut asked = review("UPDATE", &debugged, &running);
        asked["request"]["subResource"] = json!("ephemeralcontainers");
        let response = world.ask("/mutate", &asked).await;
        assert_eq!(response["allowed"], allowed, "{response}");
        assert_eq!(patch(&response).len(), usize::from(allowed));
    }
}

#[tokio::test]
async fn an_old_unsigned_deployment_can_be_scaled_but_not_changed() {
    let world = World::new().await;
    world.push("shop/old", "1", "old").await;
    let deployment = |replicas: u32, image: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": replicas,
            "template": {"spec": {"containers": [{"name": "c", "image": world.name(image)}]}}}})
    };
    let old = deployment(5, "shop/old:1");
    for hook in ["/mutate", "/validate"] {
        let scaled = review("UPDATE", &deployment(1, "shop/old:1"), &old);
        assert_eq!(world.ask(hook, &scaled).await["allowed"], true);
        let swapped = review("UPDATE", &deployment(1, "shop/old:2"), &old);
        assert_eq!(world.ask(hook, &swapped).await["allowed"], false);
        assert_eq!(world.ask(hook, &review("CREATE", &old, &Value::Null)).await["allowed"], false);
    }
}

#[tokio::test]
async fn an_image_used_many_times_is_asked_for_once() {
    let (world, digest) = signed_world().await;
    let image = world.name("shop/cart:1");
    let before = world.count("GET /v2/shop/cart/manifests/1");
    let response = world.ask("/mutate", &created(&[&image, &image, &image])).await;
    assert_eq!(world.count("GET /v2/shop/cart/manifests/1"), before + 1);
    let values: Vec<_> = patch(&response).into_iter().map(|o| o["value"].clone()).collect();
    assert_eq!(values, vec![json!(format!("{image}@{digest}")); 3]);
    assert!(world.get("/metrics").await.1.contains("sealgate_images_total{verdict=\"allowed\"} 1"));
}

#[tokio::test]
async fn image_allowed_unsigned_is_pinned_where_the_registry_answers() {
    let world = World::new().await;
    let digest = world.push("open/tool", "1", "tool").await;
    let image = world.name("open/tool:1");
    let response = world.ask("/mutate", &created(&[&image])).await;
    assert_eq!(patch(&response)[0]["value"], format!("{image}@{digest}"));
    let unpinned = world.ask("/validate", &created(&[&image])).await;
    assert_eq!(unpinned["allowed"], true);
    assert!(unpinned["warnings"][0].as_str().unwrap().contains("admitted without a digest"), "{unpinned}");
}

#[tokio::test]
async fn policy_that_only_warns_lets_in_with_a_warning() {
    let world = World::new().await;
    let digest = world.push("soft/thing", "1", "thing").await;
    let image = world.name("soft/thing:1");
    let response = world.ask("/mutate", &created(&[&image])).await;
    assert_eq!(patch(&response)[0]["value"], format!("{image}@{digest}"));
    assert!(response["warnings"][0].as_str().unwrap().starts_with("failed policy: soft: "), "{response}");
}

#[tokio::test]
async fn unreachable_registry_refuses_what_must_be_signed_and_warns_of_the_rest() {
    let world = World::new().await;
    for hook in ["/mutate", "/validate"] {
        let refused = world.ask(hook, &created(&["127.0.0.1:1/shop/cart:1"])).await;
        assert_eq!(refused["status"]["code"], 503);
        let wanted = "validation failed: could not decide about 127.0.0.1:1/shop/cart:1: spec.containers[0].image\n";
        assert!(message(&refused).starts_with(wanted), "{refused}");
        for image in ["127.0.0.1:1/open/tool:1", "127.0.0.1:1/soft/thing:1"] {
            let admitted = world.ask(hook, &created(&[image])).await;
            assert_eq!((&admitted["allowed"], patch(&admitted).len()), (&json!(true), 0), "{admitted}");
            assert!(!admitted["warnings"].as_array().unwrap().is_empty());
        }
    }
    assert!(world.get("/metrics").await.1.contains("outcome=\"undecided\"} 1"));
}

#[tokio::test]
async fn absent_image_is_not_let_in() {
    let world = World::new().await;
    let response = world.ask("/mutate", &created(&[&world.name("shop/absent:1")])).await;
    assert!(message(&response).contains("could not decide about"), "{response}");
}

#[tokio::test]
async fn late_registry_is_refused_before_the_api_server_gives_up() {
    let world = World::slow(Duration::from_secs(30)).await.with_policy();
    let begun = Instant::now();
    let response = world.ask("/validate?timeout=2s", &created(&[&world.name("shop/cart:1")])).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(response["status"]["code"], 503);
    assert!(message(&response).contains("no answer within"), "{response}");
}

#[tokio::test]
async fn forged_claims_in_metadata_change_nothing() {
    let world = World::new().await;
    world.push("shop/evil", "1", "evil").await;
    let mut asked = created(&[&world.name("shop/evil:1")]);
    asked["request"]["object"]["metadata"] = json!({
        "name": "it", "labels": {"policy.sigstore.dev/include": "false"}, "deletionTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {"sealgate.dev/decision": "allowed", "kyverno.io/verify-images": "{\"x\":\"pass\"}"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "signed", "uid": "1", "controller": true}]});
    for hook in ["/mutate", "/validate"] {
        assert_eq!(world.ask(hook, &asked).await["allowed"], false);
    }
}
