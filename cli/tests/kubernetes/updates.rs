//! Changes of objects: what brings no image passes, even with the registry gone; what brings one is judged.

use crate::cluster::{Gated, deployment, gates_words, pod, require_cluster};

#[test]
fn changes_without_an_image_pass_while_the_registry_is_down() {
    require_cluster!();
    let mut gated = Gated::open();
    let digest = gated.shop.signed("good");
    let _ = gated.shop.unsigned("old");
    // Older than the gate, and unsigned.
    let _ = gated.create(&deployment("old", &gated.shop.image("old"))).success();
    let _ = gated.create(&pod("old", &gated.shop.image("old"))).success();
    gated.close();
    let _ = gated.admitted(&deployment("good", &gated.shop.image("good")));
    gated.shop.registry.stop();

    for name in ["deployment/old", "deployment/good", "pod/old"] {
        let _ = gated.kubernetes.kubectl(["label", name, "tier=front"]).success();
        let _ = gated.kubernetes.kubectl(["annotate", name, "note=it"]).success();
    }
    for name in ["old", "good"] {
        let name = format!("deployment/{name}");
        let _ = gated.kubernetes.kubectl(["scale", &name, "--replicas=7"]).success();
        let _ = patch(&gated, &name, r#"{"spec":{"replicas":1}}"#).success();
        let replicas = gated.kubernetes.kubectl(["get", &name, "-o", "jsonpath={.spec.replicas}"]).success();
        assert_eq!(replicas, "1");
    }
    let stored = gated.stored(&deployment("good", "")).unwrap();
    assert!(stored.contains(&digest) && stored.contains("front"), "{stored}");
    for name in ["deployment/old", "deployment/good", "pod/old"] {
        let _ = gated.kubernetes.kubectl(["delete", name, "--grace-period=0", "--force"]).success();
    }
    assert_eq!(gated.stored(&deployment("old", "")), None);
    assert_eq!(gated.stored(&pod("old", "")), None);
}

#[test]
fn change_of_the_image_is_judged() {
    require_cluster!();
    let gated = Gated::closed();
    let shop = &gated.shop;
    let (first, second) = (shop.signed("first"), shop.signed("second"));
    let _ = shop.unsigned("unsigned");
    let _ = gated.admitted(&deployment("it", &shop.image("first")));
    let _ = gated.admitted(&pod("it", &shop.image("first")));
    let image = |tag: &str| format!("main={}", shop.image(tag));
    for name in ["deployment/it", "pod/it"] {
        let refused = gated.kubernetes.kubectl(["set", "image", name, &image("unsigned")]).failure(1);
        assert!(gates_words(&refused).ends_with("no signatures found"), "{refused}");
    }
    let stored = || gated.stored(&deployment("it", "")).unwrap();
    assert!(stored().contains(&first));
    for name in ["deployment/it", "pod/it"] {
        let _ = gated.kubernetes.kubectl(["set", "image", name, &image("second")]).success();
    }
    assert!(stored().contains(&format!("{}@{second}", shop.image("second"))) && !stored().contains(&first));
    assert!(gated.stored(&pod("it", "")).unwrap().contains(&second));
}

#[test]
fn scaling_down_does_not_carry_another_image_in() {
    require_cluster!();
    let gated = Gated::closed();
    let shop = &gated.shop;
    let (digest, _) = (shop.signed("good"), shop.unsigned("bad"));
    let _ = gated.admitted(&deployment("it", &shop.image("good")));
    for replicas in [0, 1] {
        let change = serde_json::json!({ "spec": { "replicas": replicas,
            "template": { "spec": { "containers": [{ "name": "main", "image": shop.image("bad") }] } } } });
        let refused = patch(&gated, "deployment/it", &change.to_string()).failure(1);
        assert!(gates_words(&refused).ends_with("no signatures found"), "{refused}");
    }
    let stored = gated.stored(&deployment("it", "")).unwrap();
    assert!(stored.contains(&digest) && !stored.contains(&shop.image("bad")), "{stored}");
    let replicas = gated.kubernetes.kubectl(["get", "deployment/it", "-o", "jsonpath={.spec.replicas}"]).success();
    assert_eq!(replicas, "3");
}

#[test]
fn applying_the_same_file_again_changes_nothing() {
    require_cluster!();
    let gated = Gated::closed();
    let digest = gated.shop.signed("good");
    let pinned = format!("{}@{digest}", gated.shop.image("good"));
    for (name, flags) in [("client", &["--server-side=false"][..]), ("server", &["--server-side"])] {
        let file = deployment(name, &gated.shop.image("good")).to_string();
        let apply = || gated.kubernetes.kubectl_stdin([&["apply", "-f", "-"], flags].concat(), &file).success();
        let get = |path: &str| {
            let (name, path) = (format!("deployment/{name}"), format!("jsonpath={path}"));
            gated.kubernetes.kubectl(["get", &name, "-o", &path]).success()
        };
        for _ in 0..3 {
            let _ = apply();
            assert_eq!(get("{.spec.template.spec.containers[0].image}"), pinned, "{name}");
            assert_eq!(get("{.metadata.generation}"), "1", "{name}: no new rollout");
        }
    }
}

fn patch(gated: &Gated, name: &str, change: &str) -> peers::Outcome {
    gated.kubernetes.kubectl(["patch", name, "-p", change])
}
