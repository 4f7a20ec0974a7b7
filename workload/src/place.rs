//! Where something stands in an object, and the one way to read what stands there.
//!
//! Go's decoder takes `Image` for `image`, and which of the two it keeps depends on their order. So a key that differs
//! by case alone from one that is read is an error, also where the one that is read is absent.

use serde_json::{Map, Value};

use crate::{Shape, WorkloadError};

/// A place in an object, for machines and for people. Keys are ours and need no escaping.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub(crate) pointer: String,
    pub(crate) path: String,
}

impl Place {
    /// The value of this key of the object at this place, with its own place; null where it is absent.
    pub(crate) fn read<'a>(
        &self,
        object: &'a Map<String, Value>,
        key: &str,
    ) -> Result<(Self, &'a Value), WorkloadError> {
        let place = self.field(key);
        match oci::json::exact_names(object, &[key]) {
            Ok(()) => Ok((place, object.get(key).unwrap_or(&Value::Null))),
            Err(found) => Err(WorkloadError::OtherCase { path: place.path, found }),
        }
    }

    pub(crate) fn item(&self, index: usize) -> Self {
        Self { pointer: format!("{}/{index}", self.pointer), path: format!("{}[{index}]", self.path) }
    }

    pub(crate) fn wrong(&self, wanted: Shape, found: &Value) -> WorkloadError {
        WorkloadError::WrongType { path: self.path.clone(), wanted, found: Shape::of(found) }
    }

    fn field(&self, key: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { pointer: format!("{}/{key}", self.pointer), path: format!("{}{dot}{key}", self.path) }
    }
}
