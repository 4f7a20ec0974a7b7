//! OCI image layouts on disk: a folder of blobs by digest, and an `index.json` that names the images in it.
//!
//! A layout that was written in part never looks whole: an image is named only when everything that it consists of is
//! there, and `index.json` is replaced by a rename. What is read is a regular file, and checked against its digest.
//! Calls block.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use oci::{AnyDigest, Descriptor, Digest, Document, Hasher, Index, ManifestError, json, media_type};
use serde_json::{Value, json};

use crate::open_regular;

/// An image layout in a directory.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Begins a layout in a directory that is absent or empty, or goes on with one that was begun and names no image
    /// yet. It is a layout for other programs as soon as it names its first image.
    ///
    /// # Errors
    /// Fails if anything else is in the directory, a layout among them, or if it cannot be made.
    pub fn create(directory: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let root = directory.into();
        fs::create_dir_all(&root).map_err(|e| io_error(&root, e))?;
        for entry in fs::read_dir(&root).map_err(|e| io_error(&root, e))? {
            let name = entry.map_err(|e| io_error(&root, e))?.file_name();
            if name != BLOBS && name != MARKER && !name.to_string_lossy().starts_with(PARTIAL) {
                return Err(LayoutError::NotEmpty { directory: root });
            }
        }
        let blobs = root.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(|e| io_error(&blobs, e))?;
        Ok(Self { root })
    }

    /// Opens a layout that is there.
    ///
    /// # Errors
    /// Fails if the directory is not a layout of version 1.0.0, or if its index cannot be read.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { root: directory.into() };
        let marker = layout.root.join(MARKER);
        let Some(bytes) = read_file(&marker, MAX_MANIFEST)? else {
            return Err(LayoutError::NotALayout { directory: layout.root, why: "no `oci-layout` found" });
        };
        let version = json::parse(&bytes).ok().and_then(|v| Some(v.get("imageLayoutVersion")?.as_str()? == VERSION));
        if version != Some(true) {
            return Err(LayoutError::NotALayout { directory: layout.root, why: "version 1.0.0 wanted" });
        }
        layout.index()?;
        Ok(layout)
    }

    /// The images that the layout names.
    ///
    /// # Errors
    /// Fails if `index.json` is absent, too large, or not an index in the strict sense.
    pub fn index(&self) -> Result<Index, LayoutError> {
        let Some(bytes) = read_file(&self.root.join(INDEX), MAX_MANIFEST)? else {
            return Err(LayoutError::NotALayout { directory: self.root.clone(), why: "no `index.json` found" });
        };
        match Document::parse(&bytes, Some(media_type::OCI_INDEX)).map_err(LayoutError::Index)? {
            Document::Index(_, index) => Ok(index),
            Document::Manifest(..) => Err(LayoutError::Index(ManifestError::Ambiguous)),
        }
    }

    /// The blob or manifest with this digest, checked, of at most `most` bytes.
    ///
    /// # Errors
    /// Fails if it is absent, larger, or has another digest.
    pub fn blob(&self, digest: &AnyDigest, most: u64) -> Result<Vec<u8>, LayoutError> {
        let bytes = read_file(&self.path_of(digest), most)?.ok_or(LayoutError::Absent { digest: *digest })?;
        match digest.matches(&bytes) {
            true => Ok(bytes),
            false => Err(LayoutError::Mismatch { found: Box::new(digest.same_algorithm(&bytes)), wanted: *digest }),
        }
    }

    /// Whether something lies under this digest. It is not read: only [`Self::blob`] checks.
    #[must_use]
    pub fn holds(&self, digest: &AnyDigest) -> bool {
        self.path_of(digest).is_file()
    }

    /// Adds these bytes under their SHA-256.
    ///
    /// # Errors
    /// Fails if they cannot be written.
    pub fn add_blob(&self, bytes: &[u8]) -> Result<Digest, LayoutError> {
        let digest = Digest::of(bytes);
        let mut writer = self.writer(digest.into(), bytes.len() as u64)?;
        writer.write(bytes)?;
        writer.finish()?;
        Ok(digest)
    }

    /// Begins a blob that arrives in pieces and must turn out to have this digest and size.
    ///
    /// # Errors
    /// Fails if no file can be made.
    pub fn writer(&self, digest: AnyDigest, size: u64) -> Result<BlobWriter, LayoutError> {
        let target = self.path_of(&digest);
        let folder = target.parent().expect("a blob lies in a folder");
        fs::create_dir_all(folder).map_err(|e| io_error(folder, e))?;
        let hasher = Hasher::like(&digest);
        Ok(BlobWriter { beside: Beside::create(&self.root)?, target, hasher, digest, size, written: 0 })
    }

    /// Adds a manifest or index and names it in `index.json` as the descriptor says, in place of an entry that has the
    /// same `org.opencontainers.image.ref.name` or, without that name, the same digest.
    ///
    /// # Errors
    /// Fails if the descriptor is not of these bytes, if they are not a manifest in the strict sense, if anything that
    /// the image consists of is missing, or if another process is naming an image at this moment.
    pub fn add_manifest(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), LayoutError> {
        let document = Document::parse(bytes, Some(&descriptor.media_type)).map_err(LayoutError::Manifest)?;
        if descriptor.media_type != document.media_type() {
            let (found, wanted) = (document.media_type().to_owned(), oci::excerpt(&descriptor.media_type, 200));
            return Err(LayoutError::MediaType { found, wanted });
        }
        self.check_whole(&document, MAX_DEPTH, &mut BTreeSet::new())?;
        let mut writer = self.writer(descriptor.digest, descriptor.size)?;
        writer.write(bytes)?;
        writer.finish()?;
        let _lock = self.lock()?;
        let mut index = self.index_value()?;
        name(&mut index, descriptor)?;
        self.replace(INDEX, index.to_string().as_bytes())
    }

    /// Whether everything that a document consists of is here: an image's configuration and layers, but for layers
    /// that are fetched elsewhere by design, and an index's images. What is named many times is looked at once.
    fn check_whole(
        &self,
        document: &Document,
        depth: u8,
        seen: &mut BTreeSet<(AnyDigest, bool)>,
    ) -> Result<(), LayoutError> {
        let parts = match document {
            Document::Index(_, index) => index.manifests.iter().collect(),
            Document::Manifest(_, manifest) => {
                let layers = manifest.layers.iter().filter(|layer| !is_foreign(&layer.media_type));
                std::iter::once(&manifest.config).chain(layers).collect::<Vec<_>>()
            }
        };
        for part in parts {
            let is_document = media_type::is_index(&part.media_type) || media_type::is_manifest(&part.media_type);
            if !seen.insert((part.digest, is_document)) {
                continue;
            }
            if !self.holds(&part.digest) {
                return Err(LayoutError::Absent { digest: part.digest });
            }
            if is_document {
                let bytes = self.blob(&part.digest, MAX_MANIFEST)?;
                let part = Document::parse(&bytes, Some(&part.media_type)).map_err(LayoutError::Manifest)?;
                self.check_whole(&part, depth.checked_sub(1).ok_or(LayoutError::TooDeep)?, seen)?;
            }
        }
        Ok(())
    }

    /// Keeps other writers away from `index.json`. The marker is made first where this is the first image: without an
    /// index it does not make a layout yet.
    fn lock(&self) -> Result<File, LayoutError> {
        let path = self.root.join(MARKER);
        if !path.exists() {
            self.replace(MARKER, json!({ "imageLayoutVersion": VERSION }).to_string().as_bytes())?;
        }
        let file = open_regular(&path).map_err(|e| io_error(&path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(LayoutError::InUse { directory: self.root.clone() }),
            Err(TryLockError::Error(error)) => Err(io_error(&path, error)),
        }
    }

    /// The index as it stands, with members that only others understand; a new one where there is none.
    fn index_value(&self) -> Result<Value, LayoutError> {
        let Some(bytes) = read_file(&self.root.join(INDEX), MAX_MANIFEST)? else {
            return Ok(json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [] }));
        };
        self.index()?;
        json::parse(&bytes).map_err(|e| LayoutError::Index(e.into()))
    }

    fn replace(&self, file: &str, bytes: &[u8]) -> Result<(), LayoutError> {
        let mut beside = Beside::create(&self.root)?;
        beside.write(bytes)?;
        beside.rename(&self.root.join(file))
    }

    fn path_of(&self, digest: &AnyDigest) -> PathBuf {
        self.root.join(BLOBS).join(digest.algorithm()).join(digest.hex())
    }
}

/// A blob on its way into a layout. Dropped before [`Self::finish`], it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    beside: Beside,
    target: PathBuf,
    hasher: Hasher,
    digest: AnyDigest,
    size: u64,
    written: u64,
}

impl BlobWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// Fails as soon as there are more than were announced, or if they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        self.written = self.written.saturating_add(bytes.len() as u64);
        if self.written > self.size {
            return Err(LayoutError::Size { digest: self.digest, found: self.written, wanted: self.size });
        }
        self.hasher.update(bytes);
        self.beside.write(bytes)
    }

    /// Puts the blob in its place.
    ///
    /// # Errors
    /// Fails if fewer bytes came than were announced, or if they have another digest.
    pub fn finish(self) -> Result<(), LayoutError> {
        if self.written != self.size {
            return Err(LayoutError::Size { digest: self.digest, found: self.written, wanted: self.size });
        }
        let found = self.hasher.finish();
        if found != self.digest {
            return Err(LayoutError::Mismatch { found: Box::new(found), wanted: self.digest });
        }
        self.beside.rename(&self.target)
    }
}

/// A file beside the one it will replace, removed if it never does.
#[derive(Debug)]
struct Beside {
    file: File,
    path: PathBuf,
}

impl Beside {
    fn create(root: &Path) -> Result<Self, LayoutError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|e| io_error(root, io::Error::other(e)))?;
        let path = root.join(format!("{PARTIAL}{}", hex::encode(random)));
        let file = File::create_new(&path).map_err(|e| io_error(&path, e))?;
        Ok(Self { file, path })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        self.file.write_all(bytes).map_err(|e| io_error(&self.path, e))
    }

    fn rename(mut self, target: &Path) -> Result<(), LayoutError> {
        fs::rename(&self.path, target).map_err(|e| io_error(target, e))?;
        self.path.clear();
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty()
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "a partial file stays");
        }
    }
}

/// Puts an entry into an index in place of the one it supersedes; all others stay as they are.
fn name(index: &mut Value, descriptor: &Descriptor) -> Result<(), LayoutError> {
    let malformed = || LayoutError::Index(ManifestError::Malformed { why: "`manifests` is not a list".to_owned() });
    let object = index.as_object_mut().ok_or_else(malformed)?;
    let manifests = object.entry("manifests").or_insert_with(|| json!([])).as_array_mut().ok_or_else(malformed)?;
    let entry = json!(descriptor);
    let name_of = |entry: &Value| entry["annotations"][REF_NAME].as_str().map(str::to_owned);
    let name = name_of(&entry);
    manifests.retain(|old| match (&name, name_of(old)) {
        (Some(new), Some(old)) => *new != old,
        (None, None) => old["digest"] != entry["digest"],
        _ => true,
    });
    manifests.push(entry);
    Ok(())
}

/// Whether a layer of this media type is fetched elsewhere by design, and need not be kept beside its image.
pub(crate) fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar")
        || media_type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar")
}

fn read_file(path: &Path, most: u64) -> Result<Option<Vec<u8>>, LayoutError> {
    let file = match open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path, error)),
    };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| io_error(path, e))?;
    match bytes.len() as u64 > most {
        true => Err(LayoutError::TooLarge { file: path.to_owned(), most }),
        false => Ok(Some(bytes)),
    }
}

fn io_error(path: &Path, source: io::Error) -> LayoutError {
    LayoutError::Io { path: path.to_owned(), source }
}

/// What a layout cannot do.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A new layout was to begin where something lies.
    #[error("directory `{}` is not empty, wanted none, an empty one, or a layout that names no image yet", .directory.display())]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory is not a layout.
    #[error("directory `{}` is not an OCI image layout: {why}", .directory.display())]
    NotALayout {
        /// The directory.
        directory: PathBuf,
        /// What was found and wanted.
        why: &'static str,
    },
    /// `index.json` is not an index.
    #[error("`index.json`: {0}")]
    Index(ManifestError),
    /// A manifest, given or already there, is not one.
    #[error(transparent)]
    Manifest(ManifestError),
    /// The descriptor names another kind of manifest.
    #[error("manifest is `{found}`, its descriptor says `{wanted}`")]
    MediaType {
        /// The manifest's media type.
        found: String,
        /// The descriptor's.
        wanted: String,
    },
    /// Indexes hold indexes, further down than anybody has use for.
    #[error("indexes are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// Nothing lies under this digest.
    #[error("blob {digest} is not in the layout")]
    Absent {
        /// The digest.
        digest: AnyDigest,
    },
    /// The bytes have another digest.
    #[error("blob has digest {found}, wanted {wanted}")]
    Mismatch {
        /// The digest of the bytes.
        found: Box<AnyDigest>,
        /// The digest that they should have.
        wanted: AnyDigest,
    },
    /// The number of bytes is not the one announced.
    #[error("blob {digest} has {found} bytes, wanted {wanted}")]
    Size {
        /// The digest announced.
        digest: AnyDigest,
        /// How many bytes there were, or were when it was given up.
        found: u64,
        /// How many were announced.
        wanted: u64,
    },
    /// A file is larger than allowed.
    #[error("`{}` is larger than {most} bytes", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The most allowed.
        most: u64,
    },
    /// Another process is writing the index.
    #[error("layout `{}` is being written to by another process", .directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("`{}`: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// The annotation of an index's entry that holds the image's name in the layout.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

const MARKER: &str = "oci-layout";
const VERSION: &str = "1.0.0";
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs";
/// What the names of files begin with that are not in their place yet.
const PARTIAL: &str = ".partial-";
const MAX_MANIFEST: u64 = 4 << 20;
const MAX_DEPTH: u8 = 3;
