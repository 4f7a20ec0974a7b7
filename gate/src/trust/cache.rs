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
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::{Error, MetadataStore, Repository, transport::FetchFuture};
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

    /// Everything that is kept. What is not there, no regular file, or too large to be what it should be, is left out.
    pub(super) fn read(&self) -> Files {
        let mut files = BTreeMap::new();
        for name in self.names("", MAX_ROLES).into_iter().chain(self.names("root_history/", MAX_ROOTS)).chain(targets())
        {
            files.extend(self.load(&name).map(|bytes| (name, bytes)));
        }
        Files(Arc::new(Mutex::new(files)))
    }

    /// Whether nothing was ever kept: there is no note, and nothing in the folder.
    pub(super) fn is_empty(&self) -> io::Result<bool> {
        let note = unless_absent(fs::symlink_metadata(self.note()))?;
        let entries = unless_absent(fs::read_dir(self.path("")))?;
        Ok(note.is_none() && entries.is_none_or(|mut entries| entries.next().is_none()))
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
        self.load(ROOT)
    }

    /// Keeps other processes from writing until this is dropped.
    pub(super) async fn lock(&self, until: Instant) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let mut options = File::options();
        // a link must not lead to a file elsewhere, nor a FIFO make it wait
        options.create(true).truncate(false).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(self.folder.join(LOCK))?;
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

    /// Removes the folder if it is one of ours, which hold a root, and the note if it is one.
    fn remove(&self) -> io::Result<()> {
        if self.path(ROOT).is_file() {
            fs::remove_dir_all(self.folder.join(&self.name))?;
        }
        if self.refreshed().is_some() {
            fs::remove_file(self.note())?;
        }
        Ok(())
    }

    fn load(&self, name: &str) -> Option<Vec<u8>> {
        read(&self.path(name))
    }

    /// The metadata below this prefix: the names of delegated roles are known only to who has read the others.
    fn names(&self, prefix: &str, most: usize) -> Vec<String> {
        let entries = fs::read_dir(self.path(prefix)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".json")).take(most).map(|name| format!("{prefix}{name}")).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(&self.name).join(name)
    }

    fn note(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }
}

/// The mirror that `initialize` chose for this folder.
///
/// A note that is there and cannot be read is an error: whoever chose a mirror must not get another in silence.
pub(super) fn remote(folder: &Path) -> io::Result<Option<String>> {
    let path = folder.join(REMOTE);
    if unless_absent(fs::symlink_metadata(&path))?.is_none() {
        return Ok(None);
    }
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, format!("{REMOTE} cannot be read"));
    let remote: Remote = serde_json::from_slice(&read(&path).ok_or_else(unreadable)?)?;
    Ok(Some(remote.mirror))
}

/// Forgets everything that was kept in this folder by whatever mirror, and notes the one for the time to come. The
/// folder may be somebody's home, so only what is known to be ours is removed.
pub(super) fn begin_anew(folder: &Path, mirror: &str) -> io::Result<()> {
    let known =
        remote(folder).ok().flatten().into_iter().chain([mirror.to_owned(), super::embedded::MIRROR.to_owned()]);
    for mirror in known {
        Cache::new(folder, &mirror).remove()?;
    }
    write(&folder.join(REMOTE), &serde_json::to_vec(&Remote { mirror: mirror.to_owned() })?)
}

fn unless_absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
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
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // cosign keeps the newest root only
        let newest = || files.get(ROOT).filter(|bytes| version(bytes).is_some_and(|found| name == history(found)));
        Ok(files.get(name).or_else(newest).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        // what is kept under a version's number as well is kept once
        if !name.ends_with(".snapshot.json") {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes.to_vec());
        }
        Ok(())
    }
}

/// What is kept stands for the mirror: of each file one version, under its bare name. Targets are not asked for here.
impl Repository for Files {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _max_length: u64) -> FetchFuture<'a> {
        let bare = match name.split_once('.') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
            _ => name,
        };
        // roots are taken from their history before anything is asked for
        let file = if bare == ROOT { Ok(None) } else { self.load(bare) };
        Box::pin(async move { file })
    }

    fn fetch_target<'a>(&'a self, _path: &'a str, _max_length: u64) -> FetchFuture<'a> {
        Box::pin(async { Ok(None) })
    }
}

/// Where the root of this version is kept.
fn history(version: u64) -> String {
    format!("root_history/{version}.root.json")
}

/// The version that metadata says it has.
fn version(bytes: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(bytes).ok()?.pointer("/signed/version")?.as_u64()
}

fn targets() -> impl Iterator<Item = String> {
    TARGETS.into_iter().map(|name| format!("targets/{name}"))
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
    let name = name.replace(['/', ':'], "-").to_lowercase();
    // no mirror is a way out of the cache's folder, whose parts are removed when it begins anew
    if name.bytes().all(|byte| byte == b'.') { format!("_{name}") } else { name }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = registry::open_regular(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    (read.is_ok() && bytes.len() as u64 <= MAX_FILE).then_some(bytes)
}

/// Whole or not at all: readers take no lock.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    // Nothing in it is secret, and other users of a shared folder must find the same mirror.
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

const TARGETS: [&str; 2] = ["trusted_root.json", "signing_config.v0.2.json"];
const ROOT: &str = "root.json";
const REMOTE: &str = "remote.json";
const LOCK: &str = ".sealgate.lock";
const MAX_FILE: u64 = 5 * 1024 * 1024;
const MAX_ROOTS: usize = 1000;
const MAX_ROLES: usize = 100;
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
        fs::write(folder.path().join("old/root.json"), "{}").unwrap();
        fs::write(folder.path().join("diary.txt"), "x").unwrap();
        begin_anew(folder.path(), "http://new").unwrap();
        assert_eq!(remote(folder.path()).unwrap().as_deref(), Some("http://new"));
        assert!(!folder.path().join("old").exists() && folder.path().join("diary.txt").exists());
    }

    #[test]
    fn folder_of_the_mirrors_name_that_holds_no_root_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("photos/root.json")).unwrap();
        fs::write(folder.path().join("photos.json"), "{}").unwrap();
        for mirror in ["http://photos", "http://new"] {
            begin_anew(folder.path(), mirror).unwrap();
            assert!(folder.path().join("photos/root.json").exists() && folder.path().join("photos.json").exists());
        }
        fs::remove_dir(folder.path().join("photos/root.json")).unwrap();
        fs::write(folder.path().join("photos/root.json"), "{}").unwrap();
        begin_anew(folder.path(), "http://photos").unwrap();
        assert!(!folder.path().join("photos").exists());
    }

    #[test]
    fn remembered_mirror_leads_nowhere_else() {
        for mirror in ["..", ".", "", "http://..", "https://", "../..", "/"] {
            let folder = tempfile::tempdir().unwrap();
            let inner = folder.path().join("cache");
            fs::create_dir_all(&inner).unwrap();
            for diary in [folder.path().join("diary.txt"), inner.join("diary.txt")] {
                fs::write(diary, "x").unwrap();
            }
            fs::write(inner.join(REMOTE), serde_json::json!({ "mirror": mirror }).to_string()).unwrap();
            begin_anew(&inner, "http://new").unwrap();
            assert!(folder.path().join("diary.txt").exists() && inner.join("diary.txt").exists(), "{mirror:?}");
        }
    }

    #[test]
    fn note_that_cannot_be_read_is_not_an_absent_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(remote(folder.path()).unwrap(), None);
        fs::write(folder.path().join(REMOTE), r#"{"mirror":"#).unwrap();
        assert!(remote(folder.path()).is_err());
        begin_anew(folder.path(), "http://m").unwrap();
        assert_eq!(remote(folder.path()).unwrap().as_deref(), Some("http://m"));
    }

    #[test]
    fn other_users_can_read_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        begin_anew(folder.path(), "http://m").unwrap();
        let mode = fs::metadata(folder.path().join(REMOTE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
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
