use futures::future::join_all;
use http::Method;
use registry::serve::Options;
use serde_json::json;

use super::{Server, digest, manifest};

#[tokio::test]
async fn write_over_a_tag_that_moved_is_refused() {
    let server = Server::start(Options::default()).await;
    let old = server.image("a", "v1", "old").await;
    let new = server.image("a", "v1", "new").await;
    let tag = |bytes: &[u8]| format!("\"{}\"", digest(bytes));
    let stale = server.put_if("a", "v1", old.clone(), &[("if-match", &tag(&old))]).await;
    stale.assert_refused(412, "DENIED");
    assert_eq!(server.get("/v2/a/manifests/v1").await.body, new);
    let fresh = server.put_if("a", "v1", old.clone(), &[("if-match", &tag(&new))]).await;
    assert_eq!((fresh.status, fresh.header("etag")), (201, tag(&old).as_str()));
}

#[tokio::test]
async fn write_of_a_new_tag_over_an_old_one_is_refused() {
    let server = Server::start(Options::default()).await;
    let old = server.image("a", "v1", "old").await;
    let new = server.image("a", "v2", "new").await;
    let taken = server.put_if("a", "v1", new.clone(), &[("if-none-match", "*")]).await;
    taken.assert_refused(412, "DENIED");
    assert_eq!(server.get("/v2/a/manifests/v1").await.body, old);
    assert_eq!(server.put_if("a", "v3", new, &[("if-none-match", "*")]).await.status, 201);
}

#[tokio::test]
async fn match_of_a_tag_that_is_not_there_is_refused() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    for condition in [format!("\"{}\"", digest(&bytes)), "*".to_owned()] {
        let answer = server.put_if("a", "new", bytes.clone(), &[("if-match", &condition)]).await;
        answer.assert_refused(412, "DENIED");
    }
    server.get("/v2/a/manifests/new").await.assert_refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn condition_without_quotes_is_refused() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    let unquoted = digest(&bytes);
    server.put_if("a", "v1", bytes.clone(), &[("if-match", &unquoted)]).await.assert_refused(412, "DENIED");
    server.put_if("a", "v2", bytes, &[("if-none-match", &unquoted)]).await.assert_refused(412, "DENIED");
}

#[tokio::test]
async fn of_many_writers_under_one_condition_one_wins() {
    let server = Server::start(Options::default()).await;
    server.image("a", "v1", "layer").await;
    let writes = (0..16).map(|n| {
        let bytes = manifest("layer", &json!({ "annotations": { "n": n.to_string() } }));
        let server = &server;
        async move { server.put_if("a", "race", bytes, &[("if-none-match", "*")]).await }
    });
    let written: Vec<u16> = join_all(writes).await.iter().map(|answer| answer.status).collect();
    assert_eq!(written.iter().filter(|status| **status == 201).count(), 1, "{written:?}");
    assert_eq!(written.iter().filter(|status| **status == 412).count(), 15, "{written:?}");
}

#[tokio::test]
async fn manifest_that_the_client_has_is_not_sent() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    let tag = format!("\"{}\"", digest(&bytes));
    for method in [Method::GET, Method::HEAD] {
        let known = server.send(method, "/v2/a/manifests/v1", &[("if-none-match", &tag)], "").await;
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, tag.as_str()));
    }
    let moved = server.send(Method::GET, "/v2/a/manifests/v1", &[("if-none-match", "\"other\"")], "").await;
    assert_eq!((moved.status, moved.body), (200, bytes));
}

#[tokio::test]
async fn delete_under_a_condition_that_fails_deletes_nothing() {
    let server = Server::start(Options::default()).await;
    let bytes = server.image("a", "v1", "layer").await;
    let delete =
        async |condition: &str| server.send(Method::DELETE, "/v2/a/manifests/v1", &[("if-match", condition)], "").await;
    delete(&format!("\"{}\"", digest(b"other"))).await.assert_refused(412, "DENIED");
    assert_eq!(server.get("/v2/a/manifests/v1").await.status, 200);
    assert_eq!(delete(&format!("\"{}\"", digest(&bytes))).await.status, 202);
}
