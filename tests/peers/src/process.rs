//! A peer that keeps running: started with its output in a file, ended and reaped when dropped.
//!
//! Dropping happens on a panic too, so a failing test leaves no process behind. A test that is itself
//! killed leaves its peers; nothing in safe code can help that.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::find;

/// A running program. Dropping it asks it to end, makes it end after twenty seconds, and reaps it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Why a process did not become what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// It ended by itself.
    Ended(ExitStatus),
    /// It runs, and the deadline has passed.
    TooLate(Duration),
}

impl Process {
    /// Starts the program with both outputs going to `<folder>/<name>.log`.
    ///
    /// # Panics
    /// If the log cannot be made or the program cannot be started.
    #[must_use]
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let errors = output.try_clone().expect("a file handle can be doubled");
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
        let child = child.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// Waits until `probe` gives a value, asking again every few milliseconds.
    ///
    /// # Errors
    /// If the process ends before that, or the deadline passes.
    pub fn ready<T>(&mut self, deadline: Duration, mut probe: impl FnMut() -> Option<T>) -> Result<T, NotReady> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child can be waited for") {
                return Err(NotReady::Ended(status));
            }
            if let Some(value) = probe() {
                return Ok(value);
            }
            if start.elapsed() > deadline {
                return Err(NotReady::TooLate(deadline));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until `condition` holds.
    ///
    /// # Panics
    /// With the end of the log, if the process ends before that or the deadline passes.
    pub fn wait_until(&mut self, deadline: Duration, mut condition: impl FnMut() -> bool) {
        self.wait_for(deadline, || condition().then_some(()));
    }

    /// Waits until `probe` gives a value.
    ///
    /// # Panics
    /// With the end of the log, if the process ends before that or the deadline passes.
    pub fn wait_for<T>(&mut self, deadline: Duration, probe: impl FnMut() -> Option<T>) -> T {
        self.ready(deadline, probe).unwrap_or_else(|why| {
            panic!("{} is not ready: {why:?}; the end of its log:\n{}", self.name, self.log_tail())
        })
    }

    /// Ends the process as dropping does, and says how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.end_within(GRACE)
    }

    fn end_within(&mut self, grace: Duration) -> ExitStatus {
        signal(self.pid(), "TERM");
        if let Err(NotReady::Ended(status)) = self.ready(grace, || None::<()>) {
            return status;
        }
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for")
    }

    /// Its process id, which stays its own until the process is stopped or dropped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines = log.lines().collect::<Vec<_>>();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once reaped, its number may be somebody else's.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// The named peer, with an environment that has nothing of the user's: no cosign or Docker settings, no
/// credentials, and a proxy that refuses whatever is not on loopback, so that no peer looks outside.
///
/// # Panics
/// If the peer is not installed; see [`require!`](crate::require).
#[must_use]
pub fn command(program: &str) -> Command {
    let path = find::find(program).unwrap_or_else(|| panic!("{program} is missing; run tests/peers/install.sh"));
    let mut command = Command::new(path);
    command.env_clear().envs([("HTTP_PROXY", NOWHERE), ("HTTPS_PROXY", NOWHERE), ("NO_PROXY", NEAR)]);
    command.envs(["PATH", "TMPDIR"].iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command
}

/// Sends a signal by the program `kill`; the standard library knows only the hardest one.
pub(crate) fn signal(pid: u32, name: &str) {
    // A process that has just ended by itself makes this fail, and that is as good.
    let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).stderr(Stdio::null()).status();
}

const PAUSE: Duration = Duration::from_millis(5);
const GRACE: Duration = Duration::from_secs(20);
/// The discard port, where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:9";
const NEAR: &str = "localhost,127.0.0.0/8,::1,.test";

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn shell(script: &str, folder: &Path) -> Process {
        let mut command = command("sh");
        command.args(["-c", script]);
        Process::start("shell", command, folder)
    }

    fn is_alive(pid: u32) -> bool {
        Path::new("/proc").join(pid.to_string()).exists()
    }

    #[test]
    fn dropping_ends_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("exec sleep 60", folder.path());
        let pid = process.pid();
        assert!(is_alive(pid));
        drop(process);
        assert!(!is_alive(pid));
    }

    #[test]
    fn a_panic_ends_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut pid = 0;
        let result = catch_unwind(AssertUnwindSafe(|| {
            let process = shell("exec sleep 60", folder.path());
            pid = process.pid();
            panic!("as a failing test does");
        }));
        assert!(result.is_err() && !is_alive(pid));
    }

    #[test]
    fn a_process_that_will_not_end_is_made_to() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("trap '' TERM; echo deaf; while :; do sleep 0.01; done", folder.path());
        let log = folder.path().join("shell.log");
        process.wait_until(GRACE, || fs::read(&log).is_ok_and(|log| log == b"deaf\n"));
        assert_eq!(process.end_within(Duration::from_millis(50)).signal(), Some(9));
    }

    #[test]
    fn an_ended_process_is_never_ready() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("exit 3", folder.path());
        let Err(NotReady::Ended(status)) = process.ready(GRACE, || None::<()>) else { panic!("it has ended") };
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_deadline_passes() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("exec sleep 60", folder.path());
        let deadline = Duration::from_millis(20);
        assert_eq!(process.ready(deadline, || None::<()>), Err(NotReady::TooLate(deadline)));
    }

    #[test]
    fn the_end_of_the_log_is_in_the_panic() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo first; seq 40; echo the reason >&2; exit 1", folder.path());
        let panic = catch_unwind(AssertUnwindSafe(|| process.wait_until(GRACE, || false))).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.ends_with("the reason") && !text.contains("first"), "{text}");
    }
}
