//! Memory stays bounded whatever a registry answers. One test, since it looks at the whole process.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]
#![cfg(target_os = "linux")]

mod scripted;

use oci::{
    Descriptor, Digest, PinnedRef,
    location::fallback_index,
    media_type::{BUNDLE, OCI_INDEX, OCI_MANIFEST, SIMPLE_SIGNING},
};
use scripted::*;

#[tokio::test]
async fn floods_of_every_kind_cost_less_than_32_mebibytes() {
    let layer = |n: u64| Descriptor {
        digest: Digest::of(&n.to_be_bytes()).into(),
        size: 1 << 20,
        ..Descriptor::of(SIMPLE_SIGNING, b"")
    };
    let layers = manifest(&(0..1000).map(layer).collect::<Vec<_>>());
    let bundle = manifest(&[Descriptor { size: 8 << 20, ..Descriptor::of(BUNDLE, b"x") }]);
    let index = fallback_index(&[Descriptor::of(OCI_MANIFEST, &bundle)]);
    let server = Scripted::start(move |seen| match seen.path.as_str() {
        path if path.contains("/token") => ok("application/json", endless(Default::default())),
        path if path.contains("/manifests/denied") => {
            let text = format!(r#"Bearer realm="http://{}/token""#, seen.host);
            with(401, &[("www-authenticate", &text)], endless(Default::default()))
        }
        path if path.contains("/manifests/error") => with(400, &[], endless(Default::default())),
        path if path.ends_with(".sig") => ok(OCI_MANIFEST, layers.clone()),
        path if path.contains("/referrers/") => ok(OCI_INDEX, index.clone()),
        path if path.ends_with(&Digest::of(&bundle).to_string()) => ok(OCI_MANIFEST, bundle.clone()),
        _ => ok(OCI_MANIFEST, endless(Default::default())),
    })
    .await;
    let client = client();
    let image = server.image(":v1");
    let before = peak();
    for tag in [":v1", ":denied", ":error"] {
        assert!(client.resolve(&server.image(tag)).await.is_err(), "{tag}");
    }
    let all = (0..50).map(|_| client.resolve(&image));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_err));
    let pinned = PinnedRef::new(server.repository(), Digest::of(b"image"));
    let discovery = client.discover(&pinned, &server.repository(), registry::Kind::Signatures).await;
    assert!(!discovery.errors.is_empty());
    let grown = peak() - before;
    assert!(grown < 32 * 1024, "{grown} KiB, the server's buffers included");
}

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
