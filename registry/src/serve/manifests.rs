//! Manifests and indexes: read, written under conditions, deleted.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use http::{
    HeaderName, StatusCode,
    header::{CONTENT_TYPE, ETAG, LOCATION},
};
use oci::{Digest, Document, Repository};

use super::{
    endpoint::Reference,
    precondition::{Precondition, entity_tag, is_known_to},
    problem::Problem,
    server::{Asked, CONTENT_DIGEST},
};

/// `GET` and `HEAD`.
pub(super) fn get(asked: &Asked, repository: &Repository, reference: &str) -> Result<Response, Problem> {
    let found = asked.registry.store().manifest(repository, &existing(reference)?)?;
    let headers = [(CONTENT_DIGEST, found.digest.to_string()), (ETAG, entity_tag(&found.digest))];
    if is_known_to(&asked.headers, &found.digest) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, [(CONTENT_TYPE, found.media_type)], found.bytes).into_response())
}

/// `PUT`.
pub(super) async fn put(
    asked: &Asked,
    repository: &Repository,
    reference: &str,
    body: Body,
) -> Result<Response, Problem> {
    let reference = Reference::parse(reference)?;
    let bytes = read(asked, body).await?;
    let document = parse(asked.header(&CONTENT_TYPE), &bytes)?;
    let precondition = Precondition::read(&asked.headers);
    let digest = match &reference {
        Reference::Tag(_) => Digest::of(&bytes).into(),
        Reference::Digest(digest) => *digest,
    };
    let store = asked.registry.store();
    let mut upload = store.upload()?;
    upload.append(&bytes, bytes.len() as u64)?;
    let checked = upload.check(digest).await?;
    store.put_manifest(repository, &reference, &document, checked, &precondition)?;
    let location = format!("/v2/{}/manifests/{digest}", repository.path());
    let headers = [(LOCATION, location), (CONTENT_DIGEST, digest.to_string()), (ETAG, entity_tag(&digest))];
    let mut response = (StatusCode::CREATED, headers).into_response();
    if let Some(subject) = document.subject().filter(|_| asked.registry.has_referrers()) {
        let subject = subject.digest.to_string().parse().expect("a digest is a header value");
        response.headers_mut().insert(SUBJECT, subject);
    }
    Ok(response)
}

/// `DELETE` of a tag, or of a manifest and all its tags.
pub(super) fn delete(asked: &Asked, repository: &Repository, reference: &str) -> Result<Response, Problem> {
    let precondition = Precondition::read(&asked.headers);
    asked.registry.store().remove_manifest(repository, &existing(reference)?, &precondition)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// A reference to what should be there: under a text that is no tag, nothing is.
fn existing(reference: &str) -> Result<Reference, Problem> {
    match Reference::parse(reference) {
        Err(Problem::TagInvalid(_)) => Err(Problem::ManifestUnknown),
        other => other,
    }
}

async fn read(asked: &Asked, body: Body) -> Result<Vec<u8>, Problem> {
    let limits = asked.registry.limits();
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = tokio::time::timeout(limits.stall, stream.next()).await.map_err(|_| Problem::Stalled)? {
        let chunk = chunk.map_err(|_| Problem::Interrupted)?;
        if bytes.len() + chunk.len() > limits.manifest_bytes {
            return Err(Problem::ManifestTooLarge { most: limits.manifest_bytes });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads the document strictly; a Content-Type, where there is one, must be its media type and no other.
fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Document, Problem> {
    let document = Document::parse(bytes, content_type)?;
    let named = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    match named.is_none_or(|named| named == document.media_type()) {
        true => Ok(document),
        false => Err(Problem::ContentType { found: document.media_type().to_owned() }),
    }
}

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
