//! Docker daemons: Debian's 20.10, and 29 built by `install.sh`.
//!
//! Each has its folder under `/tmp`, short enough for the path of a Unix socket, and a mount namespace of
//! its own: what it mounts goes when it goes, and its `/etc/docker` is a folder of the test's (the machine
//! gets an empty one if it has none, to mount over). It makes no bridge and no firewall rules; containers
//! have no network but their own loopback. Needs root.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Outcome};
use crate::find::{OLD_DOCKERD, cache_folder};
use crate::http::exchange;
use crate::process::{Process, command};

/// A running daemon. Dropping it stops the daemon and its containers, and removes all that it stored.
#[derive(Debug)]
pub struct Docker {
    client: Client,
    process: Process,
    folder: TempDir,
}

/// Which daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// 20.10 with its own store; [`OLD_DOCKERD`].
    Old,
    /// 29 with containerd's store; `dockerd`, `containerd`, `containerd-shim-runc-v2` and `runc`.
    New,
}

impl Docker {
    /// The old daemon with nothing set.
    #[must_use]
    pub fn old() -> Self {
        Self::start(Engine::Old, &json!({}))
    }

    /// The new daemon with nothing set.
    #[must_use]
    pub fn new_() -> Self {
        Self::start(Engine::New, &json!({}))
    }

    /// A daemon with those settings added to its `daemon.json`.
    ///
    /// # Panics
    /// If it does not start; its log says why.
    #[must_use]
    pub fn start(engine: Engine, settings: &Value) -> Self {
        let folder = tempfile::Builder::new().prefix("sg").tempdir_in("/tmp").expect("/tmp can be written");
        let config = folder.path().join("daemon.json");
        fs::write(&config, daemon_json(folder.path(), settings).to_string()).expect("/tmp can be written");
        let process = Process::start("dockerd", engine.command(folder.path(), &config), folder.path());
        let mut docker = Self { client: Client::new(), process, folder };
        let socket = docker.socket();
        docker.process.wait_until(START, || answers(&socket));
        docker
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// The folder that it sees as `/etc/docker`, for `certs.d`. Empty at first, but for what it writes.
    #[must_use]
    pub fn etc(&self) -> PathBuf {
        etc(self.folder.path())
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The client that [`docker`](Self::docker) runs, to give it a registry's password.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Runs the `docker` command against it.
    pub fn docker(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.docker_with_input(args, &[])
    }

    /// Runs the `docker` command against it, with that standard input.
    pub fn docker_with_input(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>, input: &[u8]) -> Outcome {
        let host = format!("unix://{}", self.socket().display());
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.client.run_with_input("docker", ["-H".into(), host.into()].into_iter().chain(args), input)
    }
}

impl Engine {
    fn command(self, folder: &Path, config: &Path) -> Command {
        let daemon = match self {
            Self::Old => OLD_DOCKERD.into(),
            Self::New => crate::find("dockerd").expect("dockerd was found when it was required"),
        };
        fs::create_dir_all("/etc/docker").expect("root can make /etc/docker");
        fs::create_dir(etc(folder)).expect("/tmp can be written");
        let mut command = command("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", IN_NAMESPACE, "sh"]);
        command.args([&etc(folder), &daemon, &PathBuf::from("--config-file"), config]);
        command.env("PATH", self.path());
        command
    }

    /// Each must find the containerd, shim and runc of its own age first.
    fn path(self) -> OsString {
        let own = match self {
            Self::Old => Vec::new(),
            Self::New => cache_folder().into_iter().collect(),
        };
        let rest = env::var_os("PATH").unwrap_or_default();
        let system = ["/usr/sbin", "/usr/bin"].map(PathBuf::from);
        let folders = own.into_iter().chain(system).chain(env::split_paths(&rest));
        env::join_paths(folders).expect("folders of a PATH have no colon")
    }
}

fn daemon_json(folder: &Path, settings: &Value) -> Value {
    let mut config = json!({
        "hosts": [format!("unix://{}/docker.sock", folder.display())],
        "data-root": folder.join("data"),
        "exec-root": folder.join("exec"),
        "pidfile": folder.join("docker.pid"),
        "bridge": "none",
        "iptables": false,
        "ip6tables": false,
        "ip-forward": false,
        "ip-masq": false,
        "userland-proxy": false,
    });
    let settings = settings.as_object().expect("settings are a JSON object").clone();
    config.as_object_mut().expect("this is an object").extend(settings);
    config
}

fn etc(folder: &Path) -> PathBuf {
    folder.join("etc")
}

fn answers(socket: &Path) -> bool {
    let Ok(stream) = UnixStream::connect(socket) else { return false };
    let patient = stream.set_read_timeout(Some(PING)).is_ok();
    patient && exchange(stream, "GET", "/_ping", &[]).is_ok_and(|answer| answer.status == 200 && answer.body == b"OK")
}

/// `exec`, so that the process is the daemon itself.
const IN_NAMESPACE: &str = r#"mount --bind "$1" /etc/docker && shift && exec "$@""#;
const START: Duration = Duration::from_secs(60);
const PING: Duration = Duration::from_secs(5);
