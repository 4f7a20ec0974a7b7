//! One private Sigstore at a time: the timestamp authority and Rekor v1 both insist on port 2112.
//!
//! A lock on a file, which the system takes back from a process however it ends.

use std::env;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// This process's turn, over when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _locked: File,
}

impl Turn {
    pub(super) fn wait() -> Self {
        Self::wait_at(&env::temp_dir().join("sealgate-sigstore.lock"), DEADLINE)
    }

    #[expect(clippy::print_stderr, reason = "whoever waits for minutes must be told for what")]
    fn wait_at(path: &Path, deadline: Duration) -> Self {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let start = Instant::now();
        let mut said = false;
        while let Err(error) = file.try_lock() {
            assert!(matches!(error, TryLockError::WouldBlock), "{}: {error}", path.display());
            assert!(start.elapsed() < deadline, "{} has been locked for {deadline:?}", path.display());
            if !said && start.elapsed() > PATIENCE {
                eprintln!("waiting for another private Sigstore on this machine to end ({})", path.display());
                said = true;
            }
            thread::sleep(PAUSE);
        }
        Self { _locked: file }
    }
}

const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_turn_begins_when_the_other_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Turn::wait_at(&path, Duration::ZERO);
        let refused = catch_unwind(|| Turn::wait_at(&path, Duration::from_millis(50))).unwrap_err();
        let text = refused.downcast_ref::<String>().unwrap();
        assert!(text.contains("has been locked for 50ms"), "{text}");
        let waiting = thread::spawn({
            let path = path.clone();
            move || drop(Turn::wait_at(&path, DEADLINE))
        });
        drop(first);
        waiting.join().unwrap();
    }
}
