//! Which images does this Kubernetes object run? Which does this manifest, compose file or Dockerfile name?
//!
//! [`images`] names every field through which a workload makes a node pull an image, each with its place. An object
//! that cannot be read is an error, never an empty list: whoever asks must not take "nothing found" for "nothing
//! runs". [`Manifest`] does the same for files, with a line for each image and each problem.

mod error;
mod kind;
mod manifest;
mod place;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use error::{Shape, WorkloadError};
pub use kind::Kind;
pub use manifest::{At, Form, MAX_BYTES, Manifest, ManifestError, Mention, Object, PassedOver, Problem};
use place::Place;

/// One image in an object, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// The image as written, not yet parsed.
    pub image: String,
    /// Where it stands, as a JSON pointer: `/spec/template/spec/containers/0/image`.
    pub pointer: String,
    /// The same for people: `spec.template.spec.containers[0].image`.
    pub path: String,
}

/// All images that this object makes a node pull, in the order containers, init containers, ephemeral containers,
/// image volumes. Never empty.
///
/// A Pod that arrives through `pods/ephemeralcontainers` is a whole Pod and is read as one. An image volume without a
/// reference runs nothing yet (Kubernetes lets another controller fill it in) and is left out; a container without an
/// image is an error.
///
/// # Errors
/// Fails if the kind is not one of [`Kind`], if a field has another type than Kubernetes gives it, if a key differs by
/// case alone from one that is read, if there is no container at all, or if a container has no image.
pub fn images(object: &Value) -> Result<Vec<ImageUse>, WorkloadError> {
    let kind = Kind::of(object)?;
    let spec = pod_spec(object, kind)?;
    let mut found = Vec::new();
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for (place, container) in spec.list(list)? {
            found.push(required(&place, container, "image")?);
        }
    }
    for (place, volume) in spec.list("volumes")? {
        found.extend(volume_image(&place, volume)?);
    }
    Ok(found)
}

/// The object's own labels, not those of its pod template. What is no text is no label to Kubernetes either.
#[must_use]
pub fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    labels.into_iter().flatten().filter_map(text).collect()
}

/// The pod template of this object, of a Pod its spec; none where the kind is unknown, the template absent, or a key on
/// the way to it spelled twice in different case.
///
/// Two objects of one kind with equal templates run the same images in the same way; what lies outside (metadata,
/// status, replica counts) has no say in it.
#[must_use]
pub fn template<'a>(object: &'a Value) -> Option<&'a Value> {
    let kind = Kind::of(object).ok()?;
    let step = |value: &'a Value, key: &&str| Some(Place::default().read(value.as_object()?, key).ok()?.1);
    kind.template().iter().try_fold(object, step).filter(|template| template.is_object())
}

/// The object's pod spec, with its place, checked to have a container.
fn pod_spec(object: &Value, kind: Kind) -> Result<Spec<'_>, WorkloadError> {
    let mut place = Place::default();
    let mut value = object;
    for key in kind.spec() {
        let parent = value.as_object().ok_or_else(|| place.wrong(Shape::Object, value))?;
        (place, value) = place.read(parent, key)?;
    }
    let fields = value.as_object().ok_or_else(|| place.wrong(Shape::Object, value))?;
    let spec = Spec { place, fields };
    match spec.list("containers")?.is_empty() {
        true => Err(WorkloadError::NoContainers { path: format!("{}.containers", spec.place.path) }),
        false => Ok(spec),
    }
}

/// `volumes[].image.reference`, where the volume is an image and names one.
fn volume_image(place: &Place, volume: &Map<String, Value>) -> Result<Option<ImageUse>, WorkloadError> {
    match place.read(volume, "image")? {
        (_, Value::Null) => Ok(None),
        (place, Value::Object(image)) => text(&place, image, "reference"),
        (place, other) => Err(place.wrong(Shape::Object, other)),
    }
}

fn required(place: &Place, container: &Map<String, Value>, key: &str) -> Result<ImageUse, WorkloadError> {
    text(place, container, key)?.ok_or_else(|| WorkloadError::NoImage { path: format!("{}.{key}", place.path) })
}

/// A field that holds an image; none where it is absent or empty.
fn text(place: &Place, object: &Map<String, Value>, key: &str) -> Result<Option<ImageUse>, WorkloadError> {
    match place.read(object, key)? {
        (_, Value::Null) => Ok(None),
        (_, Value::String(image)) if image.is_empty() => Ok(None),
        (Place { pointer, path }, Value::String(image)) => Ok(Some(ImageUse { image: image.clone(), pointer, path })),
        (place, other) => Err(place.wrong(Shape::Text, other)),
    }
}

/// An object in a list, with its place.
type Entry<'a> = (Place, &'a Map<String, Value>);

struct Spec<'a> {
    place: Place,
    fields: &'a Map<String, Value>,
}

impl<'a> Spec<'a> {
    /// The objects in the list `key`, each with its place; an absent list is empty.
    fn list(&self, key: &str) -> Result<Vec<Entry<'a>>, WorkloadError> {
        let (place, items) = match self.place.read(self.fields, key)? {
            (_, Value::Null) => return Ok(Vec::new()),
            (place, Value::Array(items)) => (place, items),
            (place, other) => return Err(place.wrong(Shape::List, other)),
        };
        let object = |(i, item): (usize, &'a Value)| {
            let place = place.item(i);
            item.as_object().map(|o| (place.clone(), o)).ok_or_else(|| place.wrong(Shape::Object, item))
        };
        items.iter().enumerate().map(object).collect()
    }
}
