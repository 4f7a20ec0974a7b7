//! Where the peers are, and what to do when they are not.
//!
//! The cache folder of `install.sh` comes first, then PATH. The daemons that Debian has too, but too old,
//! are only ever taken from the cache folder: a test that asks for the new one must not get the old one.

use std::env;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The need for root privileges, as a name for [`require!`](crate::require).
pub const ROOT: &str = "root";

/// Debian's Docker daemon, 20.10, as a name for [`require!`](crate::require).
pub const OLD_DOCKERD: &str = "/usr/sbin/dockerd";

/// The program of that name, or `None`. An absolute path stands for itself, if a program is there.
///
/// For what `install.sh` builds, the version is the script's only where it comes from the cache folder.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let mut folders = cache_folder().into_iter().collect::<Vec<_>>();
    if !ONLY_FROM_CACHE.contains(&name) {
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|path| is_program(path))
}

/// Whether all the named peers are there. If not, says so, or panics where they are required.
#[must_use]
pub fn present(names: &[&str]) -> bool {
    names.iter().all(|name| is_there(name) || skip(&missing(name)))
}

/// The folder with golden data made by other people's programs: `SEALGATE_CORPUS`, or `../shared/corpus`
/// beside the workspace. Without it says so, or panics where it is required.
#[must_use]
pub fn corpus() -> Option<PathBuf> {
    let folder = env::var_os("SEALGATE_CORPUS").map_or_else(default_corpus, PathBuf::from);
    let found = folder.is_dir() || skip("the corpus is missing; set SEALGATE_CORPUS to its folder");
    found.then_some(folder)
}

/// The folder that `install.sh` fills.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let chosen = env::var_os("SEALGATE_PEERS").map(PathBuf::from);
    chosen.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache/sealgate-peers/bin")))
}

fn is_there(name: &str) -> bool {
    if name == ROOT { is_root() } else { find(name).is_some() }
}

fn is_root() -> bool {
    Path::new("/proc/self").metadata().is_ok_and(|about| about.uid() == 0)
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

fn missing(name: &str) -> String {
    match name {
        ROOT => "root privileges are missing; run the tests as root".to_owned(),
        _ => format!("{name} is missing; run tests/peers/install.sh"),
    }
}

/// Always false, so that it can stand behind an "or".
#[expect(clippy::print_stderr, reason = "a skipped test must say so where the test's output goes")]
fn skip(why: &str) -> bool {
    assert!(env::var_os("SEALGATE_REQUIRE_PEERS").is_none_or(|value| value != "1"), "{why}");
    eprintln!("skipped: {why}");
    false
}

fn default_corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus")
}

const ONLY_FROM_CACHE: [&str; 4] = ["dockerd", "containerd", "containerd-shim-runc-v2", "runc"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_system_are_found() {
        assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find("/bin/sh"), Some(PathBuf::from("/bin/sh")));
    }

    #[test]
    fn nothing_is_found_under_an_unknown_name() {
        assert_eq!(find("no-such-peer"), None);
        assert_eq!(find("/bin/no-such-peer"), None);
    }

    #[test]
    fn a_folder_is_no_program() {
        assert_eq!(find("/usr"), None);
    }

    #[test]
    fn the_new_daemon_is_never_the_old_one() {
        assert_ne!(find("dockerd"), Some(PathBuf::from(OLD_DOCKERD)));
    }
}
