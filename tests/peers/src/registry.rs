//! Registries: Debian's, which knows no referrers, `registry-refs`, which does, and our own, which may.
//!
//! All take a free port themselves and say which, so there is no port to lose to somebody else.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::http::exchange;
use crate::process::{Process, command};

/// A registry on loopback, empty at first, gone with everything in it when dropped.
#[derive(Debug)]
pub struct Registry {
    address: String,
    basic: Option<(String, String)>,
    authority: Option<Authority>,
    kind: Kind,
    process: Process,
    folder: TempDir,
}

/// How `registry-refs` is to behave. By default as go-containerregistry does with its referrers switched
/// on: plain HTTP, nobody asked for a password, all answers whole and at once.
#[derive(Debug, Clone)]
pub struct RefsOptions {
    /// Serve the referrers API; otherwise it answers 404, and clients go to the fallback tag.
    pub referrers: bool,
    /// Do as distribution-spec 1.1 says: `OCI-Subject`, the manifest's artifact type, filtering.
    pub spec: bool,
    /// With `spec`: so many referrers an answer, the rest behind `Link` headers.
    pub page: Option<u32>,
    /// What each answer waits for.
    pub latency: Duration,
    /// User and password to ask for.
    pub basic: Option<(String, String)>,
    /// Serve https, with a certificate of [`Registry::authority`] for 127.0.0.1 and localhost.
    pub tls: bool,
}

impl Default for RefsOptions {
    fn default() -> Self {
        Self { referrers: true, spec: false, page: None, latency: Duration::ZERO, basic: None, tls: false }
    }
}

impl Registry {
    /// Debian's `docker-registry` (distribution 2.8), without the referrers API, storing on disk.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn debian() -> Self {
        let folder = new_folder();
        let config = folder.path().join("config.yml");
        write(&config, &debian_config(&folder.path().join("data")));
        let mut command = command("docker-registry");
        command.arg("serve").arg(config);
        Self::start(Kind::Debian, command, folder, None, None)
    }

    /// `registry-refs`, in memory.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn refs(options: RefsOptions) -> Self {
        let RefsOptions { referrers, spec, page, latency, basic, tls } = options;
        let folder = new_folder();
        let authority = tls.then(|| Authority::new("registry-refs"));
        let mut command = command("registry-refs");
        command.args(["-addr", "127.0.0.1:0", &format!("-referrers={referrers}"), &format!("-spec={spec}")]);
        command.args(["-page", &page.unwrap_or(0).to_string(), "-latency", &format!("{}us", latency.as_micros())]);
        command.arg("-log").arg(folder.path().join(ACCESS_LOG));
        if let Some((user, password)) = &basic {
            command.args(["-basic", &format!("{user}:{password}")]);
        }
        if let Some(authority) = &authority {
            serve_https(&mut command, authority, folder.path());
        }
        Self::start(Kind::Refs, command, folder, basic, authority)
    }

    /// Our own: `sealgate registry serve`, with these further flags. The program is the one just built.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn sealgate(program: &str, flags: &[&str]) -> Self {
        let mut command = command(program);
        command.args(["registry", "serve", "--listen", "127.0.0.1:0", "--access-log"]).args(flags);
        Self::start(Kind::Sealgate, command, new_folder(), None, None)
    }

    fn start(
        kind: Kind,
        command: Command,
        folder: TempDir,
        basic: Option<(String, String)>,
        authority: Option<Authority>,
    ) -> Self {
        let mut process = Process::start("registry", command, folder.path());
        let log = folder.path().join("registry.log");
        let address = process.wait_for(START, || kind.listening(&read(&log)));
        Self { address, basic, authority, kind, process, folder }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The requests answered so far, each as `METHOD URL STATUS`, in the order of their answers.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        match self.kind {
            Kind::Debian => self.process.log().lines().filter_map(combined_line).collect(),
            Kind::Sealgate => self.process.log().lines().filter(|line| line.contains(" /")).map(first_three).collect(),
            Kind::Refs => read(&self.folder.path().join(ACCESS_LOG)).lines().map(first_three).collect(),
        }
    }

    /// The digests of the manifests that refer to an image, which is named with this registry and by digest.
    ///
    /// # Panics
    /// If it does not list them, or over plain HTTP not to everybody.
    #[must_use]
    pub fn referrers(&self, image: &str) -> Vec<String> {
        let rest = image.strip_prefix(&format!("{}/", self.address)).expect("the image is of this registry");
        let (name, digest) = rest.split_once('@').expect("the image is named by digest");
        let stream = TcpStream::connect(&self.address).expect("the registry listens");
        let answer = exchange(stream, "GET", &format!("/v2/{name}/referrers/{digest}"), &[]);
        let answer = answer.expect("the registry answers");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let index: Value = serde_json::from_slice(&answer.body).expect("an index is JSON");
        let manifests = index["manifests"].as_array().expect("an index has manifests");
        manifests.iter().map(|one| one["digest"].as_str().expect("they have digests").to_owned()).collect()
    }

    /// Ends it. What it kept in memory is lost, and nobody listens at its address any more.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// The user and password that it asks for.
    #[must_use]
    pub fn basic(&self) -> Option<(&str, &str)> {
        self.basic.as_ref().map(|(user, password)| (user.as_str(), password.as_str()))
    }

    /// Who signed its certificate, where it serves https.
    #[must_use]
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Debian,
    Refs,
    Sealgate,
}

impl Kind {
    /// The address in the line in which it says where it listens; a line still being written has no end.
    fn listening(self, log: &str) -> Option<String> {
        let (before, after) = match self {
            Self::Debian => ("msg=\"listening on ", '"'),
            Self::Refs => ("listening ", '\n'),
            Self::Sealgate => ("listening at ", '\n'),
        };
        let (_, rest) = log.split_once(before)?;
        Some(rest.split_once(after)?.0.to_owned())
    }
}

fn debian_config(data: &Path) -> String {
    // JSON is YAML.
    json!({
        "version": "0.1",
        "log": { "level": "info", "accesslog": { "disabled": false } },
        "storage": { "filesystem": { "rootdirectory": data }, "delete": { "enabled": true } },
        "http": { "addr": "127.0.0.1:0", "secret": "a test's own" },
    })
    .to_string()
}

fn serve_https(command: &mut Command, authority: &Authority, folder: &Path) {
    let identity = authority.server(&["127.0.0.1", "localhost"]);
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    write(&certificate, &identity.certificate);
    write(&key, &identity.key);
    command.arg("-cert").arg(certificate).arg("-key").arg(key);
}

/// Of Debian's log the lines in the combined format: `host - - [time] "METHOD URL PROTOCOL" STATUS …`.
fn combined_line(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("] \"")?;
    let (request, rest) = rest.split_once("\" ")?;
    let (request, _protocol) = request.rsplit_once(' ')?;
    Some(format!("{request} {}", rest.split(' ').next()?))
}

fn first_three(line: &str) -> String {
    line.splitn(4, ' ').take(3).collect::<Vec<_>>().join(" ")
}

fn new_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a temporary folder can be written");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

const START: Duration = Duration::from_secs(20);
const ACCESS_LOG: &str = "access.log";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combined_line_becomes_method_url_status() {
        let line = r#"127.0.0.1 - - [25/Nov/2026:03:00:16 +0000] "GET /v2/a?n=1 HTTP/1.1" 404 19 "" "curl/7""#;
        assert_eq!(combined_line(line), Some("GET /v2/a?n=1 404".to_owned()));
    }

    #[test]
    fn other_lines_are_no_requests() {
        assert_eq!(combined_line(r#"time="x" level=info msg="listening on 127.0.0.1:1" a=b"#), None);
        assert_eq!(combined_line(""), None);
    }

    #[test]
    fn an_address_counts_only_once_its_line_is_complete() {
        assert_eq!(Kind::Refs.listening("listening 127.0.0.1:12"), None);
        assert_eq!(Kind::Refs.listening("listening 127.0.0.1:1234\n"), Some("127.0.0.1:1234".to_owned()));
        assert_eq!(Kind::Debian.listening("msg=\"listening on 127.0.0.1:12"), None);
        assert_eq!(Kind::Sealgate.listening("listening at 127.0.0.1:12"), None);
        assert_eq!(Kind::Sealgate.listening("listening at 127.0.0.1:1234\n"), Some("127.0.0.1:1234".to_owned()));
    }
}
