//! Writes: blobs, manifests, and what else a repository lists.

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use oci::{AnyDigest, Descriptor, Digest, Repository};
use serde::Deserialize;
use url::Url;

use crate::{
    Client, Lookup, Reference, RegistryError,
    address::Registry,
    answer::Answer,
    client::{Ask, absent, check_digest_header},
    error::{Item, Violation, excerpt},
    pages::Pages,
    transport::check_direction,
};

/// On which condition a registry shall write a manifest. Registries that know no conditions write it in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// In any case.
    None,
    /// If what is there is still this version.
    IfMatch(HeaderValue),
    /// If there is nothing yet.
    IfNoneMatch,
}

/// What a registry said to a manifest that it has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The SHA-256 of the bytes.
    pub digest: Digest,
    /// The subject that the registry says it has indexed, if it says so.
    pub subject: Option<AnyDigest>,
}

impl Client {
    /// Stores a blob, unless the repository has it already.
    ///
    /// # Errors
    /// Fails unless the registry has it afterwards, by its own word.
    pub async fn push_blob(&self, repository: &Repository, bytes: &Bytes) -> Result<Digest, RegistryError> {
        let mut tries = UPLOADS;
        loop {
            tries -= 1;
            match self.upload(repository, bytes).await {
                // some registries fail at two uploads of one blob at once; the other one may have succeeded
                Err(RegistryError::Failed { .. }) if tries > 0 => {}
                result => return result,
            }
        }
    }

    async fn upload(&self, repository: &Repository, bytes: &Bytes) -> Result<Digest, RegistryError> {
        let digest = Digest::of(bytes);
        let head = self.send(Ask::write(repository, Method::HEAD, format!("blobs/{digest}"), None)).await?;
        if head.status == StatusCode::OK {
            return Ok(digest);
        }
        if head.status != StatusCode::NOT_FOUND {
            return Err(head.into_error().await);
        }
        drop(head);
        let start = self.send(Ask::write(repository, Method::POST, "blobs/uploads/", Some(Bytes::new()))).await?;
        let url = upload_url(&Registry::of(repository)?, start, &digest).await?;
        let octets = HeaderValue::from_static("application/octet-stream");
        let put = Ask::write(repository, Method::PUT, "", Some(bytes.clone())).at(url);
        let mut put = self.send(put.header(header::CONTENT_TYPE, octets)).await?;
        if put.status != StatusCode::CREATED {
            return Err(put.into_error().await);
        }
        put.beginning().await;
        check_digest_header(&put.headers, bytes).map_err(|violation| put.violates(violation))?;
        Ok(digest)
    }

    /// Stores a manifest under a tag or its digest.
    ///
    /// # Errors
    /// [`RegistryError::Conflict`] if the registry says that the condition is not met.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        media_type: &str,
        bytes: Bytes,
        condition: Precondition,
    ) -> Result<Pushed, RegistryError> {
        let digest = Digest::of(&bytes);
        let mut ask = Ask::write(repository, Method::PUT, format!("manifests/{reference}"), Some(bytes.clone()));
        let content_type = HeaderValue::from_str(media_type).map_err(|_| RegistryError::Violation {
            registry: repository.domain().to_owned(),
            violation: Violation::Kind { found: excerpt(media_type.as_bytes()), wanted: "a media type" },
        })?;
        ask = ask.header(header::CONTENT_TYPE, content_type);
        ask = match condition {
            Precondition::None => ask,
            Precondition::IfMatch(etag) => ask.header(header::IF_MATCH, etag),
            Precondition::IfNoneMatch => ask.header(header::IF_NONE_MATCH, HeaderValue::from_static("*")),
        };
        let mut answer = self.send(ask).await?;
        match answer.status {
            StatusCode::CREATED | StatusCode::OK | StatusCode::ACCEPTED => {}
            StatusCode::PRECONDITION_FAILED => {
                let (registry, reference) = (answer.registry.clone(), reference.to_string());
                return Err(RegistryError::Conflict { registry, reference, rounds: 1 });
            }
            _ => return Err(answer.into_error().await),
        }
        answer.beginning().await;
        check_digest_header(&answer.headers, &bytes).map_err(|violation| answer.violates(violation))?;
        let subject = answer.header("oci-subject").and_then(|text| text.parse().ok());
        Ok(Pushed { digest, subject })
    }

    /// Removes a manifest, or a tag where the registry can.
    ///
    /// # Errors
    /// Fails unless the registry says that it is gone, or was not there.
    pub async fn delete_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Lookup<()>, RegistryError> {
        let answer = self.send(Ask::write(repository, Method::DELETE, format!("manifests/{reference}"), None)).await?;
        match answer.status {
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => Ok(Lookup::Found(())),
            StatusCode::NOT_FOUND => absent(answer).await,
            _ => Err(answer.into_error().await),
        }
    }

    /// All tags of a repository.
    ///
    /// # Errors
    /// Fails if the list could not be read to its end.
    pub async fn tags(&self, repository: &Repository) -> Result<Lookup<Vec<String>>, RegistryError> {
        let mut pages = Pages::new(self, repository, "application/json");
        let first = pages.first("tags/list").await?;
        match first.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return absent(first).await,
            _ => return Err(first.into_error().await),
        }
        let (mut page, mut tags) = (Some(first), Vec::new());
        while let Some(this) = page {
            let registry = this.registry.clone();
            let (bytes, next) = pages.read(this).await?;
            tags.extend(
                tags_in(&bytes)
                    .map_err(|violation| RegistryError::Violation { registry: registry.clone(), violation })?,
            );
            let limit = self.limits().tags;
            if tags.len() > limit {
                return Err(RegistryError::TooMany { registry, item: Item::Tags, limit });
            }
            page = next;
        }
        Ok(Lookup::Found(tags))
    }
}

/// Where the bytes go: the address that the registry gave, with the digest added. It may be on another host, but is
/// otherwise judged as a redirect is.
async fn upload_url(registry: &Registry, mut answer: Answer, digest: &Digest) -> Result<Url, RegistryError> {
    if answer.status != StatusCode::ACCEPTED {
        return Err(answer.into_error().await);
    }
    answer.beginning().await;
    let missing = || answer.violates(Violation::Location { status: answer.status.as_u16() });
    let text = answer.header(header::LOCATION).ok_or_else(missing)?;
    let mut url = answer.url.join(text).map_err(|_| missing())?;
    check_direction(registry, &answer.url, &url).map_err(|refusal| registry.refuse(refusal))?;
    url.query_pairs_mut().append_pair("digest", &digest.to_string());
    Ok(url)
}

fn tags_in(bytes: &[u8]) -> Result<Vec<String>, Violation> {
    #[derive(Deserialize)]
    struct Page {
        tags: Option<Vec<String>>,
    }
    let page: Page = serde_json::from_slice(bytes)
        .map_err(|error| Violation::List { why: excerpt(error.to_string().as_bytes()) })?;
    Ok(page.tags.unwrap_or_default())
}

impl From<&Descriptor> for Reference {
    fn from(descriptor: &Descriptor) -> Self {
        Self::Digest(descriptor.digest)
    }
}

const UPLOADS: u32 = 3;
