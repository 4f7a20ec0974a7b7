//! A Kubernetes API server with its etcd, and nothing else: no kubelet, no controllers.
//!
//! Enough to create objects, have them judged by webhooks and see what is stored. Pods stay pending,
//! Deployments make no ReplicaSets, namespaces never finish deleting. Everybody may do everything, and
//! pods need no service account.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::{Authority, new_key};
use crate::client::{Client, Outcome};
use crate::http::{Answer, exchange};
use crate::process::{NotReady, Process, command};

/// A running API server on a free port of loopback, gone with everything in it when dropped.
#[derive(Debug)]
pub struct Kubernetes {
    client: Client,
    authority: Authority,
    _apiserver: Process,
    _etcd: Process,
    folder: TempDir,
}

impl Kubernetes {
    /// Starts it and waits until the namespace `default` is there. Needs `etcd`, `kube-apiserver`, `kubectl`.
    ///
    /// # Panics
    /// If one of them does not start.
    #[must_use]
    pub fn start() -> Self {
        // Short enough for the path of etcd's socket, which the default folder need not be.
        let folder = tempfile::Builder::new().prefix("sg").tempdir_in("/tmp").expect("/tmp can be written");
        let authority = Authority::new("kubernetes");
        write_certificates(&authority, folder.path());
        let etcd = start_etcd(folder.path());
        let mut client = Client::new();
        client.set("KUBECONFIG", &folder.path().join("kubeconfig").display().to_string());
        let apiserver = start_apiserver(folder.path(), &client);
        Self { client, authority, _apiserver: apiserver, _etcd: etcd, folder }
    }

    /// Runs `kubectl` as an administrator.
    pub fn kubectl(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.client.run("kubectl", args)
    }

    /// Runs `kubectl` as an administrator, with that standard input, say for `apply -f -`.
    pub fn kubectl_stdin(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>, input: &str) -> Outcome {
        self.client.run_with_input("kubectl", args, input.as_bytes())
    }

    /// What etcd stores under that key (`/registry/pods/default/NAME`), or `None` if nothing.
    ///
    /// The value is Kubernetes' protobuf: its strings can be searched for, and what is no UTF-8 is replaced.
    ///
    /// # Panics
    /// If etcd does not answer.
    #[must_use]
    pub fn etcd_get(&self, key: &str) -> Option<String> {
        let answer = ask_etcd(self.folder.path(), key).expect("etcd answers");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let found: Value = serde_json::from_slice(&answer.body).expect("etcd's gateway speaks JSON");
        let value = found["kvs"].get(0)?["value"].as_str().expect("a key has a value");
        let value = STANDARD.decode(value).expect("etcd's gateway speaks base64");
        Some(String::from_utf8_lossy(&value).into_owned())
    }

    /// The folder with `ca.crt`, and the server's and the administrator's certificates and keys.
    #[must_use]
    pub fn ca_dir(&self) -> &Path {
        self.folder.path()
    }

    /// The authority behind `ca.crt`, to issue a webhook's certificate.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The file that tells `kubectl` and others where the server is and who they are.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }
}

fn write_certificates(authority: &Authority, folder: &Path) {
    let server = authority.server(&["127.0.0.1", "localhost", "kubernetes.default.svc"]);
    let admin = authority.client("admin", "system:masters");
    let accounts = new_key();
    let files = [
        ("ca.crt", authority.certificate()),
        ("apiserver.crt", &server.certificate),
        ("apiserver.key", &server.key),
        ("admin.crt", &admin.certificate),
        ("admin.key", &admin.key),
        ("accounts.key", &accounts.serialize_pem()),
        ("accounts.pub", &accounts.public_key_pem()),
    ];
    for (name, text) in files {
        write(&folder.join(name), text);
    }
}

/// Clients find it on a Unix socket; the port for its peers is any, since it has none.
fn start_etcd(folder: &Path) -> Process {
    let mut command = command("etcd");
    command.args(["--name=only", "--unsafe-no-fsync", "--log-level=warn", "--initial-cluster=only=http://127.0.0.1:0"]);
    command.args(["--listen-peer-urls=http://127.0.0.1:0", "--initial-advertise-peer-urls=http://127.0.0.1:0"]);
    command
        .args([format!("--listen-client-urls={}", etcd_url(folder)), format!("--data-dir={}/etcd", folder.display())]);
    command.arg("--advertise-client-urls=http://127.0.0.1:0");
    let mut etcd = Process::start("etcd", command, folder);
    etcd.wait_until(START, || ask_etcd(folder, "any").is_ok_and(|answer| answer.status == 200));
    etcd
}

fn ask_etcd(folder: &Path, key: &str) -> io::Result<Answer> {
    let stream = UnixStream::connect(folder.join(ETCD_SOCKET))?;
    stream.set_read_timeout(Some(ANSWER))?;
    let query = json!({ "key": STANDARD.encode(key) }).to_string();
    exchange(stream, "POST", "/v3/kv/range", query.as_bytes())
}

fn etcd_url(folder: &Path) -> String {
    format!("unix://{}", folder.join(ETCD_SOCKET).display())
}

/// The API server must be told its port; somebody else may take it first, then it ends and the next is tried.
fn start_apiserver(folder: &Path, client: &Client) -> Process {
    for _ in 0..ATTEMPTS {
        let port = free_port();
        write(&folder.join("kubeconfig"), &kubeconfig(folder, port));
        let mut apiserver = Process::start("kube-apiserver", apiserver_command(folder, port), folder);
        match apiserver.ready(START, || is_ready(client).then_some(())) {
            Ok(()) => return apiserver,
            Err(NotReady::Ended(_)) if apiserver.log().contains("address already in use") => {}
            Err(why) => panic!("the API server is not ready: {why:?}; its log:\n{}", apiserver.log()),
        }
    }
    panic!("the API server found no free port in {ATTEMPTS} attempts")
}

fn apiserver_command(folder: &Path, port: u16) -> Command {
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    let mut command = command("kube-apiserver");
    command.args([format!("--etcd-servers={}", etcd_url(folder)), format!("--secure-port={port}")]);
    command.args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"]);
    command.args([file("tls-cert-file", "apiserver.crt"), file("tls-private-key-file", "apiserver.key")]);
    command.args([file("client-ca-file", "ca.crt"), file("cert-dir", "unused")]);
    command.arg("--service-account-issuer=https://kubernetes.default.svc");
    command.arg(file("service-account-key-file", "accounts.pub"));
    command.arg(file("service-account-signing-key-file", "accounts.key"));
    command.args(["--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=AlwaysAllow"]);
    command.args(["--disable-admission-plugins=ServiceAccount", "--allow-privileged=true"]);
    command
}

fn kubeconfig(folder: &Path, port: u16) -> String {
    // JSON is YAML.
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "admin" } }],
        "clusters": [{ "name": "test", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority": folder.join("ca.crt"),
        } }],
        "users": [{ "name": "admin", "user": {
            "client-certificate": folder.join("admin.crt"),
            "client-key": folder.join("admin.key"),
        } }],
    })
    .to_string()
}

/// Both answers come over TLS from a server with our certificate, so not from somebody else on that port.
fn is_ready(client: &Client) -> bool {
    let get = |path| client.run("kubectl", ["get", "--raw", path]);
    get("/readyz").stdout == "ok" && get("/api/v1/namespaces/default").code == 0
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a listener has an address").port()
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a temporary folder can be written");
}

const ETCD_SOCKET: &str = "etcd.sock";
const ATTEMPTS: u32 = 3;
const START: Duration = Duration::from_secs(120);
const ANSWER: Duration = Duration::from_secs(20);
