//! The Kubernetes object that an image runs in, from a file.

use std::path::Path;

use policy::Resource;
use workload::Object;

use super::super::files;
use crate::{commands::check, exit::Failure};

/// Reads the one object of a YAML or JSON file.
pub(super) fn read(path: &Path) -> Result<Resource, Failure> {
    let text = files::read_text(path)?;
    let object = Object::read(&text).map_err(|problem| {
        files::unusable(format_args!("object in {}: line {}: {}", path.display(), problem.at.line, problem.why))
    })?;
    Ok(check::resource(&object))
}
