//! The Kubernetes object that an image runs in, from a file.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use policy::Resource;
use serde_json::Value;

use super::super::files;
use crate::exit::Failure;

/// Reads the one object of a YAML or JSON file.
pub(super) fn read(path: &Path) -> Result<Resource, Failure> {
    let failed = |why: &str| files::unusable(format_args!("object in {}: {why}", path.display()));
    let text = files::read_text(path)?;
    let object: Value = serde_saphyr::from_str(&text).map_err(|error| failed(&files::yaml_fault(&error)))?;
    let field = |name: &str| object[name].as_str().ok_or_else(|| failed(&format!("it has no {name}")));
    let resource = Resource::new(field("apiVersion")?, field("kind")?, labels(&object));
    Ok(resource.with_object(Arc::new(object)))
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
