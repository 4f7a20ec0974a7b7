//! Blobs: read whole or in part, and deleted. They come in through [`super::uploads`].

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE},
};
use oci::{AnyDigest, Repository};

use super::{
    precondition::{entity_tag, is_known_to},
    problem::Problem,
    range::{self, Asked as Part},
    server::{Asked, CONTENT_DIGEST},
};

/// `GET` and `HEAD`.
pub(super) async fn get(asked: &Asked, repository: &Repository, digest: &AnyDigest) -> Result<Response, Problem> {
    let blob = asked.registry.store().blob(repository, digest)?;
    let tag = entity_tag(digest);
    let headers = [(CONTENT_DIGEST, digest.to_string()), (ETAG, tag.clone()), (ACCEPT_RANGES, "bytes".to_owned())];
    if is_known_to(&asked.headers, digest) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let size = blob.size();
    let wanted = asked.header(&RANGE).filter(|_| asked.header(&IF_RANGE).is_none_or(|wanted| wanted == tag));
    let kind = (CONTENT_TYPE, "application/octet-stream".to_owned());
    match range::asked(wanted, size) {
        Part::Outside => Err(Problem::OutsideBlob { size }),
        Part::Whole => {
            let body: Body = blob.body(0..size).await?;
            Ok((headers, [kind, (CONTENT_LENGTH, size.to_string())], body).into_response())
        }
        Part::Part(part) => {
            let shown = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            let length = (CONTENT_LENGTH, (part.end - part.start).to_string());
            let body = blob.body(part).await?;
            Ok((StatusCode::PARTIAL_CONTENT, headers, [kind, (CONTENT_RANGE, shown), length], body).into_response())
        }
    }
}

/// `DELETE`.
pub(super) fn delete(asked: &Asked, repository: &Repository, digest: &AnyDigest) -> Result<Response, Problem> {
    asked.registry.store().remove_blob(repository, digest)?;
    Ok(StatusCode::ACCEPTED.into_response())
}
