use http::Method;
use oci::{AnyDigest, Descriptor, media_type};
use registry::serve::{Limits, Options};
use serde_json::json;

use super::{Server, digest, manifest};

#[tokio::test]
async fn manifest_is_read_by_tag_and_digest_as_it_was_put() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a/b", "v1", "layer").await;
    let digest = digest(&bytes);
    for reference in ["v1", &digest] {
        let path = format!("/v2/a/b/manifests/{reference}");
        let (get, head) = (server.get(&path).await, server.head(&path).await);
        assert_eq!((get.status, &get.body), (200, &bytes));
        assert_eq!((head.status, head.body.len()), (200, 0));
        for answer in [get, head] {
            assert_eq!(answer.header("content-type"), media_type::OCI_MANIFEST);
            assert_eq!(answer.header("content-length"), bytes.len().to_string());
            assert_eq!(answer.header("docker-content-digest"), digest);
            assert_eq!(answer.header("etag"), format!("\"{digest}\""));
        }
    }
}

#[tokio::test]
async fn put_says_where_the_manifest_is() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    let answer = server.put("a", "v2", bytes.clone()).await;
    let digest = digest(&bytes);
    assert_eq!((answer.status, answer.header("docker-content-digest")), (201, digest.as_str()));
    assert_eq!(answer.header("location"), format!("/v2/a/manifests/{digest}"));
    assert_eq!(answer.header("etag"), format!("\"{digest}\""));
}

#[tokio::test]
async fn tag_moves_and_the_old_manifest_stays() {
    let server = Server::start(Options::default()).await;
    let old = server.image("a", "v1", "old").await;
    let new = server.image("a", "v1", "new").await;
    assert_eq!(server.get("/v2/a/manifests/v1").await.body, new);
    assert_eq!(server.get(&format!("/v2/a/manifests/{}", digest(&old))).await.body, old);
}

#[tokio::test]
async fn what_is_absent_is_unknown() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    for path in ["a/manifests/v2", "b/manifests/v1", "a/manifests/.no-tag"] {
        server.get(&format!("/v2/{path}")).await.assert_refused(404, "MANIFEST_UNKNOWN");
        server.delete(&format!("/v2/{path}")).await.assert_refused(404, "MANIFEST_UNKNOWN");
    }
    server.get(&format!("/v2/b/manifests/{}", digest(&bytes))).await.assert_refused(404, "MANIFEST_UNKNOWN");
    assert_eq!(server.head("/v2/a/manifests/v2").await.status, 404);
}

#[tokio::test]
async fn put_by_digest_wants_these_bytes() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    let other = digest(b"other");
    server.put("a", &other, bytes.clone()).await.assert_refused(400, "DIGEST_INVALID");
    server.get(&format!("/v2/a/manifests/{other}")).await.assert_refused(404, "MANIFEST_UNKNOWN");
    server.put("a", "sha256:00", bytes.clone()).await.assert_refused(400, "DIGEST_INVALID");
    server.put("a", ".hidden", bytes.clone()).await.assert_refused(400, "TAG_INVALID");
    let long = AnyDigest::Sha512([0; 64]).same_algorithm(&bytes).to_string();
    assert_eq!(server.put("a", &long, bytes.clone()).await.header("docker-content-digest"), long);
    assert_eq!(server.get(&format!("/v2/a/manifests/{long}")).await.body, bytes);
}

#[tokio::test]
async fn manifest_without_its_blobs_is_refused() {
    let server = Server::start(Options::default()).await;
    let bytes = manifest("layer", &json!({}));
    server.put("a", "v1", bytes.clone()).await.assert_refused(404, "MANIFEST_BLOB_UNKNOWN");
    server.blob("a", b"layer").await;
    server.put("a", "v1", bytes.clone()).await.assert_refused(404, "MANIFEST_BLOB_UNKNOWN");
    server.blob("b", b"{}").await;
    server.put("a", "v1", bytes.clone()).await.assert_refused(404, "MANIFEST_BLOB_UNKNOWN");
    server.blob("a", b"{}").await;
    assert_eq!(server.put("a", "v1", bytes).await.status, 201);
}

#[tokio::test]
async fn foreign_layers_may_be_elsewhere() {
    let server = Server::start(Options::default()).await;
    server.blob("a", b"{}").await;
    let layer = |kind| json!({ "layers": [Descriptor::of(kind, b"elsewhere")] });
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    assert_eq!(server.put("a", "v1", manifest("", &layer(foreign))).await.status, 201);
    let own = manifest("", &layer("application/vnd.docker.image.rootfs.diff.tar.gzip"));
    server.put("a", "v1", own).await.assert_refused(404, "MANIFEST_BLOB_UNKNOWN");
}

#[tokio::test]
async fn index_may_come_before_its_manifests() {
    let server = Server::start(Options::default()).await;
    let index = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
        "manifests": [Descriptor::of(media_type::OCI_MANIFEST, b"later")],
    });
    let headers = [("content-type", media_type::OCI_INDEX)];
    let put = server.send(Method::PUT, "/v2/a/manifests/v1", &headers, index.to_string()).await;
    assert_eq!(put.status, 201);
    assert_eq!(server.get("/v2/a/manifests/v1").await.header("content-type"), media_type::OCI_INDEX);
}

#[tokio::test]
async fn content_type_must_be_the_manifests_own() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    for kind in [media_type::DOCKER_MANIFEST, media_type::OCI_INDEX, "text/plain", "application/json"] {
        let answer = server.send(Method::PUT, "/v2/a/manifests/v2", &[("content-type", kind)], bytes.clone()).await;
        answer.assert_refused(400, "MANIFEST_INVALID");
    }
    let untyped = server.send(Method::PUT, "/v2/a/manifests/v2", &[], bytes).await;
    assert_eq!(untyped.status, 201);
}

#[tokio::test]
async fn document_that_can_be_read_in_two_ways_is_refused() {
    let server = Server::start(Options::default()).await;
    server.image("a", "v1", "layer").await;
    let twice = String::from_utf8(manifest("layer", &json!({}))).unwrap().replacen('{', r#"{"layers":[],"#, 1);
    let both = manifest("layer", &json!({ "manifests": [] }));
    let old = manifest("layer", &json!({ "schemaVersion": 1 }));
    for bytes in [twice.into_bytes(), both, old, b"{}".to_vec(), b"".to_vec(), b"no".to_vec()] {
        server.put("a", "v2", bytes).await.assert_refused(400, "MANIFEST_INVALID");
    }
    server.get("/v2/a/manifests/v2").await.assert_refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn manifest_over_the_limit_is_refused() {
    let limits = Limits { manifest_bytes: 1000, ..Limits::default() };
    let server = Server::start(Options { limits, ..Options::default() }).await;
    server.image("a", "v1", "layer").await;
    let long = manifest("layer", &json!({ "annotations": { "a": "x".repeat(1000) } }));
    server.put("a", "v1", long).await.assert_refused(413, "SIZE_INVALID");
}

#[tokio::test]
async fn deleting_a_tag_leaves_the_manifest() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    assert_eq!(server.delete("/v2/a/manifests/v1").await.status, 202);
    server.get("/v2/a/manifests/v1").await.assert_refused(404, "MANIFEST_UNKNOWN");
    assert_eq!(server.get(&format!("/v2/a/manifests/{}", digest(&bytes))).await.status, 200);
}

#[tokio::test]
async fn deleting_a_manifest_takes_its_tags_along() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    server.put("a", "v2", bytes.clone()).await;
    let other = server.image("a", "v3", "other").await;
    assert_eq!(server.delete(&format!("/v2/a/manifests/{}", digest(&bytes))).await.status, 202);
    for reference in ["v1", "v2", &digest(&bytes)] {
        server.get(&format!("/v2/a/manifests/{reference}")).await.assert_refused(404, "MANIFEST_UNKNOWN");
    }
    assert_eq!(server.get("/v2/a/manifests/v3").await.body, other);
    assert_eq!(server.get("/v2/a/tags/list").await.json()["tags"], json!(["v3"]));
}
