//! Writing: blobs and manifests, and lists that others write too.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod scripted;

use std::sync::{Arc, Mutex};

use axum::response::Response;
use oci::{
    Descriptor, Digest, Document, Tag,
    location::{SIGNATURE_ANNOTATION, bundle_manifest, fallback_index, fallback_tag},
    media_type::{self, OCI_INDEX, OCI_MANIFEST, SIMPLE_SIGNING},
};
use registry::{
    Credential, Credentials, Limits, Lookup, NewLayer, Precondition, Pushed, Reference, RegistryError, Secret, Settings,
};
use scripted::*;

fn layer(n: usize) -> NewLayer {
    let bytes = format!("payload {n}");
    let mut descriptor = Descriptor::of(SIMPLE_SIGNING, bytes.as_bytes());
    descriptor.annotations.insert(SIGNATURE_ANNOTATION.into(), format!("signature {n}"));
    NewLayer { descriptor, bytes: bytes.into() }
}

fn tag() -> Tag {
    format!("sha256-{}.sig", Digest::of(b"image").hex()).parse().unwrap()
}

/// A registry that has every blob and keeps one tag.
struct OneTag {
    held: Mutex<Option<(String, Vec<u8>)>>,
    conditions: bool,
    /// What somebody else writes along with each of our first writes: before it, or after it where there are no
    /// conditions.
    intruders: Mutex<Vec<Vec<u8>>>,
}

impl OneTag {
    fn answer(&self, seen: &Seen) -> Response {
        if seen.method == "HEAD" {
            return status(200);
        }
        if seen.method == "GET" {
            return match &*self.held.lock().unwrap() {
                None => status(404),
                Some((kind, bytes)) => with(200, &[("content-type", kind), ("etag", &etag(bytes))], bytes.clone()),
            };
        }
        let theirs = self.intruders.lock().unwrap().pop().map(|bytes| (OCI_MANIFEST.to_owned(), bytes));
        if theirs.is_some() {
            *self.held.lock().unwrap() = theirs.clone();
        }
        let mut held = self.held.lock().unwrap();
        let met = match &*held {
            None => seen.header("if-match").is_empty(),
            Some((_, bytes)) => seen.header("if-match") == etag(bytes) && seen.header("if-none-match").is_empty(),
        };
        if self.conditions && !met {
            return status(412);
        }
        let ours = (seen.header("content-type").to_owned(), seen.body.to_vec());
        *held = theirs.or(Some(ours));
        status(201)
    }

    fn layers(&self) -> Vec<String> {
        let held = self.held.lock().unwrap();
        let (kind, bytes) = held.as_ref().unwrap();
        let Ok(Document::Manifest(_, manifest)) = Document::parse(bytes, Some(kind)) else { panic!("no manifest") };
        manifest.layers.iter().map(|layer| layer.annotations[SIGNATURE_ANNOTATION].clone()).collect()
    }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", Digest::of(bytes))
}

async fn one_tag(
    held: Option<(String, Vec<u8>)>,
    conditions: bool,
    intruders: Vec<Vec<u8>>,
) -> (Arc<OneTag>, Scripted) {
    let registry = Arc::new(OneTag { held: Mutex::new(held), conditions, intruders: Mutex::new(intruders) });
    let answering = registry.clone();
    (registry, Scripted::start(move |seen| answering.answer(seen)).await)
}

async fn put(server: &Scripted) -> Result<Pushed, RegistryError> {
    let (reference, bytes) = (Tag::latest().into(), manifest(&[]).into());
    client().push_manifest(&server.repository(), &reference, OCI_MANIFEST, bytes, Precondition::None).await
}

#[tokio::test]
async fn blob_that_is_there_is_not_uploaded() {
    let server = Scripted::start(|_| status(200)).await;
    client().push_blob(&server.repository(), &"x".into()).await.unwrap();
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].method, "HEAD");
}

#[tokio::test]
async fn blob_goes_to_the_location_with_its_digest_added() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "HEAD" => status(404),
        "POST" => with(202, &[("location", "/upload/1?state=abc")], ""),
        _ => status(201),
    })
    .await;
    client().push_blob(&server.repository(), &"x".into()).await.unwrap();
    let put = server.seen().pop().unwrap();
    assert_eq!(put.path, format!("/upload/1?state=abc&digest=sha256%3A{}", Digest::of(b"x").hex()));
    assert_eq!(put.body, "x");
}

#[tokio::test]
async fn credential_does_not_go_to_an_upload_location_on_another_host() {
    let elsewhere = Scripted::start(|_| status(201)).await;
    let there = format!("http://{}/put", elsewhere.address);
    let server = Scripted::start(move |seen| match (seen.authorization(), seen.method.as_str()) {
        ("", _) => with(401, &[("www-authenticate", r#"Basic realm="x""#)], ""),
        (_, "HEAD") => status(404),
        _ => with(202, &[("location", &there)], ""),
    })
    .await;
    let credential = Credential::Password { user: "me".into(), password: Secret::new("x".into()) };
    let credentials = Credentials::anonymous().with_given(credential);
    let client = client_with(Settings { credentials, ..Settings::default() });
    client.push_blob(&server.repository(), &"x".into()).await.unwrap();
    assert_eq!(elsewhere.seen().len(), 1);
    assert_eq!(elsewhere.seen()[0].authorization(), "");
}

#[tokio::test]
async fn upload_without_a_location_or_with_a_forbidden_one_fails() {
    for location in [None, Some("http://169.254.169.254/put"), Some("http://registry.example/put")] {
        let server = Scripted::start(move |seen| match (seen.method.as_str(), location) {
            ("HEAD", _) => status(404),
            ("POST", Some(location)) => with(202, &[("location", location)], ""),
            _ => status(202),
        })
        .await;
        let error = client().push_blob(&server.repository(), &"x".into()).await.unwrap_err();
        let is_right = match location {
            None => matches!(error, RegistryError::Violation { .. }),
            Some(_) => matches!(error, RegistryError::Refused { .. }),
        };
        assert!(is_right, "{location:?}: {error}");
    }
}

#[tokio::test]
async fn manifest_by_digest_needs_no_location_in_the_answer() {
    let server = Scripted::start(|_| status(201)).await;
    let bytes = manifest(&[]);
    let reference = Reference::from(Digest::of(&bytes));
    let pushed =
        client().push_manifest(&server.repository(), &reference, OCI_MANIFEST, bytes.into(), Precondition::None).await;
    assert_eq!(pushed.unwrap().digest, digest_of(&manifest(&[])));
}

#[tokio::test]
async fn registry_that_stored_something_else_is_found_out() {
    let other = Digest::of(b"other").to_string();
    let server = Scripted::start(move |_| with(201, &[("docker-content-digest", &other)], "")).await;
    assert!(matches!(put(&server).await, Err(RegistryError::Violation { .. })));
}

#[tokio::test]
async fn push_asks_for_the_right_to_push_and_is_not_repeated_after_a_fault() {
    let server = Scripted::start(|seen| {
        if seen.path.starts_with("/token") {
            return ok("application/json", r#"{"token":"t"}"#);
        }
        match seen.authorization() {
            "" => {
                let text = format!(r#"Bearer realm="http://{}/token",service="reg""#, seen.host);
                with(401, &[("www-authenticate", &text)], "")
            }
            _ => status(503),
        }
    })
    .await;
    assert!(matches!(put(&server).await, Err(RegistryError::Failed { status: 503, attempts: 1, .. })));
    assert_eq!(server.count("scope=repository%3Aa%3Apull%2Cpush"), 1);
    assert_eq!(server.seen().iter().filter(|seen| seen.method == "PUT").count(), 2, "anonymous, then with the token");
}

#[tokio::test]
async fn layers_are_added_after_those_that_are_there_and_not_twice() {
    let (registry, server) = one_tag(None, true, Vec::new()).await;
    for _ in 0..2 {
        client().append_layers(&server.repository(), &tag(), &[layer(1)]).await.unwrap();
    }
    client().append_layers(&server.repository(), &tag(), &[layer(2)]).await.unwrap();
    assert_eq!(registry.layers(), ["signature 1", "signature 2"]);
    let puts: Vec<_> = server.seen().into_iter().filter(|seen| seen.method == "PUT").collect();
    assert_eq!(puts.len(), 2);
    assert_eq!(puts[0].header("if-none-match"), "*");
    assert!(!puts[1].header("if-match").is_empty());
}

#[tokio::test]
async fn loser_of_a_race_merges_again_with_and_without_conditions() {
    for conditions in [true, false] {
        let theirs = |n| manifest(&[layer(n).descriptor]);
        let (registry, server) = one_tag(None, conditions, vec![theirs(8)]).await;
        client().append_layers(&server.repository(), &tag(), &[layer(1)]).await.unwrap();
        assert_eq!(registry.layers(), ["signature 8", "signature 1"], "{conditions}");
    }
}

#[tokio::test]
async fn eight_signers_at_once_lose_nothing_where_the_registry_has_conditions() {
    let (registry, server) = one_tag(None, true, Vec::new()).await;
    let (repository, tag) = (server.repository(), tag());
    let limits = Limits { merge_rounds: 64, ..Limits::default() };
    let client = client_with(Settings { limits, ..Settings::default() });
    let layers: Vec<_> = (0..8).map(|n| [layer(n)]).collect();
    let all = layers.iter().map(|layer| client.append_layers(&repository, &tag, layer));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));
    let mut held = registry.layers();
    held.sort();
    assert_eq!(held, (0..8).map(|n| format!("signature {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn writer_who_always_loses_gives_up_with_a_conflict() {
    let theirs = |n| manifest(&[layer(n).descriptor]);
    let (_, server) = one_tag(None, true, (0..40).map(theirs).collect()).await;
    let limits = Limits { merge_rounds: 4, ..Limits::default() };
    let client = client_with(Settings { limits, ..Settings::default() });
    let error = client.append_layers(&server.repository(), &tag(), &[layer(99)]).await.unwrap_err();
    assert!(matches!(error, RegistryError::Conflict { rounds: 4, .. }), "{error}");
}

#[tokio::test]
async fn docker_media_type_of_an_existing_tag_is_kept() {
    let mut old: serde_json::Value = serde_json::from_slice(&manifest(&[layer(1).descriptor])).unwrap();
    old["mediaType"] = media_type::DOCKER_MANIFEST.into();
    old["layers"][0]["urls"] = serde_json::json!(["kept word for word"]);
    let held = (media_type::DOCKER_MANIFEST.to_owned(), old.to_string().into_bytes());
    let (registry, server) = one_tag(Some(held), true, Vec::new()).await;
    client().append_layers(&server.repository(), &tag(), &[layer(2)]).await.unwrap();
    let (kind, bytes) = registry.held.lock().unwrap().clone().unwrap();
    let new: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (kind.as_str(), new["mediaType"].as_str()),
        (media_type::DOCKER_MANIFEST, Some(media_type::DOCKER_MANIFEST))
    );
    assert_eq!(new["layers"][0], old["layers"][0]);
    assert_eq!(registry.layers().len(), 2);
}

#[tokio::test]
async fn tag_that_holds_something_else_is_not_overwritten() {
    let held = (OCI_INDEX.to_owned(), fallback_index(&[]));
    let (registry, server) = one_tag(Some(held.clone()), true, Vec::new()).await;
    let error = client().append_layers(&server.repository(), &tag(), &[layer(1)]).await.unwrap_err();
    assert!(matches!(error, RegistryError::Violation { .. }), "{error}");
    assert_eq!(*registry.held.lock().unwrap(), Some(held));
}

fn referrer() -> Vec<u8> {
    let subject = Descriptor::of(OCI_MANIFEST, b"image");
    bundle_manifest(b"bundle", &subject, "https://p.test", "2026-01-01T00:00:00Z")
}

#[tokio::test]
async fn referrer_is_listed_by_the_registry_where_it_says_so() {
    let subject = Digest::of(b"image").to_string();
    let server = Scripted::start(move |_| with(201, &[("oci-subject", &subject)], "")).await;
    let entry = client().push_referrer(&server.repository(), referrer().into()).await.unwrap();
    assert_eq!(entry.digest, Digest::of(&referrer()).into());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn referrer_is_left_alone_where_the_api_lists_it() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "PUT" => status(201),
        _ => ok(OCI_INDEX, fallback_index(&[Descriptor::of(OCI_MANIFEST, &referrer())])),
    })
    .await;
    client().push_referrer(&server.repository(), referrer().into()).await.unwrap();
    assert_eq!(server.count("sha256-"), 0);
}

#[tokio::test]
async fn referrer_that_the_api_does_not_list_is_listed_under_the_fallback_tag() {
    for listed in [Vec::new(), vec![Descriptor::of(OCI_MANIFEST, b"another referrer")]] {
        let held = Mutex::new(None);
        let server = Scripted::start(move |seen| match (seen.method.as_str(), seen.path.contains("sha256-")) {
            ("PUT", true) => {
                *held.lock().unwrap() = Some(seen.body.to_vec());
                status(201)
            }
            ("PUT", false) => status(201),
            (_, true) => held.lock().unwrap().clone().map_or_else(|| status(404), |bytes| ok(OCI_INDEX, bytes)),
            (_, false) => ok(OCI_INDEX, fallback_index(&listed)),
        })
        .await;
        client().push_referrer(&server.repository(), referrer().into()).await.unwrap();
        let puts = server.seen().into_iter().filter(|seen| seen.method == "PUT" && seen.path.contains("sha256-"));
        let [put] = &puts.collect::<Vec<_>>()[..] else { panic!("the index is written once") };
        assert!(String::from_utf8_lossy(&put.body).contains(&Digest::of(&referrer()).to_string()));
    }
}

#[tokio::test]
async fn referrer_is_listed_under_the_fallback_tag_where_there_is_no_api() {
    let theirs = serde_json::json!({
        "mediaType": OCI_MANIFEST, "digest": format!("sha256:{}", "f".repeat(64)), "size": 1, "data": "kept word for word",
    });
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [theirs] });
    let held = Mutex::new(index.to_string().into_bytes());
    let server = Scripted::start(move |seen| match (seen.method.as_str(), seen.path.contains("sha256-")) {
        ("PUT", true) => {
            *held.lock().unwrap() = seen.body.to_vec();
            status(201)
        }
        ("PUT", false) => status(201),
        (_, true) => ok(OCI_INDEX, held.lock().unwrap().clone()),
        (_, false) => status(404),
    })
    .await;
    client().push_referrer(&server.repository(), referrer().into()).await.unwrap();
    let reference = Reference::Tag(fallback_tag(&Digest::of(b"image").into()));
    let Lookup::Found(written) = client().manifest(&server.repository(), &reference).await.unwrap() else { panic!() };
    let written: serde_json::Value = serde_json::from_slice(&written.bytes).unwrap();
    let [ours, kept] = &written["manifests"].as_array().unwrap()[..] else { panic!("{written}") };
    assert_eq!(*kept, theirs, "sorted by digest, and word for word");
    assert_eq!(ours["artifactType"], media_type::BUNDLE);
    assert_eq!(ours["annotations"]["dev.sigstore.bundle.predicateType"], "https://p.test");
}

#[tokio::test]
async fn referrer_is_not_said_to_be_listed_where_listing_is_denied() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "PUT" => status(201),
        _ => status(403),
    })
    .await;
    let error = client().push_referrer(&server.repository(), referrer().into()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
}

#[tokio::test]
async fn tags_are_listed_over_all_pages() {
    let server = Scripted::start(|seen| match seen.path.as_str() {
        "/v2/a/tags/list" => with(200, &[("link", r#"</v2/a/tags/list?last=b>; rel="next""#)], r#"{"tags":["a","b"]}"#),
        "/v2/a/tags/list?last=b" => ok("application/json", r#"{"tags":["c"]}"#),
        _ => status(404),
    })
    .await;
    let client = client();
    assert_eq!(client.tags(&server.repository()).await.unwrap().found().unwrap(), ["a", "b", "c"]);
    let other = format!("{}/b", server.address).parse().unwrap();
    assert_eq!(client.tags(&other).await, Ok(Lookup::Absent));
}
