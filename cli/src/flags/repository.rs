//! Where signatures are stored, if not beside the image.

use oci::Repository;

use crate::exit::Failure;

const VARIABLE: &str = "COSIGN_REPOSITORY";

/// The repository that `COSIGN_REPOSITORY` names, taken as it is, as cosign takes it.
pub(crate) fn from_environment() -> Result<Option<Repository>, Failure> {
    match std::env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => {
            text.parse().map(Some).map_err(|why| Failure::failed(format_args!("{VARIABLE}: {why}")))
        }
        _ => Ok(None),
    }
}
