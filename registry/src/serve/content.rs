//! Bytes by digest, in memory or in files, and the one way in: an [`Upload`], hashed while it arrives.
//!
//! In a directory, content lies at `blobs/<algorithm>/<hex>` and is put there by a rename. Writes and renames are
//! made on the spot, not handed to another thread: they end in the page cache, and an upload can never be cut off
//! between hashing a chunk and writing it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Seek, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64, atomic::Ordering},
};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::stream;
use oci::{AnyDigest, Digest};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::problem::Problem;

/// All content of a registry, whoever may see it.
pub(super) struct Content {
    kept: Kept,
    quota: Arc<Quota>,
}

enum Kept {
    Memory(Mutex<HashMap<AnyDigest, Bytes>>),
    Directory(PathBuf),
}

impl Content {
    /// No content yet, in memory.
    pub(super) fn memory(most: u64) -> Self {
        Self { kept: Kept::Memory(Mutex::default()), quota: Arc::new(Quota { used: AtomicU64::new(0), most }) }
    }

    /// The content below this directory. Uploads that another process left unfinished are removed.
    pub(super) fn directory(root: &Path, most: u64) -> io::Result<Self> {
        match fs::remove_dir_all(root.join(UPLOADS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(root.join(UPLOADS))?,
        }
        let mut used = 0;
        for algorithm in ["sha256", "sha384", "sha512"] {
            let directory = root.join(BLOBS).join(algorithm);
            fs::create_dir_all(&directory)?;
            for entry in fs::read_dir(directory)? {
                used += entry?.metadata()?.len();
            }
        }
        Ok(Self { kept: Kept::Directory(root.to_owned()), quota: Arc::new(Quota { used: AtomicU64::new(used), most }) })
    }

    /// Begins an upload.
    pub(super) fn upload(&self) -> Result<Upload, Problem> {
        let id = fresh_name()?;
        let sink = match &self.kept {
            Kept::Memory(_) => Sink::Memory(BytesMut::new()),
            Kept::Directory(root) => {
                let path = root.join(UPLOADS).join(&id);
                Sink::File(File::options().read(true).write(true).create_new(true).open(&path)?, path)
            }
        };
        Ok(Upload { id, sink: Some(sink), hasher: Sha256::new(), size: 0, quota: Arc::clone(&self.quota) })
    }

    /// Keeps what was uploaded, under the digest that it was found to have.
    pub(super) fn keep(&self, checked: Checked<'_>) -> Result<(), Problem> {
        let Checked { upload, digest } = checked;
        let new = match (&self.kept, upload.sink.take().ok_or(Problem::UploadUnknown)?) {
            (Kept::Memory(map), Sink::Memory(bytes)) => lock(map).insert(digest, bytes.freeze()).is_none(),
            (Kept::Directory(root), Sink::File(_, path)) => {
                let target = path_of(root, &digest);
                let new = !target.exists();
                fs::rename(path, target)?;
                new
            }
            _ => unreachable!("an upload comes from the content that keeps it"),
        };
        if new {
            upload.size = 0; // what is kept stays counted
        }
        Ok(())
    }

    /// The content with this digest. It says nothing about who may see it.
    pub(super) fn get(&self, digest: &AnyDigest) -> io::Result<Option<Stored>> {
        match &self.kept {
            Kept::Memory(map) => Ok(lock(map).get(digest).cloned().map(Stored::Memory)),
            Kept::Directory(root) => match File::open(path_of(root, digest)) {
                Ok(file) => Ok(Some(Stored::File(file.metadata()?.len(), file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Forgets this content. Whoever is reading it reads on.
    pub(super) fn remove(&self, digest: &AnyDigest) -> io::Result<()> {
        let Some(stored) = self.get(digest)? else { return Ok(()) };
        match &self.kept {
            Kept::Memory(map) => {
                lock(map).remove(digest);
            }
            Kept::Directory(root) => fs::remove_file(path_of(root, digest))?,
        }
        self.quota.give_back(stored.size());
        Ok(())
    }
}

/// Content found, ready to be read.
pub(super) enum Stored {
    Memory(Bytes),
    File(u64, File),
}

impl Stored {
    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(size, _) => *size,
        }
    }

    /// All bytes at once; for manifests.
    pub(super) fn bytes(self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::File(_, mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }

    /// A part of the bytes, which lies inside them, as a body that reads them as they are sent.
    pub(super) async fn body(self, part: Range<u64>) -> io::Result<Body> {
        match self {
            Self::Memory(bytes) => {
                let index = |n: u64| usize::try_from(n).expect("a part lies inside a buffer");
                Ok(Body::from(bytes.slice(index(part.start)..index(part.end))))
            }
            Self::File(_, file) => {
                let mut file = tokio::fs::File::from_std(file);
                file.seek(io::SeekFrom::Start(part.start)).await?;
                let file = file.take(part.end - part.start);
                Ok(Body::from_stream(stream::try_unfold(file, |mut file| async move {
                    let mut chunk = BytesMut::with_capacity(CHUNK);
                    let read = file.read_buf(&mut chunk).await?;
                    Ok::<_, io::Error>((read > 0).then(|| (chunk.freeze(), file)))
                })))
            }
        }
    }
}

/// Bytes on their way in. Dropped before they are kept, they are gone.
pub(super) struct Upload {
    id: String,
    sink: Option<Sink>,
    hasher: Sha256,
    size: u64,
    quota: Arc<Quota>,
}

enum Sink {
    Memory(BytesMut),
    File(File, PathBuf),
}

impl Upload {
    /// A name that nobody can guess.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// How many bytes have arrived.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a chunk, unless that makes more than `most` bytes or more than the registry may hold.
    pub(super) fn append(&mut self, chunk: &[u8], most: u64) -> Result<(), Problem> {
        let length = chunk.len() as u64;
        if self.size.saturating_add(length) > most {
            return Err(Problem::BlobTooLarge { most });
        }
        let sink = self.sink.as_mut().ok_or(Problem::UploadUnknown)?;
        self.quota.take(length)?;
        self.size += length;
        self.hasher.update(chunk);
        match sink {
            Sink::Memory(bytes) => bytes.extend_from_slice(chunk),
            Sink::File(file, _) => file.write_all(chunk)?,
        }
        Ok(())
    }

    /// Ends the upload if what has arrived has this digest.
    pub(super) async fn check(&mut self, wanted: AnyDigest) -> Result<Checked<'_>, Problem> {
        let found = match wanted {
            AnyDigest::Sha256(_) => Digest::from_bytes(self.hasher.clone().finalize().into()).into(),
            AnyDigest::Sha384(_) => AnyDigest::Sha384(self.hash_again::<Sha384>().await?.into()),
            AnyDigest::Sha512(_) => AnyDigest::Sha512(self.hash_again::<Sha512>().await?.into()),
        };
        match found == wanted {
            true => Ok(Checked { upload: self, digest: wanted }),
            false => Err(Problem::DigestMismatch { found: Box::new(found), wanted }),
        }
    }

    /// Only SHA-256 was computed on the way. Other requests get their turn while this one reads.
    async fn hash_again<H: sha2::Digest>(&mut self) -> io::Result<sha2::digest::Output<H>> {
        let mut hasher = H::new();
        match &mut self.sink {
            None => {}
            Some(Sink::Memory(bytes)) => hasher.update(&bytes),
            Some(Sink::File(file, _)) => {
                file.rewind()?;
                let mut chunk = vec![0; CHUNK];
                while let read @ 1.. = file.read(&mut chunk)? {
                    hasher.update(&chunk[..read]);
                    tokio::task::yield_now().await;
                }
            }
        }
        Ok(hasher.finalize())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.quota.give_back(self.size);
        if let Some(Sink::File(_, path)) = &self.sink
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(%error, "an abandoned upload stays on disk until the next start");
        }
    }
}

/// An upload that has this digest: what was checked is what is kept.
pub(super) struct Checked<'a> {
    upload: &'a mut Upload,
    digest: AnyDigest,
}

impl Checked<'_> {
    /// The digest.
    pub(super) fn digest(&self) -> AnyDigest {
        self.digest
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.upload.size
    }
}

/// How much all content together may take.
struct Quota {
    used: AtomicU64,
    most: u64,
}

impl Quota {
    fn take(&self, length: u64) -> Result<(), Problem> {
        let add = |used: u64| used.checked_add(length).filter(|sum| *sum <= self.most);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add) {
            Ok(_) => Ok(()),
            Err(_) => Err(Problem::Full { most: self.most }),
        }
    }

    fn give_back(&self, length: u64) {
        self.used.fetch_sub(length, Ordering::Relaxed);
    }
}

/// The lock of some state that is whole after every statement, so that a panic elsewhere leaves it usable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn path_of(root: &Path, digest: &AnyDigest) -> PathBuf {
    root.join(BLOBS).join(digest.algorithm()).join(digest.hex())
}

fn fresh_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(bytes))
}

const BLOBS: &str = "blobs";
/// Where files lie that are not yet content.
pub(super) const UPLOADS: &str = "uploads";
const CHUNK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn uploaded(content: &Content, bytes: &[u8]) -> Upload {
        let mut upload = content.upload().unwrap();
        upload.append(bytes, 100).unwrap();
        upload
    }

    fn used(content: &Content) -> u64 {
        content.quota.used.load(Ordering::Relaxed)
    }

    fn both() -> [(Content, Option<tempfile::TempDir>); 2] {
        let directory = tempfile::tempdir().unwrap();
        let on_disk = Content::directory(directory.path(), 100).unwrap();
        [(Content::memory(100), None), (on_disk, Some(directory))]
    }

    #[tokio::test]
    async fn only_the_right_digest_is_kept_by_any_algorithm() {
        for (content, _directory) in both() {
            for zero in [AnyDigest::Sha256(Digest::of(b"")), AnyDigest::Sha384([0; 48]), AnyDigest::Sha512([0; 64])] {
                let (right, wrong) = (zero.same_algorithm(b"abc"), zero.same_algorithm(b"abd"));
                let mut upload = uploaded(&content, b"abc");
                assert!(matches!(upload.check(wrong).await, Err(Problem::DigestMismatch { .. })));
                content.keep(upload.check(right).await.unwrap()).unwrap();
                assert!(content.get(&wrong).unwrap().is_none());
                assert!(matches!(upload.append(b"d", 100), Err(Problem::UploadUnknown)));
                assert_eq!(content.get(&right).unwrap().unwrap().bytes().unwrap(), "abc");
            }
        }
    }

    #[tokio::test]
    async fn what_is_kept_counts_once_and_what_is_dropped_not_at_all() {
        for (content, _directory) in both() {
            let digest = Digest::of(b"abc").into();
            for _ in 0..2 {
                content.keep(uploaded(&content, b"abc").check(digest).await.unwrap()).unwrap();
            }
            drop(uploaded(&content, b"more"));
            assert_eq!(used(&content), 3);
            content.remove(&digest).unwrap();
            content.remove(&digest).unwrap();
            assert_eq!(used(&content), 0);
        }
    }

    #[test]
    fn more_than_the_limits_is_refused() {
        for (content, _directory) in both() {
            let mut upload = uploaded(&content, &[0; 90]);
            assert!(matches!(upload.append(&[0; 11], 100), Err(Problem::BlobTooLarge { most: 100 })));
            let mut second = content.upload().unwrap();
            assert!(matches!(second.append(&[0; 11], 100), Err(Problem::Full { most: 100 })));
            drop(upload);
            second.append(&[0; 11], 100).unwrap();
        }
    }

    #[test]
    fn nothing_of_an_abandoned_upload_stays_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let content = Content::directory(directory.path(), 100).unwrap();
        let upload = uploaded(&content, b"abc");
        let files = || fs::read_dir(directory.path().join(UPLOADS)).unwrap().count();
        assert_eq!(files(), 1);
        drop(upload);
        assert_eq!(files(), 0);
    }
}
