//! The doors of the program under test: each asked about one image, each with its end, its words and its memory.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::{Client, Process, command};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A place where an image could get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `sealgate verify`.
    Verify,
    /// `sealgate check`.
    Check,
    /// `sealgate pull --to oci:`.
    Pull,
    /// `sealgate webhook`, asked by a review to mutate.
    Webhook,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Verify, Self::Check, Self::Pull, Self::Webhook];
}

/// How a door was found.
#[derive(Debug)]
pub struct Answer {
    /// The exit code; of the webhook the code of the refusal, 0 if it let the image in.
    pub code: i32,
    /// Everything it said.
    pub said: String,
    /// The digest that it let in, where it says one.
    pub pinned: Option<String>,
    /// The most memory that the process had, in KiB.
    pub peak: u64,
    /// How long it took.
    pub took: Duration,
}

/// The program under test with a home, a public key and a policy that asks for a signature by that key.
pub struct Doors {
    program: String,
    client: Client,
    environment: Vec<(String, String)>,
    flags: Vec<String>,
    timeout: Duration,
    folder: TempDir,
}

impl Doors {
    /// The program at this path, trusting this key (PEM).
    ///
    /// # Panics
    /// If its folder cannot be written.
    #[must_use]
    pub fn new(program: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let policy = json!({
            "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy",
            "metadata": { "name": "shop" },
            "spec": { "images": [{ "glob": "**" }], "authorities": [{ "name": "team", "key": { "data": key } }] },
        });
        let doors = Self {
            program: program.to_owned(),
            client: Client::new(),
            environment: Vec::new(),
            flags: Vec::new(),
            timeout: Duration::from_secs(20),
            folder,
        };
        doors.write("key.pub", key);
        doors.write("policy.json", &policy.to_string());
        doors
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// One more flag for every door, about registries.
    pub fn flag(&mut self, flag: &str, value: &str) {
        self.flags.extend([flag.to_owned(), value.to_owned()]);
    }

    /// Sets a variable for every door.
    pub fn set(&mut self, name: &str, value: &str) {
        self.client.set(name, value);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// How long each door may take.
    pub fn timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Stores a password for a registry, as `docker login` does.
    pub fn log_in(&self, registry: &str, user: &str, password: &str) {
        let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let config = json!({ "auths": { registry: { "auth": auth } } });
        write(&self.client.home().join("config.json"), &config.to_string());
    }

    /// Writes a file for the program and says where it is.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        write(&path, text);
        path.display().to_string()
    }

    /// Where `pull` writes.
    #[must_use]
    pub fn layout(&self) -> PathBuf {
        self.path("layout")
    }

    /// Asks one door about the image. Different doors may be asked at the same time.
    ///
    /// # Panics
    /// If the program does not start, or the webhook does not answer in JSON.
    #[must_use]
    pub fn ask(&self, door: Door, image: &str) -> Answer {
        let (key, policy) =
            (self.path("key.pub").display().to_string(), self.path("policy.json").display().to_string());
        let layout = format!("oci:{}", self.layout().display());
        match door {
            Door::Verify => self.run(door, &["verify", "--private-infrastructure", "--key", &key], image),
            Door::Check => self.run(door, &["check", "--policy", &policy], image),
            Door::Pull => {
                drop(fs::remove_dir_all(self.layout()));
                self.run(door, &["pull", "--policy", &policy, "--to", &layout], image)
            }
            Door::Webhook => self.review(&policy, image),
        }
    }

    fn run(&self, door: Door, words: &[&str], image: &str) -> Answer {
        let peak = self.path(&format!("{door:?}.peak"));
        let (peak, timeout) = (peak.display().to_string(), format!("{}ms", self.timeout.as_millis()));
        let mut args = vec!["--quiet", "--format=%M", "--output", &peak, &self.program];
        args.extend(words);
        args.extend(["--timeout", &timeout]);
        args.extend(self.flags.iter().map(String::as_str));
        args.push(image);
        let begun = Instant::now();
        let outcome = self.client.run("time", args);
        let took = begun.elapsed();
        let peak = fs::read_to_string(peak).expect("time has written it").trim().parse().expect("a number");
        let pinned = self.pinned(door, &outcome.stdout);
        Answer { code: outcome.code, said: outcome.stdout + &outcome.stderr, pinned, peak, took }
    }

    fn pinned(&self, door: Door, stdout: &str) -> Option<String> {
        match door {
            Door::Verify => {
                let objects: Value = serde_json::from_str(stdout).ok()?;
                Some(objects[0]["critical"]["image"]["docker-manifest-digest"].as_str()?.to_owned())
            }
            Door::Check => {
                let line = stdout.strip_prefix("allowed ")?.lines().next()?;
                Some(line.split_once('(')?.1.strip_suffix(')')?.to_owned())
            }
            Door::Pull => {
                let index = fs::read(self.layout().join("index.json")).ok()?;
                let index: Value = serde_json::from_slice(&index).expect("an index is JSON");
                Some(index["manifests"][0]["digest"].as_str()?.to_owned())
            }
            Door::Webhook => None,
        }
    }

    fn review(&self, policy: &str, image: &str) -> Answer {
        let authority = self.path("authority.pem");
        drop(fs::remove_file(&authority));
        let mut serving = command(&self.program);
        serving.args(["webhook", "--policy", policy, "--listen", "127.0.0.1:0", "--ca-out"]).arg(&authority);
        serving.args(&self.flags).envs(self.environment.iter().map(|(name, value)| (name, value)));
        serving.env("HOME", self.client.home()).env("DOCKER_CONFIG", self.client.home());
        let mut process = Process::start("webhook", serving, self.folder.path());
        let log = self.path("webhook.log");
        let address = process.wait_for(START, || listening(&fs::read_to_string(&log).unwrap_or_default()));
        let authority = fs::read(authority).expect("the webhook has written its authority");
        let url = format!("{address}/mutate?timeout={}ms", self.timeout.as_millis());
        let begun = Instant::now();
        let response = post(&url, &authority, &review_of(image));
        let took = begun.elapsed();
        let peak = high_water(process.pid());
        let ended = process.stop();
        assert!(ended.success(), "the webhook ended with {ended}: {}", process.log());
        let allowed = response["allowed"] == true;
        let code = response["status"]["code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
        let said = format!("{}\n{}", response["status"]["message"].as_str().unwrap_or_default(), process.log());
        Answer { code: if allowed { 0 } else { code }, said, pinned: patched(&response), peak, took }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The digest in the webhook's patch.
fn patched(response: &Value) -> Option<String> {
    let patch = BASE64_STANDARD.decode(response["patch"].as_str()?).expect("a patch is base64");
    let operations: Value = serde_json::from_slice(&patch).expect("a patch is JSON");
    Some(operations[0]["value"].as_str()?.rsplit_once('@')?.1.to_owned())
}

fn listening(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("serving admission reviews at ")?;
    Some(rest.split_once('\n')?.0.to_owned())
}

fn review_of(image: &str) -> String {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "cart", "namespace": "shop" },
        "spec": { "containers": [{ "name": "cart", "image": image }] } });
    let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1b5d0b3a-7e55-4a5a-8a39-1d1a6b9fd001", "operation": "CREATE", "namespace": "shop", "name": "cart",
        "kind": { "group": "", "version": "v1", "kind": "Pod" },
        "resource": { "group": "", "version": "v1", "resource": "pods" },
        "userInfo": { "username": "tester" }, "object": pod, "oldObject": null } });
    review.to_string()
}

fn post(url: &str, authority: &[u8], review: &str) -> Value {
    // The first of several tests in this process installs it for all.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let authority = reqwest::Certificate::from_pem(authority).expect("the authority's certificate");
    let client = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().timeout(LONGEST).build();
    let request = client.expect("a client can be built").post(url).header("content-type", "application/json");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let answer = runtime.block_on(async { request.body(review.to_owned()).send().await?.bytes().await });
    let answer: Value = serde_json::from_slice(&answer.expect("the webhook answers")).expect("an answer is JSON");
    answer["response"].clone()
}

/// The most memory that a process had, in KiB.
fn high_water(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a temporary folder can be written");
}

const START: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_secs(40);
