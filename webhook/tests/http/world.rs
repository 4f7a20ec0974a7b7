//! A registry, a gate and a webhook on loopback, all gone when the test ends.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gate::{DecisionLog, Gate};
use keys::PrivateKey;
use oci::{Descriptor, Digest, Repository, location, media_type, simple_signing};
use policy::PolicySet;
use registry::serve::{AccessLog, Options, Registry};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use webhook::Webhook;

pub(crate) struct World {
    /// Host and port of the registry.
    pub(crate) registry: String,
    /// Host and port of the webhook.
    pub(crate) webhook: SocketAddr,
    pub(crate) key: PrivateKey,
    /// What the registry was asked.
    asked: Arc<Mutex<Vec<String>>>,
    gate: Gate,
    tasks: Vec<JoinHandle<()>>,
    client: reqwest::Client,
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl World {
    /// No policy is in force.
    pub(crate) async fn without_policy() -> Self {
        Self::slow(Duration::ZERO).await
    }

    /// `shop/` must be signed by the world's key, `open/` may be anything, `soft/` only warns, nothing else is let in.
    pub(crate) async fn new() -> Self {
        Self::without_policy().await.with_policy()
    }

    /// The registry takes this long for each answer; no policy is in force.
    pub(crate) async fn slow(latency: Duration) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let log = AccessLog::new(move |a| log.lock().unwrap().push(format!("{} {}", a.method, a.target)));
        let options = Options { latency, access_log: Some(log), ..Options::default() };
        let (registry, registry_task) = start(registry::serve::router(Registry::open(options).unwrap())).await;
        let client = registry::Client::new(registry::Settings::default()).unwrap();
        let gate = Gate::new(client, None, DecisionLog::Off);
        let (webhook, webhook_task) = start(webhook::router(Webhook::new(gate.clone()))).await;
        Self {
            registry: registry.to_string(),
            webhook,
            key: PrivateKey::generate().unwrap(),
            asked,
            gate,
            tasks: vec![registry_task, webhook_task],
            client: http_client(),
        }
    }

    /// Puts the policy of this text in force.
    pub(crate) fn put_in_force(&self, text: &str) {
        let set = PolicySet::parse(&[("own.yaml".to_owned(), text.to_owned())]).unwrap();
        self.gate.put_in_force(Arc::new(set));
    }

    pub(crate) fn with_policy(self) -> Self {
        let (key, host) = (json!(self.key.public().to_pem()), &self.registry);
        let policies = [
            policy("signed", &format!("{host}/shop/**"), "enforce", &json!({"key": {"data": key}})),
            policy("open", &format!("{host}/open/**"), "enforce", &json!({"static": {"action": "pass"}})),
            policy("soft", &format!("{host}/soft/**"), "warn", &json!({"key": {"data": key}})),
            policy("absent-open", "127.0.0.1:1/open/**", "enforce", &json!({"static": {"action": "pass"}})),
            policy("absent-soft", "127.0.0.1:1/soft/**", "warn", &json!({"key": {"data": key}})),
            policy("absent-shop", "127.0.0.1:1/shop/**", "enforce", &json!({"key": {"data": key}})),
        ];
        let files: Vec<_> =
            policies.iter().map(|p| (format!("{}.json", p["metadata"]["name"]), p.to_string())).collect();
        self.gate.put_in_force(Arc::new(PolicySet::parse(&files).unwrap()));
        self
    }

    /// Adds nothing to what is let in, but for `small/`: images of objects with at most two replicas.
    pub(crate) fn with_policy_on_replicas(self) -> Self {
        let mut small = policy(
            "small",
            &format!("{}/small/**", self.registry),
            "enforce",
            &json!({"name": "open", "static": {"action": "pass"}}),
        );
        let condition = "package sigstore\nisCompliant { input.spec.replicas <= 2 }";
        small["spec"]["policy"] = json!({"type": "rego", "data": condition, "includeSpec": true});
        self.gate.put_in_force(Arc::new(PolicySet::parse(&[("small.json".to_owned(), small.to_string())]).unwrap()));
        self
    }

    /// Pushes an image that differs from others by `content`, under a tag, and returns its digest.
    pub(crate) async fn push(&self, path: &str, tag: &str, content: &str) -> Digest {
        let config = json!({"architecture": "amd64", "os": "linux", "content": content}).to_string().into_bytes();
        self.push_blob(path, &config).await;
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": Descriptor::of(media_type::OCI_CONFIG, &config), "layers": []});
        let manifest = manifest.to_string().into_bytes();
        self.push_manifest(path, tag, &manifest).await;
        Digest::of(&manifest)
    }

    /// Signs an image as cosign's `.sig` tag has it.
    pub(crate) async fn sign(&self, path: &str, digest: &Digest, key: &PrivateKey) {
        let repository: Repository = format!("{}/{path}", self.registry).parse().unwrap();
        let payload = simple_signing::render(&repository, digest, &[].into());
        let mut layer = Descriptor::of(media_type::SIMPLE_SIGNING, &payload);
        let signature = STANDARD.encode(key.sign(&payload).unwrap());
        layer.annotations.insert(location::SIGNATURE_ANNOTATION.to_owned(), signature);
        let (config, manifest) = location::signature_manifest(&[layer]);
        self.push_blob(path, &payload).await;
        self.push_blob(path, &config).await;
        let tag = location::attachment_tag(digest, location::Attachment::Signature);
        self.push_manifest(path, tag.as_str(), &manifest).await;
    }

    async fn push_blob(&self, path: &str, bytes: &[u8]) {
        let url = format!("http://{}/v2/{path}/blobs/uploads/?digest={}", self.registry, Digest::of(bytes));
        let answer = self.client.post(url).body(bytes.to_vec()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    async fn push_manifest(&self, path: &str, tag: &str, bytes: &[u8]) {
        let url = format!("http://{}/v2/{path}/manifests/{tag}", self.registry);
        let put = self.client.put(url).header("content-type", media_type::OCI_MANIFEST).body(bytes.to_vec());
        assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    }

    /// The image's name in this world's registry.
    pub(crate) fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.registry)
    }

    /// How often the registry was asked for something that contains this.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|line| line.contains(what)).count()
    }

    /// Posts a body, and returns the status and what came back.
    pub(crate) async fn post(&self, target: &str, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
        let answer = self.client.post(format!("http://{}{target}", self.webhook)).body(body).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub(crate) async fn get(&self, target: &str) -> (StatusCode, String) {
        let answer = self.client.get(format!("http://{}{target}", self.webhook)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Posts a review that has a uid, checks that the answer is to it, and returns the response.
    pub(crate) async fn ask(&self, target: &str, review: &Value) -> Value {
        let (status, text) = self.post(target, review.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["kind"], "AdmissionReview");
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        assert_eq!(answer["response"]["allowed"].as_bool().unwrap(), answer["response"].get("status").is_none());
        answer["response"].take()
    }
}

async fn start(router: Router) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async { axum::serve(listener, router).await.unwrap() }))
}

fn http_client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    client.timeout(Duration::from_secs(60)).build().unwrap()
}

fn policy(name: &str, glob: &str, mode: &str, authority: &Value) -> Value {
    json!({"apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": {"name": name},
        "spec": {"mode": mode, "images": [{"glob": glob}], "authorities": [authority]}})
}

/// A review about this object.
pub(crate) fn review(operation: &str, object: &Value, old_object: &Value) -> Value {
    let subject = if object.is_null() { old_object } else { object };
    let (group, version) = match subject["apiVersion"].as_str().unwrap().split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", subject["apiVersion"].as_str().unwrap()),
    };
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": operation,
        "kind": {"group": group, "version": version, "kind": subject["kind"]},
        "resource": {"group": group, "version": version, "resource": "any"},
        "name": "it", "namespace": "shop", "userInfo": {"username": "ann"}, "dryRun": false,
        "object": object, "oldObject": old_object}})
}

/// A Pod that runs these images.
pub(crate) fn pod(images: &[&str]) -> Value {
    let containers: Vec<Value> = images.iter().map(|i| json!({"name": "c", "image": i})).collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it"}, "spec": {"containers": containers}})
}

/// The creation of a Pod that runs these images.
pub(crate) fn created(images: &[&str]) -> Value {
    review("CREATE", &pod(images), &Value::Null)
}

/// The operations of a response's patch.
pub(crate) fn patch(response: &Value) -> Vec<Value> {
    let Some(text) = response.get("patch") else { return Vec::new() };
    assert_eq!(response["patchType"], "JSONPatch");
    serde_json::from_slice(&STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap()
}

/// The object as the API server stores it.
pub(crate) fn patched(object: &Value, response: &Value) -> Value {
    let mut object = object.clone();
    for operation in patch(response) {
        assert_eq!(operation["op"], "replace");
        *object.pointer_mut(operation["path"].as_str().unwrap()).unwrap() = operation["value"].clone();
    }
    object
}
