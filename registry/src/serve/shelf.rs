//! What one repository holds: tags, manifests, blobs, and which manifest refers to which.

use std::collections::{BTreeMap, BTreeSet};

use oci::{AnyDigest, Descriptor, Document, Tag};

/// One repository's contents, without their bytes.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) tags: BTreeMap<Tag, AnyDigest>,
    pub(super) blobs: BTreeSet<AnyDigest>,
    manifests: BTreeMap<AnyDigest, Kept>,
    referrers: BTreeMap<AnyDigest, BTreeMap<AnyDigest, Descriptor>>,
}

struct Kept {
    media_type: String,
    subject: Option<AnyDigest>,
}

impl Shelf {
    /// Adds a manifest, and with it what it refers to.
    pub(super) fn add_manifest(&mut self, digest: AnyDigest, document: &Document, size: u64) {
        self.remove_manifest(&digest);
        let subject = document.subject().map(|subject| subject.digest);
        if let Some(subject) = subject {
            self.referrers.entry(subject).or_default().insert(digest, referrer(digest, document, size));
        }
        self.manifests.insert(digest, Kept { media_type: document.media_type().to_owned(), subject });
    }

    /// Removes a manifest from the list and from what its subject is referred to by; whether it was there.
    pub(super) fn remove_manifest(&mut self, digest: &AnyDigest) -> bool {
        let Some(kept) = self.manifests.remove(digest) else { return false };
        if let Some(subject) = kept.subject
            && let Some(referrers) = self.referrers.get_mut(&subject)
        {
            referrers.remove(digest);
            if referrers.is_empty() {
                self.referrers.remove(&subject);
            }
        }
        true
    }

    /// The media type of a manifest that is here.
    pub(super) fn media_type(&self, digest: &AnyDigest) -> Option<&str> {
        self.manifests.get(digest).map(|kept| kept.media_type.as_str())
    }

    /// The manifests here that refer to `subject`, by digest.
    pub(super) fn referrers(&self, subject: &AnyDigest) -> impl Iterator<Item = (&AnyDigest, &Descriptor)> {
        self.referrers.get(subject).into_iter().flatten()
    }

    /// The tags of a manifest.
    pub(super) fn tags_of(&self, digest: &AnyDigest) -> Vec<Tag> {
        self.tags.iter().filter(|(_, named)| *named == digest).map(|(tag, _)| tag.clone()).collect()
    }

    /// Whether this repository holds the content, as blob or as manifest.
    pub(super) fn holds(&self, digest: &AnyDigest) -> bool {
        self.blobs.contains(digest) || self.manifests.contains_key(digest)
    }
}

/// A referrer's entry: distribution specification 1.1, "Listing Referrers". An image without an artifact type goes by
/// the media type of its configuration, an index without one has none.
fn referrer(digest: AnyDigest, document: &Document, size: u64) -> Descriptor {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (artifact_type, annotations) = match document {
        Document::Manifest(_, manifest) => (
            filled(&manifest.artifact_type).or_else(|| Some(manifest.config.media_type.clone())),
            manifest.annotations.clone(),
        ),
        Document::Index(_, index) => (filled(&index.artifact_type), index.annotations.clone()),
    };
    let media_type = document.media_type().to_owned();
    Descriptor { media_type, digest, size, artifact_type, annotations, platform: None }
}
