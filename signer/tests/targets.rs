//! What a recursive signing covers, asked of a registry that counts.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Request};
use http::{StatusCode, header::CONTENT_TYPE};
use oci::{AnyDigest, Descriptor, Digest, ImageRef, location::fallback_index, media_type};
use registry::{Client, Settings};
use signer::{Format, SignError, Signer, Target};
use tokio::task::JoinHandle;

/// A registry of manifests by digest, and the names it was asked for.
struct Manifests {
    image: ImageRef,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Manifests {
    /// Serves these by SHA-256 and SHA-512; the image is the last of them.
    async fn start(all: &[(&'static str, Vec<u8>)]) -> Self {
        let names = |bytes: &[u8]| [Digest::of(bytes).to_string(), sha512(bytes).to_string()];
        let held = all.iter().flat_map(|(kind, bytes)| names(bytes).map(|name| (name, (*kind, bytes.clone()))));
        let held: HashMap<_, _> = held.collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let router = Router::new().fallback(async move |request: Request| {
            let name = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            log.lock().unwrap().push(name.clone());
            match held.get(&name) {
                Some((kind, bytes)) => (StatusCode::OK, [(CONTENT_TYPE, *kind)], bytes.clone()),
                None => (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/plain")], Vec::new()),
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let top = Digest::of(&all.last().unwrap().1);
        let image = format!("{}/a@{top}", listener.local_addr().unwrap()).parse().unwrap();
        Self { image, asked, task: tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }) }
    }

    async fn targets(&self, recursive: bool) -> Result<Vec<Target>, SignError> {
        let client = Client::new(Settings::default()).unwrap();
        let signer = Signer { format: Format::Legacy, ..Signer::new(client) };
        signer.targets(&self.image, recursive).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Manifests {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn manifest(n: usize) -> Vec<u8> {
    let config = Descriptor::of(media_type::OCI_CONFIG, n.to_string().as_bytes());
    serde_json::json!({ "schemaVersion": 2, "config": config, "layers": [] }).to_string().into_bytes()
}

fn sha512(bytes: &[u8]) -> AnyDigest {
    AnyDigest::Sha512([0; 64]).same_algorithm(bytes)
}

fn index(children: &[Descriptor]) -> Vec<u8> {
    fallback_index(children)
}

fn entry(bytes: &[u8]) -> Descriptor {
    Descriptor::of(media_type::OCI_MANIFEST, bytes)
}

#[tokio::test]
async fn child_that_is_listed_again_is_fetched_and_signed_once() {
    let (one, two) = (manifest(1), manifest(2));
    let inner = index(&[entry(&one), entry(&two)]);
    let top = index(&[entry(&one), entry(&inner), entry(&one), entry(&two), entry(&inner), entry(&one)]);
    let all = [
        (media_type::OCI_MANIFEST, one),
        (media_type::OCI_MANIFEST, two),
        (media_type::OCI_INDEX, inner),
        (media_type::OCI_INDEX, top),
    ];
    let registry = Manifests::start(&all).await;
    assert_eq!(registry.targets(true).await.unwrap().len(), 4);
    assert_eq!(registry.asked().len(), 4, "{:?}", registry.asked());
}

#[tokio::test]
async fn manifest_by_two_digests_is_signed_once() {
    let one = manifest(1);
    let top = index(&[entry(&one), Descriptor { digest: sha512(&one), ..entry(&one) }]);
    let registry = Manifests::start(&[(media_type::OCI_MANIFEST, one), (media_type::OCI_INDEX, top)]).await;
    assert_eq!(registry.targets(true).await.unwrap().len(), 2);
}

#[tokio::test]
async fn too_many_children_are_refused_before_any_is_fetched() {
    let many: Vec<_> = (0..1000).map(|n| entry(&manifest(n))).collect();
    let registry = Manifests::start(&[(media_type::OCI_INDEX, index(&many))]).await;
    assert!(matches!(registry.targets(true).await, Err(SignError::TooMany)));
    assert_eq!(registry.asked().len(), 1);
    let registry = Manifests::start(&[(media_type::OCI_INDEX, index(&many[1..]))]).await;
    assert!(matches!(registry.targets(true).await, Err(SignError::Absent { .. })), "999 and the index are 1,000");
}

#[tokio::test]
async fn image_alone_is_the_only_target_where_that_was_asked_for() {
    let one = manifest(1);
    let top = index(&[entry(&one)]);
    let registry = Manifests::start(&[(media_type::OCI_MANIFEST, one), (media_type::OCI_INDEX, top)]).await;
    assert_eq!(registry.targets(false).await.unwrap().len(), 1);
    assert_eq!(registry.asked().len(), 1);
}
