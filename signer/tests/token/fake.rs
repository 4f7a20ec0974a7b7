//! A service on loopback that answers as it is told, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::Request, response::Response};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use signer::token::{IdentityToken, TokenError};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) authorization: String,
    pub(crate) flavor: String,
    pub(crate) body: String,
}

impl Seen {
    /// A field of the form that was sent.
    pub(crate) fn form(&self, wanted: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    }
}

/// A service that runs as long as the runtime of its test.
pub(crate) struct Fake {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Status, headers and body of an answer.
pub(crate) type Told = (u16, Vec<(&'static str, String)>, String);

pub(crate) fn ok(value: &Value) -> Told {
    (200, Vec::new(), value.to_string())
}

pub(crate) fn refusal(status: u16, body: impl Into<String>) -> Told {
    (status, Vec::new(), body.into())
}

impl Fake {
    /// Answers each request as this says; it gets the service's own address, the request, and how many came before.
    pub(crate) async fn answering(answer: impl Fn(&str, &Seen, usize) -> Told + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (all, own, answer) = (seen.clone(), address.clone(), Arc::new(answer));
        let handle = move |request: Request| {
            let (all, own, answer) = (all.clone(), own.clone(), answer.clone());
            async move {
                let seen = read(request).await;
                let before = all.lock().unwrap().len();
                all.lock().unwrap().push(seen.clone());
                respond(answer(&own, &seen, before))
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handle)).await });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read(request: Request) -> Seen {
    let (parts, body) = request.into_parts();
    let header =
        |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        authorization: header("authorization"),
        flavor: header("metadata-flavor"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn respond((status, headers, body): Told) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body.into()).unwrap()
}

/// A token with these claims, that lasts, and whose signature nobody checks here.
pub(crate) fn token(more: &Value) -> String {
    let mut claims =
        json!({ "iss": "https://issuer.test", "sub": "somebody", "aud": "sigstore", "exp": 4_000_000_000_u64 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()))
}

/// The error's whole text, after a check that no secret of these tests is in it.
pub(crate) fn words(result: Result<IdentityToken, TokenError>) -> String {
    let error = result.expect_err("a refusal");
    let text = format!("{error} {error:?}");
    for secret in ["hunter2", "c2lnbmF0dXJl"] {
        assert!(!text.contains(secret), "{text}");
    }
    error.to_string()
}
