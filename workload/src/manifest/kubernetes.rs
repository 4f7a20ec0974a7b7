//! Kubernetes manifests: objects and lists of objects, in as many documents as there are.

use std::sync::Arc;

use oci::json::exact_names;
use serde_json::{Map, Value};

use super::{
    At, Manifest, ManifestError, Mention, Object, PassedOver, Problem,
    yaml::{self, Document, Node},
};
use crate::{Shape, WorkloadError, error::excerpt, images};

pub(super) fn read(text: &str) -> Manifest {
    let (documents, problems) = yaml::documents(text);
    let mut manifest = Manifest { problems, ..Manifest::default() };
    for document in documents {
        let json = document.root.json();
        let top = Top { root: &document.root, source: document.source.as_deref(), pointer: "" };
        top.add(json, None, &mut manifest);
    }
    manifest.problems.sort_by_key(|problem| problem.at);
    manifest
}

pub(super) fn one(text: &str) -> Result<Object, Problem> {
    let at_start = |why| Problem { at: At::START, why };
    if text.len() > super::MAX_BYTES {
        return Err(at_start(ManifestError::TooLarge { found: text.len() }));
    }
    let (documents, problems) = yaml::documents(text);
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    let [Document { root, source }] = &documents[..] else {
        return Err(at_start(ManifestError::NotOne { found: documents.len() }));
    };
    let value = root.json();
    let missing = ["apiVersion", "kind"].into_iter().find(|key| !value.get(*key).is_some_and(Value::is_string));
    match missing {
        Some(key) => {
            let found = Shape::of(value.get(key).unwrap_or(&Value::Null));
            Err(Problem {
                at: root.at,
                why: ManifestError::WrongType { path: key.to_owned(), wanted: Shape::Text, found },
            })
        }
        None => Ok(Object { value: Arc::new(value), source: source.clone() }),
    }
}

/// An object of a document, and where it stands in it.
struct Top<'a> {
    root: &'a Node,
    source: Option<&'a str>,
    pointer: &'a str,
}

impl Top<'_> {
    /// Adds what an object names; `member` is what its list says of the kind of its members.
    fn add(&self, mut object: Value, member: Option<(&str, &str)>, manifest: &mut Manifest) {
        let at = self.root.nearest(self.pointer).at;
        let found = Shape::of(&object);
        let Some(fields) = object.as_object_mut() else {
            let path = if self.pointer.is_empty() { "document".to_owned() } else { path(self.pointer) };
            return manifest.object_to(at, ManifestError::WrongType { path, wanted: Shape::Object, found });
        };
        complete(fields, member);
        match list(fields) {
            Ok(Some(items)) => self.add_all(items, &object, manifest),
            Ok(None) => self.add_one(object, manifest),
            Err(why) => manifest.object_to(at, ManifestError::Workload(why)),
        }
    }

    fn add_all(&self, items: Vec<Value>, list: &Value, manifest: &mut Manifest) {
        let text = |key: &str| list.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = text("kind").trim_end_matches("List");
        let member = (!kind.is_empty()).then_some((text("apiVersion"), kind));
        for (index, item) in items.into_iter().enumerate() {
            let pointer = format!("{}/items/{index}", self.pointer);
            Top { pointer: &pointer, ..*self }.add(item, member, manifest);
        }
    }

    fn add_one(&self, value: Value, manifest: &mut Manifest) {
        let at = |pointer: &str| self.root.nearest(&format!("{}{pointer}", self.pointer)).at;
        match images(&value) {
            Ok(uses) => {
                let object = Arc::new(Object { value: Arc::new(value), source: self.source.map(str::to_owned) });
                manifest.mentions.extend(uses.into_iter().map(|used| Mention {
                    image: used.image,
                    at: at(&used.pointer),
                    path: used.path,
                    object: Some(Arc::clone(&object)),
                }));
            }
            Err(WorkloadError::UnknownKind { api_version, kind }) => match image_in(&value, "") {
                Some(pointer) => {
                    let why = ManifestError::NotUnderstood { api_version, kind, path: path(&pointer) };
                    manifest.object_to(at(&pointer), why);
                }
                None => manifest.passed_over.push(PassedOver::Object { kind }),
            },
            Err(why) => {
                let pointer = why.path().map(pointer).unwrap_or_default();
                manifest.object_to(at(&pointer), ManifestError::Workload(why));
            }
        }
    }
}

/// The API server's own lists leave out the kind of their members.
fn complete(fields: &mut Map<String, Value>, member: Option<(&str, &str)>) {
    if let Some((api_version, kind)) = member
        && !fields.contains_key("apiVersion")
        && !fields.contains_key("kind")
    {
        fields.insert("apiVersion".to_owned(), api_version.into());
        fields.insert("kind".to_owned(), kind.into());
    }
}

/// The members of a list of objects; none of anything else.
fn list(fields: &mut Map<String, Value>) -> Result<Option<Vec<Value>>, WorkloadError> {
    let is_list = fields.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if !is_list {
        return Ok(None);
    }
    exact_names(fields, &["apiVersion", "kind", "items"])
        .map_err(|found| WorkloadError::OtherCase { path: "items".to_owned(), found })?;
    match fields.remove("items") {
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(Value::Null) => Ok(Some(Vec::new())),
        // Somebody's own kind may end so as well.
        None => Ok(None),
        Some(other) => {
            let (wanted, found) = (Shape::List, Shape::of(&other));
            Err(WorkloadError::WrongType { path: "items".to_owned(), wanted, found })
        }
    }
}

/// The pointer to the first image where pods and pipelines have theirs: `containers[].image` and its like.
fn image_in(value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| image_in(item, &format!("{pointer}/{index}")))
        }
        Value::Object(fields) => fields.iter().find_map(|(key, inner)| {
            let inside = format!("{pointer}/{key}");
            let here = RUNNING.iter().any(|word| key.eq_ignore_ascii_case(word));
            here.then(|| named_image(inner, &inside)).flatten().or_else(|| image_in(inner, &inside))
        }),
        _ => None,
    }
}

fn named_image(value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| named_image(item, &format!("{pointer}/{index}")))
        }
        Value::Object(fields) => {
            let image = fields.iter().find(|(key, value)| key.eq_ignore_ascii_case("image") && value.is_string());
            image.map(|(key, _)| format!("{pointer}/{key}"))
        }
        _ => None,
    }
}

/// A pointer for people.
fn path(pointer: &str) -> String {
    let step = |path: String, key: &str| match key.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) if path.is_empty() => key.to_owned(),
        Err(_) => format!("{path}.{key}"),
    };
    excerpt(&pointer.split('/').skip(1).fold(String::new(), step))
}

/// The pointer of a path that [`images`] gives.
fn pointer(path: &str) -> String {
    path.split(['.', '[', ']']).filter(|key| !key.is_empty()).map(|key| format!("/{key}")).collect()
}

/// Where pods, and pipelines made of containers, name their images.
const RUNNING: [&str; 7] =
    ["containers", "initContainers", "ephemeralContainers", "sidecars", "container", "initContainer", "steps"];
