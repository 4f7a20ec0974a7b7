//! The kinds of Kubernetes objects that hold a pod, and where they hold it.

use serde_json::Value;

use crate::{
    WorkloadError,
    error::{Shape, excerpt},
    place::Place,
};

/// A kind that runs images, by its API version and name. All of Kubernetes' own; none of anybody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `v1` Pod
    Pod,
    /// `v1` PodTemplate, whose template stands at the top
    PodTemplate,
    /// `v1` ReplicationController
    ReplicationController,
    /// `apps/v1` ReplicaSet
    ReplicaSet,
    /// `apps/v1` Deployment
    Deployment,
    /// `apps/v1` StatefulSet
    StatefulSet,
    /// `apps/v1` DaemonSet
    DaemonSet,
    /// `batch/v1` Job
    Job,
    /// `batch/v1` or `batch/v1beta1` CronJob
    CronJob,
}

impl Kind {
    /// The kind of this object, by its own `apiVersion` and `kind`.
    ///
    /// # Errors
    /// Fails if either is absent, no text, or has a like beside it that differs by case alone, or if together they name
    /// no kind that we know.
    pub fn of(object: &Value) -> Result<Self, WorkloadError> {
        let (version, kind) = (named(object, "apiVersion")?, named(object, "kind")?);
        let known = KINDS.iter().find(|(v, k, _)| *v == version && *k == kind);
        known
            .map(|(_, _, known)| *known)
            .ok_or_else(|| WorkloadError::UnknownKind { api_version: excerpt(version), kind: excerpt(kind) })
    }

    /// The keys that lead to the pod template, of a Pod to its spec.
    pub(crate) fn template(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &["spec"],
            Self::PodTemplate => &["template"],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        }
    }

    /// The keys that lead to the pod's spec.
    pub(crate) fn spec(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &["spec"],
            Self::PodTemplate => &["template", "spec"],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template", "spec"],
            _ => &["spec", "template", "spec"],
        }
    }
}

fn named<'a>(object: &'a Value, key: &str) -> Result<&'a str, WorkloadError> {
    let wrong = |found| WorkloadError::WrongType { path: key.to_owned(), wanted: Shape::Text, found: Shape::of(found) };
    let fields = object.as_object().ok_or_else(|| wrong(&Value::Null))?;
    let (_, value) = Place::default().read(fields, key)?;
    value.as_str().ok_or_else(|| wrong(value))
}

const KINDS: [(&str, &str, Kind); 10] = [
    ("v1", "Pod", Kind::Pod),
    ("v1", "PodTemplate", Kind::PodTemplate),
    ("v1", "ReplicationController", Kind::ReplicationController),
    ("apps/v1", "ReplicaSet", Kind::ReplicaSet),
    ("apps/v1", "Deployment", Kind::Deployment),
    ("apps/v1", "StatefulSet", Kind::StatefulSet),
    ("apps/v1", "DaemonSet", Kind::DaemonSet),
    ("batch/v1", "Job", Kind::Job),
    ("batch/v1", "CronJob", Kind::CronJob),
    ("batch/v1beta1", "CronJob", Kind::CronJob),
];
