//! Repositories and their content: every change is checked and made here, under one lock, on disk before in memory.
//!
//! Content is shared between repositories but only visible in those it was uploaded or mounted to; it is removed when
//! the last of them lets go of it.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    path::Path,
    sync::Mutex,
};

use bytes::Bytes;
use oci::{AnyDigest, Descriptor, Document, Repository, Tag};

use super::{
    ServeError, Storage,
    content::{Checked, Content, Stored, Upload, lock},
    endpoint::Reference,
    options::Place,
    precondition::Precondition,
    problem::Problem,
    records::{Mark, Records, io_error},
    shelf::Shelf,
};
use crate::layout::is_foreign;

/// All repositories.
pub(super) struct Store {
    content: Content,
    disk: Option<Disk>,
    shelves: Mutex<BTreeMap<Repository, Shelf>>,
}

struct Disk {
    records: Records,
    /// Held as long as the store is: it keeps other processes out of the directory.
    _lock: File,
}

/// A manifest as it is handed out.
pub(super) struct Found {
    pub(super) digest: AnyDigest,
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

impl Store {
    /// Opens the storage and reads what is there.
    pub(super) fn open(storage: &Storage, total_bytes: u64) -> Result<Self, ServeError> {
        match &storage.0 {
            Place::Memory => Ok(Self { content: Content::memory(total_bytes), disk: None, shelves: Mutex::default() }),
            Place::Directory(root) => {
                let lock = lock_directory(root)?;
                let content = Content::directory(root, total_bytes).map_err(|e| io_error(root, e))?;
                let records = Records::new(root);
                let shelves = Mutex::new(load(&records, &content)?);
                Ok(Self { content, disk: Some(Disk { records, _lock: lock }), shelves })
            }
        }
    }

    /// Begins an upload; it belongs to no repository until [`Self::add_blob`].
    pub(super) fn upload(&self) -> Result<Upload, Problem> {
        self.content.upload()
    }

    /// The blob, if it is visible in this repository.
    pub(super) fn blob(&self, repository: &Repository, digest: &AnyDigest) -> Result<Stored, Problem> {
        let shelves = lock(&self.shelves);
        match shelves.get(repository).is_some_and(|shelf| shelf.blobs.contains(digest)) {
            true => self.content.get(digest)?.ok_or(Problem::BlobUnknown),
            false => Err(Problem::BlobUnknown),
        }
    }

    /// Keeps an upload as a blob of this repository.
    pub(super) fn add_blob(&self, repository: &Repository, checked: Checked<'_>) -> Result<(), Problem> {
        let digest = checked.digest();
        let mut shelves = lock(&self.shelves);
        self.content.keep(checked)?;
        self.write(repository, &Mark::Blob(digest), "")?;
        shelves.entry(repository.clone()).or_default().blobs.insert(digest);
        Ok(())
    }

    /// Makes a blob of one repository visible in another; whether it was there.
    pub(super) fn mount(&self, from: &Repository, to: &Repository, digest: AnyDigest) -> Result<bool, Problem> {
        let mut shelves = lock(&self.shelves);
        if !shelves.get(from).is_some_and(|shelf| shelf.blobs.contains(&digest)) {
            return Ok(false);
        }
        self.write(to, &Mark::Blob(digest), "")?;
        shelves.entry(to.clone()).or_default().blobs.insert(digest);
        Ok(true)
    }

    /// Takes a blob out of this repository.
    pub(super) fn remove_blob(&self, repository: &Repository, digest: &AnyDigest) -> Result<(), Problem> {
        let mut shelves = lock(&self.shelves);
        let shelf = shelves.get_mut(repository).filter(|shelf| shelf.blobs.contains(digest));
        let shelf = shelf.ok_or(Problem::BlobUnknown)?;
        self.erase(repository, &Mark::Blob(*digest))?;
        shelf.blobs.remove(digest);
        self.release(&shelves, digest)
    }

    /// The manifest under this tag or digest.
    pub(super) fn manifest(&self, repository: &Repository, reference: &Reference) -> Result<Found, Problem> {
        let shelves = lock(&self.shelves);
        let shelf = shelves.get(repository).ok_or(Problem::ManifestUnknown)?;
        let digest = current(shelf, reference).ok_or(Problem::ManifestUnknown)?;
        let media_type = shelf.media_type(&digest).ok_or(Problem::ManifestUnknown)?.to_owned();
        let stored = self.content.get(&digest)?.ok_or(Problem::ManifestUnknown)?;
        drop(shelves);
        Ok(Found { digest, media_type, bytes: stored.bytes()? })
    }

    /// Keeps a manifest, and moves the tag to it if that is what it was put under. The document was read from what
    /// was checked.
    pub(super) fn put_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        document: &Document,
        checked: Checked<'_>,
        precondition: &Precondition,
    ) -> Result<(), Problem> {
        let (digest, size) = (checked.digest(), checked.size());
        let mut shelves = lock(&self.shelves);
        let empty = Shelf::default();
        let shelf = shelves.get(repository).unwrap_or(&empty);
        precondition.check(current(shelf, reference).as_ref())?;
        check_blobs(shelf, document)?;
        self.content.keep(checked)?;
        self.write(repository, &Mark::Manifest(digest), document.media_type())?;
        let shelf = shelves.entry(repository.clone()).or_default();
        shelf.add_manifest(digest, document, size);
        if let Reference::Tag(tag) = reference {
            self.write(repository, &Mark::Tag(tag.clone()), &digest.to_string())?;
            shelf.tags.insert(tag.clone(), digest);
        }
        Ok(())
    }

    /// Removes a tag, or a manifest with all its tags.
    pub(super) fn remove_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        precondition: &Precondition,
    ) -> Result<(), Problem> {
        let mut shelves = lock(&self.shelves);
        let shelf = shelves.get_mut(repository).ok_or(Problem::ManifestUnknown)?;
        let digest = current(shelf, reference).ok_or(Problem::ManifestUnknown)?;
        precondition.check(Some(&digest))?;
        let tags = match reference {
            Reference::Tag(tag) => vec![tag.clone()],
            Reference::Digest(_) => shelf.tags_of(&digest),
        };
        for tag in tags {
            self.erase(repository, &Mark::Tag(tag.clone()))?;
            shelf.tags.remove(&tag);
        }
        if let Reference::Digest(_) = reference {
            self.erase(repository, &Mark::Manifest(digest))?;
            shelf.remove_manifest(&digest);
            self.release(&shelves, &digest)?;
        }
        Ok(())
    }

    /// The repositories, in order, until `take` has enough.
    pub(super) fn repositories(&self, take: &mut impl FnMut(&Repository) -> bool) {
        let _ = lock(&self.shelves).keys().all(take);
    }

    /// The tags of a repository, in order, until `take` has enough.
    pub(super) fn tags(&self, repository: &Repository, take: &mut impl FnMut(&Tag) -> bool) -> Result<(), Problem> {
        let shelves = lock(&self.shelves);
        let _ = shelves.get(repository).ok_or(Problem::NameUnknown)?.tags.keys().all(take);
        Ok(())
    }

    /// The referrers of a manifest, by digest, until `take` has enough.
    pub(super) fn referrers(
        &self,
        repository: &Repository,
        subject: &AnyDigest,
        take: &mut impl FnMut(&Descriptor) -> bool,
    ) {
        if let Some(shelf) = lock(&self.shelves).get(repository) {
            let _ = shelf.referrers(subject).all(|(_, descriptor)| take(descriptor));
        }
    }

    /// Removes content that no repository holds any more.
    fn release(&self, shelves: &BTreeMap<Repository, Shelf>, digest: &AnyDigest) -> Result<(), Problem> {
        if !shelves.values().any(|shelf| shelf.holds(digest)) {
            self.content.remove(digest)?;
        }
        Ok(())
    }

    fn write(&self, repository: &Repository, mark: &Mark, text: &str) -> Result<(), Problem> {
        self.disk.as_ref().map_or(Ok(()), |disk| Ok(disk.records.write(repository, mark, text)?))
    }

    fn erase(&self, repository: &Repository, mark: &Mark) -> Result<(), Problem> {
        self.disk.as_ref().map_or(Ok(()), |disk| Ok(disk.records.erase(repository, mark)?))
    }
}

/// The manifest that a reference names now.
fn current(shelf: &Shelf, reference: &Reference) -> Option<AnyDigest> {
    match reference {
        Reference::Tag(tag) => shelf.tags.get(tag).copied(),
        Reference::Digest(digest) => shelf.media_type(digest).map(|_| *digest),
    }
}

/// An image's configuration and layers must be here, but for layers that are fetched elsewhere by design. An index
/// may come before its manifests.
fn check_blobs(shelf: &Shelf, document: &Document) -> Result<(), Problem> {
    let Document::Manifest(_, manifest) = document else { return Ok(()) };
    let layers = manifest.layers.iter().filter(|layer| !is_foreign(&layer.media_type));
    match std::iter::once(&manifest.config).chain(layers).find(|blob| !shelf.blobs.contains(&blob.digest)) {
        Some(missing) => Err(Problem::ManifestBlobUnknown { digest: missing.digest }),
        None => Ok(()),
    }
}

fn lock_directory(root: &Path) -> Result<File, ServeError> {
    std::fs::create_dir_all(root).map_err(|e| io_error(root, e))?;
    let path = root.join("lock");
    let file = File::create(&path).map_err(|e| io_error(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::InUse { directory: root.to_owned() }),
        Err(TryLockError::Error(error)) => Err(io_error(&path, error)),
    }
}

/// Reads all records, manifests among them. Blobs were put down before the records that name them, so a record
/// without its content is damage.
fn load(records: &Records, content: &Content) -> Result<BTreeMap<Repository, Shelf>, ServeError> {
    let mut shelves: BTreeMap<Repository, Shelf> = BTreeMap::new();
    records.load(&mut |repository, mark, text| {
        let shelf = shelves.entry(repository).or_default();
        match mark {
            Mark::Tag(tag) => {
                let digest = text.parse().map_err(|e: oci::DigestError| e.to_string())?;
                shelf.tags.insert(tag, digest);
            }
            Mark::Blob(digest) => {
                content_of(content, &digest)?;
                shelf.blobs.insert(digest);
            }
            Mark::Manifest(digest) => {
                let bytes = content_of(content, &digest)?.bytes().map_err(|e| e.to_string())?;
                let document = Document::parse(&bytes, Some(&text)).map_err(|e| e.to_string())?;
                shelf.add_manifest(digest, &document, bytes.len() as u64);
            }
        }
        Ok(())
    })?;
    Ok(shelves)
}

fn content_of(content: &Content, digest: &AnyDigest) -> Result<Stored, String> {
    content.get(digest).map_err(|e| e.to_string())?.ok_or_else(|| format!("content {digest} is missing"))
}
