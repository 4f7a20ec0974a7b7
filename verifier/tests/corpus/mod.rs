//! The corpus of inputs that others made: a folder beside the workspace, or the one that `SEALGATE_CORPUS` names.

use std::{env, fs, path::PathBuf, time::Duration};

use rustls_pki_types::UnixTime;

/// A folder of the corpus. Without it there is nothing to test, which is an error where it is required.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let default = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus").into();
    let folder = env::var_os("SEALGATE_CORPUS").unwrap_or_else(default);
    let folder = PathBuf::from(folder).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(env::var("SEALGATE_REQUIRE_PEERS").as_deref() != Ok("1"), "no corpus at {}", folder.display());
    println!("skipped: no corpus at {}", folder.display());
    None
}

/// The bytes of a file that must be there.
pub(crate) fn read(path: &std::path::Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// A moment after all of the corpus was made.
pub(crate) fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000))
}
