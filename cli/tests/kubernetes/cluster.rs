//! A cluster whose API server asks `sealgate webhook`, set up by the very file that the guide shows.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use peers::{Kubernetes, Outcome, Process, run};
use serde_json::{Value, json};
use suites::shop::Shop;

/// An API server, a webhook with its policy, and a shop full of images.
pub(crate) struct Gated {
    pub(crate) kubernetes: Kubernetes,
    pub(crate) shop: Shop,
    pub(crate) webhook: Process,
    /// `127.0.0.1:PORT` of the webhook.
    pub(crate) address: String,
    authority: String,
}

impl Gated {
    /// The gate is closed: everything is judged. The webhook makes its own certificate.
    pub(crate) fn closed() -> Self {
        let gated = Self::open();
        gated.close();
        gated
    }

    /// The webhook runs, and the API server does not know of it yet.
    pub(crate) fn open() -> Self {
        Self::open_with(&[])
    }

    /// The same, with more flags for the webhook.
    pub(crate) fn open_with(flags: &[&str]) -> Self {
        let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
        let ca = shop.folder().join("ca.pem").display().to_string();
        let (webhook, address) = start_webhook(&shop, &[&["--ca-out", &ca], flags].concat());
        let authority = fs::read_to_string(ca).expect("the webhook writes its authority before it serves");
        Self { kubernetes: Kubernetes::start(), shop, webhook, address, authority }
    }

    /// As [`closed`](Self::closed), with a certificate from files.
    pub(crate) fn closed_with_certificate_files() -> Self {
        let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
        let kubernetes = Kubernetes::start();
        let identity = kubernetes.authority().server(&["127.0.0.1"]);
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| shop.folder().join(name).display().to_string());
        fs::write(&cert, identity.certificate).unwrap();
        fs::write(&key, identity.key).unwrap();
        let (webhook, address) = start_webhook(&shop, &["--tls-cert", &cert, "--tls-key", &key]);
        let authority = kubernetes.authority().certificate().to_owned();
        let gated = Self { kubernetes, shop, webhook, address, authority };
        gated.close();
        gated
    }

    /// Has the API server ask the webhook, and waits until it does.
    pub(crate) fn close(&self) {
        let configuration = CONFIGURATION
            .replace("WEBHOOK_ADDRESS", &self.address)
            .replace("CA_BUNDLE", &STANDARD.encode(&self.authority));
        let _ = self.kubernetes.kubectl_stdin(["apply", "-f", "-"], &configuration).success();
        let probe = pod("probe", "127.0.0.1:1/nobody/has:this");
        self.wait_until(|gated| gated.tried(&probe).stderr.contains("no matching policies"));
    }

    /// Waits until that is so, with the webhook's log as the reason if it never is.
    #[track_caller]
    pub(crate) fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < SOON, "it is not so after {SOON:?}; the webhook's log:\n{}", self.webhook.log());
            thread::sleep(PAUSE);
        }
    }

    pub(crate) fn create(&self, object: &Value) -> Outcome {
        self.kubernetes.kubectl_stdin(["create", "-f", "-"], &object.to_string())
    }

    /// Creates the object, which must be refused by the gate and not be stored; returns the gate's words.
    #[track_caller]
    pub(crate) fn refused(&self, object: &Value) -> String {
        let said = self.create(object).failure(1);
        assert_eq!(self.stored(object), None, "{said}");
        gates_words(&said)
    }

    /// Creates the object, which must be let in; returns what etcd stores of it.
    #[track_caller]
    pub(crate) fn admitted(&self, object: &Value) -> String {
        let _ = self.create(object).success();
        self.stored(object).expect("what was created is stored")
    }

    /// Has the API server try what creating the object would do. Nothing is stored.
    pub(crate) fn tried(&self, object: &Value) -> Outcome {
        self.kubernetes.kubectl_stdin(["create", "--dry-run=server", "-f", "-"], &object.to_string())
    }

    /// What etcd stores of the object.
    pub(crate) fn stored(&self, object: &Value) -> Option<String> {
        let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
        let folder = if plural == "replicationcontrollers" { "controllers" } else { &plural };
        let name = object["metadata"]["name"].as_str().unwrap();
        self.kubernetes.etcd_get(&format!("/registry/{folder}/default/{name}"))
    }

    /// Posts a body to the webhook as the API server does.
    pub(crate) fn post(&self, path: &str, body: &str) -> Outcome {
        let ca = self.shop.folder().join("posting.pem");
        fs::write(&ca, &self.authority).unwrap();
        let (ca, url) = (ca.display().to_string(), format!("https://{}{path}", self.address));
        let json = "content-type: application/json";
        run("curl", ["-sS", "--fail-with-body", "--cacert", &ca, "-H", json, "--data-raw", body, &url])
    }
}

/// What the gate said, of what kubectl prints.
#[track_caller]
pub(crate) fn gates_words(said: &str) -> String {
    let words = said.split_once("admission webhook \"mutate.sealgate.dev\" denied the request: ");
    words.unwrap_or_else(|| panic!("not refused by the gate: {said}")).1.trim_end().to_owned()
}

fn start_webhook(shop: &Shop, flags: &[&str]) -> (Process, String) {
    let policy = shop.policy_folder();
    let args = ["webhook", "--listen", "127.0.0.1:0", "--policy", &policy].into_iter().chain(flags.iter().copied());
    let mut webhook = shop.sealgate.start("webhook", args, shop.folder());
    let log = shop.folder().join("webhook.log");
    let address = webhook.wait_for(SOON, || {
        let said = fs::read_to_string(&log).ok()?;
        Some(said.split_once("serving admission reviews at https://")?.1.split_once('\n')?.0.to_owned())
    });
    (webhook, address)
}

/// An object of that kind with one container.
pub(crate) fn object(api_version: &str, kind: &str, name: &str, image: &str) -> Value {
    let mut spec = json!({ "containers": [{ "name": "main", "image": image }] });
    if matches!(kind, "Job" | "CronJob") {
        spec["restartPolicy"] = "Never".into();
    }
    let template = json!({ "metadata": { "labels": { "app": name } }, "spec": spec });
    let selector = json!({ "matchLabels": { "app": name } });
    let rest = match kind {
        "Pod" => json!({ "spec": spec }),
        "PodTemplate" => json!({ "template": template }),
        "ReplicationController" => json!({ "spec": { "replicas": 3, "template": template } }),
        "Job" => json!({ "spec": { "template": template } }),
        "CronJob" => {
            json!({ "spec": { "schedule": "0 3 * * *", "jobTemplate": { "spec": { "template": template } } } })
        }
        "DaemonSet" => json!({ "spec": { "selector": selector, "template": template } }),
        "StatefulSet" => json!({ "spec": { "serviceName": name, "selector": selector, "template": template } }),
        _ => json!({ "spec": { "replicas": 3, "selector": selector, "template": template } }),
    };
    let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } });
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    object
}

pub(crate) fn pod(name: &str, image: &str) -> Value {
    object("v1", "Pod", name, image)
}

pub(crate) fn deployment(name: &str, image: &str) -> Value {
    object("apps/v1", "Deployment", name, image)
}

/// Returns from the test that calls it unless everything for a cluster is there.
macro_rules! require_cluster {
    () => {
        peers::require!("etcd", "kube-apiserver", "kubectl", "crane", "curl");
    };
}
pub(crate) use require_cluster;

const SOON: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
const CONFIGURATION: &str = include_str!("../../../docs/webhook-configuration.yaml");
