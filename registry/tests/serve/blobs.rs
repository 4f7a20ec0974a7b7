use http::Method;
use registry::serve::Options;

use super::{Server, digest};

#[tokio::test]
async fn blob_is_read_with_size_and_digest() {
    let server = Server::start(Options::default()).await;
    let path = format!("/v2/a/b/blobs/{}", server.blob("a/b", b"0123456789").await);
    let (get, head) = (server.get(&path).await, server.head(&path).await);
    assert_eq!((get.status, get.text().as_str()), (200, "0123456789"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    for answer in [get, head] {
        assert_eq!(answer.header("content-length"), "10");
        assert_eq!(answer.header("docker-content-digest"), digest(b"0123456789"));
        assert_eq!(answer.header("accept-ranges"), "bytes");
    }
}

#[tokio::test]
async fn part_of_a_blob_is_read() {
    let server = Server::start(Options::default()).await;
    let path = format!("/v2/a/blobs/{}", server.blob("a", b"0123456789").await);
    for (range, shown, text) in [("bytes=2-4", "bytes 2-4/10", "234"), ("bytes=-1", "bytes 9-9/10", "9")] {
        let answer = server.send(Method::GET, &path, &[("range", range)], "").await;
        assert_eq!((answer.status, answer.header("content-range"), answer.text().as_str()), (206, shown, text));
        assert_eq!(answer.header("content-length"), text.len().to_string());
    }
    let outside = server.send(Method::GET, &path, &[("range", "bytes=10-")], "").await;
    assert_eq!((outside.status, outside.header("content-range")), (416, "bytes */10"));
    let other = server.send(Method::GET, &path, &[("range", "bytes=2-4"), ("if-range", "\"other\"")], "").await;
    assert_eq!((other.status, other.text().as_str()), (200, "0123456789"));
}

#[tokio::test]
async fn blob_that_the_client_has_is_not_sent() {
    let server = Server::start(Options::default()).await;
    let blob = server.blob("a", b"x").await;
    let path = format!("/v2/a/blobs/{blob}");
    let known = server.send(Method::GET, &path, &[("if-none-match", &format!("\"{blob}\""))], "").await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let other = server.send(Method::GET, &path, &[("if-none-match", "\"other\"")], "").await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn blob_is_invisible_in_another_repository() {
    let server = Server::start(Options::default()).await;
    let blob = server.blob("a", b"secret").await;
    server.blob("b", b"other").await;
    server.get(&format!("/v2/b/blobs/{blob}")).await.assert_refused(404, "BLOB_UNKNOWN");
    server.get(&format!("/v2/c/blobs/{blob}")).await.assert_refused(404, "BLOB_UNKNOWN");
    server.delete(&format!("/v2/b/blobs/{blob}")).await.assert_refused(404, "BLOB_UNKNOWN");
    assert_eq!(server.get(&format!("/v2/a/blobs/{blob}")).await.status, 200);
}

#[tokio::test]
async fn mounted_blob_outlives_the_one_it_came_from() {
    let server = Server::start(Options::default()).await;
    let blob = server.blob("a", b"shared").await;
    let mounted = server.post(&format!("/v2/b/blobs/uploads/?mount={blob}&from=a"), "").await;
    assert_eq!((mounted.status, mounted.header("location")), (201, format!("/v2/b/blobs/{blob}").as_str()));
    assert_eq!(server.delete(&format!("/v2/a/blobs/{blob}")).await.status, 202);
    server.get(&format!("/v2/a/blobs/{blob}")).await.assert_refused(404, "BLOB_UNKNOWN");
    assert_eq!(server.get(&format!("/v2/b/blobs/{blob}")).await.text(), "shared");
}

#[tokio::test]
async fn mount_of_what_is_not_visible_there_begins_an_upload() {
    let server = Server::start(Options::default()).await;
    let blob = server.blob("a", b"x").await;
    for query in [format!("mount={blob}&from=c"), format!("mount={}&from=a", digest(b"y")), format!("mount={blob}")] {
        let answer = server.post(&format!("/v2/b/blobs/uploads/?{query}"), "").await;
        assert_eq!(answer.status, 202, "{query}");
        assert!(answer.header("location").starts_with("/v2/b/blobs/uploads/"), "{query}");
    }
    server.get(&format!("/v2/b/blobs/{blob}")).await.assert_refused(404, "BLOB_UNKNOWN");
    server.post(&format!("/v2/b/blobs/uploads/?mount={blob}&from=../a"), "").await.assert_refused(400, "NAME_INVALID");
}

#[tokio::test]
async fn manifest_is_not_a_blob_nor_a_blob_a_manifest() {
    let server = Server::start(Options::default()).await;
    let manifest = server.image("a", "v1", "layer").await;
    server.get(&format!("/v2/a/blobs/{}", digest(&manifest))).await.assert_refused(404, "BLOB_UNKNOWN");
    server.get(&format!("/v2/a/manifests/{}", digest(b"layer"))).await.assert_refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn wrong_names_digests_and_methods_are_refused() {
    let server = Server::start(Options::default()).await;
    server.get("/v2/A/tags/list").await.assert_refused(400, "NAME_INVALID");
    server.get("/v2/a/%2e%2e/tags/list").await.assert_refused(400, "NAME_INVALID");
    server.get("/v2/a/blobs/sha256:00").await.assert_refused(400, "DIGEST_INVALID");
    server.post("/v2/a/tags/list", "").await.assert_refused(405, "UNSUPPORTED");
    server.get("/v2/a/blobs/uploads/").await.assert_refused(405, "UNSUPPORTED");
    server.get("/v2/a").await.assert_refused(404, "UNSUPPORTED");
    server.get("/").await.assert_refused(404, "UNSUPPORTED");
}
