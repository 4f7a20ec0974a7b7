//! Blobs on their way in: in one request, in one chunk, in many, or mounted from another repository.
//!
//! A session belongs to one repository and one request at a time. Whoever leaves it too long finds it gone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use http::{
    HeaderName, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE},
};
use oci::{AnyDigest, Repository};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{
    content::{Upload, lock},
    endpoint::repository_named,
    problem::Problem,
    range,
    server::{Asked, CONTENT_DIGEST},
};

/// `POST`: mounts, takes the whole blob, or begins a session.
pub(super) async fn begin(asked: &Asked, repository: &Repository, body: Body) -> Result<Response, Problem> {
    let store = asked.registry.store();
    if let (Some(digest), Some(from)) = (asked.parameter("mount"), asked.parameter("from")) {
        let digest = digest.parse()?;
        if store.mount(&repository_named(from)?, repository, digest)? {
            return Ok(created(repository, &digest));
        }
    } else if let Some(digest) = asked.parameter("digest") {
        let digest = digest.parse()?;
        let mut upload = store.upload()?;
        receive(asked, &mut upload, body).await?;
        store.add_blob(repository, upload.check(digest).await?)?;
        return Ok(created(repository, &digest));
    }
    let upload = store.upload()?;
    let id = asked.registry.sessions().begin(repository, upload)?;
    Ok(progress(StatusCode::ACCEPTED, repository, &id, 0))
}

/// `PATCH`: adds a chunk.
pub(super) async fn add(asked: &Asked, repository: &Repository, id: &str, body: Body) -> Result<Response, Problem> {
    let mut upload = asked.registry.sessions().take(repository, id)?;
    add_chunk(asked, repository, id, &mut upload, body).await?;
    Ok(progress(StatusCode::ACCEPTED, repository, id, upload.size()))
}

/// `PUT`: adds what is left, and keeps the blob if it has the digest named.
pub(super) async fn finish(asked: &Asked, repository: &Repository, id: &str, body: Body) -> Result<Response, Problem> {
    let digest = asked.parameter("digest").ok_or(Problem::DigestMissing)?.parse()?;
    let mut upload = asked.registry.sessions().take(repository, id)?;
    add_chunk(asked, repository, id, &mut upload, body).await?;
    asked.registry.sessions().forget(id);
    asked.registry.store().add_blob(repository, upload.check(digest).await?)?;
    Ok(created(repository, &digest))
}

/// `GET` and `HEAD`: how far the session is.
pub(super) fn status(asked: &Asked, repository: &Repository, id: &str) -> Result<Response, Problem> {
    let upload = asked.registry.sessions().take(repository, id)?;
    Ok(progress(StatusCode::NO_CONTENT, repository, id, upload.size()))
}

/// `DELETE`: drops the session and what it received.
pub(super) fn cancel(asked: &Asked, repository: &Repository, id: &str) -> Result<Response, Problem> {
    let _upload = asked.registry.sessions().take(repository, id)?;
    asked.registry.sessions().forget(id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Adds the body at the place that Content-Range names, where it names one. A client that was cut off may look how
/// far it came and go on; after any other failure the session is gone, since what it holds is not what was meant.
async fn add_chunk(
    asked: &Asked,
    repository: &Repository,
    id: &str,
    upload: &mut Upload,
    body: Body,
) -> Result<(), Problem> {
    let end = chunk_end(asked, repository, id, upload.size())?;
    let received = receive(asked, upload, body).await.and_then(|()| match end {
        Some(end) if end != upload.size() => Err(Problem::ContentRange),
        _ => Ok(()),
    });
    match received {
        Ok(()) | Err(Problem::Interrupted | Problem::Stalled) => asked.registry.sessions().touch(id),
        Err(_) => asked.registry.sessions().forget(id),
    }
    received
}

/// Where the chunk ends by its Content-Range. One that begins elsewhere than the upload ends, or whose length is not
/// the body's, is refused before a byte of it is read.
fn chunk_end(asked: &Asked, repository: &Repository, id: &str, size: u64) -> Result<Option<u64>, Problem> {
    let Some(header) = asked.headers.get(CONTENT_RANGE) else { return Ok(None) };
    let range = header.to_str().ok().and_then(range::of_chunk).ok_or(Problem::ContentRange)?;
    if range.start != size {
        return Err(Problem::OutOfOrder { location: location(repository, id), size });
    }
    match asked.header(&CONTENT_LENGTH) {
        Some(length) if length.parse() != Ok(range.end - range.start) => Err(Problem::ContentRange),
        _ => Ok(Some(range.end)),
    }
}

async fn receive(asked: &Asked, upload: &mut Upload, body: Body) -> Result<(), Problem> {
    let limits = asked.registry.limits();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = tokio::time::timeout(limits.stall, stream.next()).await.map_err(|_| Problem::Stalled)? {
        upload.append(&chunk.map_err(|_| Problem::Interrupted)?, limits.blob_bytes)?;
    }
    Ok(())
}

fn created(repository: &Repository, digest: &AnyDigest) -> Response {
    let location = format!("/v2/{}/blobs/{digest}", repository.path());
    (StatusCode::CREATED, [(LOCATION, location), (CONTENT_DIGEST, digest.to_string())]).into_response()
}

/// Where to go on, and how much has arrived; the first byte has number 0, and so, by custom, has "none yet".
fn progress(status: StatusCode, repository: &Repository, id: &str, size: u64) -> Response {
    let range = format!("0-{}", size.saturating_sub(1));
    (status, [(LOCATION, location(repository, id)), (RANGE, range), (UPLOAD_ID, id.to_owned())]).into_response()
}

fn location(repository: &Repository, id: &str) -> String {
    format!("/v2/{}/blobs/uploads/{id}", repository.path())
}

/// The uploads that are open.
pub(super) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    most: usize,
    expiry: Duration,
}

struct Session {
    repository: Repository,
    upload: Arc<AsyncMutex<Upload>>,
    touched: Instant,
}

impl Sessions {
    pub(super) fn new(most: usize, expiry: Duration) -> Self {
        Self { open: Mutex::default(), most, expiry }
    }

    /// Opens a session for this upload and returns its id.
    fn begin(&self, repository: &Repository, upload: Upload) -> Result<String, Problem> {
        let mut open = lock(&self.open);
        open.retain(|_, session| !self.is_stale(session));
        if open.len() >= self.most {
            return Err(Problem::TooManyUploads { most: self.most });
        }
        let id = upload.id().to_owned();
        let upload = Arc::new(AsyncMutex::new(upload));
        open.insert(id.clone(), Session { repository: repository.clone(), upload, touched: Instant::now() });
        Ok(id)
    }

    /// The upload of a session, for one request at a time.
    fn take(&self, repository: &Repository, id: &str) -> Result<OwnedMutexGuard<Upload>, Problem> {
        let mut open = lock(&self.open);
        open.retain(|_, session| !self.is_stale(session));
        let session = open.get(id).filter(|session| session.repository == *repository);
        let session = session.ok_or(Problem::UploadUnknown)?;
        Arc::clone(&session.upload).try_lock_owned().map_err(|_| Problem::UploadBusy)
    }

    fn touch(&self, id: &str) {
        if let Some(session) = lock(&self.open).get_mut(id) {
            session.touched = Instant::now();
        }
    }

    fn forget(&self, id: &str) {
        lock(&self.open).remove(id);
    }

    /// A session that a request is working on is never stale.
    fn is_stale(&self, session: &Session) -> bool {
        session.touched.elapsed() > self.expiry && session.upload.try_lock().is_ok()
    }
}

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
