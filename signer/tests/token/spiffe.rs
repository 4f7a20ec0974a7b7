//! Tokens of a SPIFFE workload API, over a real socket and real HTTP/2.

use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::json;
use signer::token::{Source, Surroundings, Web};
use tokio::net::UnixListener;

use crate::fake::{token, words};

/// Answers one call with this message and status, and hands out the headers and the message it got.
async fn serve(listener: UnixListener, message: Vec<u8>, status: &'static str) -> (HeaderMap, Bytes) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let (mut request, mut respond) = connection.accept().await.unwrap().unwrap();
    let headers = request.headers().clone();
    assert_eq!(request.uri().path(), "/SpiffeWorkloadAPI/FetchJWTSVID");
    let driven = tokio::spawn(async move { while connection.accept().await.is_some() {} });
    let asked = request.body_mut().data().await.unwrap().unwrap();
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    stream.send_data(message.into(), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.parse().unwrap());
    trailers.insert("grpc-message", "no identity issued".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
    driven.await.unwrap();
    (headers, asked)
}

/// One identity with this token, as a message in its frame.
fn identity(token: &str) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let (low, high) = (u8::try_from(bytes.len() & 0x7f).unwrap() | 0x80, u8::try_from(bytes.len() >> 7).unwrap());
        [&[number << 3 | 2, low, high], bytes].concat()
    };
    let message = field(1, &[field(1, b"spiffe://a.test/b"), field(2, token.as_bytes())].concat());
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

fn socket(dir: &Path) -> (UnixListener, Source) {
    let path = dir.join("api.sock");
    (UnixListener::bind(&path).unwrap(), Source::Spiffe { socket: path, named: true })
}

#[tokio::test]
async fn workload_api_is_asked_for_our_audience() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, source) = socket(dir.path());
    let served = tokio::spawn(serve(listener, identity(&token(&json!({ "sub": "spiffe://a.test/b" }))), "0"));
    assert_eq!(source.token(&Web::default()).await.unwrap().subject(), "spiffe://a.test/b");
    let (headers, asked) = served.await.unwrap();
    assert_eq!(headers["workload.spiffe.io"], "true");
    assert_eq!(&asked[..], b"\0\0\0\0\x0a\x0a\x08sigstore");
}

#[tokio::test]
async fn refusals_of_the_workload_api_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, source) = socket(dir.path());
    let served = tokio::spawn(serve(listener, identity(&token(&json!({}))), "7"));
    let found = words(source.token(&Web::default()).await);
    assert_eq!(
        found,
        "asking the SPIFFE workload API for an identity token: its socket answered 7: no identity issued"
    );
    served.await.unwrap();
}

#[tokio::test]
async fn sockets_without_a_listener_are_unreachable() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, source) = socket(dir.path());
    drop(listener);
    assert!(words(source.token(&Web::default()).await).contains("no answer from its socket"));
}

#[tokio::test]
async fn socket_at_the_default_place_is_asked_where_this_user_serves_it() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, _) = socket(dir.path());
    let path = dir.path().join("api.sock");
    let here = Surroundings { spiffe_default: path.clone(), ..Surroundings::of(|_| None) };
    let source = Source::named("spiffe", &here).unwrap();
    assert!(matches!(&source, Source::Spiffe { named: false, socket } if *socket == path), "{source:?}");
    let served = tokio::spawn(serve(listener, identity(&token(&json!({ "sub": "own" }))), "0"));
    assert_eq!(source.token(&Web::default()).await.unwrap().subject(), "own");
    served.await.unwrap();
    let variable = |name: &str| (name == "SPIFFE_ENDPOINT_SOCKET").then(|| format!("unix://{}", path.display()));
    let source = Source::named("spiffe", &Surroundings::of(variable)).unwrap();
    assert!(matches!(&source, Source::Spiffe { named: true, socket } if *socket == path), "{source:?}");
}
