//! What a repository holds, as files below `repositories/<name>/`: `_tags/<tag>` holds a digest,
//! `_manifests/<algorithm>-<hex>` a media type, `_blobs/<algorithm>-<hex>` nothing.
//!
//! A file is written beside and renamed into place. No part of a repository's name begins with an underscore, so the
//! three folders cannot be taken for a repository.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use oci::{AnyDigest, Repository, Tag};

use super::{ServeError, content::UPLOADS, endpoint::repository_named};

/// The metadata files of a registry in a directory.
pub(super) struct Records {
    root: PathBuf,
    written: AtomicU64,
}

/// What one file is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Tag(Tag),
    Manifest(AnyDigest),
    Blob(AnyDigest),
}

impl Records {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), written: AtomicU64::new(0) }
    }

    /// Writes the file, in place of one that may be there.
    pub(super) fn write(&self, repository: &Repository, mark: &Mark, text: &str) -> io::Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let beside = self.root.join(UPLOADS).join(format!("record-{number}"));
        let target = self.path(repository, mark);
        fs::write(&beside, text)?;
        fs::create_dir_all(target.parent().expect("a record lies in a folder"))?;
        fs::rename(beside, target)
    }

    /// Removes the file, which may be gone already.
    pub(super) fn erase(&self, repository: &Repository, mark: &Mark) -> io::Result<()> {
        match fs::remove_file(self.path(repository, mark)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Tells each record in the directory, in no order.
    pub(super) fn load(
        &self,
        tell: &mut impl FnMut(Repository, Mark, String) -> Result<(), String>,
    ) -> Result<(), ServeError> {
        let root = self.root.join(REPOSITORIES);
        fs::create_dir_all(&root).map_err(|e| io_error(&root, e))?;
        self.load_below(&root, tell)
    }

    fn load_below(
        &self,
        directory: &Path,
        tell: &mut impl FnMut(Repository, Mark, String) -> Result<(), String>,
    ) -> Result<(), ServeError> {
        for (name, path) in entries(directory)? {
            if !path.is_dir() {
                return Err(damaged(&path, "a file found, wanted a folder".to_owned()));
            }
            if !name.starts_with('_') {
                self.load_below(&path, tell)?;
                continue;
            }
            for (file, path) in entries(&path)? {
                let text = fs::read_to_string(&path).map_err(|e| io_error(&path, e))?;
                let record = self.repository(directory).and_then(|r| Ok((r, mark(&name, &file)?)));
                record.and_then(|(r, m)| tell(r, m, text)).map_err(|why| damaged(&path, why))?;
            }
        }
        Ok(())
    }

    fn repository(&self, directory: &Path) -> Result<Repository, String> {
        let below = directory.strip_prefix(self.root.join(REPOSITORIES)).map_err(|e| e.to_string())?;
        let name = below.to_str().ok_or("a name that is not UTF-8")?;
        repository_named(name).map_err(|e| e.to_string())
    }

    fn path(&self, repository: &Repository, mark: &Mark) -> PathBuf {
        let (folder, file) = match mark {
            Mark::Tag(tag) => (TAGS, tag.to_string()),
            Mark::Manifest(digest) => (MANIFESTS, file_name(digest)),
            Mark::Blob(digest) => (BLOBS, file_name(digest)),
        };
        self.root.join(REPOSITORIES).join(repository.path()).join(folder).join(file)
    }
}

fn mark(folder: &str, file: &str) -> Result<Mark, String> {
    let digest = || file.replacen('-', ":", 1).parse().map_err(|e: oci::DigestError| e.to_string());
    match folder {
        TAGS => file.parse().map(Mark::Tag).map_err(|e: oci::ReferenceError| e.to_string()),
        MANIFESTS => digest().map(Mark::Manifest),
        BLOBS => digest().map(Mark::Blob),
        _ => Err(format!("wanted `{TAGS}`, `{MANIFESTS}` or `{BLOBS}`")),
    }
}

fn file_name(digest: &AnyDigest) -> String {
    format!("{}-{}", digest.algorithm(), digest.hex())
}

fn entries(directory: &Path) -> Result<Vec<(String, PathBuf)>, ServeError> {
    let read = || -> io::Result<Vec<_>> {
        fs::read_dir(directory)?
            .map(|entry| entry.map(|e| (e.file_name().to_string_lossy().into_owned(), e.path())))
            .collect()
    };
    read().map_err(|e| io_error(directory, e))
}

/// An error with the file that it is about.
pub(super) fn io_error(path: &Path, source: io::Error) -> ServeError {
    ServeError::Io { path: path.to_owned(), source }
}

fn damaged(file: &Path, why: String) -> ServeError {
    ServeError::Damaged { file: file.to_owned(), why }
}

const REPOSITORIES: &str = "repositories";
const TAGS: &str = "_tags";
const MANIFESTS: &str = "_manifests";
const BLOBS: &str = "_blobs";

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> (Records, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(UPLOADS)).unwrap();
        (Records::new(directory.path()), directory)
    }

    fn loaded(records: &Records) -> Result<Vec<(Repository, Mark, String)>, ServeError> {
        let mut all = Vec::new();
        records.load(&mut |repository, mark, text| {
            all.push((repository, mark, text));
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn what_is_written_is_loaded_until_it_is_erased() {
        let (records, _directory) = records();
        let name = repository_named("a/b").unwrap();
        let marks = [
            Mark::Tag("v1".parse().unwrap()),
            Mark::Manifest(oci::Digest::of(b"m").into()),
            Mark::Blob(AnyDigest::Sha512([7; 64])),
        ];
        for mark in &marks {
            records.write(&name, mark, "old").unwrap();
            records.write(&name, mark, "text").unwrap();
        }
        let all = loaded(&records).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(fs::read_dir(records.root.join(UPLOADS)).unwrap().count(), 0);
        for mark in marks {
            assert!(all.contains(&(name.clone(), mark.clone(), "text".into())), "{mark:?}");
            records.erase(&name, &mark).unwrap();
            records.erase(&name, &mark).unwrap();
        }
        assert_eq!(loaded(&records).unwrap(), []);
    }

    #[test]
    fn foreign_files_are_named_as_damage() {
        for path in ["a/_tags/.x", "a/_manifests/sha256-00", "a/_other/x", "A/_tags/v1", "stray"] {
            let (records, directory) = records();
            let path = directory.path().join(REPOSITORIES).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            let result = loaded(&records);
            assert!(matches!(&result, Err(ServeError::Damaged { file, .. }) if *file == path), "{result:?}");
        }
    }
}
