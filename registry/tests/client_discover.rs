//! Finding signatures: complete, or with a gap that says what is missing.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod scripted;

use axum::response::Response;
use oci::{
    Descriptor, Digest, PinnedRef,
    location::{EMPTY_CONFIG, SIGNATURE_ANNOTATION, bundle_manifest, fallback_index},
    media_type::{BUNDLE, DSSE_ENVELOPE, OCI_INDEX, OCI_MANIFEST, SIMPLE_SIGNING},
};
use registry::{Client, Discovery, Item, Kind, Limits, RegistryError, Settings, Violation};
use scripted::*;
use verifier::Source;

const BUNDLE_BYTES: &[u8] = br#"{"mediaType":"a bundle"}"#;
const PAYLOAD: &[u8] = br#"{"critical":{}}"#;

fn subject() -> Descriptor {
    Descriptor::of(OCI_MANIFEST, b"image")
}

fn image(server: &Scripted) -> PinnedRef {
    PinnedRef::new(server.repository(), Digest::of(b"image"))
}

async fn discover(client: &Client, server: &Scripted) -> Discovery {
    client.discover(&image(server), &server.repository(), Kind::Signatures).await
}

fn referrer() -> Vec<u8> {
    bundle_manifest(BUNDLE_BYTES, &subject(), "https://p.test", "2026-01-01T00:00:00Z")
}

fn index_of(manifests: &[Vec<u8>]) -> Vec<u8> {
    let entries: Vec<_> = manifests.iter().map(|bytes| Descriptor::of(OCI_MANIFEST, bytes)).collect();
    fallback_index(&entries)
}

fn signature_layer(payload: &[u8], signature: &str) -> Descriptor {
    let mut layer = Descriptor::of(SIMPLE_SIGNING, payload);
    layer.annotations.insert(SIGNATURE_ANNOTATION.into(), signature.into());
    layer
}

/// Serves blobs and manifests by digest from these bytes.
fn content(seen: &Seen, all: &[&[u8]]) -> Option<Response> {
    let name = seen.path.rsplit('/').next()?;
    let bytes = all.iter().find(|bytes| Digest::of(bytes).to_string() == name)?;
    let kind = if seen.path.contains("/manifests/") { OCI_MANIFEST } else { "application/octet-stream" };
    Some(ok(kind, bytes.to_vec()))
}

fn is_sig(seen: &Seen) -> bool {
    seen.path.ends_with(".sig")
}

fn is_att(seen: &Seen) -> bool {
    seen.path.ends_with(".att")
}

fn is_fallback(seen: &Seen) -> bool {
    seen.path.contains("/manifests/sha256-") && !is_sig(seen) && !is_att(seen)
}

fn is_api(seen: &Seen) -> bool {
    seen.path.contains("/referrers/")
}

fn sources(discovery: &Discovery) -> Vec<Source> {
    discovery.found.signatures.iter().map(|signature| signature.place().source).collect()
}

/// What a signature holds is private to its checker; its debug form tells the place alone. So what was handed on is
/// told by what the checker says of it.
fn faults(discovery: Discovery, server: &Scripted) -> Vec<String> {
    let trust = verifier::TrustRoot::new(Vec::new());
    let now = rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
    let evidence = verifier::examine(&image(server), discovery.found, &trust, now);
    evidence.refused().iter().map(|refused| refused.fault.to_string()).collect()
}

#[tokio::test]
async fn both_formats_are_found_and_nothing_is_fetched_twice() {
    let twice = signature_manifest_twice();
    let server = Scripted::start(move |seen| {
        if is_sig(seen) {
            return ok(OCI_MANIFEST, twice.clone());
        }
        if is_api(seen) {
            return ok(OCI_INDEX, index_of(&[referrer()]));
        }
        content(seen, &[&referrer(), BUNDLE_BYTES, PAYLOAD]).unwrap_or_else(|| status(404))
    })
    .await;
    let discovery = discover(&client(), &server).await;
    assert_eq!(sources(&discovery), [Source::SignatureTag, Source::SignatureTag, Source::Referrers]);
    assert!(discovery.found.gaps.is_empty() && discovery.errors.is_empty());
    assert_eq!(discovery.found.signatures[1].place().index, 1);
    assert_eq!(server.count(&Digest::of(PAYLOAD).to_string()), 1, "two layers with one blob are one fetch");
    assert_eq!(server.seen().len(), 5, "{:?}", server.seen());
}

fn signature_manifest_twice() -> Vec<u8> {
    manifest(&[signature_layer(PAYLOAD, "one"), signature_layer(PAYLOAD, "two")])
}

#[tokio::test]
async fn nothing_anywhere_is_complete_and_empty() {
    let server = Scripted::start(|seen| match is_api(seen) {
        true => ok(OCI_INDEX, fallback_index(&[])),
        false => status(404),
    })
    .await;
    let discovery = discover(&client(), &server).await;
    assert!(discovery.found.signatures.is_empty() && discovery.found.gaps.is_empty());
    assert_eq!(server.seen().len(), 2, "no fallback tag where the API answers");
}

#[tokio::test]
async fn fallback_tag_is_read_where_the_api_is_missing_and_asked_for_at_once_afterwards() {
    for answer in ["404", "400", "405", "406", "501", "wrong type"] {
        let server = Scripted::start(move |seen| match answer {
            _ if is_fallback(seen) => ok(OCI_INDEX, index_of(&[referrer()])),
            "wrong type" if is_api(seen) => ok("text/html", "<html>"),
            code if is_api(seen) => status(code.parse().unwrap()),
            _ => content(seen, &[&referrer(), BUNDLE_BYTES]).unwrap_or_else(|| status(404)),
        })
        .await;
        let client = client();
        for _ in 0..2 {
            let discovery = discover(&client, &server).await;
            assert_eq!(sources(&discovery), [Source::FallbackTag], "{answer}");
            assert!(discovery.found.gaps.is_empty(), "{answer}");
        }
    }
}

#[tokio::test]
async fn failure_of_any_source_is_a_gap_and_never_no_signature() {
    for (code, retries) in [(401, 1), (403, 1), (429, 1), (500, 1)] {
        for failing in [Source::SignatureTag, Source::AttestationTag, Source::Referrers, Source::FallbackTag] {
            let server = Scripted::start(move |seen| {
                let (sig, api, fallback) = (is_sig(seen), is_api(seen), is_fallback(seen));
                let fails = match failing {
                    Source::SignatureTag => sig,
                    Source::AttestationTag => is_att(seen),
                    Source::Referrers => api,
                    Source::FallbackTag => fallback,
                };
                match fails {
                    true => with(code, &[("retry-after", "60")], ""),
                    false => status(404),
                }
            })
            .await;
            let kind = match failing {
                Source::AttestationTag => Kind::Attestations,
                _ => Kind::Signatures,
            };
            let discovery = client().discover(&image(&server), &server.repository(), kind).await;
            assert_eq!(discovery.found.gaps.len(), 1, "{code} {failing}: {:?}", discovery.found.gaps);
            assert_eq!(discovery.found.gaps[0].source, failing, "{code}");
            assert_eq!(discovery.found.gaps[0].why, discovery.errors[0].to_string());
            let failed = server.seen().iter().filter(|seen| is_sig(seen) || is_att(seen)).count();
            assert!(failed <= retries, "{code} {failing}: asked {failed} times");
        }
    }
}

#[tokio::test]
async fn gap_in_one_source_does_not_hide_the_other() {
    let server = Scripted::start(|seen| match seen {
        seen if is_sig(seen) => status(403),
        seen if is_api(seen) => ok(OCI_INDEX, index_of(&[referrer()])),
        seen => content(seen, &[&referrer(), BUNDLE_BYTES]).unwrap_or_else(|| status(404)),
    })
    .await;
    let discovery = discover(&client(), &server).await;
    assert_eq!(sources(&discovery), [Source::Referrers]);
    assert!(matches!(discovery.errors[..], [RegistryError::Denied { status: 403, .. }]));
}

#[tokio::test]
async fn listed_but_absent_or_altered_is_unreadable_and_no_gap() {
    let altered = bundle_manifest(b"altered", &subject(), "https://p.test", "x");
    let lost = bundle_manifest(b"lost", &subject(), "https://p.test", "x");
    let unlisted = bundle_manifest(b"no manifest", &subject(), "https://p.test", "x");
    let index = index_of(&[altered.clone(), lost.clone(), unlisted]);
    let server = Scripted::start(move |seen| match seen {
        seen if is_api(seen) => ok(OCI_INDEX, index.clone()),
        seen if seen.path.ends_with(&Digest::of(b"altered").to_string()) => ok("x", "ALTERED"),
        seen => content(seen, &[&altered, &lost]).unwrap_or_else(|| status(404)),
    })
    .await;
    let discovery = discover(&client(), &server).await;
    assert!(discovery.found.gaps.is_empty(), "{:?}", discovery.found.gaps);
    let faults = faults(discovery, &server);
    assert_eq!(faults.len(), 3);
    assert!(faults[0].contains("digest"), "{faults:?}");
    assert!(faults[1].contains("blob is listed, but absent"), "{faults:?}");
    assert!(faults[2].contains("manifest is listed, but absent"), "{faults:?}");
}

#[tokio::test]
async fn descriptor_that_lies_about_type_and_annotations_is_opened_all_the_same() {
    let mut entry = Descriptor::of(OCI_MANIFEST, &referrer());
    entry.artifact_type = Some("application/vnd.oci.empty.v1+json".into());
    let index = fallback_index(&[entry]);
    let server = Scripted::start(move |seen| match is_api(seen) {
        true => ok(OCI_INDEX, index.clone()),
        false => content(seen, &[&referrer(), BUNDLE_BYTES]).unwrap_or_else(|| status(404)),
    })
    .await;
    assert_eq!(sources(&discover(&client(), &server).await), [Source::Referrers]);
}

#[tokio::test]
async fn other_peoples_artifacts_are_passed_over() {
    let other = manifest(&[Descriptor::of("application/spdx+json", b"{}")]);
    let old = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[]}"#.to_vec();
    let index = index_of(&[other.clone(), old.clone(), index_of(&[])]);
    let server = Scripted::start(move |seen| match is_api(seen) {
        true => ok(OCI_INDEX, index.clone()),
        false if seen.path.ends_with(&Digest::of(&index_of(&[])).to_string()) => ok(OCI_INDEX, index_of(&[])),
        false if seen.path.ends_with(&Digest::of(&old).to_string()) => ok("x", old.clone()),
        false => content(seen, &[&other]).unwrap_or_else(|| status(404)),
    })
    .await;
    let discovery = discover(&client(), &server).await;
    assert!(discovery.found.signatures.is_empty());
    assert!(discovery.found.gaps.is_empty(), "{:?}", discovery.found.gaps);
}

#[tokio::test]
async fn signature_layers_are_found_in_referrers_and_a_bundle_must_be_alone() {
    let layers = manifest(&[signature_layer(PAYLOAD, "x")]);
    let crowd = manifest(&[Descriptor::of(BUNDLE, BUNDLE_BYTES), Descriptor::of(BUNDLE, EMPTY_CONFIG)]);
    let index = index_of(&[layers.clone(), crowd.clone()]);
    let server = Scripted::start(move |seen| match is_api(seen) {
        true => ok(OCI_INDEX, index.clone()),
        false => content(seen, &[&layers, &crowd, PAYLOAD]).unwrap_or_else(|| status(404)),
    })
    .await;
    let discovery = discover(&client(), &server).await;
    assert_eq!(sources(&discovery), [Source::Referrers, Source::Referrers]);
    assert!(faults(discovery, &server).iter().any(|fault| fault.contains("2 layers")));
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let second = bundle_manifest(b"second", &subject(), "https://p.test", "x");
    let last = second.clone();
    let server = Scripted::start(move |seen| match seen {
        seen if seen.path.ends_with("?n=2") => ok(OCI_INDEX, index_of(&[last.clone(), referrer()])),
        seen if is_api(seen) => {
            let link = format!("<{}?n=2>; rel=\"next\"", seen.path);
            with(200, &[("content-type", OCI_INDEX), ("link", &link)], index_of(&[referrer()]))
        }
        _ => status(404),
    })
    .await;
    let all = client().referrers(&image(&server)).await.unwrap();
    let digests: Vec<_> = all.iter().map(|entry| entry.digest.sha256().unwrap()).collect();
    assert_eq!(digests, [Digest::of(&referrer()), Digest::of(&second)], "each once");
}

#[tokio::test]
async fn link_to_another_host_or_repository_is_not_followed() {
    let elsewhere = Scripted::start(|_| ok(OCI_INDEX, fallback_index(&[]))).await;
    for link in [format!("http://{}/v2/a/referrers/x", elsewhere.address), "/v2/other/referrers/x".to_owned()] {
        let server = Scripted::start(move |_| {
            let link = format!("<{link}>; rel=\"next\"");
            with(200, &[("content-type", OCI_INDEX), ("link", &link)], fallback_index(&[]))
        })
        .await;
        let error = client().referrers(&image(&server)).await.unwrap_err();
        assert!(matches!(error, RegistryError::Violation { violation: Violation::ForeignLink { .. }, .. }), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn pages_in_a_circle_and_pages_without_end_are_errors() {
    let circle = Scripted::start(|seen| {
        let link = format!("<{}>; rel=\"next\"", seen.path);
        with(200, &[("content-type", OCI_INDEX), ("link", &link)], fallback_index(&[]))
    })
    .await;
    let error = client().referrers(&image(&circle)).await.unwrap_err();
    assert!(matches!(error, RegistryError::Violation { violation: Violation::LinkLoop, .. }), "{error}");
    let endless = Scripted::start(|seen| {
        let link = format!("<{}?x>; rel=\"next\"", seen.path);
        with(200, &[("content-type", OCI_INDEX), ("link", &link)], fallback_index(&[]))
    })
    .await;
    let error = client().referrers(&image(&endless)).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooMany { item: Item::Pages, limit: 32, .. }), "{error}");
}

#[tokio::test]
async fn later_page_that_fails_is_an_error_and_not_a_shorter_list() {
    let server = Scripted::start(|seen| match seen.path.ends_with("?n=2") {
        true => status(404),
        false => {
            let link = format!("<{}?n=2>; rel=\"next\"", seen.path);
            with(200, &[("content-type", OCI_INDEX), ("link", &link)], index_of(&[referrer()]))
        }
    })
    .await;
    assert!(matches!(client().referrers(&image(&server)).await, Err(RegistryError::Failed { status: 404, .. })));
}

#[tokio::test]
async fn limits_on_referrers_layers_and_bytes_leave_gaps() {
    let limits = |limits| client_with(Settings { limits, ..Settings::default() });
    let server = Scripted::start(|seen| match seen {
        seen if is_sig(seen) => ok(OCI_MANIFEST, signature_manifest_twice()),
        seen if is_api(seen) => ok(OCI_INDEX, index_of(&[referrer(), manifest(&[])])),
        seen => content(seen, &[&referrer(), &manifest(&[]), BUNDLE_BYTES, PAYLOAD]).unwrap_or_else(|| status(404)),
    })
    .await;
    for (limits, item, found) in [
        (limits(Limits { referrers: 1, ..Limits::default() }), Item::Referrers, 2),
        (limits(Limits { signature_layers: 1, ..Limits::default() }), Item::SignatureLayers, 2),
        (limits(Limits { signatures_total: 50, ..Limits::default() }), Item::SignatureBytes, 2),
    ] {
        let discovery = discover(&limits, &server).await;
        let [RegistryError::TooMany { item: hit, .. }] = discovery.errors[..] else { panic!("{:?}", discovery.errors) };
        assert_eq!((hit, discovery.found.signatures.len()), (item, found));
    }
}

#[tokio::test]
async fn words_about_unreadable_signatures_are_short_and_count_as_bytes_kept() {
    let huge = "k".repeat(100_000);
    let twice = format!(r#"{{"schemaVersion":2,"{huge}":1,"{huge}":2}}"#).into_bytes();
    let index = index_of(std::slice::from_ref(&twice));
    let server = Scripted::start(move |seen| match seen {
        seen if is_api(seen) => ok(OCI_INDEX, index.clone()),
        seen => content(seen, &[&twice]).unwrap_or_else(|| status(404)),
    })
    .await;
    let [fault] = &faults(discover(&client(), &server).await, &server)[..] else { panic!("one was listed") };
    assert!(fault.contains("stands twice") && fault.len() < 300, "{} bytes: {fault}", fault.len());
    let limits = Limits { signatures_total: 100, ..Limits::default() };
    let discovery = discover(&client_with(Settings { limits, ..Settings::default() }), &server).await;
    assert!(matches!(discovery.errors[..], [RegistryError::TooMany { item: Item::SignatureBytes, .. }]));
    assert!(discovery.found.signatures.is_empty());
}

#[tokio::test]
async fn words_about_a_blob_that_is_not_there_count_as_bytes_kept() {
    let server = Scripted::start(|seen| match is_sig(seen) {
        true => ok(OCI_MANIFEST, manifest(&[signature_layer(PAYLOAD, "x")])),
        false => status(404),
    })
    .await;
    for (signatures_total, found, gaps) in [(PAYLOAD.len() as u64, 0, 1), (1000, 1, 0)] {
        let limits = Limits { signatures_total, ..Limits::default() };
        let discovery = discover(&client_with(Settings { limits, ..Settings::default() }), &server).await;
        assert_eq!((discovery.found.signatures.len(), discovery.errors.len()), (found, gaps), "{signatures_total}");
    }
}

#[tokio::test]
async fn signatures_may_be_stored_in_another_repository() {
    let server = Scripted::start(|_| status(404)).await;
    let stored_in = format!("{}/signatures", server.address).parse().unwrap();
    client().discover(&image(&server), &stored_in, Kind::Signatures).await;
    assert_eq!(server.count("/v2/a/"), 0);
    assert_eq!(server.count("/v2/signatures/"), 3);
}

#[tokio::test]
async fn attestations_take_as_many_requests_as_signatures_and_leave_those_alone() {
    let server = Scripted::start(|seen| {
        let mut envelope = Descriptor::of(DSSE_ENVELOPE, PAYLOAD);
        envelope.annotations.insert("predicateType".into(), "https://p.test".into());
        if is_att(seen) || is_sig(seen) {
            return ok(OCI_MANIFEST, manifest(&[signature_layer(b"never fetched", "one"), envelope]));
        }
        if is_api(seen) {
            return ok(OCI_INDEX, index_of(&[referrer(), manifest(&[signature_layer(b"never fetched", "two")])]));
        }
        let foreign = manifest(&[signature_layer(b"never fetched", "two")]);
        content(seen, &[&referrer(), &foreign, BUNDLE_BYTES, PAYLOAD]).unwrap_or_else(|| status(404))
    })
    .await;
    let discovery = client().discover(&image(&server), &server.repository(), Kind::Attestations).await;
    assert_eq!(sources(&discovery), [Source::AttestationTag, Source::Referrers]);
    assert_eq!(discovery.found.signatures[0].place().index, 1);
    assert!(discovery.errors.is_empty());
    assert!(!server.seen().iter().any(is_sig), "{:?}", server.seen());
    assert_eq!(server.seen().len(), 6, "{:?}", server.seen());
    // the bytes are an envelope's, the annotations its layer's
    assert!(faults(discovery, &server)[0].starts_with("envelope: unknown member `critical`"));
}

#[tokio::test]
async fn envelope_may_be_as_large_as_a_bundle_and_no_larger() {
    let blob = vec![b'x'; 2000];
    let layer = Descriptor::of(DSSE_ENVELOPE, &blob);
    let server = Scripted::start(move |seen| match is_att(seen) {
        true => ok(OCI_MANIFEST, manifest(std::slice::from_ref(&layer))),
        false => content(seen, &[&blob]).unwrap_or_else(|| status(404)),
    })
    .await;
    for (bundle, wanted) in [(2000, "envelope is not strict JSON"), (1999, "cannot be read")] {
        let limits = Limits { payload: 1, bundle, ..Limits::default() };
        let client = client_with(Settings { limits, ..Settings::default() });
        let discovery = client.discover(&image(&server), &server.repository(), Kind::Attestations).await;
        let fault = &faults(discovery, &server)[0];
        assert!(fault.starts_with(wanted), "{fault}");
    }
}
