//! Key files made by real cosigns long ago, and the plain keys that they were made of.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use keys::{PrivateKey, PublicKey};

#[test]
fn every_key_file_opens_with_its_password_and_no_other() {
    let Some(corpus) = peers::corpus() else { return };
    for path in with_ending(&corpus, "key") {
        let text = fs::read(&path).unwrap();
        let empty = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-empty"));
        let (right, wrong) = if empty { ("", "sealgate-test") } else { ("sealgate-test", "") };
        let key = PrivateKey::decrypt(&text, right.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(PrivateKey::decrypt(&text, wrong.as_bytes()).is_err(), "{}", path.display());
        assert_is_public_half(&key, &path);
    }
}

#[test]
fn every_plain_key_is_taken_over() {
    let Some(corpus) = peers::corpus() else { return };
    for path in with_ending(&corpus, "pem") {
        let key = PrivateKey::import(&fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_is_public_half(&key, &path);
    }
}

/// The key's public half is what stands in the `.pub` beside it, and writes as cosign wrote it.
#[track_caller]
fn assert_is_public_half(key: &PrivateKey, beside: &Path) {
    let text = fs::read_to_string(beside.with_extension("pub")).expect("each key has its public half beside it");
    let public = PublicKey::from_pem(text.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", beside.display()));
    assert_eq!(key.public(), &public, "{}", beside.display());
    assert_eq!(key.public().to_pem().trim_end(), text.trim_end(), "{}", beside.display());
    let signature = key.sign(b"message").expect("the system has randomness");
    public.verify(b"message", &signature).unwrap_or_else(|e| panic!("{}: {e}", beside.display()));
    assert!(public.verify(b"massage", &signature).is_err(), "{}", beside.display());
}

/// At least three, or the corpus is not the one that is meant.
fn with_ending(corpus: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(corpus.join("golden/keys")).expect("the corpus has keys");
    let paths = entries.map(|entry| entry.expect("the corpus can be read").path());
    let paths: Vec<_> = paths.filter(|path| path.extension() == Some(OsStr::new(ending))).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    paths
}
