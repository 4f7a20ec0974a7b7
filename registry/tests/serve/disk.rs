use std::{fs, path::Path};

use oci::{Descriptor, media_type};
use registry::serve::{Limits, Options, Registry, ServeError, Storage};
use serde_json::json;

use super::{Server, digest, manifest};

fn on_disk(directory: &Path) -> Options {
    Options { storage: Storage::directory(directory), ..Options::default() }
}

/// Stops the registry and waits until its directory is free.
async fn stop(mut server: Server, directory: &Path) {
    server.task.abort();
    let _ = (&mut server.task).await;
    drop(server);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while matches!(Registry::open(on_disk(directory)), Err(ServeError::InUse { .. })) {
        assert!(std::time::Instant::now() < deadline, "the directory stays in use");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(on_disk(directory.path())).await;
    let image = server.image("a/b", "v1", "layer").await;
    let referring = manifest("layer", &json!({ "subject": Descriptor::of(media_type::OCI_MANIFEST, &image) }));
    server.put("a/b", &digest(&referring), referring.clone()).await;
    server.image("a", "gone", "other").await;
    server.delete("/v2/a/manifests/gone").await;
    stop(server, directory.path()).await;

    let server = Server::start(on_disk(directory.path())).await;
    assert_eq!(server.get("/v2/a/b/manifests/v1").await.body, image);
    assert_eq!(server.get(&format!("/v2/a/b/blobs/{}", digest(b"layer"))).await.text(), "layer");
    let list = server.get(&format!("/v2/a/b/referrers/{}", digest(&image))).await.json();
    assert_eq!(list["manifests"][0]["digest"], digest(&referring));
    server.get("/v2/a/manifests/gone").await.assert_refused(404, "MANIFEST_UNKNOWN");
    server.get(&format!("/v2/a/blobs/{}", digest(b"layer"))).await.assert_refused(404, "BLOB_UNKNOWN");
}

#[tokio::test]
async fn page_is_never_empty_though_limits_shrank() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(on_disk(directory.path())).await;
    let image = server.image("a", "v1", "layer").await;
    let members = json!({ "subject": Descriptor::of(media_type::OCI_MANIFEST, &image) });
    server.put("a", "v2", manifest("layer", &members)).await;
    stop(server, directory.path()).await;

    let limits = Limits { manifest_bytes: 100, ..Limits::default() };
    let server = Server::start(Options { limits, ..on_disk(directory.path()) }).await;
    let list = server.get(&format!("/v2/a/referrers/{}", digest(&image))).await;
    assert_eq!((list.json()["manifests"].as_array().unwrap().len(), list.header("link")), (1, ""));
}

#[tokio::test]
async fn large_blob_is_streamed_in_and_out() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(on_disk(directory.path())).await;
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let blob = server.blob("a", &bytes).await;
    assert!(server.get(&format!("/v2/a/blobs/{blob}")).await.body == bytes);
    let path = format!("/v2/a/blobs/{blob}");
    let part = server.send(http::Method::GET, &path, &[("range", "bytes=100000-299999")], "").await;
    assert!(part.body == bytes[100_000..300_000]);
}

#[tokio::test]
async fn content_leaves_the_disk_with_its_last_repository() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(on_disk(directory.path())).await;
    let blob = server.blob("a", b"shared").await;
    server.blob("b", b"shared").await;
    let file = directory.path().join("blobs/sha256").join(&blob["sha256:".len()..]);
    server.delete(&format!("/v2/a/blobs/{blob}")).await;
    assert!(file.exists());
    server.delete(&format!("/v2/b/blobs/{blob}")).await;
    assert!(!file.exists());
}

#[tokio::test]
async fn directory_belongs_to_one_registry() {
    let directory = tempfile::tempdir().unwrap();
    let first = Registry::open(on_disk(directory.path())).unwrap();
    let second = Registry::open(on_disk(directory.path()));
    assert!(matches!(second, Err(ServeError::InUse { .. })));
    drop(first);
    assert!(Registry::open(on_disk(directory.path())).is_ok());
}

#[tokio::test]
async fn missing_content_is_damage_and_not_an_empty_answer() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(on_disk(directory.path())).await;
    server.image("a", "v1", "layer").await;
    stop(server, directory.path()).await;
    let layer = digest(b"layer");
    fs::remove_file(directory.path().join("blobs/sha256").join(&layer["sha256:".len()..])).unwrap();
    let result = Registry::open(on_disk(directory.path()));
    assert!(matches!(&result, Err(ServeError::Damaged { why, .. }) if why.contains(&layer)));
}
