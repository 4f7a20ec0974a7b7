//! Registries without conditions, on which others write the same tag and the same blobs at the same time.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod scripted;

use std::sync::Mutex;

use bytes::Bytes;
use oci::{Descriptor, Tag, media_type};
use registry::{NewLayer, RegistryError};
use scripted::{Scripted, client, manifest, ok, status, with};
use serde_json::Value;

fn layer(text: &str) -> NewLayer {
    NewLayer {
        descriptor: Descriptor::of(media_type::SIMPLE_SIGNING, text.as_bytes()),
        bytes: Bytes::from(text.to_owned()),
    }
}

fn tag() -> Tag {
    "sha256-0.sig".parse().unwrap()
}

/// What the tag holds, and how often it was read and written.
#[derive(Default)]
struct Held {
    manifest: Option<Vec<u8>>,
    reads: u32,
    writes: u32,
}

#[tokio::test]
async fn what_a_late_writer_took_out_is_put_back() {
    let held = Mutex::new(Held::default());
    let server = Scripted::start(move |seen| {
        let mut held = held.lock().unwrap();
        match (seen.method.as_str(), seen.path.contains("manifests")) {
            ("PUT", true) => {
                held.manifest = Some(seen.body.to_vec());
                // somebody adds to ours at once
                held.writes += 1;
                if held.writes == 1 {
                    held.manifest = Some(manifest(&[layer("ours").descriptor, layer("theirs").descriptor]));
                }
                status(201)
            }
            ("GET", true) => {
                held.reads += 1;
                let answer =
                    held.manifest.clone().map_or_else(|| status(404), |held| ok(media_type::OCI_MANIFEST, held));
                // after we have seen ours, somebody writes who had read before
                if held.reads == 2 {
                    held.manifest = Some(manifest(&[layer("late").descriptor]));
                }
                answer
            }
            _ => status(200),
        }
    })
    .await;
    client().append_layers(&server.repository(), &tag(), &[layer("ours")]).await.unwrap();
    let puts: Vec<_> = server.seen().into_iter().filter(|seen| seen.method == "PUT").collect();
    let last: Value = serde_json::from_slice(&puts.last().unwrap().body).unwrap();
    let digests: Vec<_> = last["layers"].as_array().unwrap().iter().map(|layer| layer["digest"].clone()).collect();
    let wanted = ["late", "ours"].map(|text| Value::from(layer(text).descriptor.digest.to_string()));
    assert_eq!(digests, wanted);
}

#[tokio::test]
async fn a_registry_that_fails_once_at_a_tag_is_asked_again() {
    for (method, at) in [("PUT", 1), ("GET", 1), ("GET", 2)] {
        let held = Mutex::new((Held::default(), 0));
        let server = Scripted::start(move |seen| {
            let (held, count) = &mut *held.lock().unwrap();
            if !seen.path.contains("manifests") {
                return status(200);
            }
            *count += u32::from(seen.method == method);
            match seen.method.as_str() {
                now if now == method && *count == at => with(500, &[], "two at once"),
                "PUT" => {
                    held.manifest = Some(seen.body.to_vec());
                    status(201)
                }
                _ => held.manifest.clone().map_or_else(|| status(404), |held| ok(media_type::OCI_MANIFEST, held)),
            }
        })
        .await;
        let appended = client().append_layers(&server.repository(), &tag(), &[layer("ours")]).await;
        assert_eq!(appended, Ok(()), "{method} {at}");
    }
}

#[tokio::test]
async fn a_registry_that_always_fails_at_a_tag_is_quoted() {
    let server = Scripted::start(|seen| match (seen.method.as_str(), seen.path.contains("manifests")) {
        ("PUT", true) => with(507, &[], "disk full"),
        ("GET", true) => status(404),
        _ => status(200),
    })
    .await;
    let settings = registry::Settings {
        limits: registry::Limits { merge_rounds: 3, ..registry::Limits::default() },
        ..registry::Settings::default()
    };
    let client = scripted::client_with(settings);
    let error = client.append_layers(&server.repository(), &tag(), &[layer("ours")]).await.unwrap_err();
    assert!(matches!(error, RegistryError::Failed { status: 507, .. }), "{error}");
}

#[tokio::test]
async fn a_blob_that_another_client_uploads_meanwhile_is_there() {
    let refused = Mutex::new(false);
    let server = Scripted::start(move |seen| {
        let mut refused = refused.lock().unwrap();
        match (seen.method.as_str(), *refused) {
            ("HEAD", there) => status(if there { 200 } else { 404 }),
            ("POST", _) => with(202, &[("location", "/upload/1")], ""),
            _ => {
                *refused = true;
                with(400, &[], "provided digest did not match uploaded content")
            }
        }
    })
    .await;
    client().push_blob(&server.repository(), &"x".into()).await.unwrap();
    assert_eq!(server.seen().last().unwrap().method, "HEAD");
}

#[tokio::test]
async fn a_blob_that_is_refused_again_and_again_is_not_there() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "HEAD" => status(404),
        "POST" => with(202, &[("location", "/upload/1")], ""),
        _ => with(400, &[], "provided digest did not match uploaded content"),
    })
    .await;
    let error = client().push_blob(&server.repository(), &"x".into()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Failed { status: 400, .. }), "{error}");
    assert_eq!(server.seen().iter().filter(|seen| seen.method == "PUT").count(), 3);
}
