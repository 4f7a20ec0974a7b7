//! Adding to a list that others add to as well: the layers of a `.sig` tag, the index under a fallback tag.
//!
//! Both are one tag that is read, merged and written. The write is conditional where the registry can do that, and the
//! tag is read again afterwards in any case, until what was to be added is in it.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    slice,
    time::Duration,
};

use bytes::Bytes;
use oci::{
    AnyDigest, Descriptor, Digest, Document, ManifestError, Repository, Tag,
    location::{fallback_index, fallback_tag, signature_manifest},
    media_type,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Client, Fetched, Precondition, Reference, RegistryError, error::Violation};

/// A layer to be added, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLayer {
    /// What the manifest will say of it.
    pub descriptor: Descriptor,
    /// The blob.
    pub bytes: Bytes,
}

/// What a tag shall hold next: blobs to be stored first, then the manifest.
struct Next {
    blobs: Vec<Bytes>,
    media_type: String,
    manifest: Bytes,
}

impl Client {
    /// Adds layers to cosign's `.sig`, `.att` or `.sbom` manifest under this tag, after those that are there. A layer
    /// that is there already, digest and annotations alike, is not added again.
    ///
    /// Layers that others add at the same time are kept where the registry honours `If-Match`; elsewhere a writer
    /// that reads an old version and writes last can still drop ours after we saw it.
    ///
    /// # Errors
    /// Fails if the tag holds something else, or if others kept overwriting it.
    pub async fn append_layers(
        &self,
        repository: &Repository,
        tag: &Tag,
        layers: &[NewLayer],
    ) -> Result<(), RegistryError> {
        for layer in layers {
            self.push_blob(repository, &layer.bytes).await?;
        }
        let wanted: Vec<_> = layers.iter().map(|layer| layer.descriptor.clone()).collect();
        self.merge(repository, tag, |current| merge_layers(current, &wanted)).await
    }

    /// Stores a manifest that refers to a subject, under its own digest, and sees to it that it is listed: by the
    /// registry if it says so or its referrers API shows it, else in the index under the fallback tag.
    ///
    /// # Errors
    /// Fails if the manifest has no subject, or could not be stored and listed.
    pub async fn push_referrer(&self, repository: &Repository, manifest: Bytes) -> Result<Descriptor, RegistryError> {
        let violation = |violation| RegistryError::Violation { registry: repository.domain().to_owned(), violation };
        let document = Document::parse(&manifest, None).map_err(|error| violation(error.into()))?;
        let media_type = document.media_type().to_owned();
        let Some(subject) = document.subject().map(|subject| subject.digest) else {
            return Err(violation(Violation::Kind { found: media_type, wanted: "a manifest with a subject" }));
        };
        let entry = entry(&document, &manifest);
        let reference = Reference::Digest(entry.digest);
        let pushed = self.push_manifest(repository, &reference, &media_type, manifest, Precondition::None).await?;
        if pushed.subject != Some(subject) && !self.api_lists(repository, &subject, &entry).await? {
            self.list_under_fallback_tag(repository, &subject, &entry).await?;
        }
        Ok(entry)
    }

    /// Whether the API lists this one. That it answers is not enough: it may know only what was pushed since it is there.
    async fn api_lists(
        &self,
        repository: &Repository,
        subject: &AnyDigest,
        entry: &Descriptor,
    ) -> Result<bool, RegistryError> {
        let listed = self.by_api(repository, subject).await?;
        Ok(listed.is_some_and(|listed| listed.iter().any(|referrer| referrer.digest == entry.digest)))
    }

    async fn list_under_fallback_tag(
        &self,
        repository: &Repository,
        subject: &AnyDigest,
        entry: &Descriptor,
    ) -> Result<(), RegistryError> {
        self.merge(repository, &fallback_tag(subject), |current| merge_entry(current, entry)).await
    }

    /// Reads a tag, merges, writes, and reads again, until there is nothing left to merge and two looks in a row, as
    /// far apart as a reading and a writing, find the same. Whoever has read before us has written by then.
    ///
    /// A registry that fails at a writing is asked again: two writers at once are more than some can bear.
    async fn merge(
        &self,
        repository: &Repository,
        tag: &Tag,
        merge: impl Fn(Option<&Fetched>) -> Result<Option<Next>, Violation>,
    ) -> Result<(), RegistryError> {
        let (rounds, reference) = (self.limits().merge_rounds, Reference::Tag(tag.clone()));
        let registry = || repository.domain().to_owned();
        let conflict = || RegistryError::Conflict { registry: registry(), reference: tag.to_string(), rounds };
        let (mut refused, mut expected, mut failed) = (false, None, None);
        let mut wait = Duration::ZERO;
        for round in 0..=rounds {
            tokio::time::sleep(wait).await;
            let start = Instant::now();
            let current = match self.manifest(repository, &reference).await {
                Ok(current) => current.found(),
                Err(error @ RegistryError::Failed { .. }) => {
                    (failed, wait) = (Some(error), pause(round));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let next = merge(current.as_ref());
            let next = next.map_err(|violation| RegistryError::Violation { registry: registry(), violation })?;
            let seen = current.as_ref().map(|current| current.digest);
            let Some(next) = next else {
                if expected.is_none() || expected == seen || round == rounds {
                    return Ok(());
                }
                (expected, failed, wait) = (seen, None, (wait * 4).clamp(SHORTEST_WAIT, LONGEST_WAIT) + pause(round));
                continue;
            };
            if round == rounds {
                break;
            }
            match self.write(repository, &reference, next, condition(current.as_ref(), refused)).await {
                Ok(written) => (expected, refused, failed) = (Some(written), false, None),
                Err(RegistryError::Conflict { .. }) => (refused, failed) = (current.is_none(), None),
                Err(error @ RegistryError::Failed { .. }) => failed = Some(error),
                Err(error) => return Err(error),
            }
            let first = round == 0 && expected.is_some();
            wait = start.elapsed().min(LONGEST_WAIT) + if first { Duration::ZERO } else { pause(round) };
        }
        Err(failed.unwrap_or_else(conflict))
    }

    async fn write(
        &self,
        repository: &Repository,
        reference: &Reference,
        next: Next,
        condition: Precondition,
    ) -> Result<Digest, RegistryError> {
        for blob in &next.blobs {
            self.push_blob(repository, blob).await?;
        }
        let pushed = self.push_manifest(repository, reference, &next.media_type, next.manifest, condition).await?;
        Ok(pushed.digest)
    }
}

/// The version that was read must still be there. A registry that refuses to write where it says that nothing is, is
/// asked without a condition the next time: it does not mean what the condition means.
fn condition(current: Option<&Fetched>, refused: bool) -> Precondition {
    match current {
        Some(Fetched { etag: Some(etag), .. }) if !etag.as_bytes().starts_with(b"W/") => {
            Precondition::IfMatch(etag.clone())
        }
        Some(_) => Precondition::None,
        None if refused => Precondition::None,
        None => Precondition::IfNoneMatch,
    }
}

/// Longer from round to round, and not the same for two who collided.
fn pause(round: u32) -> Duration {
    let most = 20_u64 << round.min(4);
    Duration::from_millis(most / 2 + RandomState::new().build_hasher().finish() % most)
}

fn merge_layers(current: Option<&Fetched>, wanted: &[Descriptor]) -> Result<Option<Next>, Violation> {
    let (media_type, present) = match current.map(|fetched| &fetched.document) {
        None => (media_type::OCI_MANIFEST, &[][..]),
        Some(Document::Manifest(media_type, manifest)) => (media_type.as_str(), &manifest.layers[..]),
        Some(Document::Index(found, _)) => {
            return Err(Violation::Kind { found: found.clone(), wanted: "a manifest with signatures" });
        }
    };
    let is_there =
        |layer: &Descriptor| present.iter().any(|p| p.digest == layer.digest && p.annotations == layer.annotations);
    let missing: Vec<_> = wanted.iter().filter(|layer| !is_there(layer)).cloned().collect();
    if missing.is_empty() && current.is_some() {
        return Ok(None);
    }
    let (config, manifest) = signature_manifest(&[present, &missing].concat());
    let manifest = match current {
        None => manifest,
        Some(current) => keeping(&current.bytes, &manifest, media_type)?,
    };
    Ok(Some(Next { blobs: vec![config.into()], media_type: media_type.to_owned(), manifest: manifest.into() }))
}

/// The new manifest with what is the old one's own: its media type, its annotations, and its layers word for word.
fn keeping(old: &[u8], new: &[u8], media_type: &str) -> Result<Vec<u8>, Violation> {
    let (old, mut new) = (value(old)?, value(new)?);
    if let (Some(old), Some(new)) = (old["layers"].as_array(), new["layers"].as_array_mut()) {
        new.splice(..old.len(), old.iter().cloned());
    }
    if let Some(annotations) = old.get("annotations").filter(|annotations| !annotations.is_null()) {
        new["annotations"] = annotations.clone();
    }
    if media_type == media_type::DOCKER_MANIFEST {
        new["mediaType"] = media_type.into();
        new["config"]["mediaType"] = DOCKER_CONFIG.into();
    }
    Ok(new.to_string().into_bytes())
}

fn merge_entry(current: Option<&Fetched>, entry: &Descriptor) -> Result<Option<Next>, Violation> {
    let next = |media_type: &str, manifest: Vec<u8>| {
        Some(Next { blobs: Vec::new(), media_type: media_type.to_owned(), manifest: manifest.into() })
    };
    let Some(current) = current else { return Ok(next(media_type::OCI_INDEX, fallback_index(slice::from_ref(entry)))) };
    let (media_type, listed) = match &current.document {
        Document::Index(media_type, index) => (media_type, &index.manifests),
        Document::Manifest(found, _) => return Err(Violation::Kind { found: found.clone(), wanted: "an index" }),
    };
    if listed.iter().any(|descriptor| descriptor.digest == entry.digest) {
        return Ok(None);
    }
    let mut index = value(&current.bytes)?;
    if !index["manifests"].is_array() {
        index["manifests"] = Value::Array(Vec::new());
    }
    let manifests = index["manifests"].as_array_mut().expect("it was made an array");
    manifests.push(json!(entry));
    manifests.sort_by(|a, b| a["digest"].as_str().cmp(&b["digest"].as_str()));
    Ok(next(media_type, index.to_string().into_bytes()))
}

fn value(bytes: &[u8]) -> Result<Value, Violation> {
    oci::json::parse(bytes).map_err(|error| Violation::Manifest(ManifestError::Json(error)))
}

/// How a referrer is listed: with its artifact type, or its configuration's media type, and its annotations.
fn entry(document: &Document, bytes: &[u8]) -> Descriptor {
    let (artifact_type, annotations) = match document {
        Document::Manifest(_, manifest) => {
            let config = || manifest.config.media_type.clone();
            (Some(manifest.artifact_type.clone().unwrap_or_else(config)), &manifest.annotations)
        }
        Document::Index(_, index) => (index.artifact_type.clone(), &index.annotations),
    };
    let annotations = annotations.clone();
    Descriptor { artifact_type, annotations, ..Descriptor::of(document.media_type(), bytes) }
}

/// Between two looks, where others have been seen to write.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
