//! Which reviews are judged: every one that can bring an image to a node that was not judged before.
//!
//! Only the pod template counts. Annotations, owner references, replica counts and deletion timestamps have no say:
//! whoever may write an object may write those. Labels have one only where a policy selects objects by them; what a
//! policy's condition sees of an object is asked of the policies in force, elsewhere.

use serde_json::Value;
use workload::{ImageUse, WorkloadError, labels};

use crate::{
    review::{Operation, Review},
    words,
};

/// What is to be done with a review.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// It brings no image that was not there before.
    Pass(Unjudged),
    /// These images are to be judged; never empty.
    Judge(Vec<ImageUse>),
    /// The same pod template with other labels: to be judged if other policies are for it now.
    Relabelled(Vec<ImageUse>),
}

/// Why a review is admitted without being judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unjudged {
    /// DELETE or CONNECT: nothing is stored.
    Operation,
    /// A subresource that holds no image or whose images are ignored.
    SubResource,
    /// An update that leaves the pod template as it is.
    SameTemplate,
}

impl Unjudged {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation stores no image",
            Self::SubResource => "subresource changes no image",
            Self::SameTemplate => "pod template unchanged",
        }
    }
}

/// Why a review cannot be judged; it must be refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutOfScope {
    #[error("{0}")]
    Workload(#[from] WorkloadError),
    #[error("subresource `{0}` found, which cannot be judged; the webhook's rules must not name it")]
    SubResource(String),
    #[error("object is a `{found}`, the request is about a `{wanted}`")]
    OtherKind { found: String, wanted: String },
    #[error("{0} images found, wanted at most {MAX_IMAGES}")]
    TooMany(usize),
}

/// Decides what is to be done with a review.
pub(crate) fn scope(review: &Review) -> Result<Scope, OutOfScope> {
    if matches!(review.operation, Operation::Delete | Operation::Connect) {
        return Ok(Scope::Pass(Unjudged::Operation));
    }
    match review.sub_resource.as_deref() {
        // The API server takes only the status from such an object, and a scale holds no image.
        Some("status" | "scale") => return Ok(Scope::Pass(Unjudged::SubResource)),
        // These carry the whole Pod, with what is to become of it.
        None | Some("ephemeralcontainers" | "resize") => check_kind(review)?,
        Some(other) => return Err(OutOfScope::SubResource(words::cut(other, 60))),
    }
    let images = workload::images(&review.object)?;
    if images.len() > MAX_IMAGES {
        return Err(OutOfScope::TooMany(images.len()));
    }
    Ok(match (is_unchanged(review), labels(&review.object) == labels(&review.old_object)) {
        (false, _) => Scope::Judge(images),
        (true, false) => Scope::Relabelled(images),
        (true, true) => Scope::Pass(Unjudged::SameTemplate),
    })
}

/// The request says what it is about; an object that says otherwise was not read as the API server reads it.
fn check_kind(review: &Review) -> Result<(), OutOfScope> {
    let own = |key: &str| review.object.get(key).and_then(Value::as_str).unwrap_or_default();
    if own("apiVersion") == review.api_version && own("kind") == review.kind {
        return Ok(());
    }
    let found = words::cut(&format!("{} {}", own("apiVersion"), own("kind")), 100);
    Err(OutOfScope::OtherKind { found, wanted: words::cut(&format!("{} {}", review.api_version, review.kind), 100) })
}

/// Whether the stored object is of the same kind and has the same pod template, ephemeral containers included.
fn is_unchanged(review: &Review) -> bool {
    let same = |key: &str| review.object.get(key) == review.old_object.get(key);
    let templates = (workload::template(&review.object), workload::template(&review.old_object));
    let equal = matches!(templates, (Some(new), Some(old)) if new == old);
    review.operation == Operation::Update && same("apiVersion") && same("kind") && equal
}

/// Kubernetes has no limit but the object's size; no workload seen comes near this.
const MAX_IMAGES: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::review::Address;

    fn review(operation: Operation, object: Value, old_object: Value) -> Review {
        let own = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let address = Address { uid: "u".to_owned(), version: "admission.k8s.io/v1" };
        let (api_version, kind) = (own("apiVersion"), own("kind"));
        let (sub_resource, asked_by, user, namespace) = (None, String::new(), None, None);
        let (object, old_object) = (Arc::new(object), Arc::new(old_object));
        Review { address, operation, api_version, kind, sub_resource, object, old_object, asked_by, user, namespace }
    }

    fn through(sub_resource: &str, operation: Operation, object: Value, old_object: Value) -> Review {
        Review { sub_resource: Some(sub_resource.to_owned()), ..review(operation, object, old_object) }
    }

    fn deployment(image: &str, replicas: u32) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"image": image}]}}}})
    }

    fn pod(image: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"image": image}]}})
    }

    fn with(mut object: Value, pointer: &str, key: &str, value: Value) -> Value {
        object.pointer_mut(pointer).unwrap()[key] = value;
        object
    }

    fn judged(review: &Review) -> Vec<String> {
        match scope(review) {
            Ok(Scope::Judge(images)) => images.into_iter().map(|i| i.image).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn passed(review: &Review) -> Unjudged {
        match scope(review) {
            Ok(Scope::Pass(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn creation_is_judged() {
        assert_eq!(judged(&review(Operation::Create, pod("a"), Value::Null)), ["a"]);
    }

    #[test]
    fn creation_with_an_equal_old_object_is_judged() {
        assert_eq!(judged(&review(Operation::Create, pod("a"), pod("a"))), ["a"]);
    }

    #[test]
    fn creation_with_a_deletion_timestamp_is_judged() {
        let dying = with(pod("a"), "/metadata", "deletionTimestamp", json!("2026-01-01T00:00:00Z"));
        assert_eq!(judged(&review(Operation::Create, dying, Value::Null)), ["a"]);
    }

    #[test]
    fn dying_object_may_change_metadata_but_not_images() {
        let dying = |image| with(pod(image), "/metadata", "deletionTimestamp", json!("2026-01-01T00:00:00Z"));
        let freed = with(dying("a"), "/metadata", "finalizers", json!([]));
        assert_eq!(passed(&review(Operation::Update, freed, dying("a"))), Unjudged::SameTemplate);
        assert_eq!(judged(&review(Operation::Update, dying("b"), dying("a"))), ["b"]);
    }

    #[test]
    fn scaling_passes_and_scaling_with_another_image_is_judged() {
        let update = |new, old| review(Operation::Update, new, old);
        assert_eq!(passed(&update(deployment("a", 1), deployment("a", 5))), Unjudged::SameTemplate);
        assert_eq!(passed(&update(deployment("a", 5), deployment("a", 0))), Unjudged::SameTemplate);
        assert_eq!(judged(&update(deployment("b", 1), deployment("a", 5))), ["b"]);
        assert_eq!(judged(&update(deployment("b", 0), deployment("a", 0))), ["b"]);
    }

    #[test]
    fn metadata_never_spares_a_judgement() {
        let claims = json!({"sealgate.dev/verified": "true", "policy.sigstore.dev/include": "false"});
        let owner =
            json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "judged", "uid": "1", "controller": true}]);
        for (key, value) in [("annotations", claims.clone()), ("labels", claims), ("ownerReferences", owner)] {
            let object = with(pod("a"), "/metadata", key, value);
            assert_eq!(judged(&review(Operation::Create, object, Value::Null)), ["a"], "{key}");
        }
    }

    #[test]
    fn metadata_but_labels_never_causes_a_judgement() {
        for key in ["annotations", "ownerReferences"] {
            let changed = with(pod("a"), "/metadata", key, json!({"x": "y"}));
            assert_eq!(passed(&review(Operation::Update, changed, pod("a"))), Unjudged::SameTemplate);
        }
    }

    #[test]
    fn other_labels_are_told_apart_from_other_templates() {
        let labelled = |image| with(pod(image), "/metadata", "labels", json!({"x": "y"}));
        let relabelled = scope(&review(Operation::Update, labelled("a"), pod("a"))).unwrap();
        assert!(matches!(&relabelled, Scope::Relabelled(images) if images[0].image == "a"), "{relabelled:?}");
        let freed = scope(&review(Operation::Update, pod("a"), labelled("a"))).unwrap();
        assert!(matches!(freed, Scope::Relabelled(_)), "{freed:?}");
        assert_eq!(judged(&review(Operation::Update, labelled("b"), pod("a"))), ["b"]);
        assert_eq!(passed(&review(Operation::Update, labelled("a"), labelled("a"))), Unjudged::SameTemplate);
    }

    #[test]
    fn any_change_of_the_template_is_judged() {
        let changes = [
            ("initContainers", json!([{"image": "b"}])),
            ("ephemeralContainers", json!([{"image": "b"}])),
            ("volumes", json!([{"name": "v", "image": {"reference": "b"}}])),
        ];
        for (key, value) in changes {
            assert_eq!(judged(&review(Operation::Update, with(pod("a"), "/spec", key, value), pod("a"))), ["a", "b"]);
        }
        let annotated = with(deployment("a", 1), "/spec/template", "metadata", json!({"annotations": {"x": "y"}}));
        assert_eq!(judged(&review(Operation::Update, annotated, deployment("a", 1))), ["a"]);
    }

    #[test]
    fn update_without_a_comparable_old_object_is_judged() {
        let olds = [Value::Null, json!({}), deployment("a", 1), json!({"apiVersion": "v1", "kind": "Pod"})];
        for old in olds {
            assert_eq!(judged(&review(Operation::Update, pod("a"), old.clone())), ["a"], "{old}");
        }
    }

    #[test]
    fn ephemeral_containers_are_judged_with_the_whole_pod() {
        let debugged = with(pod("a"), "/spec", "ephemeralContainers", json!([{"image": "debug"}]));
        let update = through("ephemeralcontainers", Operation::Update, debugged.clone(), pod("a"));
        assert_eq!(judged(&update), ["a", "debug"]);
        let again = through("ephemeralcontainers", Operation::Update, debugged.clone(), debugged);
        assert_eq!(passed(&again), Unjudged::SameTemplate);
    }

    #[test]
    fn deletion_connection_status_and_scale_pass() {
        assert_eq!(passed(&review(Operation::Delete, Value::Null, pod("a"))), Unjudged::Operation);
        assert_eq!(passed(&through("exec", Operation::Connect, json!({}), Value::Null)), Unjudged::Operation);
        assert_eq!(passed(&through("status", Operation::Update, pod("b"), pod("a"))), Unjudged::SubResource);
        let scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale"});
        assert_eq!(passed(&through("scale", Operation::Update, scale, Value::Null)), Unjudged::SubResource);
    }

    #[test]
    fn other_subresources_are_refused_by_name() {
        for name in ["binding", "eviction", "Status", "status "] {
            let found = scope(&through(name, Operation::Create, pod("a"), Value::Null));
            assert_eq!(found, Err(OutOfScope::SubResource(name.to_owned())));
        }
    }

    #[test]
    fn unreadable_objects_are_refused_even_when_unchanged() {
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"});
        let bare = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": []}});
        for object in [role, bare] {
            for operation in [Operation::Create, Operation::Update] {
                let found = scope(&review(operation, object.clone(), object.clone()));
                assert!(matches!(found, Err(OutOfScope::Workload(_))), "{found:?}");
            }
        }
    }

    #[test]
    fn object_of_another_kind_than_the_request_is_refused() {
        let mut about_role = review(Operation::Create, pod("a"), Value::Null);
        about_role.kind = "Role".to_owned();
        assert!(matches!(scope(&about_role), Err(OutOfScope::OtherKind { .. })));
        let absent = Review { object: Value::Null.into(), ..review(Operation::Create, pod("a"), Value::Null) };
        assert!(matches!(scope(&absent), Err(OutOfScope::OtherKind { .. })));
    }

    #[test]
    fn more_images_than_anybody_runs_are_refused() {
        let many: Vec<Value> = (0..=MAX_IMAGES).map(|i| json!({"image": format!("i{i}")})).collect();
        let object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": many}});
        assert_eq!(scope(&review(Operation::Create, object, Value::Null)), Err(OutOfScope::TooMany(MAX_IMAGES + 1)));
    }
}
