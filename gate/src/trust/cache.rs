//! What is kept of a TUF repository, on disk, in cosign's layout:
//!
//! ```text
//! remote.json                          {"mirror": …}, as `initialize` left it
//! tuf-repo-cdn.sigstore.dev.json       {"lastTimestamp": …}, when it was last refreshed
//! tuf-repo-cdn.sigstore.dev/           root.json, timestamp.json, snapshot.json, targets.json,
//!                                      root_history/N.root.json, targets/trusted_root.json, …
//! ```
//!
//! Files are read as one set and checked together. They are written one by one, each whole, after everything was
//! checked; a lock keeps writers apart, and a reader who meets a mixture finds it inconsistent and waits for the lock.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::{Error, MetadataStore};
use tokio::time::{Instant, sleep};

/// The cache of one mirror.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
    name: String,
}

impl Cache {
    /// The cache for this mirror, in this folder.
    pub(super) fn new(folder: &Path, mirror: &str) -> Self {
        Self { folder: folder.to_owned(), name: folder_name(mirror) }
    }

    /// Everything that is kept. What is not there, or too large to be what it should be, is left out.
    pub(super) fn read(&self) -> Files {
        let mut files = BTreeMap::new();
        for name in NAMES {
            files.extend(self.load(name).map(|bytes| (name.to_owned(), bytes)));
        }
        let history = fs::read_dir(self.path("root_history")).into_iter().flatten().flatten();
        for entry in history.take(MAX_ROOTS) {
            let name = format!("root_history/{}", entry.file_name().to_string_lossy());
            files.extend(self.load(&name).map(|bytes| (name, bytes)));
        }
        Files(Arc::new(Mutex::new(files)))
    }

    /// When it was last refreshed, by the clock of whoever did that.
    pub(super) fn refreshed(&self) -> Option<Timestamp> {
        let note: Note = serde_json::from_slice(&read(&self.note())?).ok()?;
        note.last_timestamp.parse().ok()
    }

    /// Keeps these files, and when they were had.
    pub(super) fn write(&self, files: &Files, now: Timestamp) -> io::Result<()> {
        for (name, bytes) in files.all() {
            write(&self.path(&name), &bytes)?;
        }
        let note = Note { last_timestamp: now.to_string() };
        write(&self.note(), &serde_json::to_vec(&note)?)
    }

    /// The cached `root.json`, which stands for a mirror of one's own.
    pub(super) fn root(&self) -> Option<Vec<u8>> {
        self.load("root.json")
    }

    /// Keeps other processes from writing until this is dropped.
    pub(super) async fn lock(&self, until: Instant) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join(LOCK))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds it"));
                }
                Err(TryLockError::WouldBlock) => sleep(PAUSE).await,
            }
        }
    }

    fn load(&self, name: &str) -> Option<Vec<u8>> {
        read(&self.path(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(&self.name).join(name)
    }

    fn note(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }
}

/// The mirror that `initialize` chose for this folder.
pub(super) fn remote(folder: &Path) -> Option<String> {
    let remote: Remote = serde_json::from_slice(&read(&folder.join(REMOTE))?).ok()?;
    Some(remote.mirror)
}

/// Forgets everything that was kept in this folder by whatever mirror, and notes the one for the time to come. The
/// folder may be somebody's home, so only what is known to be ours is removed.
pub(super) fn begin_anew(folder: &Path, mirror: &str) -> io::Result<()> {
    let known = remote(folder).into_iter().chain([mirror.to_owned(), super::embedded::MIRROR.to_owned()]);
    for name in known.map(|mirror| folder_name(&mirror)) {
        absent_is_fine(fs::remove_dir_all(folder.join(&name)))?;
        absent_is_fine(fs::remove_file(folder.join(format!("{name}.json"))))?;
    }
    write(&folder.join(REMOTE), &serde_json::to_vec(&Remote { mirror: mirror.to_owned() })?)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Files of a repository in memory, as the library asks for them.
#[derive(Debug, Clone, Default)]
pub(super) struct Files(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Files {
    fn all(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl MetadataStore for Files {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        // what is kept under a version's number as well is kept once
        if !name.ends_with(".snapshot.json") {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes.to_vec());
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(rename = "lastTimestamp")]
    last_timestamp: String,
}

#[derive(Serialize, Deserialize)]
struct Remote {
    mirror: String,
}

/// cosign's name for the folder of a mirror.
fn folder_name(mirror: &str) -> String {
    let name = mirror.strip_prefix("https://").unwrap_or(mirror);
    let name = name.strip_prefix("http://").unwrap_or(name);
    name.replace(['/', ':'], "-").to_lowercase()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    (read.is_ok() && bytes.len() as u64 <= MAX_FILE).then_some(bytes)
}

/// Whole or not at all: readers take no lock.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

const NAMES: [&str; 6] = [
    "root.json",
    "timestamp.json",
    "snapshot.json",
    "targets.json",
    "targets/trusted_root.json",
    "targets/signing_config.v0.2.json",
];
const REMOTE: &str = "remote.json";
const LOCK: &str = ".sealgate.lock";
const MAX_FILE: u64 = 5 * 1024 * 1024;
const MAX_ROOTS: usize = 1000;
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_cosign_names_them() {
        assert_eq!(folder_name("https://tuf-repo-cdn.sigstore.dev"), "tuf-repo-cdn.sigstore.dev");
        assert_eq!(folder_name("http://127.0.0.1:8000/Repo"), "127.0.0.1-8000-repo");
    }

    #[test]
    fn what_is_too_large_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "http://m");
        fs::create_dir_all(folder.path().join("m")).unwrap();
        let file = File::create(folder.path().join("m/root.json")).unwrap();
        file.set_len(MAX_FILE).unwrap();
        assert!(cache.root().is_some());
        file.set_len(MAX_FILE + 1).unwrap();
        assert!(cache.root().is_none());
    }

    #[test]
    fn beginning_anew_leaves_what_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        begin_anew(folder.path(), "http://old").unwrap();
        fs::create_dir_all(folder.path().join("old/targets")).unwrap();
        fs::write(folder.path().join("diary.txt"), "x").unwrap();
        begin_anew(folder.path(), "http://new").unwrap();
        assert_eq!(remote(folder.path()).as_deref(), Some("http://new"));
        assert!(!folder.path().join("old").exists() && folder.path().join("diary.txt").exists());
    }

    #[tokio::test]
    async fn a_lock_that_is_held_is_waited_for_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "http://m");
        let held = cache.lock(Instant::now()).await.unwrap();
        let late = cache.lock(Instant::now() + PAUSE).await.unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        drop(held);
        cache.lock(Instant::now()).await.unwrap();
    }
}
