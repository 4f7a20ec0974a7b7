//! Programs that run and end: what they were asked, what they answered.
//!
//! Each client has a home of its own with the credentials and authorities it was given, and nothing of
//! the user's.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::process::{command, signal};
use crate::registry::Registry;

/// A private home to run programs from.
#[derive(Debug)]
pub struct Client {
    home: TempDir,
    environment: Vec<(String, String)>,
    auths: Map<String, Value>,
    authorities: String,
}

/// How a program ended.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code; 128 and the signal's number for a program that was killed, as shells say it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Client {
    /// A client that knows nobody.
    ///
    /// # Panics
    /// If its folder cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        Self { home, environment: Vec::new(), auths: Map::new(), authorities: String::new() }
    }

    /// Gives it the registry's password and authority, if the registry has them.
    ///
    /// # Panics
    /// If the client's folder cannot be written.
    pub fn trust(&mut self, registry: &Registry) {
        if let Some((user, password)) = registry.basic() {
            let auth = STANDARD.encode(format!("{user}:{password}"));
            self.auths.insert(registry.address().to_owned(), json!({ "auth": auth }));
            self.write("config.json", &json!({ "auths": self.auths }).to_string());
        }
        if let Some(authority) = registry.authority() {
            self.authorities.push_str(authority.certificate());
            self.write("authorities.pem", &self.authorities);
            self.set("SSL_CERT_FILE", &self.home().join("authorities.pem").display().to_string());
        }
    }

    /// Sets a variable for the programs that it runs.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Its home folder, which is also its Docker configuration folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs a program to its end, with the home as its working folder.
    ///
    /// # Panics
    /// If the program is missing or takes longer than two minutes.
    pub fn run(&self, program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.run_with_input(program, args, &[])
    }

    /// Runs a program to its end, with that standard input.
    ///
    /// # Panics
    /// If the program is missing or takes longer than two minutes.
    pub fn run_with_input(
        &self,
        program: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: &[u8],
    ) -> Outcome {
        finish(self.prepare(program, args), input)
    }

    /// The same as [`Client::run`], telling the process id once there is one.
    ///
    /// # Panics
    /// As [`Client::run`].
    pub fn run_watched(
        &self,
        program: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        started: impl FnOnce(u32),
    ) -> Outcome {
        watched(self.prepare(program, args), &[], started)
    }

    /// The program with this client's home and variables.
    pub(crate) fn prepare(&self, program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = command(program);
        command.args(args).current_dir(self.home());
        command.env("HOME", self.home()).env("DOCKER_CONFIG", self.home());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.home().join(name), text).expect("a temporary folder can be written");
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Outcome {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default());
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What it wrote to standard output, without the last line end.
    ///
    /// # Panics
    /// With both outputs, unless it ended well.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, 0, "stderr: {}\nstdout: {}", self.stderr, self.stdout);
        self.stdout.trim_end().to_owned()
    }

    /// What it wrote to standard error.
    ///
    /// # Panics
    /// With both outputs, unless it ended with that code, which must not be 0.
    #[track_caller]
    pub fn failure(self, code: i32) -> String {
        assert_ne!(code, 0, "0 is no failure");
        assert_eq!(self.code, code, "stderr: {}\nstdout: {}", self.stderr, self.stdout);
        self.stderr
    }
}

/// Runs a program to its end from a fresh home, as [`Client::run`] does.
///
/// # Panics
/// If the program is missing or takes longer than two minutes.
pub fn run(program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
    Client::new().run(program, args)
}

/// Runs it to its end, or panics after two minutes.
pub(crate) fn finish(command: Command, input: &[u8]) -> Outcome {
    watched(command, input, |_| ())
}

fn watched(mut command: Command, input: &[u8], started: impl FnOnce(u32)) -> Outcome {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    started(child.id());
    let output = output_of(child, input.to_vec());
    Outcome::of(output.unwrap_or_else(|| panic!("still running after {LIMIT:?}: {command:?}")))
}

/// `None` if it had to be killed.
fn output_of(mut child: Child, input: Vec<u8>) -> Option<Output> {
    let pid = child.id();
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A program may well end without reading what it is given.
    thread::spawn(move || stdin.write_all(&input));
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = result.recv_timeout(LIMIT) else {
        signal(pid, "KILL");
        return None;
    };
    Some(output.expect("our own child can be waited for"))
}

const LIMIT: Duration = Duration::from_secs(120);
