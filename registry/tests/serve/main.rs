//! The embedded registry by its protocol, over real HTTP on loopback.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod access;
mod blobs;
mod conditions;
mod disk;
mod lists;
mod manifests;
mod referrers;
mod uploads;

use http::{HeaderMap, Method};
use oci::{Descriptor, Digest, media_type};
use registry::serve::{Options, serve};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// A registry on a free port, stopped when dropped.
struct Server {
    base: String,
    client: reqwest::Client,
    task: JoinHandle<()>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Server {
    async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { serve(options, listener).await.unwrap() });
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, client, task }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, &[], "").await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], "").await
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.send(Method::POST, path, &[], body).await
    }

    /// Uploads a blob in one request and returns its digest.
    async fn blob(&self, name: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let answer = self.post(&format!("/v2/{name}/blobs/uploads/?digest={digest}"), bytes.to_vec()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        digest
    }

    async fn put(&self, name: &str, reference: &str, bytes: impl Into<Vec<u8>>) -> Answer {
        self.put_if(name, reference, bytes, &[]).await
    }

    async fn put_if(
        &self,
        name: &str,
        reference: &str,
        bytes: impl Into<Vec<u8>>,
        conditions: &[(&str, &str)],
    ) -> Answer {
        let headers = [&[("content-type", media_type::OCI_MANIFEST)], conditions].concat();
        self.send(Method::PUT, &format!("/v2/{name}/manifests/{reference}"), &headers, bytes.into()).await
    }

    /// Pushes a small image with this text in its layer and returns its manifest.
    async fn image(&self, name: &str, reference: &str, text: &str) -> Vec<u8> {
        self.blob(name, b"{}").await;
        self.blob(name, text.as_bytes()).await;
        let manifest = manifest(text, &json!({}));
        let answer = self.put(name, reference, manifest.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        manifest
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless this is a refusal with this status and the specification's error code.
    fn assert_refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json()["errors"][0]["code"].as_str()), (status, Some(code)), "{}", self.text());
    }
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// An image's manifest with the configuration `{}`, one layer of this text, and further members.
fn manifest(text: &str, more: &Value) -> Vec<u8> {
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": Descriptor::of(media_type::OCI_CONFIG, b"{}"),
        "layers": [Descriptor::of(media_type::OCI_LAYER_GZIP, text.as_bytes())],
    });
    let object = manifest.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    manifest.to_string().into_bytes()
}
