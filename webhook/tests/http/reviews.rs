//! What is answered without asking the gate, and by a gate that has no policy.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::world::{World, created, pod, review};

const BOTH: [&str; 2] = ["/mutate", "/validate"];

#[tokio::test]
async fn without_a_policy_every_image_is_refused_and_the_door_is_not_ready() {
    let world = World::without_policy().await;
    for path in BOTH {
        let response = world.ask(path, &created(&["nginx"])).await;
        assert_eq!(response["status"]["code"], 503);
        assert_eq!(response["status"]["reason"], "ServiceUnavailable");
        let wanted = "validation failed: could not decide about nginx: spec.containers[0].image\nno policy is in force";
        assert!(response["status"]["message"].as_str().unwrap().starts_with(wanted), "{response}");
    }
    assert_eq!(world.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.get("/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
    assert!(world.get("/metrics").await.1.contains("sealgate_policy_ready 0"));
}

#[tokio::test]
async fn with_a_policy_the_door_is_ready() {
    let world = World::new().await;
    let (status, text) = world.get("/readyz").await;
    assert!(status == StatusCode::OK && text.contains("sha256:"), "{text}");
    assert!(world.get("/metrics").await.1.contains("sealgate_policy_ready 1"));
}

#[tokio::test]
async fn review_without_a_uid_is_a_bad_request() {
    let world = World::without_policy().await;
    let mut nameless = created(&["nginx"]);
    nameless["request"]["uid"] = json!("");
    let bodies = ["", "null", "{}", "[1]", "{\"request\":null}", "hello", "\0\0\0", &nameless.to_string()];
    for path in BOTH {
        for body in bodies {
            let (status, text) = world.post(path, body.to_owned()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body}: {text}");
            assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
        }
    }
}

#[tokio::test]
async fn malformed_review_with_a_uid_is_refused_by_name() {
    let world = World::without_policy().await;
    let with = |pointer: &str, value: Value| {
        let mut review = created(&["nginx"]);
        *review.pointer_mut(pointer).unwrap() = value;
        review
    };
    let cases = [
        (with("/apiVersion", json!("admission.k8s.io/v1beta1")), "wanted `admission.k8s.io/v1`"),
        (with("/kind", json!("Pod")), "wanted `AdmissionReview`"),
        (with("/request/operation", json!("PATCH")), "unknown variant `PATCH`"),
        (with("/request/object", Value::Null), "the request is about a `v1 Pod`"),
        (with("/request/object/kind", json!("Deployment")), "object is a `v1 Deployment`"),
        (with("/request/object/spec", json!([])), "spec: a list found, wanted an object"),
        (with("/request/object/spec/containers", json!([])), "spec.containers: no container found"),
        (with("/request/object/spec/containers/0/image", json!("")), "spec.containers[0].image: no image found"),
        (review("CREATE", &json!({"apiVersion": "v1", "kind": "Secret"}), &Value::Null), "kind `Secret` of `v1`"),
    ];
    for path in BOTH {
        for (review, wanted) in &cases {
            let response = world.ask(path, review).await;
            assert_eq!(
                (&response["status"]["code"], &response["status"]["reason"]),
                (&json!(400), &json!("BadRequest"))
            );
            let message = response["status"]["message"].as_str().unwrap();
            assert!(message.contains(wanted), "{message}, wanted {wanted}");
        }
    }
}

#[tokio::test]
async fn image_that_is_no_reference_is_refused_and_escaped() {
    let world = World::new().await;
    for image in ["Nginx:1", "nginx:", "a b", "nginx\n\u{1b}[2J", "nginx@sha256:00", "user@host/x:1", "../x"] {
        let response = world.ask("/mutate", &created(&[image])).await;
        assert_eq!(response["status"]["code"], 400, "{image}");
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.starts_with("validation failed: invalid value: "), "{message}");
        assert!(message.lines().count() == 2 && !message.contains('\u{1b}'), "{message}");
    }
}

#[tokio::test]
async fn what_brings_no_image_passes_even_without_a_policy() {
    let world = World::without_policy().await;
    let mut status = review("UPDATE", &pod(&["b"]), &pod(&["a"]));
    status["request"]["subResource"] = json!("status");
    let passing = [
        review("DELETE", &Value::Null, &pod(&["a"])),
        review("CONNECT", &json!({"apiVersion": "v1", "kind": "PodExecOptions"}), &Value::Null),
        review("UPDATE", &pod(&["a"]), &pod(&["a"])),
        status,
    ];
    for path in BOTH {
        for review in &passing {
            let response = world.ask(path, review).await;
            assert_eq!(response["allowed"], true);
            assert!(response["auditAnnotations"]["decision"].as_str().unwrap().starts_with("unjudged: "));
        }
    }
    let counted = world.get("/metrics").await.1;
    assert!(counted.contains("sealgate_reviews_total{hook=\"mutate\",outcome=\"unjudged\"} 4"), "{counted}");
}

#[tokio::test]
async fn timeout_that_is_none_is_refused_with_the_uid() {
    let world = World::new().await;
    for timeout in ["0s", "soon", "10", "-5s"] {
        let response = world.ask(&format!("/validate?timeout={timeout}"), &created(&["nginx"])).await;
        assert_eq!(response["status"]["code"], 400);
        assert!(response["status"]["message"].as_str().unwrap().starts_with(&format!("timeout `{timeout}` found")));
    }
}

#[tokio::test]
async fn body_beyond_the_limit_is_refused_and_one_below_is_read() {
    let world = World::without_policy().await;
    let padded = |bytes: usize| {
        let mut review = created(&["nginx"]);
        review["request"]["object"]["metadata"]["annotations"] = json!({"padding": "x".repeat(bytes)});
        review
    };
    let (status, _) = world.post("/mutate", padded(4 * 1024 * 1024).to_string()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.ask("/mutate", &padded(3 * 1024 * 1024)).await["status"]["code"], 503);
    let counted = world.get("/metrics").await.1;
    assert!(counted.contains("sealgate_reviews_total{hook=\"mutate\",outcome=\"malformed\"} 1"), "{counted}");
}

#[tokio::test]
async fn body_that_never_ends_is_given_up_within_the_timeout() {
    let world = World::without_policy().await;
    let mut stream = TcpStream::connect(world.webhook).await.unwrap();
    let head = b"POST /mutate?timeout=1s HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{";
    stream.write_all(head).await.unwrap();
    let mut heard = [0; 12];
    timeout(Duration::from_secs(15), stream.read_exact(&mut heard)).await.expect("an answer").unwrap();
    assert_eq!(&heard, b"HTTP/1.1 408");
}

#[tokio::test]
async fn other_paths_and_methods_are_not_served() {
    let world = World::without_policy().await;
    assert_eq!(world.get("/mutate").await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.get("/").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.post("/mutations", created(&["nginx"]).to_string()).await.0, StatusCode::NOT_FOUND);
}
