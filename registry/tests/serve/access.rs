use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use registry::serve::{AccessLog, Account, Options, ServeError, serve};
use tokio::net::TcpListener;

use super::{Server, digest};

fn guarded() -> Options {
    Options { account: Some(Account::new("ann", "s3cret")), ..Options::default() }
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

#[tokio::test]
async fn base_is_there_and_names_the_protocol() {
    let server = Server::start(Options::default()).await;
    for path in ["/v2/", "/v2"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("docker-distribution-api-version")), (200, "registry/2.0"));
    }
    server.post("/v2/", "").await.assert_refused(405, "UNSUPPORTED");
}

#[tokio::test]
async fn with_an_account_nothing_is_answered_without_it() {
    let server = Server::start(guarded()).await;
    let blob = format!("/v2/a/blobs/uploads/?digest={}", digest(b"x"));
    for (method, path) in [(Method::GET, "/v2/"), (Method::GET, "/v2/_catalog"), (Method::POST, &blob)] {
        let answer = server.send(method, path, &[], "x").await;
        answer.assert_refused(401, "UNAUTHORIZED");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"sealgate\"");
    }
    let wrong = server.send(Method::GET, "/v2/", &[("authorization", &basic("ann:wrong"))], "").await;
    wrong.assert_refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn the_account_may_push_and_pull() {
    let server = Server::start(guarded()).await;
    let ann = basic("ann:s3cret");
    let path = format!("/v2/a/blobs/uploads/?digest={}", digest(b"x"));
    let posted = server.send(Method::POST, &path, &[("authorization", &ann)], "x").await;
    assert_eq!(posted.status, 201);
    let got = server.send(Method::GET, posted.header("location"), &[("authorization", &ann)], "").await;
    assert_eq!(got.text(), "x");
}

#[tokio::test]
async fn open_registry_is_not_served_beyond_loopback() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(5), serve(Options::default(), listener)).await;
    let error = refused.expect("it is refused, not served").unwrap_err();
    assert!(matches!(error, ServeError::OpenToStrangers { .. }));
    assert!(error.to_string().contains("open to everybody"), "{error}");
}

#[tokio::test]
async fn access_log_is_told_of_every_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = {
        let seen = Arc::clone(&seen);
        AccessLog::new(move |access| seen.lock().unwrap().push(access))
    };
    let server = Server::start(Options { access_log: Some(log), ..guarded() }).await;
    server.get("/v2/a/tags/list?n=1").await;
    let ann = basic("ann:s3cret");
    server.send(Method::HEAD, "/v2/", &[("authorization", &ann)], "").await;
    server.send(Method::GET, "/else", &[("authorization", &ann)], "").await;
    let seen: Vec<_> = seen.lock().unwrap().iter().map(|a| format!("{} {} {}", a.method, a.target, a.status)).collect();
    assert_eq!(seen, ["GET /v2/a/tags/list?n=1 401 Unauthorized", "HEAD /v2/ 200 OK", "GET /else 404 Not Found"]);
}

#[tokio::test]
async fn latency_delays_each_answer() {
    let latency = Duration::from_millis(30);
    let server = Server::start(Options { latency, ..Options::default() }).await;
    let start = Instant::now();
    assert_eq!(server.get("/v2/").await.status, 200);
    assert!(start.elapsed() >= latency);
}
