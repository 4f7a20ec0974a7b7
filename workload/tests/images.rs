//! Every kind, every field, and what is refused.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

use serde_json::{Value, json};
use workload::{ImageUse, Kind, Shape, WorkloadError, images, template};

/// Each kind with the way to its pod spec.
const KINDS: [(&str, &str, &str); 10] = [
    ("v1", "Pod", "spec"),
    ("v1", "PodTemplate", "template.spec"),
    ("v1", "ReplicationController", "spec.template.spec"),
    ("apps/v1", "ReplicaSet", "spec.template.spec"),
    ("apps/v1", "Deployment", "spec.template.spec"),
    ("apps/v1", "StatefulSet", "spec.template.spec"),
    ("apps/v1", "DaemonSet", "spec.template.spec"),
    ("batch/v1", "Job", "spec.template.spec"),
    ("batch/v1", "CronJob", "spec.jobTemplate.spec.template.spec"),
    ("batch/v1beta1", "CronJob", "spec.jobTemplate.spec.template.spec"),
];

/// Each list of a pod spec with an entry that runs `IMAGE`, and the way from the entry to the image.
fn fields() -> [(&'static str, Value, &'static str); 4] {
    [
        ("containers", json!({"name": "c", "image": "IMAGE"}), "image"),
        ("initContainers", json!({"name": "i", "image": "IMAGE"}), "image"),
        ("ephemeralContainers", json!({"name": "e", "image": "IMAGE", "targetContainerName": "c"}), "image"),
        ("volumes", json!({"name": "v", "image": {"reference": "IMAGE", "pullPolicy": "Always"}}), "image.reference"),
    ]
}

fn object(version: &str, kind: &str, way: &str, spec: Value) -> Value {
    let nested = way.rsplit('.').fold(spec, |inner, key| json!({ key: inner }));
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
    object.as_object_mut().unwrap().extend(nested.as_object().unwrap().clone());
    object
}

fn pod(spec: Value) -> Value {
    object("v1", "Pod", "spec", spec)
}

fn names(found: &[ImageUse]) -> Vec<&str> {
    found.iter().map(|u| u.image.as_str()).collect()
}

#[test]
fn every_field_of_every_kind_is_named_with_its_place() {
    for (version, kind, way) in KINDS {
        for (list, entry, field) in fields() {
            let mut spec = json!({"containers": [{"name": "first", "image": "first"}]});
            let entries = if list == "containers" { json!([{"image": "first"}, entry]) } else { json!([entry]) };
            let index = entries.as_array().unwrap().len() - 1;
            spec[list] = entries;
            let object = object(version, kind, way, spec);
            let found = images(&object).unwrap();
            let path = format!("{way}.{list}[{index}].{field}");
            let pointer = format!("/{}/{list}/{index}/{}", way.replace('.', "/"), field.replace('.', "/"));
            let wanted = ImageUse { image: "IMAGE".to_owned(), pointer: pointer.clone(), path };
            assert_eq!(names(&found), ["first", "IMAGE"], "{version} {kind} {list}");
            assert_eq!(found[1], wanted);
            assert_eq!(object.pointer(&pointer), Some(&json!("IMAGE")));
        }
    }
}

#[test]
fn the_same_image_twice_is_two_uses() {
    let found = images(&pod(json!({"containers": [{"image": "a"}, {"image": "a"}]}))).unwrap();
    assert_eq!(names(&found), ["a", "a"]);
    assert_ne!(found[0].pointer, found[1].pointer);
}

#[test]
fn image_is_reported_as_written() {
    let found = images(&pod(json!({"containers": [{"image": " Not A Name\n"}]}))).unwrap();
    assert_eq!(names(&found), [" Not A Name\n"]);
}

#[test]
fn null_lists_are_absent_lists() {
    let spec = json!({"containers": [{"image": "a"}], "initContainers": null, "volumes": null});
    assert_eq!(names(&images(&pod(spec)).unwrap()), ["a"]);
}

#[test]
fn volume_without_a_reference_runs_nothing() {
    for image in [json!({}), json!({"reference": ""}), json!({"reference": null}), Value::Null] {
        let spec = json!({"containers": [{"image": "a"}], "volumes": [{"name": "v", "image": image}]});
        assert_eq!(names(&images(&pod(spec)).unwrap()), ["a"]);
    }
    let other = json!({"containers": [{"image": "a"}], "volumes": [{"name": "v", "emptyDir": {}}]});
    assert_eq!(names(&images(&pod(other)).unwrap()), ["a"]);
}

#[test]
fn unknown_kind_is_an_error() {
    let unknown = [
        ("v1", "List"),
        ("v1", "PodList"),
        ("v1", "Deployment"),
        ("apps/v1", "Pod"),
        ("apps/v1beta1", "Deployment"),
        ("batch/v2", "CronJob"),
        ("v1", "pod"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("", "Pod"),
    ];
    for (version, kind) in unknown {
        let object = object(version, kind, "spec", json!({"containers": [{"image": "a"}]}));
        assert!(matches!(images(&object), Err(WorkloadError::UnknownKind { .. })), "{version} {kind}");
        assert_eq!(template(&object), None);
    }
}

#[test]
fn object_without_kind_or_version_is_an_error() {
    for object in [json!({"kind": "Pod"}), json!({"apiVersion": "v1"}), json!({}), json!([]), Value::Null, json!("Pod")]
    {
        assert!(matches!(images(&object), Err(WorkloadError::WrongType { wanted: Shape::Text, .. })), "{object}");
    }
}

#[test]
fn pod_without_containers_is_an_error() {
    for spec in
        [json!({}), json!({"containers": []}), json!({"containers": null}), json!({"initContainers": [{"image": "a"}]})]
    {
        let wanted = WorkloadError::NoContainers { path: "spec.containers".to_owned() };
        assert_eq!(images(&pod(spec)), Err(wanted));
    }
}

#[test]
fn container_without_an_image_is_an_error() {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in [json!({"name": "c"}), json!({"image": ""}), json!({"image": null})] {
            let mut spec = json!({"containers": [{"image": "a"}]});
            spec[list] = json!([container]);
            let wanted = WorkloadError::NoImage { path: format!("spec.{list}[0].image") };
            assert_eq!(images(&pod(spec)), Err(wanted));
        }
    }
}

#[test]
fn wrong_types_are_errors_that_name_the_place() {
    let good = || json!({"containers": [{"image": "a"}]});
    let with = |key: &str, value: Value| {
        let mut spec = good();
        spec[key] = value;
        pod(spec)
    };
    let cases = [
        (with("containers", json!({})), "spec.containers", Shape::List),
        (with("containers", json!(["a"])), "spec.containers[0]", Shape::Object),
        (with("containers", json!([{"image": 1}])), "spec.containers[0].image", Shape::Text),
        (with("containers", json!([{"image": ["a"]}])), "spec.containers[0].image", Shape::Text),
        (with("initContainers", json!("a")), "spec.initContainers", Shape::List),
        (with("initContainers", json!([null])), "spec.initContainers[0]", Shape::Object),
        (with("ephemeralContainers", json!(true)), "spec.ephemeralContainers", Shape::List),
        (with("volumes", json!({})), "spec.volumes", Shape::List),
        (with("volumes", json!([[]])), "spec.volumes[0]", Shape::Object),
        (with("volumes", json!([{"image": "a"}])), "spec.volumes[0].image", Shape::Object),
        (with("volumes", json!([{"image": {"reference": {}}}])), "spec.volumes[0].image.reference", Shape::Text),
        (pod(Value::Null), "spec", Shape::Object),
        (pod(json!([])), "spec", Shape::Object),
    ];
    for (object, place, shape) in cases {
        match images(&object) {
            Err(WorkloadError::WrongType { path, wanted, .. }) => assert_eq!((path.as_str(), wanted), (place, shape)),
            other => panic!("{object}: {other:?}"),
        }
    }
}

/// The object with a second key beside each key on the way to an image, the second in other case; and where.
fn twins(object: &Value, way: &str) -> Vec<(Value, String)> {
    let steps: Vec<&str> = way.split('/').filter(|step| !step.is_empty()).collect();
    let named = (0..steps.len()).filter(|i| steps[*i].parse::<usize>().is_err());
    let on_the_way = named.map(|i| (steps[..i].iter().map(|step| format!("/{step}")).collect::<String>(), steps[i]));
    let all = on_the_way.chain([(String::new(), "apiVersion"), (String::new(), "kind")]);
    let mut found = Vec::new();
    for (parent, key) in all {
        let capital = key[..1].to_uppercase() + &key[1..];
        for twin in [capital, key.to_uppercase(), key.replacen('k', "\u{212a}", 1), key.replacen('s', "\u{17f}", 1)] {
            let mut changed = object.clone();
            let fields = changed.pointer_mut(&parent).unwrap().as_object_mut().unwrap();
            if !fields.contains_key(&twin) {
                fields.insert(twin, fields[key].clone());
                found.push((changed, format!("{parent}/{key}")));
            }
        }
    }
    found
}

#[test]
fn key_that_differs_by_case_from_one_on_the_way_to_an_image_is_an_error() {
    for (version, kind, way) in KINDS {
        for (list, entry, field) in fields() {
            let mut spec = json!({"containers": [{"image": "first"}]});
            spec[list] = json!([entry]);
            let object = object(version, kind, way, spec);
            let pointer = format!("{way}/{list}/0/{field}").replace('.', "/");
            let twins = twins(&object, &pointer);
            assert!(twins.len() > 10, "{twins:?}");
            for (object, place) in twins {
                match images(&object) {
                    Err(WorkloadError::OtherCase { path, .. }) => {
                        assert_eq!(path, place[1..].replace("/0", "[0]").replace('/', "."));
                    }
                    other => panic!("{object}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn key_in_other_case_alone_does_not_stand_for_the_one_we_read() {
    let spellings = [
        pod(json!({"containers": [{"image": "a"}], "InitContainers": [{"image": "b"}]})),
        pod(json!({"containers": [{"image": "a"}], "volumes": [{"name": "v", "Image": {"reference": "b"}}]})),
        pod(json!({"containers": [{"Image": "a"}]})),
        pod(json!({"Containers": [{"image": "a"}]})),
        json!({"apiVersion": "v1", "Kind": "Pod", "spec": {"containers": [{"image": "a"}]}}),
    ];
    for object in spellings {
        assert!(matches!(images(&object), Err(WorkloadError::OtherCase { .. })), "{object}");
    }
}

#[test]
fn keys_that_we_do_not_read_may_be_spelled_in_any_way() {
    let spec = json!({"containers": [{"image": "a", "Name": "x", "name": "y", "images": 1}], "NodeName": "n"});
    assert_eq!(names(&images(&pod(spec)).unwrap()), ["a"]);
}

#[test]
fn template_of_two_readings_is_none() {
    let deployment = object("apps/v1", "Deployment", "spec.template.spec", json!({"containers": [{"image": "a"}]}));
    for (parent, key) in [("", "Spec"), ("", "KIND"), ("/spec", "Template")] {
        let mut changed = deployment.clone();
        changed.pointer_mut(parent).unwrap()[key] = json!({});
        assert_eq!(template(&changed), None, "{key}");
    }
    assert!(template(&deployment).is_some());
}

#[test]
fn missing_template_is_an_error_at_the_first_missing_step() {
    for (version, kind, way) in KINDS {
        let bare = json!({"apiVersion": version, "kind": kind});
        let first = way.split('.').next().unwrap();
        match images(&bare) {
            Err(WorkloadError::WrongType { path, found: Shape::Nothing, .. }) => assert_eq!(path, first),
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(template(&bare), None);
    }
}

#[test]
fn template_is_what_the_kind_runs() {
    for (version, kind, way) in KINDS {
        let spec = json!({"containers": [{"image": "a"}]});
        let object = object(version, kind, way, spec.clone());
        let wanted = if kind == "Pod" { spec } else { json!({"spec": spec}) };
        assert_eq!(template(&object), Some(&wanted), "{kind}");
        assert!(Kind::of(&object).is_ok());
    }
}

#[test]
fn a_strangers_kind_is_escaped_and_cut() {
    let object = json!({"apiVersion": "v1\u{1b}[31m", "kind": "K".repeat(5000)});
    let message = images(&object).unwrap_err().to_string();
    assert!(message.len() < 300 && !message.contains('\u{1b}'), "{message}");
}
