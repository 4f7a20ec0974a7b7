//! Signatures of files, and statements about them: bundles that are kept wherever the file is.

use oci::Digest;
use verifier::{Artifact, Format};

use crate::{Attestation, Check, Credential, Made, Purpose, Services, SignError, content::Content};

/// Signs a file's bytes.
///
/// # Errors
/// Fails if the signature would count for something else (see [`Purpose`]), if a service fails, and if what was made
/// would be refused.
pub async fn sign(
    by: &Credential,
    services: &Services,
    check: Option<&Check>,
    bytes: &[u8],
) -> Result<Made, SignError> {
    if let Some(other) = Purpose::of(bytes) {
        return Err(SignError::Purpose(other));
    }
    made(by, services, check, Content::Message(bytes), Artifact::Bytes(bytes)).await
}

/// Signs a statement about the file of this name with this digest.
///
/// # Errors
/// Fails if the predicate is not what its type wants, if a whole statement is about something else, and as [`sign`]
/// does.
pub async fn attest(
    by: &Credential,
    services: &Services,
    check: Option<&Check>,
    (name, digest): (&str, &Digest),
    what: &Attestation,
) -> Result<Made, SignError> {
    let (statement, _) = what.about(name, digest)?;
    made(by, services, check, Content::Statement(&statement), Artifact::Digest(*digest)).await
}

async fn made(
    by: &Credential,
    services: &Services,
    check: Option<&Check>,
    content: Content<'_>,
    artifact: Artifact<'_>,
) -> Result<Made, SignError> {
    let sealed = services.seal(by, content, Format::Bundle, Check::logs(check)).await?;
    let made = Made::bundle(by, content, sealed);
    if let Some(check) = check {
        check.blob(artifact, &made, &check.trust(by, services))?;
    }
    Ok(made)
}
