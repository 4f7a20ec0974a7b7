//! A registry that answers as a test says, on a loopback port, and keeps what it was asked.

#![allow(dead_code, reason = "each test crate uses its own part")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use oci::{Descriptor, Digest, ImageRef, Repository, media_type};
use registry::{Client, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

/// One request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) version: http::Version,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn authorization(&self) -> &str {
        self.header("authorization")
    }
}

pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let router = router(answer, seen.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, task }
    }

    pub(crate) fn repository(&self) -> Repository {
        format!("{}/a", self.address).parse().unwrap()
    }

    pub(crate) fn image(&self, rest: &str) -> ImageRef {
        format!("{}/a{rest}", self.address).parse().unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests had this in their path.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path.contains(part)).count()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server that says the same bytes to whoever sends something, and hangs up.
pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Raw {
    pub(crate) async fn start(says: impl Into<Vec<u8>>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, says) = (listener.local_addr().unwrap(), says.into());
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
                stream.write_all(&says).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { address, task }
    }

    pub(crate) fn image(&self) -> ImageRef {
        format!("{}/a", self.address).parse().unwrap()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn router(
    answer: impl Fn(&Seen) -> Response + Send + Sync + 'static,
    log: Arc<Mutex<Vec<Seen>>>,
) -> axum::Router {
    let answer = Arc::new(answer);
    axum::Router::new().fallback(move |request: Request| {
        let (answer, log) = (answer.clone(), log.clone());
        async move {
            let (parts, body) = request.into_parts();
            let seen = Seen {
                method: parts.method.to_string(),
                path: parts.uri.path_and_query().unwrap().to_string(),
                host: parts.headers.get("host").map_or_else(String::new, |h| h.to_str().unwrap().to_owned()),
                headers: parts.headers,
                body: axum::body::to_bytes(body, 1 << 20).await.unwrap(),
                version: parts.version,
            };
            log.lock().unwrap().push(seen.clone());
            answer(&seen)
        }
    })
}

pub(crate) fn status(code: u16) -> Response {
    Response::builder().status(code).body(Body::empty()).unwrap()
}

pub(crate) fn with(code: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(code).unwrap());
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

pub(crate) fn ok(content_type: &str, body: impl Into<Body>) -> Response {
    with(200, &[(header::CONTENT_TYPE.as_str(), content_type)], body)
}

/// A manifest with these layers.
pub(crate) fn manifest(layers: &[Descriptor]) -> Vec<u8> {
    let config = Descriptor::of(media_type::OCI_CONFIG, b"{}");
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers,
    });
    manifest.to_string().into_bytes()
}

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::of(bytes)
}

pub(crate) fn client() -> Client {
    client_with(Settings::default())
}

pub(crate) fn client_with(settings: Settings) -> Client {
    Client::new(settings).unwrap()
}

/// A body without end, in pieces of 64 KiB, each counted as it is taken.
pub(crate) fn endless(taken: Arc<std::sync::atomic::AtomicUsize>) -> Body {
    static PIECE: [u8; 65536] = [b' '; 65536];
    Body::from_stream(futures::stream::repeat_with(move || {
        taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, std::io::Error>(Bytes::from_static(&PIECE))
    }))
}
