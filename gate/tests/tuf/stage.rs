//! A repository, its mirror, and the cache of one client.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use gate::trust::{Material, Tuf, TufError, TufSettings};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::{repository::Repository, server::Server};

/// Three moments: the first two are less than a day apart, the first and the last are more.
pub(crate) const MORNING: &str = "2030-01-01T06:00:00Z";
pub(crate) const EVENING: &str = "2030-01-02T05:59:59Z";
pub(crate) const NEXT_DAY: &str = "2030-01-02T06:00:01Z";

/// A repository, its mirror, and the cache of one client.
pub(crate) struct Stage {
    pub(crate) repository: Repository,
    pub(crate) server: Server,
    pub(crate) cache: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::of(Repository::new())
    }

    pub(crate) fn of(repository: Repository) -> Self {
        let server = Server::start(&repository.files);
        Self { repository, server, cache: tempfile::tempdir().unwrap() }
    }

    /// What the client is told: the mirror and its first root.
    pub(crate) fn settings(&self) -> TufSettings {
        TufSettings {
            cache: self.cache.path().to_owned(),
            mirror: Some(self.server.url()),
            root: Some(self.repository.root()),
            patience: Duration::from_secs(30),
        }
    }

    pub(crate) async fn load(&self, now: &str) -> Result<Material, TufError> {
        Tuf::new(self.settings()).load(at(now)).await
    }

    /// The mirror has what the repository has now.
    pub(crate) fn publish(&self) {
        self.server.has(&self.repository.files);
    }

    /// What is cached.
    pub(crate) fn kept(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        kept(self.cache.path())
    }

    /// A cached document of this mirror.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.cache.path().join(self.server.folder()).join(name)
    }

    /// The load fails with these words about what the mirror has, and the cache stays as it is.
    pub(crate) async fn refuses(&self, now: &str, why: &str) {
        let before = self.kept();
        let refused = self.load(now).await.unwrap_err();
        assert!(matches!(refused, TufError::Rejected { .. }), "{refused:?}");
        let wanted = format!("trust material of TUF mirror {} is not valid: {why}", self.server.url());
        assert_eq!(refused.to_string(), wanted);
        assert_eq!(self.kept(), before, "the cache stays as it is");
    }
}

/// A moment.
pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// The edition whose targets these are, fresh from the mirror or the cache.
pub(crate) fn is_edition(material: &Material, version: u64) {
    assert_eq!(String::from_utf8_lossy(&material.trusted_root), format!("trusted_root.json {version}"));
    let signing_config = format!("signing_config.v0.2.json {version}");
    assert_eq!(material.signing_config.as_deref(), Some(signing_config.as_bytes()));
}

/// All files below a folder, but for the lock, which says nothing.
fn kept(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(kept(&path));
        } else if !path.ends_with(".sealgate.lock") {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}
