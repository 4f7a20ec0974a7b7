//! What refers to an image: by the referrers API, or by the index under the fallback tag where there is no API.
//!
//! OCI distribution specification 1.1, "Listing Referrers" and "Unavailable Referrers API".

use std::{collections::HashSet, sync::atomic::Ordering::Relaxed};

use http::{StatusCode, header};
use oci::{AnyDigest, Descriptor, Document, PinnedRef, Repository, location::fallback_tag, media_type};
use verifier::Source;

use crate::{
    Client, Lookup, Reference, RegistryError,
    answer::Answer,
    error::{Item, Violation},
    pages::Pages,
};

/// Referrers, and which of the two ways they were listed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) source: Source,
    pub(crate) referrers: Vec<Descriptor>,
}

/// Why a list could not be had, and by which way it was asked for.
pub(crate) struct NotListed {
    pub(crate) source: Source,
    pub(crate) error: RegistryError,
}

impl Client {
    /// Everything that refers to this image, each digest once; an empty list means that the registry said so.
    ///
    /// Nothing is filtered: what a list says of a manifest's artifact type is not reliable.
    ///
    /// # Errors
    /// Fails if the list could not be read to its end.
    pub async fn referrers(&self, pinned: &PinnedRef) -> Result<Vec<Descriptor>, RegistryError> {
        let listed = self.list_referrers(pinned.repository(), &(*pinned.digest()).into()).await;
        listed.map(|listed| listed.referrers).map_err(|not| not.error)
    }

    /// Asks the API, and the fallback tag if there is no API; both at once where the API was missing before.
    pub(crate) async fn list_referrers(
        &self,
        repository: &Repository,
        subject: &AnyDigest,
    ) -> Result<Listed, NotListed> {
        let host = self.transport().host(repository.domain());
        let by_tag = async { self.by_fallback_tag(repository, subject).await };
        let (by_api, early) = match host.lacks_referrers.load(Relaxed) {
            true => {
                let (by_api, by_tag) = tokio::join!(self.by_api(repository, subject), by_tag);
                (by_api, Some(by_tag))
            }
            false => (self.by_api(repository, subject).await, None),
        };
        let by_api = by_api.map_err(|error| NotListed { source: Source::Referrers, error })?;
        host.lacks_referrers.store(by_api.is_none(), Relaxed);
        if let Some(referrers) = by_api {
            return Ok(Listed { source: Source::Referrers, referrers });
        }
        let by_tag = match early {
            Some(by_tag) => by_tag,
            None => self.by_fallback_tag(repository, subject).await,
        };
        let source = Source::FallbackTag;
        by_tag.map(|referrers| Listed { source, referrers }).map_err(|error| NotListed { source, error })
    }

    /// The API's list; none where the registry has no such API.
    pub(crate) async fn by_api(
        &self,
        repository: &Repository,
        subject: &AnyDigest,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        let mut pages = Pages::new(self, repository, media_type::OCI_INDEX);
        let first = pages.first(&format!("referrers/{subject}")).await?;
        let Some(first) = supported(first).await? else { return Ok(None) };
        let (mut page, mut all) = (Some(first), Unique::new(repository.domain(), self.limits().referrers));
        while let Some(this) = page {
            let registry = this.registry.clone();
            let (bytes, next) = pages.read(this).await?;
            all.extend(index(
                &registry,
                Document::parse(&bytes, Some(media_type::OCI_INDEX)).map_err(Violation::from),
            )?)?;
            page = next;
        }
        Ok(Some(all.descriptors))
    }

    async fn by_fallback_tag(
        &self,
        repository: &Repository,
        subject: &AnyDigest,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let found = self.manifest(repository, &Reference::Tag(fallback_tag(subject))).await?;
        let Lookup::Found(fetched) = found else { return Ok(Vec::new()) };
        let mut all = Unique::new(repository.domain(), self.limits().referrers);
        all.extend(index(repository.domain(), Ok(fetched.document))?)?;
        Ok(all.descriptors)
    }
}

/// The answer, if it comes from a registry with the API. Refusals, throttling and faults are errors: they say nothing
/// about what there is.
async fn supported(mut answer: Answer) -> Result<Option<Answer>, RegistryError> {
    match answer.status {
        StatusCode::OK => {
            let content_type = answer.header(header::CONTENT_TYPE).unwrap_or_default();
            let is_index = content_type.split(';').next().unwrap_or_default().trim() == media_type::OCI_INDEX;
            Ok(is_index.then_some(answer))
        }
        StatusCode::NOT_FOUND
        | StatusCode::BAD_REQUEST
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::NOT_IMPLEMENTED => {
            answer.beginning().await;
            Ok(None)
        }
        _ => Err(answer.into_error().await),
    }
}

fn index(registry: &str, document: Result<Document, Violation>) -> Result<Vec<Descriptor>, RegistryError> {
    let violation = match document {
        Ok(Document::Index(_, index)) => return Ok(index.manifests),
        Ok(Document::Manifest(found, _)) => Violation::Kind { found, wanted: "an index" },
        Err(violation) => violation,
    };
    Err(RegistryError::Violation { registry: registry.to_owned(), violation })
}

/// Descriptors without repetition, up to a limit.
struct Unique<'a> {
    registry: &'a str,
    limit: usize,
    seen: HashSet<AnyDigest>,
    descriptors: Vec<Descriptor>,
}

impl<'a> Unique<'a> {
    fn new(registry: &'a str, limit: usize) -> Self {
        Self { registry, limit, seen: HashSet::new(), descriptors: Vec::new() }
    }

    fn extend(&mut self, more: Vec<Descriptor>) -> Result<(), RegistryError> {
        for descriptor in more {
            if self.seen.insert(descriptor.digest) {
                self.descriptors.push(descriptor);
            }
            if self.descriptors.len() > self.limit {
                let (registry, item) = (self.registry.to_owned(), Item::Referrers);
                return Err(RegistryError::TooMany { registry, item, limit: self.limit });
            }
        }
        Ok(())
    }
}
