use registry::serve::{Limits, Options};
use serde_json::json;

use super::{Server, manifest};

async fn with_tags(options: Options, tags: &[&str]) -> Server {
    let server = Server::start(options).await;
    server.image("a", tags[0], "layer").await;
    for tag in &tags[1..] {
        server.put("a", tag, manifest("layer", &json!({}))).await;
    }
    server
}

/// What `<path>; rel="next"` names.
fn next(link: &str) -> &str {
    link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap()
}

#[tokio::test]
async fn tags_are_listed_in_order() {
    let server = with_tags(Options::default(), &["b", "c", "B", "a"]).await;
    let answer = server.get("/v2/a/tags/list").await;
    assert_eq!(answer.json(), json!({ "name": "a", "tags": ["B", "a", "b", "c"] }));
    assert_eq!(answer.header("link"), "");
}

#[tokio::test]
async fn pages_of_tags_are_followed_to_the_end() {
    let server = with_tags(Options::default(), &["a", "b", "c", "d"]).await;
    let first = server.get("/v2/a/tags/list?n=2").await;
    assert_eq!(first.json()["tags"], json!(["a", "b"]));
    let second = server.get(next(first.header("link"))).await;
    assert_eq!((&second.json()["tags"], second.header("link")), (&json!(["c", "d"]), ""));
}

#[tokio::test]
async fn page_begins_after_last_even_if_that_is_no_tag() {
    let server = with_tags(Options::default(), &["a", "c", "e"]).await;
    assert_eq!(server.get("/v2/a/tags/list?last=a").await.json()["tags"], json!(["c", "e"]));
    assert_eq!(server.get("/v2/a/tags/list?last=d&n=5").await.json()["tags"], json!(["e"]));
    assert_eq!(server.get("/v2/a/tags/list?last=e").await.json()["tags"], json!([]));
}

#[tokio::test]
async fn no_page_is_longer_than_the_limit_nor_than_asked() {
    let limits = Limits { page: 2, ..Limits::default() };
    let server = with_tags(Options { limits, ..Options::default() }, &["a", "b", "c"]).await;
    for query in ["", "?n=2", "?n=100"] {
        let answer = server.get(&format!("/v2/a/tags/list{query}")).await;
        assert_eq!(answer.json()["tags"], json!(["a", "b"]), "{query}");
        assert_eq!(next(answer.header("link")), "/v2/a/tags/list?n=2&last=b", "{query}");
    }
    let none = server.get("/v2/a/tags/list?n=0").await;
    assert_eq!((&none.json()["tags"], none.header("link")), (&json!([]), ""));
}

#[tokio::test]
async fn page_size_that_is_no_number_is_refused() {
    let server = with_tags(Options::default(), &["a"]).await;
    for n in ["-1", "x", "1e3"] {
        let answer = server.get(&format!("/v2/a/tags/list?n={n}")).await;
        answer.assert_refused(400, "PAGINATION_NUMBER_INVALID");
    }
}

#[tokio::test]
async fn tags_of_an_unknown_repository_are_no_empty_list() {
    let server = with_tags(Options::default(), &["a"]).await;
    server.get("/v2/b/tags/list").await.assert_refused(404, "NAME_UNKNOWN");
    server.get("/v2/a/b/tags/list").await.assert_refused(404, "NAME_UNKNOWN");
}

#[tokio::test]
async fn repositories_are_listed_in_pages() {
    let server = Server::start(Options::default()).await;
    for name in ["b", "a/x", "a"] {
        server.image(name, "v1", "layer").await;
    }
    assert_eq!(server.get("/v2/_catalog").await.json(), json!({ "repositories": ["a", "a/x", "b"] }));
    let first = server.get("/v2/_catalog?n=2").await;
    assert_eq!(first.json()["repositories"], json!(["a", "a/x"]));
    let second = server.get(next(first.header("link"))).await;
    assert_eq!((&second.json()["repositories"], second.header("link")), (&json!(["b"]), ""));
}
