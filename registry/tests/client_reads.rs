//! What the client makes of a registry's answers to reads.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod scripted;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use oci::{AnyDigest, Descriptor, media_type::OCI_MANIFEST};
use registry::{Cause, Item, Limits, Lookup, Reference, RegistryError, Settings, Violation};
use scripted::*;
use tokio::sync::Semaphore;

fn limited(limits: Limits) -> Settings {
    Settings { limits, ..Settings::default() }
}

#[tokio::test]
async fn digest_comes_from_the_bytes_and_a_tag_is_resolved_by_one_get() {
    let server = Scripted::start(|_| ok(OCI_MANIFEST, manifest(&[]))).await;
    let resolved = client().resolve(&server.image(":v1")).await.unwrap().found().unwrap();
    assert_eq!(*resolved.pinned.digest(), digest_of(&manifest(&[])));
    assert_eq!(resolved.asked, None);
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "no ping: {seen:?}");
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("GET", "/v2/a/manifests/v1"));
    assert!(seen[0].header("accept").contains("image.index") && seen[0].header("user-agent").contains("cosign"));
}

#[tokio::test]
async fn lying_digest_header_is_a_violation() {
    let server = Scripted::start(|seen| {
        let other = digest_of(b"other").to_string();
        let header = if seen.path.ends_with("junk") { "sha256:junk" } else { &other };
        with(200, &[("content-type", OCI_MANIFEST), ("docker-content-digest", header)], manifest(&[]))
    })
    .await;
    for tag in [":v1", ":junk"] {
        let error = client().resolve(&server.image(tag)).await.unwrap_err();
        assert!(
            matches!(&error, RegistryError::Violation { violation: Violation::DigestHeader { .. }, .. }),
            "{tag}: {error}"
        );
    }
}

#[tokio::test]
async fn digest_header_of_an_unknown_algorithm_says_nothing() {
    let server = Scripted::start(|_| {
        with(200, &[("content-type", OCI_MANIFEST), ("docker-content-digest", "blake3:00")], manifest(&[]))
    })
    .await;
    assert!(client().resolve(&server.image(":v1")).await.unwrap().found().is_some());
}

#[tokio::test]
async fn bytes_with_another_digest_than_asked_for_are_a_violation() {
    let server = Scripted::start(|_| ok(OCI_MANIFEST, manifest(&[]))).await;
    let image = server.image(&format!("@{}", digest_of(b"wanted")));
    let error = client().resolve(&image).await.unwrap_err();
    assert!(matches!(&error, RegistryError::Violation { violation: Violation::Digest { .. }, .. }), "{error}");
}

#[tokio::test]
async fn sha512_is_checked_and_pinned_by_sha256() {
    let server = Scripted::start(|_| ok(OCI_MANIFEST, manifest(&[]))).await;
    let right = AnyDigest::Sha512([0; 64]).same_algorithm(&manifest(&[]));
    let resolved = client().resolve(&server.image(&format!("@{right}"))).await.unwrap().found().unwrap();
    assert_eq!((resolved.asked, *resolved.pinned.digest()), (Some(right), digest_of(&manifest(&[]))));
    let wrong = AnyDigest::Sha512([0; 64]).same_algorithm(b"other");
    assert!(client().resolve(&server.image(&format!("@{wrong}"))).await.is_err());
}

#[tokio::test]
async fn tag_beside_a_digest_is_not_asked_for() {
    let server = Scripted::start(|_| ok(OCI_MANIFEST, manifest(&[]))).await;
    let image = server.image(&format!(":v1@{}", digest_of(&manifest(&[]))));
    client().resolve(&image).await.unwrap();
    assert_eq!(server.count("v1"), 0);
}

#[tokio::test]
async fn absent_denied_throttled_and_broken_are_four_answers() {
    let server = Scripted::start(|seen| match seen.path.rsplit('/').next().unwrap() {
        "absent" => status(404),
        "denied" => with(403, &[], r#"{"errors":[{"code":"DENIED","message":"no \u001b[31m way"}]}"#),
        "nologin" => status(401),
        "throttled" => with(429, &[("retry-after", "30")], ""),
        "html" => ok("text/html", "<html>"),
        _ => status(500),
    })
    .await;
    let client = client();
    let ask = async |tag: &str| client.resolve(&server.image(&format!(":{tag}"))).await;
    let name = server.address.to_string();
    assert_eq!(ask("absent").await, Ok(Lookup::Absent));
    let denied = ask("denied").await.unwrap_err();
    assert_eq!(denied.to_string(), format!("registry {name} answered 403: DENIED: no \\u{{1b}}[31m way"));
    let nologin = ask("nologin").await.unwrap_err();
    assert_eq!(nologin.to_string(), format!("registry {name} answered 401: authentication required"));
    assert!(nologin.hint().unwrap().contains("docker login"));
    let throttled = ask("throttled").await.unwrap_err();
    assert_eq!(throttled.to_string(), format!("registry {name} answered 429: too many requests, retry after 30 s"));
    assert!(matches!(ask("html").await, Err(RegistryError::Violation { violation: Violation::Manifest(_), .. })));
    assert!(matches!(ask("broken").await, Err(RegistryError::Failed { status: 500, attempts: 1, .. })));
}

#[tokio::test]
async fn short_throttling_is_waited_for_and_a_lasting_fault_says_how_often_it_was_tried() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let server = Scripted::start(move |seen| {
        let n = counter.fetch_add(1, Ordering::SeqCst);
        match seen.path.ends_with("/down") {
            true => status(503),
            false if n == 0 => with(429, &[("retry-after", "0")], ""),
            false => ok(OCI_MANIFEST, manifest(&[])),
        }
    })
    .await;
    assert!(client().resolve(&server.image(":v1")).await.unwrap().found().is_some());
    assert_eq!(asked.swap(0, Ordering::SeqCst), 2);
    let error = client().resolve(&server.image(":down")).await.unwrap_err();
    assert!(error.to_string().ends_with("(tried 3 times)"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn closed_port_is_unreachable_in_plain_words() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let image = format!("127.0.0.1:{port}/a").parse().unwrap();
    let error = client().resolve(&image).await.unwrap_err();
    assert_eq!(error.to_string(), format!("registry 127.0.0.1:{port} cannot be reached: connection refused (tcp)"));
}

#[tokio::test]
async fn silent_server_is_a_timeout_in_bounded_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let image = format!("{}/a", listener.local_addr().unwrap()).parse().unwrap();
    let request = Duration::from_millis(200);
    let client = client_with(limited(Limits { request, ..Limits::default() }));
    let error = tokio::time::timeout(Duration::from_secs(5), client.resolve(&image)).await.unwrap().unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { cause: Cause::Timeout { .. }, .. }), "{error}");
}

#[tokio::test]
async fn body_that_never_ends_is_a_timeout_in_bounded_time() {
    let server = Scripted::start(|_| {
        let begun = futures::stream::iter([Ok::<_, std::io::Error>("{")]);
        ok(OCI_MANIFEST, axum::body::Body::from_stream(begun.chain(futures::stream::pending())))
    })
    .await;
    let request = Duration::from_millis(200);
    let (client, image) = (client_with(limited(Limits { request, ..Limits::default() })), server.image(":v1"));
    let error = tokio::time::timeout(Duration::from_secs(5), client.resolve(&image)).await.unwrap().unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { cause: Cause::Timeout { .. }, .. }), "{error}");
}

#[tokio::test]
async fn answer_that_stops_halfway_is_no_answer() {
    let server = Raw::start("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"schemaVersion\":2").await;
    let error = client().resolve(&server.image()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { cause: Cause::Closed, .. }), "{error}");
}

#[tokio::test]
async fn endless_manifest_is_cut_off_at_the_limit() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let server = Scripted::start(move |_| ok(OCI_MANIFEST, endless(counter.clone()))).await;
    let error = client().resolve(&server.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { item: Item::Manifest, declared: None, .. }), "{error}");
    let mebibytes = taken.load(Ordering::Relaxed) / 16;
    assert!((4..64).contains(&mebibytes), "{mebibytes} MiB were taken");
}

#[tokio::test]
async fn declared_size_over_the_limit_is_refused_before_the_first_byte() {
    let server = Scripted::start(|_| with(200, &[("content-type", OCI_MANIFEST)], vec![b' '; 5000])).await;
    let client = client_with(limited(Limits { manifest: 4999, ..Limits::default() }));
    let error = client.resolve(&server.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { declared: Some(5000), limit: 4999, .. }), "{error}");
}

#[tokio::test]
async fn blob_must_have_the_digest_and_size_of_its_descriptor() {
    let server = Scripted::start(|_| ok("application/octet-stream", "hello")).await;
    let client = client();
    let ask = async |descriptor: &Descriptor| client.blob(&server.repository(), descriptor, 100).await;
    let right = Descriptor::of("x", b"hello");
    assert_eq!(ask(&right).await.unwrap().found().unwrap(), "hello");
    let violation = |result: Result<_, _>| match result {
        Err(RegistryError::Violation { violation, .. }) => violation,
        other => panic!("{other:?}"),
    };
    let wrong = Descriptor { digest: digest_of(b"jello").into(), ..right.clone() };
    assert!(matches!(violation(ask(&wrong).await), Violation::Digest { .. }));
    for size in [4, 6] {
        let wrong = Descriptor { size, ..right.clone() };
        assert!(matches!(violation(ask(&wrong).await), Violation::Size { found: 5, .. }), "{size}");
    }
}

#[tokio::test]
async fn blob_claimed_to_be_larger_than_wanted_is_not_fetched() {
    let server = Scripted::start(|_| ok("application/octet-stream", "hello")).await;
    let big = Descriptor { size: 101, ..Descriptor::of("x", b"hello") };
    let error = client().blob(&server.repository(), &big, 100).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { declared: Some(101), limit: 100, .. }), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn manifest_by_tag_and_by_digest_are_asked_for_by_their_names() {
    let server = Scripted::start(|_| ok(OCI_MANIFEST, manifest(&[]))).await;
    let digest = digest_of(&manifest(&[]));
    let fetched = client().manifest(&server.repository(), &Reference::from(digest)).await.unwrap().found().unwrap();
    assert_eq!(fetched.bytes, manifest(&[]));
    assert_eq!(server.count(&format!("/v2/a/manifests/{digest}")), 1);
}

#[tokio::test]
async fn no_more_requests_at_a_time_than_the_limit() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (now.clone(), most.clone());
    let server = Scripted::start(move |_| {
        let (now, most) = counters.clone();
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let body = futures::stream::once(async move {
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, std::io::Error>(manifest(&[]))
        });
        ok(OCI_MANIFEST, axum::body::Body::from_stream(body))
    })
    .await;
    let client = client_with(limited(Limits { requests_per_host: 3, ..Limits::default() }));
    let image = server.image(":v1");
    let all = (0..30).map(|_| client.resolve(&image));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
}

/// A registry that keeps everybody waiting for the end of its answers until there are permits.
async fn slow(held: &Arc<Semaphore>) -> Scripted {
    let held = held.clone();
    Scripted::start(move |_| {
        let held = held.clone();
        let body = futures::stream::once(async move {
            held.acquire().await.unwrap().forget();
            Ok::<_, std::io::Error>(manifest(&[]))
        });
        ok(OCI_MANIFEST, axum::body::Body::from_stream(body))
    })
    .await
}

#[tokio::test]
async fn more_than_may_wait_fail_at_once_and_the_others_are_served() {
    let held = Arc::new(Semaphore::new(0));
    let server = slow(&held).await;
    let limits = Limits { requests_per_host: 1, waiting_per_host: 2, ..Limits::default() };
    let client = client_with(limited(limits));
    let image = server.image(":v1");
    let mut all: futures::stream::FuturesUnordered<_> = (0..5).map(|_| client.resolve(&image)).collect();
    for _ in 0..2 {
        let refused = all.next().await.unwrap().unwrap_err();
        let full = |cause: &Cause| matches!(cause, Cause::Queue { limit: 2 });
        assert!(matches!(&refused, RegistryError::Unreachable { cause, .. } if full(cause)), "{refused}");
        assert!(refused.to_string().ends_with("2 requests to it are waiting already"), "{refused}");
    }
    held.add_permits(3);
    let served: Vec<_> = all.collect().await;
    assert!(served.len() == 3 && served.iter().all(Result::is_ok), "{served:?}");
    assert_eq!(server.count("/manifests/v1"), 3);
    held.add_permits(1);
    assert!(client.resolve(&image).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn whoever_waits_for_a_turn_waits_no_longer_than_a_request_may_take() {
    let held = Arc::new(Semaphore::new(0));
    let server = slow(&held).await;
    let request = Duration::from_millis(300);
    let limits = Limits { requests_per_host: 1, request, retries: 0, ..Limits::default() };
    let client = client_with(limited(limits));
    let image = server.image(":v1");
    let (first, second) = tokio::join!(client.resolve(&image), client.resolve(&image));
    for late in [first, second] {
        let late = late.unwrap_err();
        let timeout = |cause: &Cause| matches!(cause, Cause::Timeout { .. });
        assert!(matches!(&late, RegistryError::Unreachable { cause, .. } if timeout(cause)), "{late}");
    }
    let other = slow(&Arc::new(Semaphore::new(1))).await;
    assert!(client.resolve(&other.image(":v1")).await.is_ok(), "another registry has a queue of its own");
}
