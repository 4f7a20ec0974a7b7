//! What a peer may have left behind when it is gone.

use std::fs;
use std::path::Path;

/// Panics if the folder, a process that names it, or a mount below it is still there.
pub(crate) fn assert_none(folder: &Path) {
    let name = folder.to_str().expect("our folders have plain names");
    assert!(!folder.exists(), "{name} is still there");
    let processes = fs::read_dir("/proc").expect("Linux has /proc");
    let lines = processes.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("cmdline")).ok());
    let still = lines.filter(|line| line.contains(name)).collect::<Vec<_>>();
    assert!(still.is_empty(), "still running: {still:?}");
    let mounts = fs::read_to_string("/proc/mounts").expect("Linux has /proc");
    assert!(!mounts.contains(name), "still mounted: {mounts}");
}
