use std::time::Duration;

use futures::stream;
use http::Method;
use oci::AnyDigest;
use registry::serve::{Limits, Options};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, Server, digest};

async fn begun(server: &Server, name: &str) -> String {
    let answer = server.post(&format!("/v2/{name}/blobs/uploads/"), "").await;
    assert_eq!((answer.status, answer.header("range")), (202, "0-0"));
    answer.header("location").to_owned()
}

async fn patch(server: &Server, location: &str, range: &str, body: &'static str) -> Answer {
    server.send(Method::PATCH, location, &[("content-range", range)], body).await
}

async fn finish(server: &Server, location: &str, digest: &str, body: &'static str) -> Answer {
    server.send(Method::PUT, &format!("{location}?digest={digest}"), &[], body).await
}

#[tokio::test]
async fn chunks_add_up_to_a_blob() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    assert_eq!(patch(&server, &location, "0-2", "abc").await.header("range"), "0-2");
    let streamed = server.send(Method::PATCH, &location, &[], "def").await;
    assert_eq!((streamed.status, streamed.header("range")), (202, "0-5"));
    let status = server.get(&location).await;
    assert_eq!((status.status, status.header("range")), (204, "0-5"));
    let done = finish(&server, &location, &digest(b"abcdefg"), "g").await;
    assert_eq!(done.status, 201);
    assert_eq!(server.get(done.header("location")).await.text(), "abcdefg");
    server.get(&location).await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn whole_blob_goes_with_put_or_with_post() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    assert_eq!(finish(&server, &location, &digest(b"put"), "put").await.status, 201);
    server.blob("a", b"post").await;
    server.blob("a", b"").await;
    for text in ["put", "post", ""] {
        assert_eq!(server.get(&format!("/v2/a/blobs/{}", digest(text.as_bytes()))).await.text(), text);
    }
}

#[tokio::test]
async fn blobs_go_by_sha512_too() {
    let server = Server::start(Options::default()).await;
    let long = AnyDigest::Sha512([0; 64]).same_algorithm(b"abc").to_string();
    let location = begun(&server, "a").await;
    assert_eq!(finish(&server, &location, &long, "abc").await.status, 201);
    assert_eq!(server.get(&format!("/v2/a/blobs/{long}")).await.text(), "abc");
    let location = begun(&server, "a").await;
    finish(&server, &location, &long, "abd").await.assert_refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn content_of_another_digest_is_not_kept() {
    let server = Server::start(Options::default()).await;
    let wrong = digest(b"other");
    let location = begun(&server, "a").await;
    finish(&server, &location, &wrong, "text").await.assert_refused(400, "DIGEST_INVALID");
    let posted = server.post(&format!("/v2/a/blobs/uploads/?digest={wrong}"), "text").await;
    posted.assert_refused(400, "DIGEST_INVALID");
    server.get(&format!("/v2/a/blobs/{wrong}")).await.assert_refused(404, "BLOB_UNKNOWN");
    server.get(&location).await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn upload_is_not_finished_without_a_digest() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    server.send(Method::PUT, &location, &[], "x").await.assert_refused(400, "DIGEST_INVALID");
    finish(&server, &location, "md5:00", "x").await.assert_refused(400, "DIGEST_INVALID");
    assert_eq!(server.get(&location).await.status, 204);
}

#[tokio::test]
async fn chunk_out_of_order_is_refused_and_told_where_to_go_on() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    assert_eq!(patch(&server, &location, "0-2", "abc").await.status, 202);
    for range in ["0-2", "2-4", "4-6"] {
        let answer = patch(&server, &location, range, "def").await;
        answer.assert_refused(416, "BLOB_UPLOAD_INVALID");
        assert_eq!((answer.header("range"), answer.header("location")), ("0-2", location.as_str()));
    }
    assert_eq!(patch(&server, &location, "3-5", "def").await.status, 202);
}

#[tokio::test]
async fn chunk_of_another_length_than_it_says_is_refused() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    for range in ["0-1", "0-3", "3-0", "bytes 0-2/3"] {
        patch(&server, &location, range, "abc").await.assert_refused(400, "BLOB_UPLOAD_INVALID");
    }
    assert_eq!(patch(&server, &location, "0-2", "abc").await.status, 202);
    let unknown_length = reqwest::Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>("de")]));
    let answer = server.send(Method::PATCH, &location, &[("content-range", "3-5")], unknown_length).await;
    answer.assert_refused(400, "BLOB_UPLOAD_INVALID");
}

#[tokio::test]
async fn upload_belongs_to_its_repository() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    let elsewhere = location.replace("/v2/a/", "/v2/b/");
    finish(&server, &elsewhere, &digest(b"x"), "x").await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
    server.get(&elsewhere).await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
    server.get("/v2/a/blobs/uploads/00").await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(server.get(&location).await.status, 204);
}

#[tokio::test]
async fn cancelled_upload_is_gone() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    assert_eq!(server.delete(&location).await.status, 204);
    server.delete(&location).await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn untouched_upload_expires() {
    let limits = Limits { upload_expiry: Duration::ZERO, ..Limits::default() };
    let server = Server::start(Options { limits, ..Options::default() }).await;
    let location = begun(&server, "a").await;
    server.get(&location).await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn more_than_the_limits_is_refused() {
    let limits = Limits { blob_bytes: 8, total_bytes: 12, uploads: 2, ..Limits::default() };
    let server = Server::start(Options { limits, ..Options::default() }).await;
    let location = begun(&server, "a").await;
    assert_eq!(patch(&server, &location, "0-7", "12345678").await.status, 202);
    patch(&server, &location, "8-8", "9").await.assert_refused(413, "SIZE_INVALID");
    server.get(&location).await.assert_refused(404, "BLOB_UPLOAD_UNKNOWN");
    server.blob("a", b"12345678").await;
    let full = server.post(&format!("/v2/a/blobs/uploads/?digest={}", digest(b"abcde")), "abcde").await;
    full.assert_refused(507, "DENIED");
    let (_first, _second) = (begun(&server, "a").await, begun(&server, "a").await);
    server.post("/v2/a/blobs/uploads/", "").await.assert_refused(429, "TOOMANYREQUESTS");
}

#[tokio::test]
async fn client_that_stalls_is_cut_off_and_may_go_on() {
    let limits = Limits { stall: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start(Options { limits, ..Options::default() }).await;
    let location = begun(&server, "a").await;
    let mut socket = TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    let head = format!("PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    assert_eq!(server.get(&location).await.header("range"), "0-2");
    assert_eq!(finish(&server, &location, &digest(b"abcdef"), "def").await.status, 201);
}

#[tokio::test]
async fn upload_is_written_by_one_request_at_a_time() {
    let server = Server::start(Options::default()).await;
    let location = begun(&server, "a").await;
    let mut socket = TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "PATCH {location} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut goes_on = [0; 25];
    socket.read_exact(&mut goes_on).await.unwrap(); // the registry asks for the body: the request holds the upload
    assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    patch(&server, &location, "0-2", "xyz").await.assert_refused(409, "BLOB_UPLOAD_INVALID");
    socket.write_all(b"abc").await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 202 "), "{text}");
    assert_eq!(finish(&server, &location, &digest(b"abc"), "").await.status, 201);
}
