//! Files that are signed, as the command line names them: a path, `-` for standard input, or what they hash to.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use oci::{AnyDigest, Digest, Hasher};
use verifier::Artifact;

use crate::{bounded_file::plain, exit::Failure};

/// A file that was signed.
#[derive(Debug)]
pub(crate) enum SignedFile {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Its SHA-256, where that is all that is known, or the file is too large to be held.
    Digest(Digest),
}

impl SignedFile {
    /// What a command line names. A file of that name goes before a digest.
    pub(crate) fn named(text: &str) -> Result<Self, Failure> {
        if text == "-" {
            return read(io::stdin().lock(), MAX_HELD).map_err(|error| said("standard input", &error));
        }
        match File::open(Path::new(text)).and_then(|file| read(file, MAX_HELD)) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match text.parse::<AnyDigest>() {
                Ok(AnyDigest::Sha256(digest)) => Ok(Self::Digest(digest)),
                Ok(other) => Err(only_sha256(other.algorithm())),
                Err(_) => Err(said(text, &error)),
            },
            Err(error) => Err(said(text, &error)),
        }
    }

    /// For the examination.
    pub(crate) fn artifact(&self) -> Artifact<'_> {
        match self {
            Self::Bytes(bytes) => Artifact::Bytes(bytes),
            Self::Digest(digest) => Artifact::Digest(*digest),
        }
    }

    /// What it hashes to.
    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes),
            Self::Digest(digest) => *digest,
        }
    }
}

/// What a file hashes to by another function does not say what it hashes to by this one.
pub(crate) fn only_sha256(found: &str) -> Failure {
    Failure::failed(format_args!("a digest by {found} is given, wanted the file or its sha256"))
}

/// All of it, or where it has so many bytes or more, what it hashes to.
fn read(mut from: impl Read, most: u64) -> io::Result<SignedFile> {
    let mut bytes = Vec::new();
    from.by_ref().take(most).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < most {
        return Ok(SignedFile::Bytes(bytes));
    }
    let mut hasher = Hasher::like(&AnyDigest::Sha256(Digest::of(b"")));
    hasher.update(&bytes);
    loop {
        bytes.clear();
        if from.by_ref().take(PIECE).read_to_end(&mut bytes)? == 0 {
            return Ok(SignedFile::Digest(hasher.finish().sha256().expect("it was asked for SHA-256")));
        }
        hasher.update(&bytes);
    }
}

fn said(name: &str, error: &io::Error) -> Failure {
    Failure::failed(format_args!("open {name}: {}", plain(error)))
}

/// Bytes of a file that are held; of a larger one only its SHA-256 is known.
const MAX_HELD: u64 = 256 * 1024 * 1024;
const PIECE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_goes_before_a_digest_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let named = |text: &str| SignedFile::named(text).map(|file| file.digest()).map_err(|failure| failure.message);
        assert_eq!(named(path.to_str().unwrap()), Ok(Digest::of(b"x")));
        let digest = Digest::of(b"y");
        assert_eq!(named(&digest.to_string()), Ok(digest));
        assert!(named(&format!("sha512:{}", "0".repeat(128))).unwrap_err().contains("by sha512 is given"));
        assert!(named("sha256:00").unwrap_err().ends_with("no such file or directory"));
        assert!(named(folder.path().to_str().unwrap()).unwrap_err().ends_with("is a directory"));
    }

    #[test]
    fn file_past_the_limit_is_hashed() {
        for (length, held) in [(4, true), (5, false), (5 + PIECE + 1, false)] {
            let file = read(io::repeat(b'x').take(length), 5).unwrap();
            assert_eq!(matches!(file, SignedFile::Bytes(_)), held, "{length}");
            let whole = vec![b'x'; usize::try_from(length).unwrap()];
            assert_eq!(file.digest(), Digest::of(&whole), "{length}");
        }
    }
}
