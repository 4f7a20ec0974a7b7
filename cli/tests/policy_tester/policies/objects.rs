//! Which objects a policy is about.

use serde_json::{Value, json};

use super::{fail, pass};
use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    let of = |name, authority: Value, matching: Value| {
        Case::new(name, &[authority]).with("match", json!([matching])).few().alike()
    };
    let deployments = || json!({ "group": "apps", "version": "v1", "resource": "deployments" });
    let pods = || json!({ "version": "v1", "resource": "pods" });
    let labelled = |labels: Value| json!({ "version": "v1", "resource": "pods", "selector": labels });
    let expression = |key: &str, operator: &str, values: &[&str]| {
        labelled(json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }))
    };
    vec![
        of("match-deployments", pass(), deployments()).about(deployment()),
        of("match-deployments-fail", fail(), deployments()).about(deployment()),
        of("match-deployments-pod", pass(), deployments()).about(pod()),
        of("match-nothing-given", pass(), pods()),
        of("match-pods", pass(), pods()).about(pod()),
        of("match-pods-group", pass(), json!({ "group": "", "version": "v1", "resource": "pods" })).about(pod()),
        of("match-other-group", pass(), json!({ "group": "batch", "version": "v1", "resource": "pods" })).about(pod()),
        of("match-other-version", pass(), json!({ "version": "v2", "resource": "pods" })).about(pod()),
        of("match-any-version", pass(), json!({ "version": "*", "resource": "pods" })).about(pod()),
        of("match-no-version", pass(), json!({ "resource": "pods" })).about(pod()),
        of("match-labels", pass(), labelled(json!({ "matchLabels": { "app": "cart" } }))).about(pod()),
        of("match-other-label", pass(), labelled(json!({ "matchLabels": { "app": "shop" } }))).about(pod()),
        of("match-label-absent", pass(), labelled(json!({ "matchLabels": { "team": "cart" } }))).about(pod()),
        of("match-in", pass(), expression("app", "In", &["shop", "cart"])).about(pod()),
        of("match-not-in", pass(), expression("app", "NotIn", &["shop", "cart"])).about(pod()),
        of("match-exists", pass(), expression("app", "Exists", &[])).about(pod()),
        of("match-does-not-exist", pass(), expression("team", "DoesNotExist", &[])).about(pod()),
        of(
            "match-template-label",
            pass(),
            json!({ "group": "apps", "version": "v1", "resource": "deployments",
            "selector": { "matchLabels": { "tier": "front" } } }),
        )
        .about(deployment()),
        of("match-either", pass(), pods()).with("match", json!([deployments(), pods()])).about(pod()),
        of("match-empty", pass(), pods()).with("match", json!([])).about(pod()),
    ]
}

/// A Deployment of two, whose template has a label that it has not.
pub(super) fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "cart", "namespace": "shop", "labels": { "app": "cart" } },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "tier": "front" } },
            "template": {
                "metadata": { "labels": { "tier": "front" } },
                "spec": { "containers": [{ "name": "cart", "image": "shop/cart" }] },
            },
        },
    })
}

pub(super) fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "cart", "namespace": "shop", "labels": { "app": "cart" } },
        "spec": { "containers": [{ "name": "cart", "image": "shop/cart" }] },
    })
}
