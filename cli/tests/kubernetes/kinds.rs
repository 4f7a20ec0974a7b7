//! Every kind that runs images is judged, and kinds that run none are left alone.

use serde_json::json;

use crate::cluster::{Gated, object, require_cluster};

#[test]
fn every_kind_that_runs_images_is_judged_and_pinned() {
    require_cluster!();
    let gated = Gated::closed();
    let digest = gated.shop.signed("good");
    let _ = gated.shop.unsigned("bad");
    let (good, bad) = (gated.shop.image("good"), gated.shop.image("bad"));
    for (version, kind) in KINDS {
        let words = gated.refused(&object(version, kind, "bad", &bad));
        assert!(words.ends_with("no signatures found"), "{kind}: {words}");
        let stored = gated.admitted(&object(version, kind, "good", &good));
        assert!(stored.contains(&format!("{good}@{digest}")), "{kind}: {stored}");
    }
}

#[test]
fn kinds_that_run_no_image_are_not_asked_about() {
    require_cluster!();
    let gated = Gated::closed();
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "it" }, "data": { "a": "b" } });
    // What DaemonSets and StatefulSets keep of their former templates; the only other kind of the group apps.
    let revision = json!({ "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": { "name": "it" },
        "revision": 1, "data": { "spec": { "template": {} } } });
    let reviews = || gated.webhook.log().matches("\"message\":\"review\"").count();
    let before = reviews();
    assert_ne!(before, 0, "{}", gated.webhook.log());
    for object in [config, revision] {
        let _ = gated.admitted(&object);
    }
    assert_eq!(reviews(), before, "{}", gated.webhook.log());
}

#[test]
fn other_namespaces_than_the_gates_own_are_judged() {
    require_cluster!();
    let gated = Gated::closed();
    let _ = gated.shop.unsigned("bad");
    let image = gated.shop.image("bad");
    for namespace in ["sealgate", "shop"] {
        let _ = gated.kubernetes.kubectl(["create", "namespace", namespace]).success();
    }
    let run = |namespace| gated.kubernetes.kubectl(["run", "it", "--image", &image, "--namespace", namespace]);
    let said = run("shop").failure(1);
    assert!(said.contains("no signatures found"), "{said}");
    let _ = run("sealgate").success();
    let _ = run("kube-system").success();
}

const KINDS: [(&str, &str); 9] = [
    ("v1", "Pod"),
    ("v1", "PodTemplate"),
    ("v1", "ReplicationController"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
];
