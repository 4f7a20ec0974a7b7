//! Which images does this Kubernetes object run?
//!
//! [`images`] names every field through which a workload makes a node pull an image, each with its place. An object
//! that cannot be read is an error, never an empty list: whoever asks must not take "nothing found" for "nothing
//! runs".

mod error;
mod kind;

use serde_json::{Map, Value};

pub use error::{Shape, WorkloadError};
pub use kind::Kind;

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
/// Fails if the kind is not one of [`Kind`], if a field has another type than Kubernetes gives it, if there is no
/// container at all, or if a container has no image.
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

/// The pod template of this object, of a Pod its spec; none where the kind is unknown or the template absent.
///
/// Two objects of one kind with equal templates run the same images in the same way; what lies outside (metadata,
/// status, replica counts) has no say in it.
#[must_use]
pub fn template(object: &Value) -> Option<&Value> {
    let kind = Kind::of(object).ok()?;
    kind.template().iter().try_fold(object, |value, key| value.get(key)).filter(|template| template.is_object())
}

/// The object's pod spec, with its place, checked to have a container.
fn pod_spec(object: &Value, kind: Kind) -> Result<Spec<'_>, WorkloadError> {
    let mut place = Place::default();
    let mut value = object;
    for key in kind.spec() {
        let parent = value.as_object().ok_or_else(|| place.wrong(Shape::Object, value))?;
        place = place.field(key);
        value = parent.get(*key).ok_or_else(|| place.wrong(Shape::Object, &Value::Null))?;
    }
    let fields = value.as_object().ok_or_else(|| place.wrong(Shape::Object, value))?;
    let spec = Spec { place, fields };
    match spec.list("containers")?.is_empty() {
        true => Err(WorkloadError::NoContainers { path: spec.place.field("containers").path }),
        false => Ok(spec),
    }
}

/// `volumes[].image.reference`, where the volume is an image and names one.
fn volume_image(place: &Place, volume: &Map<String, Value>) -> Result<Option<ImageUse>, WorkloadError> {
    let place = place.field("image");
    match volume.get("image") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(image)) => text(&place, image, "reference"),
        Some(other) => Err(place.wrong(Shape::Object, other)),
    }
}

fn required(place: &Place, container: &Map<String, Value>, key: &str) -> Result<ImageUse, WorkloadError> {
    text(place, container, key)?.ok_or_else(|| WorkloadError::NoImage { path: place.field(key).path })
}

/// A field that holds an image; none where it is absent or empty.
fn text(place: &Place, object: &Map<String, Value>, key: &str) -> Result<Option<ImageUse>, WorkloadError> {
    let place = place.field(key);
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(image)) if image.is_empty() => Ok(None),
        Some(Value::String(image)) => {
            Ok(Some(ImageUse { image: image.clone(), pointer: place.pointer, path: place.path }))
        }
        Some(other) => Err(place.wrong(Shape::Text, other)),
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
        let place = self.place.field(key);
        let items = match self.fields.get(key) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(place.wrong(Shape::List, other)),
        };
        let object = |(i, item): (usize, &'a Value)| {
            let place = place.item(i);
            item.as_object().map(|o| (place.clone(), o)).ok_or_else(|| place.wrong(Shape::Object, item))
        };
        items.iter().enumerate().map(object).collect()
    }
}

/// A place in an object, for machines and for people. Keys are ours and need no escaping.
#[derive(Clone, Default)]
struct Place {
    pointer: String,
    path: String,
}

impl Place {
    fn field(&self, key: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { pointer: format!("{}/{key}", self.pointer), path: format!("{}{dot}{key}", self.path) }
    }

    fn item(&self, index: usize) -> Self {
        Self { pointer: format!("{}/{index}", self.pointer), path: format!("{}[{index}]", self.path) }
    }

    fn wrong(&self, wanted: Shape, found: &Value) -> WorkloadError {
        WorkloadError::WrongType { path: self.path.clone(), wanted, found: Shape::of(found) }
    }
}
