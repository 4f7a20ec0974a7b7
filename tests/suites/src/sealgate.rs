//! The program under test: run as its users run it, and serving as a registry.

use std::{ffi::OsStr, fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::{Client, Outcome, Process, Registry, command};
use serde_json::json;

/// The program with a private home.
#[derive(Debug)]
pub struct Sealgate {
    program: String,
    client: Client,
}

impl Sealgate {
    /// The program at this path: `env!("CARGO_BIN_EXE_sealgate")`.
    #[must_use]
    pub fn new(program: &str) -> Self {
        Self { program: program.to_owned(), client: Client::new() }
    }

    /// Where the program is.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The home it runs from.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The home it runs from, to give it a variable.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Gives it a registry's password, as `docker login` does.
    ///
    /// # Panics
    /// If its home cannot be written.
    pub fn log_in(&self, registry: &str, user: &str, password: &str) {
        let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let config = json!({ "auths": { registry: { "auth": auth } } });
        let path = self.client.home().join("config.json");
        fs::write(path, config.to_string()).expect("a temporary folder can be written");
    }

    /// Runs a command to its end.
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.client.run(&self.program, args)
    }

    /// Starts a command that serves, from its home, with its outputs in `<folder>/<name>.log`.
    ///
    /// # Panics
    /// If the program cannot be started.
    #[must_use]
    pub fn start(&self, name: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>, folder: &Path) -> Process {
        let home = self.client.home();
        let mut command = command(&self.program);
        command.args(args).current_dir(home).env("HOME", home).env("DOCKER_CONFIG", home);
        Process::start(name, command, folder)
    }
}

/// `sealgate registry serve` on a free port of loopback.
#[derive(Debug)]
pub struct EmbeddedRegistry(Registry);

impl EmbeddedRegistry {
    /// Starts it with these further flags.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(sealgate: &Sealgate, flags: &[&str]) -> Self {
        Self(Registry::sealgate(sealgate.program(), flags))
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.address()
    }

    /// The requests answered so far, each as `METHOD URL STATUS`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.0.requests()
    }

    /// Ends it. What it kept in memory is lost, and nobody listens at its address any more.
    pub fn stop(&mut self) {
        self.0.stop();
    }
}
